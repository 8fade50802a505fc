//! Times as Graph writes them: a wall clock without an offset, beside the name of a zone.

use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
    tz::TimeZone,
};
use serde::Deserialize;

use crate::{calendar::When, providers::Skip, range::Interval, zones};

/// Graph's `dateTimeTimeZone`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct WireTime {
    date_time: Option<String>,
    time_zone: Option<String>,
}

impl WireTime {
    /// The name of its zone as Graph wrote it: mostly Windows', sometimes IANA's, or one that only the mailbox knows.
    pub(super) fn zone(&self) -> Option<&str> {
        self.time_zone.as_deref()
    }
}

/// When an event takes place. `original` is the zone in which it was made, for where the others say nothing.
pub(super) fn when(
    start: &WireTime,
    end: &WireTime,
    is_all_day: bool,
    original: Option<&str>,
) -> Result<When, Skip> {
    let (Some(first), Some(last)) = (&start.date_time, &end.date_time) else { return Err(Skip::NoTime) };
    if is_all_day {
        return days(start, end, original).ok_or(Skip::UnknownTime);
    }
    let begin = instant(first, [start.zone(), end.zone(), original]);
    let finish = instant(last, [end.zone(), start.zone(), original]);
    let (Some(begin), Some(finish)) = (begin, finish) else { return Err(Skip::UnknownTime) };
    Ok(When::Timed(Interval::new(begin, finish)))
}

/// PROVIDERS.md M7: whole days are written as midnights; where they are not, their own zone knows them.
fn days(start: &WireTime, end: &WireTime, original: Option<&str>) -> Option<When> {
    let (first, last) = (day(start, original)?, day(end, original)?);
    let begin = first.date();
    let after = if last.time() == Time::midnight() { last.date() } else { last.date().tomorrow().ok()? };
    Some(When::AllDay { start: begin, end: after.max(begin.tomorrow().ok()?) })
}

fn day(time: &WireTime, original: Option<&str>) -> Option<DateTime> {
    let text = time.date_time.as_deref()?;
    let wall = wall_clock(text)?;
    if wall.time() == Time::midnight() {
        return Some(wall);
    }
    let zone = original.and_then(known).and_then(|zone| TimeZone::get(&zone).ok());
    let moved =
        zone.and_then(|zone| Some(instant(text, [time.zone(), None, None])?.to_zoned(zone).datetime()));
    Some(moved.filter(|moved| moved.time() == Time::midnight()).unwrap_or(wall))
}

/// The IANA name of a zone as Graph writes it. PROVIDERS.md M6: `tzone://Microsoft/Custom` is nobody's zone.
pub(super) fn known(name: &str) -> Option<std::borrow::Cow<'static, str>> {
    if name.eq_ignore_ascii_case("tzone://Microsoft/Utc") || name.eq_ignore_ascii_case("UTC") {
        return Some("Etc/UTC".into());
    }
    zones::to_iana(name)
}

/// `2026-01-05T09:00:00.0000000`, which has seven digits and no offset.
fn wall_clock(text: &str) -> Option<DateTime> {
    let date_only = || text.parse::<Date>().ok().map(|date| date.to_datetime(Time::midnight()));
    text.trim_end_matches(['Z', 'z']).parse().ok().or_else(date_only)
}

