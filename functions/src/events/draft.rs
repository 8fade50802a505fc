//! Events as callers write them.

use serde::Deserialize;
use shared::{
    calendar::{Attendee, Response, is_address},
    calendars::{EventChange, EventTime, NewEvent},
    error::{Error, Result},
};
use utoipa::ToSchema;

use crate::{connections::connection_id, extract::said};

/// Graph keeps 255 characters of a title.
const MOST_SUBJECT: usize = 255;

/// Longer than any address of a place.
const MOST_LOCATION: usize = 1024;

/// Google takes 200 attendees without a paid plan.
const MOST_ATTENDEES: usize = 200;

/// An event to be written.
#[derive(Deserialize, ToSchema)]
pub(super) struct EventBody {
    /// Title.
    #[schema(min_length = 1, max_length = 255)]
    subject: String,
    /// With an offset or `Z`, without one in `time_zone`, or a date.
    #[schema(example = "2026-01-05T14:00:00")]
    start_time: String,
    /// The same; must be later.
    #[schema(example = "2026-01-05T14:30:00")]
    end_time: String,
    /// IANA or Windows zone of times without an offset; the owner's when it is not said.
    time_zone: Option<String>,
    /// Whole days.
    all_day: Option<bool>,
    /// Who is invited.
    attendees: Option<Vec<AttendeeBody>>,
    /// One more who is invited.
    attendee_email: Option<String>,
    /// Free text.
    body: Option<String>,
    /// Where.
    #[schema(max_length = 1024)]
    location: Option<String>,
    /// With a video meeting.
    is_online_meeting: Option<bool>,
    /// Into this connection; the default one when it is not said.
    connection_id: Option<String>,
}

/// A change to an event; what is not said stays.
#[derive(Deserialize, ToSchema)]
pub(super) struct EventPatchBody {
    /// Title.
    #[schema(min_length = 1, max_length = 255)]
    subject: Option<String>,
    /// Comes with `end_time`.
    start_time: Option<String>,
    /// Comes with `start_time`.
    end_time: Option<String>,
    /// IANA or Windows zone of times without an offset; the owner's when it is not said.
    time_zone: Option<String>,
    /// Whether the times mean whole days.
    all_day: Option<bool>,
    /// The whole list.
    attendees: Option<Vec<AttendeeBody>>,
    /// Free text.
    body: Option<String>,
    /// Where.
    #[schema(max_length = 1024)]
    location: Option<String>,
}

/// Somebody invited: an address alone, or with a name.
#[derive(Deserialize, ToSchema)]
#[serde(untagged, expecting = "expected an e-mail address, or an object with email and name")]
pub(super) enum AttendeeBody {
    /// An address.
    Address(String),
    /// An address and a name.
    Named {
        /// Address.
        email: String,
        /// Name.
        name: Option<String>,
    },
}

impl EventBody {
    /// The event that is meant.
    pub(super) fn into_event(self) -> Result<NewEvent> {
        said("subject", &self.subject, MOST_SUBJECT)?;
        let mut attendees = self.attendees.unwrap_or_default();
        attendees.extend(self.attendee_email.filter(|email| !email.is_empty()).map(AttendeeBody::Address));
        Ok(NewEvent {
            start: EventTime::parse("start_time", &self.start_time)?,
            end: EventTime::parse("end_time", &self.end_time)?,
            subject: self.subject,
            time_zone: self.time_zone,
            all_day: self.all_day.unwrap_or_default(),
            attendees: invited(attendees)?,
            body: self.body,
            location: place(self.location)?,
            is_online_meeting: self.is_online_meeting.unwrap_or_default(),
            connection: self.connection_id.map(|id| connection_id("connection_id", &id)).transpose()?,
        })
    }
}

impl EventPatchBody {
    /// The change that is meant.
    pub(super) fn into_change(self) -> Result<EventChange> {
        if let Some(subject) = &self.subject {
            said("subject", subject, MOST_SUBJECT)?;
        }
        let read = |field, text: Option<String>| text.map(|text| EventTime::parse(field, &text)).transpose();
        Ok(EventChange {
            subject: self.subject,
            start: read("start_time", self.start_time)?,
            end: read("end_time", self.end_time)?,
            time_zone: self.time_zone,
            all_day: self.all_day.unwrap_or_default(),
            attendees: self.attendees.map(invited).transpose()?,
            body: self.body,
            location: place(self.location)?,
        })
    }
}

fn place(location: Option<String>) -> Result<Option<String>> {
    if location.as_ref().is_some_and(|location| location.chars().count() > MOST_LOCATION) {
        return Err(Error::invalid("location", format!("must have at most {MOST_LOCATION} characters")));
    }
    Ok(location)
}

fn invited(attendees: Vec<AttendeeBody>) -> Result<Vec<Attendee>> {
    if attendees.len() > MOST_ATTENDEES {
        return Err(Error::invalid("attendees", format!("must be at most {MOST_ATTENDEES}")));
    }
    let people = attendees.into_iter().map(|attendee| match attendee {
        AttendeeBody::Address(email) => (email, None),
        AttendeeBody::Named { email, name } => (email, name),
    });
    let people = people.enumerate().map(|(index, (email, name))| {
        let email = email.trim().to_owned();
        if !is_address(&email) {
            return Err(Error::invalid(format!("attendees[{index}].email"), "must be an e-mail address"));
        }
        Ok(Attendee { name: name.filter(|name| !name.is_empty()), email, response: Response::None })
    });
    people.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::extract::read;

    fn with(more: Value) -> Result<NewEvent> {
        let mut body =
            json!({"subject": "Haircut", "start_time": "2026-01-05T14:00", "end_time": "2026-01-05T14:30"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        read::<EventBody>(body)?.into_event()
    }

    #[test]
    fn attendees_come_in_three_ways() {
        let event = with(json!({
            "attendees": ["a@example.com", {"email": "b@example.com", "name": "Caller"}],
            "attendee_email": "c@example.com",
        }));
        let event = event.unwrap();
        let emails: Vec<_> = event.attendees.iter().map(|attendee| attendee.email.as_str()).collect();
        assert_eq!(emails, ["a@example.com", "b@example.com", "c@example.com"]);
        assert_eq!(event.attendees[1].name.as_deref(), Some("Caller"));
    }

    #[test]
    fn a_wrong_event_names_its_field() {
        for (more, expected) in [
            (json!({"subject": " "}), "subject"),
            (json!({"subject": "x".repeat(256)}), "subject"),
            (json!({"start_time": "tomorrow"}), "start_time"),
            (json!({"end_time": 5}), "end_time"),
            (json!({"attendees": ["nobody"]}), "attendees[0].email"),
            (json!({"attendees": [{"name": "x"}]}), "attendees[0]"),
            (json!({"attendee_email": "a b@example.com"}), "attendees[0].email"),
            (json!({"connection_id": "x"}), "connection_id"),
            (json!({"location": "x".repeat(1025)}), "location"),
        ] {
            let Err(Error::Invalid { field, .. }) = with(more) else { panic!("{expected} was taken") };
            assert_eq!(field, expected);
        }
    }
}
