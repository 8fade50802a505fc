//! The tools of a voice agent. Each answers with one line that can be said as it is.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use secrecy::ExposeSecret as _;

use super::arguments::{Arguments, whole_day};
use crate::{
    app::App,
    availability::{Availability, Query, Verdict, free_slots, is_free},
    booking::{self, Repeats},
    calendar::is_address,
    calendars::known_schedule_of,
    error::{Error, Result},
    ids::OwnerId,
    random,
    range::Interval,
    schedule::Schedule,
    slots::EmptyReason,
    speech,
    store::{
        bookings::{Booking, BookingStatus, CalendarSync},
        connections::OwnerRows,
    },
    tokens::Patience,
    vapi::message::{ToolCall, VapiMessage},
};

/// Without a day, this far is looked ahead.
const LOOK_AHEAD: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A calendar that cannot be read is never free.
const UNREACHABLE: &str = "I cannot see the calendar at the moment. Please try again in a minute.";

const CLOSED: &str = "We are closed then.";
const TOO_SOON: &str = "That is in the past or too soon to book.";
const TOO_FAR: &str = "That is further ahead than we take bookings.";

/// Runs one tool call for the owner that the call was routed to.
pub(super) async fn run(
    app: &App,
    owner: &OwnerId,
    message: &VapiMessage,
    call: &ToolCall,
) -> Result<String> {
    if !call.readable {
        return Err(Error::invalid("arguments", "must be an object"));
    }
    let arguments = Arguments(&call.arguments);
    match call.name.as_str() {
        "check_availability" | "get_availability" => {
            check(app, &Desk::of(app, owner).await?, &arguments).await
        }
        "book_appointment" | "set_appointment" => {
            book(app, &Desk::of(app, owner).await?, message, call, &arguments).await
        }
        _ => Err(Error::Malformed("there is no such tool".into())),
    }
}

/// What every tool needs of the owner, read once.
struct Desk<'a> {
    owner: &'a OwnerId,
    rows: OwnerRows,
    schedule: Schedule,
    zone: TimeZone,
}

impl<'a> Desk<'a> {
    async fn of(app: &App, owner: &'a OwnerId) -> Result<Self> {
        let rows = app.store.owner_rows(owner).await?;
        let schedule = known_schedule_of(app, owner, &rows, Patience::Voice).await?;
        let zone = schedule.zone()?;
        Ok(Self { owner, rows, schedule, zone })
    }
}

async fn check(app: &App, desk: &Desk<'_>, arguments: &Arguments<'_>) -> Result<String> {
    let (now, zone) = (app.clock.now(), &desk.zone);
    let today = zone.to_datetime(now).date();
    let wanted = arguments.start(today, zone)?;
    let day = arguments.day(today)?.or_else(|| wanted.map(|start| zone.to_datetime(start).date()));
    let window = match day {
        Some(day) if day < today => {
            return Ok("That day is in the past. Which day would you like?".to_owned());
        }
        Some(day) => whole_day(day, zone)?,
        None => Interval::new(now, now.saturating_add(LOOK_AHEAD).unwrap_or(Timestamp::MAX)),
    };
    let caller_zone = arguments.zone();
    let said = |slots: &[Interval]| speech::line(slots, zone, caller_zone.as_ref(), now);
    let (owner, rows, schedule, buffers) = (desk.owner, &desk.rows, &desk.schedule, desk.schedule.buffers());
    if let Some(start) = wanted {
        // What is free is what can be booked, also between the starts that are offered.
        let slot = slot(arguments, start)?;
        return Ok(match is_free(app, owner, rows, schedule, slot, buffers, Patience::Voice).await? {
            Verdict::Free => format!("Yes, {} is free.", said(&[slot])),
            Verdict::Taken { reason, alternatives } => not_free(reason, &alternatives, said),
        });
    }
    let query = Query {
        window,
        duration: arguments.length()?,
        buffers,
        hours: None,
        time_zone: None,
        patience: Patience::Voice,
    };
    let found = free_slots(app, owner, rows, schedule, &query).await?;
    if found.slots.is_empty() {
        return Ok(nothing_free(&found, said));
    }
    Ok(format!("I have {}.", said(&found.slots)))
}

/// The time that is meant, as long as it is said to take.
fn slot(arguments: &Arguments<'_>, start: Timestamp) -> Result<Interval> {
    let end = start.saturating_add(arguments.length()?);
    let end = end.map_err(|_| Error::invalid("duration_minutes", "is too long"))?;
    Ok(Interval::new(start, end))
}

fn not_free(reason: EmptyReason, alternatives: &[Interval], said: impl Fn(&[Interval]) -> String) -> String {
    let why = match reason {
        EmptyReason::OutsideHours => CLOSED,
        EmptyReason::Notice => TOO_SOON,
        EmptyReason::Horizon => TOO_FAR,
        EmptyReason::FullyBooked => "That time is not free.",
        EmptyReason::CalendarUnreachable => return UNREACHABLE.to_owned(),
    };
    if alternatives.is_empty() {
        return format!("{why} Would another day work?");
    }
    format!("{why} I have {}.", said(alternatives))
}

