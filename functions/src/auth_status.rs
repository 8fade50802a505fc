//! `auth-status`: what is connected and whether it works. One query; no provider, no KMS.

use axum::{Json, extract::State};
use shared::app::App;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    connection::{self, AuthStatus, Connections},
    extract::{Acting, ForWhom},
    problem::Problem,
};

/// The routes of this function.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(auth_status)).routes(routes!(list_connections))
}

/// Whether a calendar is connected, and every connection with what to do about it.
#[utoipa::path(get, path = "/calendar/auth/status", tag = "connections", params(ForWhom),
    responses((status = 200, description = "The state of the default connection and of all", body = AuthStatus)),
    security(("clerk_session" = [])))]
async fn auth_status(State(app): State<App>, Acting(owner): Acting) -> Result<Json<AuthStatus>, Problem> {
    let rows = app.store.owner_rows(&owner).await?;
    Ok(Json(AuthStatus::of(&app, &owner, &rows)))
}

/// Every connection.
#[utoipa::path(get, path = "/calendar/connections", tag = "connections", params(ForWhom),
    responses((status = 200, description = "The connections, oldest first", body = Connections)),
    security(("clerk_session" = [])))]
async fn list_connections(
    State(app): State<App>,
    Acting(owner): Acting,
) -> Result<Json<Connections>, Problem> {
    let rows = app.store.owner_rows(&owner).await?;
    Ok(Json(Connections { connections: connection::connections(&app, &owner, &rows) }))
}
