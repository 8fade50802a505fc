//! A booking's rows: day ledger, booking and operations move together, in one transaction each time.

use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::SignedDuration;

use super::{Booked, Request, not_offered};
use crate::{
    app::App,
    availability::booked,
    error::{Error, Result},
    ids::OwnerId,
    random,
    schedule::Schedule,
    slots::{self, EmptyReason, Question},
    store::{
        Transaction,
        dedupe::{Operation, REPLAYED_FOR},
        keys,
        ledger::{Booking, BookingStatus, CalendarSync, Days, Entry},
        row::Key,
    },
};

/// A lost condition means that somebody else wrote these days: read again, at most this often.
const ATTEMPTS: u32 = 5;

/// Giving up here would block the slot: of all who write these days at once somebody gets through each time.
const ATTEMPTS_BACK: u32 = 40;

/// API Gateway waits no longer for a function: whoever started before this has ended.
const LONGEST_REQUEST: SignedDuration = SignedDuration::from_secs(30);

/// How a try to take a slot ended.
pub(super) enum Taken {
    /// The ledger has it.
    Ours,
    /// The ledger had it before, for this very request, whose end nobody heard: it goes on where it stopped.
    Unfinished(Box<Booking>),
    /// An earlier request had booked it.
    Replayed(Booked),
    /// Somebody else has the time.
    Somebody,
}

/// Writes ledger, booking and operations in one transaction, on condition that no day changed since it was read.
pub(super) async fn take(
    app: &App,
    schedule: &Schedule,
    draft: &Booking,
    request: &Request,
) -> Result<Taken> {
    for _ in 0..ATTEMPTS {
        let days = app.store.days(&draft.owner, request.slot).await?;
        if let Some(reason) = obstacle(app, schedule, &days, request)? {
            // A repeat may come when its own booking or the passing of time stands in the way.
            return match (replay(app, &draft.owner, request).await?, reason) {
                (Some(earlier), _) => Ok(earlier),
                (None, EmptyReason::FullyBooked) => Ok(Taken::Somebody),
                (None, reason) => Err(not_offered(reason)),
            };
        }
        let entry = Entry { booking: draft.id.clone(), start: draft.start, end: draft.end };
        let mut actions = app.store.add_entry(&days, &entry)?;
        actions.push(app.store.put_booking(draft.clone())?);
        for (key, operation) in operations(app, draft, request, None)? {
            actions.push(app.store.start_operation(key, operation, app.clock.now())?);
        }
        match app.store.transact(actions).await? {
            Transaction::Done => return Ok(Taken::Ours),
            Transaction::Refused(_) | Transaction::Contended => {}
        }
        if let Some(earlier) = replay(app, &draft.owner, request).await? {
            return Ok(earlier);
        }
    }
    Err(contended())
}

/// What our own rules say about the slot; calendars are asked after the ledger has it.
fn obstacle(app: &App, schedule: &Schedule, days: &Days, request: &Request) -> Result<Option<EmptyReason>> {
    let booked = booked(days, schedule);
    let question = Question {
        schedule,
        duration: request.slot.duration(),
        buffers: schedule.buffers(),
        busy: Some(&[]),
        booked: &booked,
        window: request.slot,
        known_until: request.slot.end,
        now: app.clock.now(),
        grid_zone: None,
    };
    slots::obstacle(&question, request.slot)
}

/// The operation rows under which this request is known.
fn operations(
    app: &App,
    draft: &Booking,
    request: &Request,
    answer: Option<&Booked>,
) -> Result<Vec<(Key, Operation)>> {
    let now = app.clock.now();
    let answer =
        answer.map(serde_json::to_string).transpose().map_err(|error| Error::internal(error.to_string()))?;
    let operation = Operation {
        request_hash: request_hash(request),
        subject: draft.id.to_string(),
        answer,
        started_at: now,
        ttl: now.saturating_add(REPLAYED_FOR).map_err(|error| Error::internal(error.to_string()))?,
    };
    Ok(request.repeats.iter().map(|name| (operation_key(&draft.owner, name), operation.clone())).collect())
}

fn operation_key(owner: &OwnerId, name: &str) -> Key {
    keys::idempotency(&format!("booking#{owner}"), name)
}

