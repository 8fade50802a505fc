//! The judge's cases about who is asking and what came in: Clerk sessions and events, webhook signatures,
//! VAPI messages.

use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde_json::{Value, json};
use shared::{
    clerk::{
        event::{self, ClerkEvent},
        keys::KeySet,
        session::{self, SessionRules},
    },
    error::Error,
    vapi, webhooks,
};

/// The verdict on a case of one of the kinds known here; none for any other. `Err` says what is wrong with
/// the case itself.
pub fn verdict(kind: &str, case: &Value) -> Option<Result<Value, String>> {
    match kind {
        "clerk_session" => Some(clerk_session(case)),
        "standard_webhook" => Some(standard_webhook(case)),
        "clerk_event" => Some(Ok(clerk_event(&case["payload"]))),
        "vapi_message" => Some(Ok(vapi_message(&case["payload"]))),
        _ => None,
    }
}

fn clerk_session(case: &Value) -> Result<Value, String> {
    let now = instant(&case["now"])?;
    let config = &case["config"];
    let keys = match keys(config) {
        Ok(keys) => keys,
        Err(error) => return Ok(rejected(error.code())),
    };
    let rules = SessionRules {
        issuer: config["issuer"].as_str().map(str::to_owned),
        authorized_parties: texts(&config["authorized_parties"]),
        allow_missing_azp: config["allow_missing_azp"].as_bool().unwrap_or_default(),
        audience: texts(&config["audience"]),
        leeway: match &config["leeway_seconds"] {
            Value::Null => SessionRules::default().leeway,
            given => given
                .as_f64()
                .and_then(|seconds| SignedDuration::try_from_secs_f64(seconds).ok())
                .ok_or("leeway_seconds must be a number")?,
        },
    };
    let token = case["token"].as_str().unwrap_or_default();
    Ok(match session::verify(token, &keys, &rules, now) {
        Ok(session) => json!({"verdict": "accept", "sub": session.sub}),
        Err(refused) => rejected(refused.code()),
    })
}

/// `jwt_key` (PEM), or `jwks` as a set, a list of keys, or JSON text.
fn keys(config: &Value) -> Result<KeySet, Error> {
    if let Some(pem) = config["jwt_key"].as_str() {
        return KeySet::from_pem(pem);
    }
    match &config["jwks"] {
        Value::String(text) => KeySet::from_jwks(text.as_bytes()),
        Value::Array(keys) => KeySet::from_jwks(json!({ "keys": keys }).to_string().as_bytes()),
        set => KeySet::from_jwks(set.to_string().as_bytes()),
    }
}

fn standard_webhook(case: &Value) -> Result<Value, String> {
    let now = instant(&case["now"])?;
    let mut secrets = texts(&case["secret"]);
    secrets.extend(texts(&case["secrets"]));
    let secrets: Vec<_> = secrets.into_iter().map(SecretString::from).collect();
    let body = case["body"].as_str().ok_or("body must be a text")?;
    Ok(match webhooks::verify(&secrets, &headers(&case["headers"]), body.as_bytes(), now) {
        Ok(_) => json!({"verdict": "accept"}),
        Err(refused) => rejected(refused.code()),
    })
}

fn clerk_event(payload: &Value) -> Value {
    match event::read(&bytes(payload)) {
        Ok(ClerkEvent::Upsert(user)) => {
            json!({"op": "upsert", "user_id": user.id, "primary_email": user.primary_email})
        }
        Ok(ClerkEvent::Delete { user_id }) => {
            json!({"op": "delete", "user_id": user_id, "primary_email": null})
        }
        // About a membership, not about the user's own row.
        Ok(ClerkEvent::Membership { .. } | ClerkEvent::Ignore { .. }) => {
            json!({"op": "ignore", "user_id": null, "primary_email": null})
        }
        Err(error) => malformed(&error),
    }
}

fn vapi_message(payload: &Value) -> Value {
    match vapi::message::read(&bytes(payload)) {
        Ok(message) => {
            let calls: Vec<_> = message
                .calls
                .into_iter()
                .map(|call| json!({"id": call.id, "name": call.name, "arguments": call.arguments}))
                .collect();
            json!({"handled": message.kind, "calls": calls})
        }
        Err(error) => malformed(&error),
    }
}

fn rejected(code: &str) -> Value {
    json!({"verdict": "reject", "code": code})
}

fn malformed(error: &Error) -> Value {
    let mut verdict = rejected(error.code());
    if let Error::Invalid { field, .. } = error {
        verdict["field"] = json!(field);
    }
    verdict
}

