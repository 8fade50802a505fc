//! When an owner is free: working hours minus every calendar that counts, minus the ledger. Fails closed.

use futures_util::future::try_join_all;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use crate::{
    app::App,
    calendars::{blocking, busy_calendars},
    error::{Error, Result},
    ids::OwnerId,
    providers,
    range::{self, Interval},
    schedule::{Buffers, Schedule, zone_named},
    slots::{self, EmptyReason, Question},
    store::{
        connections::{Connection, OwnerRows},
        ledger::Days,
    },
    tokens::{Patience, with_token},
};

/// Looked at beyond the window, so that an empty answer can say when the next free slot is.
const LOOK_AHEAD: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What is asked.
#[derive(Clone, Debug)]
pub struct Query {
    /// Slots lie inside.
    pub window: Interval,
    /// How long the appointment takes.
    pub duration: SignedDuration,
    /// Only slots between these full hours of the day, in the answer's zone.
    pub hours: Option<(i8, i8)>,
    /// IANA zone in which the answer is told; the owner's when it is not said.
    pub time_zone: Option<String>,
    /// How long the caller can wait.
    pub patience: Patience,
    /// What is kept free around it; the schedule's buffers when it is not said.
    pub buffers: Option<Buffers>,
}

/// Free slots, or why there are none.
#[derive(Clone, Debug)]
pub struct Availability {
    /// In order.
    pub slots: Vec<Interval>,
    /// IANA zone in which they are told.
    pub time_zone: String,
    /// Always there when `slots` is empty.
    pub reason: Option<EmptyReason>,
    /// The first free slot after the window, when none is inside.
    pub next_available: Option<Timestamp>,
}

/// The free slots of an owner; ledger and calendars are read at the same time.
pub async fn free_slots(
    app: &App,
    owner: &OwnerId,
    rows: &OwnerRows,
    schedule: &Schedule,
    query: &Query,
) -> Result<Availability> {
    let zone_name = query.time_zone.clone().unwrap_or_else(|| schedule.time_zone.clone());
    let zone = zone_named(&zone_name)?;
    let known = reach(query.window);
    let (busy, days) =
        tokio::join!(busy(app, owner, rows, known, schedule, query.patience), app.store.days(owner, known));
    let (busy, days) = (readable(busy)?, days?);
    let now = app.clock.now();
    let booked = booked(&days, now, &[]);
    let found = slots::available(&Question {
        schedule,
        duration: query.duration,
        buffers: query.buffers.unwrap_or_else(|| schedule.buffers()),
        busy: busy.as_deref(),
        booked: &booked,
        window: query.window,
        known_until: known.end,
        now,
        grid_zone: Some(&zone),
    })?;
    Ok(within_hours(found, query.hours, &zone, zone_name))
}

/// The window and what is looked at beyond it.
pub fn reach(window: Interval) -> Interval {
    window.widened(SignedDuration::ZERO, LOOK_AHEAD)
}

/// A calendar that cannot be read at the moment is unreachable, never free. One that needs its owner is an error
/// that says where to connect.
pub fn readable(busy: Result<Vec<Interval>>) -> Result<Option<Vec<Interval>>> {
    match busy {
        Ok(busy) => Ok(Some(busy)),
        Err(Error::Unavailable { system, .. } | Error::Upstream { system, .. }) if system != "dynamodb" => {
            tracing::warn!(system, "a calendar cannot be read; nothing is offered");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The intervals of a ledger at this moment, but for the entries of these ids.
pub fn booked(days: &Days, now: Timestamp, but: &[&str]) -> Vec<Interval> {
    let entries = days.entries(now).into_iter().filter(|entry| !but.contains(&entry.of.as_str()));
    entries.map(|entry| entry.interval()).collect()
}

fn within_hours(
    found: slots::Availability,
    hours: Option<(i8, i8)>,
    zone: &TimeZone,
    time_zone: String,
) -> Availability {
    let inside = |slot: &Interval| {
        let Some((from, to)) = hours else { return true };
        let (start, end) = (zone.to_datetime(slot.start), zone.to_datetime(slot.end));
        let ends_in_time = end.hour() < to || (end.hour() == to && end.minute() == 0) || to == 24;
        start.hour() >= from && ends_in_time && (start.date() == end.date() || to == 24)
    };
    let (slots, outside): (Vec<_>, Vec<_>) = found.slots.into_iter().partition(inside);
    let reason = match (slots.is_empty(), found.reason) {
        (false, _) => None,
        (true, Some(reason)) => Some(reason),
        // Free, but not in the hours that were asked for.
        (true, None) => Some(EmptyReason::FullyBooked),
    };
    let next = found.next_available.or_else(|| slots.is_empty().then(|| outside.first().copied()).flatten());
    Availability { slots, time_zone, reason, next_available: next.map(|slot| slot.start) }
}

/// What blocks time in every calendar that counts; all connections are asked at the same time.
pub async fn busy(
    app: &App,
    owner: &OwnerId,
    rows: &OwnerRows,
    window: Interval,
    schedule: &Schedule,
    patience: Patience,
) -> Result<Vec<Interval>> {
    let zone = schedule.zone()?;
    let asked = blocking(app, owner, rows)?;
    let answers =
        try_join_all(asked.into_iter().map(|connection| busy_of(app, connection, window, &zone, patience)));
    // Sorted once here: the slot engine is fastest on sorted busy times.
    Ok(range::merge(answers.await?.into_iter().flatten().collect()))
}

async fn busy_of(
    app: &App,
    connection: &Connection,
    window: Interval,
    zone: &TimeZone,
    patience: Patience,
) -> Result<Vec<Interval>> {
    let (provider, base_url) = (connection.provider, &app.endpoints(connection.provider)?.api_url);
    let calendars = &busy_calendars(connection);
    let read = with_token(app, connection, patience, |token| async move {
        providers::busy(provider, app.session(base_url, &token), calendars, window, zone).await
    })
    .await;
    match read {
        // A calendar that was selected and is gone may have held appointments.
        Err(Error::NotFound(_)) => {
            Err(Error::Upstream { system: connection.provider.as_str(), code: "calendar_gone" })
        }
        other => other,
    }
}

/// Merged busy time of calendars and ledger, without titles.
pub async fn free_busy(
    app: &App,
    owner: &OwnerId,
    rows: &OwnerRows,
    schedule: &Schedule,
    window: Interval,
) -> Result<Vec<Interval>> {
    let (busy, days) = tokio::join!(
        busy(app, owner, rows, window, schedule, Patience::Request),
        app.store.days(owner, window)
    );
    let mut all = busy?;
    all.extend(booked(&days?, app.clock.now(), &[]));
    Ok(range::merge(range::intersect(range::merge(all), vec![window])))
}
