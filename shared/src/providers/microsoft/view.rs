//! Reading stretches of a calendar by `calendarView`, the only collection that expands series.

use http::Method;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::{WireEvent, calendar_path, preferring};
use crate::{
    calendar::{Event, EventPage, FARTHEST_OFFSET},
    providers::{
        Reading, Session,
        classify::Source,
        exchange::read,
        failure::{Class, Failure},
    },
    range::Interval,
};

/// Graph's own limit on a page.
const MAX_PAGE: u32 = 1000;

/// Pages of one calendar's busy time that are followed before the question counts as too large.
const MAX_PAGES: usize = 20;

/// What of an event tells whether and when it blocks time.
const SELECT_BUSY: &str =
    "id,start,end,originalStartTimeZone,isAllDay,isCancelled,showAs,responseStatus,type,seriesMasterId";

#[derive(Deserialize)]
struct Page {
    value: Vec<WireEvent>,
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
}

/// One page of events in order of their start, series expanded.
pub async fn events(
    session: Session<'_>,
    calendar_id: &str,
    window: Interval,
    cursor: Option<&str>,
    limit: u32,
) -> Result<EventPage, Failure> {
    let page = page(&session, calendar_id, window, cursor, limit, super::SELECT).await?;
    let events = page.value.into_iter().filter_map(|item| match item.reading() {
        Reading::Event(event) => Some(*event),
        Reading::Skipped(_) => None,
    });
    Ok(EventPage { events: events.collect(), next: page.next, zone: None })
}

/// The event of a window that a create with this key wrote.
pub(super) async fn with_key(
    session: &Session<'_>,
    calendar_id: &str,
    window: Interval,
    key: &str,
) -> Result<Option<Event>, Failure> {
    let mut next = None;
    for _ in 0..MAX_PAGES {
        let page = page(session, calendar_id, window, next.as_deref(), MAX_PAGE, super::SELECT).await?;
        if let Some(found) = page.value.into_iter().find(|item| item.transaction_id.as_deref() == Some(key)) {
            return super::standing(found).map(Some);
        }
        next = page.next;
        if next.is_none() {
            return Ok(None);
        }
    }
    Err(too_much())
}

/// What blocks time in these calendars but for one event. All pages are read: half an answer would be free time that is
/// not.
pub async fn busy(
    session: Session<'_>,
    calendars: &[String],
    window: Interval,
    zone: &TimeZone,
    but: Option<&str>,
) -> Result<Vec<Interval>, Failure> {
    let mut all = Vec::new();
    // PROVIDERS.md M10: a mailbox serves four requests at once and refuses the fifth.
    for four in calendars.chunks(4) {
        let one = async |index: usize| match four.get(index) {
            Some(id) => busy_of_one(&session, id, window, zone, but).await,
            None => Ok(Vec::new()),
        };
        let (a, b, c, d) = tokio::join!(one(0), one(1), one(2), one(3));
        all.extend([a?, b?, c?, d?].into_iter().flatten());
    }
    Ok(all)
}

async fn busy_of_one(
    session: &Session<'_>,
    calendar_id: &str,
    window: Interval,
    zone: &TimeZone,
    but: Option<&str>,
) -> Result<Vec<Interval>, Failure> {
    let wide = window.widened(FARTHEST_OFFSET, FARTHEST_OFFSET);
    let (mut all, mut next) = (Vec::new(), None);
    for _ in 0..MAX_PAGES {
        let page = page(session, calendar_id, wide, next.as_deref(), MAX_PAGE, SELECT_BUSY).await?;
        for item in page.value {
            all.extend(item.reading().blocks(zone, but)?.filter(|interval| interval.overlaps(window)));
        }
        next = page.next;
        if next.is_none() {
            return Ok(all);
        }
    }
    Err(too_much())
}

async fn page(
    session: &Session<'_>,
    calendar_id: &str,
    window: Interval,
    cursor: Option<&str>,
    limit: u32,
    select: &str,
) -> Result<Page, Failure> {
    let call = match cursor {
        Some(link) => session.call_url(Method::GET, own_link(session, link)?),
        None => {
            let path = format!("{}/calendarView", calendar_path(calendar_id)?);
            let question = question(window, limit, select);
            session
                .call(Method::GET, &path)
                .query(&question.each_ref().map(|(name, value)| (*name, value.as_str())))
        }
    };
    read(Source::Graph, "calendarView", preferring(call)).await
}

