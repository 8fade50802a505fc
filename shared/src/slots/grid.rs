//! Cutting free time into slots: starts are round on a wall clock, as cal.com's `getSlots` cuts it, or follow openings.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use crate::range::Interval;

/// Grids that fill an hour; the coarsest that divides the slot interval is used, and single minutes otherwise.
const GRID_MINUTES: [i64; 6] = [60, 30, 20, 15, 10, 5];
const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// How free time is cut.
#[derive(Clone, Copy)]
pub(super) struct Cut<'a> {
    /// Of each slot; at least a minute.
    pub(super) duration: SignedDuration,
    /// From one start to the next; at least a minute.
    pub(super) interval: SignedDuration,
    /// Which starts there are.
    pub(super) starts: Starts<'a>,
    /// No slot starts inside; in order.
    pub(super) closed: &'a [Interval],
}

/// Which starts there are.
#[derive(Clone, Copy)]
pub(super) enum Starts<'a> {
    /// Round ones on a wall clock.
    Clock(&'a TimeZone),
    /// Each of these instants, in order, and every interval after it until the next one.
    Openings(&'a [Timestamp]),
}

/// Slots of `duration`, each wholly inside one of the free ranges, which must be merged.
///
/// In each range the first start is rounded up to the grid of the local clock (an interval of 45 minutes starts on
/// quarter hours); further starts follow by `interval`, and no two starts are closer than that.
pub fn slots(
    free: &[Interval],
    duration: SignedDuration,
    interval: SignedDuration,
    zone: &TimeZone,
) -> Vec<Interval> {
    Cut { duration, interval, starts: Starts::Clock(zone), closed: &[] }.of(free)
}

impl Cut<'_> {
    /// The slots of free ranges, which must be merged.
    pub(super) fn of(self, free: &[Interval]) -> Vec<Interval> {
        let (duration, interval) = (self.duration.max(MINUTE), self.interval.max(MINUTE));
        let mut grid = Grid::new(self.starts, interval);
        let mut slots = Vec::new();
        let mut not_before = Timestamp::MIN;
        for range in free {
            if range.duration() < duration {
                continue;
            }
            let mut next = grid.from(range.start.max(not_before));
            while let Some(start) = next {
                let Ok(end) = start.checked_add(duration) else { break };
                if end > range.end {
                    break;
                }
                if let Some(closed) = self.closing(start) {
                    next = grid.from(closed.end);
                    continue;
                }
                slots.push(Interval::new(start, end));
                not_before = start.saturating_add(interval).unwrap_or(Timestamp::MAX);
                next = grid.from(not_before);
            }
        }
        slots
    }

    fn closing(self, start: Timestamp) -> Option<Interval> {
        self.closed.iter().copied().find(|closed| closed.start <= start && start < closed.end)
    }
}

/// The instants at which a slot may start.
enum Grid<'a> {
    Clock { clock: Clock<'a>, grid: i64 },
    Openings { openings: &'a [Timestamp], interval: i64 },
}

impl<'a> Grid<'a> {
    fn new(starts: Starts<'a>, interval: SignedDuration) -> Self {
        match starts {
            Starts::Clock(zone) => {
                let clock = Clock { zone, offset: 0, from: Timestamp::MAX, until: Timestamp::MAX };
                Self::Clock { clock, grid: MINUTE.as_secs() * grid_minutes(interval) }
            }
            Starts::Openings(openings) => Self::Openings { openings, interval: interval.as_secs() },
        }
    }

    /// The first instant from `at` on at which a slot may start.
    fn from(&mut self, at: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Clock { clock, grid } => clock.rounded_up(at, *grid),
            Self::Openings { openings, interval } => counted(at, openings, *interval),
        }
    }
}

fn grid_minutes(interval: SignedDuration) -> i64 {
    let minutes = interval.as_mins();
    GRID_MINUTES.into_iter().find(|grid| minutes % grid == 0).unwrap_or(1)
}

/// A wall clock and the stretch of time, last looked up, in which nobody moves it: looking up is what takes time.
struct Clock<'a> {
    zone: &'a TimeZone,
    /// Seconds ahead of UTC, from `from` to before `until`.
    offset: i64,
    from: Timestamp,
    until: Timestamp,
}

impl Clock<'_> {
    /// The first instant from `at` on whose local time is a whole number of grids (seconds, dividing an hour) past
    /// the hour. Clocks that move by half an hour (Lord Howe) move the grid with them.
    fn rounded_up(&mut self, mut at: Timestamp, grid: i64) -> Option<Timestamp> {
        loop {
            if at < self.from || self.until <= at {
                self.offset = i64::from(self.zone.to_offset(at).seconds());
                self.from = at;
                self.until =
                    self.zone.following(at).next().map_or(Timestamp::MAX, |change| change.timestamp());
            }
            let second = whole_second(at);
            let past = (second + self.offset).rem_euclid(grid);
            let left = if past == 0 { 0 } else { grid - past };
            let round = Timestamp::from_second(second + left).ok()?;
            if round < self.until || self.until == Timestamp::MAX {
                return Some(round);
            }
            at = self.until;
        }
    }
}

