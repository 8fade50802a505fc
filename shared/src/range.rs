//! A half-open stretch of time, and what can be done with many of them.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// `[start, end)` in UTC. An interval whose end is not after its start holds nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Interval {
    /// First instant inside.
    pub start: Timestamp,
    /// First instant after it.
    pub end: Timestamp,
}

impl Interval {
    /// An interval from its two ends.
    pub fn new(start: Timestamp, end: Timestamp) -> Self {
        Self { start, end }
    }

    /// How long it lasts; zero or negative when it holds nothing.
    pub fn duration(self) -> SignedDuration {
        self.end.duration_since(self.start)
    }

    /// Whether it holds no instant.
    pub fn is_empty(self) -> bool {
        self.end <= self.start
    }

    /// Whether both hold a common instant; touching ends do not overlap.
    pub fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// Whether `other` lies wholly inside.
    pub fn contains(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// The interval grown on both sides; used for buffers around appointments.
    pub fn widened(self, before: SignedDuration, after: SignedDuration) -> Self {
        Self {
            start: self.start.saturating_sub(before).unwrap_or(Timestamp::MIN),
            end: self.end.saturating_add(after).unwrap_or(Timestamp::MAX),
        }
    }
}

/// Sorts and joins what overlaps or touches; what holds nothing is dropped.
pub fn merge(mut intervals: Vec<Interval>) -> Vec<Interval> {
    intervals.retain(|interval| !interval.is_empty());
    intervals.sort_unstable();
    intervals.dedup_by(|next, last| {
        let joined = next.start <= last.end;
        if joined {
            last.end = last.end.max(next.end);
        }
        joined
    });
    intervals
}

/// What of `free` is left when everything in `busy` is taken out; neither needs to be in order.
pub fn subtract(free: Vec<Interval>, busy: Vec<Interval>) -> Vec<Interval> {
    let free = merge(free);
    let busy = merge(busy);
    let mut left = Vec::with_capacity(free.len() + busy.len());
    let mut next = 0;
    for range in free {
        let mut start = range.start;
        while let Some(taken) = busy.get(next) {
            if taken.start >= range.end {
                break;
            }
            if start < taken.start {
                left.push(Interval::new(start, taken.start));
            }
            start = start.max(taken.end);
            if taken.end > range.end {
                // It may reach into the next free range as well.
                break;
            }
            next += 1;
        }
        if start < range.end {
            left.push(Interval::new(start, range.end));
        }
    }
    left
}

/// What lies in both; neither needs to be in order.
pub fn intersect(one: Vec<Interval>, other: Vec<Interval>) -> Vec<Interval> {
    let (one, other) = (merge(one), merge(other));
    let (mut i, mut j) = (0, 0);
    let mut both = Vec::new();
    while let (Some(a), Some(b)) = (one.get(i), other.get(j)) {
        let common = Interval::new(a.start.max(b.start), a.end.min(b.end));
        if !common.is_empty() {
            both.push(common);
        }
        if a.end <= b.end {
            i += 1;
        } else {
            j += 1;
        }
    }
    both
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Intervals in seconds since the epoch: readable, and all that these functions look at.
    fn spans(ends: &[(i64, i64)]) -> Vec<Interval> {
        let at = |second| Timestamp::from_second(second).unwrap();
        ends.iter().map(|&(start, end)| Interval::new(at(start), at(end))).collect()
    }

    #[test]
    fn touching_and_overlapping_intervals_become_one() {
        let check = |input: &[(i64, i64)], expected: &[(i64, i64)]| {
            assert_eq!(merge(spans(input)), spans(expected), "{input:?}");
        };
        check(&[], &[]);
        check(&[(3, 4), (1, 2)], &[(1, 2), (3, 4)]);
        check(&[(1, 2), (2, 3)], &[(1, 3)]);
        check(&[(1, 9), (2, 3), (4, 5), (8, 12)], &[(1, 12)]);
        check(&[(5, 5), (7, 6), (1, 2)], &[(1, 2)]);
    }

    #[test]
    fn what_is_busy_is_cut_out_of_what_is_free() {
        let check = |free: &[(i64, i64)], busy: &[(i64, i64)], expected: &[(i64, i64)]| {
            assert_eq!(subtract(spans(free), spans(busy)), spans(expected), "{free:?} - {busy:?}");
        };
        check(&[(0, 10)], &[], &[(0, 10)]);
        check(&[(0, 10)], &[(4, 5), (2, 3)], &[(0, 2), (3, 4), (5, 10)]);
        check(&[(0, 10), (20, 30)], &[(5, 25)], &[(0, 5), (25, 30)]);
        check(&[(0, 10), (20, 30)], &[(-5, 35)], &[]);
        check(&[(0, 10)], &[(0, 10)], &[]);
        check(&[(0, 10)], &[(-3, 0), (10, 12)], &[(0, 10)]);
        check(&[(0, 4), (6, 8), (9, 12)], &[(3, 7), (7, 10), (11, 20)], &[(0, 3), (10, 11)]);
    }

    #[test]
    fn an_intersection_holds_what_both_hold() {
        let check = |one: &[(i64, i64)], other: &[(i64, i64)], expected: &[(i64, i64)]| {
            assert_eq!(intersect(spans(one), spans(other)), spans(expected));
            assert_eq!(intersect(spans(other), spans(one)), spans(expected));
        };
        check(&[(0, 10)], &[(10, 20)], &[]);
        check(&[(0, 10)], &[(2, 3), (5, 15)], &[(2, 3), (5, 10)]);
        check(&[(13, 15), (9, 11)], &[(14, 16), (10, 12)], &[(10, 11), (14, 15)]);
        check(&[(0, 10)], &[], &[]);
    }

    #[test]
    fn the_sweeps_agree_with_counting_every_second() {
        for seed in 0..200_u64 {
            let (one, other) = (scattered(seed), scattered(seed.wrapping_mul(7919) + 1));
            let within = |list: &[Interval], second: i64| {
                list.iter().any(|i| i.contains(spans(&[(second, second + 1)])[0]))
            };
            let (left, both) = (subtract(one.clone(), other.clone()), intersect(one.clone(), other.clone()));
            for second in 0..120 {
                let (a, b) = (within(&one, second), within(&other, second));
                assert_eq!(within(&left, second), a && !b, "seed {seed}, second {second}");
                assert_eq!(within(&both, second), a && b, "seed {seed}, second {second}");
            }
        }
    }

    /// Ten small intervals below 120 seconds, the same for the same seed.
    fn scattered(seed: u64) -> Vec<Interval> {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut next = |below: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            i64::try_from(state % below).unwrap()
        };
        (0..10)
            .flat_map(|_| {
                let start = next(110);
                spans(&[(start, start + next(10))])
            })
            .collect()
    }
}