/// The instant of a time in the first of these zones that is known; in UTC when none is named at all.
fn instant(text: &str, zones: [Option<&str>; 3]) -> Option<Timestamp> {
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant);
    }
    let named = zones.iter().flatten().any(|name| !name.is_empty());
    let zone = match zones.iter().flatten().find_map(|name| known(name)) {
        Some(name) => TimeZone::get(&name).ok()?,
        None if named => return None,
        None => TimeZone::UTC,
    };
    zone.to_ambiguous_zoned(wall_clock(text)?).compatible().ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(extra: Value) -> Result<When, Skip> {
        let time = |name: &str| serde_json::from_value::<WireTime>(extra[name].clone()).unwrap();
        let is_all_day = extra["isAllDay"] == true;
        when(&time("start"), &time("end"), is_all_day, extra["originalStartTimeZone"].as_str())
    }

    fn hour(start: &str, end: &str) -> When {
        When::Timed(Interval::new(start.parse().unwrap(), end.parse().unwrap()))
    }

    fn days(start: &str, end: &str) -> When {
        When::AllDay { start: start.parse().unwrap(), end: end.parse().unwrap() }
    }

    #[test]
    fn m6_times_are_read_in_windows_and_iana_zones() {
        let time = |text: &str, zone: Value| json!({"dateTime": text, "timeZone": zone});
        let check = |zone: Value, start: &str, end: &str| {
            let extra = json!({
                "start": time("2026-07-06T09:00:00.0000000", zone.clone()),
                "end": time("2026-07-06T10:00:00.0000000", zone.clone()),
            });
            assert_eq!(read(extra), Ok(hour(start, end)), "{zone}");
        };
        check(json!("Pacific Standard Time"), "2026-07-06T16:00:00Z", "2026-07-06T17:00:00Z");
        check(json!("America/Los_Angeles"), "2026-07-06T16:00:00Z", "2026-07-06T17:00:00Z");
        check(json!("GMT Standard Time"), "2026-07-06T08:00:00Z", "2026-07-06T09:00:00Z");
        check(json!("Greenwich Standard Time"), "2026-07-06T09:00:00Z", "2026-07-06T10:00:00Z");
        check(json!("UTC"), "2026-07-06T09:00:00Z", "2026-07-06T10:00:00Z");
        check(json!("tzone://Microsoft/Utc"), "2026-07-06T09:00:00Z", "2026-07-06T10:00:00Z");
        check(json!(null), "2026-07-06T09:00:00Z", "2026-07-06T10:00:00Z");
    }

    #[test]
    fn m6_a_zone_that_only_the_mailbox_knows_is_not_guessed() {
        let custom =
            json!({"dateTime": "2026-01-05T09:00:00.0000000", "timeZone": "tzone://Microsoft/Custom"});
        assert_eq!(read(json!({"start": custom, "end": custom})), Err(Skip::UnknownTime));
        let later =
            json!({"dateTime": "2026-01-05T10:00:00.0000000", "timeZone": "tzone://Microsoft/Custom"});
        let own = json!({"start": custom, "end": later, "originalStartTimeZone": "Pacific Standard Time"});
        assert_eq!(read(own), Ok(hour("2026-01-05T17:00:00Z", "2026-01-05T18:00:00Z")));
        assert_eq!(known("tzone://Microsoft/Custom"), None);
    }

    #[test]
    fn m7_whole_days_are_dates_with_an_exclusive_end() {
        let check = |start: &str, end: &str, zone: &str, own: &str, expected: When| {
            let extra = json!({
                "isAllDay": true, "originalStartTimeZone": own,
                "start": {"dateTime": start, "timeZone": zone}, "end": {"dateTime": end, "timeZone": zone},
            });
            assert_eq!(read(extra), Ok(expected));
        };
        let one = || days("2026-01-05", "2026-01-06");
        check(
            "2026-01-05T00:00:00.0000000",
            "2026-01-06T00:00:00.0000000",
            "UTC",
            "Pacific Standard Time",
            one(),
        );
        check(
            "2026-01-05T08:00:00.0000000",
            "2026-01-06T08:00:00.0000000",
            "UTC",
            "Pacific Standard Time",
            one(),
        );
        check("2026-01-05T00:00:00", "2026-01-05T00:00:00", "UTC", "UTC", one());
        check("2026-01-05", "2026-01-08", "UTC", "UTC", days("2026-01-05", "2026-01-08"));
        check("2026-01-05T00:00:00", "2026-01-05T23:59:59", "UTC", "tzone://Microsoft/Custom", one());
    }
}
