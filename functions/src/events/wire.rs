//! Events as they go out.

use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;
use shared::{
    calendar::{EventStatus, Response, When},
    calendars::OwnedEvent,
    ids::{OwnerId, Provider},
};
use utoipa::ToSchema;

/// An event.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventView {
    /// Our id: URL-safe, and good for the calendar it lies in.
    id: String,
    /// Title.
    subject: String,
    /// RFC 3339 with the zone's offset; a date when it lasts whole days.
    #[schema(example = "2026-01-05T14:00:00-05:00")]
    start_time: String,
    /// The same; of whole days the first day after.
    #[schema(example = "2026-01-05T14:30:00-05:00")]
    end_time: String,
    /// IANA zone in which it is told.
    #[schema(example = "America/New_York")]
    time_zone: String,
    /// Whether it lasts whole days.
    all_day: bool,
    /// Whether it blocks time.
    busy: bool,
    /// Where.
    location: Option<String>,
    /// Free text.
    body: Option<String>,
    /// Who is invited.
    attendees: Vec<AttendeeView>,
    /// The organizer's address.
    organizer: Option<String>,
    /// Whether it has a video meeting.
    is_online_meeting: bool,
    /// Where a person opens it.
    web_link: Option<String>,
    /// Whether it belongs to a series.
    recurring: bool,
    /// `confirmed`, `tentative` or `cancelled`.
    #[schema(value_type = String, example = "confirmed")]
    status: EventStatus,
    /// The provider.
    #[schema(value_type = String, example = "google")]
    provider: Provider,
    /// The connection.
    connection_id: String,
    /// Its version, for `If-Match`.
    pub(super) etag: Option<String>,
}

/// Somebody invited.
#[derive(Serialize, ToSchema)]
pub(crate) struct AttendeeView {
    /// Name, when known.
    name: Option<String>,
    /// Address.
    email: String,
    /// `accepted`, `declined`, `tentative` or `none`.
    #[schema(value_type = String, example = "none")]
    response: Response,
}

impl From<OwnedEvent> for EventView {
    fn from(owned: OwnedEvent) -> Self {
        let event = owned.event;
        // A zone that our database does not know is told as UTC, which is always right.
        let known = event.time_zone.and_then(|name| TimeZone::get(&name).ok().map(|zone| (name, zone)));
        let (time_zone, zone) = known.unwrap_or_else(|| ("UTC".to_owned(), TimeZone::UTC));
        let (start_time, end_time, all_day) = match event.when {
            When::Timed(interval) => (rfc3339(interval.start, &zone), rfc3339(interval.end, &zone), false),
            When::AllDay { start, end } => (start.to_string(), end.to_string(), true),
        };
        let attendees = event.attendees.into_iter().map(|attendee| AttendeeView {
            name: attendee.name,
            email: attendee.email,
            response: attendee.response,
        });
        Self {
            id: owned.id,
            subject: event.subject,
            start_time,
            end_time,
            time_zone,
            all_day,
            busy: event.busy,
            location: event.location,
            body: event.body,
            attendees: attendees.collect(),
            organizer: event.organizer,
            is_online_meeting: event.is_online_meeting,
            web_link: event.web_link,
            recurring: event.recurring,
            status: event.status,
            provider: owned.provider,
            connection_id: owned.connection.to_string(),
            etag: event.etag,
        }
    }
}

/// RFC 3339 with the offset that a zone has at that instant.
pub(super) fn rfc3339(at: Timestamp, zone: &TimeZone) -> String {
    at.display_with_offset(zone.to_offset(at)).to_string()
}

/// `user_id` of an answer: the Clerk id, or the tenant that was asked for.
pub(super) fn user_id(owner: &OwnerId) -> String {
    if owner.is_tenant() { owner.to_string() } else { owner.id().to_owned() }
}
