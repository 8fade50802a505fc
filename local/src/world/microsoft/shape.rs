//! Graph's JSON of an event, both ways.

use jiff::{Timestamp, Zoned, civil, tz::TimeZone};
use serde_json::{Map, Value, json};
use shared::range::Interval;

use super::Refusal;
use crate::world::{
    accounts::Account,
    items::{Item, Times},
    zones,
};

/// Reads `start`, `end` and `isAllDay`.
pub(super) fn times(fields: &Map<String, Value>) -> Result<Times, Refusal> {
    let (from, zone, zone_name) = moment(fields, "start")?;
    let (to, end_zone, _) = moment(fields, "end")?;
    if to < from {
        return Err(Refusal::invalid("The end of the event must not be before its start."));
    }
    let all_day = fields.get("isAllDay").and_then(Value::as_bool).unwrap_or_default();
    let midnight =
        |at: Timestamp, zone: &TimeZone| at.to_zoned(zone.clone()).time() == civil::Time::midnight();
    if all_day && (!midnight(from, &zone) || !midnight(to, &end_zone) || from == to) {
        return Err(Refusal::invalid(
            "An all-day event must start and end at midnight, a day or more apart.",
        ));
    }
    Ok(Times { span: Interval::new(from, to), zone, zone_name, all_day })
}

fn moment(fields: &Map<String, Value>, name: &str) -> Result<(Timestamp, TimeZone, String), Refusal> {
    let value = fields.get(name).unwrap_or(&Value::Null);
    let wrong = || Refusal::invalid(&format!("The property '{name}' needs a dateTime and a timeZone."));
    let zone_name = value["timeZone"].as_str().ok_or_else(wrong)?;
    let zone = zones::named(zone_name).ok_or_else(|| Refusal::unknown_zone(zone_name))?;
    let text = value["dateTime"].as_str().ok_or_else(wrong)?;
    let instant = match text.parse::<Timestamp>() {
        Ok(instant) => instant,
        Err(_) => {
            let civil: civil::DateTime = text.parse().map_err(|_| wrong())?;
            zone.to_timestamp(civil).map_err(|_| wrong())?
        }
    };
    Ok((instant, zone, zone_name.to_owned()))
}

/// Closed sets of Graph, by field; they are read whatever their case, and shown as the metadata spells them.
const ENUMS: &[(&str, &[&str])] = &[
    ("showAs", &["free", "tentative", "busy", "oof", "workingElsewhere", "unknown"]),
    ("importance", &["low", "normal", "high"]),
    ("sensitivity", &["normal", "personal", "private", "confidential"]),
];

/// Puts enum members into the metadata's spelling, and refuses others.
pub(super) fn normalise(fields: &mut Map<String, Value>) -> Result<(), Refusal> {
    for (name, members) in ENUMS {
        if let Some(value) = fields.get_mut(*name) {
            member(value, members)?;
        }
    }
    if let Some(value) = fields.get_mut("body").and_then(|body| body.get_mut("contentType")) {
        member(value, &["text", "html"])?;
    }
    for attendee in fields.get_mut("attendees").and_then(Value::as_array_mut).into_iter().flatten() {
        if attendee["emailAddress"]["address"].as_str().is_none_or(|address| !address.contains('@')) {
            return Err(Refusal::invalid("At least one recipient isn't valid."));
        }
        if let Some(value) = attendee.get_mut("type") {
            member(value, &["required", "optional", "resource"])?;
        }
        attendee["status"] = json!({"response": "none", "time": "0001-01-01T00:00:00Z"});
    }
    Ok(())
}

fn member(value: &mut Value, members: &[&str]) -> Result<(), Refusal> {
    let found = value.as_str().and_then(|given| members.iter().find(|one| one.eq_ignore_ascii_case(given)));
    *value = (*found.ok_or_else(|| Refusal::invalid("A value is not a member of its enumeration."))?).into();
    Ok(())
}

