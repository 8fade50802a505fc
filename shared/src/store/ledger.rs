//! Which time of an owner is taken: one row an owner and UTC day with a version, and the bookings behind it.
//!
//! A writer reads every day that the interval and the largest buffer touch, and conditions on all of them in one
//! transaction (SECURITY.md S5). Days are UTC: local days would move when the owner changes zone.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::{ConditionCheck, Put, TransactWriteItem};
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::{
    Store, keys, odd,
    row::{Stored, from_item, kind_of, number, seconds, to_item},
};
use crate::{error::Result, ids::OwnerId, range::Interval, schedule::Buffers};

/// No appointment with its buffers reaches further than this beyond the days it lies in; the schedule allows no more.
pub const LARGEST_REACH: SignedDuration = SignedDuration::from_hours(24);

/// Something that takes time: a booking, or a hold while it lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The id of the booking or hold it stands for. A booking that is being moved has two entries.
    pub of: String,
    /// From when.
    #[serde(with = "seconds::required")]
    pub start: Timestamp,
    /// Until when.
    #[serde(with = "seconds::required")]
    pub end: Timestamp,
    /// Kept free before it, in seconds.
    #[serde(default)]
    pub before: i64,
    /// Kept free after it, in seconds.
    #[serde(default)]
    pub after: i64,
    /// When a hold ends by itself; a booking never does.
    #[serde(default, with = "seconds::optional", skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

impl Entry {
    /// Time for a booking or a hold.
    pub fn new(of: &str, slot: Interval, buffers: Buffers, expires_at: Option<Timestamp>) -> Self {
        Self {
            of: of.to_owned(),
            start: slot.start,
            end: slot.end,
            before: buffers.before.as_secs(),
            after: buffers.after.as_secs(),
            expires_at,
        }
    }

    /// The time it takes.
    pub fn interval(&self) -> Interval {
        Interval::new(self.start, self.end)
    }

    /// What is kept free around it.
    pub fn buffers(&self) -> Buffers {
        Buffers {
            before: SignedDuration::from_secs(self.before),
            after: SignedDuration::from_secs(self.after),
        }
    }

    /// Whether it still takes its time.
    pub fn lives(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| end > now)
    }
}

/// The ledger of one UTC day: every entry that touches it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Day {
    /// Moves with every write.
    pub version: u64,
    /// What takes time.
    pub entries: Vec<Entry>,
    /// When it may be forgotten.
    #[serde(default, with = "seconds::optional", skip_serializing_if = "Option::is_none")]
    pub ttl: Option<Timestamp>,
}

impl Stored for Day {
    const KIND: &'static str = "day";
}

/// An entry that is taken out.
#[derive(Clone, Copy, Debug)]
pub struct Out<'a> {
    /// The id it stands for.
    pub of: &'a str,
    /// Where one of a moved booking's two entries is meant: its time. A start alone would name both when a booking
    /// only grows longer.
    pub at: Option<Interval>,
}

impl Out<'_> {
    fn is(&self, entry: &Entry) -> bool {
        let is_at = |at: Interval| {
            let seconds = |of: Interval| (of.start.as_second(), of.end.as_second());
            seconds(at) == seconds(entry.interval())
        };
        entry.of == self.of && self.at.is_none_or(is_at)
    }
}

/// The days that an interval touches, as they were read.
#[derive(Clone, Debug)]
pub struct Days {
    owner: OwnerId,
    days: BTreeMap<Date, Day>,
}

impl Days {
    /// Every entry that takes time at this moment, once.
    pub fn entries(&self, now: Timestamp) -> Vec<&Entry> {
        let all = self.days.values().flat_map(|day| &day.entries);
        let mut entries: Vec<&Entry> = all.filter(|entry| entry.lives(now)).collect();
        entries.sort_by(|a, b| (a.start, &a.of).cmp(&(b.start, &b.of)));
        entries.dedup();
        entries
    }
}

/// A day is as it was read.
const UNCHANGED: &str = "version = :version";
/// A day that nobody wrote yet is still unwritten.
const UNWRITTEN: &str = "attribute_not_exists(pk)";

impl Store {
    /// Reads the ledger of every day that the interval touches, [`LARGEST_REACH`] further on both sides (one query).
    pub async fn days(&self, owner: &OwnerId, interval: Interval) -> Result<Days> {
        let (first, last) = touched(interval.widened(LARGEST_REACH, LARGEST_REACH));
        let (from, to) = (keys::day(owner, first), keys::day(owner, last));
        let mut days = BTreeMap::new();
        for item in self.query_between(&self.tables().bookings, from.pk, Some((&from.sk, &to.sk))).await? {
            let date = item
                .get("sk")
                .and_then(|sk| sk.as_s().ok())
                .and_then(|sk| sk.strip_prefix("DAY#")?.parse().ok());
            if let (Some(date), Day::KIND) = (date, kind_of(&item)) {
                days.insert(date, from_item(item)?);
            }
        }
        Ok(Days { owner: owner.clone(), days })
    }

