//! Which time of an owner is taken: one row an owner and UTC day with a version, and the bookings behind it.
//!
//! A writer reads every day that the interval and the largest buffer touch, and conditions on all of them in one
//! transaction (SECURITY.md S5). Days are UTC: local days would move when the owner changes zone.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{ConditionCheck, Put, TransactWriteItem};
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::{
    Store, keys, odd,
    row::{Stored, from_item, kind_of, number, seconds, to_item},
};
use crate::{
    error::Result,
    ids::{BookingId, ConnectionId, OwnerId},
    range::Interval,
};

/// No appointment with its buffers reaches further than this beyond the days it lies in; the schedule allows no more.
pub const LARGEST_REACH: SignedDuration = SignedDuration::from_hours(24);

/// Something that takes time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The booking it stands for.
    pub booking: BookingId,
    /// From when.
    #[serde(with = "seconds::required")]
    pub start: Timestamp,
    /// Until when.
    #[serde(with = "seconds::required")]
    pub end: Timestamp,
}

impl Entry {
    /// The time it takes.
    pub fn interval(&self) -> Interval {
        Interval::new(self.start, self.end)
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

/// The days that an interval touches, as they were read.
#[derive(Clone, Debug)]
pub struct Days {
    owner: OwnerId,
    days: BTreeMap<Date, Day>,
}

impl Days {
    /// Every entry, once.
    pub fn entries(&self) -> Vec<&Entry> {
        let mut entries: Vec<&Entry> = self.days.values().flat_map(|day| &day.entries).collect();
        entries.sort_by(|a, b| (a.start, &a.booking).cmp(&(b.start, &b.booking)));
        entries.dedup();
        entries
    }
}

/// Where a booking stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BookingStatus {
    /// The ledger has it; the provider may or may not have heard. It never expires by itself.
    Creating,
    /// It stands.
    Confirmed,
    /// It was refused before it stood; its time is free again.
    Failed,
}

/// Whether the calendar shows a booking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CalendarSync {
    /// It does.
    Synced,
    /// It will: the booking stands, the calendar could not be written yet.
    Pending,
    /// It does not.
    Failed,
}

/// A slot taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Booking {
    /// Its id for ever.
    pub id: BookingId,
    /// Whose time it is.
    pub owner: OwnerId,
    /// Where it stands.
    pub status: BookingStatus,
    /// Whether the calendar shows it.
    pub calendar_sync: CalendarSync,
    /// From when.
    #[serde(with = "seconds::required")]
    pub start: Timestamp,
    /// Until when.
    #[serde(with = "seconds::required")]
    pub end: Timestamp,
    /// What for.
    pub title: String,
    /// Who comes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attendee_name: Option<String>,
    /// His e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attendee_email: Option<String>,
    /// His phone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attendee_phone: Option<String>,
    /// What he said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// The connection it is written to; none when the owner has none that works.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<ConnectionId>,
    /// The provider's event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// When it was made.
    #[serde(with = "seconds::required")]
    pub created_at: Timestamp,
    /// When it may be forgotten (`BOOKING_RETENTION_DAYS` after its end).
    #[serde(with = "seconds::required")]
    pub ttl: Timestamp,
}

impl Stored for Booking {
    const KIND: &'static str = "booking";
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

    /// The actions that add an entry, on condition that no day it could collide on has changed.
    pub fn add_entry(&self, days: &Days, entry: &Entry) -> Result<Vec<TransactWriteItem>> {
        let own = touched(entry.interval());
        let around = touched(entry.interval().widened(LARGEST_REACH, LARGEST_REACH));
        let mut actions = Vec::new();
        for date in dates(around) {
            if (own.0..=own.1).contains(&date) {
                let mut day = days.days.get(&date).cloned().unwrap_or_default();
                day.entries.push(entry.clone());
                actions.push(self.write_day(&days.owner, date, day)?);
            } else {
                actions.push(self.check_day(&days.owner, date, days.days.get(&date))?);
            }
        }
        Ok(actions)
    }

    /// The actions that take an entry out, on condition that its days have not changed.
    pub fn remove_entry(&self, days: &Days, booking: &BookingId) -> Result<Vec<TransactWriteItem>> {
        let mut actions = Vec::new();
        for (date, day) in &days.days {
            if day.entries.iter().any(|entry| entry.booking == *booking) {
                let mut day = day.clone();
                day.entries.retain(|entry| entry.booking != *booking);
                actions.push(self.write_day(&days.owner, *date, day)?);
            }
        }
        Ok(actions)
    }

    /// The action that writes a booking whole.
    pub fn put_booking(&self, booking: Booking) -> Result<TransactWriteItem> {
        let item = to_item(keys::booking(&booking.owner, &booking.id), booking)?;
        let put = Put::builder().table_name(&self.tables().bookings).set_item(Some(item));
        Ok(TransactWriteItem::builder().put(put.build().map_err(odd)?).build())
    }

    /// Reads a booking.
    pub async fn booking(&self, owner: &OwnerId, id: &BookingId) -> Result<Option<Booking>> {
        self.get(&self.tables().bookings, keys::booking(owner, id)).await?.map(from_item).transpose()
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
