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
    slots::{self, Booked, DayHours, EmptyReason, Question},
    store::{
        connections::{Connection, OwnerRows},
        ledger::Days,
    },
    tokens::{Patience, with_token},
};

/// Looked at beyond the window, so that an empty answer can say when the next free slot is.
const LOOK_AHEAD: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Alternatives to a slot are looked for this far on both sides.
pub(crate) const NEARBY: SignedDuration = SignedDuration::from_hours(3 * 24);

/// How many alternatives are worth telling.
pub(crate) const ALTERNATIVES: usize = 3;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Query {
    /// Slots lie inside.
    pub window: Interval,
    /// How long the appointment takes.
    pub duration: SignedDuration,
    /// Kept free around it: the service's, or else [`Schedule::buffers`].
    pub buffers: Buffers,
    /// Only slots between these full hours of the day, in the answer's zone; reason and what is next are told of them.
    pub hours: Option<(i8, i8)>,
    /// IANA zone in which the answer is told; the owner's when it is not said.
    pub time_zone: Option<String>,
    /// How long the caller can wait.
    pub patience: Patience,
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
    /// When `slots` is empty, the first free slot of the hours that were asked for, as far as a week after the window.
    pub next_available: Option<Timestamp>,
}

/// What is said about one exact slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It can be booked.
    Free,
    /// It cannot.
    Taken {
        /// Why.
        reason: EmptyReason,
        /// The nearest free slots of the same length, at most three, in order.
        alternatives: Vec<Interval>,
    },
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
    let known = Interval::new(query.window.start, later(query.window.end));
    let read = read(app, owner, rows, schedule, known, query.buffers, query.patience).await?;
    let question = Question {
        duration: query.duration,
        window: query.window,
        grid_zone: Some(&zone),
        ..read.question(schedule, known, app.clock.now())
    };
    let hours = query.hours.map(|(from, to)| DayHours { from, to, zone: &zone });
    let slots::Availability { slots, reason, next_available } = slots::available_in(&question, hours)?;
    let next_available = next_available.map(|slot| slot.start);
    Ok(Availability { slots, time_zone: zone_name, reason, next_available })
}

/// Whether one exact slot is free; its start need not be one that is offered. Ledger and calendars are read once, for
/// the answer and for the alternatives, at the same time.
pub async fn is_free(
    app: &App,
    owner: &OwnerId,
    rows: &OwnerRows,
    schedule: &Schedule,
    slot: Interval,
    buffers: Buffers,
    patience: Patience,
) -> Result<Verdict> {
    let around = slot.widened(NEARBY, NEARBY);
    let read = read(app, owner, rows, schedule, around, buffers, patience).await?;
    let question = Question { duration: slot.duration(), ..read.question(schedule, around, app.clock.now()) };
    let Some(reason) = slots::obstacle(&question, slot)? else { return Ok(Verdict::Free) };
    if slot.is_empty() {
        return Ok(Verdict::Taken { reason, alternatives: Vec::new() });
    }
    let free = slots::available(&question)?.slots;
    Ok(Verdict::Taken { reason, alternatives: slots::nearest(&free, slot.start, ALTERNATIVES) })
}

/// What calendars and ledger say about a stretch of time.
struct Reading {
    busy: Option<Vec<Interval>>,
    booked: Vec<Booked>,
    buffers: Buffers,
}

impl Reading {
    /// A question about the time that was read; its duration is not known here.
    fn question<'a>(&'a self, schedule: &'a Schedule, known: Interval, now: Timestamp) -> Question<'a> {
        Question {
            schedule,
            duration: SignedDuration::ZERO,
            buffers: self.buffers,
            busy: self.busy.as_deref(),
            booked: &self.booked,
            window: known,
            known_until: known.end,
            now,
            grid_zone: None,
        }
    }
}

/// Reads ledger and calendars at the same time, as far as slots with these buffers inside `known` could meet them.
async fn read(
    app: &App,
    owner: &OwnerId,
    rows: &OwnerRows,
    schedule: &Schedule,
    known: Interval,
    buffers: Buffers,
    patience: Patience,
) -> Result<Reading> {
    let guarded = known.widened(buffers.before, buffers.after);
    let (busy, days) =
        tokio::join!(busy(app, owner, rows, guarded, schedule, patience), app.store.days(owner, known));
    let booked = booked(&days?, app.clock.now(), &[]);
    Ok(Reading { busy: readable(busy)?, booked, buffers })
}

fn later(end: Timestamp) -> Timestamp {
    end.saturating_add(LOOK_AHEAD).unwrap_or(Timestamp::MAX)
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

/// What takes time in a ledger at this moment, with the buffers of each, but for the entries of these ids.
pub fn booked(days: &Days, now: Timestamp, but: &[&str]) -> Vec<Booked> {
    let entries = days.entries(now).into_iter().filter(|entry| !but.contains(&entry.of.as_str()));
    entries.map(|entry| Booked { interval: entry.interval(), buffers: entry.buffers() }).collect()
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
    // Whoever keeps bookings out of calendars need not have one: the ledger is his calendar.
    if rows.connections.is_empty() && rows.settings.keeps_bookings_out() {
        return Ok(Vec::new());
    }
    let zone = schedule.zone()?;
    let asked = blocking(app, owner, rows)?;
    let answers = try_join_all(asked.into_iter().map(|row| busy_of(app, row, window, &zone, None, patience)));
    // Sorted once here: the slot engine is fastest on sorted busy times.
    Ok(range::merge(answers.await?.into_iter().flatten().collect()))
}

/// What blocks time in the calendars of one connection, but for one event.
pub(crate) async fn busy_of(
    app: &App,
    connection: &Connection,
    window: Interval,
    zone: &TimeZone,
    but: Option<&str>,
    patience: Patience,
) -> Result<Vec<Interval>> {
    let (provider, base_url) = (connection.provider, &app.endpoints(connection.provider)?.api_url);
    let calendars = &busy_calendars(connection);
    let read = with_token(app, connection, patience, |token| async move {
        providers::busy(provider, app.session(base_url, &token), calendars, window, zone, but).await
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
    all.extend(booked(&days?, app.clock.now(), &[]).iter().map(|booked| booked.interval));
    Ok(range::merge(range::intersect(range::merge(all), vec![window])))
}