    /// The actions that change the ledger: what is taken out (by id, and only at a time where one is given) and what
    /// comes in, on condition that no day which an incoming entry could collide on has changed since it was read.
    /// Holds that ended go on the way.
    pub fn change_days(
        &self,
        days: &Days,
        out: &[Out<'_>],
        add: Option<&Entry>,
        now: Timestamp,
    ) -> Result<Vec<TransactWriteItem>> {
        let mut wanted = days.days.clone();
        let mut written = BTreeSet::new();
        for (date, day) in &mut wanted {
            let before = day.entries.len();
            day.entries.retain(|entry| !out.iter().any(|out| out.is(entry)));
            if day.entries.len() != before {
                written.insert(*date);
            }
        }
        let mut checked = BTreeSet::new();
        if let Some(entry) = add {
            for date in dates(touched(entry.interval())) {
                wanted.entry(date).or_default().entries.push(entry.clone());
                written.insert(date);
            }
            checked.extend(dates(touched(entry.interval().widened(LARGEST_REACH, LARGEST_REACH))));
        }
        let mut actions = Vec::new();
        for date in checked.union(&written) {
            match wanted.get(date).filter(|_| written.contains(date)) {
                Some(day) => {
                    let mut day = day.clone();
                    day.entries.retain(|entry| entry.lives(now));
                    actions.push(self.write_day(&days.owner, *date, day)?);
                }
                None => actions.push(self.check_day(&days.owner, *date, days.days.get(date))?),
            }
        }
        Ok(actions)
    }

    fn write_day(&self, owner: &OwnerId, date: Date, mut day: Day) -> Result<TransactWriteItem> {
        let read = day.version;
        day.version += 1;
        // An appointment that touches the day may end on the next.
        let end = date.tomorrow().and_then(|next| next.to_zoned(TimeZone::UTC)).map(|next| next.timestamp());
        day.ttl = end.ok().map(|end| self.forgotten(end));
        let put = Put::builder()
            .table_name(&self.tables().bookings)
            .set_item(Some(to_item(keys::day(owner, date), day)?));
        let put = match read {
            0 => put.condition_expression(UNWRITTEN),
            read => put.condition_expression(UNCHANGED).expression_attribute_values(":version", number(read)),
        };
        Ok(TransactWriteItem::builder().put(put.build().map_err(odd)?).build())
    }

    fn check_day(&self, owner: &OwnerId, date: Date, day: Option<&Day>) -> Result<TransactWriteItem> {
        let check = ConditionCheck::builder()
            .table_name(&self.tables().bookings)
            .set_key(Some(keys::day(owner, date).item()));
        let check = match day {
            None => check.condition_expression(UNWRITTEN),
            Some(day) => check
                .condition_expression(UNCHANGED)
                .expression_attribute_values(":version", number(day.version)),
        };
        Ok(TransactWriteItem::builder().condition_check(check.build().map_err(odd)?).build())
    }
}

/// First and last UTC day that an interval touches.
fn touched(interval: Interval) -> (Date, Date) {
    let day = |at: Timestamp| at.to_zoned(TimeZone::UTC).date();
    let last = interval.end.saturating_sub(SignedDuration::from_nanos(1)).unwrap_or(Timestamp::MIN);
    (day(interval.start), day(last.max(interval.start)))
}

fn dates((first, last): (Date, Date)) -> impl Iterator<Item = Date> {
    first.series(jiff::Span::new().days(1)).take_while(move |date| *date <= last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(start: &str, end: &str) -> Interval {
        Interval::new(start.parse().unwrap(), end.parse().unwrap())
    }

    #[test]
    fn an_interval_that_ends_at_midnight_does_not_touch_the_next_day() {
        let (first, last) = touched(interval("2026-01-05T23:00:00Z", "2026-01-06T00:00:00Z"));
        assert_eq!((first, last), (Date::constant(2026, 1, 5), Date::constant(2026, 1, 5)));
    }

    #[test]
    fn an_interval_across_midnight_touches_both_days() {
        let touched = touched(interval("2026-01-05T23:30:00Z", "2026-01-06T00:30:00Z"));
        assert_eq!(dates(touched).count(), 2);
    }
}
