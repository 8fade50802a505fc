//! Unfinished work, finished: only ever forward, from what the rows and the provider say (SECURITY.md S5).

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};

use super::{
    Desk,
    calendar::{Outcome, insist, remove, resume},
    create::{Made, make},
    erase::erase,
    reschedule::{self, Moved},
    rows,
    shift::{Shifted, shift},
};
use crate::{
    app::App,
    calendar::{Event, When},
    deadline,
    error::{Error, Result},
    ids::BookingId,
    schedule::Schedule,
    store::{
        bookings::{Booking, BookingStatus, CalendarSync, Problem, Work},
        keys::{DUE_SHARDS, work_shard_at},
    },
    tokens::Patience,
};

/// Bookings looked at in one run, of each shard.
const PAGE: i32 = 50;

/// Bookings looked at side by side.
const AT_ONCE: usize = 8;

/// Nothing is begun with less left: a few provider calls of at most ten seconds.
const ENOUGH: Duration = Duration::from_secs(25);

/// The first pause after a try in vain; it doubles up to the longest.
const FIRST_PAUSE: SignedDuration = SignedDuration::from_mins(1);
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(1);

/// This long after an appointment nobody needs it in the calendar any more.
const TOO_LATE: SignedDuration = SignedDuration::from_hours(24);

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Bookings with work that was due.
    pub looked_at: usize,
    /// Finished.
    pub finished: usize,
    /// Tried in vain; they are tried again.
    pub waiting: usize,
    /// Looks that failed.
    pub failed: usize,
    /// Whether something due is left for the next run.
    pub more: bool,
}

/// How a look ended.
enum Look {
    Finished,
    Waiting,
    Failed,
    /// Not looked at: no time was left.
    Left,
}

/// One run over the work that is due. Two runs at once do no harm: every step is a write over the version that was read.
pub async fn reconcile(app: &App) -> Result<Reconciled> {
    let now = app.clock.now();
    let mut done = Reconciled::default();
    let mut due = Vec::new();
    for shard in 0..DUE_SHARDS {
        let page = app.store.work(&work_shard_at(shard), now, PAGE).await?;
        done.more |= page.len() == usize::try_from(PAGE).unwrap_or_default();
        due.extend(page);
    }
    let looks = due.into_iter().map(|work| look(app, work));
    let mut looks = stream::iter(looks).buffer_unordered(AT_ONCE);
    while let Some(look) = looks.next().await {
        done.looked_at += 1;
        match look {
            Look::Finished => done.finished += 1,
            Look::Waiting => done.waiting += 1,
            Look::Failed => done.failed += 1,
            Look::Left => {
                done.looked_at -= 1;
                done.more = true;
            }
        }
    }
    Ok(done)
}

async fn look(app: &App, work: Work) -> Look {
    if deadline::left() < ENOUGH {
        return Look::Left;
    }
    match settle(app, &work).await {
        Ok(true) => Look::Finished,
        Ok(false) => Look::Waiting,
        Err(error) => {
            tracing::warn!(%error, booking = work.id.as_ref().map(BookingId::as_str), "a booking could not be reconciled");
            Look::Failed
        }
    }
}

/// Goes on with one booking; `false` when its work is left for later.
async fn settle(app: &App, work: &Work) -> Result<bool> {
    let Some(id) = &work.id else { return Ok(erase(app, &work.owner).await? == 0) };
    let now = app.clock.now();
    let Some(booking) = app.store.booking(&work.owner, id).await? else { return Ok(true) };
    if booking.work_at.is_none_or(|at| at > now) {
        // Finished or taken up since the index showed it.
        return Ok(true);
    }
    let owner_rows = app.store.owner_rows(&work.owner).await?;
    let schedule = match &owner_rows.settings.schedule {
        Some(schedule) => schedule.clone(),
        None => Schedule::default_in(booking.time_zone.clone()),
    };
    let desk =
        Desk { owner: &work.owner, rows: &owner_rows, schedule: &schedule, patience: Patience::Request };
    let version = booking.version;
    let left = step(app, desk, booking).await;
    match left {
        Ok(true) => Ok(true),
        Ok(false) | Err(_) => {
            // Whoever wrote it meanwhile said when to look again.
            let current = app.store.booking(&work.owner, id).await?;
            if let Some(current) = current.filter(|current| current.version == version) {
                postpone(app, current, now).await?;
            }
            left
        }
    }
}

