//! Taking a slot: the ledger first, the provider after it (SECURITY.md S5).
//!
//! A booking is CREATING from the moment the ledger has it until the calendar was asked; it never expires by itself,
//! and what the calendar could not take stays booked and is marked as pending.

mod calendar;
mod ledger;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use self::{
    calendar::{Outcome, resume, write},
    ledger::{Taken, confirm, give_back, take},
};
use crate::{
    app::App,
    availability::{Query, free_slots},
    calendars::working_one,
    error::{Error, Result},
    ids::{BookingId, OwnerId},
    range::Interval,
    schedule::Schedule,
    slots::{self, EmptyReason},
    store::{
        connections::OwnerRows,
        ledger::{Booking, BookingStatus, CalendarSync},
    },
    tokens::Patience,
};

/// How many free slots come with "taken".
const ALTERNATIVES: usize = 3;

/// Alternatives are looked for this far on both sides.
const NEARBY: SignedDuration = SignedDuration::from_hours(3 * 24);

/// What is to be booked.
#[derive(Clone, Debug)]
pub struct Request {
    /// The slot.
    pub slot: Interval,
    /// What for.
    pub title: String,
    /// Who comes.
    pub attendee_name: Option<String>,
    /// His e-mail address; he is invited to the event.
    pub attendee_email: Option<String>,
    /// His phone number.
    pub attendee_phone: Option<String>,
    /// What he said.
    pub notes: Option<String>,
    /// Names under which a repeat of this request is known; the first one that is found replays its answer.
    pub repeats: Vec<String>,
    /// How long the caller can wait.
    pub patience: Patience,
}

/// A booking that stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Booked {
    /// Its id.
    pub id: BookingId,
    /// From when.
    pub start: Timestamp,
    /// Until when.
    pub end: Timestamp,
    /// IANA zone of its owner.
    pub time_zone: String,
    /// Whether the calendar shows it.
    pub calendar_sync: CalendarSync,
}

/// Books a slot. A repeat of the same request gets the same answer; a taken slot is an error with three free ones.
pub async fn book(
    app: &App,
    owner: &OwnerId,
    rows: &OwnerRows,
    schedule: &Schedule,
    request: &Request,
) -> Result<Booked> {
    let draft = draft(app, owner, rows, request)?;
    let (draft, outcome) = match take(app, schedule, &draft, request).await? {
        Taken::Ours => {
            let outcome = write(app, rows, schedule, &draft).await;
            (draft, outcome)
        }
        Taken::Unfinished(earlier) => {
            let outcome = resume(app, rows, schedule, &earlier).await;
            (*earlier, outcome)
        }
        Taken::Replayed(booked) => return Ok(booked),
        Taken::Somebody => return Err(taken(app, owner, rows, schedule, request).await),
    };
    match outcome {
        Ok(Outcome::Written(event)) => confirm(app, schedule, draft, request, Some(event.id)).await,
        Ok(Outcome::Later) => confirm(app, schedule, draft, request, None).await,
        Ok(Outcome::Busy) => {
            give_back(app, draft, request).await?;
            Err(taken(app, owner, rows, schedule, request).await)
        }
        Ok(Outcome::Unreadable) => {
            give_back(app, draft, request).await?;
            Err(not_offered(EmptyReason::CalendarUnreachable))
        }
        Err(error) => {
            give_back(app, draft, request).await?;
            Err(error)
        }
    }
}

/// "Taken", with the nearest free slots of the same length.
async fn taken(
    app: &App,
    owner: &OwnerId,
    rows: &OwnerRows,
    schedule: &Schedule,
    request: &Request,
) -> Error {
    let query = Query {
        window: request.slot.widened(NEARBY, NEARBY),
        duration: request.slot.duration(),
        buffers: schedule.buffers(),
        hours: None,
        time_zone: None,
        patience: request.patience,
    };
    match free_slots(app, owner, rows, schedule, &query).await {
        Ok(found) => {
            Error::SlotTaken { alternatives: slots::nearest(&found.slots, request.slot.start, ALTERNATIVES) }
        }
        // That it is taken is known; only the alternatives are not.
        Err(error) => {
            tracing::warn!(%error, "no alternatives found");
            Error::SlotTaken { alternatives: Vec::new() }
        }
    }
}

/// Why our own rules refuse a slot.
fn not_offered(reason: EmptyReason) -> Error {
    let (code, text) = match reason {
        EmptyReason::OutsideHours => ("outside_hours", "This time is outside the working hours."),
        EmptyReason::Notice => ("notice", "This time is in the past or too soon."),
        EmptyReason::Horizon => ("horizon", "This time is further ahead than bookings are taken."),
        EmptyReason::CalendarUnreachable => {
            ("calendar_unreachable", "The calendar cannot be read at the moment.")
        }
        EmptyReason::FullyBooked => ("slot_taken", "This time is taken."),
    };
    Error::conflict(code, text)
}

fn draft(app: &App, owner: &OwnerId, rows: &OwnerRows, request: &Request) -> Result<Booking> {
    let connection = match working_one(app, owner, rows, None) {
        Ok(connection) => Some(connection.id.clone()),
        // Somebody who never connected anything cannot be booked; a dead calendar is written later.
        Err(error @ Error::NeedsConnection { code: "no_connection", .. }) => return Err(error),
        Err(Error::NeedsConnection { .. }) => {
            rows.default_connection().map(|connection| connection.id.clone())
        }
        Err(error) => return Err(error),
    };
    Ok(Booking {
        id: BookingId::random(),
        owner: owner.clone(),
        status: BookingStatus::Creating,
        calendar_sync: CalendarSync::Pending,
        start: request.slot.start,
        end: request.slot.end,
        title: request.title.clone(),
        attendee_name: request.attendee_name.clone(),
        attendee_email: request.attendee_email.clone(),
        attendee_phone: request.attendee_phone.clone(),
        notes: request.notes.clone(),
        connection,
        event_id: None,
        created_at: app.clock.now(),
        ttl: app.store.forgotten(request.slot.end),
    })
}
