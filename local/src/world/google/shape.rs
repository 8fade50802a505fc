//! Google's JSON of an event, both ways.

use jiff::{Timestamp, Zoned, civil, tz::TimeZone};
use serde_json::{Map, Value, json};
use shared::range::Interval;

use super::Refusal;
use crate::world::{
    accounts::Account,
    items::{Item, Times},
    zones,
};

/// Reads `start` and `end`.
pub(super) fn times(fields: &Map<String, Value>, account: &Account) -> Result<Times, Refusal> {
    let start = fields.get("start").ok_or_else(|| Refusal::required("Missing start time."))?;
    let end = fields.get("end").ok_or_else(|| Refusal::required("Missing end time."))?;
    let (from, zone, zone_name, all_day) = moment(start, account)?;
    let (to, _, _, all_day_too) = moment(end, account)?;
    if all_day != all_day_too {
        return Err(Refusal::invalid("Start and end times must either both be date or both be dateTime."));
    }
    if to < from || (all_day && to == from) {
        return Err(Refusal::empty_range());
    }
    Ok(Times { span: Interval::new(from, to), zone, zone_name, all_day })
}

fn moment(value: &Value, account: &Account) -> Result<(Timestamp, TimeZone, String, bool), Refusal> {
    if value["date"].is_string() && value["dateTime"].is_string() {
        return Err(Refusal::invalid("A time is either a date or a dateTime."));
    }
    let home = zones::iana(&account.zone).unwrap_or(TimeZone::UTC);
    if let Some(date) = value["date"].as_str() {
        let date: civil::Date = date.parse().map_err(|_| Refusal::invalid("Invalid value for: date"))?;
        let day = date.to_zoned(home.clone()).map_err(|_| Refusal::invalid("Invalid value for: date"))?;
        return Ok((day.timestamp(), home, account.zone.clone(), true));
    }
    let text = value["dateTime"].as_str().ok_or_else(|| Refusal::required("Missing time."))?;
    let named = value["timeZone"].as_str();
    let zone = match named {
        Some(name) => zones::iana(name).ok_or_else(|| Refusal::invalid("Invalid time zone definition."))?,
        None => home,
    };
    let wrong = || Refusal::invalid("Invalid value for: dateTime");
    let instant = match text.parse::<Timestamp>() {
        Ok(instant) => instant,
        // Without an offset the zone must say what is meant.
        Err(_) if named.is_some() => {
            let civil: civil::DateTime = text.parse().map_err(|_| wrong())?;
            zone.to_timestamp(civil).map_err(|_| wrong())?
        }
        Err(_) => return Err(Refusal::invalid("Missing time zone definition for start time.")),
    };
    Ok((instant, zone, named.unwrap_or(&account.zone).to_owned(), false))
}

/// An event, or one occurrence of a series.
pub(super) fn event(item: &Item, occurrence: Option<&Times>, account: &Account) -> Value {
    let mut shown = item.fields.clone();
    let instance = item.recurrence.is_some() && occurrence.is_some();
    let times = occurrence.unwrap_or(&item.times);
    let id = if instance { instance_id(item, times) } else { item.id.clone() };
    let person = json!({"email": account.email, "self": true});
    let own = json!({
        "kind": "calendar#event",
        "etag": etag(item),
        "id": id,
        "status": if item.cancelled { "cancelled" } else { item.text("status").unwrap_or("confirmed") },
        "htmlLink": format!("https://www.google.com/calendar/event?eid={}", shared::random::base64url(id.as_bytes())),
        "created": item.created.to_string(),
        "updated": item.updated.to_string(),
        "creator": person,
        "organizer": {"email": item.calendar, "self": item.calendar == account.email},
        "start": wire_time(&times.start(), times, account),
        "end": wire_time(&times.end(), times, account),
        "iCalUID": item.text("iCalUID").map_or_else(|| format!("{}@google.com", item.id), str::to_owned),
        "sequence": 0,
        "reminders": item.fields.get("reminders").cloned().unwrap_or(json!({"useDefault": true})),
        "eventType": item.text("eventType").unwrap_or("default"),
    });
    shown.extend(own.as_object().cloned().unwrap_or_default());
    // Only what was never sent is left out; a null in a patch removes the field.
    shown.retain(|_, value| !value.is_null());
    if instance {
        shown.remove("recurrence");
        shown.insert("recurringEventId".to_owned(), item.id.as_str().into());
        shown.insert("originalStartTime".to_owned(), wire_time(&times.start(), times, account));
    }
    Value::Object(shown)
}

/// An occurrence's id: the series' and its start.
pub(super) fn instance_id(item: &Item, times: &Times) -> String {
    let at = if times.all_day {
        times.start().strftime("%Y%m%d").to_string()
    } else {
        times.span.start.strftime("%Y%m%dT%H%M%SZ").to_string()
    };
    format!("{}_{at}", item.id)
}

/// The etag, quotes included, as Google writes it.
pub(super) fn etag(item: &Item) -> String {
    format!("\"{}\"", 3_400_000_000_000_000_u64 + item.version)
}

fn wire_time(at: &Zoned, times: &Times, account: &Account) -> Value {
    if times.all_day {
        return json!({"date": at.date().to_string()});
    }
    // Google shows times in the calendar's zone, whatever zone they were made in.
    let home = zones::iana(&account.zone).unwrap_or(TimeZone::UTC);
    let shown = at.with_time_zone(home);
    let text = shown.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    let offset = match shown.offset().seconds() {
        0 => "Z".to_owned(),
        _ => shown.strftime("%:z").to_string(),
    };
    json!({"dateTime": format!("{text}{offset}"), "timeZone": times.zone_name})
}

/// Ids of the client's own choice: base32hex, 5 to 1024 characters.
pub(super) fn is_own_id(id: &str) -> bool {
    (5..=1024).contains(&id.len()) && id.bytes().all(|b| matches!(b, b'a'..=b'v' | b'0'..=b'9'))
}
