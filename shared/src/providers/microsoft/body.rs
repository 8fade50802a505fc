//! The bodies that are sent to Graph. Enum members are in lower case, as its metadata spells them.

use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;

use crate::{
    calendar::{Attendee, EventDraft, EventPatch, When},
    providers::failure::{Class, Failure},
    zones,
};

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_all_day: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<Place<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attendees: Option<Vec<Person<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_online_meeting: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    online_meeting_provider: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Text<'a> {
    content_type: &'static str,
    content: &'a str,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Time {
    date_time: String,
    time_zone: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Place<'a> {
    display_name: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Person<'a> {
    email_address: Address<'a>,
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
struct Address<'a> {
    address: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

pub(super) fn of_draft(draft: &EventDraft) -> Result<Body<'_>, Failure> {
    let (start, end) = times(&draft.when, &draft.time_zone)?;
    Ok(Body {
        transaction_id: Some(&draft.key),
        subject: Some(&draft.subject),
        body: draft.body.as_deref().map(text),
        start: Some(start),
        end: Some(end),
        is_all_day: Some(is_all_day(&draft.when)),
        location: draft.location.as_deref().map(place),
        attendees: (!draft.attendees.is_empty()).then(|| people(&draft.attendees)),
        is_online_meeting: draft.is_online_meeting.then_some(true),
        online_meeting_provider: draft.is_online_meeting.then_some("teamsForBusiness"),
    })
}

pub(super) fn of_patch(patch: &EventPatch) -> Result<Body<'_>, Failure> {
    let times = patch.when.as_ref().map(|(when, zone)| times(when, zone)).transpose()?;
    let (start, end) = times.map_or((None, None), |(start, end)| (Some(start), Some(end)));
    Ok(Body {
        subject: patch.subject.as_deref(),
        body: patch.body.as_deref().map(text),
        start,
        end,
        is_all_day: patch.when.as_ref().map(|(when, _)| is_all_day(when)),
        location: patch.location.as_deref().map(place),
        attendees: patch.attendees.as_deref().map(people),
        ..Body::default()
    })
}

fn is_all_day(when: &When) -> bool {
    matches!(when, When::AllDay { .. })
}

fn text(content: &str) -> Text<'_> {
    Text { content_type: "text", content }
}

fn place(display_name: &str) -> Place<'_> {
    Place { display_name }
}

fn people(attendees: &[Attendee]) -> Vec<Person<'_>> {
    attendees
        .iter()
        .map(|one| Person {
            email_address: Address { address: &one.email, name: one.name.as_deref() },
            kind: "required",
        })
        .collect()
}

/// Start and end as wall-clock times in the owner's zone (PROVIDERS.md M13).
fn times(when: &When, zone: &str) -> Result<(Time, Time), Failure> {
    let name = zones::iana_to_windows(zone).unwrap_or(zone);
    match when {
        When::AllDay { start, end } => {
            let midnight = |date| Time { date_time: format!("{date}T00:00:00"), time_zone: name.to_owned() };
            Ok((midnight(start), midnight(end)))
        }
        When::Timed(interval) => {
            let tz = TimeZone::get(zone).map_err(|_| Failure::ours(Class::Invalid, "time_zone"))?;
            Ok((wall_clock(interval.start, &tz, name), wall_clock(interval.end, &tz, name)))
        }
    }
}

fn wall_clock(instant: Timestamp, zone: &TimeZone, name: &str) -> Time {
    const FORMAT: &str = "%Y-%m-%dT%H:%M:%S";
    let wall = zone.to_datetime(instant);
    // The second pass through a repeated hour cannot be written without an offset: there UTC says it.
    match zone.to_ambiguous_zoned(wall).compatible() {
        Ok(back) if back.timestamp() == instant => {
            Time { date_time: wall.strftime(FORMAT).to_string(), time_zone: name.to_owned() }
        }
        _ => Time { date_time: instant.strftime(FORMAT).to_string(), time_zone: "UTC".to_owned() },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::range::Interval;

    fn draft() -> EventDraft {
        let hour =
            Interval::new("2026-01-05T17:00:00Z".parse().unwrap(), "2026-01-05T18:00:00Z".parse().unwrap());
        EventDraft {
            key: "0123456789abcdefghijklmnop".to_owned(),
            subject: "Haircut".to_owned(),
            when: When::Timed(hour),
            time_zone: "America/Los_Angeles".to_owned(),
            attendees: vec![Attendee {
                name: Some("Caller".to_owned()),
                email: "ada@example.com".to_owned(),
                response: Default::default(),
            }],
            body: Some("By phone".to_owned()),
            location: None,
            is_online_meeting: false,
        }
    }

    #[test]
    fn m13_a_draft_is_written_in_the_owners_zone_by_its_windows_name() {
        assert_eq!(
            serde_json::to_value(of_draft(&draft()).unwrap()).unwrap(),
            json!({
                "transactionId": "0123456789abcdefghijklmnop",
                "subject": "Haircut",
                "body": {"contentType": "text", "content": "By phone"},
                "start": {"dateTime": "2026-01-05T09:00:00", "timeZone": "Pacific Standard Time"},
                "end": {"dateTime": "2026-01-05T10:00:00", "timeZone": "Pacific Standard Time"},
                "isAllDay": false,
                "attendees": [{
                    "type": "required",
                    "emailAddress": {"address": "ada@example.com", "name": "Caller"},
                }],
            })
        );
    }

    #[test]
    fn m13_the_second_pass_through_a_repeated_hour_is_written_in_utc() {
        let zone = TimeZone::get("America/Los_Angeles").unwrap();
        let check = |instant: &str, date_time: &str, time_zone: &str| {
            let expected = Time { date_time: date_time.to_owned(), time_zone: time_zone.to_owned() };
            assert_eq!(wall_clock(instant.parse().unwrap(), &zone, "Pacific Standard Time"), expected);
        };
        check("2026-11-01T08:30:00Z", "2026-11-01T01:30:00", "Pacific Standard Time");
        check("2026-11-01T09:30:00Z", "2026-11-01T09:30:00", "UTC");
        check("2026-11-01T10:30:00Z", "2026-11-01T02:30:00", "Pacific Standard Time");
    }

    #[test]
    fn whole_days_are_midnights_and_a_patch_holds_only_what_changes() {
        let days = When::AllDay { start: "2026-01-05".parse().unwrap(), end: "2026-01-06".parse().unwrap() };
        let patch = EventPatch { when: Some((days, "Etc/UTC".to_owned())), ..EventPatch::default() };
        assert_eq!(
            serde_json::to_value(of_patch(&patch).unwrap()).unwrap(),
            json!({
                "start": {"dateTime": "2026-01-05T00:00:00", "timeZone": "UTC"},
                "end": {"dateTime": "2026-01-06T00:00:00", "timeZone": "UTC"},
                "isAllDay": true,
            })
        );
        let patch = EventPatch { attendees: Some(vec![]), ..EventPatch::default() };
        assert_eq!(serde_json::to_value(of_patch(&patch).unwrap()).unwrap(), json!({"attendees": []}));
    }

    #[test]
    fn a_video_meeting_is_asked_for() {
        let draft = EventDraft { is_online_meeting: true, ..draft() };
        let body = serde_json::to_value(of_draft(&draft).unwrap()).unwrap();
        assert_eq!(
            (&body["isOnlineMeeting"], &body["onlineMeetingProvider"]),
            (&json!(true), &json!("teamsForBusiness"))
        );
    }
}
