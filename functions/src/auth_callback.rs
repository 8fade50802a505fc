//! `auth-callback`: what comes back from a provider, and its completion by the owner (SECURITY.md S1.5–7).

mod back;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use shared::{
    app::App,
    connect::{self, link::Linked},
    ids::Provider,
};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    extract::{Json, PathId, Person, Query},
    problem::Problem,
};

/// The routes of this function.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(microsoft_callback))
        .routes(routes!(provider_callback))
        .routes(routes!(complete_connecting))
}

/// What a provider sends back (RFC 6749, section 4.1.2; RFC 9207).
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Sent {
    /// Names the flow; single use.
    state: Option<String>,
    /// The authorization code.
    code: Option<String>,
    /// The provider's refusal.
    error: Option<String>,
    /// The provider's issuer.
    iss: Option<String>,
}

/// The handle of a flow that waits for its owner.
#[derive(Deserialize, ToSchema)]
struct Completion {
    /// From the fragment of the return URL: `#handle=…`.
    handle: String,
}

/// A connection that was made.
#[derive(Serialize, ToSchema)]
struct Completed {
    /// Always true.
    connected: bool,
    /// The provider.
    #[schema(value_type = String, example = "google")]
    provider: Provider,
    /// The account's address.
    account_email: Option<String>,
    /// The connection.
    connection_id: String,
}

/// Takes Microsoft's answer.
#[utoipa::path(get, path = "/calendar/auth/callback", tag = "connect", params(Sent), responses(
    (status = 303, description = "Back to the front end with `auth=success&email=…`, `auth=confirm#handle=…` or `auth=error&code=…`",
     headers(("Location" = String))),
    (status = 200, description = "When JSON is preferred and the owner was proved", body = back::Success)))]
async fn microsoft_callback(
    State(app): State<App>,
    Query(sent): Query<Sent>,
    headers: HeaderMap,
) -> Response {
    back::answer(&app, Some(Provider::Microsoft), sent, &headers).await
}

/// Takes a provider's answer.
#[utoipa::path(get, path = "/calendar/auth/callback/{provider}", tag = "connect",
    params(Sent, ("provider" = String, Path, description = "The provider")), responses(
    (status = 303, description = "Back to the front end, as for Microsoft", headers(("Location" = String))),
    (status = 200, description = "When JSON is preferred and the owner was proved", body = back::Success)))]
async fn provider_callback(
    State(app): State<App>,
    PathId(provider): PathId,
    Query(sent): Query<Sent>,
    headers: HeaderMap,
) -> Response {
    match provider.parse() {
        Ok(provider) => back::answer(&app, Some(provider), sent, &headers).await,
        Err(_) => Problem::NO_ROUTE.into_response(),
    }
}

/// Proves that a flow belongs to the caller; only then is the code redeemed.
#[utoipa::path(post, path = "/calendar/auth/complete", tag = "connect", request_body = Completion,
    responses((status = 200, description = "Connected", body = Completed)), security(("clerk_session" = [])))]
async fn complete_connecting(
    State(app): State<App>,
    Person(caller): Person,
    Json(completion): Json<Completion>,
) -> Result<axum::Json<Completed>, Problem> {
    let Linked { connection, provider, account_email } =
        connect::complete(&app, &caller, &completion.handle).await?;
    Ok(axum::Json(Completed {
        connected: true,
        provider,
        account_email,
        connection_id: connection.to_string(),
    }))
}
