//! `users`: the signed-in user.

use axum::{Json, extract::State};
use jiff::Timestamp;
use serde::Serialize;
use shared::{
    app::App,
    ids::{OwnerId, Provider},
    store::directory::Role,
    users::{self, Me},
};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{extract::Person, problem::Problem};

/// The routes of this function.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(get_me))
}

/// A user as he sees himself.
#[derive(Serialize, ToSchema)]
struct User {
    /// Our id.
    #[schema(example = "user:user_2abcDEF")]
    id: String,
    /// Clerk's id.
    #[schema(example = "user_2abcDEF")]
    clerk_user_id: String,
    /// Primary e-mail address.
    email: Option<String>,
    /// First name.
    first_name: Option<String>,
    /// Last name.
    last_name: Option<String>,
    /// When Clerk made the user.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When Clerk last changed him.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// Whether a Microsoft connection works.
    microsoft_calendar_connected: bool,
    /// Whether a Google connection works.
    google_calendar_connected: bool,
    /// The tenants he acts for.
    memberships: Vec<Part>,
}

/// A part in a tenant.
#[derive(Serialize, ToSchema)]
struct Part {
    /// The tenant, as in `?owner=`.
    #[schema(value_type = String, example = "business:org_2abc")]
    tenant: OwnerId,
    /// `admin` or `member`.
    #[schema(value_type = String, example = "admin")]
    role: Role,
}

/// The signed-in user; a session without a row gets one.
#[utoipa::path(get, path = "/users/me", tag = "users",
    responses((status = 200, description = "The user", body = User)), security(("clerk_session" = [])))]
async fn get_me(State(app): State<App>, Person(caller): Person) -> Result<Json<User>, Problem> {
    Ok(Json(shown(users::me(&app, &caller.id).await?)))
}

fn shown(me: Me) -> User {
    let connected = |provider| me.connected.contains(&provider);
    let memberships = me.memberships.into_iter().map(|part| Part { tenant: part.tenant, role: part.role });
    User {
        id: format!("user:{}", me.clerk_id),
        microsoft_calendar_connected: connected(Provider::Microsoft),
        google_calendar_connected: connected(Provider::Google),
        clerk_user_id: me.clerk_id,
        email: me.email,
        first_name: me.first_name,
        last_name: me.last_name,
        created_at: me.created_at,
        updated_at: me.updated_at,
        memberships: memberships.collect(),
    }
}
