//! What time it is: the system's, a fixed instant, or one that starts elsewhere and runs on.
//!
//! Everything below the edge asks a [`Clock`]; nothing reads the system's time by itself, so that tests never sleep.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

/// A clock that can be shared; clones show the same time.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Mutex<Reading>>);

#[derive(Clone, Copy, Debug)]
enum Reading {
    /// The system's time moved by an offset (zero in production).
    Running(SignedDuration),
    /// Stands still until it is moved.
    Fixed(Timestamp),
    /// Goes on as somebody else says.
    Led(Timestamp),
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self::new(Reading::Running(SignedDuration::ZERO))
    }

    /// A clock that stands at `now` until [`Clock::advance`] or [`Clock::set`] moves it.
    pub fn fixed(now: Timestamp) -> Self {
        Self::new(Reading::Fixed(now))
    }

    /// A clock that shows `now`, and whose owner sets it on as time goes by: the simulation's.
    pub fn led(now: Timestamp) -> Self {
        Self::new(Reading::Led(now))
    }

    /// A clock that shows `now` and runs on in real time.
    pub fn starting_at(now: Timestamp) -> Self {
        Self::new(Reading::Running(now.duration_since(system_now())))
    }

    fn new(reading: Reading) -> Self {
        Self(Arc::new(Mutex::new(reading)))
    }

    /// The current instant (UTC).
    pub fn now(&self) -> Timestamp {
        match *self.reading() {
            Reading::Fixed(now) | Reading::Led(now) => now,
            Reading::Running(offset) => moved(system_now(), offset),
        }
    }

    /// The current instant without its fraction, as rows keep it: an answer must not say more than what is stored.
    pub fn second(&self) -> Timestamp {
        let now = self.now();
        Timestamp::from_second(now.as_second()).unwrap_or(now)
    }

    /// The current instant in whole seconds since the Unix epoch, as DynamoDB's TTL and JWTs count.
    pub fn unix(&self) -> i64 {
        self.now().as_second()
    }

    /// Whether it shows the same instant until somebody moves it.
    pub fn stands(&self) -> bool {
        matches!(*self.reading(), Reading::Fixed(_))
    }

    /// Moves the clock on (or back, by a negative duration).
    pub fn advance(&self, by: SignedDuration) {
        let mut reading = self.reading();
        *reading = match *reading {
            Reading::Fixed(now) => Reading::Fixed(moved(now, by)),
            Reading::Led(now) => Reading::Led(moved(now, by)),
            Reading::Running(offset) => Reading::Running(offset.saturating_add(by)),
        };
    }

    /// Puts the clock at an instant; a running clock runs on from there.
    pub fn set(&self, now: Timestamp) {
        let mut reading = self.reading();
        *reading = match *reading {
            Reading::Fixed(_) => Reading::Fixed(now),
            Reading::Led(_) => Reading::Led(now),
            Reading::Running(_) => Reading::Running(now.duration_since(system_now())),
        };
    }

    /// Whether it moves by itself.
    pub fn runs(&self) -> bool {
        matches!(*self.reading(), Reading::Running(_))
    }

    fn reading(&self) -> std::sync::MutexGuard<'_, Reading> {
        // A reading is replaced whole, so a poisoned lock still holds a sound one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long it is, by the system's own time, until an instant in milliseconds since the epoch; zero when it is past.
///
/// Lambda names an invocation's end like this, and a moved clock does not move that end.
pub fn real_time_until(unix_ms: u64) -> Duration {
    let end = i64::try_from(unix_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    let left = end.unwrap_or(Timestamp::MAX).duration_since(system_now());
    Duration::try_from(left).unwrap_or_default()
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the system's time")]
fn system_now() -> Timestamp {
    Timestamp::now()
}

/// `at + by`, held within the representable years instead of failing.
fn moved(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_clock_stands_until_it_is_moved() {
        let clock = Clock::fixed(Timestamp::UNIX_EPOCH);
        let same = clock.clone();
        assert_eq!(clock.now(), Timestamp::UNIX_EPOCH);
        clock.advance(SignedDuration::from_secs(90));
        assert_eq!(same.unix(), 90);
    }

    #[test]
    fn a_running_clock_starts_where_it_is_told() {
        let start: Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
        let clock = Clock::starting_at(start);
        assert!(clock.now().duration_since(start) < SignedDuration::from_secs(5));
        clock.set("2031-01-01T00:00:00Z".parse().unwrap());
        assert!(clock.now().duration_since(start) > SignedDuration::from_hours(24 * 364));
    }
    #[test]
    fn a_clock_runs_unless_it_is_fixed() {
        assert!(Clock::system().runs() && Clock::starting_at(Timestamp::UNIX_EPOCH).runs());
        assert!(!Clock::fixed(Timestamp::UNIX_EPOCH).runs());
    }

    #[test]
    fn an_end_is_as_far_away_as_the_system_says_and_never_behind() {
        let in_a_minute = u64::try_from(system_now().as_millisecond()).unwrap() + 60_000;
        let left = real_time_until(in_a_minute);
        assert!(left > Duration::from_secs(55) && left <= Duration::from_secs(60), "{left:?}");
        assert_eq!(real_time_until(0), Duration::ZERO);
        assert!(real_time_until(u64::MAX) > Duration::from_secs(60));
    }
}
