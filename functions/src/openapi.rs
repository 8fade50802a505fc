//! The OpenAPI 3.1 document of all functions, from the handlers themselves.

use serde::Serialize;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Components, Content, InfoBuilder, LicenseBuilder, OneOfBuilder, OpenApi, OpenApiBuilder, Ref, RefOr,
        Response, ResponseBuilder, Schema, ServerBuilder,
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

/// The name of the schema of a refusal.
const PROBLEM: &str = "Problem";

/// The content type of what is no refusal, and of what the gateway says.
const JSON: &str = "application/json";

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
    components.schemas.insert(PROBLEM.into(), ProblemBody::schema());
    components.schemas.insert("Alternative".into(), Alternative::schema());
    components.schemas.insert("GatewayAnswer".into(), GatewayAnswer::schema());
    for (path, item) in &mut document.paths.paths {
        let face = Face::of(path);
        operations(item).for_each(|operation| complete(operation, face, path.contains('{')));
    }
    document
}

/// The operations of a path.
fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    [get, put, post, delete, patch].into_iter().flatten()
}

/// The refusals that every route of a kind can answer; `named`: its path holds an id.
fn complete(operation: &mut Operation, face: Face, named: bool) {
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
    if guarded || named {
        refusals.push(("404", "No such thing, or somebody else's"));
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
            ("401", "No token (the gateway's answer), or one that has expired"),
            ("403", "The gateway refused the token, or the token's kind or scopes are not enough"),
            ("409", "The state of the world forbids it; the code says why"),
            ("502", "A provider refused us"),
        ]);
    }
    refusals.push(("429", "Too often; see Retry-After"));
    for (status, text) in refusals {
        let gateways = guarded && ["401", "403"].contains(&status);
        let response = RefOr::T(if gateways { refused_before(text, face) } else { refused(text, face) });
        operation.responses.responses.entry(status.into()).or_insert(response);
    }
    for response in operation.responses.responses.values_mut() {
        retype(response, face);
    }
}

/// A refusal of a function's.
fn refused(text: &str, face: Face) -> Response {
    let content = Content::new(Some(Ref::from_schema_name(PROBLEM)));
    ResponseBuilder::new().description(text).content(face.content_type(), content).build()
}

/// A refusal that the gateway may make in its own shape before any function of ours is asked.
fn refused_before(text: &str, face: Face) -> Response {
    let mut response = refused(text, face);
    let gateways = Ref::from_schema_name("GatewayAnswer");
    let content = match face {
        Face::Calendar => Content::new(Some(gateways)),
        Face::Business => {
            let either = OneOfBuilder::new().item(Ref::from_schema_name(PROBLEM)).item(gateways);
            Content::new(Some(Schema::from(either)))
        }
    };
    response.content.insert(JSON.to_owned(), RefOr::T(content));
    response
}

/// Handlers declare a problem as a body like any other; it goes out under the content type of their face.
fn retype(response: &mut RefOr<Response>, face: Face) {
    let RefOr::T(response) = response else { return };
    let problem = RefOr::T(Content::new(Some(Ref::from_schema_name(PROBLEM))));
    if response.content.get(JSON) == Some(&problem) {
        response.content.shift_remove(JSON);
        response.content.insert(face.content_type().to_owned(), problem);
    }
}

#[cfg(test)]
#[path = "openapi/tests.rs"]
mod tests;
