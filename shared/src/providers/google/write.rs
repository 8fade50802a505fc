//! Writing events to Google: ids of our own choice make a create repeatable.

use http::Method;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::{FIELDS, WireEvent, calendar, standing};
use crate::{
    calendar::{Attendee, Event, EventDraft, EventPatch, When},
    providers::{
        Session,
        classify::Source,
        exchange::{answered, read, segment},
        failure::{Class, Failure},
    },
    random,
};

/// Whether Google takes it as an event's id: 5–1024 characters of base32hex (RFC 2938, section 3.1.2).
pub fn is_event_id(id: &str) -> bool {
    (5..=1024).contains(&id.len()) && id.bytes().all(|byte| matches!(byte, b'a'..=b'v' | b'0'..=b'9'))
}

/// The event id of a draft's key: the key itself where it will do, else its digest.
pub fn event_id(key: &str) -> String {
    if is_event_id(key) { key.to_owned() } else { random::base32hex(&random::sha256(key.as_bytes())) }
}

/// Writes an event under the id of its key; see [`crate::providers::create`].
pub async fn create(session: Session<'_>, calendar_id: &str, draft: &EventDraft) -> Result<Event, Failure> {
    let path = format!("{}/events", calendar(calendar_id)?);
    let version = if draft.is_online_meeting { "1" } else { "0" };
    let call = session
        .call(Method::POST, &path)
        .query(&[("sendUpdates", "all"), ("conferenceDataVersion", version), ("fields", FIELDS)])
        .json(&body_of_draft(draft)?);
    match read::<WireEvent>(Source::Google, "events.insert", call).await {
        Ok(written) => standing(written),
        // PROVIDERS.md G6: the id exists. It is ours; whether it is still what was asked shows only in itself.
        Err(refused) if refused.class == Class::Duplicate => {
            let found = super::event(session, calendar_id, &event_id(&draft.key)).await?;
            if found.when == draft.when { Ok(found) } else { Err(refused) }
        }
        Err(failure) => Err(failure),
    }
}

/// What an earlier create of this draft wrote. A deleted one is `Gone`: its id stays taken for ever.
pub async fn find_created(
    session: Session<'_>,
    calendar_id: &str,
    draft: &EventDraft,
) -> Result<Option<Event>, Failure> {
    match super::event(session, calendar_id, &event_id(&draft.key)).await {
        Ok(event) => Ok(Some(event)),
        Err(failure) if failure.class == Class::NotFound => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Changes an event; see [`crate::providers::update`].
pub async fn update(
    session: Session<'_>,
    calendar_id: &str,
    id: &str,
    patch: &EventPatch,
    if_match: Option<&str>,
) -> Result<Event, Failure> {
    let path = format!("{}/events/{}", calendar(calendar_id)?, segment(id)?);
    let call = session.call(Method::PATCH, &path).query(&[("sendUpdates", "all"), ("fields", FIELDS)]);
    let call = match if_match {
        Some(etag) => call.header("if-match", etag),
        None => call,
    };
    standing(read(Source::Google, "events.patch", call.json(&body_of_patch(patch)?)).await?)
}

/// Deletes an event; 404 and 410 mean that it is gone already.
pub async fn delete(
    session: Session<'_>,
    calendar_id: &str,
    id: &str,
    if_match: Option<&str>,
) -> Result<(), Failure> {
    let path = format!("{}/events/{}", calendar(calendar_id)?, segment(id)?);
    let call = session.call(Method::DELETE, &path).query(&[("sendUpdates", "all")]);
    let call = match if_match {
        Some(etag) => call.header("if-match", etag),
        None => call,
    };
    match answered(Source::Google, "events.delete", call).await {
        Err(failure) if !matches!(failure.class, Class::NotFound | Class::Gone) => Err(failure),
        _ => Ok(()),
    }
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<Time<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<Time<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attendees: Option<Vec<Person<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    conference_data: Option<Conference<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Time<'a> {
    #[serde(rename_all = "camelCase")]
    Instant {
        date_time: String,
        time_zone: &'a str,
    },
    Day {
        date: String,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Person<'a> {
    email: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Conference<'a> {
    create_request: ConferenceRequest<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ConferenceRequest<'a> {
    request_id: &'a str,
    conference_solution_key: SolutionKey,
}

#[derive(Serialize)]
struct SolutionKey {
    #[serde(rename = "type")]
    kind: &'static str,
}

fn body_of_draft(draft: &EventDraft) -> Result<Body<'_>, Failure> {
    let (start, end) = times(&draft.when, &draft.time_zone)?;
    let conference = || Conference {
        create_request: ConferenceRequest {
            request_id: &draft.key,
            conference_solution_key: SolutionKey { kind: "hangoutsMeet" },
        },
    };
    Ok(Body {
        id: Some(event_id(&draft.key)),
        summary: Some(&draft.subject),
        description: draft.body.as_deref(),
        location: draft.location.as_deref(),
        start: Some(start),
        end: Some(end),
        attendees: (!draft.attendees.is_empty()).then(|| people(&draft.attendees)),
        conference_data: draft.is_online_meeting.then(conference),
    })
}

fn body_of_patch(patch: &EventPatch) -> Result<Body<'_>, Failure> {
    let times = patch.when.as_ref().map(|(when, zone)| times(when, zone)).transpose()?;
    let (start, end) = times.map_or((None, None), |(start, end)| (Some(start), Some(end)));
    Ok(Body {
        summary: patch.subject.as_deref(),
        description: patch.body.as_deref(),
        location: patch.location.as_deref(),
        start,
        end,
        attendees: patch.attendees.as_deref().map(people),
        ..Body::default()
    })
}

fn people(attendees: &[Attendee]) -> Vec<Person<'_>> {
    attendees.iter().map(|one| Person { email: &one.email, display_name: one.name.as_deref() }).collect()
}

