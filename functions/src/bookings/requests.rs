//! What both faces do with a booking request: read what is meant, ask the verb, answer.

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode};
use shared::{
    app::App,
    booking::{self, Booked, Repeats, Request, Search},
    error::{Error, Result},
    ids::{BookingId, HoldId, OwnerId},
    random,
    range::Interval,
    service::ServiceId,
    services,
    store::bookings::Hold,
};

use super::{
    Bookings, Listing,
    office::{Office, Wanted},
    wire::{self, BookingBody, BookingView, SlotBody},
};
use crate::{extract::idempotency_key, window::Window};

/// How far a list looks ahead when nothing is said.
const DEFAULT_DAYS: u32 = 31;

/// Books.
pub(crate) async fn make(
    app: &App,
    owner: OwnerId,
    headers: &HeaderMap,
    body: BookingBody,
) -> Result<Response> {
    body.check()?;
    let repeats = repeats(headers, "book", &fingerprint(&body)?)?;
    let office = Office::of(app, owner).await?;
    if let Some(booked) = booking::again(app, office.desk(), &repeats).await? {
        return Ok(answer(StatusCode::CREATED, booked));
    }
    let request = request(app, &office, body, repeats).await?;
    let booked = booking::book(app, office.desk(), &request).await?;
    Ok(answer(StatusCode::CREATED, booked))
}

/// Lists.
pub(crate) async fn listed(app: &App, owner: OwnerId, window: &Window, listing: Listing) -> Result<Bookings> {
    let now = app.clock.now();
    window.check(now)?;
    let status = listing.status.as_deref().map(wire::wanted).transpose()?;
    let after = listing.cursor.map(|cursor| cursor.parse()).transpose();
    let after = after.map_err(|_| Error::invalid("cursor", "must be the next_cursor of an earlier page"))?;
    let zone = match window.floats()? {
        true => Office::to_look(app, owner.clone()).await?.schedule.zone()?,
        false => jiff::tz::TimeZone::UTC,
    };
    let span = window.interval(now, DEFAULT_DAYS, &zone)?;
    let page = booking::list(app, &owner, &Search { span, status, phone: listing.phone, after }).await?;
    Ok(Bookings {
        bookings: page.bookings.into_iter().map(BookingView::from).collect(),
        next_cursor: page.next.map(|id| id.to_string()),
    })
}

/// Moves.
pub(crate) async fn shift(
    app: &App,
    owner: OwnerId,
    id: &BookingId,
    headers: &HeaderMap,
    body: &SlotBody,
) -> Result<Response> {
    let repeats = repeats(headers, id.as_str(), &format!("{body:?}"))?;
    let office = Office::of(app, owner).await?;
    if let Some(moved) = booking::again(app, office.desk(), &repeats).await? {
        return Ok(answer(StatusCode::OK, moved));
    }
    let before = booking::one(app, &office.owner, id).await?;
    let length = body.length()?.unwrap_or_else(|| before.slot().duration());
    let to = match &body.slot {
        Some(token) => {
            let offer = office.offer(app, token).await?;
            if offer.service.as_ref().map(ServiceId::as_str) != before.service.as_deref() {
                return Err(Error::invalid("slot", "must be offered for what was booked"));
            }
            offer.slot
        }
        None => body.interval(&office.schedule.zone()?, length)?,
    };
    let moved = booking::reschedule(app, office.desk(), id, to, &repeats).await?;
    Ok(answer(StatusCode::OK, moved))
}

/// A booking's id in a path: one that never was is not found.
pub(crate) fn known(text: &str) -> Result<BookingId> {
    text.parse().map_err(|_| Error::NotFound("booking"))
}

pub(crate) fn answer(status: StatusCode, booked: Booked) -> Response {
    let mut response = (status, axum::Json(BookingView::from(booked.booking))).into_response();
    if booked.replayed {
        response.headers_mut().insert("idempotent-replayed", HeaderValue::from_static("true"));
    }
    response
}

/// The name of a request, by its `Idempotency-Key`.
fn repeats(headers: &HeaderMap, what: &str, asked: &str) -> Result<Repeats> {
    let name = idempotency_key(headers)?.map(|key| format!("http:{what}:{key}"));
    let hash = random::hex(&random::sha256(asked.as_bytes()));
    Ok(Repeats { name, wish: None, hash })
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
