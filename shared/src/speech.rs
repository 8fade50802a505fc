//! Times as an agent says them on the phone: one line, nothing that only a reader understands.
//!
//! Dates and times alone; the sentence around them belongs to whoever answers the call.

use jiff::{
    SignedDuration, Timestamp,
    civil::{DateTime, Weekday},
    tz::{AmbiguousOffset, TimeZone},
};

use crate::range::Interval;

/// More than three options cannot be kept in mind on the phone.
const MAX_OPTIONS: usize = 3;
/// Beyond half a year, a date of another year needs the year said.
const NEAR: SignedDuration = SignedDuration::from_hours(183 * 24);

/// The first three slots as one line, such as "Tuesday, December first at 2 PM or 3 PM".
///
/// Times are the owner's, in `zone`; the zone is named only when the caller's clock shows something else then.
pub fn line(slots: &[Interval], zone: &TimeZone, caller_zone: Option<&TimeZone>, now: Timestamp) -> String {
    let starts: Vec<Timestamp> = slots.iter().take(MAX_OPTIONS).map(|slot| slot.start).collect();
    if starts.is_empty() {
        return "no free times".to_owned();
    }
    let mut days: Vec<String> = Vec::new();
    for day in starts.chunk_by(|one, other| zone.to_datetime(*one).date() == zone.to_datetime(*other).date())
    {
        let Some(first) = day.first() else { continue };
        let times: Vec<String> = day.iter().map(|start| time(*start, zone)).collect();
        days.push(format!("{} at {}", date(*first, zone, Some(now)), choice(&times)));
    }
    let mut line = choice(&days);
    if let Some(caller) = caller_zone
        && starts.iter().any(|start| caller.to_datetime(*start) != zone.to_datetime(*start))
    {
        line.push_str(", ");
        line.push_str(&zone_name(zone));
    }
    line
}

/// One instant, such as "Tuesday, December first at 2:30 PM".
pub fn spoken_time(at: Timestamp, zone: &TimeZone) -> String {
    format!("{} at {}", date(at, zone, None), time(at, zone))
}

/// A zone by its city, such as "New York time": everybody knows those, and no list of abbreviations is complete.
pub fn zone_name(zone: &TimeZone) -> String {
    let id = zone.iana_name().unwrap_or("UTC");
    match id.rsplit('/').next() {
        Some("UTC" | "UCT" | "Zulu" | "Universal") | None => "UTC".to_owned(),
        Some(city) => format!("{} time", city.replace('_', " ")),
    }
}

/// Weekday, month and day, with the year when it is not the one that everybody thinks of.
fn date(at: Timestamp, zone: &TimeZone, now: Option<Timestamp>) -> String {
    let local = zone.to_datetime(at);
    let weekday = weekday(local.weekday());
    let (month, day) = (month(local), ordinal(local));
    let other_year =
        now.is_some_and(|now| at.duration_since(now) > NEAR && zone.to_datetime(now).year() != local.year());
    if other_year {
        format!("{weekday}, {month} {day}, {}", local.year())
    } else {
        format!("{weekday}, {month} {day}")
    }
}

/// The time of day; of an hour that comes twice, which of the two.
fn time(at: Timestamp, zone: &TimeZone) -> String {
    let local = zone.to_datetime(at);
    let clock = clock(local);
    match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Fold { before, .. } if zone.to_offset(at) == before => {
            format!("{clock}, before the clocks go back")
        }
        AmbiguousOffset::Fold { .. } => format!("{clock}, after the clocks go back"),
        AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Gap { .. } => clock,
    }
}

fn clock(local: DateTime) -> String {
    let half = if local.hour() < 12 { "AM" } else { "PM" };
    let hour = match local.hour() % 12 {
        0 => 12,
        hour => hour,
    };
    match (local.hour(), local.minute()) {
        (0, 0) => "midnight".to_owned(),
        (12, 0) => "noon".to_owned(),
        (_, 0) => format!("{hour} {half}"),
        (_, minute) => format!("{hour}:{minute:02} {half}"),
    }
}

fn choice(options: &[String]) -> String {
    match options {
        [] => String::new(),
        [only] => only.clone(),
        [one, other] if !one.contains(',') => format!("{one} or {other}"),
        [most @ .., last] => format!("{}, or {last}", most.join(", ")),
    }
}

fn weekday(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "Monday",
        Weekday::Tuesday => "Tuesday",
        Weekday::Wednesday => "Wednesday",
        Weekday::Thursday => "Thursday",
        Weekday::Friday => "Friday",
        Weekday::Saturday => "Saturday",
        Weekday::Sunday => "Sunday",
    }
}

