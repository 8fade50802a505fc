//! Reading events: one, or a page of them.

use jiff::Timestamp;
use serde_json::{Value, json};
use shared::range::Interval;

use super::{Answer, Call, Refusal, shape};
use crate::world::{
    accounts::Provider,
    items::{Item, Times},
    state::State,
    wire,
};

/// The page size when none is asked for, and the largest.
const DEFAULT_PAGE: usize = 250;
const LARGEST_PAGE: usize = 2500;

/// A page of a calendar's events.
pub(super) fn list(call: &Call<'_>, id: &str) -> Answer {
    let calendar = call.calendar(id)?;
    let query = &call.asked.query;
    if query.get("syncToken").is_some() {
        // No history is kept, so every token is too old.
        return Err(Refusal::resync());
    }
    let single = query.get("singleEvents") == Some("true");
    if query.get("orderBy") == Some("startTime") && !single {
        return Err(Refusal::invalid("The requested ordering is not available for the particular query."));
    }
    let instant = |name: &str| match query.get(name) {
        Some(text) => text.parse::<Timestamp>().map(Some).map_err(|_| Refusal::bad_request()),
        None => Ok(None),
    };
    let window = Interval::new(
        instant("timeMin")?.unwrap_or(Timestamp::MIN),
        instant("timeMax")?.unwrap_or(Timestamp::MAX),
    );
    if window.is_empty() {
        return Err(Refusal::empty_range());
    }
    let mut found = matching(call, &calendar.id, window, single);
    if query.get("orderBy") == Some("startTime") {
        found.sort_by_key(|(item, times)| times.as_ref().unwrap_or(&item.times).span);
    }
    let size = query.get("maxResults").map(str::parse::<usize>).transpose();
    let size = size.map_err(|_| Refusal::bad_request())?.unwrap_or(DEFAULT_PAGE).clamp(1, LARGEST_PAGE);
    let skip =
        query.get("pageToken").map_or(Some(0), |token| token.strip_prefix("CigKEXAMPLE")?.parse().ok());
    let skip: usize = skip.ok_or_else(|| Refusal::invalid("Invalid page token value."))?;
    let more = found.len() > skip + size;
    let page: Vec<Value> = found
        .into_iter()
        .skip(skip)
        .take(size)
        .map(|(item, times)| shape::event(item, times.as_ref(), &call.account))
        .collect();
    let mut body = json!({
        "kind": "calendar#events", "etag": "\"p33EXAMPLE\"", "summary": calendar.name,
        "updated": call.world.clock().now().to_string(), "timeZone": call.account.zone,
        "accessRole": if calendar.writable { "owner" } else { "reader" },
        "defaultReminders": [], "items": page,
    });
    if more {
        body["nextPageToken"] = format!("CigKEXAMPLE{}", skip + size).into();
    } else {
        body["nextSyncToken"] = format!("CPEXAMPLE{}", call.state.changes).into();
    }
    Ok(wire::json(200, &body))
}

/// The events within a window: occurrences of series one by one, or each series by its master.
fn matching<'a>(
    call: &'a Call<'_>,
    calendar: &str,
    window: Interval,
    single: bool,
) -> Vec<(&'a Item, Option<Times>)> {
    let deleted = call.asked.query.get("showDeleted") == Some("true");
    let mine = |item: &&Item| {
        item.provider == Provider::Google
            && item.account == call.account.email
            && item.calendar == calendar
            && (deleted || !item.cancelled)
    };
    call.state
        .items
        .iter()
        .filter(mine)
        .flat_map(|item| {
            let mut occurrences = item.occurrences(window);
            if !single {
                occurrences.truncate(1);
            }
            let masters = !single;
            occurrences.into_iter().map(move |times| (item, (!masters).then_some(times)))
        })
        .collect()
}

/// One event; a deleted one is still there, as cancelled.
pub(super) fn get(call: Call<'_>, calendar: &str, id: &str) -> Answer {
    let calendar = call.calendar(calendar)?;
    let (item, occurrence) =
        found(call.state, &call.account.email, &calendar.id, id).ok_or_else(Refusal::not_found)?;
    let mut response = wire::json(200, &shape::event(item, occurrence.as_ref(), &call.account));
    wire::set(&mut response, "etag", &shape::etag(item));
    Ok(response)
}

/// An event by its id, or one occurrence of a series by its own.
pub(super) fn found<'a>(
    state: &'a mut State,
    account: &str,
    calendar: &str,
    id: &str,
) -> Option<(&'a mut Item, Option<Times>)> {
    let series = id.split_once('_').map(|(series, _)| series);
    let item = state.item(Provider::Google, account, series.unwrap_or(id))?;
    let occurrence = match series {
        None => None,
        Some(_) => {
            let all = item.occurrences(Interval::new(Timestamp::MIN, Timestamp::MAX));
            Some(all.into_iter().find(|times| shape::instance_id(item, times) == id)?)
        }
    };
    (item.calendar == calendar).then_some((item, occurrence))
}
