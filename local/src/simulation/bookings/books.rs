//! What DynamoDB was told about bookings, transaction by transaction; after each of them ledger and bookings must agree.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, civil::Date};
use serde_json::Value;

use super::row::{Booking, DAY, Entry, number, text};

/// Clocks are off by two seconds at most, and rows keep whole ones.
pub(super) const SKEW: i64 = 3;

/// For how long something took time in the ledger.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    pub(super) entry: Entry,
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
}

#[derive(Default)]
pub(in crate::simulation) struct Books {
    /// Every id that was ever made, in order, without its kind: ids are random, and a story must repeat.
    ids: Vec<(String, String)>,
    /// The transactions that landed.
    tokens: BTreeSet<String>,
    days: BTreeMap<i64, Vec<Entry>>,
    /// Holds, by id: when they end.
    pub(super) holds: BTreeMap<String, i64>,
    pub(super) bookings: BTreeMap<String, Booking>,
    /// Every state of every booking.
    pub(super) history: Vec<(Timestamp, Booking)>,
    pub(super) taken: Vec<Taken>,
    /// What was wrong.
    pub(super) faults: Vec<String>,
}

impl Books {
    /// Which of all that were made an id is.
    pub(in crate::simulation) fn number_of(&self, id: &str) -> usize {
        let tail = tail(id);
        self.ids.iter().position(|(known, _)| known == tail).unwrap_or(usize::MAX)
    }

    /// A text with short names instead of ids.
    pub(in crate::simulation) fn plain(&self, text: &str) -> String {
        self.ids.iter().fold(text.to_owned(), |text, (id, name)| text.replace(id, name))
    }

    /// A transaction landed; what it says about bookings, in words.
    pub(in crate::simulation) fn wrote(&mut self, body: &[u8], now: Timestamp) -> Vec<String> {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let token = body["ClientRequestToken"].as_str().unwrap_or_default().to_owned();
        if !self.tokens.insert(token) {
            // The SDK sent it twice, and DynamoDB did it once.
            return Vec::new();
        }
        let mut story = Vec::new();
        for action in body["TransactItems"].as_array().into_iter().flatten() {
            let (item, deleted) = (&action["Put"]["Item"], &action["Delete"]["Key"]);
            let key = text(item, "sk").or_else(|| text(deleted, "sk")).unwrap_or_default();
            match key.split_once('#') {
                Some(("DAY", date)) => {
                    let date: Option<Date> = date.parse().ok();
                    self.days.extend(date.map(|date| (days_of(date), Entry::of_day(item))));
                }
                Some(("HOLD", id)) => self.hold(id, number(item, "ttl")),
                Some(("BOOKING", _)) => story.extend(self.booking(item, now)),
                _ => {}
            }
        }
        self.settle(now);
        story
            .extend(self.faults.last().filter(|_| !self.faults.is_empty()).map(|fault| format!("! {fault}")));
        story.iter().map(|line| self.plain(line)).collect()
    }

    /// What takes time at this moment.
    pub(super) fn entries(&self) -> BTreeSet<Entry> {
        self.days.values().flatten().cloned().collect()
    }

    fn name(&mut self, id: &str, kind: char) {
        if self.number_of(id) == usize::MAX {
            let name = format!("{kind}{}", self.ids.len());
            self.ids.push((tail(id).to_owned(), name));
        }
    }

    fn hold(&mut self, id: &str, ends: Option<i64>) {
        self.name(id, 'h');
        match ends {
            Some(ends) => drop(self.holds.insert(id.to_owned(), ends)),
            None => drop(self.holds.remove(id)),
        }
    }

    fn booking(&mut self, item: &Value, now: Timestamp) -> Option<String> {
        let booking = Booking::read(item)?;
        self.name(&booking.id, 'b');
        let earlier = self.bookings.insert(booking.id.clone(), booking.clone());
        if let Some(fault) = wrong_step(earlier.as_ref(), &booking) {
            self.faults.push(format!("{} {fault}", booking.id));
        }
        self.history.push((now, booking.clone()));
        let Booking { id, status, sync, span, moving, .. } = booking;
        Some(format!("  {id} {status} {sync} at {} to {:?}", span.start, moving.map(|to| to.start)))
    }

