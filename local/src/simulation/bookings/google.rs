//! Google's calendar API, as far as bookings need it: ids of the caller's choice, taken for ever.

use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    asked::Asked,
    calendar::{Calendar, Event, Span},
};

pub(super) fn answer(calendar: &mut Calendar, asked: &Asked, now: Timestamp) -> (u16, Value) {
    let path: Vec<&str> = asked.path.iter().map(String::as_str).collect();
    match (&asked.method, path.as_slice(), asked.window()) {
        (&Method::POST, ["freeBusy"], Some(window)) => (200, free_busy(calendar, window)),
        (&Method::GET, ["calendars", _, "events"], Some(window)) => {
            let items: Vec<_> = calendar.within(window).into_iter().map(shape).collect();
            (200, json!({"items": items}))
        }
        (&Method::POST, ["calendars", _, "events"], _) => insert(calendar, &asked.body, now),
        (method, ["calendars", _, "events", id], _) => match calendar.place(id) {
            None => refused(404, "notFound"),
            Some(place) => one(calendar, place, method, asked, now),
        },
        _ => refused(400, "badRequest"),
    }
}

fn one(
    calendar: &mut Calendar,
    place: usize,
    method: &Method,
    asked: &Asked,
    now: Timestamp,
) -> (u16, Value) {
    let event = &calendar.events[place];
    let is_other = asked.if_match.as_ref().is_some_and(|wanted| *wanted != etag(event));
    match *method {
        Method::GET => {}
        Method::DELETE if event.deleted => return refused(410, "deleted"),
        Method::PATCH | Method::DELETE if is_other => return refused(412, "conditionNotMet"),
        Method::DELETE => {
            calendar.delete(place, now);
            return (204, Value::Null);
        }
        // A patch leaves a deleted event deleted.
        Method::PATCH if event.deleted => {}
        Method::PATCH => match span(&asked.body) {
            Some(to) => calendar.shift(place, to, now),
            None => return refused(400, "invalid"),
        },
        _ => return refused(400, "badRequest"),
    }
    (200, shape(&calendar.events[place]))
}

fn insert(calendar: &mut Calendar, body: &Value, now: Timestamp) -> (u16, Value) {
    let (Some(id), Some(span)) = (body["id"].as_str(), span(body)) else { return refused(400, "invalid") };
    // PROVIDERS.md G6: a deleted event's id stays taken.
    if calendar.place(id).is_some() {
        return refused(409, "duplicate");
    }
    let place = calendar.insert(id, Some(id.to_owned()), span, now);
    (200, shape(&calendar.events[place]))
}

fn free_busy(calendar: &Calendar, window: Span) -> Value {
    let busy = calendar.within(window).into_iter().filter(|event| event.busy);
    let busy: Vec<_> = busy
        .map(|event| json!({"start": at(event.span.start.max(window.start)), "end": at(event.span.end.min(window.end))}))
        .collect();
    json!({"calendars": {"primary": {"busy": busy}}})
}

fn shape(event: &Event) -> Value {
    json!({
        "id": event.id,
        "etag": etag(event),
        "status": if event.deleted { "cancelled" } else { "confirmed" },
        "transparency": if event.busy { "opaque" } else { "transparent" },
        "created": event.created.to_string(),
        "start": {"dateTime": at(event.span.start)},
        "end": {"dateTime": at(event.span.end)},
    })
}

fn etag(event: &Event) -> String {
    format!("\"{}\"", event.version)
}

fn span(body: &Value) -> Option<Span> {
    let end = |name: &str| Some(body[name]["dateTime"].as_str()?.parse::<Timestamp>().ok()?.as_second());
    Some(Span { start: end("start")?, end: end("end")? })
}

fn at(second: i64) -> String {
    Timestamp::from_second(second).unwrap_or_default().to_string()
}

fn refused(status: u16, reason: &str) -> (u16, Value) {
    (status, json!({"error": {"code": status, "errors": [{"domain": "global", "reason": reason}]}}))
}
