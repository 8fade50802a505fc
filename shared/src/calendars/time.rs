//! Times as callers write them: an instant, a wall-clock time in the owner's zone, or a whole day.

use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    tz::TimeZone,
};

use crate::{
    calendar::When,
    error::{Error, Result},
    range::Interval,
};

/// Years that appointments lie in; keys of days sort within them.
const YEARS: std::ops::RangeInclusive<i16> = 1970..=2200;

/// A time as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventTime {
    /// With `Z` or an offset.
    Instant(Timestamp),
    /// Without: meant in the owner's zone, or in the zone that comes along.
    Local(DateTime),
    /// A date alone.
    Date(Date),
}

impl EventTime {
    /// Reads RFC 3339, the same without an offset, or a date.
    pub fn parse(field: &'static str, text: &str) -> Result<Self> {
        let text = text.trim();
        // A wall clock with a zone of its own behind it (RFC 9557) is none of the owner's zone.
        let local = || text.parse().ok().filter(|_| !text.contains('[')).map(Self::Local);
        let read = match text.len() {
            ..=10 => text.parse().map(Self::Date).ok(),
            _ => text.parse().map(Self::Instant).ok().or_else(local),
        };
        if let Some(time) = read.filter(|time| YEARS.contains(&time.date(&TimeZone::UTC).year())) {
            return Ok(time);
        }
        Err(Error::invalid(
            field,
            "must be a time such as 2026-01-05T14:00:00Z, 2026-01-05T14:00 or 2026-01-05",
        ))
    }

    /// The instant it means in a zone. In a gap it is shifted forward; of a repeated hour it is the first
    /// (RFC 5545, section 3.3.5).
    pub fn instant(self, field: &'static str, zone: &TimeZone) -> Result<Timestamp> {
        let local = match self {
            Self::Instant(instant) => return Ok(instant),
            Self::Local(local) => local,
            Self::Date(date) => date.to_datetime(jiff::civil::Time::midnight()),
        };
        let zoned = local.to_zoned(zone.clone());
        Ok(zoned
            .map_err(|_| Error::invalid(field, "lies outside the years that calendars know"))?
            .timestamp())
    }

    /// The same in the whole seconds that rows keep: an answer must not say more than what is stored.
    pub fn second(self, field: &'static str, zone: &TimeZone) -> Result<Timestamp> {
        let instant = self.instant(field, zone)?;
        Ok(Timestamp::from_second(instant.as_second()).unwrap_or(instant))
    }

    /// The date it lies on in a zone.
    pub fn date(self, zone: &TimeZone) -> Date {
        match self {
            Self::Instant(instant) => zone.to_datetime(instant).date(),
            Self::Local(local) => local.date(),
            Self::Date(date) => date,
        }
    }
}

/// Start and end of an event. It must end after it starts; whole days end with the day before `end`, or with `end`
/// itself when both are the same.
pub fn when(start: EventTime, end: EventTime, all_day: bool, zone: &TimeZone) -> Result<When> {
    if all_day {
        let (start, mut end) = (start.date(zone), end.date(zone));
        if end == start {
            end = end.tomorrow().map_err(|_| Error::invalid("end_time", "lies too far ahead"))?;
        }
        if end < start {
            return Err(Error::invalid("end_time", "must be after start_time"));
        }
        return Ok(When::AllDay { start, end });
    }
    let interval = Interval::new(start.instant("start_time", zone)?, end.instant("end_time", zone)?);
    if interval.is_empty() {
        return Err(Error::invalid("end_time", "must be after start_time"));
    }
    Ok(When::Timed(interval))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone() -> TimeZone {
        TimeZone::get("America/New_York").unwrap()
    }

    #[test]
    fn the_three_ways_to_write_a_time() {
        for (text, expected) in [
            ("2026-01-05T14:00:00Z", "2026-01-05T14:00:00Z"),
            ("2026-01-05T14:00:00-05:00", "2026-01-05T19:00:00Z"),
            ("2026-01-05T14:00", "2026-01-05T19:00:00Z"),
            ("2026-01-05", "2026-01-05T05:00:00Z"),
        ] {
            let instant = EventTime::parse("from", text).unwrap().instant("from", &zone()).unwrap();
            assert_eq!(instant.to_string(), expected, "{text}");
        }
        for odd in [
            "",
            "tomorrow",
            "-000005-12-31T00:00:00Z",
            "9999-12-31",
            "2026-13-01",
            "2026-01-05T25:00:00",
            "05.01.2026 14:00",
            "2026-01-05T14:00[America/New_York]",
        ] {
            assert!(EventTime::parse("from", odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn an_event_must_end_after_it_starts() {
        let at = |text| EventTime::parse("start_time", text).unwrap();
        let refused = when(at("2026-01-05T14:00"), at("2026-01-05T14:00"), false, &zone());
        assert!(matches!(refused, Err(Error::Invalid { field, .. }) if field == "end_time"));
        let day = when(at("2026-01-05"), at("2026-01-05"), true, &zone()).unwrap();
        assert_eq!(day, When::AllDay { start: Date::constant(2026, 1, 5), end: Date::constant(2026, 1, 6) });
    }
}
