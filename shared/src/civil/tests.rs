//! Local ranges over the odd days of several zones, and the spellings of times and days.

use super::*;

/// Zone, date, start, end, and the two instants they are; agrees with the tz database releases of 2026.
#[rustfmt::skip]
const RANGES: &[(&str, &str, &str, &str, &str, &str)] = &[
    ("America/New_York", "2026-03-06", "13:00", "18:00", "2026-03-06T18:00:00Z", "2026-03-06T23:00:00Z"),
    ("America/New_York", "2026-03-07", "13:00", "18:00", "2026-03-07T18:00:00Z", "2026-03-07T23:00:00Z"),
    ("America/New_York", "2026-03-08", "13:00", "18:00", "2026-03-08T17:00:00Z", "2026-03-08T22:00:00Z"),
    ("America/New_York", "2026-03-09", "13:00", "18:00", "2026-03-09T17:00:00Z", "2026-03-09T22:00:00Z"),
    ("America/New_York", "2026-03-10", "13:00", "18:00", "2026-03-10T17:00:00Z", "2026-03-10T22:00:00Z"),
    ("America/New_York", "2023-11-03", "09:00", "17:00", "2023-11-03T13:00:00Z", "2023-11-03T21:00:00Z"),
    ("America/New_York", "2023-11-05", "09:00", "17:00", "2023-11-05T14:00:00Z", "2023-11-05T22:00:00Z"),
    ("America/New_York", "2023-11-06", "09:00", "17:00", "2023-11-06T14:00:00Z", "2023-11-06T22:00:00Z"),
    ("America/New_York", "2023-11-30", "09:00", "17:00", "2023-11-30T14:00:00Z", "2023-11-30T22:00:00Z"),
    ("America/New_York", "2026-03-08", "00:00", "24:00", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"),
    ("America/New_York", "2026-11-01", "00:00", "24:00", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"),
    ("America/New_York", "2026-03-08", "02:30", "05:00", "2026-03-08T07:30:00Z", "2026-03-08T09:00:00Z"),
    ("America/New_York", "2026-03-08", "00:00", "02:30", "2026-03-08T05:00:00Z", "2026-03-08T07:30:00Z"),
    ("America/New_York", "2026-11-01", "01:30", "05:00", "2026-11-01T05:30:00Z", "2026-11-01T10:00:00Z"),
    ("America/New_York", "2026-11-01", "00:00", "01:30", "2026-11-01T04:00:00Z", "2026-11-01T06:30:00Z"),
    ("Europe/London", "2026-03-29", "08:00", "17:00", "2026-03-29T07:00:00Z", "2026-03-29T16:00:00Z"),
    ("Europe/London", "2026-10-25", "08:00", "17:00", "2026-10-25T08:00:00Z", "2026-10-25T17:00:00Z"),
    ("Europe/Berlin", "2026-03-29", "13:00", "18:00", "2026-03-29T11:00:00Z", "2026-03-29T16:00:00Z"),
    ("Australia/Sydney", "2026-10-04", "09:00", "17:00", "2026-10-03T22:00:00Z", "2026-10-04T06:00:00Z"),
    ("Australia/Sydney", "2026-04-05", "09:00", "17:00", "2026-04-04T23:00:00Z", "2026-04-05T07:00:00Z"),
    ("Australia/Lord_Howe", "2026-10-04", "00:00", "24:00", "2026-10-03T13:30:00Z", "2026-10-04T13:00:00Z"),
    ("Australia/Lord_Howe", "2026-04-05", "00:00", "24:00", "2026-04-04T13:00:00Z", "2026-04-05T13:30:00Z"),
    ("Asia/Kolkata", "2026-03-08", "09:00", "17:00", "2026-03-08T03:30:00Z", "2026-03-08T11:30:00Z"),
    ("Asia/Kathmandu", "2026-03-08", "09:00", "17:00", "2026-03-08T03:15:00Z", "2026-03-08T11:15:00Z"),
    ("America/Santiago", "2026-09-06", "00:00", "12:00", "2026-09-06T04:00:00Z", "2026-09-06T15:00:00Z"),
    ("Europe/Dublin", "2026-03-29", "08:00", "17:00", "2026-03-29T07:00:00Z", "2026-03-29T16:00:00Z"),
    ("Pacific/Chatham", "2026-09-27", "00:00", "24:00", "2026-09-26T11:15:00Z", "2026-09-27T10:15:00Z"),
    // Havana sets its clocks back at 01:00 to 00:00: the day before ends at the first of the two midnights.
    ("America/Havana", "2026-10-31", "12:00", "24:00", "2026-10-31T16:00:00Z", "2026-11-01T04:00:00Z"),
    ("America/Havana", "2026-11-01", "00:00", "24:00", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"),
    ("Pacific/Apia", "2011-12-29", "09:00", "24:00", "2011-12-29T19:00:00Z", "2011-12-30T10:00:00Z"),
    ("Etc/UTC", "2026-01-01", "24:00", "24:00", "2026-01-02T00:00:00Z", "2026-01-02T00:00:00Z"),
];

fn range(zone: &str, date: &str, start: &str, end: &str) -> Option<Interval> {
    let zone = TimeZone::get(zone).unwrap();
    local_range(&zone, date.parse().unwrap(), start.parse().unwrap(), end.parse().unwrap())
}

#[test]
fn local_ranges_follow_the_clocks() {
    for &(zone, date, start, end, utc_start, utc_end) in RANGES {
        let expected = Interval::new(utc_start.parse().unwrap(), utc_end.parse().unwrap());
        assert_eq!(range(zone, date, start, end), Some(expected), "{zone} {date} {start}-{end}");
    }
}

#[test]
fn a_date_that_never_was_has_no_range() {
    assert_eq!(range("Pacific/Apia", "2011-12-30", "09:00", "17:00"), None);
    assert_eq!(range("Pacific/Kwajalein", "1993-08-21", "00:00", "24:00"), None);
    assert!(range("Pacific/Apia", "2011-12-31", "09:00", "17:00").is_some());
}

#[test]
fn times_of_day_are_read_and_written() {
    let check = |text: &str, written: Option<&str>| {
        let time = text.parse::<DayTime>();
        assert_eq!(time.map(|time| time.to_string()).ok().as_deref(), written, "{text:?}");
    };
    check("09:00", Some("09:00"));
    check("9:05", Some("09:05"));
    check("23:59:59", Some("23:59:59"));
    check("17:30:00", Some("17:30"));
    check("24:00", Some("24:00"));
    check("24:00:00", Some("24:00"));
    check("24:01", None);
    check("12:60", None);
    check("12", None);
    check("+1:00", None);
    check("1:00 PM", None);
    check("12:00:00:00", None);
    check("", None);
}

#[test]
fn the_last_minute_of_a_day_ends_the_day() {
    let check = |text: &str, end: &str| {
        assert_eq!(text.parse::<DayTime>().unwrap().as_range_end().to_string(), end);
    };
    check("23:58", "23:58");
    check("23:59", "24:00");
    check("23:59:59", "24:00");
    check("24:00", "24:00");
}

#[test]
fn weekdays_have_names_and_numbers() {
    let check = |text: &str, day: Option<Weekday>| assert_eq!(weekday(text), day, "{text:?}");
    check("Monday", Some(Weekday::Monday));
    check("mon", Some(Weekday::Monday));
    check("THURS", Some(Weekday::Thursday));
    check("0", Some(Weekday::Sunday));
    check("6", Some(Weekday::Saturday));
    check("7", Some(Weekday::Sunday));
    check("8", None);
    check("t", None);
    check("someday", None);
    check("", None);
}