/// Start and end in the owner's zone: the offset says when, the zone says how a person sees it.
fn times<'a>(when: &When, zone: &'a str) -> Result<(Time<'a>, Time<'a>), Failure> {
    match when {
        When::AllDay { start, end } => {
            Ok((Time::Day { date: start.to_string() }, Time::Day { date: end.to_string() }))
        }
        When::Timed(interval) => {
            let tz = TimeZone::get(zone).map_err(|_| Failure::ours(Class::Invalid, "time_zone"))?;
            let time = |instant: jiff::Timestamp| Time::Instant {
                date_time: instant.to_zoned(tz.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
                time_zone: zone,
            };
            Ok((time(interval.start), time(interval.end)))
        }
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
                name: None,
                email: "ada@example.com".to_owned(),
                response: Default::default(),
            }],
            body: None,
            location: Some("Main street".to_owned()),
            is_online_meeting: false,
        }
    }

    #[test]
    fn g6_an_event_id_is_5_to_1024_of_base32hex() {
        for (id, valid) in [
            ("abcde", true),
            ("0123v", true),
            ("abcd", false),
            ("", false),
            ("abcdw", false),
            ("ABCDE", false),
            ("abc-e", false),
            ("abcdé", false),
        ] {
            assert_eq!(is_event_id(id), valid, "{id}");
        }
        assert!(is_event_id(&"a".repeat(1024)) && !is_event_id(&"a".repeat(1025)));
        assert_eq!(event_id("0123456789abcdef"), "0123456789abcdef");
        assert!(is_event_id(&event_id("bkg_0123")) && event_id("bkg_0123") != event_id("bkg_0124"));
    }

    #[test]
    fn g7_a_draft_is_written_in_the_owners_zone_with_its_offset() {
        assert_eq!(
            serde_json::to_value(body_of_draft(&draft()).unwrap()).unwrap(),
            json!({
                "id": "0123456789abcdefghijklmnop",
                "summary": "Haircut",
                "location": "Main street",
                "start": {"dateTime": "2026-01-05T09:00:00-08:00", "timeZone": "America/Los_Angeles"},
                "end": {"dateTime": "2026-01-05T10:00:00-08:00", "timeZone": "America/Los_Angeles"},
                "attendees": [{"email": "ada@example.com"}],
            })
        );
    }

    #[test]
    fn a_video_meeting_is_asked_for_by_the_same_key() {
        let body =
            serde_json::to_value(body_of_draft(&EventDraft { is_online_meeting: true, ..draft() }).unwrap())
                .unwrap();
        let request = &body["conferenceData"]["createRequest"];
        assert_eq!(request["requestId"], draft().key);
        assert_eq!(request["conferenceSolutionKey"]["type"], "hangoutsMeet");
    }

    #[test]
    fn a_patch_holds_only_what_changes() {
        let patch = EventPatch { subject: Some("Shave".to_owned()), ..EventPatch::default() };
        assert_eq!(
            serde_json::to_value(body_of_patch(&patch).unwrap()).unwrap(),
            json!({"summary": "Shave"})
        );
        let days = When::AllDay { start: "2026-01-05".parse().unwrap(), end: "2026-01-06".parse().unwrap() };
        let patch = EventPatch { when: Some((days, "Europe/Paris".to_owned())), ..EventPatch::default() };
        assert_eq!(
            serde_json::to_value(body_of_patch(&patch).unwrap()).unwrap(),
            json!({"start": {"date": "2026-01-05"}, "end": {"date": "2026-01-06"}})
        );
    }
}
