//! What is offered, why nothing is, and rules that hold whatever the calendar looks like.

use super::*;
use crate::{civil::DayTime, schedule::WeeklyHours};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn span(start: &str, end: &str) -> Interval {
    Interval::new(at(start), at(end))
}

/// Appointments with the usual buffers of a schedule.
fn with_buffers(schedule: &Schedule, taken: &[Interval]) -> Vec<Booked> {
    taken.iter().map(|&interval| Booked { interval, buffers: schedule.buffers() }).collect()
}

/// Berlin, Monday to Friday nine to five, asked on Monday 7 December 2026 at 06:00 UTC for that day in hours.
fn question(schedule: &Schedule) -> Question<'_> {
    Question {
        schedule,
        duration: SignedDuration::from_hours(1),
        buffers: schedule.buffers(),
        busy: Some(&[]),
        booked: &[],
        window: span("2026-12-07T00:00:00Z", "2026-12-08T00:00:00Z"),
        known_until: at("2026-12-20T00:00:00Z"),
        now: at("2026-12-07T06:00:00Z"),
        grid_zone: None,
    }
}

fn hourly() -> Schedule {
    Schedule { slot_interval_minutes: 60, ..Schedule::default_in("Europe/Berlin") }
}

fn starts(question: &Question<'_>) -> Vec<String> {
    let answer = available(question).unwrap();
    assert_eq!(answer.slots.is_empty(), answer.reason.is_some());
    answer.slots.iter().map(|slot| slot.start.strftime("%H:%M").to_string()).collect()
}

#[test]
fn slots_are_working_hours_without_busy_times_and_bookings() {
    let schedule = hourly();
    let busy = [span("2026-12-07T09:30:00Z", "2026-12-07T10:00:00Z")];
    let booked = with_buffers(&schedule, &[span("2026-12-07T12:00:00Z", "2026-12-07T14:00:00Z")]);
    let question = Question { busy: Some(&busy), booked: &booked, ..question(&schedule) };
    assert_eq!(starts(&question), ["08:00", "10:00", "11:00", "14:00", "15:00"]);
}

#[test]
fn buffers_keep_a_distance_to_busy_times_and_both_count_around_bookings() {
    let schedule = Schedule { buffer_before_minutes: 10, slot_interval_minutes: 10, ..hourly() };
    let taken = [span("2026-12-07T09:10:00Z", "2026-12-07T14:00:00Z")];
    let around_busy = Question { busy: Some(&taken), ..question(&schedule) };
    assert_eq!(
        starts(&around_busy),
        ["08:00", "08:10", "14:10", "14:20", "14:30", "14:40", "14:50", "15:00"]
    );
    let booked = with_buffers(&schedule, &taken);
    let around_booking = Question { booked: &booked, ..question(&schedule) };
    assert_eq!(starts(&around_booking), ["08:00", "14:10", "14:20", "14:30", "14:40", "14:50", "15:00"]);
}

#[test]
fn a_day_at_its_limit_is_full() {
    let schedule = Schedule { daily_limit: Some(2), ..hourly() };
    let booked = [
        span("2026-12-07T08:00:00Z", "2026-12-07T09:00:00Z"),
        span("2026-12-07T15:00:00Z", "2026-12-07T16:00:00Z"),
    ];
    let booked = with_buffers(&schedule, &booked);
    let full = Question { booked: &booked, ..question(&schedule) };
    let answer = available(&full).unwrap();
    assert_eq!(answer.reason, Some(EmptyReason::FullyBooked));
    assert_eq!(answer.next_available, Some(span("2026-12-08T08:00:00Z", "2026-12-08T09:00:00Z")));
    assert_eq!(starts(&Question { booked: &booked[..1], ..full }).len(), 7);
}

