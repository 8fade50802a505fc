//! Booking a slot: time first, then the calendar, then the yes.

use super::{
    Booked, Desk, Request, Wish,
    calendar::{Outcome, create, remove, resume},
    contended,
    draft::draft,
    hold::made_at,
    not_offered,
    repeats::{Earlier, Repeats, in_progress},
    rows::{self, ATTEMPTS, all_of, answer, enter, later, obstacle},
    taken,
};
use crate::{
    app::App,
    error::{Error, Result},
    slots::EmptyReason,
    store::{
        bookings::{Booking, BookingStatus, CalendarSync, Problem},
        ledger::Out,
    },
};

/// How a try to take a slot ended.
enum Taken {
    /// The ledger has it.
    Ours(Box<Booking>),
    /// The ledger had it before, for this very request, whose end nobody heard: it goes on where it stopped.
    Unfinished(Box<Booking>),
    /// An earlier request had booked it.
    Replayed(Box<Booking>),
    /// Somebody else has the time.
    Somebody,
}

/// What became of a booking that the ledger has and the calendar was asked about.
pub(super) enum Made {
    /// It stands.
    Stands(Box<Booking>),
    /// The calendar has something else at that time.
    Busy,
    /// The calendar cannot say.
    Unreadable,
    /// Nobody can say yet whether its event is there; it is looked at again.
    Open,
    /// Somebody else is finishing it.
    Elsewhere,
}

/// Books a slot. A repeat of the same request gets the same answer; a taken slot is an error with three free ones.
pub async fn book(app: &App, desk: Desk<'_>, request: &Request) -> Result<Booked> {
    let draft = draft(app, desk, request)?;
    let (booking, fresh) = match take(app, desk, &draft, request).await? {
        Taken::Ours(booking) => (booking, true),
        Taken::Unfinished(booking) => (booking, false),
        Taken::Replayed(booking) => return Ok(Booked { booking: *booking, replayed: true }),
        Taken::Somebody => {
            let service = request.service.as_deref();
            let wish = Wish { slot: request.slot, buffers: request.buffers, service };
            return Err(Box::pin(taken(app, desk, wish)).await);
        }
    };
    made(app, desk, *booking, fresh, &request.repeats).await
}

/// What an earlier request under one of these names came to; none when there was none. It is asked for before anything
/// that the request names is looked at: its hold is used up by then, and its offer may have ended.
pub async fn again(app: &App, desk: Desk<'_>, repeats: &Repeats) -> Result<Option<Booked>> {
    match replay(app, desk, repeats).await? {
        Before::Was(Taken::Replayed(booking)) => Ok(Some(Booked { booking: *booking, replayed: true })),
        Before::Was(Taken::Unfinished(booking)) => made(app, desk, *booking, false, repeats).await.map(Some),
        Before::Was(Taken::Ours(_) | Taken::Somebody) | Before::Nothing | Before::GivenBack => Ok(None),
    }
}

/// Makes a booking that the ledger has.
async fn made(app: &App, desk: Desk<'_>, booking: Booking, fresh: bool, repeats: &Repeats) -> Result<Booked> {
    let (slot, buffers, service) = (booking.slot(), booking.buffers(), booking.service.clone());
    match Box::pin(make(app, desk, booking, fresh, Some(repeats))).await? {
        Made::Stands(booking) => Ok(Booked { booking: *booking, replayed: false }),
        Made::Busy => {
            let wish = Wish { slot, buffers, service: service.as_deref() };
            Err(Box::pin(taken(app, desk, wish)).await)
        }
        Made::Unreadable => Err(not_offered(EmptyReason::CalendarUnreachable)),
        Made::Open | Made::Elsewhere => Err(in_progress()),
    }
}

