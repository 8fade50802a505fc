//! When an owner takes appointments: weekly hours, breaks, special dates, and the rules around a booking.
//!
//! This is the shape that is stored and that the API speaks; `hours` turns it into UTC intervals.

mod days;

use jiff::{
    SignedDuration,
    civil::{Date, Weekday},
    tz::TimeZone,
};
use serde::{Deserialize, Serialize};

use crate::{
    civil::DayTime,
    error::{Error, Result},
};

/// Keeps a stored schedule well below DynamoDB's 400 KB an item.
const MAX_RANGES: usize = 500;
const DAYS_A_WEEK: usize = 7;
pub(crate) const MINUTES_A_DAY: u32 = 1_440;
/// A year ahead is further than calendars are kept, and bounds what a search can cost.
const MAX_HORIZON_DAYS: u32 = 366;

/// When and how an owner can be booked. Durations are whole minutes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// IANA zone in which all hours below are meant.
    pub time_zone: String,
    /// The hours of an ordinary week; ranges of one day add up.
    pub weekly: Vec<WeeklyHours>,
    /// Taken out of the weekly hours; they do not touch dates with hours of their own.
    #[serde(default)]
    pub breaks: Vec<WeeklyHours>,
    /// Dates whose hours replace the weekly ones entirely.
    #[serde(default)]
    pub date_overrides: Vec<DateOverride>,
    /// Kept free before each appointment.
    #[serde(default)]
    pub buffer_before_minutes: u32,
    /// Kept free after each appointment.
    #[serde(default)]
    pub buffer_after_minutes: u32,
    /// From one offered start to the next.
    #[serde(default = "default_interval")]
    pub slot_interval_minutes: u32,
    /// Where offered starts are counted from.
    #[serde(default)]
    pub start_alignment: StartAlignment,
    /// The least time between booking and appointment.
    #[serde(default = "default_notice")]
    pub min_notice_minutes: u32,
    /// How many local days after today can be booked.
    #[serde(default = "default_horizon")]
    pub horizon_days: u32,
    /// The most appointments on one local day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daily_limit: Option<u32>,
}

/// Where offered starts are counted from. Whichever it is, an appointment is never offered outside the hours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StartAlignment {
    /// Round on the wall clock, whenever the hours begin: full hours for an interval of sixty minutes, quarter hours
    /// for fifteen or forty-five. After something busy the count goes on from the next round time.
    #[default]
    Clock,
    /// The hours' own beginning, and then every interval: hours from 9:10 on with an interval of thirty give 9:10,
    /// 9:40 … whatever is busy in between. The time after a break counts anew. Hours that go on over midnight count
    /// on, save for a day that is open from midnight on: there it is from midnight.
    Opening,
}

/// Where a schedule comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScheduleSource {
    /// Office hours in the zone of the owner's account.
    #[default]
    Default,
    /// The working hours that the account itself has.
    Imported,
    /// The owner set it.
    Set,
}

/// Hours on some days of the week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeeklyHours {
    /// Which days; written by name, read by name or number (0 is Sunday).
    #[serde(with = "days")]
    pub days: Vec<Weekday>,
    /// From when.
    pub start: DayTime,
    /// Until when. Hours over midnight are two ranges: one until `24:00`, one from `00:00` of the next day.
    pub end: DayTime,
}

/// The hours of one date.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DateOverride {
    /// In the schedule's zone.
    pub date: Date,
    /// Open then; none is a day off. Several entries of one date add up.
    #[serde(default)]
    pub hours: Vec<HourRange>,
}

/// From one time of a day to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HourRange {
    /// From when.
    pub start: DayTime,
    /// Until when, at most `24:00`.
    pub end: DayTime,
}

/// Time kept free around an appointment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Buffers {
    /// Before its start.
    pub before: SignedDuration,
    /// After its end.
    pub after: SignedDuration,
}

