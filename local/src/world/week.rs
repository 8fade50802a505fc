//! The two accounts that every world starts with, and what is in their calendars this week.

use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use serde_json::{Value, json};

use super::{
    accounts::{Account, Provider},
    inspect,
    state::State,
    zones,
};

/// The default account at either provider.
pub const DEFAULT_EMAIL: &str = "ada@example.com";

impl State {
    /// The state that a world starts with.
    pub(super) fn new(now: Timestamp, empty: bool) -> Self {
        let mut state = Self::default();
        if !empty {
            state.accounts = vec![Account::google(DEFAULT_EMAIL), Account::microsoft(DEFAULT_EMAIL)];
            for (provider, event) in week(now) {
                if let Err(error) = inspect::put(&mut state, provider, DEFAULT_EMAIL, &event, now) {
                    tracing::error!(%error, "an event of the default week is not valid");
                }
            }
        }
        state
    }
}

fn week(now: Timestamp) -> Vec<(Provider, Value)> {
    let zone = zones::iana("Europe/London").unwrap_or(TimeZone::UTC);
    let today = now.to_zoned(zone).date();
    let monday =
        today.checked_sub(i64::from(today.weekday().to_monday_zero_offset()).days()).unwrap_or(today);
    let day = |n: i64| monday.checked_add(n.days()).unwrap_or(monday);
    let google = |subject: &str, date: Date, from: &str, to: &str| {
        let at = |time: &str| json!({"dateTime": format!("{date}T{time}:00"), "timeZone": "Europe/London"});
        (Provider::Google, json!({"summary": subject, "start": at(from), "end": at(to)}))
    };
    let microsoft = |subject: &str, date: Date, from: &str, to: &str| {
        let at = |time: &str| json!({"dateTime": format!("{date}T{time}:00.0000000"), "timeZone": "GMT Standard Time"});
        (Provider::Microsoft, json!({"subject": subject, "start": at(from), "end": at(to)}))
    };
    let (_, mut standup) = google("Stand-up", day(0), "09:00", "09:15");
    standup["recurrence"] = json!(["RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"]);
    let (_, mut review) = microsoft("Weekly review", day(4), "15:00", "16:00");
    review["recurrence"] = json!({
        "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": ["friday"], "firstDayOfWeek": "monday"},
        "range": {"type": "noEnd", "startDate": day(4).to_string()},
    });
    let away = json!({"summary": "Working from home", "transparency": "transparent",
        "start": {"date": day(2).to_string()}, "end": {"date": day(3).to_string()}});
    vec![
        (Provider::Google, standup),
        google("Colour and cut", day(1), "10:00", "12:00"),
        google("Lunch", day(2), "12:30", "13:30"),
        google("Supplier", day(3), "16:00", "16:45"),
        (Provider::Google, away),
        (Provider::Microsoft, review),
        microsoft("Planning", day(0), "14:00", "15:30"),
        microsoft("Dentist", day(2), "09:30", "10:15"),
        microsoft("Interview", day(3), "11:00", "12:00"),
    ]
}