fn nothing_free(found: &Availability, said: impl Fn(&[Interval]) -> String) -> String {
    let why = match found.reason {
        Some(EmptyReason::OutsideHours) => CLOSED,
        Some(EmptyReason::Notice) => "That is too soon to book.",
        Some(EmptyReason::Horizon) => TOO_FAR,
        Some(EmptyReason::CalendarUnreachable) => return UNREACHABLE.to_owned(),
        Some(EmptyReason::FullyBooked) | None => "Everything is taken then.",
    };
    match found.next_available {
        Some(next) => format!("{why} The next free time is {}.", said(&[Interval::new(next, next)])),
        None => format!("{why} Would another day work?"),
    }
}

async fn book(
    app: &App,
    desk: &Desk<'_>,
    message: &VapiMessage,
    call: &ToolCall,
    arguments: &Arguments<'_>,
) -> Result<String> {
    let zone = &desk.zone;
    let today = zone.to_datetime(app.clock.now()).date();
    let Some(start) = arguments.start(today, zone)? else {
        return Ok("I need the day and the time first. When should it be?".to_owned());
    };
    let Some(name) = arguments.text(&["name", "customer_name", "customerName", "attendee_name"]) else {
        return Ok("I need a name for the appointment. Who may I put down?".to_owned());
    };
    let slot = slot(arguments, start)?;
    let phone = arguments
        .text(&["phone", "phone_number", "phoneNumber"])
        .or_else(|| message.caller_number.as_ref().map(|number| number.expose_secret().to_owned()));
    let request = booking::Request {
        slot,
        buffers: desk.schedule.buffers(),
        service: None,
        title: arguments
            .text(&["title", "subject", "service"])
            .unwrap_or_else(|| format!("Appointment with {name}")),
        attendee_name: Some(name),
        attendee_email: arguments.text(&["email", "attendee_email"]).filter(|email| is_address(email)),
        repeats: repeats(message, call, slot, phone.as_deref()),
        attendee_phone: phone,
        notes: arguments.text(&["notes", "reason", "description"]),
        location: None,
        is_online_meeting: false,
        hold: None,
    };
    let at = booking::Desk {
        owner: desk.owner,
        rows: &desk.rows,
        schedule: &desk.schedule,
        patience: Patience::Voice,
    };
    let caller_zone = arguments.zone();
    let said = |slots: &[Interval]| speech::line(slots, zone, caller_zone.as_ref(), app.clock.now());
    match booking::book(app, at, &request).await {
        Ok(booked) => Ok(confirmed(&booked.booking, said)),
        Err(Error::SlotTaken { alternatives }) if alternatives.is_empty() => {
            Ok("That time is taken. Would another day work?".to_owned())
        }
        Err(Error::SlotTaken { alternatives }) => {
            let free: Vec<_> = alternatives.iter().map(|free| free.interval).collect();
            Ok(format!("That time is taken. I have {}.", said(&free)))
        }
        Err(Error::Conflict { code, reason }) => match refused(code) {
            Some(line) => Ok(line),
            None => Err(Error::Conflict { code, reason }),
        },
        Err(error) => Err(error),
    }
}

/// Why a time cannot be booked, as the agent says it.
fn refused(code: &str) -> Option<String> {
    let why = match code {
        "outside_hours" => CLOSED,
        "notice" => TOO_SOON,
        "horizon" => TOO_FAR,
        "calendar_unreachable" => return Some(UNREACHABLE.to_owned()),
        "in_progress" => return Some("I'm just booking that. One moment, please.".to_owned()),
        _ => return None,
    };
    Some(format!("{why} Which other time would you like?"))
}

/// A repeat is the same tool call of the same call, or the same slot for the same number in the same call: models
/// book again when they are interrupted (SECURITY.md S5).
fn repeats(message: &VapiMessage, call: &ToolCall, slot: Interval, phone: Option<&str>) -> Repeats {
    let text = format!("{}\n{}\n{phone:?}", slot.start, slot.end);
    let hash = random::hex(&random::sha256(text.as_bytes()));
    let Some(call_id) = &message.call_id else { return Repeats { name: None, wish: None, hash } };
    let who = random::hex(&random::sha256(phone.unwrap_or_default().as_bytes())[..8]);
    Repeats {
        name: (!call.id.is_empty()).then(|| format!("tool-call:{call_id}:{}", call.id)),
        wish: Some(format!("slot:{call_id}:{}:{}:{who}", slot.start, slot.end)),
        hash,
    }
}

fn confirmed(booked: &Booking, said: impl Fn(&[Interval]) -> String) -> String {
    let when = said(&[Interval::new(booked.start, booked.end)]);
    match (booked.status, booked.calendar_sync) {
        (BookingStatus::Cancelling | BookingStatus::Cancelled | BookingStatus::Failed, _) => {
            format!("The appointment on {when} was called off. Which other time would you like?")
        }
        (BookingStatus::Creating | BookingStatus::Confirmed, CalendarSync::Synced | CalendarSync::Off) => {
            format!("You're booked for {when}.")
        }
        (
            BookingStatus::Creating | BookingStatus::Confirmed,
            CalendarSync::Pending | CalendarSync::Failed,
        ) => format!("Your time on {when} is reserved."),
    }
}
