//! Verdicts on what providers send: events, event ids, refusals.

use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use shared::{
    calendar::{Event, EventStatus, When},
    providers::{
        Reading,
        classify::{Source, classify},
        google, microsoft,
    },
};

/// The verdict on a case of one of this file's kinds; none for any other kind.
pub fn verdict(kind: &str, case: &Value) -> Option<Result<Value, String>> {
    Some(match kind {
        "graph_event" => wire::<microsoft::WireEvent>(case).map(|event| reading(event.reading())),
        "google_event" => wire::<google::WireEvent>(case).map(|event| reading(event.reading())),
        "google_event_id" => Ok(json!({"valid": case["value"].as_str().is_some_and(google::is_event_id)})),
        "provider_error" => refusal(case),
        _ => return None,
    })
}

fn wire<T: DeserializeOwned>(case: &Value) -> Result<T, String> {
    let input = match &case["input"] {
        Value::String(text) => serde_json::from_str(text),
        value => T::deserialize(value),
    };
    input.map_err(|error| format!("input is not an event: {error}"))
}

fn reading(reading: Reading) -> Value {
    match reading {
        Reading::Event(event) => told(&event),
        Reading::Skipped(skip) => json!({"skipped": skip.as_str()}),
    }
}

fn told(event: &Event) -> Value {
    let status = match event.status {
        EventStatus::Confirmed => "confirmed",
        EventStatus::Tentative => "tentative",
        EventStatus::Cancelled => "cancelled",
    };
    let mut out = json!({
        "id": event.id, "subject": event.subject, "busy": event.busy, "status": status,
        "start_utc": null, "end_utc": null, "start_date": null, "end_date_exclusive": null,
    });
    match event.when {
        When::Timed(interval) => {
            out["all_day"] = json!(false);
            out["start_utc"] = json!(interval.start.to_string());
            out["end_utc"] = json!(interval.end.to_string());
        }
        When::AllDay { start, end } => {
            out["all_day"] = json!(true);
            out["start_date"] = json!(start.to_string());
            out["end_date_exclusive"] = json!(end.to_string());
        }
    }
    out
}

fn refusal(case: &Value) -> Result<Value, String> {
    let name = case["provider"].as_str().ok_or("provider is missing")?;
    let source = Source::named(name).ok_or_else(|| format!("unknown provider {name}"))?;
    let status = match &case["status"] {
        Value::Null => None,
        value => value.as_u64().and_then(|status| u16::try_from(status).ok()).filter(|status| *status > 0),
    };
    let mut headers = headers(case["headers"].as_object());
    if let Some(now) = case["now"].as_str().and_then(|now| now.parse::<Timestamp>().ok())
        && !headers.contains_key("date")
        && let Ok(date) = HeaderValue::from_str(&now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
    {
        headers.insert("date", date);
    }
    let body = match &case["body"] {
        Value::Null => Vec::new(),
        Value::String(text) => text.clone().into_bytes(),
        value => value.to_string().into_bytes(),
    };
    let failure = classify(source, status, &headers, &body, case["operation"].as_str());
    let mut out = json!({"class": failure.class.as_str()});
    if let Some(wait) = failure.retry_after {
        let whole = wait.subsec_nanos() == 0;
        out["retry_after_seconds"] = if whole { json!(wait.as_secs()) } else { json!(wait.as_secs_f64()) };
    }
    Ok(out)
}

/// Headers as a JSON object of texts, numbers, or lists of them; what is not a header is left out.
fn headers(fields: Option<&Map<String, Value>>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields.into_iter().flatten() {
        let values = value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice);
        for value in values {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let pair = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(&text));
            if let (Ok(name), Ok(text)) = pair {
                headers.append(name, text);
            }
        }
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: &str, case: Value, expected: Value) {
        assert_eq!(verdict(kind, &case).unwrap().unwrap(), expected, "{case}");
    }

    #[test]
    fn an_event_is_told_in_utc_or_in_dates() {
        let time = |text: &str| json!({"dateTime": text, "timeZone": "Pacific Standard Time"});
        check(
            "graph_event",
            json!({"input": {"id": "AAMk=", "subject": "Haircut", "showAs": "busy", "isAllDay": false,
                "start": time("2026-01-05T09:00:00.0000000"), "end": time("2026-01-05T10:00:00.0000000")}}),
            json!({"id": "AAMk=", "subject": "Haircut", "start_utc": "2026-01-05T17:00:00Z",
                "end_utc": "2026-01-05T18:00:00Z", "all_day": false, "start_date": null,
                "end_date_exclusive": null, "busy": true, "status": "confirmed"}),
        );
        check(
            "google_event",
            json!({"input": {"id": "e", "start": {"date": "2026-01-05"}, "end": {"date": "2026-01-06"},
                "status": "tentative"}}),
            json!({"id": "e", "subject": "", "start_utc": null, "end_utc": null, "all_day": true,
                "start_date": "2026-01-05", "end_date_exclusive": "2026-01-06", "busy": true,
                "status": "tentative"}),
        );
        check(
            "google_event",
            json!({"input": {"id": "e", "status": "cancelled"}}),
            json!({"skipped": "tombstone"}),
        );
    }

    #[test]
    fn an_event_id_is_valid_or_not() {
        check("google_event_id", json!({"value": "abcde0123v"}), json!({"valid": true}));
        check("google_event_id", json!({"value": "abcdew"}), json!({"valid": false}));
        check("google_event_id", json!({"value": 12345}), json!({"valid": false}));
    }

    #[test]
    fn a_refusal_has_a_class_and_perhaps_a_wait() {
        check(
            "provider_error",
            json!({"provider": "graph", "status": 429, "headers": {"Retry-After": "1.5"}, "body": null}),
            json!({"class": "throttle", "retry_after_seconds": 1.5}),
        );
        check(
            "provider_error",
            json!({"provider": "google", "status": 503, "headers": {"retry-after": 7}, "body": "busy"}),
            json!({"class": "throttle", "retry_after_seconds": 7}),
        );
        check(
            "provider_error",
            json!({"provider": "google-oauth", "status": 400, "headers": {}, "body": {"error": "invalid_grant"}}),
            json!({"class": "needs_reauth"}),
        );
        check(
            "provider_error",
            json!({"provider": "cal.com", "status": 503, "now": "1994-11-06T08:49:07Z", "body": "",
                "headers": {"Retry-After": ["Sun, 06 Nov 1994 08:49:37 GMT"]}}),
            json!({"class": "throttle", "retry_after_seconds": 30}),
        );
        assert!(verdict("provider_error", &json!({"provider": "yahoo"})).unwrap().is_err());
        assert!(verdict("slots", &json!({})).is_none());
    }
}
