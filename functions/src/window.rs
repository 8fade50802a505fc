//! `from`, `to` and `days_ahead`: the stretch of time that a question is about.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde::Deserialize;
use shared::{
    calendars::EventTime,
    error::{Error, Result},
    range::Interval,
    zones,
};

use crate::extract::number;

/// The longest window: two months.
const MOST_DAYS: i64 = 62;

/// The stretch of time that a question is about.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Window {
    /// RFC 3339, or without an offset in the owner's zone, or a date. Without it, this moment.
    #[param(example = "2026-01-05")]
    from: Option<String>,
    /// The same; a date means the end of that day. At most 62 days after `from`.
    #[param(example = "2026-01-09")]
    to: Option<String>,
    /// Days after `from`, when there is no `to`.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 60)]
    days_ahead: Option<String>,
}

impl Window {
    /// Whether a time comes without an offset, so that the owner's zone is needed.
    pub(crate) fn floats(&self) -> Result<bool> {
        let (from, to) = self.ends()?;
        Ok([from, to].into_iter().flatten().any(|time| !matches!(time, EventTime::Instant(_))))
    }

    /// Refuses what is wrong in any zone, before anything is read.
    pub(crate) fn check(&self, now: Timestamp) -> Result<()> {
        self.days(1)?;
        if self.floats()? { Ok(()) } else { self.interval(now, 1, &TimeZone::UTC).map(drop) }
    }

    /// The window as instants; times without an offset are meant in `zone`.
    pub(crate) fn interval(&self, now: Timestamp, default_days: u32, zone: &TimeZone) -> Result<Interval> {
        let (from, to) = self.ends()?;
        between(now, from, to, self.days(default_days)?, zone)
    }

    fn ends(&self) -> Result<(Option<EventTime>, Option<EventTime>)> {
        let read = |field, text: &Option<String>| {
            text.as_deref().map(|text| EventTime::parse(field, text)).transpose()
        };
        Ok((read("from", &self.from)?, read("to", &self.to)?))
    }

    fn days(&self, default: u32) -> Result<u32> {
        Ok(number("days_ahead", self.days_ahead.as_deref(), 1..=60)?.unwrap_or(default))
    }
}

/// The IANA name of the zone that a caller names in IANA's or Windows' spelling.
pub(crate) fn iana(name: Option<&str>) -> Result<Option<String>> {
    let Some(name) = name else { return Ok(None) };
    match zones::to_iana(name) {
        Some(zone) => Ok(Some(zone.into_owned())),
        None => Err(Error::invalid("time_zone", "must be an IANA or Windows zone such as Europe/London")),
    }
}

fn between(
    now: Timestamp,
    from: Option<EventTime>,
    to: Option<EventTime>,
    days: u32,
    zone: &TimeZone,
) -> Result<Interval> {
    let start = from.map_or(Ok(now), |from| from.instant("from", zone))?;
    let end = match to {
        None => later(start, i64::from(days))?,
        Some(EventTime::Date(date)) => {
            let after = date.tomorrow().map_err(|_| too_far())?;
            EventTime::Date(after).instant("to", zone)?
        }
        Some(time) => time.instant("to", zone)?,
    };
    if end <= start {
        return Err(Error::invalid("to", "must be after from"));
    }
    // An hour more than the figure says: when the clocks go back, a day is longer.
    if end > later(start, MOST_DAYS)?.saturating_add(SignedDuration::from_hours(1)).unwrap_or(Timestamp::MAX)
    {
        return Err(Error::invalid("to", format!("must be at most {MOST_DAYS} days after from")));
    }
    Ok(Interval::new(start, end))
}

fn later(start: Timestamp, days: i64) -> Result<Timestamp> {
    start.checked_add(SignedDuration::from_hours(24 * days)).map_err(|_| too_far())
}

fn too_far() -> Error {
    Error::invalid("from", "lies outside the years that calendars know")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(from: &str, to: &str) -> Result<String, String> {
        let now = "2026-01-05T10:00:00Z".parse().unwrap();
        let zone = TimeZone::get("America/New_York").unwrap();
        let read = |field, text: &str| (!text.is_empty()).then(|| EventTime::parse(field, text)).transpose();
        let refused = |error| match error {
            Error::Invalid { field, .. } => field.into_owned(),
            other => panic!("{other}"),
        };
        let (from, to) = (read("from", from).map_err(refused)?, read("to", to).map_err(refused)?);
        let interval = between(now, from, to, 7, &zone).map_err(refused)?;
        Ok(format!("{} {}", interval.start, interval.end))
    }

    #[test]
    fn a_window_is_read_in_every_way_people_write_it() {
        for (from, to, expected) in [
            ("", "", "2026-01-05T10:00:00Z 2026-01-12T10:00:00Z"),
            ("2026-02-01T00:00:00Z", "", "2026-02-01T00:00:00Z 2026-02-08T00:00:00Z"),
            ("", "2026-01-06T00:00:00+01:00", "2026-01-05T10:00:00Z 2026-01-05T23:00:00Z"),
            ("2026-01-06", "2026-01-06", "2026-01-06T05:00:00Z 2026-01-07T05:00:00Z"),
            ("2026-01-06T09:00", "2026-01-06T12:00", "2026-01-06T14:00:00Z 2026-01-06T17:00:00Z"),
            ("2026-03-01", "2026-05-01", "2026-03-01T05:00:00Z 2026-05-02T04:00:00Z"),
            // Sixty-two local days, one of them an hour longer.
            ("2026-10-01", "2026-12-01", "2026-10-01T04:00:00Z 2026-12-02T05:00:00Z"),
        ] {
            assert_eq!(window(from, to).as_deref(), Ok(expected), "{from} {to}");
        }
    }

    #[test]
    fn a_wrong_window_names_its_field() {
        for (from, to, field) in [
            ("yesterday", "", "from"),
            ("", "31.12.2026", "to"),
            ("2026-01-07", "2026-01-06", "to"),
            ("2026-01-07T10:00:00Z", "2026-01-07T10:00:00Z", "to"),
            ("", "2026-01-05T09:59:59Z", "to"),
            ("2026-01-01", "2026-03-10", "to"),
            ("9999-12-30", "", "from"),
        ] {
            assert_eq!(window(from, to), Err(field.to_owned()), "{from} {to}");
        }
    }
}
