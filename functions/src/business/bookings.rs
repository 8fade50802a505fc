//! Bookings of a business: the same verbs, with a date and a time of the day where those are said.

use axum::{Json as Answer, extract::State, response::Response};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use shared::{
    access::Need,
    app::App,
    booking,
    error::{Error, Result},
};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Acting, Which, Writer, acting, renamed, when::written};
use crate::{
    bookings::{
        self, Bookings, Listing, answer, known,
        office::Office,
        wire::{AttendeeBody, BookingBody, BookingView, SlotBody},
    },
    extract::{Json, PathId, Query, flat},
    problem::Problem,
    window::Window,
};

/// The routes of this part of the face.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(make_business_booking, list_business_bookings)).routes(routes!(
        get_business_booking,
        change_business_booking,
        cancel_business_booking
    ))
}

/// The time of a booking.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct Time {
    /// The `slot` of an availability answer, in place of everything else.
    slot: Option<String>,
    /// The day, in the business's zone.
    #[schema(example = "2026-01-06")]
    date: Option<String>,
    /// `14:00`, `14:00-15:00`, or a whole time without `date`.
    #[schema(example = "14:00")]
    #[serde(alias = "start")]
    start_time: Option<String>,
    /// Until when; by the service's length or `duration_minutes` when it is not said.
    #[serde(alias = "end")]
    end_time: Option<String>,
    /// How long, when there is no end; 30 when nothing is said.
    #[schema(minimum = 5, maximum = 1440)]
    duration_minutes: Option<u32>,
}

/// A booking to be made.
#[derive(Deserialize, Serialize, ToSchema)]
struct NewBusinessBooking {
    /// The business; a service token that is bound to one need not say it.
    business_id: Option<String>,
    /// When.
    #[serde(flatten, deserialize_with = "flat")]
    time: Time,
    /// The service that is booked; it sets length and buffers.
    service: Option<String>,
    /// A hold that the booking takes the place of.
    hold_id: Option<String>,
    /// What for; the service's name, or "Appointment with" the attendee, when it is not said.
    #[schema(max_length = 255)]
    title: Option<String>,
    /// Who comes.
    attendee: Option<AttendeeBody>,
    /// What the attendee said.
    #[schema(max_length = 4000)]
    notes: Option<String>,
    /// Where.
    #[schema(max_length = 1024)]
    location: Option<String>,
    /// With a video meeting.
    is_online_meeting: Option<bool>,
}

/// A change of a booking: another time, or `cancelled`. Nothing else of it changes.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct BookingChange {
    /// The new time.
    #[serde(flatten, deserialize_with = "flat")]
    time: Time,
    /// `cancelled` calls it off.
    #[schema(example = "cancelled")]
    status: Option<String>,
}

/// Books a time of a business. A calendar that fails never loses the booking.
#[utoipa::path(post, path = "/api/v1/bookings", tag = "businesses", request_body = NewBusinessBooking,
    params(Which, ("Idempotency-Key" = Option<String>, Header, description = "A repeat with the same key gets the same answer")),
    responses((status = 201, description = "Booked; `Idempotent-Replayed: true` when an earlier request had booked it", body = BookingView),
        (status = 409, description = "Taken, with free times nearby, or not offered", body = crate::openapi::ProblemBody)),
    security(("clerk_session" = []), ("service_token" = [])))]
async fn make_business_booking(
    State(app): State<App>,
    Writer(asking): Writer,
    Query(which): Query<Which>,
    headers: HeaderMap,
    Json(body): Json<NewBusinessBooking>,
) -> Result<Response, Problem> {
    let named = body.business_id.clone().or(which.business_id);
    let owner = acting(&app, &asking, named.as_deref(), Need::Write).await?;
    bookings::make(&app, owner, &headers, body.plain()?).await.map_err(|error| renamed(error).into())
}

/// Bookings of a business that start in a window: from now on for a month when nothing is said.
#[utoipa::path(get, path = "/api/v1/bookings", tag = "businesses", params(Which, Window, Listing),
    responses((status = 200, description = "In order of their start", body = Bookings)),
    security(("clerk_session" = []), ("service_token" = [])))]
