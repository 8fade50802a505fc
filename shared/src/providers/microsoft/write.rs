//! Writing events to Graph: `transactionId` makes a create repeatable.

use http::Method;
use jiff::tz::TimeZone;

use super::{WireEvent, body, calendar_path, event_path, not_an_id, preferring, standing, view};
use crate::{
    calendar::{Event, EventDraft, EventPatch},
    providers::{
        Session,
        classify::Source,
        exchange::{answered, read},
        failure::{Class, Failure},
    },
};

/// Writes an event; see [`crate::providers::create`].
pub async fn create(session: Session<'_>, calendar_id: &str, draft: &EventDraft) -> Result<Event, Failure> {
    let path = format!("{}/events", calendar_path(calendar_id)?);
    let call = session.call(Method::POST, &path).json(&body::of_draft(draft)?);
    match read::<WireEvent>(Source::Graph, "event.create", preferring(call)).await {
        Ok(written) => standing(written),
        Err(refused) if refused.class == Class::Duplicate => {
            find_created(session, calendar_id, draft).await?.ok_or(refused)
        }
        Err(failure) => Err(failure),
    }
}

/// What an earlier create of this draft wrote, if it still stands at the time of the draft.
pub async fn find_created(
    session: Session<'_>,
    calendar_id: &str,
    draft: &EventDraft,
) -> Result<Option<Event>, Failure> {
    let window = draft.when.interval(&TimeZone::UTC).ok_or_else(|| Failure::ours(Class::Invalid, "date"))?;
    view::with_key(&session, calendar_id, window, &draft.key).await
}

/// Changes an event; see [`crate::providers::update`].
pub async fn update(
    session: Session<'_>,
    calendar_id: &str,
    id: &str,
    patch: &EventPatch,
    if_match: Option<&str>,
) -> Result<Event, Failure> {
    let call = session.call(Method::PATCH, &event_path(calendar_id, id)?).json(&body::of_patch(patch)?);
    let call = match if_match {
        Some(etag) => call.header("if-match", etag),
        None => call,
    };
    standing(read(Source::Graph, "event.update", preferring(call)).await.map_err(not_an_id)?)
}

/// Deletes an event; 404 means that it is gone already. An organizer's attendees are told by Exchange.
pub async fn delete(
    session: Session<'_>,
    calendar_id: &str,
    id: &str,
    if_match: Option<&str>,
) -> Result<(), Failure> {
    let call = session.call(Method::DELETE, &event_path(calendar_id, id)?);
    let call = match if_match {
        Some(etag) => call.header("if-match", etag),
        None => call,
    };
    match answered(Source::Graph, "event.delete", call).await.map_err(not_an_id) {
        Err(failure) if !matches!(failure.class, Class::NotFound | Class::Gone) => Err(failure),
        _ => Ok(()),
    }
}
