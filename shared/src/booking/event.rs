//! The calls to the provider about one booking's event.

use super::Desk;
use crate::{
    app::App,
    calendar::{Attendee, Event, EventDraft, EventPatch, Response, When},
    calendars::{working_one, write_calendar},
    error::{Error, Result},
    providers,
    range::Interval,
    store::{
        bookings::Booking,
        connections::{Connection, OwnerRows},
    },
    tokens::{needs_connection, with_token},
};

/// A page of events around one appointment; nobody has more.
const AROUND: u32 = 250;

/// The connection that a booking was written to; it is not written to another one.
pub(super) fn connection_of<'a>(app: &App, desk: Desk<'a>, booking: &Booking) -> Result<&'a Connection> {
    let rows: &'a OwnerRows = desk.rows;
    match working_one(app, desk.owner, rows, booking.connection.as_ref()) {
        Err(Error::NotFound(_)) => Err(Error::NeedsConnection {
            code: "no_connection",
            reason: "The calendar of this booking is not connected any more.".into(),
            reconnect_url: app.connect_url(desk.owner, None),
        }),
        Ok(connection) if connection.refresh.is_none() && connection.expires_at <= app.clock.now() => {
            Err(needs_connection(app, connection, "reauth_required"))
        }
        other => other,
    }
}

pub(super) async fn find(
    app: &App,
    desk: Desk<'_>,
    connection: &Connection,
    booking: &Booking,
) -> Result<Option<Event>> {
    let event = &event_of(booking);
    let (provider, base_url) = (connection.provider, &app.endpoints(connection.provider)?.api_url);
    let calendar = write_calendar(connection);
    with_token(app, connection, desk.patience, |token| async move {
        providers::find_created(provider, app.session(base_url, &token), calendar, event).await
    })
    .await
}

/// Writes the event. A lost answer is asked for once more: the same key finds the event or writes it, never a second one.
pub(super) async fn write(
    app: &App,
    desk: Desk<'_>,
    connection: &Connection,
    booking: &Booking,
) -> Result<Event> {
    match write_once(app, desk, connection, booking).await {
        Err(Error::Unavailable { .. }) => write_once(app, desk, connection, booking).await,
        written => written,
    }
}

async fn write_once(app: &App, desk: Desk<'_>, connection: &Connection, booking: &Booking) -> Result<Event> {
    let event = &event_of(booking);
    let (provider, base_url) = (connection.provider, &app.endpoints(connection.provider)?.api_url);
    let calendar = write_calendar(connection);
    with_token(app, connection, desk.patience, |token| async move {
        providers::create(provider, app.session(base_url, &token), calendar, event).await
    })
    .await
}

pub(super) async fn patch(
    app: &App,
    desk: Desk<'_>,
    connection: &Connection,
    booking: &Booking,
    id: &str,
    to: Interval,
    etag: Option<&str>,
) -> Result<Event> {
    let change =
        &EventPatch { when: Some((When::Timed(to), booking.time_zone.clone())), ..EventPatch::default() };
    let (provider, base_url) = (connection.provider, &app.endpoints(connection.provider)?.api_url);
    let calendar = write_calendar(connection);
    with_token(app, connection, desk.patience, |token| async move {
        providers::update(provider, app.session(base_url, &token), calendar, id, change, etag).await
    })
    .await
}

pub(super) async fn read(app: &App, desk: Desk<'_>, connection: &Connection, id: &str) -> Result<Event> {
    let (provider, base_url) = (connection.provider, &app.endpoints(connection.provider)?.api_url);
    let calendar = write_calendar(connection);
    with_token(app, connection, desk.patience, |token| async move {
        providers::event(provider, app.session(base_url, &token), calendar, id).await
    })
    .await
}

pub(super) async fn around(
    app: &App,
    desk: Desk<'_>,
    connection: &Connection,
    calendar: &str,
    window: Interval,
) -> Result<Vec<Event>> {
    let (provider, base_url) = (connection.provider, &app.endpoints(connection.provider)?.api_url);
    let page = with_token(app, connection, desk.patience, |token| async move {
        providers::events(provider, app.session(base_url, &token), calendar, window, None, AROUND).await
    })
    .await?;
    Ok(page.events)
}

fn event_of(booking: &Booking) -> EventDraft {
    let guest = |email: &String| Attendee {
        name: booking.attendee_name.clone(),
        email: email.clone(),
        response: Response::None,
    };
    EventDraft {
        // The provider's event id is derived from the booking's, so that a repeat finds the event.
        key: booking.id.as_str().trim_start_matches("bkg_").to_owned(),
        subject: booking.title.clone(),
        when: When::Timed(booking.slot()),
        time_zone: booking.time_zone.clone(),
        attendees: booking.attendee_email.iter().map(guest).collect(),
        body: description(booking),
        location: booking.location.clone(),
        is_online_meeting: booking.is_online_meeting,
    }
}

/// What the owner sees in the event: who called, from where, and what for.
fn description(booking: &Booking) -> Option<String> {
    let lines = [
        booking.attendee_name.as_ref().map(|name| format!("Name: {name}")),
        booking.attendee_phone.as_ref().map(|phone| format!("Phone: {phone}")),
        booking.notes.clone(),
    ];
    let text = lines.into_iter().flatten().collect::<Vec<_>>().join("\n");
    (!text.is_empty()).then_some(text)
}

pub(super) async fn delete(
    app: &App,
    desk: Desk<'_>,
    connection: &Connection,
    booking: &Booking,
) -> Result<()> {
    let id = match &booking.event_id {
        Some(id) => id.clone(),
        None => match find(app, desk, connection, booking).await {
            Ok(Some(event)) => event.id,
            // Never written, or deleted by hand.
            Ok(None) | Err(Error::NotFound(_)) => return Ok(()),
            Err(error) => return Err(error),
        },
    };
    let (provider, base_url) = (connection.provider, &app.endpoints(connection.provider)?.api_url);
    let (calendar, id) = (write_calendar(connection), &id);
    // Whatever was done to it by hand: what it stands for was called off.
    let gone = with_token(app, connection, desk.patience, |token| async move {
        providers::delete(provider, app.session(base_url, &token), calendar, id, None).await
    })
    .await;
    match gone {
        Err(Error::NotFound(_)) => Ok(()),
        other => other,
    }
}
