//! A booking's event at the provider: asked and written after the ledger has the slot.

use crate::{
    app::App,
    availability::{busy, readable},
    calendar::{Attendee, Event, EventDraft, Response, When},
    calendars::{working_one, write_calendar},
    error::{Error, Result},
    providers,
    range::Interval,
    schedule::Schedule,
    store::{
        connections::{Connection, OwnerRows},
        ledger::Booking,
    },
    tokens::{Patience, with_token},
};

/// What the calendar said.
pub(super) enum Outcome {
    /// It has the event.
    Written(Box<Event>),
    /// It has something else at that time.
    Busy,
    /// It cannot say, and the slot must not be promised.
    Unreadable,
    /// It will be written later: the connection is dead, or the answer was lost.
    Later,
}

/// Asks the calendar after the ledger has the slot, and writes the event if it is free.
pub(super) async fn write(
    app: &App,
    rows: &OwnerRows,
    schedule: &Schedule,
    draft: &Booking,
) -> Result<Outcome> {
    let slot = Interval::new(draft.start, draft.end);
    let guarded = slot.widened(schedule.buffers().before, schedule.buffers().after);
    let busy = busy(app, &draft.owner, rows, guarded, schedule, Patience::Voice).await;
    match readable(busy) {
        Ok(Some(busy)) if busy.iter().any(|taken| taken.overlaps(guarded)) => return Ok(Outcome::Busy),
        Ok(Some(_)) => {}
        Ok(None) => return Ok(Outcome::Unreadable),
        Err(Error::NeedsConnection { .. }) => return Ok(Outcome::Later),
        Err(error) => return Err(error),
    }
    let connection = match working_one(app, &draft.owner, rows, None) {
        Ok(connection) => connection,
        // Another calendar of the owner's could be read, but the one that is written to is dead.
        Err(Error::NeedsConnection { .. }) => return Ok(Outcome::Later),
        Err(error) => return Err(error),
    };
    let written = match create(app, connection, schedule, draft).await {
        // The answer was lost, or never came: the same id again finds the event or writes it, never a second one.
        Err(Error::Unavailable { .. }) => create(app, connection, schedule, draft).await,
        written => written,
    };
    match written {
        Ok(event) => Ok(Outcome::Written(Box::new(event))),
        Err(Error::NeedsConnection { .. } | Error::Unavailable { .. }) => Ok(Outcome::Later),
        Err(error) => Err(error),
    }
}

/// Goes on with a booking whose end nobody heard: its event may be there already, and would look like somebody else's.
pub(super) async fn resume(
    app: &App,
    rows: &OwnerRows,
    schedule: &Schedule,
    draft: &Booking,
) -> Result<Outcome> {
    let connection = match working_one(app, &draft.owner, rows, None) {
        Ok(connection) => connection,
        Err(Error::NeedsConnection { .. }) => return Ok(Outcome::Later),
        Err(error) => return Err(error),
    };
    let event = &event_of(schedule, draft);
    let (provider, base_url) = (connection.provider, &app.endpoints(connection.provider)?.api_url);
    let calendar = write_calendar(connection);
    let found = with_token(app, connection, Patience::Voice, |token| async move {
        providers::find_created(provider, app.session(base_url, &token), calendar, event).await
    })
    .await;
    match found {
        Ok(Some(event)) => Ok(Outcome::Written(Box::new(event))),
        Ok(None) => write(app, rows, schedule, draft).await,
        Err(Error::NeedsConnection { .. } | Error::Unavailable { .. }) => Ok(Outcome::Later),
        Err(error) => Err(error),
    }
}

fn event_of(schedule: &Schedule, draft: &Booking) -> EventDraft {
    EventDraft {
        // The provider's event id is derived from the booking's, so that a repeat finds the event.
        key: draft.id.as_str().trim_start_matches("bkg_").to_owned(),
        subject: draft.title.clone(),
        when: When::Timed(Interval::new(draft.start, draft.end)),
        time_zone: schedule.time_zone.clone(),
        attendees: draft
            .attendee_email
            .iter()
            .map(|email| Attendee {
                name: draft.attendee_name.clone(),
                email: email.clone(),
                response: Response::None,
            })
            .collect(),
        body: description(draft),
        location: None,
        is_online_meeting: false,
    }
}

async fn create(app: &App, connection: &Connection, schedule: &Schedule, draft: &Booking) -> Result<Event> {
    let event = &event_of(schedule, draft);
    let (provider, base_url) = (connection.provider, &app.endpoints(connection.provider)?.api_url);
    let calendar = write_calendar(connection);
    with_token(app, connection, Patience::Voice, |token| async move {
        providers::create(provider, app.session(base_url, &token), calendar, event).await
    })
    .await
}

/// What the owner sees in the event: who called, from where, and what for.
fn description(draft: &Booking) -> Option<String> {
    let lines = [
        draft.attendee_name.as_ref().map(|name| format!("Name: {name}")),
        draft.attendee_phone.as_ref().map(|phone| format!("Phone: {phone}")),
        draft.notes.clone(),
    ];
    let text = lines.into_iter().flatten().collect::<Vec<_>>().join("\n");
    (!text.is_empty()).then_some(text)
}
