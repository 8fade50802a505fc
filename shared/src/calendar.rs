//! What every provider's calendar is turned into: events, calendars and drafts, without any provider's spelling.

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::{civil::whole_day, range::Interval};

/// Local midnight is at most 14 hours from UTC's: a provider that keeps a whole day in UTC may file it that far outside
/// of a window in which it lies.
pub const FARTHEST_OFFSET: SignedDuration = SignedDuration::from_hours(14);

/// When an event takes place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// Between two instants.
    Timed(Interval),
    /// Whole local days; `end` is the first day after.
    AllDay {
        /// First day.
        start: Date,
        /// First day after.
        end: Date,
    },
}

impl When {
    /// The time it takes; whole days are days of `zone`.
    pub fn interval(&self, zone: &TimeZone) -> Option<Interval> {
        match self {
            Self::Timed(interval) => Some(*interval),
            Self::AllDay { start, end } => {
                let last = end.yesterday().ok()?.max(*start);
                Some(Interval::new(whole_day(zone, *start)?.start, whole_day(zone, last)?.end))
            }
        }
    }
}

/// Whether an event stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventStatus {
    /// It takes place.
    Confirmed,
    /// It may take place.
    Tentative,
    /// It was called off.
    Cancelled,
}

/// Somebody invited to an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attendee {
    /// Display name, when known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// E-mail address.
    pub email: String,
    /// `accepted`, `declined`, `tentative` or `none`.
    #[serde(default)]
    pub response: Response,
}

/// An attendee's answer to the invitation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Response {
    /// Comes.
    Accepted,
    /// Does not come.
    Declined,
    /// May come.
    Tentative,
    /// Has not answered.
    #[default]
    None,
}

/// An event as read from a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The provider's id of this occurrence.
    pub id: String,
    /// Title; empty when the provider shows none.
    pub subject: String,
    /// Start and end.
    pub when: When,
    /// IANA zone in which the provider shows it, when known.
    pub time_zone: Option<String>,
    /// Whether it blocks time: not free, not cancelled, not declined by the owner, not a working place.
    pub busy: bool,
    /// Whether it stands.
    pub status: EventStatus,
    /// Whether the calendar's owner declined it.
    pub declined: bool,
    /// Where.
    pub location: Option<String>,
    /// Free text, as plain text.
    pub body: Option<String>,
    /// Who is invited.
    pub attendees: Vec<Attendee>,
    /// Organizer's e-mail address.
    pub organizer: Option<String>,
    /// Whether it has a video meeting.
    pub is_online_meeting: bool,
    /// Where a person opens it.
    pub web_link: Option<String>,
    /// Whether it belongs to a series.
    pub recurring: bool,
    /// The provider's version of it, for `If-Match`.
    pub etag: Option<String>,
    /// When it was first written, when the provider tells.
    pub created: Option<Timestamp>,
}

/// An event to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventDraft {
    /// Makes the create idempotent: Google's event id (a–v, 0–9) and Graph's `transactionId` are derived from it.
    pub key: String,
    /// Title.
    pub subject: String,
    /// Start and end.
    pub when: When,
    /// IANA zone in which the event is created: the owner's.
    pub time_zone: String,
    /// Who is invited.
    pub attendees: Vec<Attendee>,
    /// Free text.
    pub body: Option<String>,
    /// Where.
    pub location: Option<String>,
    /// Whether the provider adds a video meeting.
    pub is_online_meeting: bool,
}

/// A change to an event; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventPatch {
    /// New title.
    pub subject: Option<String>,
    /// New start and end, and the IANA zone in which they are written.
    pub when: Option<(When, String)>,
    /// New list of attendees, whole.
    pub attendees: Option<Vec<Attendee>>,
    /// New free text.
    pub body: Option<String>,
    /// New place.
    pub location: Option<String>,
}

/// A calendar of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarListing {
    /// The provider's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether it is the account's own default calendar.
    pub primary: bool,
    /// Whether events may be written to it.
    pub writable: bool,
    /// IANA zone, when the provider tells.
    pub time_zone: Option<String>,
}

/// One page of events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventPage {
    /// In order of their start.
    pub events: Vec<Event>,
    /// The provider's cursor to the next page: opaque, and only ever sent back to that provider.
    pub next: Option<String>,
    /// The zone in which its whole days are days; none where they are the owner's.
    pub zone: Option<TimeZone>,
}

/// Whether a text can be an e-mail address. Only what is surely wrong is refused: the provider knows the rest (RFC 5321, section 4.5.3.1).
pub fn is_address(text: &str) -> bool {
    let odd = |letter: char| letter.is_whitespace() || letter.is_control() || "<>,;\"".contains(letter);
    let parts = text.rsplit_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    text.len() <= 254 && parts && !text.chars().any(odd)
}
