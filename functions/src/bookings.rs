//! `bookings`: holds and bookings; taken in the ledger, shown in the calendar.

pub(crate) mod office;
mod requests;
pub(crate) mod wire;

use axum::{extract::State, response::Response};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use shared::{
    app::App,
    booking,
    error::{Error, Result},
    ids::HoldId,
};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    business,
    extract::{Acting, ForWhom, Json, PathId, Query},
    problem::Problem,
    window::Window,
};
use office::Office;
use wire::{BookingBody, BookingView, HoldView, SlotBody};

pub(crate) use requests::{answer, known, listed, make, shift};

/// The routes of this function.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(make_hold))
        .routes(routes!(end_hold))
        .routes(routes!(make_booking, list_bookings))
        .routes(routes!(get_booking))
        .routes(routes!(reschedule_booking))
        .routes(routes!(cancel_booking))
        .merge(business::bookings::routes())
}

/// Bookings of one page.
#[derive(Serialize, ToSchema)]
pub(crate) struct Bookings {
    /// In order of their start.
    bookings: Vec<BookingView>,
    /// Sent back as `cursor`, it gives the next page.
    next_cursor: Option<String>,
}

/// Which bookings are listed.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Listing {
    /// `confirmed`, `cancelled`, `creating` or `failed`; without it all but `failed` ones.
    status: Option<String>,
    /// Of this number, however it is written.
    phone: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Keeps a slot for five minutes: everybody else finds it taken.
#[utoipa::path(post, path = "/calendar/holds", tag = "bookings", request_body = SlotBody, params(ForWhom),
    responses((status = 201, description = "Kept", body = HoldView),
        (status = 409, description = "Taken, or not offered", body = crate::openapi::ProblemBody)),
    security(("clerk_session" = [])))]
async fn make_hold(
    State(app): State<App>,
    Acting(owner): Acting,
    Json(body): Json<SlotBody>,
) -> Result<(StatusCode, axum::Json<HoldView>), Problem> {
    let office = Office::of(&app, owner).await?;
    let wanted = office.slot(&app, &body).await?;
    let held = booking::hold(&app, office.desk(), wanted.slot, wanted.buffers, wanted.service).await?;
    Ok((StatusCode::CREATED, axum::Json(held.into())))
}

/// Ends a hold; one that ended is ended.
#[utoipa::path(delete, path = "/calendar/holds/{id}", tag = "bookings",
    params(("id" = String, Path, description = "The hold"), ForWhom),
    responses((status = 204, description = "Its time is free again")), security(("clerk_session" = [])))]
async fn end_hold(
    State(app): State<App>,
    Acting(owner): Acting,
    PathId(id): PathId,
) -> Result<StatusCode, Problem> {
    let id: HoldId = id.parse().map_err(|_| Error::NotFound("hold"))?;
    booking::let_go(&app, &owner, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Books a slot.
#[utoipa::path(post, path = "/calendar/bookings", tag = "bookings", request_body = BookingBody,
    params(ForWhom, ("Idempotency-Key" = Option<String>, Header, description = "A repeat with the same key gets the same answer")),
    responses((status = 201, description = "Booked; `Idempotent-Replayed: true` when an earlier request had booked it", body = BookingView),
        (status = 409, description = "Taken, with free times nearby, or not offered", body = crate::openapi::ProblemBody)),
    security(("clerk_session" = [])))]
async fn make_booking(
    State(app): State<App>,
    Acting(owner): Acting,
    headers: HeaderMap,
    Json(body): Json<BookingBody>,
) -> Result<Response, Problem> {
    Ok(make(&app, owner, &headers, body).await?)
}

/// Bookings that start in a window: from now on for a month when nothing is said.
#[utoipa::path(get, path = "/calendar/bookings", tag = "bookings", params(Window, Listing, ForWhom),
    responses((status = 200, description = "In order of their start", body = Bookings)),
    security(("clerk_session" = [])))]
async fn list_bookings(
    State(app): State<App>,
    Acting(owner): Acting,
    Query(window): Query<Window>,
    Query(listing): Query<Listing>,
) -> Result<axum::Json<Bookings>, Problem> {
    Ok(axum::Json(listed(&app, owner, &window, listing).await?))
}

/// One booking.
#[utoipa::path(get, path = "/calendar/bookings/{id}", tag = "bookings",
    params(("id" = String, Path, description = "The booking"), ForWhom),
    responses((status = 200, description = "The booking", body = BookingView)), security(("clerk_session" = [])))]
async fn get_booking(
    State(app): State<App>,
    Acting(owner): Acting,
    PathId(id): PathId,
) -> Result<axum::Json<BookingView>, Problem> {
    Ok(axum::Json(booking::one(&app, &owner, &known(&id)?).await?.into()))
}

/// Moves a booking. The new time is taken before the old one is given back; the id stays.
#[utoipa::path(post, path = "/calendar/bookings/{id}/reschedule", tag = "bookings", request_body = SlotBody,
    params(("id" = String, Path, description = "The booking"), ForWhom,
        ("Idempotency-Key" = Option<String>, Header, description = "A repeat with the same key gets the same answer")),
    responses((status = 200, description = "Moved", body = BookingView),
        (status = 409, description = "Taken, called off, or changed in the calendar by hand", body = crate::openapi::ProblemBody)),
    security(("clerk_session" = [])))]
async fn reschedule_booking(
    State(app): State<App>,
    Acting(owner): Acting,
    PathId(id): PathId,
    headers: HeaderMap,
    Json(body): Json<SlotBody>,
) -> Result<Response, Problem> {
    Ok(shift(&app, owner, &known(&id)?, &headers, &body).await?)
}

/// Calls a booking off; its time is free at once. One that is called off already stays so.
#[utoipa::path(post, path = "/calendar/bookings/{id}/cancel", tag = "bookings",
    params(("id" = String, Path, description = "The booking"), ForWhom),
    responses((status = 200, description = "Called off", body = BookingView)), security(("clerk_session" = [])))]
async fn cancel_booking(
    State(app): State<App>,
    Acting(owner): Acting,
    PathId(id): PathId,
) -> Result<axum::Json<BookingView>, Problem> {
    let id = known(&id)?;
    let office = Office::without_hours(&app, owner).await?;
    let left = booking::cancel(&app, office.desk(), &id).await?;
    Ok(axum::Json(left.into()))
}
