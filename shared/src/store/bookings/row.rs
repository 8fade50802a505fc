//! A booking and a hold as they are stored.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    calendar::{Event, When},
    ids::{BookingId, ConnectionId, HoldId, OwnerId},
    range::Interval,
    schedule::Buffers,
    store::{
        keys,
        row::{Stored, seconds},
    },
};

/// Where a booking stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BookingStatus {
    /// The ledger has it; the provider may or may not have heard. It never expires by itself.
    Creating,
    /// It stands.
    Confirmed,
    /// It was refused before it stood; its time is free again.
    Failed,
    /// It was called off; the provider may or may not have heard.
    Cancelling,
    /// It was called off.
    Cancelled,
}

/// Whether the calendar shows a booking as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CalendarSync {
    /// It does.
    Synced,
    /// It will: the booking stands, the calendar could not be written yet.
    Pending,
    /// It does not, and nobody tries any more; `problem` says why.
    Failed,
    /// It is not meant to: the owner keeps bookings out of the calendar.
    Off,
}

/// Why the calendar does not show a booking as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Problem {
    /// Somebody moved the event by hand; it is left as it is.
    MovedByHand,
    /// Somebody deleted the event by hand; it is not written again.
    DeletedByHand,
    /// The provider refuses the event for good.
    Refused,
    /// The appointment was over before the calendar could be written.
    TooLate,
}

/// A slot taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Booking {
    /// Its id for ever.
    pub id: BookingId,
    /// Whose time it is.
    pub owner: OwnerId,
    /// Where it stands.
    pub status: BookingStatus,
    /// Whether the calendar shows it.
    pub calendar_sync: CalendarSync,
    /// Why not, where nobody tries any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
    /// Moves with every write of this row; fences writers.
    pub version: u64,
    /// Moves with every change that its attendee should hear of (RFC 5545, section 3.8.7.4).
    pub sequence: u32,
    /// From when.
    #[serde(with = "seconds::required")]
    pub start: Timestamp,
    /// Until when.
    #[serde(with = "seconds::required")]
    pub end: Timestamp,
    /// Where it is being moved to: start and end; the ledger has both times until that is done.
    #[serde(default, with = "seconds::optional", skip_serializing_if = "Option::is_none")]
    pub moving_start: Option<Timestamp>,
    /// See `moving_start`.
    #[serde(default, with = "seconds::optional", skip_serializing_if = "Option::is_none")]
    pub moving_end: Option<Timestamp>,
    /// Kept free before it, in seconds.
    #[serde(default)]
    pub before: i64,
    /// Kept free after it, in seconds.
    #[serde(default)]
    pub after: i64,
    /// IANA zone of its owner when it was made.
    pub time_zone: String,
    /// The service that was booked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// What for.
    pub title: String,
    /// Who comes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attendee_name: Option<String>,
    /// His e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attendee_email: Option<String>,
    /// His phone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attendee_phone: Option<String>,
    /// What he said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// Where it takes place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Whether the provider adds a video meeting.
    #[serde(default)]
    pub is_online_meeting: bool,
    /// The connection it is written to; none when it is kept out of the calendar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<ConnectionId>,
    /// The calendar of that connection that its event is in, whichever is written to by now. Rows of before this field
    /// have none: theirs is the one that is written to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calendar: Option<String>,
    /// The provider's event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// The event's version as we wrote it last: a later one is somebody else's hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_etag: Option<String>,
    /// The time that the event shows, as we wrote it last; without an `event_id` the time at which a try that nobody
    /// heard of may have written it.
    #[serde(default, with = "seconds::optional", skip_serializing_if = "Option::is_none")]
    pub event_start: Option<Timestamp>,
    /// See `event_start`.
    #[serde(default, with = "seconds::optional", skip_serializing_if = "Option::is_none")]
    pub event_end: Option<Timestamp>,
    /// How often the calendar was tried in vain since the last change.
    #[serde(default)]
    pub attempts: u32,
    /// Its part of the index of unfinished work; none when nothing is left to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub work_shard: Option<String>,
    /// When the reconciler looks at it.
    #[serde(default, with = "seconds::optional", skip_serializing_if = "Option::is_none")]
    pub work_at: Option<Timestamp>,
    /// When it was made.
    #[serde(with = "seconds::required")]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[serde(with = "seconds::required")]
    pub updated_at: Timestamp,
    /// When it may be forgotten (`BOOKING_RETENTION_DAYS` after its end).
    #[serde(with = "seconds::required")]
    pub ttl: Timestamp,
}

impl Stored for Booking {
    const KIND: &'static str = "booking";
}

impl Booking {
    /// Its time.
    pub fn slot(&self) -> Interval {
        Interval::new(self.start, self.end)
    }

    /// The time it is being moved to.
    pub fn moving_to(&self) -> Option<Interval> {
        Some(Interval::new(self.moving_start?, self.moving_end?))
    }

    /// What is kept free around it.
    pub fn buffers(&self) -> Buffers {
        Buffers {
            before: SignedDuration::from_secs(self.before),
            after: SignedDuration::from_secs(self.after),
        }
    }

    /// The same with the event that shows it.
    pub fn showing(self, event: Event) -> Self {
        let (start, end) = match event.when {
            When::Timed(slot) => (Some(slot.start), Some(slot.end)),
            When::AllDay { .. } => (None, None),
        };
        Self { event_id: Some(event.id), event_etag: event.etag, event_start: start, event_end: end, ..self }
    }

    /// The time that the event shows.
    pub fn shown_at(&self) -> Option<Interval> {
        Some(Interval::new(self.event_start?, self.event_end?))
    }

    /// Puts it into the index of unfinished work for then, or takes it out.
    pub fn due(&mut self, at: Option<Timestamp>) {
        self.work_at = at;
        self.work_shard = at.map(|_| keys::work_shard(&self.id));
    }
}

/// A slot kept for a moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Its id.
    pub id: HoldId,
    /// Whose time it is.
    pub owner: OwnerId,
    /// From when.
    #[serde(with = "seconds::required")]
    pub start: Timestamp,
    /// Until when.
    #[serde(with = "seconds::required")]
    pub end: Timestamp,
    /// The service it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// When it ends by itself.
    #[serde(rename = "ttl", with = "seconds::required")]
    pub expires_at: Timestamp,
}

impl Stored for Hold {
    const KIND: &'static str = "hold";
}
