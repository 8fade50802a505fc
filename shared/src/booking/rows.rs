//! A booking's rows: day ledger, booking and operations move together, in one transaction each time.

use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::{SignedDuration, Timestamp};

use super::{Desk, Repeats, contended};
use crate::{
    app::App,
    availability::booked,
    error::Result,
    range::Interval,
    schedule::Buffers,
    slots::{self, EmptyReason, Question},
    store::{
        Transaction,
        bookings::{Booking, BookingStatus, CalendarSync, Problem},
        ledger::{Days, Entry, Out},
    },
};

/// A lost condition means that somebody else wrote these days: read again, at most this often.
pub(super) const ATTEMPTS: u32 = 5;

/// Giving up here would block the slot: of all who write these days at once somebody gets through each time.
const ATTEMPTS_BACK: u32 = 40;

/// The reconciler looks at unfinished work after this: no request lives so long.
const UNFINISHED_AFTER: SignedDuration = SignedDuration::from_secs(60);

/// When the reconciler is to look at a booking that is being worked on.
pub(super) fn later(app: &App) -> Timestamp {
    app.clock.now().saturating_add(UNFINISHED_AFTER).unwrap_or(Timestamp::MAX)
}

/// What our own rules say about a slot; calendars are asked after the ledger has it. `but` names what may be there,
/// and `asked_at` is when the time was first asked for: notice and horizon count from then.
pub(super) fn obstacle(
    app: &App,
    desk: Desk<'_>,
    days: &Days,
    slot: Interval,
    buffers: Buffers,
    but: &[&str],
    asked_at: Timestamp,
) -> Result<Option<EmptyReason>> {
    let booked = booked(days, app.clock.now(), but);
    let question = Question {
        schedule: desk.schedule,
        duration: slot.duration(),
        buffers,
        busy: Some(&[]),
        booked: &booked,
        window: slot,
        known_until: slot.end,
        now: asked_at,
        grid_zone: None,
    };
    slots::obstacle(&question, slot)
}

/// What one transaction changes.
pub(super) struct Step<'a> {
    /// The booking as it is to be; its version is the one that was read.
    pub(super) booking: &'a Booking,
    /// What leaves the ledger, and the time that it lies in.
    pub(super) out: Vec<Out<'a>>,
    /// See `out`.
    pub(super) reach: Interval,
    /// Further actions.
    pub(super) with: Vec<TransactWriteItem>,
}

/// Writes a booking over the version that it carries, takes time out of the ledger, and does what goes with it.
/// `None` when somebody else wrote the booking in between.
pub(super) async fn commit(app: &App, step: Step<'_>) -> Result<Option<Booking>> {
    let booking = Booking { updated_at: app.clock.second(), ..step.booking.clone() };
    for _ in 0..ATTEMPTS_BACK {
        let mut actions = vec![app.store.put_booking(&booking, Some(booking.version))?];
        if !step.out.is_empty() {
            let days = app.store.days(&booking.owner, step.reach).await?;
            actions.extend(app.store.change_days(&days, &step.out, None, app.clock.now())?);
        }
        actions.extend(step.with.iter().cloned());
        match app.store.transact(actions).await? {
            Transaction::Done => {
                return Ok(Some(Booking { version: booking.version + 1, ..booking }));
            }
            // The first action is the booking: another writer was there.
            Transaction::Refused(which) if which.first() == Some(&true) => {
                return landed_before(app, &booking).await;
            }
            Transaction::Refused(_) | Transaction::Contended => {}
        }
    }
    Err(contended())
}

/// The SDK repeats a transaction whose answer was lost: what is there may be ours.
async fn landed_before(app: &App, wanted: &Booking) -> Result<Option<Booking>> {
    let there = app.store.booking(&wanted.owner, &wanted.id).await?;
    let ours = Booking { version: wanted.version + 1, ..wanted.clone() };
    Ok(there.filter(|there| *there == ours))
}

/// Puts time into the ledger together with a booking's row. `None` when a day or the row changed since it was read.
pub(super) async fn enter(
    app: &App,
    days: &Days,
    out: &[Out<'_>],
    entry: &Entry,
    with: Vec<TransactWriteItem>,
) -> Result<Option<()>> {
    let mut actions = with;
    actions.extend(app.store.change_days(days, out, Some(entry), app.clock.now())?);
    match app.store.transact(actions).await? {
        Transaction::Done => Ok(Some(())),
        Transaction::Refused(_) | Transaction::Contended => Ok(None),
    }
}

/// The entry of a booking at a time.
pub(super) fn entry(booking: &Booking, slot: Interval) -> Entry {
    Entry::new(booking.id.as_str(), slot, booking.buffers(), None)
}

/// Every entry of a booking.
pub(super) fn all_of(booking: &Booking) -> Vec<Out<'_>> {
    vec![Out { of: booking.id.as_str(), at: None }]
}

/// The time that a booking's entries lie in.
pub(super) fn reach(booking: &Booking) -> Interval {
    booking
        .moving_to()
        .map_or(booking.slot(), |to| Interval::new(booking.start.min(to.start), booking.end.max(to.end)))
}

/// Writes a booking and the answer of its request.
pub(super) async fn answer(
    app: &App,
    booking: &Booking,
    (out, reach): (Vec<Out<'_>>, Interval),
    repeats: Option<&Repeats>,
) -> Result<Option<Booking>> {
    let with = repeats.map_or(Ok(Vec::new()), |repeats| repeats.finish(app, booking))?;
    commit(app, Step { booking, out, reach, with }).await
}

/// The calendar shows a booking as it is, or never will: nothing is left to do.
pub(super) async fn finished(
    app: &App,
    booking: Booking,
    sync: CalendarSync,
    problem: Option<Problem>,
) -> Result<Booking> {
    let mut done = Booking { calendar_sync: sync, problem, attempts: 0, ..booking.clone() };
    if done.status == BookingStatus::Cancelling {
        done.status = BookingStatus::Cancelled;
    }
    done.due(None);
    let step = Step { booking: &done, out: Vec::new(), reach: done.slot(), with: Vec::new() };
    // Somebody else wrote it in between: then they finish it.
    Ok(commit(app, step).await?.unwrap_or(booking))
}
