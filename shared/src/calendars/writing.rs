//! One event: read, written, changed, deleted.

use super::{
    EventTime, OwnedEvent, busy_calendars, events::owned, id::EventId, schedule_of, time::when, working_one,
    write_calendar,
};
use crate::{
    app::App,
    calendar::{Attendee, EventDraft, EventPatch, EventStatus},
    error::{Error, Result},
    ids::{ConnectionId, OwnerId},
    providers, random,
    schedule::zone_named,
    store::{
        Transaction,
        connections::{Connection, OwnerRows},
        dedupe::{Operation, REPLAYED_FOR},
        keys,
        row::Key,
    },
    tokens::{Patience, with_token},
};

/// An event to be written, as a caller describes it.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// Title.
    pub subject: String,
    /// Start.
    pub start: EventTime,
    /// End; must be later.
    pub end: EventTime,
    /// IANA or Windows zone of times without an offset; the owner's when it is not said.
    pub time_zone: Option<String>,
    /// Whole days.
    pub all_day: bool,
    /// Who is invited.
    pub attendees: Vec<Attendee>,
    /// Free text.
    pub body: Option<String>,
    /// Where.
    pub location: Option<String>,
    /// With a video meeting.
    pub is_online_meeting: bool,
    /// Into this connection; the default one when it is not said.
    pub connection: Option<ConnectionId>,
}

/// Writes an event; `true` when an earlier request with the same `Idempotency-Key` had written it.
///
/// The provider's own idempotency key is derived from ours, so that a repeat finds the event instead of a second one,
/// whatever became of the first answer.
pub async fn create_event(
    app: &App,
    owner: &OwnerId,
    event: &NewEvent,
    idempotency_key: Option<&str>,
) -> Result<(OwnedEvent, bool)> {
    let rows = app.store.owner_rows(owner).await?;
    let connection = working_one(app, owner, &rows, event.connection.as_ref())?;
    let time_zone = zone_for(app, owner, &rows, event.time_zone.as_deref()).await?;
    let draft = EventDraft {
        key: idempotency_key.map_or_else(random::id, |key| derived_key(owner, key)),
        subject: event.subject.clone(),
        when: when(event.start, event.end, event.all_day, &zone_named(&time_zone)?)?,
        time_zone,
        attendees: event.attendees.clone(),
        body: event.body.clone(),
        location: event.location.clone(),
        is_online_meeting: event.is_online_meeting,
    };
    let replayed = match idempotency_key {
        Some(key) => seen_before(app, connection, key, &draft).await?,
        None => false,
    };
    let (provider, base_url) = (connection.provider, &app.endpoints(connection.provider)?.api_url);
    let calendar = write_calendar(connection);
    let draft = &draft;
    let written = with_token(app, connection, Patience::Request, |token| async move {
        providers::create(provider, app.session(base_url, &token), calendar, draft).await
    })
    .await;
    if let (Err(_), Some(key), false) = (&written, idempotency_key, replayed) {
        forget(app, owner, key).await;
    }
    let written = written?;
    tracing::info!(%owner, connection = %connection.id, provider = %provider, replayed, "event written");
    Ok((owned(connection, calendar, written), replayed))
}

/// What came to nothing is no request that a repeat could replay.
async fn forget(app: &App, owner: &OwnerId, key: &str) {
    let forgotten = async {
        let action = app.store.forget_operation(&operation_row(owner, key))?;
        app.store.transact(vec![action]).await
    };
    if let Err(error) = forgotten.await {
        tracing::warn!(%error, "an idempotency key stays taken for a day");
    }
}

fn operation_row(owner: &OwnerId, key: &str) -> Key {
    keys::idempotency(&format!("event#{owner}"), key)
}

fn derived_key(owner: &OwnerId, idempotency_key: &str) -> String {
    random::base32hex(&random::sha256(format!("event\n{owner}\n{idempotency_key}").as_bytes())[..16])
}

/// Whether this key was used for the same event in the same connection; used for another one it is a mistake.
async fn seen_before(app: &App, connection: &Connection, key: &str, draft: &EventDraft) -> Result<bool> {
    let now = app.clock.now();
    let row = operation_row(&connection.owner, key);
    let request = format!("{} {draft:?}", connection.id);
    let operation = Operation {
        request_hash: random::hex(&random::sha256(request.as_bytes())),
        subject: draft.key.clone(),
        answer: None,
        started_at: now,
        ttl: now.saturating_add(REPLAYED_FOR).map_err(|error| Error::internal(error.to_string()))?,
    };
    match app.store.transact(vec![app.store.start_operation(row.clone(), operation.clone(), now)?]).await? {
        Transaction::Done => Ok(false),
        Transaction::Refused(_) | Transaction::Contended => match app.store.operation(row, now).await? {
            Some(earlier) if earlier.request_hash != operation.request_hash => {
                Err(Error::invalid("Idempotency-Key", "was used for another request"))
            }
            _ => Ok(true),
        },
    }
}

