//! `clerk-webhook`: what Clerk tells about users and organisations, signed over the raw body.

use axum::{
    Json,
    extract::{Request, State},
};
use serde::Serialize;
use shared::{app::App, users};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    extract::{MOST_BYTES, raw},
    problem::Problem,
};

/// The routes of this function.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(take_clerk_webhook))
}

/// A delivery that was taken.
#[derive(Serialize, ToSchema)]
struct Received {
    /// Always true.
    received: bool,
}

/// Takes a Clerk webhook. Repeats are harmless and the order does not matter.
#[utoipa::path(post, path = "/webhooks/clerk", tag = "webhooks",
    request_body(content = Object, description = "Clerk's envelope", content_type = "application/json"),
    params(("svix-id" = String, Header, description = "The delivery"),
        ("svix-timestamp" = String, Header, description = "When it was signed"),
        ("svix-signature" = String, Header, description = "Standard Webhooks signatures over the raw body")),
    responses((status = 200, description = "Taken, or of no interest", body = Received),
        (status = 401, description = "The signature is wrong", body = crate::openapi::ProblemBody)))]
async fn take_clerk_webhook(State(app): State<App>, request: Request) -> Result<Json<Received>, Problem> {
    let headers = request.headers().clone();
    let body = raw(request, MOST_BYTES).await?;
    users::clerk_webhook(&app, &headers, &body).await?;
    Ok(Json(Received { received: true }))
}
