//! `events`: events of the connected calendars, free slots, free/busy, and when and for what the owner can be booked.

mod availability;
mod draft;
pub(crate) mod schedule;
mod services;
mod slot;
mod wire;

use axum::{
    Json as Answer,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use shared::{
    app::App,
    calendars::{self, EventsQuery, schedule_of},
    tokens::Patience,
};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    business,
    connections::connection_id,
    extract::{Acting, ForWhom, Json, PathId, Query, flag, idempotency_key, text},
    problem::Problem,
    window::Window,
};
use draft::{EventBody, EventPatchBody};
use wire::EventView;

/// The routes of this function.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(list_events, create_event))
        .routes(routes!(get_event, update_event, delete_event))
        .routes(routes!(availability::get_availability))
        .routes(routes!(availability::get_free_busy))
        .routes(routes!(schedule::get_schedule, schedule::put_schedule))
        .routes(routes!(services::list_services))
        .routes(routes!(services::get_service, services::put_service, services::delete_service))
        .merge(business::availability::routes())
}

/// How far a listing looks ahead when nothing is said.
const DEFAULT_DAYS: u32 = 14;

/// Which events.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Listing {
    /// Of this connection only.
    connection_id: Option<String>,
    /// The `next_cursor` of an earlier answer.
    cursor: Option<String>,
    /// Cancelled and declined events as well.
    #[param(value_type = Option<bool>)]
    include_cancelled: Option<String>,
}

/// A page of events.
#[derive(Serialize, ToSchema)]
struct Events {
    /// Always `success`.
    status: &'static str,
    /// The Clerk user, or the tenant that was asked for.
    user_id: String,
    /// In order of their start; series as single occurrences.
    events: Vec<EventView>,
    /// How many are on this page.
    total_events: usize,
    /// Leads to more of them.
    next_cursor: Option<String>,
}

/// An event that was written.
#[derive(Serialize, ToSchema)]
struct Written {
    /// Always `success`.
    status: &'static str,
    /// The same in a sentence.
    message: &'static str,
    /// The event.
    event: EventView,
}

/// Lists events of every connected calendar that counts.
#[utoipa::path(get, path = "/calendar/events", tag = "events", params(Window, Listing, ForWhom),
    responses((status = 200, description = "A page of events", body = Events)), security(("clerk_session" = [])))]
async fn list_events(
    State(app): State<App>,
    Acting(owner): Acting,
    Query(window): Query<Window>,
    Query(listing): Query<Listing>,
) -> Result<Answer<Events>, Problem> {
    window.check(app.clock.now())?;
    let connection = listing.connection_id.map(|id| connection_id("connection_id", &id)).transpose()?;
    let include_cancelled = flag("include_cancelled", listing.include_cancelled.as_deref())?;
    let rows = app.store.owner_rows(&owner).await?;
    let zone = match window.floats()? {
        true => schedule_of(&app, &owner, &rows, Patience::Request).await?.zone()?,
        false => TimeZone::UTC,
    };
    let query = EventsQuery {
        window: window.interval(app.clock.now(), DEFAULT_DAYS, &zone)?,
        connection,
        cursor: listing.cursor,
        include_cancelled,
    };
    let list = calendars::list_events(&app, &owner, &rows, &query).await?;
    let events: Vec<_> = list.events.into_iter().map(EventView::from).collect();
    let (user_id, total_events) = (wire::user_id(&owner), events.len());
    Ok(Answer(Events { status: "success", user_id, events, total_events, next_cursor: list.next_cursor }))
}

/// Writes an event into the default calendar or the one that is named.
#[utoipa::path(post, path = "/calendar/events", tag = "events", request_body = EventBody,
    params(ForWhom, ("Idempotency-Key" = Option<String>, Header, description = "A repeat with the same key finds the event instead of writing a second one")),
    responses((status = 201, description = "Written; `Idempotent-Replayed: true` when an earlier request had written it", body = Written)),
    security(("clerk_session" = [])))]
async fn create_event(
    State(app): State<App>,
    Acting(owner): Acting,
    headers: HeaderMap,
    Json(body): Json<EventBody>,
) -> Result<Response, Problem> {
    let key = idempotency_key(&headers)?;
    let (event, replayed) = calendars::create_event(&app, &owner, &body.into_event()?, key).await?;
    let written = Written { status: "success", message: "Event created.", event: event.into() };
    let mut response = (StatusCode::CREATED, tagged(&written.event), Answer(written)).into_response();
    if replayed {
        response.headers_mut().insert("idempotent-replayed", http::HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// Reads one event.
#[utoipa::path(get, path = "/calendar/events/{id}", tag = "events",
    params(("id" = String, Path, description = "Our id of the event"), ForWhom),
    responses((status = 200, description = "The event", body = EventView)), security(("clerk_session" = [])))]
async fn get_event(
    State(app): State<App>,
    Acting(owner): Acting,
    PathId(id): PathId,
) -> Result<impl IntoResponse, Problem> {
    let event = EventView::from(calendars::get_event(&app, &owner, &id).await?);
    Ok((tagged(&event), Answer(event)))
}

/// Changes an event; what is not said stays.
#[utoipa::path(patch, path = "/calendar/events/{id}", tag = "events", request_body = EventPatchBody,
    params(("id" = String, Path, description = "Our id of the event"), ForWhom,
        ("If-Match" = Option<String>, Header, description = "Only this version, by its etag")),
    responses((status = 200, description = "Changed", body = Written),
        (status = 412, description = "It was changed since it was read", body = crate::openapi::ProblemBody)),
    security(("clerk_session" = [])))]
async fn update_event(
    State(app): State<App>,
    Acting(owner): Acting,
    PathId(id): PathId,
    headers: HeaderMap,
    Json(body): Json<EventPatchBody>,
) -> Result<impl IntoResponse, Problem> {
    let change = body.into_change()?;
    let event = calendars::update_event(&app, &owner, &id, &change, if_match(&headers)).await?;
    let written = Written { status: "success", message: "Event updated.", event: event.into() };
    Ok((tagged(&written.event), Answer(written)))
}

/// Deletes an event; one that is gone is deleted.
#[utoipa::path(delete, path = "/calendar/events/{id}", tag = "events",
    params(("id" = String, Path, description = "Our id of the event"), ForWhom,
        ("If-Match" = Option<String>, Header, description = "Only this version, by its etag")),
    responses((status = 204, description = "Gone"),
        (status = 412, description = "It was changed since it was read", body = crate::openapi::ProblemBody)),
    security(("clerk_session" = [])))]
async fn delete_event(
    State(app): State<App>,
    Acting(owner): Acting,
    PathId(id): PathId,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    calendars::delete_event(&app, &owner, &id, if_match(&headers)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The version of an event as a header, so that it can be sent back as `If-Match`.
fn tagged(event: &EventView) -> HeaderMap {
    let etag = event.etag.as_deref().and_then(|etag| etag.parse().ok());
    etag.map(|etag| (header::ETAG, etag)).into_iter().collect()
}

/// `*` means any version that exists (RFC 9110, section 13.1.1), as no header does here.
fn if_match(headers: &HeaderMap) -> Option<&str> {
    text(headers, header::IF_MATCH.as_str()).filter(|etag| *etag != "*")
}