async fn list_business_bookings(
    State(app): State<App>,
    Acting(owner): Acting,
    Query(window): Query<Window>,
    Query(listing): Query<Listing>,
) -> Result<Answer<Bookings>, Problem> {
    Ok(Answer(bookings::listed(&app, owner, &window, listing).await?))
}

/// One booking of a business.
#[utoipa::path(get, path = "/api/v1/bookings/{id}", tag = "businesses",
    params(Which, ("id" = String, Path, description = "The booking")),
    responses((status = 200, description = "The booking", body = BookingView)),
    security(("clerk_session" = []), ("service_token" = [])))]
async fn get_business_booking(
    State(app): State<App>,
    Acting(owner): Acting,
    PathId(id): PathId,
) -> Result<Answer<BookingView>, Problem> {
    Ok(Answer(booking::one(&app, &owner, &known(&id)?).await?.into()))
}

/// Moves a booking, or calls it off.
#[utoipa::path(patch, path = "/api/v1/bookings/{id}", tag = "businesses", request_body = BookingChange,
    params(Which, ("id" = String, Path, description = "The booking"),
        ("Idempotency-Key" = Option<String>, Header, description = "A repeat with the same key gets the same answer")),
    responses((status = 200, description = "Changed", body = BookingView),
        (status = 409, description = "Taken, called off, or changed in the calendar by hand", body = crate::openapi::ProblemBody)),
    security(("clerk_session" = []), ("service_token" = [])))]
async fn change_business_booking(
    State(app): State<App>,
    Acting(owner): Acting,
    PathId(id): PathId,
    headers: HeaderMap,
    Json(body): Json<BookingChange>,
) -> Result<Response, Problem> {
    let id = known(&id)?;
    let when = body.time.plain(None)?;
    let says_time = when.slot.is_some() || when.start.is_some();
    match (body.status.as_deref(), says_time) {
        (None, true) => {
            let moved = bookings::shift(&app, owner, &id, &headers, &when).await;
            moved.map_err(|error| renamed(error).into())
        }
        (None, false) => {
            Err(Error::invalid("start_time", "is missing; a booking's time can be changed, or its status")
                .into())
        }
        (Some("cancelled" | "canceled"), false) => {
            let office = Office::without_hours(&app, owner).await?;
            let left = booking::cancel(&app, office.desk(), &id).await?;
            Ok(answer(StatusCode::OK, booking::Booked { booking: left, replayed: false }))
        }
        (Some("cancelled" | "canceled"), true) => {
            Err(Error::invalid("status", "must be left out when the booking moves").into())
        }
        (Some(_), _) => Err(Error::invalid("status", "must be cancelled").into()),
    }
}

/// Calls a booking off; its time is free at once. One that is called off already stays so.
#[utoipa::path(delete, path = "/api/v1/bookings/{id}", tag = "businesses",
    params(Which, ("id" = String, Path, description = "The booking")),
    responses((status = 200, description = "Called off", body = BookingView)),
    security(("clerk_session" = []), ("service_token" = [])))]
async fn cancel_business_booking(
    State(app): State<App>,
    Acting(owner): Acting,
    PathId(id): PathId,
) -> Result<Answer<BookingView>, Problem> {
    let office = Office::without_hours(&app, owner).await?;
    Ok(Answer(booking::cancel(&app, office.desk(), &known(&id)?).await?.into()))
}

impl Time {
    /// As the calendar face says it.
    fn plain(&self, service: Option<String>) -> Result<SlotBody> {
        let times = written(self.date.as_deref(), self.start_time.as_deref(), self.end_time.as_deref())?;
        Ok(SlotBody {
            slot: self.slot.clone(),
            start: times.start,
            end: times.end,
            duration_minutes: self.duration_minutes,
            service,
        })
    }
}

impl NewBusinessBooking {
    fn plain(self) -> Result<BookingBody> {
        Ok(BookingBody {
            when: self.time.plain(self.service)?,
            hold_id: self.hold_id,
            title: self.title,
            attendee: self.attendee,
            notes: self.notes,
            location: self.location,
            is_online_meeting: self.is_online_meeting,
        })
    }
}