/// An event, or one occurrence of a series, with its times in a zone.
pub(super) fn event(
    item: &Item,
    occurrence: Option<&Times>,
    account: &Account,
    (zone, zone_name): &(TimeZone, String),
) -> Value {
    let times = occurrence.unwrap_or(&item.times);
    let instance = item.recurrence.is_some() && occurrence.is_some();
    let person = json!({"emailAddress": {"name": account.name, "address": account.email}});
    // All-day events keep their dates: midnight is shown in the zone they were made in.
    let (zone, zone_name) = if times.all_day { (&times.zone, &times.zone_name) } else { (zone, zone_name) };
    let at = |zoned: Zoned| {
        json!({"dateTime": zoned.with_time_zone(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S.0000000").to_string(),
            "timeZone": zone_name})
    };
    let own = json!({
        "@odata.etag": etag(item),
        "id": if instance { instance_id(item, times) } else { item.id.clone() },
        "changeKey": change_key(item),
        "createdDateTime": item.created.to_string(),
        "lastModifiedDateTime": item.updated.to_string(),
        "originalStartTimeZone": item.times.zone_name,
        "originalEndTimeZone": item.times.zone_name,
        "iCalUId": format!("040000008200E00074C5B7101A82E008{}", shared::random::hex(&shared::random::sha256(item.id.as_bytes()))),
        "isAllDay": times.all_day,
        "isCancelled": item.fields.get("isCancelled").and_then(Value::as_bool).unwrap_or_default(),
        "isOrganizer": true,
        "seriesMasterId": instance.then_some(&item.id),
        "type": match (&item.recurrence, instance) {
            (None, _) => "singleInstance",
            (Some(_), true) => "occurrence",
            (Some(_), false) => "seriesMaster",
        },
        "start": at(times.start()),
        "end": at(times.end()),
        "organizer": person,
        "webLink": format!("https://outlook.office365.com/owa/?itemid={}", shared::random::base64url(item.id.as_bytes())),
        "bodyPreview": item.fields.get("body").map_or("", |body| body["content"].as_str().unwrap_or_default()),
        "onlineMeeting": online(item),
        "recurrence": if instance { Value::Null } else { item.fields.get("recurrence").cloned().unwrap_or_default() },
    });
    let mut shown = defaults();
    shown.extend(item.fields.clone());
    shown.extend(own.as_object().cloned().unwrap_or_default());
    Value::Object(shown)
}

/// What Graph shows of fields that were never sent.
fn defaults() -> Map<String, Value> {
    let defaults = json!({
        "categories": [], "transactionId": null, "reminderMinutesBeforeStart": 15, "isReminderOn": true,
        "hasAttachments": false, "subject": "", "importance": "normal", "sensitivity": "normal",
        "responseRequested": true, "showAs": "busy", "onlineMeetingUrl": null, "isOnlineMeeting": false,
        "onlineMeetingProvider": "unknown", "allowNewTimeProposals": true, "isDraft": false, "hideAttendees": false,
        "responseStatus": {"response": "organizer", "time": "0001-01-01T00:00:00Z"},
        "body": {"contentType": "html", "content": ""}, "attendees": [], "locations": [],
        "location": {"displayName": "", "locationType": "default", "uniqueIdType": "unknown", "address": {}, "coordinates": {}},
    });
    defaults.as_object().cloned().unwrap_or_default()
}

fn online(item: &Item) -> Value {
    match item.fields.get("isOnlineMeeting").and_then(Value::as_bool) {
        Some(true) => {
            json!({"joinUrl": format!("https://teams.microsoft.com/l/meetup-join/{}", &item.id[..24])})
        }
        Some(false) | None => Value::Null,
    }
}

/// An occurrence's id.
pub(super) fn instance_id(item: &Item, times: &Times) -> String {
    crate::world::accounts::graph_id(&format!("{}/{}", item.id, times.span.start))
}

fn change_key(item: &Item) -> String {
    let digest = shared::random::sha256(format!("{}/{}", item.id, item.version).as_bytes());
    format!("{}AAA==", &shared::random::base64url(&digest)[..19])
}

/// The weak etag, as Graph writes it.
pub(super) fn etag(item: &Item) -> String {
    format!("W/\"{}\"", change_key(item))
}

/// Only the fields of `$select`; the id and the etag always come.
pub(super) fn selected(mut event: Value, select: Option<&str>) -> Value {
    if let (Some(select), Some(fields)) = (select, event.as_object_mut()) {
        let asked = |name: &str| select.split(',').any(|one| one.trim().eq_ignore_ascii_case(name));
        fields.retain(|name, _| name == "id" || name == "@odata.etag" || asked(name));
    }
    event
}
