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
        let grid = Grid::new(self.starts, interval);
        let mut slots = Vec::new();
        let mut not_before = Timestamp::MIN;
        for range in free {
            if range.duration() < duration {
                continue;
            }
            let steady = grid.is_steady(*range);
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
                let following = start.checked_add(interval).ok();
                not_before = following.unwrap_or(Timestamp::MAX);
                next = if steady { following } else { following.and_then(|following| grid.from(following)) };
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
    Clock { zone: &'a TimeZone, minutes: i64 },
    Openings { openings: &'a [Timestamp], interval: SignedDuration },
}

impl<'a> Grid<'a> {
    fn new(starts: Starts<'a>, interval: SignedDuration) -> Self {
        match starts {
            Starts::Clock(zone) => Self::Clock { zone, minutes: grid_minutes(interval) },
            Starts::Openings(openings) => Self::Openings { openings, interval },
        }
    }

    /// Whether one interval after a start is a start again, all over a range.
    fn is_steady(&self, range: Interval) -> bool {
        match self {
            // Clocks that move by half an hour (Lord Howe) take later starts off the grid; asking each time is slow.
            Self::Clock { zone, .. } => zone.to_offset(range.start) == zone.to_offset(range.end),
            Self::Openings { openings, .. } => {
                !openings.iter().any(|opening| range.start < *opening && *opening < range.end)
            }
        }
    }

    /// The first instant from `at` on at which a slot may start.
    fn from(&self, at: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Clock { zone, minutes } => rounded_up(at, *minutes, zone),
            Self::Openings { openings, interval } => counted(at, openings, *interval),
        }
    }
}

fn grid_minutes(interval: SignedDuration) -> i64 {
    let minutes = interval.as_mins();
    GRID_MINUTES.into_iter().find(|grid| minutes % grid == 0).unwrap_or(1)
}

/// The first instant from `at` on whose local minutes are on the grid and whose seconds are zero.
fn rounded_up(at: Timestamp, grid: i64, zone: &TimeZone) -> Option<Timestamp> {
    let mut at = at;
    // Rounding may step over a clock change and miss the grid once; two changes are never that close.
    for _ in 0..3 {
        let local = zone.to_datetime(at);
        let minutes = SignedDuration::from_mins(i64::from(local.minute()) % grid);
        let seconds = SignedDuration::new(i64::from(local.second()), local.subsec_nanosecond());
        let past = minutes + seconds;
        if past.is_zero() {
            break;
        }
        at = at.checked_add(SignedDuration::from_mins(grid) - past).ok()?;
    }
    Some(at)
}

/// The first instant from `at` on that is a whole number of intervals after the opening before it, or the next opening.
fn counted(at: Timestamp, openings: &[Timestamp], interval: SignedDuration) -> Option<Timestamp> {
    let next = openings.partition_point(|opening| *opening <= at);
    let upcoming = openings.get(next).copied();
    let Some(opening) = next.checked_sub(1).and_then(|last| openings.get(last)) else { return upcoming };
    let past = at.duration_since(*opening).as_nanos() % interval.as_nanos();
    let left = if past == 0 { 0 } else { interval.as_nanos() - past };
    let start = at.checked_add(SignedDuration::from_nanos_i128(left)).ok()?;
    Some(upcoming.map_or(start, |upcoming| start.min(upcoming)))
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
    }
}
