//! The calls to the provider about one booking's event.

use jiff::tz::TimeZone;

use super::Desk;
use crate::{
    app::App,
    calendar::{Attendee, Event, EventDraft, EventPatch, FARTHEST_OFFSET, Response, When},
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

/// A page of events around one appointment; hardly anybody has more.
const AROUND: u32 = 250;

/// Pages that are followed before the question counts as too large.
const MOST_PAGES: usize = 8;

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

/// The calendar that a booking was written to; it is not looked for in another one.
fn calendar_of<'a>(booking: &'a Booking, connection: &'a Connection) -> &'a str {
    booking.calendar.as_deref().unwrap_or_else(|| write_calendar(connection))
}

/// Looks for an event whose writing nobody heard of: at the booking's time, and where an earlier try may have put it
/// before the booking was moved.
pub(super) async fn find(
    app: &App,
    desk: Desk<'_>,
    connection: &Connection,
    booking: &Booking,
) -> Result<Option<Event>> {
    let (at, tried) = (booking.slot(), booking.shown_at().unwrap_or(booking.slot()));
    let anywhere = Interval::new(at.start.min(tried.start), at.end.max(tried.end));
    let event = &EventDraft { when: When::Timed(anywhere), ..event_of(booking) };
    let (provider, base_url) = (connection.provider, &app.endpoints(connection.provider)?.api_url);
    let calendar = calendar_of(booking, connection);
    with_token(app, connection, desk.patience, |token| async move {
        providers::find_created(provider, app.session(base_url, &token), calendar, event).await
    })
    .await
}

/// Writes the event. A lost answer is asked for once more: the same key finds the event or writes it, never a second one.
/// What else is said then is no proof that nothing was written the first time.
pub(super) async fn write(
    app: &App,
    desk: Desk<'_>,
    connection: &Connection,
    booking: &Booking,
) -> Result<Event> {
    let written = match write_once(app, desk, connection, booking).await {
        Err(lost @ Error::Unavailable { .. }) => {
            return write_once(app, desk, connection, booking).await.map_err(|_| lost);
        }
        written => written,
    };
    match written {
        // Nobody asked for an event: it is the calendar that is not there.
        Err(Error::NotFound(_)) => {
            Err(Error::Upstream { system: connection.provider.as_str(), code: "calendar_gone" })
        }
        written => written,
    }
}

async fn write_once(app: &App, desk: Desk<'_>, connection: &Connection, booking: &Booking) -> Result<Event> {
    let event = &event_of(booking);
    let (provider, base_url) = (connection.provider, &app.endpoints(connection.provider)?.api_url);
    let calendar = calendar_of(booking, connection);
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
    let calendar = calendar_of(booking, connection);
    with_token(app, connection, desk.patience, |token| async move {
        providers::update(provider, app.session(base_url, &token), calendar, id, change, etag).await
    })
    .await
}

pub(super) async fn read(
    app: &App,
    desk: Desk<'_>,
    connection: &Connection,
    booking: &Booking,
    id: &str,
) -> Result<Event> {
    let (provider, base_url) = (connection.provider, &app.endpoints(connection.provider)?.api_url);
    let calendar = calendar_of(booking, connection);
    with_token(app, connection, desk.patience, |token| async move {
        providers::event(provider, app.session(base_url, &token), calendar, id).await
    })
    .await
}

/// The events of a calendar in a window and somewhat around it, with the time of each: whole days may be filed elsewhere.
pub(super) async fn around(
    app: &App,
    desk: Desk<'_>,
    connection: &Connection,
    calendar: &str,
    window: Interval,
    zone: &TimeZone,
) -> Result<Vec<(Interval, Event)>> {
    let (provider, base_url) = (connection.provider, &app.endpoints(connection.provider)?.api_url);
    let wide = window.widened(FARTHEST_OFFSET, FARTHEST_OFFSET);
    let (mut all, mut next) = (Vec::new(), None);
    for _ in 0..MOST_PAGES {
        let from: Option<&str> = next.as_deref();
        let page = with_token(app, connection, desk.patience, |token| async move {
            providers::events(provider, app.session(base_url, &token), calendar, wide, from, AROUND).await
        })
        .await?;
        let zone = page.zone.as_ref().unwrap_or(zone);
        let timed = |event: Event| Some((event.when.interval(zone)?, event));
        all.extend(page.events.into_iter().filter_map(timed));
        next = page.next;
        if next.is_none() {
            return Ok(all);
        }
    }
    // Half an answer would be free time that is not.
    Err(Error::Upstream { system: provider.as_str(), code: "too_many_events" })
}

fn event_of(booking: &Booking) -> EventDraft {
    let guest = |email: &String| Attendee {
        name: booking.attendee_name.as_deref().map(one_line),
        email: email.clone(),
        response: Response::None,
    };
    EventDraft {
        // The provider's event id is derived from the booking's, so that a repeat finds the event.
        key: booking.id.as_str().trim_start_matches("bkg_").to_owned(),
        subject: one_line(&booking.title),
        when: When::Timed(booking.slot()),
        time_zone: booking.time_zone.clone(),
        attendees: booking.attendee_email.iter().map(guest).collect(),
        body: description(booking),
        location: booking.location.as_deref().map(one_line),
        is_online_meeting: booking.is_online_meeting,
    }
}

/// What the owner sees in the event: who called, from where, and what for.
fn description(booking: &Booking) -> Option<String> {
    let lines = [
        booking.attendee_name.as_deref().map(|name| format!("Name: {}", one_line(name))),
        booking.attendee_phone.as_deref().map(|phone| format!("Phone: {}", one_line(phone))),
        booking.notes.as_deref().map(|notes| plain(notes, |letter| matches!(letter, '\n' | '\t'))),
    ];
    let text = lines.into_iter().flatten().collect::<Vec<_>>().join("\n");
    (!text.is_empty()).then_some(text)
}

/// A text that begins no line of its own: whoever books could put other words into the owner's mouth.
fn one_line(text: &str) -> String {
    plain(text, |_| false)
}

/// A text whose control characters are spaces.
fn plain(text: &str, but: impl Fn(char) -> bool) -> String {
    text.chars().map(|letter| if letter.is_control() && !but(letter) { ' ' } else { letter }).collect()
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
            // Never written; or deleted by hand, of which Google still tells.
            Ok(None) | Err(Error::NotFound(_)) => return Ok(()),
            Err(error) => return Err(error),
        },
    };
    let (provider, base_url) = (connection.provider, &app.endpoints(connection.provider)?.api_url);
    let (calendar, id) = (calendar_of(booking, connection), &id);
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
