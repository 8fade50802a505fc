//! A booking's event at the provider: asked and written after the ledger has the time.

use futures_util::future::join_all;
use jiff::SignedDuration;

use super::{
    Desk,
    event::{around, connection_of, delete, find, write},
    repeats::LONGEST_REQUEST,
    rows,
};
use crate::{
    app::App,
    availability::{busy_of, readable},
    calendar::{Event, When},
    calendars::{busy_calendars, working},
    error::{Error, Result},
    range::Interval,
    store::{
        bookings::{Booking, CalendarSync, Problem},
        connections::Connection,
    },
};

/// What the calendar said.
pub(super) enum Outcome {
    /// It has the event.
    Written(Box<Event>),
    /// It has nothing at that time, and is not written to.
    Free,
    /// It has something else at that time.
    Busy,
    /// It has the event, and something that was there before it.
    Contested(Box<Event>),
    /// It cannot say, and the slot must not be promised.
    Unreadable,
    /// It cannot say whether an event is there that an earlier try may have written; why.
    Unheard(Error),
    /// It has the event, at another time than the booking's.
    Elsewhere(Box<Event>),
    /// It had the event, and somebody's hand deleted it.
    Deleted,
    /// It will be written later: the connection is dead, or the answer was lost.
    Later,
}

/// Asks the calendar, writes the event if the time is free, and looks again: two who asked at the same moment both
/// heard "free".
pub(super) async fn create(app: &App, desk: Desk<'_>, booking: &Booking) -> Result<Outcome> {
    match ask(app, desk, booking, booking.slot()).await? {
        Outcome::Free if booking.calendar_sync == CalendarSync::Off => return Ok(Outcome::Free),
        Outcome::Free => {}
        other => return Ok(other),
    }
    let connection = match connection_of(app, desk, booking) {
        Ok(connection) => connection,
        // The others could be asked, but the one that is written to is dead.
        Err(Error::NeedsConnection { .. }) => return Ok(Outcome::Later),
        Err(error) => return Err(error),
    };
    match write(app, desk, connection, booking).await {
        Ok(event) => contested(app, desk, connection, booking, event, SignedDuration::MAX).await,
        Err(Error::NeedsConnection { .. } | Error::Unavailable { .. }) => Ok(Outcome::Later),
        Err(error) => Err(error),
    }
}

/// Goes on with a booking whose end nobody heard: its event may be there already, and would look like somebody else's.
pub(super) async fn resume(app: &App, desk: Desk<'_>, booking: &Booking) -> Result<Outcome> {
    if booking.calendar_sync == CalendarSync::Off {
        return create(app, desk, booking).await;
    }
    let connection = match connection_of(app, desk, booking) {
        Ok(connection) => connection,
        // Nobody can have written it, nor promised it: the calendars that live have their say.
        Err(Error::NeedsConnection { .. }) if was_dead_before(desk, booking) => {
            return create(app, desk, booking).await;
        }
        Err(Error::NeedsConnection { .. }) => return Ok(Outcome::Later),
        Err(error) => return Err(error),
    };
    match find(app, desk, connection, booking).await {
        Ok(Some(event)) if event.when == When::Timed(booking.slot()) => {
            // Whatever is much older was not there when the calendar was asked: somebody moved it there since.
            contested(app, desk, connection, booking, event, LONGEST_REQUEST).await
        }
        Ok(Some(event)) => Ok(Outcome::Elsewhere(Box::new(event))),
        Ok(None) => match create(app, desk, booking).await? {
            // Graph finds by time, and hands out what it has of this key, wherever that is by now.
            Outcome::Written(event) | Outcome::Contested(event)
                if event.when != When::Timed(booking.slot()) =>
            {
                Ok(Outcome::Elsewhere(event))
            }
            other => Ok(other),
        },
        Err(Error::NeedsConnection { .. }) => Ok(Outcome::Later),
        Err(Error::NotFound(_)) => Ok(Outcome::Deleted),
        // Whatever it is, it is no proof that nothing was written.
        Err(error) => Ok(Outcome::Unheard(error)),
    }
}

/// Whether the calendar that a booking is written to has been dead since before the booking was made.
fn was_dead_before(desk: Desk<'_>, booking: &Booking) -> bool {
    let home = desk.rows.connections.iter().find(|row| Some(&row.id) == booking.connection.as_ref());
    home.and_then(|row| row.dead_since).is_some_and(|dead| dead < booking.created_at)
}

