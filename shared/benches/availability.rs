//! How long the slot engine takes: a thousand busy times in thirty days, in order and not. The budget is 50 µs
//! (`cargo bench -p shared`).

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench prints, and stops where it cannot go on"
)]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use shared::{
    range::Interval,
    schedule::{Schedule, StartAlignment, minutes},
    slots::{Question, available},
};

const BUDGET: Duration = Duration::from_micros(50);
const ROUNDS: usize = 15;
const CALLS: u32 = 200;

fn main() {
    let now: Timestamp = "2026-03-02T06:00:00Z".parse().unwrap();
    let window = Interval::new(now, now + SignedDuration::from_hours(30 * 24));
    let sorted = busy_times(now);
    let mut shuffled = sorted.clone();
    shuffle(&mut shuffled);
    let plain = Schedule::default_in("America/New_York");
    let buffered = Schedule { buffer_before_minutes: 10, buffer_after_minutes: 5, ..plain.clone() };
    let opening = Schedule { start_alignment: StartAlignment::Opening, ..plain.clone() };
    let mut within = true;
    for (name, schedule, busy) in [
        ("sorted", &plain, &sorted),
        ("unsorted", &plain, &shuffled),
        ("sorted, buffers", &buffered, &sorted),
        ("unsorted, buffers", &buffered, &shuffled),
        ("unsorted, from openings", &opening, &shuffled),
    ] {
        let question = Question {
            schedule,
            duration: minutes(15),
            buffers: schedule.buffers(),
            busy: Some(busy),
            booked: &[],
            window,
            known_until: window.end,
            now,
            grid_zone: None,
        };
        let (median, worst, slots) = measured(&question);
        println!("{name:<26} median {median:>9.1?}  slowest round {worst:>9.1?}  {slots} slots");
        within &= median <= BUDGET;
    }
    println!("budget {BUDGET:?}: {}", if within { "held" } else { "missed" });
}

/// The time of one call, as the median and the worst of several rounds.
fn measured(question: &Question<'_>) -> (Duration, Duration, usize) {
    let slots = available(question).unwrap().slots.len();
    let mut rounds: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let started = Instant::now();
            for _ in 0..CALLS {
                black_box(available(black_box(question)).unwrap());
            }
            started.elapsed() / CALLS
        })
        .collect();
    rounds.sort_unstable();
    (rounds[ROUNDS / 2], rounds[ROUNDS - 1], slots)
}

/// A thousand quarter hours or less, spread over thirty days.
fn busy_times(now: Timestamp) -> Vec<Interval> {
    let mut next = numbers();
    (0..1_000)
        .map(|n| {
            let start = now + SignedDuration::from_secs(n * 2_592 + next(1_200));
            Interval::new(start, start + SignedDuration::from_secs(300 + next(600)))
        })
        .collect()
}

fn shuffle(list: &mut [Interval]) {
    let mut next = numbers();
    for at in (1..list.len()).rev() {
        let other = usize::try_from(next(i64::try_from(at + 1).unwrap())).unwrap();
        list.swap(at, other);
    }
}

/// The same numbers every time.
fn numbers() -> impl FnMut(i64) -> i64 {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    move |below| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        i64::try_from(state >> 2).unwrap() % below
    }
}
