//! Events listed across connections.

use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};

use super::{busy_calendars, id::EventId, working, working_one};
use crate::{
    app::App,
    calendar::{Event, EventPage, EventStatus},
    error::{Error, Result},
    ids::{ConnectionId, OwnerId, Provider},
    providers, random,
    range::Interval,
    store::connections::{Connection, OwnerRows},
    tokens::{Patience, with_token},
};

/// Events on one page of one calendar.
const PAGE: u32 = 250;

/// An event with the connection it lies in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedEvent {
    /// Our id of it.
    pub id: String,
    /// The provider.
    pub provider: Provider,
    /// The connection.
    pub connection: ConnectionId,
    /// The event.
    pub event: Event,
}

/// Which events.
#[derive(Clone, Debug)]
pub struct EventsQuery {
    /// Those that overlap this.
    pub window: Interval,
    /// Of this connection only.
    pub connection: Option<ConnectionId>,
    /// The `next_cursor` of an earlier answer.
    pub cursor: Option<String>,
    /// Cancelled and declined ones as well.
    pub include_cancelled: bool,
}

/// A page of events, in order of their start.
#[derive(Clone, Debug)]
pub struct EventList {
    /// The events.
    pub events: Vec<OwnedEvent>,
    /// Leads to more of them.
    pub next_cursor: Option<String>,
}

/// Where one calendar's listing goes on.
#[derive(Serialize, Deserialize)]
struct Place {
    connection: ConnectionId,
    calendar: String,
    next: String,
}

/// Lists events of the selected calendars; all calendars are asked at the same time.
pub async fn list_events(
    app: &App,
    owner: &OwnerId,
    rows: &OwnerRows,
    query: &EventsQuery,
) -> Result<EventList> {
    let connections = match &query.connection {
        Some(id) => vec![working_one(app, owner, rows, Some(id))?],
        None => working(app, owner, rows)?,
    };
    let places = places(&connections, query.cursor.as_deref())?;
    let pages = places.iter().map(|(connection, calendar, cursor)| {
        page(app, connection, calendar, query.window, cursor.as_deref())
    });
    let pages = try_join_all(pages).await?;
    let (mut events, mut onward) = (Vec::new(), Vec::new());
    for ((connection, calendar, _), page) in places.iter().zip(pages) {
        let wanted = page.events.into_iter().filter(|event| {
            query.include_cancelled || !(event.declined || event.status == EventStatus::Cancelled)
        });
        events.extend(wanted.map(|event| owned(connection, calendar, event)));
        onward.extend(page.next.map(|next| Place {
            connection: connection.id.clone(),
            calendar: calendar.clone(),
            next,
        }));
    }
    events.sort_by(|a, b| start_of(&a.event).cmp(&start_of(&b.event)));
    Ok(EventList { events, next_cursor: cursor(&onward)? })
}

/// Every selected calendar from its beginning, or where an earlier answer left off.
fn places<'a>(
    connections: &[&'a Connection],
    cursor: Option<&str>,
) -> Result<Vec<(&'a Connection, String, Option<String>)>> {
    let Some(cursor) = cursor else {
        return Ok(connections
            .iter()
            .flat_map(|connection| {
                busy_calendars(connection).into_iter().map(|calendar| (*connection, calendar, None))
            })
            .collect());
    };
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| odd_cursor())?;
    let places: Vec<Place> = serde_json::from_slice(&bytes).map_err(|_| odd_cursor())?;
    let mut found: Vec<(&Connection, String, Option<String>)> = Vec::new();
    for place in places {
        let connection = connections.iter().find(|row| row.id == place.connection).ok_or_else(odd_cursor)?;
        let again =
            found.iter().any(|(row, calendar, _)| row.id == place.connection && *calendar == place.calendar);
        // A cursor is not signed: it may say no more than a first request could.
        if again || !busy_calendars(connection).contains(&place.calendar) {
            return Err(odd_cursor());
        }
        found.push((*connection, place.calendar, Some(place.next)));
    }
    Ok(found)
}

fn odd_cursor() -> Error {
    Error::invalid("cursor", "must be the next_cursor of an earlier answer")
}

fn cursor(onward: &[Place]) -> Result<Option<String>> {
    if onward.is_empty() {
        return Ok(None);
    }
    let json = serde_json::to_vec(onward).map_err(|error| Error::internal(error.to_string()))?;
    Ok(Some(random::base64url(&json)))
}

async fn page(
    app: &App,
    connection: &Connection,
    calendar: &str,
    window: Interval,
    cursor: Option<&str>,
) -> Result<EventPage> {
    let (provider, base_url) = (connection.provider, &app.endpoints(connection.provider)?.api_url);
    let listed = with_token(app, connection, Patience::Request, |token| async move {
        providers::events(provider, app.session(base_url, &token), calendar, window, cursor, PAGE).await
    })
    .await;
    match listed {
        // The rest of the request is ours: what the provider calls wrong is what the caller made of the cursor.
        Err(Error::Upstream { code: "invalid", .. }) if cursor.is_some() => Err(odd_cursor()),
        other => other,
    }
}

fn start_of(event: &Event) -> (String, &str) {
    use crate::calendar::When;
    let start = match &event.when {
        When::Timed(interval) => interval.start.to_string(),
        When::AllDay { start, .. } => start.to_string(),
    };
    (start, &event.id)
}

pub(super) fn owned(connection: &Connection, calendar: &str, event: Event) -> OwnedEvent {
    let id =
        EventId { connection: connection.id.clone(), calendar: calendar.to_owned(), event: event.id.clone() };
    OwnedEvent { id: id.encode(), provider: connection.provider, connection: connection.id.clone(), event }
}
