//! Times of day and weekdays as people write them, and what they are in UTC on a given local date.
//!
//! Everything goes through the zone's own calendar; no offset is ever added by hand.

use std::{fmt, str::FromStr};

use jiff::{
    Timestamp,
    civil::{self, Date, Weekday},
    tz::TimeZone,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::range::Interval;

const DAY_SECONDS: u32 = 86_400;

/// A wall-clock time from `00:00` to `24:00`, which is the midnight that ends the day.
///
/// Reads `HH:MM`, `H:MM` and `HH:MM:SS`; writes `HH:MM`, with seconds only where there are some.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DayTime {
    /// Since the day's midnight on the dial, whatever the clocks do in between.
    seconds: u32,
}

impl DayTime {
    /// `00:00`.
    pub const MIDNIGHT: Self = Self { seconds: 0 };
    /// `24:00`.
    pub const DAY_END: Self = Self { seconds: DAY_SECONDS };

    /// A time from hour (0–24) and minute (0–59); none when there is no such time.
    pub const fn new(hour: u32, minute: u32) -> Option<Self> {
        Self::from_parts(hour, minute, 0)
    }

    const fn from_parts(hour: u32, minute: u32, second: u32) -> Option<Self> {
        if hour > 24 || minute > 59 || second > 59 {
            return None;
        }
        let seconds = hour * 3_600 + minute * 60 + second;
        if seconds > DAY_SECONDS { None } else { Some(Self { seconds }) }
    }

    /// This time as the end of a range: `23:59` means the end of the day, because many editors cannot say `24:00`.
    pub fn as_range_end(self) -> Self {
        if self.seconds >= DAY_SECONDS - 60 { Self::DAY_END } else { self }
    }

    /// On the dial of a date; none for `24:00`, which is on the next day's.
    fn on(self, date: Date) -> Option<civil::DateTime> {
        let part = |unit: u32, below: u32| i8::try_from(self.seconds / unit % below).ok();
        if self == Self::DAY_END {
            return None;
        }
        let time = civil::Time::new(part(3_600, 24)?, part(60, 60)?, part(1, 60)?, 0).ok()?;
        Some(date.to_datetime(time))
    }
}

impl FromStr for DayTime {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const REASON: &str = "must be a time of day between 00:00 and 24:00";
        let mut parts = text.trim().splitn(3, ':').map(|part| match part.len() {
            1 | 2 if part.bytes().all(|b| b.is_ascii_digit()) => part.parse().ok(),
            _ => None,
        });
        let hour = parts.next().flatten().ok_or(REASON)?;
        let minute = parts.next().flatten().ok_or(REASON)?;
        let second = parts.next().unwrap_or(Some(0)).ok_or(REASON)?;
        Self::from_parts(hour, minute, second).ok_or(REASON)
    }
}

impl fmt::Display for DayTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seconds } = *self;
        write!(f, "{:02}:{:02}", seconds / 3_600, seconds / 60 % 60)?;
        if seconds % 60 == 0 { Ok(()) } else { write!(f, ":{:02}", seconds % 60) }
    }
}

impl Serialize for DayTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DayTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        // What stands after "expected" is what a caller is told.
        const REASON: &str = "no such time, expected a time of day from 00:00 to 24:00";
        text.parse().map_err(|_| serde::de::Error::custom(REASON))
    }
}

/// The UTC interval from `start` to `end` of a local date; none when the zone skipped that date altogether.
///
/// A time that the clocks jump over moves forward by the jump. Of a repeated hour the start takes the earlier
/// reading and the end the later one. `24:00` is the next local midnight, and the first one where it comes twice.
pub fn local_range(zone: &TimeZone, date: Date, start: DayTime, end: DayTime) -> Option<Interval> {
    if !has_date(zone, date) {
        return None;
    }
    let start = match start.on(date) {
        Some(start) => zone.to_ambiguous_timestamp(start).compatible().ok()?,
        None => midnight_after(zone, date)?,
    };
    let end = match end.on(date) {
        Some(end) => zone.to_ambiguous_timestamp(end).later().ok()?,
        None => midnight_after(zone, date)?,
    };
    Some(Interval::new(start, end))
}

/// A whole local date in UTC; none when the zone skipped it.
pub fn whole_day(zone: &TimeZone, date: Date) -> Option<Interval> {
    local_range(zone, date, DayTime::MIDNIGHT, DayTime::DAY_END)
}

/// The local midnight that ends a date.
pub fn midnight_after(zone: &TimeZone, date: Date) -> Option<Timestamp> {
    let midnight = date.tomorrow().ok()?.at(0, 0, 0, 0);
    zone.to_ambiguous_timestamp(midnight).compatible().ok()
}

/// Samoa had no 30 December 2011: there midnight moves a whole day forward.
fn has_date(zone: &TimeZone, date: Date) -> bool {
    let midnight = zone.to_ambiguous_timestamp(date.at(0, 0, 0, 0));
    if !midnight.is_ambiguous() {
        return true;
    }
    midnight.compatible().is_ok_and(|instant| zone.to_datetime(instant).date() == date)
}

/// A weekday from its English name or its first three letters or more, or a number: 0 and 7 are Sunday, 1 is Monday.
pub fn weekday(text: &str) -> Option<Weekday> {
    const NAMES: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
    let text = text.trim().to_ascii_lowercase();
    let number = match text.parse::<i8>() {
        Ok(7) => 0,
        Ok(number) => number,
        Err(_) if text.len() < 3 => return None,
        Err(_) => i8::try_from(NAMES.iter().position(|name| name.starts_with(&text))?).ok()?,
    };
    Weekday::from_sunday_zero_offset(number).ok()
}

#[cfg(test)]
#[path = "civil/tests.rs"]
mod tests;
