//! The list of calendars, one calendar, and who is busy when.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use shared::range::Interval;

use super::{Answer, Call, Refusal};
use crate::world::{
    accounts::{Account, Calendar, Provider},
    items::Item,
    wire,
};

/// The most calendars of one free/busy query.
const MOST_CALENDARS: usize = 50;

pub(super) fn list(call: &Call<'_>) -> Answer {
    let entry = |calendar: &Calendar| {
        let primary = calendar.id == call.account.email;
        let mut entry = json!({
            "kind": "calendar#calendarListEntry", "etag": "\"1700000000000000\"", "id": calendar.id,
            "summary": calendar.name, "timeZone": call.account.zone, "colorId": "14",
            "backgroundColor": "#9fe1e7", "foregroundColor": "#000000", "selected": true,
            "accessRole": if calendar.writable { "owner" } else { "reader" }, "defaultReminders": [],
            "conferenceProperties": {"allowedConferenceSolutionTypes": ["hangoutsMeet"]},
        });
        // Google sends `primary` only where it is true.
        if primary {
            entry["primary"] = true.into();
        }
        entry
    };
    let items: Vec<Value> = call.account.calendars.iter().map(entry).collect();
    Ok(wire::json(
        200,
        &json!({"kind": "calendar#calendarList", "etag": "\"p32EXAMPLE\"", "nextSyncToken": "CLEXAMPLE", "items": items}),
    ))
}

pub(super) fn get(call: &Call<'_>, id: &str) -> Answer {
    let calendar = call.calendar(id)?;
    Ok(wire::json(
        200,
        &json!({
            "kind": "calendar#calendar", "etag": "\"1700000000000000\"", "id": calendar.id,
            "summary": calendar.name, "timeZone": call.account.zone,
            "conferenceProperties": {"allowedConferenceSolutionTypes": ["hangoutsMeet"]},
        }),
    ))
}

pub(super) fn busy(call: &Call<'_>) -> Answer {
    let query = call.asked.json().ok_or_else(Refusal::bad_request)?;
    let instant = |name: &str| {
        let text =
            query[name].as_str().ok_or_else(|| Refusal::required(&format!("Missing {name} parameter.")))?;
        text.parse::<Timestamp>().map_err(|_| Refusal::bad_request())
    };
    let window = Interval::new(instant("timeMin")?, instant("timeMax")?);
    if window.is_empty() {
        return Err(Refusal::empty_range());
    }
    let items = query["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    if items.len() > MOST_CALENDARS {
        return Err(Refusal::too_many_calendars());
    }
    let mut calendars = Map::new();
    for id in items.iter().filter_map(|item| item["id"].as_str()) {
        let answer = match call.account.calendar(id) {
            Some(calendar) => json!({"busy": blocks(call, calendar, window)}),
            // PROVIDERS.md: an error of one calendar never means that it is free.
            None => json!({"errors": [{"domain": "global", "reason": "notFound"}], "busy": []}),
        };
        calendars.insert(id.to_owned(), answer);
    }
    let [from, to] = [window.start, window.end].map(|at| at.to_string());
    Ok(wire::json(
        200,
        &json!({"kind": "calendar#freeBusy", "timeMin": from, "timeMax": to, "calendars": calendars}),
    ))
}

/// The busy stretches of a calendar, merged and cut to the window.
fn blocks(call: &Call<'_>, calendar: &Calendar, window: Interval) -> Vec<Value> {
    let mut spans: Vec<Interval> = call
        .state
        .items
        .iter()
        .filter(|item| item.provider == Provider::Google && item.calendar == calendar.id)
        .filter(|item| item.account == call.account.email && is_busy(item, &call.account))
        .flat_map(|item| item.occurrences(window))
        .map(|times| Interval::new(times.span.start.max(window.start), times.span.end.min(window.end)))
        .collect();
    spans.sort();
    let mut merged: Vec<Interval> = Vec::new();
    for span in spans {
        match merged.last_mut() {
            Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
            _ => merged.push(span),
        }
    }
    merged.iter().map(|span| json!({"start": span.start.to_string(), "end": span.end.to_string()})).collect()
}

fn is_busy(item: &Item, account: &Account) -> bool {
    let attendees = item.fields.get("attendees").and_then(Value::as_array);
    let declined = attendees.into_iter().flatten().any(|attendee| {
        attendee["email"] == account.email.as_str() && attendee["responseStatus"] == "declined"
    });
    !item.cancelled
        && !declined
        && item.text("transparency") != Some("transparent")
        && item.text("eventType") != Some("workingLocation")
}