/// Asks the calendar about a booking that the ledger has, writes its event, and says that it stands; or gives the time
/// back. `fresh` means that no event of it can be there yet.
pub(super) async fn make(
    app: &App,
    desk: Desk<'_>,
    booking: Booking,
    fresh: bool,
    repeats: Option<&Repeats>,
) -> Result<Made> {
    if booking.calendar_sync == CalendarSync::Off
        && booking.connection.is_none()
        && desk.rows.connections.is_empty()
    {
        return confirm(app, booking, repeats).await;
    }
    let outcome = if fresh { create(app, desk, &booking).await } else { resume(app, desk, &booking).await };
    match outcome {
        Ok(Outcome::Written(event)) => {
            let synced = Booking { calendar_sync: CalendarSync::Synced, ..booking.showing(*event) };
            confirm(app, synced, repeats).await
        }
        Ok(Outcome::Free | Outcome::Later) => confirm(app, booking, repeats).await,
        Ok(Outcome::Busy) => give_back(app, desk, booking, None, repeats).await.map(|()| Made::Busy),
        Ok(Outcome::Contested(event)) => {
            give_back(app, desk, booking, Some(event.id), repeats).await.map(|()| Made::Busy)
        }
        // It may have been promised, and nobody can look: it stands, as it would if that were known.
        Ok(Outcome::Unheard(error)) if error.is_lasting() => {
            left(app, booking, Problem::Refused, repeats).await
        }
        Ok(Outcome::Unheard(error)) => {
            tracing::warn!(owner = %booking.owner, booking = %booking.id, %error, "a booking is looked at again later");
            Ok(Made::Open)
        }
        // It stands like any whose event meets somebody's hand.
        Ok(Outcome::Deleted) => left(app, booking, Problem::DeletedByHand, repeats).await,
        Ok(Outcome::Elsewhere(event)) => {
            left(app, booking.showing(*event), Problem::MovedByHand, repeats).await
        }
        Ok(Outcome::Unreadable) => {
            give_back(app, desk, booking, None, repeats).await.map(|()| Made::Unreadable)
        }
        Err(error) => {
            give_back(app, desk, booking, None, repeats).await?;
            Err(error)
        }
    }
}

/// It stands, and its event is left as it is.
async fn left(app: &App, booking: Booking, problem: Problem, repeats: Option<&Repeats>) -> Result<Made> {
    let given_up = Booking { calendar_sync: CalendarSync::Failed, problem: Some(problem), ..booking };
    confirm(app, given_up, repeats).await
}

/// The booking stands. What the calendar does not show yet is written to it later.
async fn confirm(app: &App, booking: Booking, repeats: Option<&Repeats>) -> Result<Made> {
    let mut booking = Booking { status: BookingStatus::Confirmed, ..booking };
    booking.due((booking.calendar_sync == CalendarSync::Pending).then(|| later(app)));
    match answer(app, &booking, (Vec::new(), booking.slot()), repeats).await {
        Ok(Some(booking)) => {
            tracing::info!(owner = %booking.owner, booking = %booking.id, sync = ?booking.calendar_sync, "booked");
            Ok(Made::Stands(Box::new(booking)))
        }
        Ok(None) => Ok(Made::Elsewhere),
        Err(error) => {
            // The ledger has had the time since it was taken, and the reconciler goes on from there.
            tracing::error!(owner = %booking.owner, booking = %booking.id, %error, "a booking is not confirmed yet");
            match booking.calendar_sync {
                // It finds the event: no more and no less than that is told.
                CalendarSync::Synced => {
                    Ok(Made::Stands(Box::new(Booking { calendar_sync: CalendarSync::Pending, ..booking })))
                }
                // It asks the calendar anew, which may say something else by then.
                CalendarSync::Pending | CalendarSync::Failed | CalendarSync::Off => Err(error),
            }
        }
    }
}

/// The slot is not ours after all: its time is free again, and the same request may be made again. An event that was
/// written is deleted, at the latest by the reconciler.
async fn give_back(
    app: &App,
    desk: Desk<'_>,
    booking: Booking,
    event: Option<String>,
    repeats: Option<&Repeats>,
) -> Result<()> {
    let mut failed = Booking {
        status: BookingStatus::Failed,
        calendar_sync: if event.is_some() { CalendarSync::Pending } else { CalendarSync::Failed },
        event_id: event,
        ..booking
    };
    failed.due(failed.event_id.is_some().then(|| later(app)));
    let with = repeats.map_or(Ok(Vec::new()), |repeats| repeats.forget(app, &failed.owner))?;
    let step = rows::Step { booking: &failed, out: all_of(&failed), reach: failed.slot(), with };
    let Some(failed) = rows::commit(app, step).await? else { return Ok(()) };
    if failed.event_id.is_some() {
        remove(app, desk, failed).await?;
    }
    Ok(())
}

