//! The one engine behind every availability answer: working hours, minus what is busy or booked, cut into slots.
//!
//! Pure: the caller brings the schedule, the busy times, the ledger and the clock. It neither reads nor holds anything.

mod grid;
mod taken;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde::Serialize;

pub use grid::slots;
pub use taken::free_ranges;

use crate::{
    civil::midnight_after,
    error::Result,
    hours::{openings, working_hours},
    range::{self, Interval},
    schedule::{Buffers, Schedule, StartAlignment, minutes},
};
use grid::{Cut, Starts};
use taken::Taken;

/// Bounds what explaining an empty answer can cost, however long the window is.
const MAX_EXPLAINED_DAYS: i64 = 366;

/// Everything that decides which slots are free.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The owner's hours and rules.
    pub schedule: &'a Schedule,
    /// How long the appointment takes.
    pub duration: SignedDuration,
    /// The service's buffers, or else [`Schedule::buffers`].
    pub buffers: Buffers,
    /// What the calendars say; none when a calendar could not be read.
    pub busy: Option<&'a [Interval]>,
    /// Bookings and living holds of our own ledger, whole days of them when there is a daily limit.
    pub booked: &'a [Booked],
    /// Slots lie wholly inside.
    pub window: Interval,
    /// Until when `busy` and `booked` are known; `next_available` is not looked for beyond.
    pub known_until: Timestamp,
    /// The current instant.
    pub now: Timestamp,
    /// On whose wall clock starts are round; none is the schedule's own.
    pub grid_zone: Option<&'a TimeZone>,
}

/// An appointment of our own ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Booked {
    /// The time it takes.
    pub interval: Interval,
    /// Its own, which a new appointment keeps as well.
    pub buffers: Buffers,
}

/// Why nothing is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EmptyReason {
    /// The owner does not work then, or not long enough, or not in the hours of the day that were asked for.
    OutsideHours,
    /// Everything is taken.
    FullyBooked,
    /// Past, or sooner than the owner's notice.
    Notice,
    /// Further ahead than the owner takes bookings.
    Horizon,
    /// The calendar could not be read, so nothing is offered.
    CalendarUnreachable,
}

/// The full hours of the day in which a slot has to lie.
#[derive(Clone, Copy, Debug)]
pub struct DayHours<'a> {
    /// It starts at this hour or later (0–23).
    pub from: i8,
    /// It ends by this hour of the same day; 24 sets no end.
    pub to: i8,
    /// On whose wall clock.
    pub zone: &'a TimeZone,
}

impl DayHours<'_> {
    fn hold(&self, slot: Interval) -> bool {
        let (start, end) = (self.zone.to_datetime(slot.start), self.zone.to_datetime(slot.end));
        let ends_in_time = (end.hour(), end.minute(), end.second()) <= (self.to, 0, 0);
        start.hour() >= self.from && (self.to == 24 || (ends_in_time && start.date() == end.date()))
    }
}

/// An answer: free slots, or why there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Availability {
    /// In order, not overlapping unless the interval is shorter than the duration.
    pub slots: Vec<Interval>,
    /// Always there when `slots` is empty.
    pub reason: Option<EmptyReason>,
    /// The first free slot that begins in or after an empty window.
    pub next_available: Option<Interval>,
}

/// The free slots of a window, with the reason when there are none.
pub fn available(question: &Question<'_>) -> Result<Availability> {
    available_in(question, None)
}

/// The same for slots in some hours of the day alone: others neither are offered, nor count as the reason or as what is
/// next. Which starts there are does not change.
pub fn available_in(question: &Question<'_>, hours: Option<DayHours<'_>>) -> Result<Availability> {
    let zone = question.schedule.zone()?;
    let Some(taken) = Taken::of(question, &zone) else {
        return Ok(Availability {
            reason: Some(EmptyReason::CalendarUnreachable),
            ..Availability::default()
        });
    };
    let found = free_slots(question, &zone, question.window, &taken, hours)?;
    if !found.is_empty() {
        return Ok(Availability { slots: found, ..Availability::default() });
    }
    // From the window's start: a slot that begins inside and ends outside is the next one.
    let ahead = Interval::new(question.window.start, question.known_until.max(question.window.end));
    let next_available = free_slots(question, &zone, ahead, &taken, hours)?.first().copied();
    Ok(Availability { slots: found, reason: Some(empty_reason(question, &zone, hours)?), next_available })
}

