//! Writing events: made, changed, deleted. A repeated `transactionId` makes nothing a second time.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use shared::random;

use super::{Answer, Call, Refusal, shape, view};
use crate::world::{
    accounts::{Account, Calendar, Provider, graph_id},
    items::Item,
    recurrence::Recurrence,
    state::State,
    wire,
};

/// Makes an event by HTTP.
pub(super) fn create(call: Call<'_>, calendar: Option<&str>) -> Answer {
    let calendar = call.calendar(calendar)?;
    if !calendar.writable {
        return Err(Refusal::of_status(403));
    }
    let fields = body(&call)?;
    let repeated = fields.get("transactionId").filter(|id| id.is_string()).and_then(|id| {
        let mine = |item: &&Item| item.provider == Provider::Microsoft && item.account == call.account.email;
        call.state
            .items
            .iter()
            .filter(mine)
            .find(|item| item.fields.get("transactionId") == Some(id))
            .cloned()
    });
    let item = match repeated {
        Some(item) => item,
        None => insert(call.state, &call.account, &calendar, fields, call.world.clock().now())?,
    };
    Ok(wire::json(201, &shape::event(&item, None, &call.account, &call.shown)))
}

/// Makes an event from Graph's JSON.
pub(in crate::world) fn insert(
    state: &mut State,
    account: &Account,
    calendar: &Calendar,
    mut fields: Map<String, Value>,
    now: jiff::Timestamp,
) -> Result<Item, Refusal> {
    shape::normalise(&mut fields)?;
    let item = Item {
        id: graph_id(&random::id()),
        provider: Provider::Microsoft,
        account: account.email.clone(),
        calendar: calendar.id.clone(),
        version: state.next_version(),
        cancelled: false,
        times: shape::times(&fields)?,
        recurrence: recurrence(&fields)?,
        skipped: BTreeSet::new(),
        fields,
        created: now,
        updated: now,
    };
    state.items.push(item.clone());
    Ok(item)
}

/// Changes some fields.
pub(super) fn update(call: Call<'_>, id: &str) -> Answer {
    let mut given = body(&call)?;
    shape::normalise(&mut given)?;
    let version = call.state.next_version();
    let item =
        call.state.item(Provider::Microsoft, &call.account.email, id).ok_or_else(Refusal::not_found)?;
    matches(call.asked.header("if-match"), item)?;
    let mut fields = item.fields.clone();
    fields.extend(given);
    item.times = shape::times(&fields)?;
    item.recurrence = recurrence(&fields)?;
    item.fields = fields;
    item.version = version;
    item.updated = call.world.clock().now();
    Ok(wire::json(200, &shape::event(item, None, &call.account, &call.shown)))
}

/// Deletes an event; a second time it is not found. An occurrence leaves its series.
pub(super) fn delete(call: Call<'_>, id: &str) -> Answer {
    let version = call.state.next_version();
    let (item, occurrence) =
        view::found(call.state, &call.account.email, id).ok_or_else(Refusal::not_found)?;
    matches(call.asked.header("if-match"), item)?;
    if let Some(times) = occurrence {
        item.skipped.insert(times.span.start);
        item.version = version;
        return Ok(wire::empty(204));
    }
    let (account, id) = (item.account.clone(), item.id.clone());
    call.state
        .items
        .retain(|item| item.provider != Provider::Microsoft || item.account != account || item.id != id);
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
        _ => Err(Refusal::invalid("Unable to read JSON request payload.")),
    }
}

fn recurrence(fields: &Map<String, Value>) -> Result<Option<Recurrence>, Refusal> {
    match fields.get("recurrence").filter(|value| !value.is_null()) {
        None => Ok(None),
        Some(value) => {
            let read = Recurrence::graph(value);
            read.map(Some).ok_or_else(|| Refusal::invalid("The recurrence pattern is not valid."))
        }
    }
}
