//! VAPI's server messages, read tolerantly: tool calls come in several shapes, sometimes the same call in three lists.
//!
//! Only the fields named here are taken. A message's `phoneNumber` may hold a Twilio auth token, so no message is kept.

use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// One tool call of a model.
#[derive(Clone, PartialEq)]
pub struct ToolCall {
    /// The model's id of the call; empty when there is none.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// What the model filled in.
    pub arguments: Map<String, Value>,
}

/// What is needed of a server message.
#[derive(Clone)]
pub struct VapiMessage {
    /// The message's type, such as `tool-calls`.
    pub kind: String,
    /// The tool calls, each once, in their order.
    pub calls: Vec<ToolCall>,
    /// VAPI's id of the call.
    pub call_id: Option<String>,
    /// The caller's number, from signalling.
    pub caller_number: Option<SecretString>,
    /// VAPI's id of the number that was called.
    pub phone_number_id: Option<String>,
    /// The number that was called.
    pub called_number: Option<String>,
    /// The assistant that talks.
    pub assistant_id: Option<String>,
    /// When the message was made.
    pub timestamp: Option<Timestamp>,
}

/// Reads a server message, with or without its `message` envelope.
pub fn vapi_message(body: &[u8]) -> Result<VapiMessage> {
    let payload: Value = serde_json::from_slice(body)
        .map_err(|_| Error::Malformed("the body is not a VAPI message".into()))?;
    let message = payload.get("message").filter(|message| message.is_object()).unwrap_or(&payload);
    let kind =
        text(&message["type"]).ok_or_else(|| Error::invalid("message.type", "must be the message's type"))?;
    let call = &message["call"];
    Ok(VapiMessage {
        calls: calls(message),
        kind,
        call_id: text(&call["id"]),
        caller_number: first(&[&call["customer"]["number"], &message["customer"]["number"]])
            .map(SecretString::from),
        phone_number_id: first(&[&call["phoneNumberId"], &message["phoneNumber"]["id"]]),
        called_number: first(&[&message["phoneNumber"]["number"], &call["phoneNumber"]["number"]]),
        assistant_id: first(&[&call["assistantId"], &message["assistant"]["id"], &call["assistant"]["id"]]),
        timestamp: message["timestamp"].as_f64().and_then(milliseconds),
    })
}

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn first(values: &[&Value]) -> Option<String> {
    values.iter().find_map(|value| text(value))
}

fn milliseconds(value: f64) -> Option<Timestamp> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a float too large saturates, and is then no timestamp"
    )]
    Timestamp::from_millisecond(value as i64).ok()
}

/// The calls of every list, each once: models' ids are unique within a message.
fn calls(message: &Value) -> Vec<ToolCall> {
    let list = |name: &str| message[name].as_array().map(Vec::as_slice).unwrap_or_default();
    let with_tool = list("toolWithToolCallList").iter().filter_map(|entry| {
        let name = name_of(&entry["toolCall"]).or_else(|| name_of(entry))?;
        entry.get("toolCall").map(|call| tool_call(call, name))
    });
    let plain = list("toolCallList").iter().chain(list("toolCalls"));
    let plain = plain.filter_map(|call| Some(tool_call(call, name_of(call)?)));
    let legacy = [&message["functionCall"], &message["toolCall"]];
    let legacy = legacy.into_iter().filter_map(|call| Some(tool_call(call, name_of(call)?)));

    let mut found: Vec<ToolCall> = Vec::new();
    for call in plain.chain(with_tool).chain(legacy) {
        let known = found.iter_mut().find(|known| match known.id.as_str() {
            "" => **known == call,
            id => id == call.id,
        });
        match known {
            // One list may carry the arguments that another one lacks.
            Some(known) if known.arguments.is_empty() => known.arguments = call.arguments,
            Some(_) => {}
            None => found.push(call),
        }
    }
    found
}

fn name_of(call: &Value) -> Option<String> {
    first(&[&call["function"]["name"], &call["name"]])
}

fn tool_call(call: &Value, name: String) -> ToolCall {
    let function = &call["function"];
    let given = [&function["arguments"], &call["arguments"], &call["parameters"], &function["parameters"]];
    let arguments = given.into_iter().find(|value| !value.is_null()).map(arguments).unwrap_or_default();
    ToolCall { id: first(&[&call["id"], &call["toolCallId"]]).unwrap_or_default(), name, arguments }
}

