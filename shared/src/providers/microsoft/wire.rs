//! Graph's JSON of an event, read tolerantly.

use serde::Deserialize;

use super::time::{self, WireTime};
use crate::{
    calendar::{Attendee, Event, EventStatus, Response},
    providers::{Reading, Skip},
};

/// An event as Graph writes it. Everything may be missing.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WireEvent {
    id: Option<String>,
    #[serde(rename = "@odata.etag")]
    etag: Option<String>,
    #[serde(rename = "@removed")]
    removed: Option<serde::de::IgnoredAny>,
    /// The key that an earlier create of ours carried.
    pub(super) transaction_id: Option<String>,
    subject: Option<String>,
    body: Option<WireBody>,
    body_preview: Option<String>,
    start: Option<WireTime>,
    end: Option<WireTime>,
    original_start_time_zone: Option<String>,
    is_all_day: Option<bool>,
    is_cancelled: Option<bool>,
    show_as: Option<String>,
    response_status: Option<WireResponse>,
    location: Option<WireLocation>,
    attendees: Option<Vec<WirePerson>>,
    organizer: Option<WirePerson>,
    is_online_meeting: Option<bool>,
    web_link: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    series_master_id: Option<String>,
    recurrence: Option<serde::de::IgnoredAny>,
    created_date_time: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WireBody {
    content_type: Option<String>,
    content: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WireLocation {
    display_name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireResponse {
    response: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WirePerson {
    email_address: Option<WireAddress>,
    status: Option<WireResponse>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireAddress {
    name: Option<String>,
    address: Option<String>,
}

impl WireEvent {
    /// What the event says.
    pub fn reading(self) -> Reading {
        if self.removed.is_some() {
            return Reading::Skipped(Skip::Tombstone);
        }
        let (Some(id), Some(start), Some(end)) = (&self.id, &self.start, &self.end) else {
            return Reading::Skipped(Skip::NoTime);
        };
        let is_all_day = self.is_all_day == Some(true);
        let when = match time::when(start, end, is_all_day, self.original_start_time_zone.as_deref()) {
            Ok(when) => when,
            Err(skip) => return Reading::Skipped(skip),
        };
        let status = self.status();
        let declined = self.response_status.as_ref().is_some_and(|own| own.read() == Response::Declined);
        let busy = status != EventStatus::Cancelled && !declined && self.takes_time();
        let zone = self.original_start_time_zone.as_deref().or(start.zone());
        let kind = self.kind.as_deref().unwrap_or_default();
        let series =
            ["occurrence", "exception", "seriesMaster"].iter().any(|one| kind.eq_ignore_ascii_case(one));
        Reading::Event(Box::new(Event {
            id: id.clone(),
            when,
            time_zone: zone.and_then(time::known).map(|zone| zone.to_string()),
            busy,
            status,
            declined,
            location: self.location.and_then(|place| place.display_name).filter(|name| !name.is_empty()),
            body: plain(self.body, self.body_preview),
            attendees: self
                .attendees
                .unwrap_or_default()
                .into_iter()
                .filter_map(WirePerson::attendee)
                .collect(),
            organizer: self.organizer.and_then(WirePerson::attendee).map(|organizer| organizer.email),
            subject: self.subject.unwrap_or_default(),
            is_online_meeting: self.is_online_meeting.unwrap_or_default(),
            web_link: self.web_link,
            recurring: series || self.series_master_id.is_some() || self.recurrence.is_some(),
            etag: self.etag,
            created: self.created_date_time.and_then(|text| text.parse().ok()),
        }))
    }

    fn status(&self) -> EventStatus {
        if self.is_cancelled == Some(true) {
            return EventStatus::Cancelled;
        }
        if self.shows_as("tentative") { EventStatus::Tentative } else { EventStatus::Confirmed }
    }

    /// PROVIDERS.md M8: free and working elsewhere leave the time free; what nobody knows takes it.
    fn takes_time(&self) -> bool {
        !self.shows_as("free") && !self.shows_as("workingElsewhere")
    }

    fn shows_as(&self, word: &str) -> bool {
        self.show_as.as_deref().is_some_and(|text| text.eq_ignore_ascii_case(word))
    }
}

impl WireResponse {
    fn read(&self) -> Response {
        match self.response.as_deref().map(str::to_ascii_lowercase).as_deref() {
            Some("accepted" | "organizer") => Response::Accepted,
            Some("declined") => Response::Declined,
            Some("tentativelyaccepted") => Response::Tentative,
            _ => Response::None,
        }
    }
}

impl WirePerson {
    fn attendee(self) -> Option<Attendee> {
        let address = self.email_address?;
        let response = self.status.map_or(Response::None, |status| status.read());
        Some(Attendee { name: address.name, email: address.address?, response })
    }
}

/// The text without markup: we ask for text, and where HTML comes nevertheless, its preview is text.
fn plain(body: Option<WireBody>, preview: Option<String>) -> Option<String> {
    let is_html =
        |body: &WireBody| body.content_type.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("html"));
    let text = match body {
        Some(body) if !is_html(&body) => body.content,
        _ => preview,
    };
    text.filter(|text| !text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(extra: Value) -> Reading {
        let mut base = json!({
            "@odata.etag": "W/\"1\"", "id": "AAMk=", "subject": "Haircut", "isAllDay": false, "showAs": "busy",
            "start": {"dateTime": "2026-01-05T09:00:00.0000000", "timeZone": "Pacific Standard Time"},
            "end": {"dateTime": "2026-01-05T10:00:00.0000000", "timeZone": "Pacific Standard Time"},
        });
        for (name, field) in extra.as_object().unwrap() {
            base[name] = field.clone();
        }
        serde_json::from_value::<WireEvent>(base).unwrap().reading()
    }

    fn event(extra: Value) -> Event {
        match read(extra) {
            Reading::Event(event) => *event,
            Reading::Skipped(skip) => panic!("{skip:?}"),
        }
    }

    #[test]
    fn m8_only_what_takes_time_is_busy() {
        for (extra, busy, status) in [
            (json!({}), true, EventStatus::Confirmed),
            (json!({"showAs": null}), true, EventStatus::Confirmed),
            (json!({"showAs": "oof"}), true, EventStatus::Confirmed),
            (json!({"showAs": "unknown"}), true, EventStatus::Confirmed),
            (json!({"showAs": "Tentative"}), true, EventStatus::Tentative),
            (json!({"showAs": "free"}), false, EventStatus::Confirmed),
            (json!({"showAs": "Free"}), false, EventStatus::Confirmed),
            (json!({"showAs": "WorkingElsewhere"}), false, EventStatus::Confirmed),
            (json!({"isCancelled": true}), false, EventStatus::Cancelled),
            (json!({"responseStatus": {"response": "declined"}}), false, EventStatus::Confirmed),
            (json!({"responseStatus": {"response": "tentativelyAccepted"}}), true, EventStatus::Confirmed),
            (json!({"responseStatus": null}), true, EventStatus::Confirmed),
        ] {
            let read = event(extra.clone());
            assert_eq!((read.busy, read.status), (busy, status), "{extra}");
        }
    }

    #[test]
    fn what_has_no_time_is_skipped() {
        assert_eq!(read(json!({"@removed": {"reason": "deleted"}})), Reading::Skipped(Skip::Tombstone));
        assert_eq!(read(json!({"start": null})), Reading::Skipped(Skip::NoTime));
        assert_eq!(read(json!({"end": {}})), Reading::Skipped(Skip::NoTime));
    }

    #[test]
    fn a_body_is_text_even_where_html_came() {
        let html = json!({"body": {"contentType": "HTML", "content": "<p>Hi</p>"}, "bodyPreview": "Hi"});
        assert_eq!(event(html).body.as_deref(), Some("Hi"));
        let text = json!({"body": {"contentType": "text", "content": "Hello"}, "bodyPreview": "He"});
        assert_eq!(event(text).body.as_deref(), Some("Hello"));
    }

    #[test]
    fn people_and_series_are_read() {
        let read = event(json!({
            "type": "occurrence", "seriesMasterId": "m", "createdDateTime": "2026-01-01T00:00:00.1234567Z",
            "organizer": {"emailAddress": {"name": "Ada", "address": "ada@example.com"}},
            "attendees": [
                {"type": "Required", "status": {"response": "TentativelyAccepted", "time": "0001-01-01T00:00:00Z"},
                 "emailAddress": {"name": null, "address": "eve@example.com"}},
                {"emailAddress": {"name": "No address"}},
            ],
        }));
        assert!(read.recurring && read.created.is_some());
        assert_eq!(read.organizer.as_deref(), Some("ada@example.com"));
        let eve = Attendee { name: None, email: "eve@example.com".into(), response: Response::Tentative };
        assert_eq!(read.attendees, [eve]);
    }
}
