//! The hours of a schedule as UTC intervals; busy times and bookings are none of its concern.

use std::iter;

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::{
    civil::{DayTime, local_range, whole_day},
    error::Result,
    range::{self, Interval},
    schedule::{Schedule, WeeklyHours},
};

/// When the owner works within `window`: in order, touching ranges joined, clipped to the window.
pub fn working_hours(schedule: &Schedule, window: Interval) -> Result<Vec<Interval>> {
    let zone = schedule.zone()?;
    if window.is_empty() {
        return Ok(Vec::new());
    }
    let (mut open, mut breaks) = (Vec::new(), Vec::new());
    for date in dates(&zone, window, 0) {
        hours_of_date(schedule, &zone, date, &mut open, &mut breaks);
    }
    Ok(range::intersect(range::subtract(open, breaks), vec![window]))
}

/// The instants from which starts are counted when they follow the hours, in order: every beginning of working time,
/// breaks' ends among them, from the day before `window` to its end.
///
/// Hours that go on over midnight are counted from the evening; a day that is open from its first moment is followed
/// by one that is counted from midnight, so that around the clock the count begins anew each day.
pub fn openings(schedule: &Schedule, window: Interval) -> Result<Vec<Timestamp>> {
    let zone = schedule.zone()?;
    let mut openings = Vec::new();
    let mut evening: Option<Interval> = None;
    for date in dates(&zone, window, 1) {
        let (mut open, mut breaks) = (Vec::new(), Vec::new());
        hours_of_date(schedule, &zone, date, &mut open, &mut breaks);
        let that_day = range::subtract(open, breaks);
        let goes_on = |first: &Interval| evening.is_some_and(|evening| evening.end == first.start);
        let joined = usize::from(that_day.first().is_some_and(goes_on));
        openings.extend(that_day.iter().skip(joined).map(|hours| hours.start));
        let midnight = whole_day(&zone, date).map(|day| day.start);
        evening = that_day.last().copied().filter(|last| Some(last.start) != midnight);
    }
    Ok(openings)
}

/// The local dates that a window touches, and some before.
fn dates(zone: &TimeZone, window: Interval, before: i32) -> impl Iterator<Item = Date> {
    let (first, last) = (zone.to_datetime(window.start).date(), zone.to_datetime(window.end).date());
    let first = first.saturating_sub(jiff::Span::new().days(before));
    // `series` is for steps of any kind, and several times slower.
    iter::successors(Some(first), |date| date.tomorrow().ok()).take_while(move |date| *date <= last)
}

fn hours_of_date(
    schedule: &Schedule,
    zone: &TimeZone,
    date: Date,
    open: &mut Vec<Interval>,
    breaks: &mut Vec<Interval>,
) {
    let mut overridden = false;
    for special in schedule.date_overrides.iter().filter(|special| special.date == date) {
        overridden = true;
        open.extend(special.hours.iter().filter_map(|hours| on_date(zone, date, hours.start, hours.end)));
    }
    if overridden {
        return;
    }
    let that_day = |hours: &&WeeklyHours| hours.days.contains(&date.weekday());
    let in_utc = |hours: &WeeklyHours| on_date(zone, date, hours.start, hours.end);
    open.extend(schedule.weekly.iter().filter(that_day).filter_map(in_utc));
    breaks.extend(schedule.breaks.iter().filter(that_day).filter_map(in_utc));
}

