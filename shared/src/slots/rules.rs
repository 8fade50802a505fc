//! Rules that hold whatever the calendar looks like, found out minute by minute.
//!
//! Of what the engine uses this takes the reading of a local time alone, which has golden cases of its own.

use jiff::civil::Weekday;

use super::*;
use crate::{
    civil::{DayTime, local_range},
    schedule::{DateOverride, HourRange, WeeklyHours},
};

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// A zone, and an evening shortly before its clocks move.
const PLACES: [(&str, &str); 12] = [
    ("Europe/Berlin", "2026-10-24T17:21:09Z"),
    ("Europe/Berlin", "2026-03-28T17:21:09Z"),
    ("America/New_York", "2026-10-31T17:21:09Z"),
    ("America/New_York", "2026-03-07T17:21:09Z"),
    // Half an hour, both ways.
    ("Australia/Lord_Howe", "2026-10-03T05:21:09Z"),
    ("Australia/Lord_Howe", "2026-04-04T05:21:09Z"),
    // The thirtieth of December never was.
    ("Pacific/Apia", "2011-12-29T05:21:09Z"),
    // Midnight never was, and an hour before midnight was twice.
    ("America/Sao_Paulo", "2018-11-03T17:21:09Z"),
    ("America/Sao_Paulo", "2018-02-17T17:21:09Z"),
    ("Asia/Kathmandu", "2026-03-28T10:21:09Z"),
    ("Africa/Casablanca", "2026-02-14T17:21:09Z"),
    ("Africa/Casablanca", "2026-03-21T17:21:09Z"),
];

/// A small world: two days or so around a change of the clocks.
struct World {
    schedule: Schedule,
    zone: TimeZone,
    /// The hours of every date around, and the breaks in them.
    hours: Vec<Interval>,
    pauses: Vec<Interval>,
    busy: Vec<Interval>,
    booked: Vec<Booked>,
    duration: SignedDuration,
    buffers: Buffers,
    window: Interval,
    now: Timestamp,
}

impl World {
    fn of(seed: u32) -> Self {
        let mut next = numbers(seed);
        let (zone, evening) = PLACES[seed as usize % PLACES.len()];
        let now: Timestamp = evening.parse().unwrap();
        let schedule = schedule(zone, now, &mut next);
        let busy: Vec<Interval> = (0..next(12)).map(|_| some_time(now, 180, &mut next)).collect();
        let buffers = |next: &mut dyn FnMut(u32) -> u32| Buffers {
            before: minutes([0, 0, 5, 45][next(4) as usize]),
            after: minutes([0, 0, 7, 90][next(4) as usize]),
        };
        let booked = (0..next(5))
            .map(|_| Booked { interval: some_time(now, 120, &mut next), buffers: buffers(&mut next) });
        let booked = booked.collect();
        let start = now + minutes(next(600));
        let zone = schedule.zone().unwrap();
        let (hours, pauses) = hours_around(&schedule, &zone, now);
        Self {
            zone,
            hours,
            pauses,
            duration: minutes([5, 25, 30, 60, 95][next(5) as usize]),
            buffers: buffers(&mut next),
            window: Interval::new(start, start + minutes(600 + next(2_000))),
            schedule,
            busy,
            booked,
            now,
        }
    }

