//! Calling a booking off: its time is free at once, its event goes after it.

use super::{
    Desk,
    calendar::{remove, withdraw},
    contended,
    repeats::in_progress,
    rows::{self, ATTEMPTS, all_of, later},
};
use crate::{
    app::App,
    error::{Error, Result},
    ids::BookingId,
    store::bookings::{Booking, BookingStatus, CalendarSync},
};

/// Calls a booking off. One that is called off already stays so.
pub async fn cancel(app: &App, desk: Desk<'_>, id: &BookingId) -> Result<Booking> {
    for _ in 0..ATTEMPTS {
        let booking = app.store.booking(desk.owner, id).await?.ok_or(Error::NotFound("booking"))?;
        match booking.status {
            BookingStatus::Cancelling | BookingStatus::Cancelled => {
                return Ok(booking);
            }
            // It never stood.
            BookingStatus::Failed => return Err(Error::NotFound("booking")),
            BookingStatus::Creating => return Err(in_progress()),
            BookingStatus::Confirmed => {}
        }
        if let Some(called_off) = call_off(app, booking).await? {
            let left = match called_off.status {
                // The reconciler may be writing the event at this moment: it looks again when that is over.
                BookingStatus::Cancelling if called_off.event_id.is_none() => {
                    withdraw(app, desk, &called_off).await;
                    called_off
                }
                BookingStatus::Cancelling => remove(app, desk, called_off).await?,
                BookingStatus::Creating
                | BookingStatus::Confirmed
                | BookingStatus::Failed
                | BookingStatus::Cancelled => called_off,
            };
            return Ok(left);
        }
    }
    Err(contended())
}

/// Takes it out of the ledger. What has no event in any calendar is called off with that.
async fn call_off(app: &App, booking: Booking) -> Result<Option<Booking>> {
    let has_event = booking.calendar_sync != CalendarSync::Off && booking.connection.is_some();
    let reach = rows::reach(&booking);
    let mut called_off = Booking {
        status: if has_event { BookingStatus::Cancelling } else { BookingStatus::Cancelled },
        calendar_sync: if has_event { CalendarSync::Pending } else { booking.calendar_sync },
        problem: None,
        sequence: booking.sequence + 1,
        attempts: 0,
        // The times it was being moved between are both free.
        moving_start: None,
        moving_end: None,
        ..booking
    };
    called_off.due(has_event.then(|| later(app)));
    let step = rows::Step { booking: &called_off, out: all_of(&called_off), reach, with: Vec::new() };
    let written = rows::commit(app, step).await?;
    if let Some(booking) = &written {
        tracing::info!(owner = %booking.owner, booking = %booking.id, "called off");
    }
    Ok(written)
}