#[test]
fn an_empty_answer_says_why_and_what_is_next() {
    let schedule = hourly();
    let whole_day = [span("2026-12-07T00:00:00Z", "2026-12-08T00:00:00Z")];
    let monday = question(&schedule);
    let check = |question: Question<'_>, reason, next: Option<&str>| {
        let answer = available(&question).unwrap();
        assert_eq!((answer.slots.len(), answer.reason), (0, Some(reason)));
        assert_eq!(answer.next_available.map(|slot| slot.start), next.map(at), "{reason:?}");
    };
    check(
        Question { busy: Some(&whole_day), ..monday },
        EmptyReason::FullyBooked,
        Some("2026-12-08T08:00:00Z"),
    );
    check(Question { busy: None, ..monday }, EmptyReason::CalendarUnreachable, None);
    let weekend = span("2026-12-12T00:00:00Z", "2026-12-13T00:00:00Z");
    check(Question { window: weekend, ..monday }, EmptyReason::OutsideHours, Some("2026-12-14T08:00:00Z"));
    let early = span("2026-12-07T07:00:00Z", "2026-12-07T10:00:00Z");
    let late_asker = Question { window: early, now: at("2026-12-07T08:30:00Z"), ..monday };
    check(late_asker, EmptyReason::Notice, Some("2026-12-07T10:00:00Z"));
    let far = span("2027-12-01T00:00:00Z", "2027-12-03T00:00:00Z");
    check(Question { window: far, ..monday }, EmptyReason::Horizon, None);
    let short = span("2026-12-07T09:00:00Z", "2026-12-07T09:30:00Z");
    check(Question { window: short, ..monday }, EmptyReason::OutsideHours, Some("2026-12-07T09:00:00Z"));
}

#[test]
fn one_exact_interval_is_free_or_has_an_obstacle() {
    let schedule = hourly();
    let busy = [span("2026-12-07T10:00:00Z", "2026-12-07T11:00:00Z")];
    let question = Question { busy: Some(&busy), ..question(&schedule) };
    let check = |start: &str, end: &str, expected| {
        assert_eq!(obstacle(&question, span(start, end)).unwrap(), expected, "{start}");
    };
    check("2026-12-07T09:13:00Z", "2026-12-07T10:00:00Z", None);
    check("2026-12-07T09:13:00Z", "2026-12-07T10:00:01Z", Some(EmptyReason::FullyBooked));
    check("2026-12-07T15:30:00Z", "2026-12-07T16:30:00Z", Some(EmptyReason::OutsideHours));
    check("2026-12-04T10:00:00Z", "2026-12-04T11:00:00Z", Some(EmptyReason::Notice));
    check("2027-06-01T10:00:00Z", "2027-06-01T11:00:00Z", Some(EmptyReason::Horizon));
    check("2026-12-07T12:00:00Z", "2026-12-07T12:00:00Z", Some(EmptyReason::OutsideHours));
    let blind = Question { busy: None, ..question };
    let noon = span("2026-12-07T12:00:00Z", "2026-12-07T13:00:00Z");
    assert_eq!(obstacle(&blind, noon).unwrap(), Some(EmptyReason::CalendarUnreachable));
}

#[test]
fn the_horizon_ends_with_its_last_local_day() {
    let schedule = Schedule { horizon_days: 1, ..hourly() };
    let window = span("2026-12-07T00:00:00Z", "2026-12-12T00:00:00Z");
    let answer = available(&Question { window, ..question(&schedule) }).unwrap();
    assert_eq!(answer.slots.last().map(|slot| slot.end), Some(at("2026-12-08T16:00:00Z")));
}

#[test]
fn alternatives_are_the_nearest_starts_in_order() {
    let hours: Vec<Interval> = (8..14)
        .map(|h| span(&format!("2026-12-07T{h:02}:00:00Z"), &format!("2026-12-07T{:02}:00:00Z", h + 1)))
        .collect();
    let near = nearest(&hours, at("2026-12-07T11:10:00Z"), 3);
    assert_eq!(near, hours[2..5]);
    assert_eq!(nearest(&hours, at("2026-12-07T11:10:00Z"), 0), []);
}

#[test]
fn each_appointment_keeps_its_own_buffers_and_the_longer_one_counts() {
    let schedule = Schedule { slot_interval_minutes: 10, ..hourly() };
    let interval = span("2026-12-07T10:00:00Z", "2026-12-07T14:00:00Z");
    let minutes_around = |before, after| Buffers { before: minutes(before), after: minutes(after) };
    let check = |its: Buffers, own: Buffers, last: &str, first: &str| {
        let booked = [Booked { interval, buffers: its }];
        let question = Question { booked: &booked, buffers: own, ..question(&schedule) };
        let starts = starts(&question);
        let gap = starts.iter().position(|start| start == first).unwrap_or_else(|| panic!("{starts:?}"));
        assert_eq!(starts[gap - 1], last, "{its:?} {own:?}");
    };
    check(minutes_around(0, 0), minutes_around(0, 0), "09:00", "14:00");
    check(minutes_around(30, 20), minutes_around(0, 0), "08:30", "14:20");
    check(minutes_around(0, 0), minutes_around(20, 30), "08:30", "14:20");
    check(minutes_around(10, 10), minutes_around(40, 20), "08:40", "14:40");
}

