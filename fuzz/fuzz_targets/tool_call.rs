//! A message of VAPI's: any JSON, as the parser reads it and as the whole function answers it.

#![no_main]

use std::{collections::BTreeSet, sync::LazyLock};

use functions::Function;
use fuzz::world::{CREDENTIALS, World, presented};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use shared::vapi::message::{self, VapiMessage};

static WORLD: LazyLock<World> = LazyLock::new(World::new);

/// What the agent says of a fault of ours: nothing that a caller sends may lead there.
const OUR_FAULT: &str = "something went wrong on our side";

fuzz_target!(|body: &[u8]| {
    let read = message::read(body).ok();
    if let Some(message) = &read {
        sound(message);
        again(message, body);
    }
    let headers = [("x-vapi-secret".to_owned(), presented(CREDENTIALS[0]))];
    let answer = WORLD.ask(Function::VapiWebhook, "POST", "/vapi/webhook", &headers, Some(body));
    assert_eq!(answer.status, 200, "{answer:?}");
    let Some(message) = read else { return said(&answer.body["error"]) };
    match message.kind.as_str() {
        "tool-calls" => answered(&message, &answer.body),
        "function-call" => said(&answer.body["result"]),
        "assistant-request" => {
            let named = answer.body["assistantId"].is_string();
            assert_ne!(named, answer.body["error"].is_string(), "{answer:?}");
        }
        "transfer-destination-request" | "handoff-destination-request" => said(&answer.body["error"]),
        _ => assert_eq!(answer.body, serde_json::json!({})),
    }
});

/// What holds of every message that could be read.
fn sound(message: &VapiMessage) {
    assert!(!message.kind.is_empty());
    let named: Vec<_> = message.calls.iter().map(|call| &call.id).filter(|id| !id.is_empty()).collect();
    assert_eq!(named.len(), named.iter().collect::<BTreeSet<_>>().len(), "a call is answered once");
    for call in &message.calls {
        assert!(!call.id.is_empty() || !call.name.is_empty());
        assert!(call.readable || call.arguments.is_empty());
    }
    let texts = [&message.call_id, &message.phone_number_id, &message.called_number, &message.assistant_id];
    assert!(texts.into_iter().flatten().all(|text| !text.is_empty()));
}

/// The same message, written by another hand, is the same message.
fn again(message: &VapiMessage, body: &[u8]) {
    let value: Value = serde_json::from_slice(body).expect("it was read");
    // A fraction is read to the nearest number but one, and so may change when it is written.
    if has_fraction(&value) {
        return;
    }
    let other = message::read(value.to_string().as_bytes()).expect("it was read");
    assert_eq!(message.kind, other.kind);
    let calls = |of: &VapiMessage| -> Vec<_> {
        of.calls.iter().map(|call| (call.id.clone(), call.name.clone(), call.arguments.clone())).collect()
    };
    assert_eq!(calls(message), calls(&other));
}

fn has_fraction(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(list) => list.iter().any(has_fraction),
        Value::Object(fields) => fields.values().any(has_fraction),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

/// Each call has its own answer, in the order in which they were asked.
fn answered(message: &VapiMessage, body: &Value) {
    let results = body["results"].as_array().expect("results");
    assert_eq!(results.len(), message.calls.len());
    for (call, result) in message.calls.iter().zip(results) {
        assert_eq!(
            (&result["toolCallId"], &result["name"]),
            (&call.id.clone().into(), &call.name.clone().into())
        );
        assert_ne!(result["result"].is_string(), result["error"].is_string(), "{result}");
        said(if result["error"].is_null() { &result["result"] } else { &result["error"] });
    }
}

/// One line that can be said: no marks, no zone's id, no timestamp, no fault of ours.
fn said(line: &Value) {
    let line = line.as_str().expect("a line");
    assert!(!line.is_empty() && !line.contains(OUR_FAULT), "{line}");
    assert!(!line.contains(['\n', '\r', '_', '{', '}', '<', '>', '[', ']', '"', '/']), "{line}");
    let digits = line.split(|c: char| !c.is_ascii_digit()).map(str::len).max();
    assert!(digits.is_none_or(|longest| longest <= 4), "{line}");
}