fn month(local: DateTime) -> &'static str {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    numbered(&MONTHS, local.month())
}

fn ordinal(local: DateTime) -> &'static str {
    const DAYS: [&str; 31] = [
        "first",
        "second",
        "third",
        "fourth",
        "fifth",
        "sixth",
        "seventh",
        "eighth",
        "ninth",
        "tenth",
        "eleventh",
        "twelfth",
        "thirteenth",
        "fourteenth",
        "fifteenth",
        "sixteenth",
        "seventeenth",
        "eighteenth",
        "nineteenth",
        "twentieth",
        "twenty-first",
        "twenty-second",
        "twenty-third",
        "twenty-fourth",
        "twenty-fifth",
        "twenty-sixth",
        "twenty-seventh",
        "twenty-eighth",
        "twenty-ninth",
        "thirtieth",
        "thirty-first",
    ];
    numbered(&DAYS, local.day())
}

/// The entry of a list that is counted from one.
fn numbered(names: &[&'static str], number: i8) -> &'static str {
    usize::try_from(number).ok().and_then(|n| names.get(n.checked_sub(1)?)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-10-20T12:00:00Z";

    fn check(zone: &str, caller: Option<&str>, starts: &[&str], expected: &str) {
        let slots: Vec<Interval> = starts
            .iter()
            .map(|start| start.parse().unwrap())
            .map(|start: Timestamp| Interval::new(start, start + SignedDuration::from_mins(30)))
            .collect();
        let zone = TimeZone::get(zone).unwrap();
        let caller = caller.map(|name| TimeZone::get(name).unwrap());
        assert_eq!(line(&slots, &zone, caller.as_ref(), NOW.parse().unwrap()), expected);
    }

    #[test]
    fn times_of_one_day_share_their_date() {
        let (two, half_past, three) =
            ("2026-12-01T19:00:00Z", "2026-12-01T19:30:00Z", "2026-12-01T20:00:00Z");
        let next_day = "2026-12-02T14:05:00Z";
        check("America/New_York", None, &[two], "Tuesday, December first at 2 PM");
        check("America/New_York", None, &[two, half_past], "Tuesday, December first at 2 PM or 2:30 PM");
        check(
            "America/New_York",
            None,
            &[two, half_past, three, next_day],
            "Tuesday, December first at 2 PM, 2:30 PM, or 3 PM",
        );
        check(
            "America/New_York",
            None,
            &[two, three, next_day],
            "Tuesday, December first at 2 PM or 3 PM, or Wednesday, December second at 9:05 AM",
        );
        check("America/New_York", None, &[], "no free times");
    }

    #[test]
    fn noon_and_midnight_have_names() {
        let (midnight, quarter_past, noon) =
            ("2026-10-23T00:00:00Z", "2026-10-23T00:15:00Z", "2026-10-23T12:00:00Z");
        check("UTC", None, &[midnight], "Friday, October twenty-third at midnight");
        check("UTC", None, &[quarter_past, noon], "Friday, October twenty-third at 12:15 AM or noon");
    }

    #[test]
    fn the_zone_is_named_only_when_the_callers_clock_differs() {
        let slot = ["2026-12-01T19:00:00Z"];
        check("America/New_York", Some("America/Toronto"), &slot, "Tuesday, December first at 2 PM");
        check(
            "America/New_York",
            Some("America/Los_Angeles"),
            &slot,
            "Tuesday, December first at 2 PM, New York time",
        );
        check("Etc/UTC", Some("Europe/Paris"), &slot, "Tuesday, December first at 7 PM, UTC");
    }

    #[test]
    fn the_two_readings_of_a_repeated_hour_are_told_apart() {
        check(
            "America/New_York",
            None,
            &["2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z", "2026-11-01T07:30:00Z"],
            "Sunday, November first at 1:30 AM, before the clocks go back, 1:30 AM, after the clocks go back, or 2:30 AM",
        );
        let new_york = TimeZone::get("America/New_York").unwrap();
        assert_eq!(
            spoken_time("2026-11-01T06:30:00Z".parse().unwrap(), &new_york),
            "Sunday, November first at 1:30 AM, after the clocks go back"
        );
    }

    #[test]
    fn a_far_date_of_another_year_has_its_year() {
        check("UTC", None, &["2027-01-04T09:00:00Z"], "Monday, January fourth at 9 AM");
        check("UTC", None, &["2027-08-31T09:00:00Z"], "Tuesday, August thirty-first, 2027 at 9 AM");
    }
}