/// A booking with its event, where an earlier try may have written one that nobody heard of; none when the calendar
/// cannot say.
pub(super) async fn with_event(app: &App, desk: Desk<'_>, booking: Booking) -> Result<Option<Booking>> {
    if booking.event_id.is_some() || booking.calendar_sync != CalendarSync::Pending {
        return Ok(Some(booking));
    }
    let found = match connection_of(app, desk, &booking) {
        Ok(connection) => find(app, desk, connection, &booking).await,
        Err(error) => Err(error),
    };
    match found {
        Ok(Some(event)) => Ok(Some(booking.showing(event))),
        Ok(None) | Err(Error::NotFound(_) | Error::NeedsConnection { .. }) => Ok(Some(booking)),
        Err(Error::Unavailable { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether the calendars have something at a time, but for the booking's own event. A dead one is not asked: nobody can
/// see what it holds.
pub(super) async fn ask(app: &App, desk: Desk<'_>, booking: &Booking, slot: Interval) -> Result<Outcome> {
    if desk.rows.connections.is_empty() {
        return Ok(Outcome::Free);
    }
    let guarded = slot.widened(booking.buffers().before, booking.buffers().after);
    match readable(foreign(app, desk, booking, guarded).await) {
        Ok(Some(busy)) if busy.iter().any(|taken| taken.overlaps(guarded)) => Ok(Outcome::Busy),
        Ok(Some(_)) => Ok(Outcome::Free),
        Ok(None) => Ok(Outcome::Unreadable),
        Err(Error::NeedsConnection { .. }) => Ok(Outcome::Later),
        Err(error) => Err(error),
    }
}

/// What the calendars that live have in a window, all asked at the same time; an error when none lives.
async fn foreign(app: &App, desk: Desk<'_>, booking: &Booking, window: Interval) -> Result<Vec<Interval>> {
    let zone = &desk.schedule.zone()?;
    let living = working(app, desk.owner, desk.rows)?;
    let home = connection_of(app, desk, booking).ok().map(|row| &row.id);
    let answers = join_all(living.into_iter().map(async |row| {
        // It may overlap its own old time, and an earlier try may have put the event anywhere.
        let own = booking.event_id.as_deref().filter(|_| home == Some(&row.id));
        busy_of(app, row, window, zone, own, desk.patience).await
    }));
    let (mut all, mut died, mut heard) = (Vec::new(), None, false);
    for answer in answers.await {
        match answer {
            Ok(busy) => {
                heard = true;
                all.extend(busy);
            }
            // It died just now, as those that were known to be dead.
            Err(error @ Error::NeedsConnection { .. }) => died = Some(error),
            Err(error) => return Err(error),
        }
    }
    match died {
        Some(error) if !heard => Err(error),
        Some(_) | None => Ok(all),
    }
}

/// Looks again once the event is there: whoever was in the calendar before it, by at most so much, has the time.
async fn contested(
    app: &App,
    desk: Desk<'_>,
    connection: &Connection,
    booking: &Booking,
    event: Event,
    by_at_most: SignedDuration,
) -> Result<Outcome> {
    let guarded = booking.slot().widened(booking.buffers().before, booking.buffers().after);
    let zone = desk.schedule.zone()?;
    let mut events = Vec::new();
    // Only what counts: the calendar that is written to may be none of those that block time.
    for calendar in busy_calendars(connection) {
        match around(app, desk, connection, &calendar, guarded, &zone).await {
            Ok(there) => events.extend(there),
            Err(error) => {
                // It was free a moment ago, and the event stands.
                tracing::warn!(booking = %booking.id, %error, "nobody looked again for another event");
                return Ok(Outcome::Written(Box::new(event)));
            }
        }
    }
    let is_older = |other: &Event| match (other.created, event.created) {
        (Some(theirs), Some(ours)) => {
            (theirs, &other.id) < (ours, &event.id) && ours.duration_since(theirs) <= by_at_most
        }
        // Without times the one that is not ours counts as the older.
        _ => true,
    };
    let foreign = events.iter().any(|(taken, other)| {
        other.busy && other.id != event.id && taken.overlaps(guarded) && is_older(other)
    });
    let event = Box::new(event);
    Ok(if foreign { Outcome::Contested(event) } else { Outcome::Written(event) })
}

/// Writes the event of a booking that stands, whatever the calendar has at that time by now.
pub(super) async fn insist(app: &App, desk: Desk<'_>, booking: &Booking) -> Result<Option<Event>> {
    let connection = match connection_of(app, desk, booking) {
        Ok(connection) => connection,
        Err(Error::NeedsConnection { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    match write(app, desk, connection, booking).await {
        Ok(event) => Ok(Some(event)),
        Err(Error::NeedsConnection { .. } | Error::Unavailable { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Deletes the event of a booking as far as it is there by now.
pub(super) async fn withdraw(app: &App, desk: Desk<'_>, booking: &Booking) {
    let gone = match connection_of(app, desk, booking) {
        Ok(connection) => delete(app, desk, connection, booking).await,
        Err(error) => Err(error),
    };
    if let Err(error) = gone {
        tracing::info!(booking = %booking.id, %error, "the event of a booking is deleted later");
    }
}

/// Deletes the event of a booking that was called off or never stood, and says so in the row.
pub(super) async fn remove(app: &App, desk: Desk<'_>, booking: Booking) -> Result<Booking> {
    let gone = match connection_of(app, desk, &booking) {
        Ok(connection) => delete(app, desk, connection, &booking).await,
        Err(error) => Err(error),
    };
    match gone {
        Ok(()) => rows::finished(app, booking, CalendarSync::Synced, None).await,
        Err(Error::NeedsConnection { code: "no_connection", .. }) => {
            // The calendar was disconnected: nobody can reach its event any more.
            rows::finished(app, booking, CalendarSync::Failed, Some(Problem::Refused)).await
        }
        Err(Error::NeedsConnection { .. } | Error::Unavailable { .. } | Error::Upstream { .. }) => {
            // The reconciler goes on.
            Ok(booking)
        }
        Err(Error::Forbidden { .. } | Error::Conflict { .. }) => {
            rows::finished(app, booking, CalendarSync::Failed, Some(Problem::Refused)).await
        }
        Err(error) => Err(error),
    }
}