/// Arguments are an object, or the same as JSON text; what is neither counts as none.
fn arguments(value: &Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map.clone(),
        Value::String(text) => serde_json::from_str(text).unwrap_or_default(),
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(payload: &Value) -> VapiMessage {
        vapi_message(payload.to_string().as_bytes()).unwrap()
    }

    fn check(own: &Value, expected: &[(&str, &str, Value)]) {
        let mut message = own.clone();
        message["type"] = json!("tool-calls");
        for payload in [json!({ "message": message }), message] {
            let found: Vec<_> = read(&payload)
                .calls
                .into_iter()
                .map(|call| (call.id, call.name, Value::Object(call.arguments)))
                .collect();
            let expected: Vec<_> = expected
                .iter()
                .map(|(id, name, arguments)| ((*id).to_owned(), (*name).to_owned(), arguments.clone()))
                .collect();
            assert_eq!(found, expected, "{own}");
        }
    }

    #[test]
    fn tool_calls_are_read_in_every_shape() {
        let day = json!({"date": "2026-01-05"});
        let expected = [("c1", "check_availability", day.clone())];
        let flat = |key: &str| json!({"id": "c1", "name": "check_availability", key: day});
        let nested = |arguments: Value| json!({"id": "c1", "type": "function", "function": {"name": "check_availability", "arguments": arguments}});
        check(&json!({"toolCallList": [flat("arguments")]}), &expected);
        check(&json!({"toolCallList": [flat("parameters")]}), &expected);
        check(&json!({"toolCalls": [nested(day.clone())]}), &expected);
        check(&json!({"toolCalls": [nested(json!(day.to_string()))]}), &expected);
        check(
            &json!({"toolWithToolCallList": [{"name": "check_availability", "toolCall": {"id": "c1", "parameters": day}}]}),
            &expected,
        );
        check(
            &json!({"toolWithToolCallList": [{"type": "function", "function": {"name": "check_availability"}, "toolCall": nested(day.clone())}]}),
            &expected,
        );
        check(
            &json!({"toolCallList": [flat("arguments")], "toolCalls": [nested(day.clone())], "toolWithToolCallList": [{"name": "x", "toolCall": nested(day.clone())}]}),
            &expected,
        );
        check(
            &json!({"functionCall": {"name": "check_availability", "parameters": day}}),
            &[("", "check_availability", day.clone())],
        );
    }

    #[test]
    fn a_tool_without_its_call_is_no_call_and_odd_arguments_are_none() {
        check(&json!({"toolWithToolCallList": [{"type": "function", "name": "x", "parameters": {}}]}), &[]);
        for odd in [json!(""), json!("null"), json!("{"), json!(7), json!([1])] {
            check(
                &json!({"toolCalls": [{"id": "c1", "function": {"name": "x", "arguments": odd}}]}),
                &[("c1", "x", json!({}))],
            );
        }
    }

    #[test]
    fn two_calls_of_the_same_tool_stay_two() {
        let call = |id: &str| json!({"id": id, "name": "x", "arguments": {}});
        check(
            &json!({"toolCallList": [call("a"), call("b")]}),
            &[("a", "x", json!({})), ("b", "x", json!({}))],
        );
    }

    #[test]
    fn who_calls_whom_is_read_and_the_rest_is_not() {
        let message = read(&json!({"message": {
            "type": "status-update", "timestamp": 1_767_614_400_000_i64,
            "call": {"id": "call-1", "phoneNumberId": "pn-1", "assistantId": "as-1", "customer": {"number": "+15550100001"}},
            "phoneNumber": {"id": "pn-1", "number": "+15550100000", "twilioAuthToken": "EXAMPLE"},
        }}));
        assert_eq!((message.kind.as_str(), message.call_id.as_deref()), ("status-update", Some("call-1")));
        assert_eq!(
            (message.phone_number_id.as_deref(), message.called_number.as_deref()),
            (Some("pn-1"), Some("+15550100000"))
        );
        assert_eq!(message.timestamp.unwrap().to_string(), "2026-01-05T12:00:00Z");
    }

    #[test]
    fn what_is_no_message_is_malformed() {
        for odd in ["", "[]", "{}", "{\"message\":{}}", "{\"message\":{\"type\":7}}"] {
            assert!(vapi_message(odd.as_bytes()).is_err(), "{odd}");
        }
    }
}