/// Why this exact interval cannot be booked; none when it can. Its start need not be one that is offered.
pub fn obstacle(question: &Question<'_>, wanted: Interval) -> Result<Option<EmptyReason>> {
    let zone = question.schedule.zone()?;
    let Some(taken) = Taken::of(question, &zone) else {
        return Ok(Some(EmptyReason::CalendarUnreachable));
    };
    if wanted.is_empty() || working_hours(question.schedule, wanted)? != [wanted] {
        return Ok(Some(EmptyReason::OutsideHours));
    }
    if wanted.end > horizon_end(question, &zone) {
        return Ok(Some(EmptyReason::Horizon));
    }
    if wanted.start < earliest(question) {
        return Ok(Some(EmptyReason::Notice));
    }
    Ok(taken.stands_in_the_way_of(wanted).then_some(EmptyReason::FullyBooked))
}

/// At most `count` slots whose starts are nearest to `wanted`, in order of time.
pub fn nearest(slots: &[Interval], wanted: Timestamp, count: usize) -> Vec<Interval> {
    let mut by_distance = slots.to_vec();
    by_distance.sort_by_key(|slot| slot.start.duration_since(wanted).abs());
    by_distance.truncate(count);
    by_distance.sort_unstable();
    by_distance
}

fn free_slots(
    question: &Question<'_>,
    zone: &TimeZone,
    window: Interval,
    taken: &Taken<'_>,
    hours: Option<DayHours<'_>>,
) -> Result<Vec<Interval>> {
    let window = bookable(question, zone, window);
    let open = working_hours(question.schedule, window)?;
    let blocked = taken.within(&open);
    cut(question, zone, window, &range::subtract(open, blocked), taken.full_days(), hours)
}

/// Cuts free ranges of a window into slots, and keeps those of some hours.
fn cut(
    question: &Question<'_>,
    zone: &TimeZone,
    window: Interval,
    free: &[Interval],
    closed: &[Interval],
    hours: Option<DayHours<'_>>,
) -> Result<Vec<Interval>> {
    let (duration, interval) = (question.duration, minutes(question.schedule.slot_interval_minutes));
    let with = |starts| Cut { duration, interval, starts, closed }.of(free);
    let mut slots = match question.schedule.start_alignment {
        StartAlignment::Clock => with(Starts::Clock(question.grid_zone.unwrap_or(zone))),
        StartAlignment::Opening => with(Starts::Openings(&openings(question.schedule, window)?)),
    };
    if let Some(hours) = hours {
        slots.retain(|slot| hours.hold(*slot));
    }
    Ok(slots)
}

/// The part of a window that notice and horizon leave.
fn bookable(question: &Question<'_>, zone: &TimeZone, window: Interval) -> Interval {
    Interval::new(window.start.max(earliest(question)), window.end.min(horizon_end(question, zone)))
}

fn earliest(question: &Question<'_>) -> Timestamp {
    question.now.saturating_add(minutes(question.schedule.min_notice_minutes)).unwrap_or(Timestamp::MAX)
}

/// The midnight that ends the last bookable day.
fn horizon_end(question: &Question<'_>, zone: &TimeZone) -> Timestamp {
    let days = SignedDuration::from_hours(24 * i64::from(question.schedule.horizon_days));
    let last = zone.to_datetime(question.now).date().saturating_add(days);
    midnight_after(zone, last).unwrap_or(Timestamp::MAX)
}

/// The first rule that alone leaves no room.
fn empty_reason(
    question: &Question<'_>,
    zone: &TimeZone,
    hours: Option<DayHours<'_>>,
) -> Result<EmptyReason> {
    let most = question.window.start.saturating_add(SignedDuration::from_hours(MAX_EXPLAINED_DAYS * 24));
    let window =
        Interval::new(question.window.start, question.window.end.min(most.unwrap_or(Timestamp::MAX)));
    let until_horizon = Interval::new(window.start, window.end.min(horizon_end(question, zone)));
    let rules = [
        (window, EmptyReason::OutsideHours),
        (until_horizon, EmptyReason::Horizon),
        (bookable(question, zone, window), EmptyReason::Notice),
    ];
    for (left, reason) in rules {
        let open = working_hours(question.schedule, left)?;
        if cut(question, zone, left, &open, &[], hours)?.is_empty() {
            return Ok(reason);
        }
    }
    Ok(EmptyReason::FullyBooked)
}

#[cfg(test)]
mod rules;
#[cfg(test)]
mod tests;
