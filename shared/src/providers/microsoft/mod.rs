//! Microsoft Graph v1.0: calendars, events, busy time. Wire types are in `wire.rs`, writes in `write.rs`.
//!
//! `getSchedule` is not used: it does not work for personal accounts (PROVIDERS.md M9).

mod body;
mod settings;
mod time;
mod view;
mod wire;
mod write;

use http::Method;
use serde::Deserialize;

pub use self::{
    view::{busy, events},
    wire::WireEvent,
    write::{create, delete, find_created, update},
};
use super::{
    OfficeHours, Reading, Session,
    classify::Source,
    exchange::{is_primary, read, segment, unreadable},
    failure::{Class, Failure},
};
use crate::{
    calendar::{CalendarListing, Event},
    http::Call,
};

/// Times in UTC and bodies as text, in every answer that holds an event.
const PREFER: &str = r#"outlook.timezone="UTC", outlook.body-content-type="text""#;

/// What of an event is asked for.
const SELECT: &str = "id,transactionId,subject,body,bodyPreview,start,end,originalStartTimeZone,isAllDay,\
    isCancelled,showAs,responseStatus,location,attendees,organizer,isOnlineMeeting,webLink,type,seriesMasterId,\
    recurrence,createdDateTime";

/// Pages of calendars that are followed; an account with more has none that anyone could choose from.
const MAX_LISTS: usize = 10;

/// Every calendar of the account.
pub async fn calendars(session: Session<'_>) -> Result<Vec<CalendarListing>, Failure> {
    #[derive(Deserialize)]
    struct List {
        #[serde(default)]
        value: Vec<Entry>,
        #[serde(rename = "@odata.nextLink")]
        next: Option<String>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Entry {
        id: String,
        name: Option<String>,
        is_default_calendar: Option<bool>,
        can_edit: Option<bool>,
    }
    let mut all = Vec::new();
    let mut call = session
        .call(Method::GET, "/me/calendars")
        .query(&[("$select", "id,name,isDefaultCalendar,canEdit"), ("$top", "100")]);
    for _ in 0..MAX_LISTS {
        let list: List = read(Source::Graph, "calendars.list", call).await?;
        all.extend(list.value.into_iter().map(|entry| CalendarListing {
            id: entry.id,
            name: entry.name.unwrap_or_default(),
            primary: entry.is_default_calendar.unwrap_or_default(),
            writable: entry.can_edit.unwrap_or_default(),
            // Graph's calendars have no zone of their own; the mailbox has one.
            time_zone: None,
        }));
        let Some(next) = list.next else { break };
        call = session.call_url(Method::GET, view::own_link(&session, &next)?);
    }
    Ok(all)
}

/// One event.
pub async fn event(session: Session<'_>, calendar_id: &str, id: &str) -> Result<Event, Failure> {
    let call = session.call(Method::GET, &event_path(calendar_id, id)?).query(&[("$select", SELECT)]);
    standing(read(Source::Graph, "event.get", preferring(call)).await.map_err(not_an_id)?)
}

/// The mailbox's working hours and zone.
pub async fn office_hours(session: Session<'_>) -> Result<OfficeHours, Failure> {
    let call =
        session.call(Method::GET, "/me/mailboxSettings").query(&[("$select", "timeZone,workingHours")]);
    let settings: settings::MailboxSettings = read(Source::Graph, "mailboxSettings.get", call).await?;
    Ok(settings.into_hours())
}

fn preferring(call: Call) -> Call {
    call.header("prefer", PREFER)
}

/// The path of a calendar, or of the account itself, whose collections are the default calendar's.
fn calendar_path(calendar_id: &str) -> Result<String, Failure> {
    if is_primary(calendar_id) {
        return Ok("/me".to_owned());
    }
    Ok(format!("/me/calendars/{}", segment(calendar_id)?))
}

fn event_path(calendar_id: &str, id: &str) -> Result<String, Failure> {
    Ok(format!("{}/events/{}", calendar_path(calendar_id)?, segment(id)?))
}

/// PROVIDERS.md M12: Graph calls an id that it never gave out a malformed request; to the one who asks it is not there.
fn not_an_id(failure: Failure) -> Failure {
    match failure.reason.as_deref() {
        Some("ErrorInvalidIdMalformed") => Failure { class: Class::NotFound, ..failure },
        _ => failure,
    }
}

fn standing(wire: WireEvent) -> Result<Event, Failure> {
    match wire.reading() {
        Reading::Event(event) => Ok(*event),
        Reading::Skipped(_) => Err(unreadable()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m12_an_id_that_was_never_given_out_is_not_found() {
        let refused = |code: &str| {
            let body = format!(r#"{{"error":{{"code":"{code}","message":"Id is malformed."}}}}"#);
            let headers = http::HeaderMap::new();
            let told = crate::providers::classify::classify(
                Source::Graph,
                Some(400),
                &headers,
                body.as_bytes(),
                None,
            );
            not_an_id(told).class
        };
        assert_eq!(refused("ErrorInvalidIdMalformed"), Class::NotFound);
        assert_eq!(refused("ErrorInvalidRequest"), Class::Invalid);
    }

    #[test]
    fn the_default_calendars_collections_are_the_accounts() {
        assert_eq!(event_path("primary", "a=").unwrap(), "/me/events/a%3D");
        assert_eq!(event_path("c/1", "a").unwrap(), "/me/calendars/c%2F1/events/a");
        assert!(event_path("..", "a").is_err() && event_path("primary", "..").is_err());
    }
}
