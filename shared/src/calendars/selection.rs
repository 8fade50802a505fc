//! Which calendars count: those that block time, and the one that is written to.

use futures_util::future::try_join_all;

use super::{busy_calendars, once, working, working_one, write_calendar};
use crate::{
    app::App,
    calendar::CalendarListing,
    error::{Error, Result},
    ids::{ConnectionId, OwnerId, Provider},
    providers::{self, PRIMARY},
    store::{Write, connections::Connection},
    tokens::{Patience, with_token},
};

/// More calendars than anybody has; Google answers free/busy for fifty at a time.
const MOST_CALENDARS: usize = 50;

/// One calendar and what it is used for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The calendar.
    pub listing: CalendarListing,
    /// Whether its events block time.
    pub blocks: bool,
    /// Whether bookings are written to it.
    pub written_to: bool,
}

/// The calendars of one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionCalendars {
    /// The connection.
    pub connection: ConnectionId,
    /// Its provider.
    pub provider: Provider,
    /// Its account's calendars.
    pub calendars: Vec<Listed>,
}

/// Every calendar of every connection that works; the providers are asked at the same time.
pub async fn list_calendars(app: &App, owner: &OwnerId) -> Result<Vec<ConnectionCalendars>> {
    let rows = app.store.owner_rows(owner).await?;
    try_join_all(working(app, owner, &rows)?.into_iter().map(|connection| of_connection(app, connection)))
        .await
}

async fn of_connection(app: &App, connection: &Connection) -> Result<ConnectionCalendars> {
    let busy = busy_calendars(connection);
    let matches =
        |id: &str, listing: &CalendarListing| id == listing.id || (id == PRIMARY && listing.primary);
    let calendars = listings(app, connection).await?.into_iter().map(|listing| Listed {
        blocks: busy.iter().any(|id| matches(id, &listing)),
        written_to: matches(write_calendar(connection), &listing),
        listing,
    });
    Ok(ConnectionCalendars {
        connection: connection.id.clone(),
        provider: connection.provider,
        calendars: calendars.collect(),
    })
}

pub(super) async fn listings(app: &App, connection: &Connection) -> Result<Vec<CalendarListing>> {
    let (provider, base_url) = (connection.provider, &app.endpoints(connection.provider)?.api_url);
    with_token(app, connection, Patience::Request, |token| async move {
        providers::calendars(provider, app.session(base_url, &token)).await
    })
    .await
}

/// Chooses the calendars of a connection. Each must exist in the account, and the one written to must be writable. One
/// that is named twice, or by its id and as [`PRIMARY`], counts once.
pub async fn select_calendars(
    app: &App,
    owner: &OwnerId,
    connection: &ConnectionId,
    busy: &[String],
    write: Option<&str>,
) -> Result<()> {
    if busy.len() > MOST_CALENDARS {
        return Err(Error::invalid("busy", format!("must name at most {MOST_CALENDARS} calendars")));
    }
    let rows = app.store.owner_rows(owner).await?;
    let connection = working_one(app, owner, &rows, Some(connection))?;
    let known = listings(app, connection).await?;
    let find = |id: &str| known.iter().find(|listing| listing.id == id || (id == PRIMARY && listing.primary));
    let named: Option<Vec<_>> = busy.iter().map(|id| Some((id, find(id)?.id.as_str()))).collect();
    let named = named.ok_or_else(|| Error::invalid("busy", "must name calendars of this connection"))?;
    let busy: Vec<_> = once(named, |(_, calendar)| calendar).into_iter().map(|(id, _)| id.clone()).collect();
    if let Some(write) = write
        && !find(write).is_some_and(|listing| listing.writable)
    {
        return Err(Error::invalid(
            "write",
            "must name a calendar of this connection that can be written to",
        ));
    }
    match app.store.select_calendars(connection, &busy, write).await? {
        Write::Done => Ok(()),
        Write::Refused => Err(Error::NotFound("connection")),
    }
}

/// Makes a connection the one that is written to.
pub async fn set_default(app: &App, owner: &OwnerId, connection: &ConnectionId) -> Result<()> {
    let rows = app.store.owner_rows(owner).await?;
    if !rows.connections.iter().any(|row| row.id == *connection) {
        return Err(Error::NotFound("connection"));
    }
    app.store.set_default(owner, connection).await
}
