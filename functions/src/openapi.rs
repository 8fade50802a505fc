//! The OpenAPI 3.1 document of all functions, from the handlers themselves.

use serde::Serialize;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Components, ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Ref, RefOr,
        ResponseBuilder, ServerBuilder,
        path::{Operation, PathItem},
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
        tag::TagBuilder,
    },
};

use crate::{Function, problem::Face};

/// Why a request was refused: problem details (RFC 9457). A fault of ours carries `code` and `request_id` alone.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody {
    /// Stable, in snake_case; programs decide by it.
    #[schema(example = "invalid_field")]
    code: String,
    /// Names the request in the log.
    request_id: String,
    /// Always `about:blank`: the code tells more.
    #[schema(required = false)]
    r#type: String,
    /// The status in words.
    #[schema(required = false)]
    title: String,
    /// The status.
    #[schema(required = false, example = 422)]
    status: u16,
    /// What is wrong, in a sentence.
    #[schema(required = false)]
    detail: String,
    /// The field that is wrong.
    field: Option<String>,
    /// Where to connect a calendar.
    reconnect_url: Option<String>,
    /// Free times near the one that is taken.
    alternatives: Option<Vec<Alternative>>,
}

/// A free time.
#[derive(Serialize, ToSchema)]
pub(crate) struct Alternative {
    /// Start (RFC 3339).
    start: String,
    /// End (RFC 3339).
    end: String,
    /// Books or holds exactly this slot, for 15 minutes.
    slot: String,
}

/// What API Gateway itself answers; HTTP APIs cannot customise it.
#[derive(Serialize, ToSchema)]
struct GatewayAnswer {
    /// Such as `Unauthorized`.
    #[schema(example = "Forbidden")]
    message: String,
}

/// Groups of routes, in the order in which they are shown.
const TAGS: [(&str, &str); 10] = [
    ("connect", "Connecting a calendar: a visit to the start, the provider's consent, the owner's proof"),
    ("connections", "What is connected, and which calendars count"),
    ("events", "Events, free slots and busy times"),
    ("bookings", "Holds and bookings: made, moved and called off under one id"),
    ("businesses", "Businesses: their calendars, whether a time is free, and their bookings"),
    ("schedule", "When and for what an owner can be booked"),
    ("users", "The signed-in user"),
    ("voice", "The voice agent's calls"),
    ("webhooks", "What other systems tell"),
    ("service", "Health and documentation"),
];

/// The document of every route of every function.
pub fn document() -> OpenApi {
    let mut document = OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Slotline")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some("The calendar backend for voice agents: people connect their calendar once, an agent offers real free slots and books them."))
                .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()))
                .build(),
        )
        .servers(Some([ServerBuilder::new().url("/").description(Some("This API")).build()]))
        .tags(Some(TAGS.map(|(name, text)| TagBuilder::new().name(name).description(Some(text)).build())))
        .build();
    for function in Function::ALL {
        document.merge(function.routes().into_openapi());
    }
    let components = document.components.get_or_insert_with(Components::new);
    for (name, text) in [
        ("clerk_session", "A Clerk session token of the signed-in user"),
        ("service_token", "A service token `slk_<id>_<secret>` with the scope that the route names"),
    ] {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(text)).build();
        components.add_security_scheme(name, SecurityScheme::Http(scheme));
    }
    components.schemas.insert("Problem".into(), ProblemBody::schema());
    components.schemas.insert("Alternative".into(), Alternative::schema());
    components.schemas.insert("GatewayAnswer".into(), GatewayAnswer::schema());
    for (path, item) in &mut document.paths.paths {
        let face = Face::of(path);
        operations(item).for_each(|operation| complete(operation, face));
    }
    document
}

/// The operations of a path.
fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    [get, put, post, delete, patch].into_iter().flatten()
}

/// The refusals that every route of a kind can answer.
fn complete(operation: &mut Operation, face: Face) {
    let guarded = operation.security.is_some();
    let mut refusals =
        vec![("500", "A fault of ours"), ("503", "Something we need cannot answer; see Retry-After")];
    if operation.parameters.is_some() || operation.request_body.is_some() {
        let status = match face {
            Face::Calendar => "422",
            Face::Business => "400",
        };
        refusals.push((status, "A field is wrong; it is named"));
    }
    if operation.request_body.is_some() {
        refusals.extend([
            ("400", "The body is not JSON"),
            ("413", "The body is too large"),
            ("415", "The body is not application/json"),
        ]);
    }
    if guarded {
        refusals.extend([
            ("401", "No token, or one that has expired"),
            ("404", "No such thing, or somebody else's"),
            ("409", "The state of the world forbids it; the code says why"),
            ("502", "A provider refused us"),
        ]);
        let refused = answer("The gateway refused the token", "application/json", "GatewayAnswer");
        operation.responses.responses.entry("403".into()).or_insert(refused);
    }
    for (status, text) in refusals {
        let response = answer(text, face.content_type(), "Problem");
        operation.responses.responses.entry(status.into()).or_insert(response);
    }
    let response = answer("Too often; see Retry-After", face.content_type(), "Problem");
    operation.responses.responses.entry("429".into()).or_insert(response);
}

fn answer(text: &str, content_type: &str, schema: &str) -> RefOr<utoipa::openapi::Response> {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(schema))).build();
    RefOr::T(ResponseBuilder::new().description(text).content(content_type, content).build())
}

#[cfg(test)]
#[path = "openapi/tests.rs"]
mod tests;