/// PROVIDERS.md M9: the offset of the range decides, not the `Prefer` header, so it is in UTC.
fn question(window: Interval, limit: u32, select: &str) -> [(&'static str, String); 5] {
    [
        ("startDateTime", window.start.to_string()),
        ("endDateTime", window.end.to_string()),
        ("$select", select.to_owned()),
        ("$orderby", "start/dateTime".to_owned()),
        ("$top", limit.clamp(1, MAX_PAGE).to_string()),
    ]
}

/// Holds a link to the next page to calendars below our base URL: it comes back from callers, and the token goes where it leads.
pub(super) fn own_link<'l>(session: &Session<'_>, link: &'l str) -> Result<&'l str, Failure> {
    let refused = || Failure::ours(Class::Invalid, "cursor");
    // Parsed first, so that dots, case and user names in it are what they will be when it is fetched.
    let url = url::Url::parse(link).map_err(|_| refused())?;
    let base = url::Url::parse(&format!("{}/me/calendar", session.base_url)).map_err(|_| refused())?;
    if url.as_str().starts_with(base.as_str()) { Ok(link) } else { Err(refused()) }
}

fn too_much() -> Failure {
    Failure::ours(Class::Transient, "too_many_pages")
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use secrecy::SecretString;
    use serde_json::{Value, json};

    use super::*;
    use crate::http::Http;

    #[test]
    fn m11_a_next_page_lies_below_our_own_base_url() {
        let (http, token) = (Http::new(None).unwrap(), SecretString::from("at_EXAMPLE"));
        let session = Session {
            http: &http,
            base_url: "https://graph.microsoft.com/v1.0",
            access_token: &token,
            limit: SignedDuration::from_secs(1),
        };
        for (link, own) in [
            ("https://graph.microsoft.com/v1.0/me/calendarView?$skip=10", true),
            ("https://graph.microsoft.com:443/v1.0/me/calendars/AA%3D/calendarView?$skiptoken=x", true),
            ("https://graph.microsoft.com/v1.0/me/messages", false),
            ("https://graph.microsoft.com/v1.0/me/calendar/../messages", false),
            ("https://graph.microsoft.com/v1.0/me/calendars/%2e%2e/messages", false),
            ("https://graph.microsoft.com.example.com/v1.0/me/calendarView", false),
            ("https://graph.microsoft.com@example.com/v1.0/me/calendarView", false),
            ("https://example.com/v1.0/me/calendarView", false),
            ("http://graph.microsoft.com/v1.0/me/calendarView", false),
            ("/me/calendarView", false),
        ] {
            assert_eq!(own_link(&session, link).is_ok(), own, "{link}");
        }
    }

    #[test]
    fn m9_a_range_is_asked_for_in_utc() {
        let window = Interval::new(
            "2026-01-05T09:00:00-08:00".parse().unwrap(),
            "2026-01-06T00:00:00Z".parse().unwrap(),
        );
        let [start, end, .., top] = question(window, 5000, SELECT_BUSY);
        assert_eq!(start, ("startDateTime", "2026-01-05T17:00:00Z".to_owned()));
        assert_eq!(end, ("endDateTime", "2026-01-06T00:00:00Z".to_owned()));
        assert_eq!(top, ("$top", "1000".to_owned()));
    }

    fn block(value: Value, zone: &str) -> Result<Option<Interval>, Class> {
        let zone = TimeZone::get(zone).unwrap();
        serde_json::from_value::<WireEvent>(value)
            .unwrap()
            .reading()
            .blocks(&zone, None)
            .map_err(|failure| failure.class)
    }

    #[test]
    fn m7_a_whole_day_blocks_the_owners_day() {
        let day = json!({"id": "a", "isAllDay": true, "showAs": "oof",
            "start": {"dateTime": "2026-03-08T00:00:00.0000000", "timeZone": "UTC"},
            "end": {"dateTime": "2026-03-09T00:00:00.0000000", "timeZone": "UTC"}});
        let blocked = block(day, "America/Los_Angeles").unwrap().unwrap();
        assert_eq!(blocked.start.to_string(), "2026-03-08T08:00:00Z");
        assert_eq!(blocked.duration(), SignedDuration::from_hours(23));
    }

    #[test]
    fn an_event_whose_time_cannot_be_read_is_not_free_time() {
        let time = json!({"dateTime": "2026-01-05T09:00:00", "timeZone": "tzone://Microsoft/Custom"});
        assert_eq!(block(json!({"id": "a", "start": time, "end": time}), "Etc/UTC"), Err(Class::Transient));
        assert_eq!(block(json!({"id": "a", "@removed": {"reason": "deleted"}}), "Etc/UTC"), Ok(None));
    }
}
