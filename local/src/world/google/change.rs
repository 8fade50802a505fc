//! Writing events: made, changed, deleted, with the conditions that Google keeps.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use shared::random;

use super::{Answer, Call, Refusal, list, shape};
use crate::world::{
    accounts::{Account, Calendar, Provider},
    items::Item,
    recurrence::Recurrence,
    state::State,
    wire,
};

/// Makes an event by HTTP.
pub(super) fn create(call: Call<'_>, calendar: &str) -> Answer {
    let calendar = call.writable(calendar)?;
    let mut fields = body(&call)?;
    conference(&call, &mut fields);
    let now = call.world.clock().now();
    let item = insert(call.state, &call.account, &calendar, fields, now)?;
    Ok(wire::json(200, &shape::event(&item, None, &call.account)))
}

/// Makes an event from Google's JSON.
pub(in crate::world) fn insert(
    state: &mut State,
    account: &Account,
    calendar: &Calendar,
    fields: Map<String, Value>,
    now: jiff::Timestamp,
) -> Result<Item, Refusal> {
    let id = match fields.get("id").and_then(Value::as_str) {
        Some(id) if !shape::is_own_id(id) => return Err(Refusal::invalid("Invalid resource id value.")),
        Some(id) => id.to_owned(),
        None => random::id(),
    };
    let times = shape::times(&fields, account)?;
    let recurrence = recurrence(&fields)?;
    if recurrence.is_some() && !times.all_day && fields["start"]["timeZone"].is_null() {
        return Err(Refusal::required("Missing time zone definition for start time."));
    }
    // PROVIDERS.md: a deleted event's id stays taken.
    let taken = state
        .items
        .iter()
        .any(|item| item.provider == Provider::Google && item.calendar == calendar.id && item.id == id);
    if taken {
        return Err(Refusal::duplicate());
    }
    let item = Item {
        id,
        provider: Provider::Google,
        account: account.email.clone(),
        calendar: calendar.id.clone(),
        version: state.next_version(),
        cancelled: false,
        times,
        recurrence,
        skipped: BTreeSet::new(),
        fields,
        created: now,
        updated: now,
    };
    state.items.push(item.clone());
    Ok(item)
}

/// Changes some fields, or replaces them all.
pub(super) fn update(call: Call<'_>, (calendar, id): &(String, String), whole: bool) -> Answer {
    let calendar = call.writable(calendar)?;
    let given = body(&call)?;
    let version = call.state.next_version();
    let account = call.account.clone();
    let item = call.state.item(Provider::Google, &account.email, id);
    let item = item.filter(|item| item.calendar == calendar.id).ok_or_else(Refusal::not_found)?;
    matches(call.asked.header("if-match"), item)?;
    // A patch that does not speak of the status leaves a deleted event deleted.
    let status = given.get("status").cloned();
    item.cancelled = status.map_or(item.cancelled && !whole, |status| status == "cancelled");
    let mut fields = if whole { Map::new() } else { item.fields.clone() };
    for (name, value) in given {
        match fields.get_mut(&name) {
            // A patch merges objects and replaces lists.
            Some(Value::Object(old)) if value.is_object() => {
                old.extend(value.as_object().cloned().unwrap_or_default());
                old.retain(|_, value| !value.is_null());
            }
            _ => drop(fields.insert(name, value)),
        }
    }
    item.times = shape::times(&fields, &account)?;
    item.recurrence = recurrence(&fields)?;
    item.fields = fields;
    item.version = version;
    item.updated = call.world.clock().now();
    Ok(wire::json(200, &shape::event(item, None, &account)))
}

/// Deletes an event: it stays as cancelled, and a second time it is gone. An occurrence leaves its series.
pub(super) fn delete(call: Call<'_>, (calendar, id): &(String, String)) -> Answer {
    let calendar = call.writable(calendar)?;
    let version = call.state.next_version();
    let (item, occurrence) =
        list::found(call.state, &call.account.email, &calendar.id, id).ok_or_else(Refusal::not_found)?;
    if item.cancelled {
        return Err(Refusal::deleted());
    }
    matches(call.asked.header("if-match"), item)?;
    match occurrence {
        Some(times) => drop(item.skipped.insert(times.span.start)),
        None => item.cancelled = true,
    }
    item.version = version;
    item.updated = call.world.clock().now();
    Ok(wire::empty(204))
}

fn matches(condition: Option<&str>, item: &Item) -> Result<(), Refusal> {
    match condition {
        Some(etag) if etag != "*" && etag != shape::etag(item) => Err(Refusal::condition_not_met()),
        _ => Ok(()),
    }
}

fn body(call: &Call<'_>) -> Result<Map<String, Value>, Refusal> {
    match call.asked.json() {
        Some(Value::Object(fields)) => Ok(fields),
        _ => Err(Refusal::bad_request()),
    }
}

fn recurrence(fields: &Map<String, Value>) -> Result<Option<Recurrence>, Refusal> {
    match fields.get("recurrence").and_then(Value::as_array).filter(|lines| !lines.is_empty()) {
        None => Ok(None),
        Some(lines) => {
            let read = Recurrence::google(lines);
            read.map(Some).ok_or_else(|| Refusal::invalid("Invalid recurrence rule."))
        }
    }
}

/// A Meet link, when one is asked for in the version that knows of it.
fn conference(call: &Call<'_>, fields: &mut Map<String, Value>) {
    let Some(mut conference) = fields.remove("conferenceData") else { return };
    if call.asked.query.get("conferenceDataVersion") != Some("1") {
        return;
    }
    let link = format!("https://meet.google.com/{}", &random::id()[..12]);
    conference["createRequest"]["status"] = json!({"statusCode": "success"});
    conference["conferenceSolution"] =
        json!({"key": {"type": "hangoutsMeet"}, "name": "Google Meet", "iconUri": ""});
    conference["entryPoints"] = json!([{"entryPointType": "video", "uri": link, "label": link}]);
    conference["conferenceId"] = link.rsplit('/').next().into();
    fields.insert("conferenceData".to_owned(), conference);
    fields.insert("hangoutLink".to_owned(), link.into());
}