/// The zone in which an event is written: the one that was said, else the owner's.
async fn zone_for(app: &App, owner: &OwnerId, rows: &OwnerRows, said: Option<&str>) -> Result<String> {
    match said {
        Some(said) => {
            let zone = crate::zones::to_iana(said);
            zone.map(Into::into).ok_or_else(|| {
                Error::invalid("time_zone", "must be an IANA or Windows zone such as Europe/London")
            })
        }
        None => Ok(schedule_of(app, owner, rows, Patience::Request).await?.time_zone),
    }
}

/// Finds the connection that an event id names, among the owner's own; calendars that do not count are nobody's business.
async fn located(app: &App, owner: &OwnerId, id: &str) -> Result<(OwnerRows, EventId)> {
    let id = EventId::decode(id)?;
    let rows = app.store.owner_rows(owner).await?;
    let counts = |row: &Connection| {
        row.id == id.connection
            && (write_calendar(row) == id.calendar || busy_calendars(row).contains(&id.calendar))
    };
    if rows.connections.iter().any(counts) { Ok((rows, id)) } else { Err(Error::NotFound("event")) }
}

/// Reads one event.
pub async fn get_event(app: &App, owner: &OwnerId, id: &str) -> Result<OwnedEvent> {
    let (rows, id) = located(app, owner, id).await?;
    let connection = working_one(app, owner, &rows, Some(&id.connection))?;
    let (provider, base_url) = (connection.provider, &app.endpoints(connection.provider)?.api_url);
    let place = &id;
    let event = with_token(app, connection, Patience::Request, |token| async move {
        providers::event(provider, app.session(base_url, &token), &place.calendar, &place.event).await
    })
    .await?;
    if event.status == EventStatus::Cancelled {
        return Err(Error::NotFound("event"));
    }
    Ok(owned(connection, &id.calendar, event))
}

/// What changes about an event; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct EventChange {
    /// Title.
    pub subject: Option<String>,
    /// Start; comes with `end`.
    pub start: Option<EventTime>,
    /// End; comes with `start`.
    pub end: Option<EventTime>,
    /// Zone of times without an offset.
    pub time_zone: Option<String>,
    /// Whether start and end are whole days.
    pub all_day: bool,
    /// The whole list.
    pub attendees: Option<Vec<Attendee>>,
    /// Free text.
    pub body: Option<String>,
    /// Where.
    pub location: Option<String>,
}

/// Changes an event; with `if_match` only the version of that etag.
pub async fn update_event(
    app: &App,
    owner: &OwnerId,
    id: &str,
    change: &EventChange,
    if_match: Option<&str>,
) -> Result<OwnedEvent> {
    let (rows, id) = located(app, owner, id).await?;
    let connection = working_one(app, owner, &rows, Some(&id.connection))?;
    let new_times = match (change.start, change.end) {
        (None, None) => None,
        (Some(start), Some(end)) => {
            let time_zone = zone_for(app, owner, &rows, change.time_zone.as_deref()).await?;
            Some((when(start, end, change.all_day, &zone_named(&time_zone)?)?, time_zone))
        }
        (Some(_), None) => return Err(Error::invalid("end_time", "must come with start_time")),
        (None, Some(_)) => return Err(Error::invalid("start_time", "must come with end_time")),
    };
    let patch = &EventPatch {
        subject: change.subject.clone(),
        when: new_times,
        attendees: change.attendees.clone(),
        body: change.body.clone(),
        location: change.location.clone(),
    };
    let (provider, base_url, place) =
        (connection.provider, &app.endpoints(connection.provider)?.api_url, &id);
    let event = with_token(app, connection, Patience::Request, |token| async move {
        let session = app.session(base_url, &token);
        providers::update(provider, session, &place.calendar, &place.event, patch, if_match).await
    })
    .await?;
    // Google lets one change what was deleted, which stays deleted.
    if event.status == EventStatus::Cancelled {
        return Err(Error::NotFound("event"));
    }
    Ok(owned(connection, &id.calendar, event))
}

/// Deletes an event; one that is gone is deleted.
pub async fn delete_event(app: &App, owner: &OwnerId, id: &str, if_match: Option<&str>) -> Result<()> {
    let (rows, id) = located(app, owner, id).await?;
    let connection = working_one(app, owner, &rows, Some(&id.connection))?;
    let (provider, base_url, place) =
        (connection.provider, &app.endpoints(connection.provider)?.api_url, &id);
    with_token(app, connection, Patience::Request, |token| async move {
        let session = app.session(base_url, &token);
        providers::delete(provider, session, &place.calendar, &place.event, if_match).await
    })
    .await
}
