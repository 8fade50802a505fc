//! Reading events: one, a page of masters, or a page of a calendar view.

use jiff::{Timestamp, civil, tz::TimeZone};
use serde_json::{Value, json};
use shared::range::Interval;

use super::{Answer, Call, Refusal, me, shape};
use crate::world::{
    accounts::Provider,
    items::{Item, Times},
    state::State,
    wire,
};

/// The page size when none is asked for, and the largest.
const DEFAULT_PAGE: usize = 10;
const LARGEST_PAGE: usize = 1000;

/// `calendarView`: everything within a window, occurrences of series one by one.
pub(super) fn expanded(call: &Call<'_>, calendar: Option<&str>) -> Answer {
    let end = |name: &str| {
        let given = call.asked.query.get(name).ok_or_else(Refusal::no_window)?;
        instant(given).ok_or_else(|| Refusal::invalid("A time of the window is not valid."))
    };
    let window = Interval::new(end("startDateTime")?, end("endDateTime")?);
    if window.end < window.start {
        return Err(Refusal::no_window());
    }
    let calendar = call.calendar(calendar)?;
    let items = call.state.items.iter().filter(|item| mine(call, item, Some(&calendar.id)));
    let found = items.flat_map(|item| item.occurrences(window).into_iter().map(move |times| (item, times)));
    let mut found: Vec<(&Item, Option<Times>)> = found.map(|(item, times)| (item, Some(times))).collect();
    found.sort_by_key(|(item, times)| times.as_ref().unwrap_or(&item.times).span);
    page(call, found, "calendarView")
}

/// `events`: single events and masters of series, unexpanded; without a calendar, those of all calendars.
pub(super) fn masters(call: &Call<'_>, calendar: Option<&str>) -> Answer {
    let calendar = calendar.map(|id| call.calendar(Some(id))).transpose()?;
    let id = calendar.as_ref().map(|calendar| calendar.id.as_str());
    let mut found: Vec<_> =
        call.state.items.iter().filter(|item| mine(call, item, id)).map(|i| (i, None)).collect();
    found.sort_by_key(|(item, _)| item.times.span);
    page(call, found, "events")
}

/// One event.
pub(super) fn get(call: Call<'_>, id: &str) -> Answer {
    let (item, occurrence) = found(call.state, &call.account.email, id).ok_or_else(Refusal::not_found)?;
    let event = shape::event(item, occurrence.as_ref(), &call.account, &call.shown);
    Ok(wire::json(200, &shape::selected(event, call.asked.query.get("$select"))))
}

/// An event by its id, or one occurrence of a series by its own.
pub(super) fn found<'a>(
    state: &'a mut State,
    account: &str,
    id: &str,
) -> Option<(&'a mut Item, Option<Times>)> {
    let mine = |item: &&mut Item| item.provider == Provider::Microsoft && item.account == account;
    state.items.iter_mut().filter(mine).find_map(|item| {
        if item.id == id {
            return Some((item, None));
        }
        item.recurrence.as_ref()?;
        let all = item.occurrences(Interval::new(Timestamp::MIN, Timestamp::MAX));
        let occurrence = all.into_iter().find(|times| shape::instance_id(item, times) == id)?;
        Some((item, Some(occurrence)))
    })
}

fn mine(call: &Call<'_>, item: &Item, calendar: Option<&str>) -> bool {
    item.provider == Provider::Microsoft
        && item.account == call.account.email
        && calendar.is_none_or(|id| item.calendar == id)
}

/// PROVIDERS.md: the range's own offset decides, UTC without one; `Prefer` has no say.
fn instant(text: &str) -> Option<Timestamp> {
    let offset = text.parse::<Timestamp>().ok();
    offset.or_else(|| TimeZone::UTC.to_timestamp(text.parse::<civil::DateTime>().ok()?).ok())
}

fn page(call: &Call<'_>, found: Vec<(&Item, Option<Times>)>, of: &str) -> Answer {
    let query = &call.asked.query;
    if query.get("$filter").is_some() || query.get("$search").is_some() {
        return Err(Refusal::invalid("This stand-in neither filters nor searches."));
    }
    let number = |name: &str| match query.get(name) {
        Some(text) => text.parse::<usize>().map(Some).map_err(|_| Refusal::invalid("Invalid query option.")),
        None => Ok(None),
    };
    let size = number("$top")?.unwrap_or(DEFAULT_PAGE);
    if !(1..=LARGEST_PAGE).contains(&size) {
        return Err(Refusal::invalid("The limit of $top is 1000."));
    }
    let skip = number("$skip")?.unwrap_or_default();
    let more = found.len() > skip + size;
    let value: Vec<Value> = found
        .into_iter()
        .skip(skip)
        .take(size)
        .map(|(item, times)| shape::event(item, times.as_ref(), &call.account, &call.shown))
        .map(|event| shape::selected(event, query.get("$select")))
        .collect();
    let mut body = json!({"@odata.context": me::context(call, &format!("users('me')/{of}")), "value": value});
    if more {
        let next = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(query.without("$skip"))
            .append_pair("$skip", &(skip + size).to_string())
            .finish();
        body["@odata.nextLink"] = format!("{}{}?{next}", call.world.base_url(), call.asked.path).into();
    }
    Ok(wire::json(200, &body))
}
