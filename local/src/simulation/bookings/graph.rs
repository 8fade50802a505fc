//! Microsoft Graph's calendar, as far as bookings need it: ids of its own, and a `transactionId` that finds an event again
//! while it is there.

use http::Method;
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use serde_json::{Value, json};

use super::{
    asked::Asked,
    calendar::{Calendar, Event, Span},
};

/// The zones of the simulation, as Windows calls them.
const WINDOWS: [(&str, &str); 6] = [
    ("UTC", "UTC"),
    ("W. Europe Standard Time", "Europe/Berlin"),
    ("Eastern Standard Time", "America/New_York"),
    ("Lord Howe Standard Time", "Australia/Lord_Howe"),
    ("Nepal Standard Time", "Asia/Kathmandu"),
    ("Line Islands Standard Time", "Pacific/Kiritimati"),
];

pub(super) fn answer(calendar: &mut Calendar, asked: &Asked, now: Timestamp) -> (u16, Value) {
    let path: Vec<&str> = asked.path.iter().map(String::as_str).collect();
    match (&asked.method, path.as_slice(), asked.window()) {
        (&Method::GET, ["calendarView"], Some(window)) => {
            let value: Vec<_> = calendar.within(window).into_iter().map(shape).collect();
            (200, json!({"value": value}))
        }
        (&Method::POST, ["events"], _) => insert(calendar, asked, now),
        (method, ["events", id], _) => {
            match calendar.place(id).filter(|place| !calendar.events[*place].deleted) {
                None => refused(404, "ErrorItemNotFound"),
                Some(place) => one(calendar, place, method, asked, now),
            }
        }
        _ => refused(400, "BadRequest"),
    }
}

fn one(
    calendar: &mut Calendar,
    place: usize,
    method: &Method,
    asked: &Asked,
    now: Timestamp,
) -> (u16, Value) {
    let is_other = asked.if_match.as_ref().is_some_and(|wanted| *wanted != etag(&calendar.events[place]));
    match *method {
        Method::GET => {}
        Method::PATCH | Method::DELETE if is_other => return refused(412, "ErrorIrresolvableConflict"),
        Method::DELETE => {
            calendar.delete(place, now);
            return (204, Value::Null);
        }
        Method::PATCH => match span(&asked.body) {
            Some(to) => calendar.shift(place, to, now),
            None => return refused(400, "ErrorInvalidRequest"),
        },
        _ => return refused(400, "BadRequest"),
    }
    (200, shape(&calendar.events[place]))
}

fn insert(calendar: &mut Calendar, asked: &Asked, now: Timestamp) -> (u16, Value) {
    let (Some(key), Some(span)) = (asked.body["transactionId"].as_str(), span(&asked.body)) else {
        return refused(400, "ErrorInvalidRequest");
    };
    // What comes of a create that arrives behind the delete of what its repeat had made is not published, and nothing
    // that we could do would help: here the repeat is known as one.
    let late =
        |event: &&Event| event.key.as_deref() == Some(key) && event.deleted && event.changed > asked.sent;
    if calendar.events.iter().any(|event| late(&event)) {
        return refused(409, "ErrorDuplicateTransactionId");
    }
    let made = |event: &&Event| !event.deleted && event.key.as_deref() == Some(key);
    if let Some(event) = calendar.events.iter().find(made) {
        return (201, shape(event));
    }
    let id = format!("event{}", calendar.events.len());
    let place = calendar.insert(&id, Some(key.to_owned()), span, now);
    (201, shape(&calendar.events[place]))
}

fn shape(event: &Event) -> Value {
    json!({
        "@odata.etag": etag(event),
        "id": event.id,
        "transactionId": event.key,
        "isAllDay": false,
        "isCancelled": false,
        "showAs": if event.busy { "busy" } else { "free" },
        "createdDateTime": event.created.to_string(),
        "start": at(event.span.start),
        "end": at(event.span.end),
    })
}

fn etag(event: &Event) -> String {
    format!("W/\"{}\"", event.version)
}

/// A wall clock and the name of its zone, Windows' or IANA's.
fn span(body: &Value) -> Option<Span> {
    let end = |name: &str| {
        let named = body[name]["timeZone"].as_str()?;
        let windows = WINDOWS.iter().find(|(windows, _)| *windows == named);
        let zone = TimeZone::get(windows.map_or(named, |(_, iana)| iana)).ok()?;
        let wall: DateTime = body[name]["dateTime"].as_str()?.parse().ok()?;
        Some(zone.to_timestamp(wall).ok()?.as_second())
    };
    Some(Span { start: end("start")?, end: end("end")? })
}

fn at(second: i64) -> Value {
    let instant = Timestamp::from_second(second).unwrap_or_default();
    json!({"dateTime": instant.strftime("%Y-%m-%dT%H:%M:%S.0000000").to_string(), "timeZone": "UTC"})
}

fn refused(status: u16, code: &str) -> (u16, Value) {
    (status, json!({"error": {"code": code, "message": "EXAMPLE"}}))
}
