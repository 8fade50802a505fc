//! Events as the stand-ins keep them: the provider's own JSON, beside the times it means.

use std::collections::BTreeSet;

use jiff::{Timestamp, Zoned, tz::TimeZone};
use serde_json::{Map, Value};
use shared::range::Interval;

use super::{accounts::Provider, recurrence::Recurrence};

/// One event, or the master of a series.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) id: String,
    pub(super) provider: Provider,
    /// The account's address.
    pub(super) account: String,
    /// The calendar's id.
    pub(super) calendar: String,
    /// Grows with every change; etags are made of it.
    pub(super) version: u64,
    /// Deleted, at Google: the id stays taken.
    pub(super) cancelled: bool,
    pub(super) times: Times,
    pub(super) recurrence: Option<Recurrence>,
    /// Starts of a series' occurrences that were deleted one by one.
    pub(super) skipped: BTreeSet<Timestamp>,
    /// What the client sent, as it was sent.
    pub(super) fields: Map<String, Value>,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
}

/// When an event is.
#[derive(Clone, Debug)]
pub(super) struct Times {
    pub(super) span: Interval,
    /// The zone that it was made in.
    pub(super) zone: TimeZone,
    /// That zone's name as the client wrote it.
    pub(super) zone_name: String,
    /// Whole days, the end's not included.
    pub(super) all_day: bool,
}

impl Times {
    /// The same length of time at another occurrence.
    pub(super) fn at(&self, span: Interval) -> Self {
        Self { span, ..self.clone() }
    }

    /// The first instant as a civil time of its own zone.
    pub(super) fn start(&self) -> Zoned {
        self.span.start.to_zoned(self.zone.clone())
    }

    /// The first instant after it as a civil time of its own zone.
    pub(super) fn end(&self) -> Zoned {
        self.span.end.to_zoned(self.zone.clone())
    }
}

impl Item {
    /// The occurrences within a window; a single event is its own.
    pub(super) fn occurrences(&self, window: Interval) -> Vec<Times> {
        match &self.recurrence {
            Some(recurrence) => {
                let spans = recurrence.within(&self.times, window).into_iter();
                spans
                    .filter(|span| !self.skipped.contains(&span.start))
                    .map(|span| self.times.at(span))
                    .collect()
            }
            None if self.times.span.overlaps(window) => vec![self.times.clone()],
            None => Vec::new(),
        }
    }

    /// A text field.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name)?.as_str()
    }
}
