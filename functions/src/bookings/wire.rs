//! Bookings and holds as they are written and shown.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};
use shared::{
    calendar::is_address,
    calendars::EventTime,
    error::{Error, Result},
    range::Interval,
    schedule::minutes,
    service::LENGTHS,
    store::bookings::{Booking, BookingStatus, CalendarSync, Hold, Problem},
};
use utoipa::ToSchema;

use crate::extract::{bounded, flat, said};

/// Longer than any name, number or address that people write.
const MOST_NAME: usize = 200;
const MOST_PHONE: usize = 40;
const MOST_NOTES: usize = 4_000;
const MOST_TITLE: usize = 255;
const MOST_LOCATION: usize = 1_024;

/// A slot that is to be booked, held or moved to: a token from an availability answer, or start and end.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
pub(crate) struct SlotBody {
    /// The `slot` of an availability answer.
    pub(crate) slot: Option<String>,
    /// With an offset or `Z`, or without one in the owner's zone.
    #[schema(example = "2026-01-06T14:00:00")]
    pub(crate) start: Option<String>,
    /// The same; by the service's length, `duration_minutes`, or 30 minutes after `start`, when it is not said.
    #[schema(example = "2026-01-06T14:30:00")]
    pub(crate) end: Option<String>,
    /// How long, when there is no end.
    #[schema(minimum = 5, maximum = 1440)]
    pub(crate) duration_minutes: Option<u32>,
    /// The service that is booked; it sets length and buffers.
    pub(crate) service: Option<String>,
}

/// A booking to be made.
#[derive(Deserialize, Serialize, ToSchema)]
pub(crate) struct BookingBody {
    /// When.
    #[serde(flatten, deserialize_with = "flat")]
    pub(crate) when: SlotBody,
    /// A hold that the booking takes the place of.
    pub(crate) hold_id: Option<String>,
    /// What for; the service's name, or "Appointment with" the attendee, when it is not said.
    #[schema(max_length = 255)]
    pub(crate) title: Option<String>,
    /// Who comes.
    pub(crate) attendee: Option<AttendeeBody>,
    /// What the attendee said.
    #[schema(max_length = 4000)]
    pub(crate) notes: Option<String>,
    /// Where.
    #[schema(max_length = 1024)]
    pub(crate) location: Option<String>,
    /// With a video meeting.
    pub(crate) is_online_meeting: Option<bool>,
}

/// Who comes.
#[derive(Deserialize, Serialize, ToSchema)]
// Schemas share one name space, and an event's attendees have another shape.
#[schema(as = Guest)]
pub(crate) struct AttendeeBody {
    /// Name.
    #[schema(max_length = 200)]
    pub(crate) name: String,
    /// Address; the calendar invites it.
    pub(crate) email: Option<String>,
    /// Phone number.
    #[schema(max_length = 40)]
    pub(crate) phone: Option<String>,
}

impl SlotBody {
    /// How long it takes, where that is said.
    pub(crate) fn length(&self) -> Result<Option<SignedDuration>> {
        let within = |said| bounded("duration_minutes", Some(said), LENGTHS).map(minutes);
        self.duration_minutes.map(within).transpose()
    }

    /// Start and end in the owner's zone.
    pub(crate) fn interval(&self, zone: &TimeZone, length: SignedDuration) -> Result<Interval> {
        let Some(start) = &self.start else { return Err(Error::invalid("start", "is missing")) };
        let start = EventTime::parse("start", start)?.second("start", zone)?;
        let end = match &self.end {
            Some(end) => EventTime::parse("end", end)?.second("end", zone)?,
            None => {
                start.saturating_add(length).map_err(|_| Error::invalid("start", "lies too far ahead"))?
            }
        };
        let slot = Interval::new(start, end);
        if slot.is_empty() {
            return Err(Error::invalid("end", "must be after start"));
        }
        if slot.duration() > minutes(*LENGTHS.end()) {
            return Err(Error::invalid("end", "must be at most a day after start"));
        }
        if slot.duration() < minutes(*LENGTHS.start()) {
            return Err(Error::invalid("end", "must be at least five minutes after start"));
        }
        Ok(slot)
    }
}