impl Schedule {
    /// Monday to Friday, nine to five, every half hour, an hour's notice, sixty days ahead.
    pub fn default_in(time_zone: impl Into<String>) -> Self {
        const NINE: DayTime = DayTime::new(9, 0).expect("nine is a time of day");
        const FIVE: DayTime = DayTime::new(17, 0).expect("five is a time of day");
        let days =
            vec![Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday];
        Self {
            time_zone: time_zone.into(),
            weekly: vec![WeeklyHours { days, start: NINE, end: FIVE }],
            breaks: Vec::new(),
            date_overrides: Vec::new(),
            buffer_before_minutes: 0,
            buffer_after_minutes: 0,
            slot_interval_minutes: default_interval(),
            start_alignment: StartAlignment::Clock,
            min_notice_minutes: default_notice(),
            horizon_days: default_horizon(),
            daily_limit: None,
        }
    }

    /// The zone itself; an error names `time_zone`.
    pub fn zone(&self) -> Result<TimeZone> {
        zone_named(&self.time_zone)
    }

    /// The buffers around each appointment.
    pub fn buffers(&self) -> Buffers {
        Buffers { before: minutes(self.buffer_before_minutes), after: minutes(self.buffer_after_minutes) }
    }

    /// Refuses what makes no sense, naming the first wrong field.
    pub fn check(&self) -> Result<()> {
        self.zone()?;
        check_weekly("weekly", &self.weekly)?;
        check_weekly("breaks", &self.breaks)?;
        check_count("date_overrides", self.date_overrides.iter().map(|day| day.hours.len().max(1)).sum())?;
        for (at, day) in self.date_overrides.iter().enumerate() {
            for range in &day.hours {
                check_order(range.start, range.end, || format!("date_overrides[{at}].end"))?;
            }
        }
        check_between("buffer_before_minutes", self.buffer_before_minutes, 0, MINUTES_A_DAY)?;
        check_between("buffer_after_minutes", self.buffer_after_minutes, 0, MINUTES_A_DAY)?;
        check_between("slot_interval_minutes", self.slot_interval_minutes, 1, MINUTES_A_DAY)?;
        check_between("min_notice_minutes", self.min_notice_minutes, 0, MAX_HORIZON_DAYS * MINUTES_A_DAY)?;
        check_between("horizon_days", self.horizon_days, 1, MAX_HORIZON_DAYS)?;
        if let Some(limit) = self.daily_limit {
            check_between("daily_limit", limit, 1, MINUTES_A_DAY)?;
        }
        Ok(())
    }
}

/// An IANA zone by its name; an error names `time_zone`.
pub fn zone_named(name: &str) -> Result<TimeZone> {
    TimeZone::get(name)
        .map_err(|_| Error::invalid("time_zone", "must be an IANA time zone such as Europe/Berlin"))
}

/// Whole minutes as a duration.
pub fn minutes(count: u32) -> SignedDuration {
    SignedDuration::from_mins(i64::from(count))
}

fn check_weekly(field: &'static str, list: &[WeeklyHours]) -> Result<()> {
    check_count(field, list.len())?;
    for (at, hours) in list.iter().enumerate() {
        if hours.days.is_empty() {
            return Err(Error::invalid(format!("{field}[{at}].days"), "must name at least one day"));
        }
        if hours.days.len() > DAYS_A_WEEK {
            return Err(Error::invalid(format!("{field}[{at}].days"), "must name each day once"));
        }
        check_order(hours.start, hours.end, || format!("{field}[{at}].end"))?;
    }
    Ok(())
}

fn check_order(start: DayTime, end: DayTime, field: impl Fn() -> String) -> Result<()> {
    if start < end.as_range_end() {
        return Ok(());
    }
    Err(Error::invalid(
        field(),
        "must be after start; write hours over midnight as one range until 24:00 and one from 00:00",
    ))
}

fn check_count(field: &'static str, count: usize) -> Result<()> {
    if count <= MAX_RANGES {
        return Ok(());
    }
    Err(Error::invalid(field, format!("must hold at most {MAX_RANGES} ranges")))
}

fn check_between(field: &'static str, value: u32, least: u32, most: u32) -> Result<()> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(Error::invalid(field, format!("must be between {least} and {most}")))
}

fn default_interval() -> u32 {
    30
}

fn default_notice() -> u32 {
    60
}

fn default_horizon() -> u32 {
    60
}

#[cfg(test)]
mod tests;
