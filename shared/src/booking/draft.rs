//! A booking as it is before anybody was asked.

use super::{Desk, Request, rows::later};
use crate::{
    app::App,
    calendars::{working_one, write_calendar},
    error::{Error, Result},
    ids::BookingId,
    store::bookings::{Booking, BookingStatus, CalendarSync},
};

/// The row of a request: to be written to the owner's calendar, unless he keeps bookings out of it.
pub(super) fn draft(app: &App, desk: Desk<'_>, request: &Request) -> Result<Booking> {
    let keeps_out = desk.rows.settings.keeps_bookings_out();
    let connection = match working_one(app, desk.owner, desk.rows, None) {
        Ok(connection) => Some(connection),
        Err(Error::NeedsConnection { code: "no_connection", .. }) if keeps_out => None,
        // Somebody who never connected anything cannot be booked; a dead calendar is written later.
        Err(error @ Error::NeedsConnection { code: "no_connection", .. }) => return Err(error),
        Err(Error::NeedsConnection { .. }) => desk.rows.default_connection(),
        Err(error) => return Err(error),
    };
    let now = app.clock.second();
    let mut booking = Booking {
        id: BookingId::random(),
        owner: desk.owner.clone(),
        status: BookingStatus::Creating,
        calendar_sync: if keeps_out { CalendarSync::Off } else { CalendarSync::Pending },
        problem: None,
        version: 0,
        sequence: 0,
        start: request.slot.start,
        end: request.slot.end,
        moving_start: None,
        moving_end: None,
        before: request.buffers.before.as_secs(),
        after: request.buffers.after.as_secs(),
        time_zone: desk.schedule.time_zone.clone(),
        service: request.service.clone(),
        title: request.title.clone(),
        attendee_name: request.attendee_name.clone(),
        attendee_email: request.attendee_email.clone(),
        attendee_phone: request.attendee_phone.clone(),
        notes: request.notes.clone(),
        location: request.location.clone(),
        is_online_meeting: request.is_online_meeting,
        calendar: connection.filter(|_| !keeps_out).map(|row| write_calendar(row).to_owned()),
        connection: connection.filter(|_| !keeps_out).map(|row| row.id.clone()),
        event_id: None,
        event_etag: None,
        event_start: None,
        event_end: None,
        attempts: 0,
        work_shard: None,
        work_at: None,
        created_at: now,
        updated_at: now,
        ttl: app.store.forgotten(request.slot.end),
    };
    booking.due(Some(later(app)));
    Ok(booking)
}
