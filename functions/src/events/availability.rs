//! Free slots and busy times.

use axum::{Json, extract::State};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::{
    app::App,
    availability::{self, Availability, Query as Question},
    calendars::schedule_of,
    error::{Error, Result},
    range::Interval,
    schedule::{minutes, zone_named},
    service::{LENGTHS, Service, USUAL_LENGTH},
    services,
    slots::EmptyReason,
    tokens::Patience,
};
use utoipa::ToSchema;

use super::{
    slot::{Offering, Slot},
    wire::{rfc3339, user_id},
};
use crate::{
    extract::{Acting, ForWhom, Query, number},
    problem::Problem,
    window::{Window, iana},
};

/// How far a question looks ahead when nothing is said.
const DEFAULT_DAYS: u32 = 7;

/// Some 400 bytes each: Lambda takes an answer of at most 6 MB.
const MOST_SLOTS: usize = 10_000;

/// The slots that are wanted.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// How long the appointment takes; the service's duration, or else 30, when it is not said.
    #[param(value_type = Option<u32>, minimum = 5, maximum = 1440)]
    duration_minutes: Option<String>,
    /// The service that is wanted, by its id: its duration and its buffers count. A `duration_minutes` that differs
    /// from the service's is refused.
    service: Option<String>,
    /// Only slots from this hour on, in the answer's zone.
    #[param(value_type = Option<u32>, minimum = 0, maximum = 23)]
    start_hour: Option<String>,
    /// Only slots that end by this hour; 24 sets no end.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 24)]
    end_hour: Option<String>,
    /// IANA or Windows zone in which the answer is told; the owner's when it is not said.
    time_zone: Option<String>,
}

/// Free slots, or why there are none.
#[derive(Serialize, ToSchema)]
pub(crate) struct Slots {
    /// Always `success`.
    status: &'static str,
    /// The Clerk user, or the tenant that was asked for.
    user_id: String,
    /// In order.
    available_slots: Vec<Slot>,
    /// How many.
    total_slots: usize,
    /// IANA zone in which they are told.
    time_zone: String,
    /// Always there when there is no slot: `outside_hours` (the owner does not work in the hours that were asked for),
    /// `fully_booked`, `notice`, `horizon` or `calendar_unreachable`.
    #[schema(value_type = Option<String>, example = "fully_booked")]
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<EmptyReason>,
    /// When there is no slot, the first one of the hours that were asked for, as far as a week after the window.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_available: Option<String>,
}

/// Busy times without titles.
#[derive(Serialize, ToSchema)]
pub(crate) struct Busy {
    /// Always `success`.
    status: &'static str,
    /// The Clerk user, or the tenant that was asked for.
    user_id: String,
    /// Merged, in order.
    busy: Vec<BusyTime>,
}

/// A stretch of busy time.
#[derive(Serialize, ToSchema)]
pub(crate) struct BusyTime {
    /// Start (UTC).
    #[schema(value_type = String, format = DateTime)]
    start: Timestamp,
    /// End (UTC).
    #[schema(value_type = String, format = DateTime)]
    end: Timestamp,
}

/// Free slots: working hours without what is in the calendars or booked.
#[utoipa::path(get, path = "/calendar/availability", tag = "events", params(Window, Wanted, ForWhom),
    responses((status = 200, description = "Free slots, or the reason why there are none", body = Slots)),
    security(("clerk_session" = [])))]
pub(crate) async fn get_availability(
    State(app): State<App>,
    Acting(owner): Acting,
    Query(window): Query<Window>,
    Query(wanted): Query<Wanted>,
) -> std::result::Result<Json<Slots>, Problem> {
    let time_zone = iana(wanted.time_zone.as_deref())?;
    let (asked, hours) = (wanted.duration()?, wanted.hours()?);
    window.check(app.clock.now())?;
    let rows = app.store.owner_rows(&owner).await?;
    let service = wanted.service.as_deref().map(|id| services::bookable(&rows, id)).transpose()?;
    let duration = duration(asked, service)?;
    let schedule = schedule_of(&app, &owner, &rows, Patience::Request).await?;
    let zone = zone_named(time_zone.as_deref().unwrap_or(&schedule.time_zone))?;
    let question = Question {
        window: window.interval(app.clock.now(), DEFAULT_DAYS, &zone)?,
        duration: minutes(duration),
        buffers: service.map_or(schedule.buffers(), |service| service.buffers(&schedule)),
        hours,
        time_zone,
        patience: Patience::Request,
    };
    let (answer, key) =
        tokio::join!(availability::free_slots(&app, &owner, &rows, &schedule, &question), app.slot_key());
    let offering = Offering { key: &key?, owner: &owner, service: service.map(|service| &service.id) };
    Ok(Json(slots(&offering, answer?, app.clock.now())?))
}

