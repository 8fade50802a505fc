//! The calendar providers: a table of facts, one OAuth implementation, and a folder for each provider's wire.
//!
//! Each function here takes the provider and a [`Session`], and goes to that provider's own function.

pub mod classify;
mod exchange;
pub mod failure;
pub mod google;
pub mod identity;
pub mod microsoft;
pub mod oauth;
pub mod spec;
mod tokens;

use jiff::{SignedDuration, tz::TimeZone};
use secrecy::SecretString;

use self::{exchange::unreadable, failure::Failure};
use crate::{
    calendar::{CalendarListing, Event, EventDraft, EventPage, EventPatch},
    http::Http,
    ids::Provider,
    range::Interval,
    schedule::WeeklyHours,
};

/// The calendar id that means the account's own default calendar, at every provider.
pub const PRIMARY: &str = "primary";

/// What one call to a provider's calendar API needs.
#[derive(Clone, Copy)]
pub struct Session<'a> {
    /// The client.
    pub http: &'a Http,
    /// Base URL of the API, without a slash at the end: `https://graph.microsoft.com/v1.0`.
    pub base_url: &'a str,
    /// A live access token.
    pub access_token: &'a SecretString,
    /// The longest one call may take.
    pub limit: SignedDuration,
}

/// What a provider's JSON of one event says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// An event.
    Event(Box<Event>),
    /// Nothing that takes place; why.
    Skipped(Skip),
}

impl Reading {
    /// What the event blocks, if it is another one than `but`; whole days are days of `zone`. One whose time cannot be
    /// read might block anything, so it is a failure.
    fn blocks(self, zone: &TimeZone, but: Option<&str>) -> Result<Option<Interval>, Failure> {
        match self {
            Self::Event(event) if !event.busy || but == Some(event.id.as_str()) => Ok(None),
            Self::Event(event) => event.when.interval(zone).map(Some).ok_or_else(unreadable),
            Self::Skipped(Skip::Tombstone) => Ok(None),
            Self::Skipped(Skip::NoTime | Skip::UnknownTime) => Err(unreadable()),
        }
    }
}

/// Why there is no event in an event's JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skip {
    /// Only the note that an event was deleted.
    Tombstone,
    /// No start or no end.
    NoTime,
    /// A time that cannot be read, or in a zone that nobody knows.
    UnknownTime,
}

impl Skip {
    /// The reason as the judge tells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tombstone => "tombstone",
            Self::NoTime => "no_time",
            Self::UnknownTime => "unknown_time",
        }
    }
}

/// Every calendar of the account.
pub async fn calendars(provider: Provider, session: Session<'_>) -> Result<Vec<CalendarListing>, Failure> {
    match provider {
        Provider::Microsoft => microsoft::calendars(session).await,
        Provider::Google => google::calendars(session).await,
    }
}

/// One page of the events that overlap `window`, series expanded. `cursor` is an earlier page's `next`.
pub async fn events(
    provider: Provider,
    session: Session<'_>,
    calendar_id: &str,
    window: Interval,
    cursor: Option<&str>,
    limit: u32,
) -> Result<EventPage, Failure> {
    match provider {
        Provider::Microsoft => microsoft::events(session, calendar_id, window, cursor, limit).await,
        Provider::Google => google::events(session, calendar_id, window, cursor, limit).await,
    }
}

/// One event. A deleted one is `NotFound` or `Gone`.
pub async fn event(
    provider: Provider,
    session: Session<'_>,
    calendar_id: &str,
    id: &str,
) -> Result<Event, Failure> {
    match provider {
        Provider::Microsoft => microsoft::event(session, calendar_id, id).await,
        Provider::Google => google::event(session, calendar_id, id).await,
    }
}

/// Writes an event. Repeating it with the same `draft.key` gives the event that exists, not a second one.
///
/// `Gone` means that the event of this key was deleted since, `Duplicate` that it is at another time by now.
pub async fn create(
    provider: Provider,
    session: Session<'_>,
    calendar_id: &str,
    draft: &EventDraft,
) -> Result<Event, Failure> {
    match provider {
        Provider::Microsoft => microsoft::create(session, calendar_id, draft).await,
        Provider::Google => google::create(session, calendar_id, draft).await,
    }
}