#[test]
fn buffers_reach_over_midnight() {
    let mut schedule = Schedule { buffer_before_minutes: 60, slot_interval_minutes: 30, ..hourly() };
    (schedule.weekly[0].start, schedule.weekly[0].end) = (DayTime::MIDNIGHT, DayTime::new(2, 0).unwrap());
    let late = [span("2026-12-07T21:30:00Z", "2026-12-07T22:30:00Z")];
    let window = span("2026-12-07T23:00:00Z", "2026-12-08T23:00:00Z");
    let question = Question { busy: Some(&late), window, ..question(&schedule) };
    assert_eq!(starts(&question), ["23:30", "00:00"], "UTC, an hour behind Berlin");
    let one = span("2026-12-07T23:29:00Z", "2026-12-08T00:29:00Z");
    assert_eq!(obstacle(&question, one).unwrap(), Some(EmptyReason::FullyBooked));
}

#[test]
fn a_full_day_ends_at_midnight_and_takes_nothing_from_its_neighbours() {
    let mut schedule = Schedule { daily_limit: Some(1), slot_interval_minutes: 30, ..hourly() };
    (schedule.weekly[0].start, schedule.weekly[0].end) = (DayTime::MIDNIGHT, DayTime::DAY_END);
    let noon = with_buffers(&schedule, &[span("2026-12-09T11:00:00Z", "2026-12-09T12:00:00Z")]);
    let window = span("2026-12-08T22:00:00Z", "2026-12-09T23:30:00Z");
    let question = Question { booked: &noon, window, ..question(&schedule) };
    // Half past eleven on the evening before, into the full day; then nothing before the next midnight.
    assert_eq!(starts(&question), ["22:00", "22:30"]);
    let next = Question { window: span("2026-12-09T22:00:00Z", "2026-12-10T00:30:00Z"), ..question };
    assert_eq!(starts(&next), ["23:00", "23:30"]);
}

#[test]
fn starts_that_follow_an_opening_ignore_what_is_busy_and_count_anew_after_a_break() {
    let mut schedule =
        Schedule { slot_interval_minutes: 50, start_alignment: StartAlignment::Opening, ..hourly() };
    schedule.weekly[0].start = "9:10".parse().unwrap();
    schedule.breaks = vec![WeeklyHours {
        days: schedule.weekly[0].days.clone(),
        start: "12:00".parse().unwrap(),
        end: "13:05".parse().unwrap(),
    }];
    let busy = [span("2026-12-07T08:10:00Z", "2026-12-07T08:20:00Z")];
    let asked = Question { busy: Some(&busy), duration: minutes(40), ..question(&schedule) };
    assert_eq!(starts(&asked), ["09:00", "09:50", "12:05", "12:55", "13:45", "14:35"]);
    let later = Question { window: span("2026-12-07T12:10:00Z", "2026-12-08T00:00:00Z"), ..asked };
    assert_eq!(starts(&later), ["12:55", "13:45", "14:35"]);
}

#[test]
fn hours_of_the_day_leave_the_starts_as_they_are() {
    let schedule = Schedule { slot_interval_minutes: 45, ..Schedule::default_in("Europe/Berlin") };
    let (question, zone) = (question(&schedule), TimeZone::get("Europe/London").unwrap());
    let inside = |from, to| {
        let answer = available_in(&question, Some(DayHours { from, to, zone: &zone })).unwrap();
        let starts = answer.slots.iter().map(|slot| slot.start.strftime("%H:%M").to_string());
        (starts.collect::<Vec<_>>(), answer.reason, answer.next_available)
    };
    assert_eq!(inside(0, 24).0, starts(&question));
    assert_eq!(inside(10, 13), (vec!["10:15".into(), "11:00".into(), "11:45".into()], None, None));
    // An hour from a quarter past ten does not end by eleven, on this day or another.
    assert_eq!(inside(10, 11), (Vec::new(), Some(EmptyReason::OutsideHours), None));
    let booked = with_buffers(&schedule, &[span("2026-12-07T09:00:00Z", "2026-12-07T16:00:00Z")]);
    let full = Question { booked: &booked, ..question };
    let answer = available_in(&full, Some(DayHours { from: 11, to: 12, zone: &zone })).unwrap();
    assert_eq!(answer.reason, Some(EmptyReason::FullyBooked));
    assert_eq!(answer.next_available, Some(span("2026-12-08T11:00:00Z", "2026-12-08T12:00:00Z")));
}
