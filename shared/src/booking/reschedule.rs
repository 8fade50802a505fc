//! Moving a booking: the new time is taken first, the old one is given back last, and the id stays.

use super::{
    Booked, Desk, Repeats, Wish,
    calendar::{Outcome, ask, with_event},
    contended, not_offered,
    repeats::{Earlier, in_progress},
    rows::{self, ATTEMPTS, answer, enter, entry, later, obstacle},
    shift::{Reached, Shifted, reached, shift},
    taken,
};
use crate::{
    app::App,
    error::{Error, Result},
    ids::BookingId,
    range::Interval,
    slots::EmptyReason,
    store::{
        bookings::{Booking, BookingStatus, CalendarSync, Problem},
        ledger::Out,
    },
};

/// How a move ended.
pub(super) enum Moved {
    /// It stands at the new time.
    Stands(Box<Booking>),
    /// It stands at the old time, because the calendar has something else at the new one.
    Busy,
    /// It stands at the old time, because the calendar cannot say.
    Unreadable,
    /// It stands at the old time, because somebody's hand was at the event.
    ByHand,
    /// Nobody can say yet where its event is; it is looked at again.
    Open,
    /// Somebody else is finishing it.
    Elsewhere,
}

/// Moves a booking to another time. To the time that it has: nothing happens.
pub async fn reschedule(
    app: &App,
    desk: Desk<'_>,
    id: &BookingId,
    to: Interval,
    repeats: &Repeats,
) -> Result<Booked> {
    match repeats.earlier(app, desk.owner).await? {
        Some(Earlier::Answered(booking)) => return Ok(Booked { booking: *booking, replayed: true }),
        Some(Earlier::Abandoned(_) | Earlier::GivenBack) | None => {}
    }
    let found = app.store.booking(desk.owner, id).await?.ok_or(Error::NotFound("booking"))?;
    if found.status == BookingStatus::Confirmed && found.slot() == to && found.moving_to().is_none() {
        // That is an answer, too: a repeat must not move it back from where it is by then.
        repeats.keep(app, &found).await?;
        return Ok(Booked { booking: found, replayed: false });
    }
    let booking = begin(app, desk, found, to).await?;
    let (buffers, service) = (booking.buffers(), booking.service.clone());
    match Box::pin(go(app, desk, booking, to, Some(repeats))).await? {
        Moved::Stands(booking) => Ok(Booked { booking: *booking, replayed: false }),
        Moved::Busy => Err(taken(app, desk, Wish { slot: to, buffers, service: service.as_deref() }).await),
        Moved::Unreadable => Err(not_offered(EmptyReason::CalendarUnreachable)),
        Moved::ByHand => Err(Error::conflict(
            "changed_in_calendar",
            "The appointment was changed in the calendar by hand, and is left as it is.",
        )),
        Moved::Open | Moved::Elsewhere => Err(in_progress()),
    }
}

/// Takes the new time beside the old one.
async fn begin(app: &App, desk: Desk<'_>, mut booking: Booking, to: Interval) -> Result<Booking> {
    for _ in 0..ATTEMPTS {
        match booking.status {
            BookingStatus::Confirmed if booking.moving_to().is_none() => {}
            BookingStatus::Confirmed | BookingStatus::Creating => return Err(in_progress()),
            BookingStatus::Cancelling | BookingStatus::Cancelled => {
                return Err(Error::conflict("cancelled", "The appointment was called off."));
            }
            BookingStatus::Failed => return Err(Error::NotFound("booking")),
        }
        let days = app.store.days(desk.owner, to).await?;
        let own = booking.id.as_str().to_owned();
        match obstacle(app, desk, &days, to, booking.buffers(), &[&own], app.clock.now())? {
            None => {}
            Some(EmptyReason::FullyBooked) => {
                let wish = Wish { slot: to, buffers: booking.buffers(), service: booking.service.as_deref() };
                return Err(taken(app, desk, wish).await);
            }
            Some(reason) => return Err(not_offered(reason)),
        }
        let mut moving =
            Booking { moving_start: Some(to.start), moving_end: Some(to.end), ..booking.clone() };
        moving.updated_at = app.clock.second();
        moving.due(Some(later(app)));
        let with = vec![app.store.put_booking(&moving, Some(booking.version))?];
        if enter(app, &days, &[], &entry(&moving, to), with).await?.is_some() {
            return Ok(Booking { version: booking.version + 1, ..moving });
        }
        booking = app.store.booking(desk.owner, &booking.id).await?.ok_or(Error::NotFound("booking"))?;
        if booking.moving_to() == Some(to) && booking.updated_at == moving.updated_at {
            // The SDK repeated a transaction whose answer was lost.
            return Ok(booking);
        }
    }
    Err(contended())
}