    fn question(&self) -> Question<'_> {
        Question {
            schedule: &self.schedule,
            duration: self.duration,
            buffers: self.buffers,
            busy: Some(&self.busy),
            booked: &self.booked,
            window: self.window,
            known_until: self.window.end,
            now: self.now,
            grid_zone: None,
        }
    }

    /// Whether the owner works at an instant.
    fn open(&self, at: Timestamp) -> bool {
        let within = |list: &[Interval]| list.iter().any(|range| range.start <= at && at < range.end);
        within(&self.hours) && !within(&self.pauses)
    }

    /// Whether a slot could start then, whatever its alignment.
    fn free(&self, open: &dyn Fn(Timestamp) -> bool, start: Timestamp) -> bool {
        let slot = Interval::new(start, start + self.duration);
        let zone = &self.zone;
        let today = zone.to_datetime(self.now).date();
        let ahead = zone.to_datetime(slot.end - MINUTE).date().since(today).unwrap().get_days();
        if !self.window.contains(slot)
            || slot.start < self.now + minutes(self.schedule.min_notice_minutes)
            || ahead > i32::try_from(self.schedule.horizon_days).unwrap()
        {
            return false;
        }
        let mut at = slot.start;
        while at < slot.end {
            if !open(at) {
                return false;
            }
            at += MINUTE;
        }
        self.busy.iter().all(|busy| self.keeps_clear(slot, *busy, Buffers::default()))
            && self.booked.iter().all(|other| self.keeps_clear(slot, other.interval, other.buffers))
            && !self.is_full(start)
    }

    /// Apart by the longer of the two buffers between them.
    fn keeps_clear(&self, slot: Interval, other: Interval, its: Buffers) -> bool {
        other.is_empty()
            || slot.end + self.buffers.after.max(its.before) <= other.start
            || other.end + self.buffers.before.max(its.after) <= slot.start
    }

    fn is_full(&self, start: Timestamp) -> bool {
        let zone = &self.zone;
        let day = |at| zone.to_datetime(at).date();
        let that_day = self.booked.iter().filter(|other| day(other.interval.start) == day(start)).count();
        self.schedule.daily_limit.is_some_and(|limit| that_day >= limit as usize)
    }

    /// Whether starts are aligned then: on the clock, or a number of intervals after the hours began. Hours that go
    /// on over midnight count on, unless the day before was open from its own midnight on.
    fn aligned(&self, open: &dyn Fn(Timestamp) -> bool, at: Timestamp) -> bool {
        let zone = &self.zone;
        let interval = self.schedule.slot_interval_minutes;
        if self.schedule.start_alignment == StartAlignment::Clock {
            let grid = [60, 30, 20, 15, 10, 5].into_iter().find(|g| interval.is_multiple_of(*g)).unwrap_or(1);
            return u32::try_from(zone.to_datetime(at).minute()).unwrap().is_multiple_of(grid);
        }
        let day = |at: Timestamp| zone.to_datetime(at).date();
        let began = |mut at: Timestamp| {
            while open(at - MINUTE) && day(at - MINUTE) == day(at) {
                at -= MINUTE;
            }
            at
        };
        let first = began(at);
        let evening = first - MINUTE;
        let mut counted_from = first;
        if day(evening) != day(first) && open(evening) {
            let before = began(evening);
            if day(before - MINUTE) == day(before) {
                counted_from = before;
            }
        }
        at.duration_since(counted_from).as_mins() % i64::from(interval) == 0
    }

    /// Every slot, by trying every minute.
    fn by_trying(&self) -> Vec<Interval> {
        let first = self.now.as_second().div_euclid(60) * 60;
        let first = Timestamp::from_second(first).unwrap() - minutes(3 * 1_440);
        let known: Vec<bool> = (0..12_000).map(|minute| self.open(first + minutes(minute))).collect();
        let open = |at: Timestamp| known[usize::try_from(at.duration_since(first).as_mins()).unwrap()];
        let (mut slots, mut not_before) = (Vec::new(), Timestamp::MIN);
        let mut at = first + minutes(3 * 1_440);
        while at < self.window.end {
            if at >= not_before && self.free(&open, at) && self.aligned(&open, at) {
                slots.push(Interval::new(at, at + self.duration));
                not_before = at + minutes(self.schedule.slot_interval_minutes);
            }
            at += MINUTE;
        }
        slots
    }
}

fn hours_around(schedule: &Schedule, zone: &TimeZone, now: Timestamp) -> (Vec<Interval>, Vec<Interval>) {
    let (mut hours, mut pauses) = (Vec::new(), Vec::new());
    for days in -5..10 {
        let date = zone.to_datetime(now).date().saturating_add(jiff::Span::new().days(days));
        let special: Vec<_> = schedule.date_overrides.iter().filter(|day| day.date == date).collect();
        hours.extend(
            special.iter().flat_map(|day| &day.hours).filter_map(|h| local_range(zone, date, h.start, h.end)),
        );
        let weekly = |list: &[WeeklyHours]| -> Vec<Interval> {
            let that_day = list.iter().filter(|h| h.days.contains(&date.weekday()));
            that_day.filter_map(|h| local_range(zone, date, h.start, h.end)).collect()
        };
        if special.is_empty() {
            hours.extend(weekly(&schedule.weekly));
            pauses.extend(weekly(&schedule.breaks));
        }
    }
    (hours, pauses)
}

