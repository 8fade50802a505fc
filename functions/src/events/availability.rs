//! Free slots and busy times.

use axum::{Json, extract::State};
use jiff::{Timestamp, fmt::strtime, tz::TimeZone};
use serde::{Deserialize, Serialize};
use shared::{
    app::App,
    availability::{self, Availability, Query as Question},
    calendars::schedule_of,
    error::{Error, Result},
    ids::OwnerId,
    range::Interval,
    schedule::{minutes, zone_named},
    slots::EmptyReason,
    tokens::Patience,
};
use utoipa::ToSchema;

use super::wire::{rfc3339, user_id};
use crate::{
    extract::{Acting, ForWhom, Query, number},
    problem::Problem,
    window::{Window, iana},
};

/// How far a question looks ahead when nothing is said.
const DEFAULT_DAYS: u32 = 7;

/// How long an appointment takes when nothing is said.
const DEFAULT_MINUTES: u32 = 30;

/// The slots that are wanted.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// How long the appointment takes; 30 when it is not said.
    #[param(value_type = Option<u32>, minimum = 5, maximum = 1440)]
    duration_minutes: Option<String>,
    /// Only slots from this hour on, in the answer's zone.
    #[param(value_type = Option<u32>, minimum = 0, maximum = 23)]
    start_hour: Option<String>,
    /// Only slots that end by this hour.
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
    /// Always there when there is no slot: `outside_hours`, `fully_booked`, `notice`, `horizon` or
    /// `calendar_unreachable`.
    #[schema(value_type = Option<String>, example = "fully_booked")]
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<EmptyReason>,
    /// The first free slot after the window, when none is inside.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_available: Option<String>,
}

/// A free slot.
#[derive(Serialize, ToSchema)]
pub(crate) struct Slot {
    /// RFC 3339 with the zone's offset.
    #[schema(example = "2026-01-05T14:30:00-05:00")]
    start: String,
    /// The same.
    #[schema(example = "2026-01-05T15:00:00-05:00")]
    end: String,
    /// Local time of the start.
    #[schema(example = "14:30")]
    start_time: String,
    /// Local time of the end.
    #[schema(example = "15:00")]
    end_time: String,
    /// The start as people say it.
    #[schema(example = "2:30 PM")]
    formatted_time: String,
    /// The weekday.
    #[schema(example = "Monday")]
    day: String,
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
    let (duration, hours) = (wanted.duration()?, wanted.hours()?);
    window.check(app.clock.now())?;
    let rows = app.store.owner_rows(&owner).await?;
    let schedule = schedule_of(&app, &owner, &rows, Patience::Request).await?;
    let zone = zone_named(time_zone.as_deref().unwrap_or(&schedule.time_zone))?;
    let question = Question {
        window: window.interval(app.clock.now(), DEFAULT_DAYS, &zone)?,
        duration: minutes(duration),
        hours,
        time_zone,
        patience: Patience::Request,
        buffers: None,
    };
    let answer = availability::free_slots(&app, &owner, &rows, &schedule, &question).await?;
    Ok(Json(slots(&owner, answer)?))
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
    fn duration(&self) -> Result<u32> {
        let minutes = number("duration_minutes", self.duration_minutes.as_deref(), 5..=1440)?;
        Ok(minutes.unwrap_or(DEFAULT_MINUTES))
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

fn slots(owner: &OwnerId, answer: Availability) -> Result<Slots> {
    let zone = zone_named(&answer.time_zone)?;
    let available_slots = answer.slots.iter().map(|slot| told(*slot, &zone)).collect::<Result<Vec<_>>>()?;
    Ok(Slots {
        status: "success",
        user_id: user_id(owner),
        total_slots: available_slots.len(),
        available_slots,
        time_zone: answer.time_zone,
        reason: answer.reason,
        next_available: answer.next_available.map(|at| rfc3339(at, &zone)),
    })
}

fn told(slot: Interval, zone: &TimeZone) -> Result<Slot> {
    let (start, end) = (slot.start.to_zoned(zone.clone()), slot.end.to_zoned(zone.clone()));
    let text = |format: &str, at: &jiff::Zoned| {
        strtime::format(format, at).map_err(|error| Error::internal(error.to_string()))
    };
    Ok(Slot {
        start: rfc3339(slot.start, zone),
        end: rfc3339(slot.end, zone),
        start_time: text("%H:%M", &start)?,
        end_time: text("%H:%M", &end)?,
        formatted_time: text("%-I:%M %p", &start)?,
        day: text("%A", &start)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_told_in_the_zone_with_its_offset() {
        let zone = TimeZone::get("America/New_York").unwrap();
        let check = |start: &str, end: &str, expected: [&str; 6]| {
            let slot = told(Interval::new(start.parse().unwrap(), end.parse().unwrap()), &zone).unwrap();
            let Slot { start, end, start_time, end_time, formatted_time, day } = slot;
            assert_eq!([start, end, start_time, end_time, formatted_time, day], expected);
        };
        check(
            "2026-01-05T19:30:00Z",
            "2026-01-05T20:00:00Z",
            ["2026-01-05T14:30:00-05:00", "2026-01-05T15:00:00-05:00", "14:30", "15:00", "2:30 PM", "Monday"],
        );
        check(
            "2026-07-05T04:00:00Z",
            "2026-07-05T04:30:00Z",
            [
                "2026-07-05T00:00:00-04:00",
                "2026-07-05T00:30:00-04:00",
                "00:00",
                "00:30",
                "12:00 AM",
                "Sunday",
            ],
        );
    }

    #[test]
    fn hours_have_their_bounds_and_their_order() {
        let hours = |start: Option<&str>, end: Option<&str>| {
            let owned = |text: Option<&str>| text.map(str::to_owned);
            let (start_hour, end_hour) = (owned(start), owned(end));
            Wanted { duration_minutes: None, start_hour, end_hour, time_zone: None }.hours()
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