/// A payload as the wire would carry it: JSON text is taken as it is.
fn bytes(payload: &Value) -> Vec<u8> {
    match payload {
        Value::String(text) => text.clone().into_bytes(),
        other => other.to_string().into_bytes(),
    }
}

/// RFC 3339, or Unix time in seconds or milliseconds.
fn instant(now: &Value) -> Result<Timestamp, String> {
    let number = match now {
        Value::String(text) => match text.parse::<Timestamp>() {
            Ok(now) => return Ok(now),
            Err(_) => text.parse::<f64>().ok(),
        },
        other => other.as_f64(),
    };
    let number = number.ok_or("now must be RFC 3339 or Unix time")?;
    let milliseconds = if number.abs() < 1e11 { number * 1e3 } else { number };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a cast saturates, and out of range is an error below"
    )]
    Timestamp::from_millisecond(milliseconds as i64).map_err(|error| error.to_string())
}

/// A list of texts, or one.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(list) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    }
}

/// An object of headers; a value may be a list. What no HTTP message could carry is left out.
fn headers(given: &Value) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in given.as_object().into_iter().flatten() {
        let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else { continue };
        for value in value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice) {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Null => continue,
                other => other.to_string(),
            };
            if let Ok(value) = HeaderValue::from_str(&text) {
                headers.append(name.clone(), value);
            }
        }
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(kind: &str, case: &Value) -> Value {
        verdict(kind, case).unwrap().unwrap()
    }

    #[test]
    fn kinds_of_others_are_left_to_them() {
        assert!(verdict("slots", &json!({})).is_none());
    }

    #[test]
    fn a_webhook_case_reads_headers_in_any_spelling() {
        let secret = SecretString::from("whsec_RVhBTVBMRS1rZXk=");
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let signature = webhooks::sign(&secret, "msg_1", now, b"{}").unwrap();
        for headers in [
            json!({"Svix-Id": "msg_1", "SVIX-TIMESTAMP": "1800000000", "svix-signature": signature}),
            json!({"webhook-id": ["msg_1"], "webhook-timestamp": 1_800_000_000, "Webhook-Signature": [signature], "x y": 1}),
        ] {
            for now in [
                json!("2027-01-15T08:00:00Z"),
                json!(1_800_000_000),
                json!(1_800_000_000_000_i64),
                json!("1800000000"),
            ] {
                let case =
                    json!({"secret": "whsec_RVhBTVBMRS1rZXk=", "headers": headers, "body": "{}", "now": now});
                assert_eq!(judge("standard_webhook", &case), json!({"verdict": "accept"}), "{case}");
                let mut changed = case;
                changed["body"] = json!("{ }");
                assert_eq!(judge("standard_webhook", &changed)["verdict"], "reject");
            }
        }
    }

    #[test]
    fn a_session_case_with_unusable_keys_or_token_is_a_rejection() {
        for config in
            [json!({}), json!({"jwt_key": "x"}), json!({"jwks": {"keys": []}}), json!({"jwks": "x"})]
        {
            let case = json!({"token": "a.b.c", "now": 0, "config": config});
            assert_eq!(judge("clerk_session", &case), json!({"verdict": "reject", "code": "invalid_field"}));
        }
        assert!(verdict("clerk_session", &json!({"token": "a.b.c", "config": {}})).unwrap().is_err());
    }

    #[test]
    fn events_and_messages_are_read_from_objects_and_from_text() {
        let event = json!({"type": "user.deleted", "data": {"id": "user_1", "deleted": true}});
        let expected = json!({"op": "delete", "user_id": "user_1", "primary_email": null});
        assert_eq!(judge("clerk_event", &json!({ "payload": event })), expected);
        assert_eq!(judge("clerk_event", &json!({"payload": event.to_string()})), expected);
        let message = json!({"message": {"type": "tool-calls", "toolCalls": [
            {"id": "c1", "type": "function", "function": {"name": "book", "arguments": "{\"n\":1}"}}]}});
        let expected =
            json!({"handled": "tool-calls", "calls": [{"id": "c1", "name": "book", "arguments": {"n": 1}}]});
        assert_eq!(judge("vapi_message", &json!({ "payload": message })), expected);
    }

    #[test]
    fn malformed_payloads_get_a_verdict() {
        for payload in [json!(null), json!([]), json!("{"), json!({}), json!(1)] {
            assert_eq!(judge("clerk_event", &json!({ "payload": payload }))["verdict"], "reject");
            assert_eq!(judge("vapi_message", &json!({ "payload": payload }))["verdict"], "reject");
        }
    }
}