fn schedule(zone: &str, now: Timestamp, next: &mut impl FnMut(u32) -> u32) -> Schedule {
    let mut time = |from: u32, hours: u32| {
        let minute = [0, 0, 10, 30, 45][next(5) as usize];
        DayTime::new(from + next(hours), minute).unwrap()
    };
    let (start, end) = (time(5, 5), time(12, 10));
    let (pause, resumed) = (time(11, 1), time(12, 2));
    let (night, morning) = (time(22, 2), time(1, 4));
    let days = |next: &mut dyn FnMut(u32) -> u32| -> Vec<Weekday> {
        let from = Weekday::Monday;
        (0..7).filter(|_| next(4) > 0).map(|day| from.wrapping_add(day)).collect()
    };
    let hours = |days, start, end| WeeklyHours { days, start, end };
    let weekly = match next(4) {
        0 => vec![hours(days(next), start, end)],
        1 => vec![hours(days(next), start, end), hours(days(next), night, DayTime::DAY_END)],
        2 => vec![hours(days(next), night, DayTime::DAY_END), hours(days(next), DayTime::MIDNIGHT, morning)],
        _ => vec![hours(days(next), DayTime::MIDNIGHT, DayTime::DAY_END)],
    };
    let date =
        TimeZone::get(zone).unwrap().to_datetime(now).date().saturating_add(jiff::Span::new().days(next(3)));
    let special = match next(4) {
        0 => vec![DateOverride { date, hours: Vec::new() }],
        1 => vec![DateOverride { date, hours: vec![HourRange { start: DayTime::MIDNIGHT, end }] }],
        _ => Vec::new(),
    };
    let breaks = if next(2) == 0 { Vec::new() } else { vec![hours(days(next), pause, resumed)] };
    Schedule {
        weekly,
        breaks,
        date_overrides: special,
        slot_interval_minutes: [5, 7, 15, 20, 30, 45, 50, 60, 90][next(9) as usize],
        start_alignment: [StartAlignment::Clock, StartAlignment::Opening][next(2) as usize],
        min_notice_minutes: next(300),
        horizon_days: 1 + next(3),
        daily_limit: [None, None, Some(1), Some(2)][next(4) as usize],
        ..Schedule::default_in(zone)
    }
}

fn some_time(now: Timestamp, longest: u32, next: &mut impl FnMut(u32) -> u32) -> Interval {
    // Whole minutes, as calendars have them; some of them hold nothing.
    let minute = now.as_second().div_euclid(60) * 60 + i64::from(next(2_900)) * 60;
    let start = Timestamp::from_second(minute).unwrap();
    Interval::new(start, start + minutes(next(longest)))
}

/// The same numbers for the same seed.
fn numbers(seed: u32) -> impl FnMut(u32) -> u32 {
    let mut state = u64::from(seed).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    move |below| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        u32::try_from((state >> 16) % u64::from(below)).unwrap()
    }
}

#[test]
fn what_is_offered_is_exactly_what_trying_every_minute_finds() {
    let mut offered = 0;
    for seed in 0..600 {
        let world = World::of(seed);
        let found = available(&world.question()).unwrap().slots;
        let expected = world.by_trying();
        assert_eq!(found, expected, "seed {seed}: {:?} {:?}", world.schedule, world.window);
        offered += found.len();
    }
    assert!(offered > 3_000, "only {offered} slots were looked at");
}

#[test]
fn an_interval_has_an_obstacle_just_when_it_breaks_a_rule() {
    let (mut free, mut taken) = (0, 0);
    for seed in 0..300 {
        let world = World::of(seed);
        let question = world.question();
        let mut next = numbers(seed + 1_000_000);
        for slot in available(&question).unwrap().slots {
            assert_eq!(obstacle(&question, slot).unwrap(), None, "seed {seed}");
        }
        for _ in 0..20 {
            let minute = world.window.start.as_second().div_euclid(60) * 60 + i64::from(next(2_000)) * 60;
            let start = Timestamp::from_second(minute).unwrap();
            let slot = Interval::new(start, start + world.duration);
            if world.window.contains(slot) {
                let expected = world.free(&|at| world.open(at), start);
                let found = obstacle(&question, slot).unwrap();
                assert_eq!(found.is_none(), expected, "seed {seed}: {slot:?} {found:?}");
                if expected { free += 1 } else { taken += 1 }
            }
        }
    }
    assert!(free > 300 && taken > 300, "{free} free, {taken} taken");
}
