//! What is offered, why nothing is, and rules that hold whatever the calendar looks like.

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn span(start: &str, end: &str) -> Interval {
    Interval::new(at(start), at(end))
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
    let booked = [span("2026-12-07T12:00:00Z", "2026-12-07T14:00:00Z")];
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
    let around_booking = Question { booked: &taken, ..question(&schedule) };
    assert_eq!(starts(&around_booking), ["08:00", "14:10", "14:20", "14:30", "14:40", "14:50", "15:00"]);
}

#[test]
fn a_day_at_its_limit_is_full() {
    let schedule = Schedule { daily_limit: Some(2), ..hourly() };
    let booked = [
        span("2026-12-07T08:00:00Z", "2026-12-07T09:00:00Z"),
        span("2026-12-07T15:00:00Z", "2026-12-07T16:00:00Z"),
    ];
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

/// Whatever is busy, whichever the zone: inside hours, clear of busy times and buffers, on the grid, not too early.
#[test]
fn no_slot_ever_breaks_a_rule() {
    let zones =
        ["Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Africa/Casablanca"];
    let mut offered = 0;
    for seed in 0..120_u32 {
        let mut next = numbers(seed);
        let schedule = Schedule {
            buffer_before_minutes: next(4) * 5,
            buffer_after_minutes: next(4) * 7,
            slot_interval_minutes: [5, 10, 15, 20, 30, 45, 60][next(7) as usize],
            min_notice_minutes: next(600),
            ..Schedule::default_in(zones[next(5) as usize])
        };
        // Late October and March hold the clock changes of most zones.
        let now = at(["2026-10-22T03:21:09Z", "2026-03-27T03:21:09Z"][next(2) as usize]);
        let later = |count: u32| now + minutes(count);
        let mut taken = |count: u32| -> Vec<Interval> {
            (0..count)
                .map(|_| {
                    let start = next(14_000);
                    Interval::new(later(start), later(start + next(90)))
                })
                .collect()
        };
        let (busy, booked) = (taken(40), taken(10));
        let question = Question {
            duration: minutes(5 + next(90)),
            buffers: schedule.buffers(),
            busy: Some(&busy),
            booked: &booked,
            window: Interval::new(now, later(14_400)),
            known_until: later(14_400),
            now,
            ..question(&schedule)
        };
        for slot in available(&question).unwrap().slots {
            offered += 1;
            assert_rules(&question, &busy, &booked, slot);
        }
    }
    assert!(offered > 3_000, "only {offered} slots were looked at");
}

fn assert_rules(question: &Question<'_>, busy: &[Interval], booked: &[Interval], slot: Interval) {
    let schedule = question.schedule;
    let zone = schedule.zone().unwrap();
    assert_eq!(slot.duration(), question.duration);
    assert_eq!(obstacle(question, slot).unwrap(), None);
    let (from, to) = (zone.to_datetime(slot.start), zone.to_datetime(slot.end));
    assert!(from.hour() >= 9 && (to.hour() < 17 || (to.hour(), to.minute()) == (17, 0)), "{from} {to}");
    let grid = [60, 30, 20, 15, 10, 5]
        .into_iter()
        .find(|g| schedule.slot_interval_minutes.is_multiple_of(*g))
        .unwrap();
    assert_eq!((u32::try_from(from.minute()).unwrap() % grid, from.second()), (0, 0), "{from}");
    assert!(slot.start >= question.now + minutes(schedule.min_notice_minutes));
    let padded = slot.widened(question.buffers.before, question.buffers.after);
    for taken in busy.iter().chain(booked).filter(|taken| !taken.is_empty()) {
        assert!(!taken.overlaps(padded), "{slot:?} and its buffers meet {taken:?}");
    }
    for taken in booked.iter().filter(|taken| !taken.is_empty()) {
        assert!(!taken.widened(question.buffers.before, question.buffers.after).overlaps(slot));
    }
}

/// The same numbers for the same seed.
fn numbers(seed: u32) -> impl FnMut(u32) -> u32 {
    let mut state = u64::from(seed).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    move |below| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        u32::try_from(state % u64::from(below)).unwrap()
    }
}
