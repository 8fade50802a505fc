//! Items of the `bookings` table as DynamoDB's JSON shows them, read without any code of ours.

use serde_json::Value;

use super::calendar::Span;

/// A day of the ledger has this many seconds.
pub(super) const DAY: i64 = 86_400;

/// A booking's row, as far as it is judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Booking {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) status: String,
    pub(super) sync: String,
    pub(super) problem: String,
    pub(super) version: i64,
    pub(super) sequence: i64,
    pub(super) span: Span,
    pub(super) moving: Option<Span>,
    pub(super) before: i64,
    pub(super) after: i64,
    pub(super) event: Option<String>,
    pub(super) work_at: Option<i64>,
}

/// Something that takes time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub(super) of: String,
    pub(super) span: Span,
    pub(super) before: i64,
    pub(super) after: i64,
    /// When it ends by itself.
    pub(super) expires: Option<i64>,
}

impl Booking {
    pub(super) fn read(item: &Value) -> Option<Self> {
        let moving = number(item, "moving_start").zip(number(item, "moving_end"));
        Some(Self {
            id: text(item, "id")?,
            title: text(item, "title").unwrap_or_default(),
            status: text(item, "status")?,
            sync: text(item, "calendar_sync")?,
            problem: text(item, "problem").unwrap_or_default(),
            version: number(item, "version")?,
            sequence: number(item, "sequence")?,
            span: span(item)?,
            moving: moving.map(|(start, end)| Span { start, end }),
            before: number(item, "before").unwrap_or_default(),
            after: number(item, "after").unwrap_or_default(),
            event: text(item, "event_id"),
            work_at: number(item, "work_at"),
        })
    }

    /// Whether it takes its time, as the ledger must show it.
    pub(super) fn takes_time(&self) -> bool {
        self.status == "creating" || self.status == "confirmed"
    }

    /// What the ledger must have of it.
    pub(super) fn entries(&self) -> Vec<Entry> {
        if !self.takes_time() {
            return Vec::new();
        }
        let spans = std::iter::once(self.span).chain(self.moving);
        let entry =
            |span| Entry { of: self.id.clone(), span, before: self.before, after: self.after, expires: None };
        spans.map(entry).collect()
    }

    /// What nothing else may be in.
    pub(super) fn guarded(&self) -> Span {
        self.span.widened(self.before, self.after)
    }
}

impl Entry {
    /// The entries of a day's row.
    pub(super) fn of_day(item: &Value) -> Vec<Self> {
        let list = item["entries"]["L"].as_array().cloned().unwrap_or_default();
        list.iter().filter_map(|entry| Self::read(&entry["M"])).collect()
    }

    fn read(item: &Value) -> Option<Self> {
        Some(Self {
            of: text(item, "of")?,
            span: span(item)?,
            before: number(item, "before").unwrap_or_default(),
            after: number(item, "after").unwrap_or_default(),
            expires: number(item, "expires_at"),
        })
    }

    /// Whether both keep enough time between them: the longer of the two buffers there.
    pub(super) fn is_clear_of(&self, other: &Self) -> bool {
        self.span.end + self.after.max(other.before) <= other.span.start
            || other.span.end + other.after.max(self.before) <= self.span.start
    }

    /// The UTC days that it touches, as numbers since the epoch.
    pub(super) fn days(&self) -> std::ops::RangeInclusive<i64> {
        self.span.start.div_euclid(DAY)..=(self.span.end - 1).div_euclid(DAY)
    }
}

pub(super) fn text(item: &Value, name: &str) -> Option<String> {
    item[name]["S"].as_str().map(str::to_owned)
}

pub(super) fn number(item: &Value, name: &str) -> Option<i64> {
    item[name]["N"].as_str()?.parse().ok()
}

fn span(item: &Value) -> Option<Span> {
    Some(Span { start: number(item, "start")?, end: number(item, "end")? })
}
