//! A booking's event brought to another time: only what we wrote is overwritten.

use super::{
    Desk,
    event::{connection_of, patch, read},
};
use crate::{
    app::App,
    calendar::{Event, When},
    error::{Error, Result},
    range::Interval,
    store::bookings::{Booking, Problem},
};

/// What became of an event that was to be moved.
pub(super) enum Shifted {
    /// It is at the new time.
    Written(Box<Event>),
    /// Somebody's hand was there: it is left as it is.
    ByHand(Problem),
    /// It will be moved later.
    Later,
}

/// How far a move came whose end nobody heard.
pub(super) enum Reached {
    /// The event is at the new time.
    New(Box<Event>),
    /// It is not.
    Old,
    /// The calendar cannot say.
    Unheard,
}

/// Looks whether an earlier try has moved the event: then it is gone on with, whatever the calendar has at that time.
pub(super) async fn reached(
    app: &App,
    desk: Desk<'_>,
    booking: &Booking,
    event_id: &str,
    to: Interval,
) -> Result<Reached> {
    let there = match connection_of(app, desk, booking) {
        Ok(connection) => read(app, desk, connection, booking, event_id).await,
        Err(error) => Err(error),
    };
    match there {
        Ok(event) if event.when == When::Timed(to) => Ok(Reached::New(Box::new(event))),
        Ok(_) | Err(Error::NotFound(_) | Error::NeedsConnection { .. }) => Ok(Reached::Old),
        Err(Error::Unavailable { .. }) => Ok(Reached::Unheard),
        Err(error) => Err(error),
    }
}

/// Moves a booking's event to its new time. Only a version that we wrote is overwritten; another one is looked at.
pub(super) async fn shift(
    app: &App,
    desk: Desk<'_>,
    booking: &Booking,
    event_id: &str,
    to: Interval,
) -> Result<Shifted> {
    let connection = match connection_of(app, desk, booking) {
        Ok(connection) => connection,
        Err(Error::NeedsConnection { .. }) => return Ok(Shifted::Later),
        Err(error) => return Err(error),
    };
    let mut etag = booking.event_etag.clone();
    // Once with the version that we know, and once with the one that is there.
    for _ in 0..2 {
        match patch(app, desk, connection, booking, event_id, to, etag.as_deref()).await {
            Ok(event) => return Ok(Shifted::Written(Box::new(event))),
            Err(Error::NotFound(_)) => return Ok(Shifted::ByHand(Problem::DeletedByHand)),
            Err(Error::PreconditionFailed | Error::Unavailable { .. }) => {}
            Err(Error::NeedsConnection { .. }) => return Ok(Shifted::Later),
            Err(error) => return Err(error),
        }
        let there = match read(app, desk, connection, booking, event_id).await {
            Ok(event) => event,
            Err(Error::NotFound(_)) => return Ok(Shifted::ByHand(Problem::DeletedByHand)),
            Err(Error::Unavailable { .. } | Error::NeedsConnection { .. }) => return Ok(Shifted::Later),
            Err(error) => return Err(error),
        };
        if there.when == When::Timed(to) {
            // It happened, and we never heard.
            return Ok(Shifted::Written(Box::new(there)));
        }
        // An earlier move that nobody heard of may have brought it to the time that the booking has.
        let ours = [booking.shown_at(), Some(booking.slot())];
        if !ours.into_iter().flatten().any(|time| there.when == When::Timed(time)) {
            return Ok(Shifted::ByHand(Problem::MovedByHand));
        }
        // Its title or its guests may be somebody's hand; its time is ours.
        etag = there.etag;
    }
    Ok(Shifted::Later)
}
