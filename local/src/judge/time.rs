//! Cases about hours, slots, local ranges, zone names and spoken times.
//!
//! Only reads the cases, in the several spellings that other systems' suites have; what is right is decided in `shared`.

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, DateTime},
    tz::TimeZone,
};
use serde::Deserialize;
use serde_json::{Value, json};
use shared::{
    civil::{DayTime, local_range},
    hours::working_hours,
    range::{self, Interval},
    schedule::{DateOverride, HourRange, Schedule, WeeklyHours, minutes, zone_named},
    slots::{Question, available, free_ranges, slots},
    speech, zones,
};

/// More than any schedule is asked for, and soon judged.
const LONGEST_WINDOW: SignedDuration = SignedDuration::from_hours(24 * 366 * 10);

/// The verdict on a case of these kinds; none when the kind is another file's.
pub fn verdict(kind: &str, case: &Value) -> Option<Result<Value, String>> {
    Some(match kind {
        "working_hours" => read(case).and_then(working_hours_verdict),
        "slots" => read(case).and_then(slots_verdict),
        "local_range" => read(case).and_then(local_range_verdict),
        "time_zone" => read(case).and_then(time_zone_verdict),
        "spoken" => read(case).and_then(spoken_verdict),
        _ => return None,
    })
}

#[derive(Deserialize)]
struct Span {
    start: String,
    end: String,
}

#[derive(Deserialize)]
struct Ends {
    #[serde(alias = "start")]
    from: String,
    #[serde(alias = "end")]
    to: String,
}

/// cal.com's shape of a date with hours of its own; equal or missing ends are a day off.
#[derive(Deserialize)]
struct Override {
    date: String,
    start: Option<DayTime>,
    end: Option<DayTime>,
}

#[derive(Deserialize)]
struct HoursCase {
    #[serde(alias = "time_zone", alias = "zone")]
    schedule_time_zone: Option<String>,
    weekly: Option<Vec<WeeklyHours>>,
    date_overrides: Option<Vec<Override>>,
    from: Option<String>,
    to: Option<String>,
    range: Option<Ends>,
}

#[derive(Deserialize)]
struct SlotsCase {
    #[serde(flatten)]
    hours: HoursCase,
    free_ranges: Option<Vec<Span>>,
    now: Option<String>,
    busy: Option<Vec<Span>>,
    duration_min: Option<u32>,
    interval_min: Option<u32>,
    min_notice_min: Option<u32>,
    buffer_before_min: Option<u32>,
    buffer_after_min: Option<u32>,
    query_time_zone: Option<String>,
}

#[derive(Deserialize)]
struct LocalRangeCase {
    zone: String,
    date: String,
    start: DayTime,
    end: DayTime,
}

#[derive(Deserialize)]
struct TimeZoneCase {
    windows: Option<String>,
    iana: Option<String>,
}

#[derive(Deserialize)]
struct SpokenCase {
    slots: Vec<Span>,
    zone: String,
    caller_zone: Option<String>,
    now: String,
}

fn working_hours_verdict(case: HoursCase) -> Result<Value, String> {
    let zone = case.zone()?;
    let window = case.window(&zone)?.ok_or("from and to are missing")?;
    let ranges = working_hours(&case.schedule()?, window).map_err(text)?;
    Ok(json!({ "ranges": ranges }))
}

fn slots_verdict(case: SlotsCase) -> Result<Value, String> {
    let zone = case.hours.zone()?;
    let grid_zone =
        case.query_time_zone.as_deref().map_or(Ok(zone.clone()), |name| zone_named(name).map_err(text))?;
    let busy = spans(case.busy.as_deref().unwrap_or_default(), &zone)?;
    let window = case.hours.window(&zone)?;
    let now = case.now.as_deref().map_or(Ok(Timestamp::UNIX_EPOCH), |now| instant(now, &zone))?;
    let schedule = case.schedule()?;
    let duration = minutes(case.duration_min.or(case.interval_min).unwrap_or(schedule.slot_interval_minutes));
    let found = match case.free_ranges {
        None => {
            let window = window.ok_or("range is missing")?;
            let question = Question {
                schedule: &schedule,
                duration,
                buffers: schedule.buffers(),
                busy: Some(&busy),
                booked: &[],
                window,
                known_until: window.end,
                now,
                grid_zone: Some(&grid_zone),
            };
            available(&question).map_err(text)?.slots
        }
        Some(ready) => {
            let everything = Interval::new(Timestamp::MIN, Timestamp::MAX);
            let earliest = now.saturating_add(minutes(schedule.min_notice_minutes)).map_err(text)?;
            let mut ready = spans(&ready, &zone)?;
            ready.iter_mut().for_each(|range| range.end = whole_minute(range.end));
            let ready = range::intersect(ready, vec![window.unwrap_or(everything)]);
            let ready = range::intersect(ready, vec![Interval::new(earliest, Timestamp::MAX)]);
            let free = free_ranges(ready, &busy, schedule.buffers());
            slots(&free, duration, minutes(schedule.slot_interval_minutes), &grid_zone)
        }
    };
    let starts: Vec<Timestamp> = found.iter().map(|slot| slot.start).collect();
    Ok(json!({ "starts": starts }))
}

