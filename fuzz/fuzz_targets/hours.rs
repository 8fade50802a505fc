//! Schedules as owners send them, and what the engine makes of them: hours, starts, free slots.

#![no_main]

use jiff::{SignedDuration, Timestamp};
use libfuzzer_sys::fuzz_target;
use serde::Deserialize;
use shared::{
    calendars::checked,
    hours::{openings, working_hours},
    range::{self, Interval},
    schedule::{Schedule, minutes},
    slots::{Booked, Question, available, nearest, obstacle},
};

/// The longest window that the API takes.
const LONGEST: SignedDuration = SignedDuration::from_hours(62 * 24);

#[derive(Deserialize)]
struct Case {
    schedule: Schedule,
    window: Interval,
    now: Timestamp,
    duration_minutes: u16,
    #[serde(default)]
    busy: Vec<Interval>,
    #[serde(default)]
    booked: Vec<Interval>,
}

fuzz_target!(|data: &[u8]| {
    let Ok(case) = serde_json::from_slice::<Case>(data) else { return };
    sets(&case);
    let Ok(schedule) = checked(case.schedule.clone()) else { return };
    let written = serde_json::to_string(&schedule).expect("a schedule can be written");
    let read: Schedule = serde_json::from_str(&written).expect("what was written is read");
    assert_eq!(read, schedule);
    assert_eq!(checked(read).expect("what was stored is good"), schedule);
    let years =
        ["1971-01-01T00:00:00Z", "2199-01-01T00:00:00Z"].map(|at| at.parse::<Timestamp>().expect("a time"));
    let in_years = |at: Timestamp| years[0] <= at && at <= years[1];
    let asked = [case.window.start, case.window.end, case.now];
    if case.window.duration() > LONGEST || !asked.into_iter().all(in_years) {
        return;
    }
    let hours = working_hours(&schedule, case.window).expect("the zone is known");
    in_order(&hours);
    assert!(hours.iter().all(|one| case.window.contains(*one)));
    assert!(openings(&schedule, case.window).expect("the zone is known").is_sorted());
    free(&case, &schedule, &hours);
});

/// Sorted, apart from each other, each of them holding something.
fn in_order(ranges: &[Interval]) {
    assert!(ranges.iter().all(|one| !one.is_empty()), "{ranges:?}");
    assert!(ranges.windows(2).all(|two| two[0].end < two[1].start), "{ranges:?}");
}

/// What is busy and what is left of the booked make up what was booked.
fn sets(case: &Case) {
    let (one, other) = (case.busy.clone(), case.booked.clone());
    let (left, both) =
        (range::subtract(one.clone(), other.clone()), range::intersect(one.clone(), other.clone()));
    let all = range::merge(one);
    for ranges in [&left, &both, &all] {
        assert!(ranges.iter().all(|one| !one.is_empty()) && ranges.is_sorted());
    }
    in_order(&all);
    assert!(range::intersect(left.clone(), other).is_empty());
    assert_eq!(range::merge([left, both].concat()), all);
}

fn free(case: &Case, schedule: &Schedule, hours: &[Interval]) {
    let booked: Vec<_> = case
        .booked
        .iter()
        .map(|interval| Booked { interval: *interval, buffers: schedule.buffers() })
        .collect();
    let question = Question {
        schedule,
        duration: minutes(u32::from(case.duration_minutes.max(1))),
        buffers: schedule.buffers(),
        busy: Some(&case.busy),
        booked: &booked,
        window: case.window,
        known_until: case.window.end,
        now: case.now,
        grid_zone: None,
    };
    let found = available(&question).expect("the zone is known");
    assert_eq!(found.slots.is_empty(), found.reason.is_some());
    assert!(found.slots.is_sorted());
    for slot in &found.slots {
        assert_eq!(slot.duration(), question.duration);
        assert!(hours.iter().any(|open| open.contains(*slot)), "{slot:?} lies outside the hours");
        assert!(case.busy.iter().all(|busy| busy.is_empty() || !busy.overlaps(*slot)), "{slot:?} is busy");
        assert!(slot.start >= case.now, "{slot:?} has passed");
    }
    // What is offered can be booked, by the rule that decides about bookings.
    for slot in nearest(&found.slots, case.now, 3) {
        assert_eq!(obstacle(&question, slot).expect("the zone is known"), None, "{slot:?}");
    }
    if let Some(next) = found.next_available {
        assert!(found.slots.is_empty());
        assert_eq!(obstacle(&question, next).expect("the zone is known"), None, "{next:?}");
    }
    assert!(available(&Question { busy: None, ..question }).expect("the zone is known").slots.is_empty());
}