/// A range that does not end after its start holds nothing, as in cal.com's schedules.
fn on_date(zone: &TimeZone, date: Date, start: DayTime, end: DayTime) -> Option<Interval> {
    let end = end.as_range_end();
    if start >= end {
        return None;
    }
    local_range(zone, date, start, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(weekly: &str, overrides: &str) -> Schedule {
        let json = format!(
            r#"{{"time_zone":"America/New_York","weekly":{weekly},"date_overrides":{overrides},
                "breaks":[{{"days":[1,2,3,4,5],"start":"12:00","end":"13:00"}}]}}"#
        );
        serde_json::from_str(&json).unwrap()
    }

    fn check(schedule: &Schedule, from: &str, to: &str, expected: &[&str]) {
        let window = Interval::new(from.parse().unwrap(), to.parse().unwrap());
        let hours: Vec<String> = working_hours(schedule, window)
            .unwrap()
            .iter()
            .map(|range| format!("{} {}", range.start, range.end))
            .collect();
        assert_eq!(hours, expected);
    }

    #[test]
    fn weekly_hours_lose_their_breaks_and_follow_the_clocks() {
        let weekdays = schedule(r#"[{"days":["mon","fri"],"start":"09:00","end":"17:00"}]"#, "[]");
        check(
            &weekdays,
            "2026-10-30T00:00:00Z",
            "2026-11-03T00:00:00Z",
            &[
                "2026-10-30T13:00:00Z 2026-10-30T16:00:00Z",
                "2026-10-30T17:00:00Z 2026-10-30T21:00:00Z",
                "2026-11-02T14:00:00Z 2026-11-02T17:00:00Z",
                "2026-11-02T18:00:00Z 2026-11-02T22:00:00Z",
            ],
        );
    }

    #[test]
    fn hours_are_clipped_to_the_window() {
        let weekdays = schedule(r#"[{"days":[1],"start":"09:00","end":"11:00"}]"#, "[]");
        check(
            &weekdays,
            "2026-11-02T14:20:00Z",
            "2026-11-02T15:40:00Z",
            &["2026-11-02T14:20:00Z 2026-11-02T15:40:00Z"],
        );
        check(&weekdays, "2026-11-02T15:40:00Z", "2026-11-02T15:40:00Z", &[]);
    }

    #[test]
    fn starts_are_counted_from_every_opening_and_over_midnight_from_the_evening() {
        let counted = |weekly: &str, from: &str, to: &str| -> Vec<String> {
            let window = Interval::new(from.parse().unwrap(), to.parse().unwrap());
            openings(&schedule(weekly, "[]"), window).unwrap().iter().map(ToString::to_string).collect()
        };
        assert_eq!(
            counted(
                r#"[{"days":["mon"],"start":"09:10","end":"17:00"}]"#,
                "2026-11-09T20:00:00Z",
                "2026-11-10T00:00:00Z"
            ),
            ["2026-11-09T14:10:00Z", "2026-11-09T18:00:00Z"],
        );
        let nights = r#"[{"days":["sat"],"start":"22:00","end":"24:00"},{"days":["sun"],"start":"00:00","end":"02:00"}]"#;
        let night = "2026-11-15T03:00:00Z";
        assert_eq!(counted(nights, "2026-11-15T06:00:00Z", "2026-11-15T07:00:00Z"), [night]);
        let always = r#"[{"days":["sat","sun"],"start":"00:00","end":"24:00"}]"#;
        assert_eq!(
            counted(always, "2026-11-15T06:00:00Z", "2026-11-15T07:00:00Z"),
            ["2026-11-14T05:00:00Z", "2026-11-15T05:00:00Z"],
        );
    }

    #[test]
    fn hours_over_midnight_join() {
        let nights = schedule(
            r#"[{"days":["sat"],"start":"22:00","end":"23:59"},{"days":["sun"],"start":"00:00","end":"02:00"}]"#,
            "[]",
        );
        check(
            &nights,
            "2026-11-13T00:00:00Z",
            "2026-11-17T00:00:00Z",
            &["2026-11-15T03:00:00Z 2026-11-15T07:00:00Z"],
        );
    }

    #[test]
    fn a_date_with_its_own_hours_forgets_the_weekly_ones_and_the_breaks() {
        let special = schedule(
            r#"[{"days":[2,3],"start":"09:00","end":"10:00"},{"days":[3],"start":"10:00","end":"08:00"}]"#,
            r#"[{"date":"2026-11-03","hours":[{"start":"11:00","end":"14:00"}]},
                {"date":"2026-11-03","hours":[{"start":"18:00","end":"19:00"}]},
                {"date":"2026-11-10","hours":[]}]"#,
        );
        check(
            &special,
            "2026-11-03T00:00:00Z",
            "2026-11-11T12:00:00Z",
            &[
                "2026-11-03T16:00:00Z 2026-11-03T19:00:00Z",
                "2026-11-03T23:00:00Z 2026-11-04T00:00:00Z",
                "2026-11-04T14:00:00Z 2026-11-04T15:00:00Z",
            ],
        );
    }
}