/// Merged busy times of calendars and bookings, without titles.
#[utoipa::path(get, path = "/calendar/free-busy", tag = "events", params(Window, ForWhom),
    responses((status = 200, description = "Busy times", body = Busy)), security(("clerk_session" = [])))]
pub(crate) async fn get_free_busy(
    State(app): State<App>,
    Acting(owner): Acting,
    Query(window): Query<Window>,
) -> std::result::Result<Json<Busy>, Problem> {
    window.check(app.clock.now())?;
    let rows = app.store.owner_rows(&owner).await?;
    let schedule = schedule_of(&app, &owner, &rows, Patience::Request).await?;
    let window = window.interval(app.clock.now(), DEFAULT_DAYS, &schedule.zone()?)?;
    let busy = availability::free_busy(&app, &owner, &rows, &schedule, window).await?;
    let busy = busy.into_iter().map(|Interval { start, end }| BusyTime { start, end }).collect();
    Ok(Json(Busy { status: "success", user_id: user_id(&owner), busy }))
}

impl Wanted {
    fn duration(&self) -> Result<Option<u32>> {
        number("duration_minutes", self.duration_minutes.as_deref(), LENGTHS)
    }

    fn hours(&self) -> Result<Option<(i8, i8)>> {
        let start = number("start_hour", self.start_hour.as_deref(), 0..=23)?;
        let end = number("end_hour", self.end_hour.as_deref(), 1..=24)?;
        if start.is_none() && end.is_none() {
            return Ok(None);
        }
        let (start, end) = (start.unwrap_or(0), end.unwrap_or(24));
        if end <= start {
            return Err(Error::invalid("end_hour", "must be after start_hour"));
        }
        let hour = |number: u32| i8::try_from(number).map_err(|error| Error::internal(error.to_string()));
        Ok(Some((hour(start)?, hour(end)?)))
    }
}

/// The service's duration; one that is asked for as well must be the same, so that nobody is told another length than
/// he asked for.
fn duration(asked: Option<u32>, service: Option<&Service>) -> Result<u32> {
    match (asked, service.map(|service| service.duration_minutes)) {
        (Some(asked), Some(takes)) if asked != takes => {
            Err(Error::invalid("duration_minutes", format!("must be the service's {takes} or left out")))
        }
        (_, Some(takes)) => Ok(takes),
        (asked, None) => Ok(asked.unwrap_or(USUAL_LENGTH)),
    }
}

fn slots(offering: &Offering<'_>, answer: Availability, now: Timestamp) -> Result<Slots> {
    if answer.slots.len() > MOST_SLOTS {
        return Err(Error::invalid("to", format!("must be nearer: there are more than {MOST_SLOTS} slots")));
    }
    let zone = zone_named(&answer.time_zone)?;
    let tell = |slot: &Interval| offering.slot(*slot, &zone, &answer.time_zone, now);
    let available_slots = answer.slots.iter().map(tell).collect::<Result<Vec<_>>>()?;
    Ok(Slots {
        status: "success",
        user_id: user_id(offering.owner),
        total_slots: available_slots.len(),
        available_slots,
        time_zone: answer.time_zone,
        reason: answer.reason,
        next_available: answer.next_available.map(|at| rfc3339(at, &zone)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_have_their_bounds_and_their_order() {
        let hours = |start: Option<&str>, end: Option<&str>| {
            let owned = |text: Option<&str>| text.map(str::to_owned);
            let (start_hour, end_hour) = (owned(start), owned(end));
            Wanted { duration_minutes: None, service: None, start_hour, end_hour, time_zone: None }.hours()
        };
        assert_eq!(hours(None, None).unwrap(), None);
        assert_eq!(hours(Some("9"), None).unwrap(), Some((9, 24)));
        assert_eq!(hours(Some("9"), Some("17")).unwrap(), Some((9, 17)));
        for (start, end, field) in
            [("24", "24", "start_hour"), ("9", "9", "end_hour"), ("9", "25", "end_hour")]
        {
            let error = hours(Some(start), Some(end)).unwrap_err();
            assert!(matches!(error, Error::Invalid { field: named, .. } if named == field));
        }
    }
}
