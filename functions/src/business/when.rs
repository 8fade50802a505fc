//! A time as this face takes it: `date` with `start_time` (`14:00`, or `14:00-15:00`), or a whole time in `start_time`.

use jiff::civil::Date;
use shared::{
    civil::DayTime,
    error::{Error, Result},
};

/// Start and end as the calendar face writes them: with an offset, or without one in the business's zone.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) start: Option<String>,
    pub(super) end: Option<String>,
}

/// Reads what was said about a time; what was not said stays open.
pub(super) fn written(date: Option<&str>, start: Option<&str>, end: Option<&str>) -> Result<Written> {
    let date = date.map(day).transpose()?;
    let (start, end) = match (start, end) {
        (Some(text), None) => match text.split_once('-') {
            // The dashes of a whole time come after a year, or after a T.
            Some((start, end)) if is_on_a_dial(start) => (Some(start), Some(end)),
            Some(_) | None => (Some(text), None),
        },
        both => both,
    };
    Ok(Written {
        start: start.map(|text| on(date, "start_time", text)).transpose()?,
        end: end.map(|text| on(date, "end_time", text)).transpose()?,
    })
}

/// Whether a text is meant as a time of the day, right or wrong.
fn is_on_a_dial(text: &str) -> bool {
    text.contains(':') && text.trim().len() <= "24:00:00".len()
}

fn day(text: &str) -> Result<Date> {
    let read = (text.trim().len() == "2026-01-06".len()).then(|| text.trim().parse().ok()).flatten();
    read.ok_or_else(|| Error::invalid("date", "must be a date such as 2026-01-06"))
}

/// A time of the day on its date; one that is whole says its own.
fn on(date: Option<Date>, field: &'static str, text: &str) -> Result<String> {
    let text = text.trim();
    let time: DayTime = match text.parse() {
        Ok(time) => time,
        Err(_) if text.len() > "24:00:00".len() => return Ok(text.to_owned()),
        Err(_) => return Err(Error::invalid(field, "must be a time such as 14:00 or 2026-01-06T14:00")),
    };
    let Some(date) = date else { return Err(Error::invalid("date", "is missing")) };
    if time < DayTime::DAY_END {
        return Ok(format!("{date}T{time}"));
    }
    let next = date.tomorrow().map_err(|_| Error::invalid("date", "lies too far ahead"))?;
    Ok(format!("{next}T00:00"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(said: [Option<&str>; 3], expected: [Option<&str>; 2]) {
        let [date, start, end] = said;
        let found = written(date, start, end).unwrap();
        assert_eq!([found.start.as_deref(), found.end.as_deref()], expected, "{said:?}");
    }

    #[test]
    fn a_time_is_said_in_several_ways() {
        let date = Some("2026-01-06");
        check([date, Some("14:00"), None], [Some("2026-01-06T14:00"), None]);
        check([date, Some("9:05"), Some("10:00")], [Some("2026-01-06T09:05"), Some("2026-01-06T10:00")]);
        check([date, Some("14:00-15:00"), None], [Some("2026-01-06T14:00"), Some("2026-01-06T15:00")]);
        check([date, Some("14:00 - 24:00"), None], [Some("2026-01-06T14:00"), Some("2026-01-07T00:00")]);
        let whole = Some("2026-01-06T14:00:00-05:00");
        check([None, whole, None], [whole, None]);
        for local in ["2026-01-06T14:00", "2026-01-06T14:00:00", "2026-01-06 14:00", "20260106T140000-05:00"]
        {
            check([None, Some(local), None], [Some(local), None]);
            check([date, Some(local), Some("15:00")], [Some(local), Some("2026-01-06T15:00")]);
        }
        check([date, whole, Some("15:00")], [whole, Some("2026-01-06T15:00")]);
        check([date, None, None], [None, None]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (said, field) in [
            ([None, Some("14:00"), None], "date"),
            ([Some("6 Jan"), Some("14:00"), None], "date"),
            ([Some("2026-02-30"), Some("14:00"), None], "date"),
            ([Some("2026-01-06"), Some("2 PM"), None], "start_time"),
            ([Some("2026-01-06"), Some("25:00"), None], "start_time"),
            ([Some("2026-01-06"), Some("14:00-x"), None], "end_time"),
            ([Some("2026-01-06"), Some("14:00:00 - 15"), None], "end_time"),
            ([Some("2026-01-06"), Some("14:0x-15:00"), None], "start_time"),
            ([Some("2026-01-06"), Some("14:00"), Some("")], "end_time"),
        ] {
            let error = written(said[0], said[1], said[2]).unwrap_err();
            assert!(
                matches!(&error, Error::Invalid { field: named, .. } if named == field),
                "{said:?} {error}"
            );
        }
    }
}
