//! What a model passes to a tool: loosely typed, under several names. Everything is optional until a tool needs it.

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, DateTime, Time},
    tz::TimeZone,
};
use serde_json::{Map, Value};

use crate::{
    calendars::EventTime,
    error::{Error, Result},
    range::Interval,
    schedule::minutes,
    service::{LENGTHS, USUAL_LENGTH},
};

/// The longest appointment that can be asked for by phone, in minutes.
const LONGEST: u32 = 480;

/// Notes of a long call; every calendar takes a text of this length.
const MOST_CHARACTERS: usize = 2000;

/// A tool call's arguments.
pub(super) struct Arguments<'a>(pub(super) &'a Map<String, Value>);

impl Arguments<'_> {
    /// The first of these that is a non-empty text or a number; longer than anybody speaks it is cut.
    pub(super) fn text(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| match self.0.get(*name)? {
            Value::String(text) => Some(text.trim().chars().take(MOST_CHARACTERS).collect::<String>())
                .filter(|text| !text.is_empty()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        })
    }

    /// How long the appointment takes.
    pub(super) fn length(&self) -> Result<SignedDuration> {
        let Some(text) = self.text(&["duration_minutes", "durationMinutes", "duration"]) else {
            return Ok(minutes(USUAL_LENGTH));
        };
        let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
        let shortest = *LENGTHS.start();
        match digits.parse() {
            Ok(length) if (shortest..=LONGEST).contains(&length) => Ok(minutes(length)),
            _ => Err(Error::invalid("duration_minutes", format!("must be from {shortest} to {LONGEST}"))),
        }
    }

    /// The caller's own zone, when the model says one that exists.
    pub(super) fn zone(&self) -> Option<TimeZone> {
        let said = self.text(&["time_zone", "timeZone", "timezone"])?;
        TimeZone::get(&crate::zones::to_iana(&said)?).ok()
    }

    /// The day that is meant.
    pub(super) fn day(&self, today: Date) -> Result<Option<Date>> {
        let Some(text) = self.text(&["date", "day", "start_date", "startDate"]) else { return Ok(None) };
        day(&text, today).map(Some)
    }

    /// The time of day that is meant.
    pub(super) fn time(&self) -> Result<Option<Time>> {
        match self.text(&["time", "start_time", "startTime"]) {
            Some(text) if !text.contains('T') => time_of_day(&text).map(Some),
            _ => Ok(None),
        }
    }

    /// The start that is meant: a whole date-time, or a day and a time.
    pub(super) fn start(&self, today: Date, zone: &TimeZone) -> Result<Option<Timestamp>> {
        let whole = self.text(&["start", "start_time", "startTime", "datetime", "dateTime", "date_time"]);
        if let Some(text) = whole.filter(|text| text.contains('T')) {
            return EventTime::parse("start_time", &text)?.second("start_time", zone).map(Some);
        }
        let (Some(day), Some(time)) = (self.day(today)?, self.time()?) else { return Ok(None) };
        EventTime::Local(DateTime::from_parts(day, time)).instant("start_time", zone).map(Some)
    }
}

/// A date, `today`, `tomorrow`, or a weekday's name, which is the next one after today. Where a time and an offset follow,
/// the day that is written counts: models fill them in, and no caller means the evening before.
fn day(text: &str, today: Date) -> Result<Date> {
    let word = text.to_ascii_lowercase();
    let odd = || Error::invalid("date", "must be a date such as 2026-01-05");
    match word.as_str() {
        "today" => Ok(today),
        "tomorrow" => today.tomorrow().map_err(|_| odd()),
        _ => match crate::civil::weekday(&word).filter(|_| !word.starts_with(|c: char| c.is_ascii_digit())) {
            Some(weekday) => today.nth_weekday(1, weekday).map_err(|_| odd()),
            None => {
                EventTime::parse("date", text)?;
                text.split(['T', 't', ' ']).next().unwrap_or_default().parse().map_err(|_| odd())
            }
        },
    }
}

/// `14:00`, `2 PM`, `2:30pm`, `noon`.
fn time_of_day(text: &str) -> Result<Time> {
    let odd = || Error::invalid("time", "must be a time such as 14:00 or 2 PM");
    let word = text.to_ascii_lowercase().replace([' ', '.'], "");
    let (clock, shift) = match (word.strip_suffix("am"), word.strip_suffix("pm")) {
        (Some(clock), _) => (clock, Some(0)),
        (_, Some(clock)) => (clock, Some(12)),
        _ if word == "noon" => return Ok(Time::constant(12, 0, 0, 0)),
        _ => (word.as_str(), None),
    };
    let mut parts = clock.split(':');
    let number = |part: Option<&str>| part.map_or(Ok(0), str::parse::<i8>).map_err(|_| odd());
    let (hour, minute, second) = (number(parts.next())?, number(parts.next())?, number(parts.next())?);
    let hour = match shift {
        Some(shift) if (1..=12).contains(&hour) => hour % 12 + shift,
        Some(_) => return Err(odd()),
        // A bare "2" could be either.
        None if !clock.contains(':') => return Err(odd()),
        None => hour,
    };
    Time::new(hour, minute, second, 0).map_err(|_| odd())
}

/// The whole local day as a window; it ends with the next midnight.
pub(super) fn whole_day(day: Date, zone: &TimeZone) -> Result<Interval> {
    crate::civil::whole_day(zone, day).ok_or_else(|| Error::invalid("date", "is no day that calendars know"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONDAY: Date = Date::constant(2026, 1, 5);

    #[test]
    fn days_are_dates_or_plain_words() {
        for (text, expected) in [
            ("2026-01-07", "2026-01-07"),
            ("today", "2026-01-05"),
            ("Tomorrow", "2026-01-06"),
            ("Monday", "2026-01-12"),
            ("friday", "2026-01-09"),
        ] {
            assert_eq!(day(text, MONDAY).unwrap().to_string(), expected, "{text}");
        }
        assert!(day("whenever", MONDAY).is_err());
    }

    #[test]
    fn a_day_with_a_time_and_an_offset_is_the_day_that_is_written() {
        for text in [
            "2026-01-06T00:00:00+01:00",
            "2026-01-06T00:00:00Z",
            "2026-01-06T23:30:00-05:00",
            "2026-01-06T23:30:00",
        ] {
            assert_eq!(day(text, MONDAY).unwrap().to_string(), "2026-01-06", "{text}");
        }
        assert!(day("2026-01-06Tsoon", MONDAY).is_err());
    }

    #[test]
    fn times_of_day_say_which_half_of_it() {
        for (text, expected) in [
            ("14:00", "14:00:00"),
            ("2 PM", "14:00:00"),
            ("2:30pm", "14:30:00"),
            ("12 a.m.", "00:00:00"),
            ("noon", "12:00:00"),
        ] {
            assert_eq!(time_of_day(text).unwrap().to_string(), expected, "{text}");
        }
        for odd in ["2", "25:00", "13 PM", "soon", ""] {
            assert!(time_of_day(odd).is_err(), "{odd}");
        }
    }
}