impl BookingBody {
    /// Refuses what is wrong in any case, before anything is read.
    pub(crate) fn check(&self) -> Result<()> {
        for (field, text, most) in [
            ("title", &self.title, MOST_TITLE),
            ("notes", &self.notes, MOST_NOTES),
            ("location", &self.location, MOST_LOCATION),
        ] {
            text.as_ref().map_or(Ok(()), |text| said(field, text, most))?;
        }
        let Some(attendee) = &self.attendee else { return Err(Error::invalid("attendee", "is missing")) };
        said("attendee.name", &attendee.name, MOST_NAME)?;
        attendee.phone.as_ref().map_or(Ok(()), |phone| said("attendee.phone", phone, MOST_PHONE))?;
        match &attendee.email {
            Some(email) if !is_address(email) => {
                Err(Error::invalid("attendee.email", "must be an e-mail address"))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// A booking.
#[derive(Serialize, ToSchema)]
#[schema(as = Booking)]
pub(crate) struct BookingView {
    /// Its id for ever.
    id: String,
    /// `creating`, `confirmed`, `cancelled`, or `failed`: refused before it stood, told only where it is asked for.
    #[schema(example = "confirmed")]
    status: &'static str,
    /// Whether the calendar shows it: `synced`, `pending`, `failed`, or `off` where the owner keeps bookings out.
    #[schema(value_type = String, example = "synced")]
    calendar_sync: CalendarSync,
    /// Why not, where nobody tries any more: `moved_by_hand`, `deleted_by_hand`, `refused`, `too_late`.
    #[schema(value_type = Option<String>)]
    calendar_problem: Option<Problem>,
    /// Grows with every change that the attendee should hear of.
    sequence: u32,
    /// From when (RFC 3339, UTC).
    #[schema(value_type = String, format = DateTime)]
    start: Timestamp,
    /// Until when.
    #[schema(value_type = String, format = DateTime)]
    end: Timestamp,
    /// IANA zone of the owner.
    time_zone: String,
    /// The service.
    service: Option<String>,
    /// What for.
    title: String,
    /// Who comes.
    attendee: AttendeeView,
    /// What the attendee said.
    notes: Option<String>,
    /// Where.
    location: Option<String>,
    /// With a video meeting.
    is_online_meeting: bool,
    /// The connection it is written to.
    connection_id: Option<String>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

/// Who comes.
#[derive(Serialize, ToSchema)]
#[schema(as = BookingAttendee)]
struct AttendeeView {
    /// Name.
    name: Option<String>,
    /// Address.
    email: Option<String>,
    /// Phone number.
    phone: Option<String>,
}

impl From<Booking> for BookingView {
    fn from(booking: Booking) -> Self {
        Self {
            id: booking.id.to_string(),
            status: status(booking.status),
            calendar_sync: booking.calendar_sync,
            calendar_problem: booking.problem,
            sequence: booking.sequence,
            start: booking.start,
            end: booking.end,
            time_zone: booking.time_zone,
            service: booking.service,
            title: booking.title,
            attendee: AttendeeView {
                name: booking.attendee_name,
                email: booking.attendee_email,
                phone: booking.attendee_phone,
            },
            notes: booking.notes,
            location: booking.location,
            is_online_meeting: booking.is_online_meeting,
            connection_id: booking.connection.map(|id| id.to_string()),
            created_at: booking.created_at,
            updated_at: booking.updated_at,
        }
    }
}

/// A booking whose event is still to be deleted is cancelled for everybody.
fn status(status: BookingStatus) -> &'static str {
    match status {
        BookingStatus::Creating => "creating",
        BookingStatus::Confirmed => "confirmed",
        BookingStatus::Failed => "failed",
        BookingStatus::Cancelling | BookingStatus::Cancelled => "cancelled",
    }
}

/// The status that a query names.
pub(crate) fn wanted(text: &str) -> Result<BookingStatus> {
    match text.trim().to_ascii_lowercase().as_str() {
        "creating" => Ok(BookingStatus::Creating),
        "confirmed" => Ok(BookingStatus::Confirmed),
        "cancelled" | "canceled" => Ok(BookingStatus::Cancelled),
        "failed" => Ok(BookingStatus::Failed),
        _ => Err(Error::invalid("status", "must be creating, confirmed, cancelled or failed")),
    }
}

/// A slot that is kept.
#[derive(Serialize, ToSchema)]
#[schema(as = Hold)]
pub(crate) struct HoldView {
    /// Its id.
    id: String,
    /// When it ends by itself.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    /// From when.
    #[schema(value_type = String, format = DateTime)]
    start: Timestamp,
    /// Until when.
    #[schema(value_type = String, format = DateTime)]
    end: Timestamp,
    /// The service it is for.
    service: Option<String>,
}

impl From<Hold> for HoldView {
    fn from(hold: Hold) -> Self {
        Self {
            id: hold.id.to_string(),
            expires_at: hold.expires_at,
            start: hold.start,
            end: hold.end,
            service: hold.service,
        }
    }
}
