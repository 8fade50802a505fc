//! Series that repeat daily or weekly, from Graph's pattern or Google's RRULE.
//!
//! Other frequencies are refused, not guessed.

use jiff::{ToSpan as _, civil::Date, civil::Weekday, tz::TimeZone};
use serde_json::Value;
use shared::range::Interval;

use super::items::Times;

/// The most occurrences that any view expands.
const MOST: usize = 1000;

/// How a series repeats, in civil days of its own zone.
#[derive(Clone, Debug)]
pub(super) struct Recurrence {
    weekly: bool,
    interval: i32,
    days: Vec<Weekday>,
    until: Option<Date>,
    count: Option<usize>,
}

impl Recurrence {
    /// Graph's `patternedRecurrence`.
    pub(super) fn graph(value: &Value) -> Option<Self> {
        let (pattern, range) = (value.get("pattern")?, value.get("range")?);
        let named = |day: &Value| weekday(day.as_str()?);
        let days = pattern.get("daysOfWeek").and_then(Value::as_array);
        let ends = range.get("type")?.as_str()?.to_ascii_lowercase();
        Some(Self {
            weekly: weekly(pattern.get("type")?.as_str()?)?,
            interval: i32::try_from(pattern.get("interval")?.as_i64()?).ok().filter(|n| *n > 0)?,
            days: days.map(|days| days.iter().filter_map(named).collect()).unwrap_or_default(),
            until: match ends.as_str() {
                "enddate" => Some(range.get("endDate")?.as_str()?.parse().ok()?),
                _ => None,
            },
            count: match ends.as_str() {
                "numbered" => Some(usize::try_from(range.get("numberOfOccurrences")?.as_u64()?).ok()?),
                _ => None,
            },
        })
    }

    /// Google's list of RFC 5545 lines, of which one RRULE is understood.
    pub(super) fn google(lines: &[Value]) -> Option<Self> {
        let rule = lines.first()?.as_str()?.strip_prefix("RRULE:")?;
        let part = |name: &str| {
            rule.split(';').filter_map(|part| part.split_once('=')).find(|(key, _)| *key == name).map(|p| p.1)
        };
        let days = part("BYDAY").unwrap_or_default();
        Some(Self {
            weekly: weekly(part("FREQ")?)?,
            interval: part("INTERVAL").map_or(Some(1), |n| n.parse().ok())?,
            days: days.split(',').filter_map(weekday).collect(),
            until: part("UNTIL").and_then(|until| until.get(..8)?.parse().ok()),
            count: part("COUNT").map_or(Some(None), |n| n.parse().ok().map(Some))?,
        })
    }

    /// The occurrences that overlap a window, in order.
    pub(super) fn within(&self, first: &Times, window: Interval) -> Vec<Interval> {
        let zone = &first.zone;
        let opening = first.span.start.to_zoned(zone.clone());
        let closing = first.span.end.to_zoned(zone.clone());
        let (time, length) = (opening.time(), opening.date().until(closing.date()).unwrap_or_default());
        let mut found = Vec::new();
        for date in self.dates(opening.date()) {
            let at = |date: Date, time| instant(date, time, zone);
            let Some(start) = at(date, time) else { break };
            let Some(end) = date.checked_add(length).ok().and_then(|date| at(date, closing.time())) else {
                break;
            };
            if start >= window.end || found.len() == MOST {
                break;
            }
            let occurrence = Interval::new(start, end);
            if occurrence.overlaps(window) {
                found.push(occurrence);
            }
        }
        found
    }

    /// The civil dates of the series, from its first.
    fn dates(&self, first: Date) -> impl Iterator<Item = Date> {
        let days = if self.days.is_empty() { vec![first.weekday()] } else { self.days.clone() };
        let monday = first.checked_sub(i64::from(first.weekday().to_monday_zero_offset()).days()).ok();
        let (weekly, interval, until) = (self.weekly, self.interval, self.until);
        let fits = move |date: &Date| {
            let since = |from: Date| from.until(*date).map_or(0, |span| span.get_days());
            if weekly {
                days.contains(&date.weekday()) && (since(monday.unwrap_or(first)) / 7) % interval == 0
            } else {
                since(first) % interval == 0
            }
        };
        std::iter::successors(Some(first), |date| date.tomorrow().ok())
            .take_while(move |date| until.is_none_or(|until| *date <= until))
            .filter(fits)
            .take(self.count.unwrap_or(usize::MAX))
    }
}

fn instant(date: Date, time: jiff::civil::Time, zone: &TimeZone) -> Option<jiff::Timestamp> {
    zone.to_timestamp(date.to_datetime(time)).ok()
}

fn weekly(name: &str) -> Option<bool> {
    match name.to_ascii_lowercase().as_str() {
        "daily" => Some(false),
        "weekly" => Some(true),
        _ => None,
    }
}

fn weekday(name: &str) -> Option<Weekday> {
    match name.to_ascii_lowercase().get(..2)? {
        "mo" => Some(Weekday::Monday),
        "tu" => Some(Weekday::Tuesday),
        "we" => Some(Weekday::Wednesday),
        "th" => Some(Weekday::Thursday),
        "fr" => Some(Weekday::Friday),
        "sa" => Some(Weekday::Saturday),
        "su" => Some(Weekday::Sunday),
        _ => None,
    }
}