    /// Ledger, bookings and holds must say the same, whoever wrote them.
    fn settle(&mut self, now: Timestamp) {
        let lives = |entry: &Entry| entry.expires.is_none_or(|ends| ends > now.as_second() + SKEW);
        for (day, entries) in &self.days {
            for entry in entries.iter().filter(|entry| lives(entry) && !entry.days().contains(day)) {
                self.faults.push(format!("{} is in the ledger of a day that it does not touch", entry.of));
            }
        }
        let there: BTreeSet<Entry> = self.entries().into_iter().filter(lives).collect();
        for entry in &there {
            let on = |day: i64| self.days.get(&day).is_some_and(|entries| entries.contains(entry));
            if !entry.days().all(on) {
                self.faults.push(format!("{} is not in the ledger of every day that it touches", entry.of));
            }
        }
        let wanted: BTreeSet<Entry> = self.bookings.values().flat_map(Booking::entries).collect();
        let (held, booked): (BTreeSet<_>, BTreeSet<_>) =
            there.iter().cloned().partition(|entry| entry.expires.is_some());
        if booked != wanted {
            let of = |one: &BTreeSet<Entry>, other| -> Vec<String> {
                one.difference(other).map(|entry| entry.of.clone()).collect()
            };
            let (leaked, missing) = (of(&booked, &wanted), of(&wanted, &booked));
            self.faults.push(format!("the ledger has {leaked:?} too much and {missing:?} too little"));
        }
        let held: BTreeSet<_> = held.into_iter().map(|entry| entry.of).collect();
        let holds = self.holds.iter().filter(|(_, ends)| **ends > now.as_second() + SKEW);
        let holds: BTreeSet<_> = holds.map(|(id, _)| id.clone()).collect();
        if held != holds {
            self.faults.push(format!("the ledger has the holds {held:?}, and there are {holds:?}"));
        }
        let all: Vec<_> = there.iter().collect();
        for (at, one) in all.iter().enumerate() {
            for other in &all[at + 1..] {
                if one.of != other.of && !one.is_clear_of(other) {
                    self.faults.push(format!("{} and {} have the same time", one.of, other.of));
                }
            }
        }
        self.remember(now);
    }

    fn remember(&mut self, now: Timestamp) {
        let there = self.entries();
        for taken in self.taken.iter_mut().filter(|taken| taken.until == Timestamp::MAX) {
            if !there.contains(&taken.entry) {
                taken.until = now;
            }
        }
        for entry in there {
            let known = |taken: &Taken| taken.until == Timestamp::MAX && taken.entry == entry;
            if !self.taken.iter().any(known) {
                self.taken.push(Taken { entry, from: now, until: Timestamp::MAX });
            }
        }
    }
}

/// What a booking may never do.
fn wrong_step(earlier: Option<&Booking>, booking: &Booking) -> Option<String> {
    let Some(earlier) = earlier else {
        let begins = booking.status == "creating" && booking.version == 1 && booking.sequence == 0;
        return (!begins).then(|| "did not begin as one".to_owned());
    };
    let may: &[&str] = match earlier.status.as_str() {
        "creating" => &["creating", "confirmed", "failed"],
        "confirmed" => &["confirmed", "cancelling", "cancelled"],
        "cancelling" => &["cancelling", "cancelled"],
        "cancelled" => &["cancelled"],
        _ => &["failed"],
    };
    if !may.contains(&booking.status.as_str()) {
        return Some(format!("went from {} to {}", earlier.status, booking.status));
    }
    if booking.version != earlier.version + 1 {
        return Some(format!("went from version {} to {}", earlier.version, booking.version));
    }
    if !(earlier.sequence..=earlier.sequence + 1).contains(&booking.sequence) {
        return Some(format!("went from sequence {} to {}", earlier.sequence, booking.sequence));
    }
    let moved = booking.span != earlier.span && booking.sequence == earlier.sequence;
    moved.then(|| "moved without a new sequence".to_owned())
}

fn tail(id: &str) -> &str {
    id.split_once('_').map_or(id, |(_, tail)| tail)
}

fn days_of(date: Date) -> i64 {
    let midnight = date.to_zoned(jiff::tz::TimeZone::UTC).map(|zoned| zoned.timestamp().as_second());
    midnight.unwrap_or_default().div_euclid(DAY)
}
