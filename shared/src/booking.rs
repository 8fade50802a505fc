//! Taking a slot, moving it and giving it back: the ledger first, the provider after it (SECURITY.md S5).
//!
//! A booking is CREATING from the moment the ledger has it until the calendar was asked; it never expires by itself,
//! and what the calendar could not take stays booked and is marked as pending. Every step writes the row over the version
//! that it read, so that a request and the reconciler never undo each other.

mod calendar;
mod cancel;
mod create;
mod draft;
mod erase;
mod event;
mod hold;
mod list;
mod reconcile;
mod repeats;
mod reschedule;
mod rows;
mod shift;

use jiff::SignedDuration;

use crate::{
    app::App,
    availability::{ALTERNATIVES, NEARBY, Query, free_slots},
    error::{Alternative, Error, Result},
    ids::OwnerId,
    range::Interval,
    schedule::{Buffers, Schedule},
    service::ServiceId,
    slots::{self, EmptyReason},
    slottoken::Offer,
    store::{
        bookings::{Booking, Hold},
        connections::OwnerRows,
    },
    tokens::Patience,
};

pub use cancel::cancel;
pub use create::{again, book};
pub use erase::erase;
pub use hold::{hold, hold_of, let_go};
pub use list::{Page, Search, list, one};
pub use reconcile::{Reconciled, reconcile};
pub use repeats::Repeats;
pub use reschedule::reschedule;

/// What every booking verb needs of the owner, read once.
#[derive(Clone, Copy)]
pub struct Desk<'a> {
    /// Whose time it is.
    pub owner: &'a OwnerId,
    /// His connections and settings.
    pub rows: &'a OwnerRows,
    /// When he takes appointments.
    pub schedule: &'a Schedule,
    /// How long the caller can wait.
    pub patience: Patience,
}

/// What is to be booked.
#[derive(Clone, Debug)]
pub struct Request {
    /// The slot.
    pub slot: Interval,
    /// What is kept free around it: the service's buffers, or the schedule's.
    pub buffers: Buffers,
    /// The service.
    pub service: Option<String>,
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
    /// Where.
    pub location: Option<String>,
    /// Whether the provider adds a video meeting.
    pub is_online_meeting: bool,
    /// A hold on this time that the booking takes the place of.
    pub hold: Option<Hold>,
    /// Under which names a repeat of this request is known.
    pub repeats: Repeats,
}

/// A booking as a request left it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booked {
    /// The booking.
    pub booking: Booking,
    /// Whether an earlier request with the same name had done it.
    pub replayed: bool,
}

/// A slot that was wanted: what is kept free around it, and for which service.
#[derive(Clone, Copy)]
struct Wish<'a> {
    slot: Interval,
    buffers: Buffers,
    service: Option<&'a str>,
}

/// "Taken", with the nearest free slots of the same length.
async fn taken(app: &App, desk: Desk<'_>, wish: Wish<'_>) -> Error {
    // That it is taken is known; only the alternatives may not be.
    let alternatives = near(app, desk, wish).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "no alternatives found");
        Vec::new()
    });
    Error::SlotTaken { alternatives }
}

async fn near(app: &App, desk: Desk<'_>, wish: Wish<'_>) -> Result<Vec<Alternative>> {
    let query = Query {
        window: wish.slot.widened(NEARBY, NEARBY),
        duration: wish.slot.duration(),
        buffers: wish.buffers,
        hours: None,
        time_zone: None,
        patience: desk.patience,
    };
    let found = free_slots(app, desk.owner, desk.rows, desk.schedule, &query).await?;
    let near = slots::nearest(&found.slots, wish.slot.start, ALTERNATIVES);
    match desk.patience {
        Patience::Voice => {
            Ok(near.into_iter().map(|interval| Alternative { interval, slot: None }).collect())
        }
        Patience::Request => offered(app, desk, wish.service, &near).await,
    }
}

/// Free slots with the tokens that book them.
pub async fn offered(
    app: &App,
    desk: Desk<'_>,
    service: Option<&str>,
    free: &[Interval],
) -> Result<Vec<Alternative>> {
    let (key, now) = (app.slot_key().await?, app.clock.now());
    let service: Option<ServiceId> = service.map(str::parse).transpose()?;
    let offer = |slot: &Interval| {
        let (owner, time_zone) = (desk.owner.clone(), desk.schedule.time_zone.clone());
        let offer = Offer { owner, service: service.clone(), slot: *slot, time_zone };
        Ok(Alternative { interval: *slot, slot: Some(key.write(&offer, now)?) })
    };
    free.iter().map(offer).collect()
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

/// Somebody else writes the same days or the same booking again and again.
fn contended() -> Error {
    Error::Unavailable { system: "ledger", retry_after: SignedDuration::from_secs(1) }
}
