//! Google's JSON of an event, read tolerantly.

use jiff::{Timestamp, civil::Date, civil::DateTime, tz::TimeZone};
use serde::Deserialize;

use crate::{
    calendar::{Attendee, Event, EventStatus, Response, When},
    providers::{Reading, Skip},
    range::Interval,
    zones,
};

/// An event as Google writes it. Everything may be missing: a tombstone holds little more than an id.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WireEvent {
    id: Option<String>,
    etag: Option<String>,
    status: Option<String>,
    summary: Option<String>,
    description: Option<String>,
    location: Option<String>,
    html_link: Option<String>,
    hangout_link: Option<String>,
    conference_data: Option<serde::de::IgnoredAny>,
    created: Option<String>,
    start: Option<WireTime>,
    end: Option<WireTime>,
    transparency: Option<String>,
    event_type: Option<String>,
    recurring_event_id: Option<String>,
    recurrence: Option<serde::de::IgnoredAny>,
    organizer: Option<WirePerson>,
    attendees: Option<Vec<WirePerson>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WireTime {
    date: Option<String>,
    date_time: Option<String>,
    time_zone: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WirePerson {
    email: Option<String>,
    display_name: Option<String>,
    response_status: Option<String>,
    #[serde(rename = "self")]
    is_self: Option<bool>,
}

impl WireEvent {
    /// What the event says.
    pub fn reading(self) -> Reading {
        let status = match self.status.as_deref() {
            Some(text) if text.eq_ignore_ascii_case("cancelled") => EventStatus::Cancelled,
            Some(text) if text.eq_ignore_ascii_case("tentative") => EventStatus::Tentative,
            _ => EventStatus::Confirmed,
        };
        let (Some(id), Some(start), Some(end)) = (&self.id, &self.start, &self.end) else {
            // PROVIDERS.md G9: a deleted occurrence has an id, a status, and nothing else to rely on.
            let deleted = status == EventStatus::Cancelled;
            return Reading::Skipped(if deleted { Skip::Tombstone } else { Skip::NoTime });
        };
        let when = match when(start, end) {
            Ok(when) => when,
            Err(_) if status == EventStatus::Cancelled => return Reading::Skipped(Skip::Tombstone),
            Err(skip) => return Reading::Skipped(skip),
        };
        let declined = self.is_declined();
        let busy = status != EventStatus::Cancelled && !declined && self.takes_time();
        Reading::Event(Box::new(Event {
            id: id.clone(),
            when,
            busy,
            status,
            declined,
            time_zone: start.zone().or_else(|| end.zone()),
            attendees: self
                .attendees
                .unwrap_or_default()
                .into_iter()
                .filter_map(WirePerson::attendee)
                .collect(),
            subject: self.summary.unwrap_or_default(),
            location: self.location,
            body: self.description,
            organizer: self.organizer.and_then(|organizer| organizer.email),
            is_online_meeting: self.hangout_link.is_some() || self.conference_data.is_some(),
            web_link: self.html_link,
            recurring: self.recurring_event_id.is_some() || self.recurrence.is_some(),
            etag: self.etag,
            created: self.created.and_then(|text| text.parse().ok()),
        }))
    }

    fn is_declined(&self) -> bool {
        let own = self.attendees.iter().flatten().find(|person| person.is_self == Some(true));
        own.is_some_and(|person| person.response() == Response::Declined)
    }

    /// PROVIDERS.md G8: a marked-as-free event, a working place and a birthday leave the time free.
    fn takes_time(&self) -> bool {
        let is = |field: &Option<String>, word: &str| {
            field.as_deref().is_some_and(|text| text.eq_ignore_ascii_case(word))
        };
        !is(&self.transparency, "transparent")
            && !is(&self.event_type, "workingLocation")
            && !is(&self.event_type, "birthday")
    }
}

impl WirePerson {
    fn response(&self) -> Response {
        match self.response_status.as_deref().map(str::to_ascii_lowercase).as_deref() {
            Some("accepted") => Response::Accepted,
            Some("declined") => Response::Declined,
            Some("tentative") => Response::Tentative,
            _ => Response::None,
        }
    }

    fn attendee(self) -> Option<Attendee> {
        let response = self.response();
        Some(Attendee { name: self.display_name, email: self.email?, response })
    }
}

impl WireTime {
    fn zone(&self) -> Option<String> {
        Some(zones::to_iana(self.time_zone.as_deref()?)?.to_string())
    }

    /// An instant with its offset, or a wall-clock time in the zone beside it.
    fn instant(&self, fallback: Option<&str>) -> Option<Timestamp> {
        let text = self.date_time.as_deref()?;
        if let Ok(instant) = text.parse::<Timestamp>() {
            return Some(instant);
        }
        let wall: DateTime = text.parse().ok()?;
        let name = zones::to_iana(self.time_zone.as_deref().or(fallback)?)?;
        let zone = TimeZone::get(&name).ok()?;
        zone.to_ambiguous_zoned(wall).compatible().ok().map(|zoned| zoned.timestamp())
    }
}

fn when(start: &WireTime, end: &WireTime) -> Result<When, Skip> {
    if let (Some(first), Some(after)) = (&start.date, &end.date) {
        let first: Date = first.parse().map_err(|_| Skip::UnknownTime)?;
        let after: Date = after.parse().map_err(|_| Skip::UnknownTime)?;
        // Other people's software writes the same day twice for one day.
        let next = first.tomorrow().map_err(|_| Skip::UnknownTime)?;
        return Ok(When::AllDay { start: first, end: after.max(next) });
    }
    if start.date_time.is_none() || end.date_time.is_none() {
        return Err(Skip::NoTime);
    }
    let begin = start.instant(end.time_zone.as_deref()).ok_or(Skip::UnknownTime)?;
    let finish = end.instant(start.time_zone.as_deref()).ok_or(Skip::UnknownTime)?;
    Ok(When::Timed(Interval::new(begin, finish)))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(value: Value) -> Reading {
        serde_json::from_value::<WireEvent>(value).unwrap().reading()
    }

    fn event(extra: Value) -> Event {
        let mut base = json!({
            "id": "e1", "status": "confirmed", "summary": "Haircut",
            "start": {"dateTime": "2026-01-05T09:00:00-08:00", "timeZone": "America/Los_Angeles"},
            "end": {"dateTime": "2026-01-05T10:00:00-08:00"},
        });
        for (name, field) in extra.as_object().unwrap() {
            base[name] = field.clone();
        }
        match read(base) {
            Reading::Event(event) => *event,
            Reading::Skipped(skip) => panic!("{skip:?}"),
        }
    }

    fn hours(start: &str, end: &str) -> When {
        When::Timed(Interval::new(start.parse().unwrap(), end.parse().unwrap()))
    }

    #[test]
    fn g7_times_come_with_an_offset_or_with_a_zone_or_as_dates() {
        let nine = hours("2026-01-05T17:00:00Z", "2026-01-05T18:00:00Z");
        assert_eq!(event(json!({})).when, nine);
        assert_eq!(event(json!({})).time_zone.as_deref(), Some("America/Los_Angeles"));
        let walls = json!({
            "start": {"dateTime": "2026-01-05T09:00:00", "timeZone": "America/Los_Angeles"},
            "end": {"dateTime": "2026-01-05T10:00:00"},
        });
        assert_eq!(event(walls).when, nine);
        let days = json!({"start": {"date": "2026-01-05"}, "end": {"date": "2026-01-07"}});
        let (start, end) = ("2026-01-05".parse().unwrap(), "2026-01-07".parse().unwrap());
        assert_eq!(event(days).when, When::AllDay { start, end });
        let same = json!({"start": {"date": "2026-01-06"}, "end": {"date": "2026-01-06"}});
        assert_eq!(event(same).when, When::AllDay { start: "2026-01-06".parse().unwrap(), end });
    }

    #[test]
    fn g8_only_what_takes_time_is_busy() {
        let own = |response: &str| json!({"attendees": [{"email": "ada@example.com", "self": true, "responseStatus": response}]});
        for (extra, busy) in [
            (json!({}), true),
            (json!({"transparency": "opaque"}), true),
            (json!({"transparency": "transparent"}), false),
            (json!({"eventType": "workingLocation"}), false),
            (json!({"eventType": "birthday"}), false),
            (json!({"eventType": "focusTime"}), true),
            (json!({"eventType": "outOfOffice"}), true),
            (json!({"status": "tentative"}), true),
            (json!({"status": "cancelled"}), false),
            (own("declined"), false),
            (own("needsAction"), true),
            (own("tentative"), true),
            (json!({"attendees": [{"email": "eve@example.com", "responseStatus": "declined"}]}), true),
        ] {
            assert_eq!(event(extra.clone()).busy, busy, "{extra}");
        }
    }

    #[test]
    fn g9_a_tombstone_is_skipped() {
        for tombstone in [
            json!({"id": "e1", "status": "cancelled"}),
            json!({"id": "e1_1", "status": "cancelled", "recurringEventId": "e1",
                   "originalStartTime": {"dateTime": "2026-01-05T09:00:00-08:00"}}),
            json!({"id": "e1", "status": "cancelled", "start": {}, "end": {}}),
        ] {
            assert_eq!(read(tombstone), Reading::Skipped(Skip::Tombstone));
        }
        assert_eq!(read(json!({"id": "e1"})), Reading::Skipped(Skip::NoTime));
        let nowhere = json!({"dateTime": "2026-01-05T09:00:00", "timeZone": "Nowhere/Atall"});
        assert_eq!(
            read(json!({"id": "e1", "start": nowhere, "end": nowhere})),
            Reading::Skipped(Skip::UnknownTime)
        );
    }

    #[test]
    fn nulls_and_unknown_fields_do_no_harm() {
        let odd = event(json!({"summary": null, "attendees": null, "organizer": null, "transparency": null,
                               "etag": "\"3\"", "created": "2026-01-01T00:00:00.000Z", "brandNew": {"x": [1]}}));
        assert_eq!((odd.subject.as_str(), odd.busy, odd.etag.as_deref()), ("", true, Some("\"3\"")));
        assert!(odd.created.is_some());
    }
}
