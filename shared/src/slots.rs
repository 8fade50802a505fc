//! The one engine behind every availability answer: working hours, minus what is busy or booked, cut into slots.
//!
//! Pure: the caller brings the schedule, the busy times, the ledger and the clock. It neither reads nor holds anything.

mod grid;

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use serde::Serialize;

pub use grid::slots;

use crate::{
    civil::{midnight_after, whole_day},
    error::Result,
    hours::working_hours,
    range::{self, Interval},
    schedule::{Buffers, Schedule, minutes},
};

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
    pub booked: &'a [Interval],
    /// Slots lie wholly inside.
    pub window: Interval,
    /// Until when `busy` and `booked` are known; `next_available` is not looked for beyond.
    pub known_until: Timestamp,
    /// The current instant.
    pub now: Timestamp,
    /// On whose wall clock starts are round; none is the schedule's own.
    pub grid_zone: Option<&'a TimeZone>,
}

/// Why nothing is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EmptyReason {
    /// The owner does not work then, or not long enough.
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

/// An answer: free slots, or why there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Availability {
    /// In order, not overlapping unless the interval is shorter than the duration.
    pub slots: Vec<Interval>,
    /// Always there when `slots` is empty.
    pub reason: Option<EmptyReason>,
    /// The first free slot after an empty window.
    pub next_available: Option<Interval>,
}

/// The free slots of a window, with the reason when there are none.
pub fn available(question: &Question<'_>) -> Result<Availability> {
    let zone = question.schedule.zone()?;
    let Some(busy) = question.busy else {
        return Ok(Availability {
            reason: Some(EmptyReason::CalendarUnreachable),
            ..Availability::default()
        });
    };
    let blocked = blocked(question, busy, &zone);
    let found = free_slots(question, &zone, question.window, blocked.clone())?;
    if !found.is_empty() {
        return Ok(Availability { slots: found, ..Availability::default() });
    }
    // From the window's start: a slot that begins inside and ends outside is the next one.
    let ahead = Interval::new(question.window.start, question.known_until.max(question.window.end));
    let next_available = free_slots(question, &zone, ahead, blocked)?.first().copied();
    Ok(Availability { slots: found, reason: Some(empty_reason(question, &zone)?), next_available })
}

/// Why this exact interval cannot be booked; none when it can. It need not be on the grid.
pub fn obstacle(question: &Question<'_>, wanted: Interval) -> Result<Option<EmptyReason>> {
    let zone = question.schedule.zone()?;
    let Some(busy) = question.busy else {
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
    let taken = blocked(question, busy, &zone).iter().any(|taken| taken.overlaps(wanted));
    Ok(taken.then_some(EmptyReason::FullyBooked))
}

/// At most `count` slots whose starts are nearest to `wanted`, in order of time.
pub fn nearest(slots: &[Interval], wanted: Timestamp, count: usize) -> Vec<Interval> {
    let mut by_distance = slots.to_vec();
    by_distance.sort_by_key(|slot| slot.start.duration_since(wanted).abs());
    by_distance.truncate(count);
    by_distance.sort_unstable();
    by_distance
}

/// Working hours without anything that overlaps busy times and their buffers.
pub fn free_ranges(working: Vec<Interval>, busy: &[Interval], buffers: Buffers) -> Vec<Interval> {
    range::subtract(working, with_buffers(busy, buffers).collect())
}

/// An appointment's own buffers must not touch what is busy, so the time *before* it extends the busy end.
fn with_buffers(busy: &[Interval], buffers: Buffers) -> impl Iterator<Item = Interval> + '_ {
    busy.iter()
        .filter(|taken| !taken.is_empty())
        .map(move |taken| taken.widened(buffers.after, buffers.before))
}

fn free_slots(
    question: &Question<'_>,
    zone: &TimeZone,
    window: Interval,
    blocked: Vec<Interval>,
) -> Result<Vec<Interval>> {
    let hours = working_hours(question.schedule, bookable(question, zone, window))?;
    Ok(cut(question, zone, &range::subtract(hours, blocked)))
}

fn cut(question: &Question<'_>, zone: &TimeZone, free: &[Interval]) -> Vec<Interval> {
    let interval = minutes(question.schedule.slot_interval_minutes);
    slots(free, question.duration, interval, question.grid_zone.unwrap_or(zone))
}

/// Busy times with buffers, booked times with theirs, and days that are full.
fn blocked(question: &Question<'_>, busy: &[Interval], zone: &TimeZone) -> Vec<Interval> {
    // A booking has buffers of its own, and two appointments may share the time between them.
    let pause = question.buffers.before.max(question.buffers.after);
    let booked = with_buffers(question.booked, Buffers { before: pause, after: pause });
    let mut blocked: Vec<Interval> = with_buffers(busy, question.buffers).chain(booked).collect();
    if let Some(limit) = question.schedule.daily_limit {
        blocked.extend(full_days(question.booked, limit, zone));
    }
    blocked
}

fn full_days(booked: &[Interval], limit: u32, zone: &TimeZone) -> Vec<Interval> {
    let mut dates: Vec<Date> = booked.iter().map(|taken| zone.to_datetime(taken.start).date()).collect();
    dates.sort_unstable();
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let full = dates.chunk_by(|one, other| one == other).filter(|day| day.len() >= limit);
    full.filter_map(|day| day.first()).filter_map(|date| whole_day(zone, *date)).collect()
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
fn empty_reason(question: &Question<'_>, zone: &TimeZone) -> Result<EmptyReason> {
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
        if cut(question, zone, &working_hours(question.schedule, left)?).is_empty() {
            return Ok(reason);
        }
    }
    Ok(EmptyReason::FullyBooked)
}

#[cfg(test)]
mod tests;