/// Writes ledger, booking and operations in one transaction, on condition that no day changed since it was read.
async fn take(app: &App, desk: Desk<'_>, draft: &Booking, request: &Request) -> Result<Taken> {
    let held = request.hold.as_ref().map(|hold| hold.id.as_str());
    // Whether an earlier one of the same name came to nothing; asked anew behind each reading of the days, which fence it.
    let mut over = false;
    for _ in 0..ATTEMPTS {
        let days = app.store.days(desk.owner, request.slot).await?;
        let but: Vec<&str> = held.into_iter().collect();
        // What was held in time is not too late while it is held.
        let asked_at = request.hold.as_ref().map_or_else(|| app.clock.now(), made_at);
        if let Some(reason) = obstacle(app, desk, &days, request.slot, request.buffers, &but, asked_at)? {
            // A repeat may come when its own booking or the passing of time stands in the way.
            return match (replay(app, desk, &request.repeats).await?, reason) {
                (Before::Was(earlier), _) => Ok(earlier),
                (Before::Nothing | Before::GivenBack, EmptyReason::FullyBooked) => Ok(Taken::Somebody),
                (Before::Nothing | Before::GivenBack, reason) => Err(not_offered(reason)),
            };
        }
        if over {
            match replay(app, desk, &request.repeats).await? {
                Before::Was(earlier) => return Ok(earlier),
                Before::Nothing | Before::GivenBack => {}
            }
        }
        let mut with = vec![app.store.put_booking(draft, None)?];
        with.extend(request.repeats.start(app, draft, over)?);
        if let Some(hold) = &request.hold {
            with.push(app.store.delete_hold(hold)?);
        }
        let out: Vec<Out<'_>> = held.map(|of| Out { of, at: None }).into_iter().collect();
        let entry = rows::entry(draft, request.slot);
        if enter(app, &days, &out, &entry, with).await?.is_some() {
            return Ok(Taken::Ours(Box::new(Booking { version: 1, ..draft.clone() })));
        }
        if let Some(ours) = app.store.booking(desk.owner, &draft.id).await? {
            // The SDK repeated a transaction whose answer was lost; after a long one somebody else may be finishing it.
            return if ours.version == 1 { Ok(Taken::Ours(Box::new(ours))) } else { Err(in_progress()) };
        }
        match replay(app, desk, &request.repeats).await? {
            Before::Was(earlier) => return Ok(earlier),
            Before::GivenBack => over = true,
            Before::Nothing => {}
        }
        if let Some(hold) = &request.hold
            && app.store.hold(desk.owner, &hold.id, app.clock.now()).await?.is_none()
        {
            return Err(Error::conflict("hold_expired", "The hold is gone. Choose a time again."));
        }
    }
    Err(contended())
}

/// What is left of an earlier request under the same name.
enum Before {
    Nothing,
    /// It came to nothing, and its names are still there.
    GivenBack,
    Was(Taken),
}

async fn replay(app: &App, desk: Desk<'_>, repeats: &Repeats) -> Result<Before> {
    Ok(match repeats.earlier(app, desk.owner).await? {
        None => Before::Nothing,
        Some(Earlier::GivenBack) => Before::GivenBack,
        Some(Earlier::Answered(booking)) => Before::Was(Taken::Replayed(booking)),
        Some(Earlier::Abandoned(booking)) if booking.status == BookingStatus::Creating => {
            Before::Was(Taken::Unfinished(booking))
        }
        // The reconciler finished it; it may have been called off since.
        Some(Earlier::Abandoned(booking)) => Before::Was(Taken::Replayed(booking)),
    })
}
