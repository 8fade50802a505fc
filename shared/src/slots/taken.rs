//! What stands in the way of an appointment: busy times, other appointments, buffers around both, and full days.

use jiff::{civil::Date, tz::TimeZone};

use super::Question;
use crate::{
    civil::whole_day,
    range::{self, Interval},
    schedule::Buffers,
};

/// In seconds; any stretch would do, and a day holds few ranges.
const DAY: i64 = 86_400;

/// What is taken, as far as it is known.
pub(super) struct Taken<'a> {
    question: &'a Question<'a>,
    busy: &'a [Interval],
    full_days: Vec<Interval>,
}

impl<'a> Taken<'a> {
    /// None when a calendar could not be read.
    pub(super) fn of(question: &'a Question<'a>, zone: &TimeZone) -> Option<Self> {
        Some(Self { question, busy: question.busy?, full_days: full_days(question, zone) })
    }

    /// The time that a new appointment cannot touch, as far as it overlaps these hours, which must be merged.
    pub(super) fn within(&self, hours: &[Interval]) -> Vec<Interval> {
        let own = self.question.buffers;
        // To widen the hours is the same as to widen everything busy, and there are far fewer of them.
        let reach = Reach::of(hours.iter().map(|open| open.widened(own.before, own.after)).collect());
        let busy = self.busy.iter().filter(|busy| !busy.is_empty() && reach.meets(**busy));
        let busy = busy.map(|busy| around(*busy, Buffers::default(), own));
        busy.chain(self.booked()).collect()
    }

    /// Local days, in order, on which no more appointment may start.
    pub(super) fn full_days(&self) -> &[Interval] {
        &self.full_days
    }

    /// Whether an appointment at this time would collide, or be one too many on its day.
    pub(super) fn stands_in_the_way_of(&self, wanted: Interval) -> bool {
        self.blocked().any(|blocked| blocked.overlaps(wanted))
            || self.full_days.iter().any(|day| day.start <= wanted.start && wanted.start < day.end)
    }

    fn blocked(&self) -> impl Iterator<Item = Interval> + '_ {
        let own = self.question.buffers;
        let busy = self.busy.iter().map(move |busy| around(*busy, Buffers::default(), own));
        busy.chain(self.booked()).filter(|blocked| !blocked.is_empty())
    }

    fn booked(&self) -> impl Iterator<Item = Interval> + '_ {
        let own = self.question.buffers;
        self.question.booked.iter().map(move |other| around(other.interval, other.buffers, own))
    }
}

/// Ranges in order of their ends, found by day: a search for each of a thousand busy times in no order costs more than
/// everything else together.
struct Reach {
    ranges: Vec<Interval>,
    /// The start of the first range, in seconds since the epoch.
    origin: i64,
    /// For each day after it the first range that does not end in a second before.
    by_day: Vec<usize>,
}

impl Reach {
    fn of(ranges: Vec<Interval>) -> Self {
        let origin = ranges.first().map_or(0, |first| first.start.as_second());
        let mut by_day = Vec::new();
        for (at, range) in ranges.iter().enumerate() {
            while i64::try_from(by_day.len()).is_ok_and(|days| origin + days * DAY <= range.end.as_second()) {
                by_day.push(at);
            }
        }
        Self { ranges, origin, by_day }
    }

    fn meets(&self, other: Interval) -> bool {
        let day = (other.start.as_second() - self.origin).div_euclid(DAY).max(0);
        let Some(&first) = usize::try_from(day).ok().and_then(|day| self.by_day.get(day)) else {
            return false;
        };
        let later = self.ranges.iter().skip(first).find(|range| other.start < range.end);
        later.is_some_and(|range| range.start < other.end)
    }
}

/// The time that a new appointment cannot touch because of what is taken. Two appointments share the time between
/// them, so that the longer of the two buffers there is enough; what is in a foreign calendar has none of its own.
fn around(taken: Interval, its: Buffers, own: Buffers) -> Interval {
    if taken.is_empty() {
        return taken;
    }
    taken.widened(its.before.max(own.after), its.after.max(own.before))
}

/// Working hours without anything that overlaps busy times and the buffers of a new appointment.
pub fn free_ranges(working: Vec<Interval>, busy: &[Interval], buffers: Buffers) -> Vec<Interval> {
    let blocked = busy.iter().map(|busy| around(*busy, Buffers::default(), buffers));
    range::subtract(working, blocked.collect())
}

/// An appointment counts on the local day on which it starts.
fn full_days(question: &Question<'_>, zone: &TimeZone) -> Vec<Interval> {
    let Some(limit) = question.schedule.daily_limit else { return Vec::new() };
    let started = |other: &super::Booked| zone.to_datetime(other.interval.start).date();
    let mut dates: Vec<Date> = question.booked.iter().map(started).collect();
    dates.sort_unstable();
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let full = dates.chunk_by(|one, other| one == other).filter(|day| day.len() >= limit);
    full.filter_map(|day| day.first()).filter_map(|date| whole_day(zone, *date)).collect()
}