async fn step(app: &App, desk: Desk<'_>, booking: Booking) -> Result<bool> {
    match (booking.status, booking.moving_to()) {
        (BookingStatus::Creating, _) => match make(app, desk, booking, false, None).await? {
            Made::Stands(booking) => Ok(booking.calendar_sync != CalendarSync::Pending),
            Made::Open => Ok(false),
            Made::Busy | Made::Unreadable | Made::Elsewhere => Ok(true),
        },
        (BookingStatus::Confirmed, Some(to)) => match reschedule::resume(app, desk, booking, to).await? {
            Moved::Stands(booking) => Ok(booking.calendar_sync != CalendarSync::Pending),
            Moved::Open => Ok(false),
            Moved::Busy | Moved::Unreadable | Moved::ByHand | Moved::Elsewhere => Ok(true),
        },
        (BookingStatus::Confirmed, None) => show(app, desk, booking).await,
        (BookingStatus::Cancelling | BookingStatus::Failed | BookingStatus::Cancelled, _) => {
            let left = remove(app, desk, booking).await?;
            Ok(left.calendar_sync != CalendarSync::Pending)
        }
    }
}

/// Writes a booking that stands into the calendar, whatever else is there by now: it was promised.
async fn show(app: &App, desk: Desk<'_>, booking: Booking) -> Result<bool> {
    if let Some(id) = booking.event_id.clone() {
        return follow(app, desk, booking, &id).await;
    }
    let event = match resume(app, desk, &booking).await {
        Ok(Outcome::Written(event) | Outcome::Contested(event)) => *event,
        Ok(Outcome::Elsewhere(event)) => return elsewhere(app, desk, booking, *event).await,
        Ok(Outcome::Busy) => match insist(app, desk, &booking).await {
            Ok(Some(event)) => event,
            Ok(None) => return Ok(false),
            Err(error) => return refused(app, booking, error).await,
        },
        Ok(Outcome::Deleted) => {
            rows::finished(app, booking, CalendarSync::Failed, Some(Problem::DeletedByHand)).await?;
            return Ok(true);
        }
        Ok(
            Outcome::Free
            | Outcome::Unreadable
            | Outcome::Unheard(Error::Unavailable { .. })
            | Outcome::Later,
        ) => return Ok(false),
        Ok(Outcome::Unheard(error)) | Err(error) => return refused(app, booking, error).await,
    };
    if event.when != When::Timed(booking.slot()) {
        return elsewhere(app, desk, booking, event).await;
    }
    rows::finished(app, booking.showing(event), CalendarSync::Synced, None).await?;
    Ok(true)
}

/// A booking whose event was found at another time: an earlier try put it there, or somebody's hand.
async fn elsewhere(app: &App, desk: Desk<'_>, booking: Booking, event: Event) -> Result<bool> {
    let (tried, id) = (booking.shown_at(), event.id.clone());
    let found = booking.showing(event);
    if tried.is_some() && found.shown_at() == tried {
        return follow(app, desk, found, &id).await;
    }
    rows::finished(app, found, CalendarSync::Failed, Some(Problem::MovedByHand)).await?;
    Ok(true)
}

/// Moves an event to where its booking is by now.
async fn follow(app: &App, desk: Desk<'_>, booking: Booking, event_id: &str) -> Result<bool> {
    match shift(app, desk, &booking, event_id, booking.slot()).await {
        Ok(Shifted::Written(event)) => {
            rows::finished(app, booking.showing(*event), CalendarSync::Synced, None).await?;
            Ok(true)
        }
        Ok(Shifted::ByHand(problem)) => {
            rows::finished(app, booking, CalendarSync::Failed, Some(problem)).await?;
            Ok(true)
        }
        Ok(Shifted::Later) => Ok(false),
        Err(error) => refused(app, booking, error).await,
    }
}

/// What no repeat mends is given up; everything else is tried again.
async fn refused(app: &App, booking: Booking, error: Error) -> Result<bool> {
    if !error.is_lasting() {
        return Err(error);
    }
    rows::finished(app, booking, CalendarSync::Failed, Some(Problem::Refused)).await?;
    Ok(true)
}

/// The next try, or none any more once the appointment is long over.
async fn postpone(app: &App, booking: Booking, now: Timestamp) -> Result<()> {
    // Where it is being moved to may lie long after where it was.
    let over = rows::reach(&booking).end.saturating_add(TOO_LATE).unwrap_or(Timestamp::MAX) <= now;
    if over {
        let status = match booking.status {
            BookingStatus::Creating => BookingStatus::Confirmed,
            other => other,
        };
        let left = Booking { status, moving_start: None, moving_end: None, ..booking };
        rows::finished(app, left, CalendarSync::Failed, Some(Problem::TooLate)).await?;
        return Ok(());
    }
    let doubled = 1_i32.checked_shl(booking.attempts.min(10)).unwrap_or(1);
    let pause = (FIRST_PAUSE * doubled).min(LONGEST_PAUSE);
    let mut waiting = Booking { attempts: booking.attempts + 1, ..booking };
    waiting.due(Some(now.saturating_add(pause).unwrap_or(Timestamp::MAX)));
    let step = rows::Step { booking: &waiting, out: Vec::new(), reach: waiting.slot(), with: Vec::new() };
    rows::commit(app, step).await?;
    Ok(())
}
