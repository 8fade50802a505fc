//! `bookings`: holds and bookings; taken in the ledger, shown in the calendar.

mod office;
mod wire;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use shared::{
    app::App,
    booking::{self, Booked, Repeats, Request, Search},
    error::{Error, Result},
    ids::{BookingId, HoldId},
    random,
    range::Interval,
    service::ServiceId,
    services,
    store::bookings::Hold,
};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    extract::{Acting, ForWhom, Json, PathId, Query, idempotency_key},
    problem::Problem,
    window::Window,
};
use office::{Office, Wanted};
use wire::{BookingBody, BookingView, HoldView, SlotBody};

/// How far a list looks ahead when nothing is said.
const DEFAULT_DAYS: u32 = 31;

/// The routes of this function.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(make_hold))
        .routes(routes!(end_hold))
        .routes(routes!(make_booking, list_bookings))
        .routes(routes!(get_booking))
        .routes(routes!(reschedule_booking))
        .routes(routes!(cancel_booking))
}

/// Bookings of one page.
#[derive(Serialize, ToSchema)]
struct Bookings {
    /// In order of their start.
    bookings: Vec<BookingView>,
    /// Sent back as `cursor`, it gives the next page.
    next_cursor: Option<String>,
}

/// Which bookings are listed.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Listing {
    /// `confirmed`, `cancelled` or `creating`; without it all that ever stood.
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
    body.check()?;
    let repeats = repeats(&headers, "book", &fingerprint(&body)?)?;
    let office = Office::of(&app, owner).await?;
    if let Some(booked) = booking::again(&app, office.desk(), &repeats).await? {
        return Ok(answer(StatusCode::CREATED, booked));
    }
    let request = request(&app, &office, body, repeats).await?;
    let booked = booking::book(&app, office.desk(), &request).await?;
    Ok(answer(StatusCode::CREATED, booked))
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
    let now = app.clock.now();
    window.check(now)?;
    let status = listing.status.as_deref().map(wire::wanted).transpose()?;
    let after = listing.cursor.map(|cursor| cursor.parse()).transpose();
    let after = after.map_err(|_| Error::invalid("cursor", "must be the next_cursor of an earlier page"))?;
    let zone = match window.floats()? {
        true => Office::of(&app, owner.clone()).await?.schedule.zone()?,
        false => jiff::tz::TimeZone::UTC,
    };
    let span = window.interval(now, DEFAULT_DAYS, &zone)?;
    let page = booking::list(&app, &owner, &Search { span, status, phone: listing.phone, after }).await?;
    Ok(axum::Json(Bookings {
        bookings: page.bookings.into_iter().map(BookingView::from).collect(),
        next_cursor: page.next.map(|id| id.to_string()),
    }))
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
    let id = known(&id)?;
    let repeats = repeats(&headers, id.as_str(), &format!("{body:?}"))?;
    let office = Office::of(&app, owner).await?;
    if let Some(moved) = booking::again(&app, office.desk(), &repeats).await? {
        return Ok(answer(StatusCode::OK, moved));
    }
    let before = booking::one(&app, &office.owner, &id).await?;
    let length = before.slot().duration();
    let to = match &body.slot {
        Some(token) => {
            let offer = office.offer(&app, token).await?;
            if offer.service.as_ref().map(ServiceId::as_str) != before.service.as_deref() {
                return Err(Error::invalid("slot", "must be offered for what was booked").into());
            }
            offer.slot
        }
        None => body.interval(&office.schedule.zone()?, length)?,
    };
    let moved = booking::reschedule(&app, office.desk(), &id, to, &repeats).await?;
    Ok(answer(StatusCode::OK, moved))
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

/// A booking's id in a path: one that never was is not found.
fn known(text: &str) -> Result<BookingId> {
    text.parse().map_err(|_| Error::NotFound("booking"))
}

fn answer(status: StatusCode, booked: Booked) -> Response {
    let mut response = (status, axum::Json(BookingView::from(booked.booking))).into_response();
    if booked.replayed {
        response.headers_mut().insert("idempotent-replayed", HeaderValue::from_static("true"));
    }
    response
}

/// The names of a request, by its `Idempotency-Key`.
fn repeats(headers: &HeaderMap, what: &str, asked: &str) -> Result<Repeats> {
    let names = idempotency_key(headers)?.map(|key| format!("http:{what}:{key}"));
    let hash = random::hex(&random::sha256(asked.as_bytes()));
    Ok(Repeats { names: names.into_iter().collect(), hash })
}

async fn request(app: &App, office: &Office, body: BookingBody, repeats: Repeats) -> Result<Request> {
    let hold = match &body.hold_id {
        Some(id) => Some(held(app, office, id).await?),
        None => None,
    };
    let wanted = match &hold {
        Some(hold) if body.when.slot.is_none() && body.when.start.is_none() => {
            let service =
                hold.service.as_deref().map(|id| services::bookable(&office.rows, id)).transpose()?;
            Wanted::of(Interval::new(hold.start, hold.end), service, &office.schedule)
        }
        Some(_) | None => office.slot(app, &body.when).await?,
    };
    if hold.as_ref().is_some_and(|hold| Interval::new(hold.start, hold.end) != wanted.slot) {
        return Err(Error::invalid("hold_id", "keeps another time than the one that is to be booked"));
    }
    let (name, email, phone) = match body.attendee {
        Some(attendee) => (Some(attendee.name), attendee.email, attendee.phone),
        None => (None, None, None),
    };
    let Wanted { slot, service, name: service_name, buffers } = wanted;
    let title = body.title.or(service_name).unwrap_or_else(|| match &name {
        Some(name) => format!("Appointment with {name}"),
        None => "Appointment".to_owned(),
    });
    Ok(Request {
        slot,
        buffers,
        service,
        title,
        attendee_name: name,
        attendee_email: email,
        attendee_phone: phone,
        notes: body.notes,
        location: body.location,
        is_online_meeting: body.is_online_meeting.unwrap_or_default(),
        hold,
        repeats,
    })
}

async fn held(app: &App, office: &Office, id: &str) -> Result<Hold> {
    let id: HoldId = id.parse().map_err(|_| Error::invalid("hold_id", "must be the id of a hold"))?;
    booking::hold_of(app, &office.owner, &id).await
}

/// What a request asks for, so that another one under the same key is told apart.
fn fingerprint(body: &BookingBody) -> Result<String> {
    serde_json::to_string(body).map_err(|error| Error::internal(error.to_string()))
}
