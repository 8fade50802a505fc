//! What blocks time in Google's calendars: by freeBusy, or event by event where one of them does not count.

use http::Method;
use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::{MAX_PAGE, page};
use crate::{
    providers::{
        PRIMARY, Session,
        classify::Source,
        exchange::{is_primary, read, unreadable},
        failure::{Class, Failure},
    },
    range::Interval,
};

/// freeBusy refuses more calendars in one call.
const MAX_CALENDARS: usize = 50;

/// Pages of one calendar that are followed before the question counts as too large.
const MAX_PAGES: usize = 8;

/// What blocks time in these calendars, by freeBusy, which already leaves out what does not.
pub async fn busy(
    session: Session<'_>,
    calendars: &[String],
    window: Interval,
) -> Result<Vec<Interval>, Failure> {
    let mut all = Vec::new();
    for some in calendars.chunks(MAX_CALENDARS) {
        let ids = || some.iter().map(|id| if is_primary(id) { PRIMARY } else { id.as_str() });
        let question = Question {
            time_min: window.start,
            time_max: window.end,
            items: ids().map(|id| Item { id }).collect(),
        };
        let call = session.call(Method::POST, "/freeBusy").json(&question);
        let mut answer: FreeBusy = read(Source::Google, "freeBusy", call).await?;
        for id in ids() {
            all.extend(answer.take(id)?);
        }
    }
    Ok(all)
}

/// What blocks time in these calendars but for one event: freeBusy names no events, so that they are listed instead.
pub async fn busy_but(
    session: Session<'_>,
    calendars: &[String],
    window: Interval,
    zone: &TimeZone,
    but: &str,
) -> Result<Vec<Interval>, Failure> {
    let mut all = Vec::new();
    for id in calendars {
        all.extend(busy_of_one(&session, id, window, zone, but).await?);
    }
    Ok(all)
}

async fn busy_of_one(
    session: &Session<'_>,
    calendar_id: &str,
    window: Interval,
    zone: &TimeZone,
    but: &str,
) -> Result<Vec<Interval>, Failure> {
    let (mut all, mut next) = (Vec::new(), None);
    for _ in 0..MAX_PAGES {
        let page = page(session, calendar_id, window, next.as_deref(), MAX_PAGE).await?;
        let own = page.zone();
        for item in page.items {
            all.extend(item.reading().blocks(own.as_ref().unwrap_or(zone), Some(but))?);
        }
        next = page.next_page_token;
        if next.is_none() {
            return Ok(all);
        }
    }
    // Half an answer would be free time that is not.
    Err(Failure::ours(Class::Transient, "too_many_pages"))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Question<'a> {
    time_min: Timestamp,
    time_max: Timestamp,
    items: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct Item<'a> {
    id: &'a str,
}

#[derive(Deserialize)]
struct FreeBusy {
    #[serde(default)]
    calendars: std::collections::HashMap<String, OneCalendar>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OneCalendar {
    busy: Vec<Interval>,
    errors: Vec<OneError>,
}

#[derive(Deserialize)]
struct OneError {
    reason: Option<String>,
}

impl FreeBusy {
    /// PROVIDERS.md G10: a calendar that could not be read, or that is not in the answer, is not a free one.
    fn take(&mut self, id: &str) -> Result<Vec<Interval>, Failure> {
        let calendar = self.calendars.remove(id).ok_or_else(unreadable)?;
        match calendar.errors.first().map(|error| error.reason.as_deref()) {
            None => Ok(calendar.busy),
            Some(Some("notFound")) => Err(Failure::ours(Class::NotFound, "notFound")),
            Some(Some("forbidden")) => Err(Failure::ours(Class::Permission, "forbidden")),
            Some(_) => Err(Failure::ours(Class::Transient, "freeBusyError")),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{super::WireEvent, *};

    fn take(answer: &str) -> Result<Vec<Interval>, Class> {
        let mut answer: FreeBusy = serde_json::from_str(answer).unwrap();
        answer.take("primary").map_err(|failure| failure.class)
    }

    #[test]
    fn g10_a_calendar_that_cannot_be_read_is_never_free() {
        let busy = r#"{"calendars":{"primary":{"busy":[{"start":"2026-01-05T09:00:00Z","end":"2026-01-05T11:00:00+01:00"}]}}}"#;
        let hour =
            Interval::new("2026-01-05T09:00:00Z".parse().unwrap(), "2026-01-05T10:00:00Z".parse().unwrap());
        assert_eq!(take(busy), Ok(vec![hour]));
        assert_eq!(take(r#"{"calendars":{"primary":{"busy":[]}}}"#), Ok(vec![]));
        let with = |reason: &str| {
            take(&format!(
                r#"{{"calendars":{{"primary":{{"errors":[{{"domain":"global","reason":"{reason}"}}],"busy":[]}}}}}}"#
            ))
        };
        assert_eq!(with("notFound"), Err(Class::NotFound));
        assert_eq!(with("internalError"), Err(Class::Transient));
        assert_eq!(take(r#"{"calendars":{}}"#), Err(Class::Transient));
        assert_eq!(take("{}"), Err(Class::Transient));
    }
    #[test]
    fn g8_every_other_event_blocks_and_one_that_cannot_be_read_is_no_free_time() {
        let times = |start: Value, end: Value| json!({"id": "another", "status": "confirmed", "start": start, "end": end});
        let blocks = |value: Value| {
            let zone = TimeZone::get("America/New_York").unwrap();
            serde_json::from_value::<WireEvent>(value)
                .unwrap()
                .reading()
                .blocks(&zone, Some("own"))
                .map_err(|failure| failure.class)
        };
        let hour =
            times(json!({"dateTime": "2026-01-05T09:00:00Z"}), json!({"dateTime": "2026-01-05T10:00:00Z"}));
        let own = json!({"id": "own", "status": "confirmed", "start": hour["start"], "end": hour["end"]});
        let day = times(json!({"date": "2026-01-05"}), json!({"date": "2026-01-06"}));
        let between =
            |start: &str, end: &str| Some(Interval::new(start.parse().unwrap(), end.parse().unwrap()));
        assert_eq!(blocks(hour), Ok(between("2026-01-05T09:00:00Z", "2026-01-05T10:00:00Z")));
        assert_eq!(blocks(day), Ok(between("2026-01-05T05:00:00Z", "2026-01-06T05:00:00Z")));
        assert_eq!(blocks(own), Ok(None));
        assert_eq!(blocks(json!({"id": "gone", "status": "cancelled"})), Ok(None));
        assert_eq!(
            blocks(times(json!({"dateTime": "soon"}), json!({"dateTime": "later"}))),
            Err(Class::Transient)
        );
    }
}