fn request_hash(request: &Request) -> String {
    let text = format!("{}\n{}\n{:?}", request.slot.start, request.slot.end, request.attendee_phone);
    random::hex(&random::sha256(text.as_bytes()))
}

/// What became of an earlier request under one of the same names.
async fn replay(app: &App, owner: &OwnerId, request: &Request) -> Result<Option<Taken>> {
    for name in &request.repeats {
        let Some(earlier) = app.store.operation(operation_key(owner, name), app.clock.now()).await? else {
            continue;
        };
        if earlier.request_hash != request_hash(request) {
            return Err(Error::conflict("other_request", "This name was used for another booking."));
        }
        let Some(answer) = earlier.answer else {
            return abandoned(app, owner, &earlier).await.map(Some);
        };
        let booked = serde_json::from_str(&answer).map_err(|error| Error::internal(error.to_string()))?;
        return Ok(Some(Taken::Replayed(booked)));
    }
    Ok(None)
}

/// The booking of an operation that never came to an answer. While somebody may be at it nothing is said.
async fn abandoned(app: &App, owner: &OwnerId, earlier: &Operation) -> Result<Taken> {
    let in_progress = || Error::conflict("in_progress", "This booking is being made.");
    if app.clock.now().duration_since(earlier.started_at) < LONGEST_REQUEST {
        return Err(in_progress());
    }
    match app.store.booking(owner, &earlier.subject.parse()?).await? {
        Some(booking) if booking.status == BookingStatus::Creating => {
            Ok(Taken::Unfinished(Box::new(booking)))
        }
        _ => Err(in_progress()),
    }
}

fn answer(schedule: &Schedule, booking: &Booking) -> Booked {
    Booked {
        id: booking.id.clone(),
        start: booking.start,
        end: booking.end,
        time_zone: schedule.time_zone.clone(),
        calendar_sync: booking.calendar_sync,
    }
}

/// The calendar was asked: the booking stands. Without an event it is written to the calendar later.
pub(super) async fn confirm(
    app: &App,
    schedule: &Schedule,
    mut draft: Booking,
    request: &Request,
    event_id: Option<String>,
) -> Result<Booked> {
    draft.status = BookingStatus::Confirmed;
    draft.calendar_sync = if event_id.is_some() { CalendarSync::Synced } else { CalendarSync::Pending };
    draft.event_id = event_id;
    let booked = answer(schedule, &draft);
    let mut actions = vec![app.store.put_booking(draft.clone())?];
    for (key, operation) in operations(app, &draft, request, Some(&booked))? {
        actions.push(app.store.finish_operation(key, operation)?);
    }
    if let Err(error) = commit(app, actions).await {
        // The ledger has had the time since `take`, so that the caller is told no more and no less than that.
        tracing::error!(owner = %draft.owner, booking = %draft.id, %error, "a booking is not confirmed");
        return Ok(Booked { calendar_sync: CalendarSync::Pending, ..booked });
    }
    tracing::info!(owner = %draft.owner, booking = %draft.id, sync = ?draft.calendar_sync, "booked");
    Ok(booked)
}

/// The slot is not ours after all: its time is free again, and the same request may be made again.
pub(super) async fn give_back(app: &App, mut draft: Booking, request: &Request) -> Result<()> {
    (draft.status, draft.calendar_sync) = (BookingStatus::Failed, CalendarSync::Failed);
    for _ in 0..ATTEMPTS_BACK {
        let days = app.store.days(&draft.owner, request.slot).await?;
        let mut actions = app.store.remove_entry(&days, &draft.id)?;
        actions.push(app.store.put_booking(draft.clone())?);
        for name in &request.repeats {
            actions.push(app.store.forget_operation(&operation_key(&draft.owner, name))?);
        }
        match app.store.transact(actions).await? {
            Transaction::Done => return Ok(()),
            Transaction::Refused(_) | Transaction::Contended => {}
        }
    }
    Err(contended())
}

async fn commit(app: &App, actions: Vec<TransactWriteItem>) -> Result<()> {
    for _ in 0..ATTEMPTS {
        match app.store.transact(actions.clone()).await? {
            Transaction::Done => return Ok(()),
            Transaction::Refused(_) | Transaction::Contended => {}
        }
    }
    Err(contended())
}

fn contended() -> Error {
    Error::Unavailable { system: "ledger", retry_after: SignedDuration::from_secs(1) }
}