/// Goes on with a move whose end nobody heard.
pub(super) async fn resume(app: &App, desk: Desk<'_>, booking: Booking, to: Interval) -> Result<Moved> {
    let shown = booking.event_id.clone().filter(|_| booking.calendar_sync != CalendarSync::Off);
    let Some(event_id) = shown else { return go(app, desk, booking, to, None).await };
    let there = match reached(app, desk, &booking, &event_id, to).await {
        // Nobody will ever see where the event is: forward, as far as the ledger goes.
        Err(error) if error.is_lasting() => {
            let problem = Some(Problem::Refused);
            let left = Booking { calendar_sync: CalendarSync::Failed, problem, ..booking };
            return arrive(app, left, to, None).await;
        }
        there => there?,
    };
    match there {
        Reached::New(event) => {
            let synced = Booking { calendar_sync: CalendarSync::Synced, ..booking.showing(*event) };
            arrive(app, synced, to, None).await
        }
        Reached::Old => go(app, desk, booking, to, None).await,
        Reached::Unheard => Ok(Moved::Open),
    }
}

/// Asks the calendar about the new time and moves the event; then the old time is free, or the new one again.
async fn go(
    app: &App,
    desk: Desk<'_>,
    booking: Booking,
    to: Interval,
    repeats: Option<&Repeats>,
) -> Result<Moved> {
    let before = booking.clone();
    let booking = match with_event(app, desk, booking).await {
        Ok(Some(booking)) => booking,
        // Nothing was moved yet, unless this is not the first try.
        Ok(None) if repeats.is_some() => return stay(app, before, to, Moved::Unreadable).await,
        Ok(None) => return Ok(Moved::Open),
        Err(error) => {
            stay(app, before, to, Moved::Busy).await?;
            return Err(error);
        }
    };
    if before.event_id != booking.event_id && !at_home(&before, &booking) {
        let problem = Some(Problem::MovedByHand);
        let left = Booking { calendar_sync: CalendarSync::Failed, problem, ..booking };
        return stay(app, left, to, Moved::ByHand).await;
    }
    match ask(app, desk, &booking, to).await {
        Ok(Outcome::Busy | Outcome::Contested(_)) => return stay(app, booking, to, Moved::Busy).await,
        Ok(Outcome::Unreadable | Outcome::Unheard(_)) => {
            return stay(app, booking, to, Moved::Unreadable).await;
        }
        Ok(
            Outcome::Free | Outcome::Later | Outcome::Elsewhere(_) | Outcome::Deleted | Outcome::Written(_),
        ) => {}
        Err(error) => {
            stay(app, booking, to, Moved::Busy).await?;
            return Err(error);
        }
    }
    let Some(event_id) = booking.event_id.clone().filter(|_| booking.calendar_sync != CalendarSync::Off)
    else {
        // There is no event yet, or none that we heard of: one that is found later is at the first time that was tried.
        let tried = booking.shown_at().unwrap_or(booking.slot());
        let booking = Booking { event_start: Some(tried.start), event_end: Some(tried.end), ..booking };
        return arrive(app, booking, to, repeats).await;
    };
    match shift(app, desk, &booking, &event_id, to).await {
        Ok(Shifted::Written(event)) => {
            let synced =
                Booking { calendar_sync: CalendarSync::Synced, problem: None, ..booking.showing(*event) };
            arrive(app, synced, to, repeats).await
        }
        Ok(Shifted::Later) => {
            let pending = Booking { calendar_sync: CalendarSync::Pending, problem: None, ..booking };
            arrive(app, pending, to, repeats).await
        }
        Ok(Shifted::ByHand(problem)) => {
            let left = Booking { calendar_sync: CalendarSync::Failed, problem: Some(problem), ..booking };
            stay(app, left, to, Moved::ByHand).await
        }
        Err(error) => {
            stay(app, booking, to, Moved::Busy).await?;
            Err(error)
        }
    }
}

/// Whether an event that was found shows a time at which we may have written it.
fn at_home(before: &Booking, found: &Booking) -> bool {
    [Some(before.slot()), before.shown_at()].contains(&found.shown_at())
}

/// The booking stands at the new time.
async fn arrive(app: &App, booking: Booking, to: Interval, repeats: Option<&Repeats>) -> Result<Moved> {
    let (from, reach) = (booking.slot(), rows::reach(&booking));
    let mut arrived = Booking {
        start: to.start,
        end: to.end,
        moving_start: None,
        moving_end: None,
        sequence: booking.sequence + 1,
        attempts: 0,
        ttl: app.store.forgotten(to.end),
        ..booking
    };
    arrived.due((arrived.calendar_sync == CalendarSync::Pending).then(|| later(app)));
    let id = arrived.id.as_str().to_owned();
    let out = vec![Out { of: &id, at: Some(from) }];
    Ok(match answer(app, &arrived, (out, reach), repeats).await? {
        Some(booking) => {
            tracing::info!(owner = %booking.owner, booking = %booking.id, sync = ?booking.calendar_sync, "moved");
            Moved::Stands(Box::new(booking))
        }
        None => Moved::Elsewhere,
    })
}

/// The booking stays at the old time, and the new one is free again.
async fn stay(app: &App, booking: Booking, to: Interval, why: Moved) -> Result<Moved> {
    let mut stayed = Booking { moving_start: None, moving_end: None, ..booking };
    stayed.due((stayed.calendar_sync == CalendarSync::Pending).then(|| later(app)));
    let id = stayed.id.as_str().to_owned();
    let out = vec![Out { of: &id, at: Some(to) }];
    let step = rows::Step { booking: &stayed, out, reach: to, with: Vec::new() };
    Ok(if rows::commit(app, step).await?.is_some() { why } else { Moved::Elsewhere })
}
