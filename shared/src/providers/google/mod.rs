//! Google Calendar API v3: calendars, events, free/busy. Wire types are in `wire.rs`, writes in `write.rs`.

mod busy;
mod wire;
mod write;

use http::Method;
use jiff::tz::TimeZone;
use serde::Deserialize;

pub use self::{
    busy::{busy, busy_but},
    wire::WireEvent,
    write::{create, delete, event_id, find_created, is_event_id, update},
};
use super::{
    PRIMARY, Reading, Session,
    classify::Source,
    exchange::{is_primary, read, segment, unreadable},
    failure::{Class, Failure},
};
use crate::{
    calendar::{CalendarListing, Event, EventPage},
    range::Interval,
    zones,
};

/// Google's own limit on a page of events.
const MAX_PAGE: u32 = 2500;
/// Pages of calendars that are followed; an account with more has none that anyone could choose from.
const MAX_LISTS: usize = 10;

/// What of an event is asked for; an answer without the rest is a fraction of the size.
const FIELDS: &str = "id,etag,status,summary,description,location,htmlLink,hangoutLink,conferenceData/conferenceId,\
    created,start,end,transparency,eventType,recurringEventId,recurrence,organizer/email,\
    attendees(email,displayName,responseStatus,self)";

/// Every calendar of the account's list.
pub async fn calendars(session: Session<'_>) -> Result<Vec<CalendarListing>, Failure> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct List {
        #[serde(default)]
        items: Vec<Entry>,
        next_page_token: Option<String>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Entry {
        id: String,
        summary: Option<String>,
        summary_override: Option<String>,
        primary: Option<bool>,
        access_role: Option<String>,
        time_zone: Option<String>,
    }
    let (mut all, mut page) = (Vec::new(), None);
    for _ in 0..MAX_LISTS {
        let call = session.call(Method::GET, "/users/me/calendarList").query(&[
            ("maxResults", "250"),
            ("fields", "nextPageToken,items(id,summary,summaryOverride,primary,accessRole,timeZone)"),
        ]);
        let call = match &page {
            Some(token) => call.query(&[("pageToken", String::as_str(token))]),
            None => call,
        };
        let list: List = read(Source::Google, "calendars.list", call).await?;
        all.extend(list.items.into_iter().map(|entry| CalendarListing {
            name: entry.summary_override.or(entry.summary).unwrap_or_default(),
            primary: entry.primary.unwrap_or_default(),
            writable: matches!(entry.access_role.as_deref(), Some("owner" | "writer")),
            time_zone: entry.time_zone,
            id: entry.id,
        }));
        page = list.next_page_token;
        if page.is_none() {
            break;
        }
    }
    Ok(all)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    #[serde(default)]
    items: Vec<WireEvent>,
    next_page_token: Option<String>,
    time_zone: Option<String>,
}

impl Page {
    /// The calendar's own zone: freeBusy takes whole days for days there, whatever zone their owner works in.
    fn zone(&self) -> Option<TimeZone> {
        TimeZone::get(&zones::to_iana(self.time_zone.as_deref()?)?).ok()
    }
}

/// One page of events in order of their start, series expanded.
pub async fn events(
    session: Session<'_>,
    calendar_id: &str,
    window: Interval,
    cursor: Option<&str>,
    limit: u32,
) -> Result<EventPage, Failure> {
    let page = page(&session, calendar_id, window, cursor, limit).await?;
    let zone = page.zone();
    let events = page.items.into_iter().filter_map(|item| match item.reading() {
        Reading::Event(event) => Some(*event),
        Reading::Skipped(_) => None,
    });
    Ok(EventPage { events: events.collect(), next: page.next_page_token, zone })
}

async fn page(
    session: &Session<'_>,
    calendar_id: &str,
    window: Interval,
    cursor: Option<&str>,
    limit: u32,
) -> Result<Page, Failure> {
    let question = question(window, limit);
    let call = session
        .call(Method::GET, &format!("{}/events", calendar(calendar_id)?))
        .query(&question.each_ref().map(|(name, value)| (*name, value.as_str())));
    let call = match cursor {
        Some(token) => call.query(&[("pageToken", token)]),
        None => call,
    };
    read(Source::Google, "events.list", call).await
}

/// PROVIDERS.md G7: without `singleEvents` a series is one event with a rule that we would have to expand.
fn question(window: Interval, limit: u32) -> [(&'static str, String); 6] {
    [
        ("singleEvents", "true".to_owned()),
        ("orderBy", "startTime".to_owned()),
        ("timeMin", window.start.to_string()),
        ("timeMax", window.end.to_string()),
        ("maxResults", limit.clamp(1, MAX_PAGE).to_string()),
        ("fields", format!("nextPageToken,timeZone,items({FIELDS})")),
    ]
}

/// One event. One that was deleted is still told by its id, as cancelled: that is `Gone` here.
pub async fn event(session: Session<'_>, calendar_id: &str, id: &str) -> Result<Event, Failure> {
    let path = format!("{}/events/{}", calendar(calendar_id)?, segment(id)?);
    let call = session.call(Method::GET, &path).query(&[("fields", FIELDS)]);
    standing(read::<WireEvent>(Source::Google, "events.get", call).await?)
}

/// The account's own zone, in which its default calendar is shown.
pub async fn time_zone(session: Session<'_>) -> Result<Option<String>, Failure> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Calendar {
        time_zone: Option<String>,
    }
    let call = session.call(Method::GET, &calendar(PRIMARY)?).query(&[("fields", "timeZone")]);
    let calendar: Calendar = read(Source::Google, "calendars.get", call).await?;
    Ok(calendar.time_zone)
}

/// The path of a calendar.
fn calendar(id: &str) -> Result<String, Failure> {
    Ok(format!("/calendars/{}", segment(if is_primary(id) { PRIMARY } else { id })?))
}

/// An event that was read alone: a cancelled one was deleted.
fn standing(wire: WireEvent) -> Result<Event, Failure> {
    match wire.reading() {
        Reading::Event(event) if event.status == crate::calendar::EventStatus::Cancelled => Err(deleted()),
        Reading::Event(event) => Ok(*event),
        Reading::Skipped(super::Skip::Tombstone) => Err(deleted()),
        Reading::Skipped(_) => Err(unreadable()),
    }
}

fn deleted() -> Failure {
    Failure::ours(Class::Gone, "deleted")
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn g7_a_page_is_asked_for_with_series_expanded() {
        let window = Interval::new(Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH);
        let [single, order, from, _, size, _] = question(window, 9000);
        assert_eq!(single, ("singleEvents", "true".to_owned()));
        assert_eq!(order, ("orderBy", "startTime".to_owned()));
        assert_eq!(from, ("timeMin", "1970-01-01T00:00:00Z".to_owned()));
        assert_eq!(size, ("maxResults", "2500".to_owned()));
    }
}