/// Looks for what an earlier [`create`] of this draft wrote, for when its answer was lost.
pub async fn find_created(
    provider: Provider,
    session: Session<'_>,
    calendar_id: &str,
    draft: &EventDraft,
) -> Result<Option<Event>, Failure> {
    match provider {
        Provider::Microsoft => microsoft::find_created(session, calendar_id, draft).await,
        Provider::Google => google::find_created(session, calendar_id, draft).await,
    }
}

/// Changes an event; with `if_match` only the version of that etag (else `Conflict`).
pub async fn update(
    provider: Provider,
    session: Session<'_>,
    calendar_id: &str,
    id: &str,
    patch: &EventPatch,
    if_match: Option<&str>,
) -> Result<Event, Failure> {
    match provider {
        Provider::Microsoft => microsoft::update(session, calendar_id, id, patch, if_match).await,
        Provider::Google => google::update(session, calendar_id, id, patch, if_match).await,
    }
}

/// Deletes an event; one that is gone already is deleted.
pub async fn delete(
    provider: Provider,
    session: Session<'_>,
    calendar_id: &str,
    id: &str,
    if_match: Option<&str>,
) -> Result<(), Failure> {
    match provider {
        Provider::Microsoft => microsoft::delete(session, calendar_id, id, if_match).await,
        Provider::Google => google::delete(session, calendar_id, id, if_match).await,
    }
}

/// What blocks time in these calendars within `window`, unmerged. `zone` is the owner's: whole-day events are
/// days there. The event `but`, by its id, counts for nothing. A calendar that cannot be read is a failure, never free
/// time.
pub async fn busy(
    provider: Provider,
    session: Session<'_>,
    calendars: &[String],
    window: Interval,
    zone: &TimeZone,
    but: Option<&str>,
) -> Result<Vec<Interval>, Failure> {
    match (provider, but) {
        (Provider::Microsoft, but) => microsoft::busy(session, calendars, window, zone, but).await,
        (Provider::Google, None) => google::busy(session, calendars, window).await,
        (Provider::Google, Some(but)) => google::busy_but(session, calendars, window, zone, but).await,
    }
}

/// When and where the owner of an account works, as far as the account says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OfficeHours {
    /// IANA zone of the hours, and of the account; none when it has one that only it knows.
    pub time_zone: Option<String>,
    /// The hours of a week; none where the account says none. They are not checked.
    pub hours: Option<Vec<WeeklyHours>>,
}

/// The account's own working hours and time zone. Google has no hours to tell.
pub async fn office_hours(provider: Provider, session: Session<'_>) -> Result<OfficeHours, Failure> {
    match provider {
        Provider::Microsoft => microsoft::office_hours(session).await,
        Provider::Google => Ok(OfficeHours { time_zone: google::time_zone(session).await?, hours: None }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn can_be_served<T: Send>(_: &T) {}

    #[test]
    fn every_call_can_run_inside_a_handler() {
        let (http, token) = (Http::new(None).unwrap(), SecretString::from("at_EXAMPLE"));
        let limit = SignedDuration::from_secs(1);
        let session = Session { http: &http, base_url: "http://localhost", access_token: &token, limit };
        let window = Interval::new(jiff::Timestamp::UNIX_EPOCH, jiff::Timestamp::UNIX_EPOCH);
        let provider = Provider::Microsoft;
        can_be_served(&busy(provider, session, &[], window, &TimeZone::UTC, None));
        can_be_served(&events(provider, session, PRIMARY, window, None, 10));
        let endpoints = spec::Endpoints::real(provider);
        let client = oauth::Client { id: "client-EXAMPLE".to_owned(), secret: token.clone() };
        can_be_served(&oauth::refresh(&http, provider, &endpoints, &client, &token, limit));
    }
}
