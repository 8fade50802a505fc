//! A mailbox's settings: when its owner works, and in which zone.

use serde::Deserialize;

use super::time;
use crate::{
    civil::{DayTime, weekday},
    providers::OfficeHours,
    schedule::WeeklyHours,
};

/// Graph's `mailboxSettings`, as far as we read it. Personal accounts may lack the hours (PROVIDERS.md M17).
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct MailboxSettings {
    time_zone: Option<String>,
    working_hours: Option<WorkingHours>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WorkingHours {
    days_of_week: Option<Vec<String>>,
    start_time: Option<String>,
    end_time: Option<String>,
    time_zone: Option<ZoneName>,
}

/// Graph's `timeZoneBase`; of a `customTimeZone` the name says nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ZoneName {
    name: Option<String>,
}

impl MailboxSettings {
    pub(super) fn into_hours(self) -> OfficeHours {
        let known = |name: Option<&str>| name.and_then(time::known).map(|zone| zone.to_string());
        let mailbox = known(self.time_zone.as_deref());
        let working = self.working_hours.unwrap_or_default();
        let hours = working.week();
        let named = working.time_zone.and_then(|zone| zone.name);
        // The hours are meant in their own zone; where only the mailbox knows that one, its own is the best there is.
        let own = hours.as_ref().and_then(|_| known(named.as_deref()));
        OfficeHours { time_zone: own.or(mailbox), hours }
    }
}

impl WorkingHours {
    fn week(&self) -> Option<Vec<WeeklyHours>> {
        let days = self.days_of_week.as_ref()?.iter().map(|day| weekday(day)).collect::<Option<Vec<_>>>()?;
        if days.is_empty() {
            return None;
        }
        let (start, end) = (time_of(self.start_time.as_deref()?)?, time_of(self.end_time.as_deref()?)?);
        if start == end {
            return None;
        }
        if start < end {
            return Some(vec![WeeklyHours { days, start, end }]);
        }
        // Over midnight, into the mornings after those days.
        let mornings = days.iter().map(|day| day.next()).collect();
        let mut week = vec![WeeklyHours { days, start, end: DayTime::DAY_END }];
        if end > DayTime::MIDNIGHT {
            week.push(WeeklyHours { days: mornings, start: DayTime::MIDNIGHT, end });
        }
        Some(week)
    }
}

/// `08:00:00.0000000`: seven fraction digits, which nobody works by.
fn time_of(text: &str) -> Option<DayTime> {
    text.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> (Option<String>, Option<String>) {
        let hours = serde_json::from_str::<MailboxSettings>(json).unwrap().into_hours();
        (hours.time_zone, hours.hours.map(|hours| serde_json::to_string(&hours).unwrap()))
    }

    fn check(json: &str, zone: Option<&str>, hours: Option<&str>) {
        assert_eq!(read(json), (zone.map(str::to_owned), hours.map(str::to_owned)), "{json}");
    }

    #[test]
    fn m17_working_hours_are_read_in_windows_and_custom_zones() {
        let hours = |zone: &str| {
            format!(
                r#"{{"timeZone":"GMT Standard Time","workingHours":{{"daysOfWeek":["monday","friday"],
                    "startTime":"08:30:00.0000000","endTime":"17:00:00.0000000","timeZone":{zone}}}}}"#
            )
        };
        let week = Some(r#"[{"days":["monday","friday"],"start":"08:30","end":"17:00"}]"#);
        check(&hours(r#"{"name":"Eastern Standard Time"}"#), Some("America/New_York"), week);
        check(&hours(r#"{"name":"Asia/Kathmandu"}"#), Some("Asia/Kathmandu"), week);
        let custom = r##"{"@odata.type":"#microsoft.graph.customTimeZone","bias":-200,"name":"Customized Time Zone"}"##;
        check(&hours(custom), Some("Europe/London"), week);
        check(&hours("null"), Some("Europe/London"), week);
    }

    #[test]
    fn m17_hours_over_midnight_go_on_in_the_morning_after() {
        let nights = r#"{"timeZone":"UTC","workingHours":{"daysOfWeek":["saturday"],
            "startTime":"22:00:00.0000000","endTime":"06:00:00.0000000"}}"#;
        check(
            nights,
            Some("Etc/UTC"),
            Some(
                r#"[{"days":["saturday"],"start":"22:00","end":"24:00"},{"days":["sunday"],"start":"00:00","end":"06:00"}]"#,
            ),
        );
    }

    #[test]
    fn m17_a_mailbox_without_hours_still_has_a_zone() {
        let of = |hours: &str| format!(r#"{{"timeZone":"GMT Standard Time","workingHours":{hours}}}"#);
        check(r#"{"timeZone":"GMT Standard Time"}"#, Some("Europe/London"), None);
        for odd in [
            "null",
            "{}",
            r#"{"daysOfWeek":[],"startTime":"08:00:00.0000000","endTime":"17:00:00.0000000"}"#,
            r#"{"daysOfWeek":["monday"],"startTime":"08:00:00.0000000","endTime":"08:00:00.0000000"}"#,
            r#"{"daysOfWeek":["someday"],"startTime":"08:00:00.0000000","endTime":"17:00:00.0000000"}"#,
            r#"{"daysOfWeek":["monday"],"startTime":"early","endTime":"17:00:00.0000000"}"#,
        ] {
            check(&of(odd), Some("Europe/London"), None);
        }
        check(r#"{"timeZone":"tzone://Microsoft/Custom"}"#, None, None);
        check("{}", None, None);
    }
}
