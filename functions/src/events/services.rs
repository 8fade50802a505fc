//! What the owner can be booked for.

use axum::{Json as Answer, extract::State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::{
    app::App,
    error::{Error, Result},
    service::{Service, ServiceId},
    services,
};
use utoipa::ToSchema;

use super::wire::user_id;
use crate::{
    extract::{Acting, ForWhom, Json, PathId},
    problem::Problem,
};

/// A service, whole.
#[derive(Deserialize, ToSchema)]
pub(crate) struct ServiceBody {
    /// What people read.
    #[schema(min_length = 1, max_length = 200, example = "Haircut")]
    name: String,
    /// How long it takes.
    #[schema(minimum = 5, maximum = 1440, example = 30)]
    duration_minutes: u32,
    /// Kept free before it; the schedule's when it is not said.
    #[schema(minimum = 0, maximum = 1440)]
    buffer_before_minutes: Option<u32>,
    /// Kept free after it; the schedule's when it is not said.
    #[schema(minimum = 0, maximum = 1440)]
    buffer_after_minutes: Option<u32>,
    /// What it costs, in words.
    #[schema(min_length = 1, max_length = 200, example = "from 25 €")]
    price_text: Option<String>,
    /// What a voice says instead of the name.
    #[schema(min_length = 1, max_length = 200)]
    spoken_name: Option<String>,
    /// Whether it can be booked; yes when it is not said.
    active: Option<bool>,
}

/// A service.
#[derive(Serialize, ToSchema)]
pub(crate) struct ServiceView {
    /// Its id.
    #[schema(example = "haircut")]
    id: String,
    /// What people read.
    name: String,
    /// How long it takes.
    #[schema(minimum = 5, maximum = 1440)]
    duration_minutes: u32,
    /// Kept free before it; the schedule's when it is null.
    buffer_before_minutes: Option<u32>,
    /// Kept free after it; the schedule's when it is null.
    buffer_after_minutes: Option<u32>,
    /// What it costs, in words.
    price_text: Option<String>,
    /// What a voice says instead of the name.
    spoken_name: Option<String>,
    /// Whether it can be booked.
    active: bool,
}

/// Every service.
#[derive(Serialize, ToSchema)]
pub(crate) struct Services {
    /// Always `success`.
    status: &'static str,
    /// The Clerk user, or the tenant that was asked for.
    user_id: String,
    /// By id.
    services: Vec<ServiceView>,
}

/// Lists what the owner can be booked for, inactive services among them.
#[utoipa::path(get, path = "/calendar/services", tag = "schedule", params(ForWhom),
    responses((status = 200, description = "The services", body = Services)), security(("clerk_session" = [])))]
pub(crate) async fn list_services(
    State(app): State<App>,
    Acting(owner): Acting,
) -> Result<Answer<Services>, Problem> {
    let services = app.store.owner_rows(&owner).await?.services.into_iter().map(ServiceView::from).collect();
    Ok(Answer(Services { status: "success", user_id: user_id(&owner), services }))
}

/// Reads one service.
#[utoipa::path(get, path = "/calendar/services/{id}", tag = "schedule",
    params(("id" = String, Path, description = "The service's id"), ForWhom),
    responses((status = 200, description = "The service", body = ServiceView)), security(("clerk_session" = [])))]
pub(crate) async fn get_service(
    State(app): State<App>,
    Acting(owner): Acting,
    PathId(id): PathId,
) -> Result<Answer<ServiceView>, Problem> {
    let id = known(&id)?;
    let rows = app.store.owner_rows(&owner).await?;
    let service = rows.service(&id).ok_or(Error::NotFound("service"))?;
    Ok(Answer(service.clone().into()))
}

/// Sets a service, whole; the caller chooses its id.
#[utoipa::path(put, path = "/calendar/services/{id}", tag = "schedule", request_body = ServiceBody,
    params(("id" = String, Path, pattern = "^[a-z0-9][a-z0-9_-]{0,63}$", description = "The service's id"), ForWhom),
    responses((status = 200, description = "As it is stored", body = ServiceView)),
    security(("clerk_session" = [])))]
pub(crate) async fn put_service(
    State(app): State<App>,
    Acting(owner): Acting,
    PathId(id): PathId,
    Json(body): Json<ServiceBody>,
) -> Result<Answer<ServiceView>, Problem> {
    let service = services::put_service(&app, &owner, body.named(id.parse()?)).await?;
    Ok(Answer(service.into()))
}

/// Takes a service away; its appointments stay. One that is gone is taken away.
#[utoipa::path(delete, path = "/calendar/services/{id}", tag = "schedule",
    params(("id" = String, Path, description = "The service's id"), ForWhom),
    responses((status = 204, description = "Gone")), security(("clerk_session" = [])))]
pub(crate) async fn delete_service(
    State(app): State<App>,
    Acting(owner): Acting,
    PathId(id): PathId,
) -> Result<StatusCode, Problem> {
    services::delete_service(&app, &owner, &known(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What cannot be an id was never one of a service.
fn known(id: &str) -> Result<ServiceId> {
    id.parse().map_err(|_| Error::NotFound("service"))
}

impl ServiceBody {
    fn named(self, id: ServiceId) -> Service {
        Service {
            id,
            name: self.name,
            duration_minutes: self.duration_minutes,
            buffer_before_minutes: self.buffer_before_minutes,
            buffer_after_minutes: self.buffer_after_minutes,
            price_text: self.price_text,
            spoken_name: self.spoken_name,
            active: self.active.unwrap_or(true),
        }
    }
}

impl From<Service> for ServiceView {
    fn from(service: Service) -> Self {
        Self {
            id: service.id.to_string(),
            name: service.name,
            duration_minutes: service.duration_minutes,
            buffer_before_minutes: service.buffer_before_minutes,
            buffer_after_minutes: service.buffer_after_minutes,
            price_text: service.price_text,
            spoken_name: service.spoken_name,
            active: service.active,
        }
    }
}