fn local_range_verdict(case: LocalRangeCase) -> Result<Value, String> {
    let zone = zone_named(&case.zone).map_err(text)?;
    let found = match case.date.parse::<Date>() {
        Ok(date) => local_range(&zone, date, case.start, case.end),
        // A date that no calendar has (February thirtieth) does not exist in any zone.
        Err(_) if is_date_shaped(&case.date) => None,
        Err(error) => return Err(error.to_string()),
    };
    Ok(json!({ "utc_start": found.map(|range| range.start), "utc_end": found.map(|range| range.end) }))
}

fn is_date_shaped(text: &str) -> bool {
    let parts: Vec<_> =
        text.split('-').map(|part| (part.len(), part.bytes().all(|b| b.is_ascii_digit()))).collect();
    parts == [(4, true), (2, true), (2, true)]
}

fn time_zone_verdict(case: TimeZoneCase) -> Result<Value, String> {
    match (case.windows, case.iana) {
        (Some(windows), _) => Ok(json!({ "iana": zones::windows_to_iana(&windows) })),
        (None, Some(iana)) => Ok(json!({ "windows": zones::iana_to_windows(&iana) })),
        (None, None) => Err("windows or iana is missing".to_owned()),
    }
}

fn spoken_verdict(case: SpokenCase) -> Result<Value, String> {
    let zone = zone_named(&case.zone).map_err(text)?;
    let caller = case.caller_zone.as_deref().map(zone_named).transpose().map_err(text)?;
    let slots = spans(&case.slots, &zone)?;
    let now = instant(&case.now, &zone)?;
    Ok(json!({ "line": speech::line(&slots, &zone, caller.as_ref(), now) }))
}

impl HoursCase {
    fn zone(&self) -> Result<TimeZone, String> {
        zone_named(self.zone_name()).map_err(text)
    }

    fn zone_name(&self) -> &str {
        self.schedule_time_zone.as_deref().unwrap_or("UTC")
    }

    fn window(&self, zone: &TimeZone) -> Result<Option<Interval>, String> {
        let ends = self.range.as_ref().map(|range| (range.from.as_str(), range.to.as_str()));
        let Some((from, to)) = ends.or(self.from.as_deref().zip(self.to.as_deref())) else {
            return Ok(None);
        };
        let (start, end) = (instant(from, zone)?, whole_minute(instant(to, zone)?));
        if end.duration_since(start) > LONGEST_WINDOW {
            return Err("the window is longer than ten years".to_owned());
        }
        match to.parse::<Date>() {
            // A bare date is its midnight, but one that starts the window means the whole day.
            Ok(date) if to.len() == 10 && end <= start => {
                let day = shared::civil::whole_day(zone, date).ok_or("to never was")?;
                Ok(Some(Interval::new(start, day.end)))
            }
            Ok(_) | Err(_) => Ok(Some(Interval::new(start, end))),
        }
    }

    /// These hours with nothing else in the way: no notice, no buffers, no horizon.
    fn schedule(&self) -> Result<Schedule, String> {
        let overrides = self.date_overrides.as_deref().unwrap_or_default();
        Ok(Schedule {
            weekly: self.weekly.clone().unwrap_or_default(),
            date_overrides: overrides.iter().map(date_override).collect::<Result<_, _>>()?,
            min_notice_minutes: 0,
            horizon_days: u32::MAX,
            ..Schedule::default_in(self.zone_name())
        })
    }
}

impl SlotsCase {
    fn schedule(&self) -> Result<Schedule, String> {
        let bare = self.hours.schedule()?;
        Ok(Schedule {
            slot_interval_minutes: self
                .interval_min
                .or(self.duration_min)
                .unwrap_or(bare.slot_interval_minutes),
            min_notice_minutes: self.min_notice_min.unwrap_or(0),
            buffer_before_minutes: self.buffer_before_min.unwrap_or(0),
            buffer_after_minutes: self.buffer_after_min.unwrap_or(0),
            ..bare
        })
    }
}

fn date_override(given: &Override) -> Result<DateOverride, String> {
    // Some suites write the date as the UTC midnight that stands for it.
    let date = given.date.get(..10).unwrap_or(&given.date).parse().map_err(text)?;
    let hours = match (given.start, given.end) {
        (Some(start), Some(end)) if start != end => vec![HourRange { start, end }],
        (Some(_) | None, Some(_) | None) => Vec::new(),
    };
    Ok(DateOverride { date, hours })
}

fn spans(given: &[Span], zone: &TimeZone) -> Result<Vec<Interval>, String> {
    given
        .iter()
        .map(|span| Ok(Interval::new(instant(&span.start, zone)?, instant(&span.end, zone)?)))
        .collect()
}

/// RFC 3339 with `Z` or an offset; without either it is local, and a bare date is its midnight.
fn instant(given: &str, zone: &TimeZone) -> Result<Timestamp, String> {
    if let Ok(instant) = given.parse() {
        return Ok(instant);
    }
    let local: DateTime = given.parse().map_err(|_| format!("{given:?} is not a time"))?;
    zone.to_ambiguous_timestamp(local).compatible().map_err(text)
}

/// 23:59:59 and 23:59:59.999 are how some libraries write the end of a day.
fn whole_minute(end: Timestamp) -> Timestamp {
    let minute = SignedDuration::from_mins(1).as_secs();
    if end.as_second().rem_euclid(minute) != minute - 1 {
        return end;
    }
    Timestamp::from_second(end.as_second() + 1).unwrap_or(end)
}

fn read<'a, T: Deserialize<'a>>(case: &'a Value) -> Result<T, String> {
    T::deserialize(case).map_err(text)
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

#[cfg(test)]
#[path = "time_tests.rs"]
mod tests;