/// The first instant from `at` on that is a whole number of intervals (seconds) after the opening before it, or the
/// next opening.
fn counted(at: Timestamp, openings: &[Timestamp], interval: i64) -> Option<Timestamp> {
    let next = openings.partition_point(|opening| *opening <= at);
    let upcoming = openings.get(next).copied();
    let Some(opening) = next.checked_sub(1).and_then(|last| openings.get(last)) else { return upcoming };
    let second = whole_second(at);
    let past = (second - opening.as_second()).rem_euclid(interval);
    let left = if past == 0 { 0 } else { interval - past };
    let start = Timestamp::from_second(second + left).ok()?;
    Some(upcoming.map_or(start, |upcoming| start.min(upcoming)))
}

/// The first whole second from an instant on, since the epoch.
fn whole_second(at: Timestamp) -> i64 {
    at.as_second() + i64::from(at.subsec_nanosecond() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(zone: &str, free: &[(&str, &str)], duration: i64, interval: i64, expected: &[&str]) {
        let free: Vec<Interval> = free
            .iter()
            .map(|(start, end)| Interval::new(start.parse().unwrap(), end.parse().unwrap()))
            .collect();
        let zone = TimeZone::get(zone).unwrap();
        let (duration, interval) = (SignedDuration::from_mins(duration), SignedDuration::from_mins(interval));
        let starts: Vec<String> =
            slots(&free, duration, interval, &zone).iter().map(|slot| slot.start.to_string()).collect();
        assert_eq!(starts, expected);
    }

    #[test]
    fn starts_are_round_on_the_local_clock() {
        check(
            "Asia/Kolkata",
            &[("2026-07-13T02:00:00Z", "2026-07-13T04:00:00Z")],
            60,
            60,
            &["2026-07-13T02:30:00Z"],
        );
        check(
            "Asia/Kathmandu",
            &[("2026-07-13T02:00:00Z", "2026-07-13T03:30:00Z")],
            30,
            30,
            &["2026-07-13T02:15:00Z", "2026-07-13T02:45:00Z"],
        );
        check(
            "Etc/UTC",
            &[("2026-07-13T02:00:00.5Z", "2026-07-13T02:10:00Z")],
            5,
            5,
            &["2026-07-13T02:05:00Z"],
        );
    }

    #[test]
    fn the_grid_is_the_coarsest_that_divides_the_interval() {
        check(
            "Etc/UTC",
            &[("2026-07-13T09:05:00Z", "2026-07-13T11:30:00Z")],
            45,
            45,
            &["2026-07-13T09:15:00Z", "2026-07-13T10:00:00Z", "2026-07-13T10:45:00Z"],
        );
        check(
            "Etc/UTC",
            &[("2026-07-13T07:22:00Z", "2026-07-13T08:00:00Z")],
            8,
            8,
            &["2026-07-13T07:22:00Z", "2026-07-13T07:30:00Z", "2026-07-13T07:38:00Z", "2026-07-13T07:46:00Z"],
        );
        check(
            "Etc/UTC",
            &[("2026-07-13T09:10:00Z", "2026-07-13T13:10:00Z")],
            60,
            90,
            &["2026-07-13T09:30:00Z", "2026-07-13T11:00:00Z"],
        );
    }

    #[test]
    fn a_slot_fits_into_one_range_and_starts_keep_their_distance() {
        let day = [
            ("2026-07-13T09:00:00Z", "2026-07-13T09:20:00Z"),
            ("2026-07-13T09:25:00Z", "2026-07-13T10:00:00Z"),
            ("2026-07-13T10:10:00Z", "2026-07-13T10:24:00Z"),
        ];
        check("Etc/UTC", &day, 15, 45, &["2026-07-13T09:00:00Z", "2026-07-13T09:45:00Z"]);
        check("Etc/UTC", &day, 30, 30, &["2026-07-13T09:30:00Z"]);
    }

    #[test]
    fn a_clock_that_moves_half_an_hour_keeps_starts_round() {
        check(
            "Australia/Lord_Howe",
            &[("2026-10-03T14:30:00Z", "2026-10-03T18:00:00Z")],
            60,
            60,
            &["2026-10-03T14:30:00Z", "2026-10-03T16:00:00Z", "2026-10-03T17:00:00Z"],
        );
        // Rounding up would step onto the very instant at which the grid moves.
        check(
            "Australia/Lord_Howe",
            &[("2026-10-03T14:40:00Z", "2026-10-03T18:00:00Z")],
            60,
            60,
            &["2026-10-03T16:00:00Z", "2026-10-03T17:00:00Z"],
        );
    }
}
