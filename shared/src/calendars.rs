//! The connected calendars of an owner: their events, which of them count, and when he can be booked.

pub mod events;
pub mod id;
mod schedule;
pub mod selection;
pub mod time;
mod verify;
pub mod writing;

pub use events::{EventList, EventsQuery, OwnedEvent, list_events};
pub use schedule::{InForce, checked, known_schedule_of, schedule_in_force, schedule_of, set_schedule};
pub use selection::{ConnectionCalendars, list_calendars, select_calendars, set_default};
pub use time::EventTime;
pub use verify::verify;
pub use writing::{EventChange, NewEvent, create_event, delete_event, get_event, update_event};

use std::collections::HashSet;

use crate::{
    app::App,
    error::{Error, Result},
    ids::{ConnectionId, OwnerId},
    providers::PRIMARY,
    store::connections::{Connection, OwnerRows, Status},
    tokens::needs_connection,
};

/// The calendars of a connection that block time, each once: rows of earlier versions may name one twice, and a
/// provider answers for it once.
pub fn busy_calendars(connection: &Connection) -> Vec<String> {
    if connection.busy_calendars.is_empty() {
        vec![PRIMARY.to_owned()]
    } else {
        once(connection.busy_calendars.clone(), String::as_str)
    }
}

/// The first of all that are the same thing, in their order.
fn once<T>(mut all: Vec<T>, thing: impl Fn(&T) -> &str) -> Vec<T> {
    let mut seen = HashSet::new();
    all.retain(|one| seen.insert(thing(one).to_owned()));
    all
}

/// The calendar of a connection that is written to.
pub fn write_calendar(connection: &Connection) -> &str {
    connection.write_calendar.as_deref().unwrap_or(PRIMARY)
}

/// The connections that work; an error with a link when there is none.
pub fn working<'a>(app: &App, owner: &OwnerId, rows: &'a OwnerRows) -> Result<Vec<&'a Connection>> {
    let active: Vec<_> = rows.connections.iter().filter(|row| row.status == Status::Active).collect();
    match (active.is_empty(), rows.default_connection()) {
        (false, _) => Ok(active),
        (true, Some(dead)) => Err(dead_connection(app, dead)),
        (true, None) => Err(no_connection(app, owner)),
    }
}

/// The connections whose events block time. One that stopped working still holds appointments that nobody can see, so
/// that it is an error until it is connected again or disconnected; one that never had all permissions counts for
/// nothing.
pub fn blocking<'a>(app: &App, owner: &OwnerId, rows: &'a OwnerRows) -> Result<Vec<&'a Connection>> {
    match rows.connections.iter().find(|row| row.status == Status::ReauthRequired) {
        Some(dead) => Err(dead_connection(app, dead)),
        None => working(app, owner, rows),
    }
}

/// One connection of an owner that works.
pub fn working_one<'a>(
    app: &App,
    owner: &OwnerId,
    rows: &'a OwnerRows,
    id: Option<&ConnectionId>,
) -> Result<&'a Connection> {
    let found = match id {
        Some(id) => rows.connections.iter().find(|row| row.id == *id).ok_or(Error::NotFound("connection"))?,
        None => rows.default_connection().ok_or_else(|| no_connection(app, owner))?,
    };
    if found.status == Status::Active { Ok(found) } else { Err(dead_connection(app, found)) }
}

/// The owner never connected anything, or everything is gone.
pub fn no_connection(app: &App, owner: &OwnerId) -> Error {
    Error::NeedsConnection {
        code: "no_connection",
        reason: "No calendar is connected yet. Connect one first.".into(),
        reconnect_url: app.connect_url(owner, None),
    }
}

fn dead_connection(app: &App, connection: &Connection) -> Error {
    let code = match connection.status {
        Status::InsufficientScope => "insufficient_scope",
        Status::ReauthRequired | Status::Active => "reauth_required",
    };
    needs_connection(app, connection, code)
}
