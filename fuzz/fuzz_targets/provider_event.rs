//! What Microsoft, Google and Clerk send about events, refusals and people: any JSON, read by each of them.

#![no_main]

use http::HeaderMap;
use jiff::tz::TimeZone;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use shared::{
    calendar::{Event, EventStatus, When},
    clerk::event::{self, ClerkEvent},
    providers::{
        Reading,
        classify::{Source, classify},
        google, microsoft,
    },
};

const SOURCES: [Source; 8] = [
    Source::GoogleOauth,
    Source::Google,
    Source::MicrosoftOauth,
    Source::Graph,
    Source::CalendlyOauth,
    Source::Calendly,
    Source::CalcomOauth,
    Source::Calcom,
];

fuzz_target!(|data: &[u8]| {
    let value: Option<Value> = serde_json::from_slice(data).ok();
    if let Ok(wire) = serde_json::from_slice::<microsoft::WireEvent>(data) {
        sound(wire.reading(), value.as_ref());
    }
    if let Ok(wire) = serde_json::from_slice::<google::WireEvent>(data) {
        sound(wire.reading(), value.as_ref());
    }
    refused(data);
    match event::read(data) {
        Ok(ClerkEvent::Upsert(user)) => assert!(!user.id.is_empty()),
        Ok(ClerkEvent::Delete { user_id }) => assert!(!user_id.is_empty()),
        Ok(ClerkEvent::Membership { user_id, org_id, .. }) => {
            assert!(!user_id.is_empty() && !org_id.is_empty())
        }
        Ok(ClerkEvent::Ignore { kind }) => assert!(!kind.is_empty()),
        Err(_) => {}
    }
});

/// What holds of every event, whoever wrote it.
fn sound(reading: Reading, value: Option<&Value>) {
    let Reading::Event(event) = reading else { return };
    let Event { when, status, declined, busy, time_zone, .. } = &*event;
    assert!(!*busy || (*status != EventStatus::Cancelled && !declined), "what is called off takes no time");
    if let Some(zone) = time_zone {
        assert!(TimeZone::get(zone).is_ok(), "{zone}");
    }
    match when {
        When::Timed(interval) => assert_eq!(when.interval(&TimeZone::UTC), Some(*interval)),
        When::AllDay { start, end } => {
            assert!(start < end, "a whole day ends after it starts: {start} {end}");
            if let Some(interval) = when.interval(&TimeZone::UTC) {
                assert!(!interval.is_empty());
            }
        }
    }
    if let Some(value) = value {
        assert_eq!(value["id"], event.id.as_str());
    }
}

/// A refusal is understood whatever its body holds, and nothing of that body comes along but a word we know.
fn refused(body: &[u8]) {
    for source in SOURCES {
        for status in [None, Some(200), Some(400), Some(401), Some(403), Some(404), Some(429), Some(503)] {
            let failure = classify(source, status, &HeaderMap::new(), body, Some("refresh"));
            assert_eq!(failure.status, status);
            assert!(failure.retry_after.is_none_or(|wait| !wait.is_negative()), "{failure:?}");
            if let Some(reason) = &failure.reason {
                let is_word = reason.len() <= 64 && reason.bytes().all(|byte| byte.is_ascii_graphic());
                assert!(is_word, "{reason}");
            }
        }
    }
}
