//! VAPI's server messages, reduced to the fields that are used.
//!
//! A payload may hold a Twilio auth token in `phoneNumber`, so it is never kept. Ids that the model puts into
//! arguments are not looked at here or later.

use secrecy::SecretString;
use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// One message. It has no `Debug`: it knows telephone numbers and what was said.
pub struct VapiMessage {
    /// `tool-calls`, `function-call`, `assistant-request`, `status-update`, `end-of-call-report` or any other.
    pub kind: String,
    /// The calls to answer, each once, in the order in which they were asked for.
    pub calls: Vec<ToolCall>,
    /// VAPI's id of the call.
    pub call_id: Option<String>,
    /// The caller's number by signalling, never as spoken.
    pub caller_number: Option<SecretString>,
    /// VAPI's id of the number that was called.
    pub phone_number_id: Option<String>,
    /// The number that was called.
    pub called_number: Option<String>,
    /// VAPI's id of the assistant; an assistant described in the message itself has none.
    pub assistant_id: Option<String>,
}

/// One call of a tool by the model.
pub struct ToolCall {
    /// VAPI's id, which the answer repeats; empty in the legacy `function-call`.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// The arguments; empty when they cannot be read.
    pub arguments: Map<String, Value>,
    /// Whether the arguments could be read: false lets the answer say so.
    pub readable: bool,
}

/// Reads a message, wrapped in `message` or not.
pub fn read(payload: &[u8]) -> Result<VapiMessage> {
    let payload: Value =
        serde_json::from_slice(payload).map_err(|_| Error::Malformed("the body must be JSON".into()))?;
    let message = match &payload["message"] {
        wrapped @ Value::Object(_) => wrapped,
        // Without the wrapper `message` is a text, or not there.
        _ => &payload,
    };
    if !message.is_object() {
        return Err(Error::invalid("message", "must be an object"));
    }
    let kind = kind(message)?;
    let call = if message["call"].is_object() { &message["call"] } else { &payload["call"] };
    let calls =
        if matches!(kind.as_str(), "tool-calls" | "function-call") { calls(message) } else { Vec::new() };
    let (call_number, number) = (&call["phoneNumber"], &message["phoneNumber"]);
    Ok(VapiMessage {
        calls,
        call_id: text(&call["id"]),
        caller_number: text(&call["customer"]["number"])
            .or_else(|| text(&message["customer"]["number"]))
            .map(SecretString::from),
        phone_number_id: text(&call["phoneNumberId"])
            .or_else(|| text(&number["id"]))
            .or_else(|| text(&call_number["id"])),
        called_number: text(&number["number"]).or_else(|| text(&call_number["number"])),
        assistant_id: text(&call["assistantId"]).or_else(|| text(&message["assistant"]["id"])),
        kind,
    })
}

fn kind(message: &Value) -> Result<String> {
    let has_calls =
        ["toolCallList", "toolCalls", "toolWithToolCallList"].iter().any(|list| message[list].is_array());
    match &message["type"] {
        Value::String(kind) if !kind.is_empty() => Ok(kind.clone()),
        Value::Null if has_calls => Ok("tool-calls".to_owned()),
        Value::Null if message["functionCall"].is_object() => Ok("function-call".to_owned()),
        _ => Err(Error::invalid("message.type", "must name the kind of message")),
    }
}

/// The calls of all the lists that VAPI repeats them in.
fn calls(message: &Value) -> Vec<ToolCall> {
    let entries = |list: &str| message[list].as_array().map(Vec::as_slice).unwrap_or_default();
    let plain = entries("toolCallList").iter().chain(entries("toolCalls")).map(|call| (call, None));
    // Beside `toolCall` stands the tool's definition, whose `parameters` are a schema: only the name is taken
    // from it.
    let with_tool = entries("toolWithToolCallList")
        .iter()
        .filter(|tool| tool["toolCall"].is_object())
        .map(|tool| (&tool["toolCall"], name(tool)));
    let legacy = [(&message["functionCall"], None)];
    let mut calls: Vec<ToolCall> = Vec::new();
    for (call, tool_name) in plain.chain(with_tool).chain(legacy) {
        let Some(call) = tool_call(call, tool_name) else { continue };
        let same = calls.iter_mut().find(|known| {
            known.id == call.id
                && (!call.id.is_empty() || (known.name == call.name && known.arguments == call.arguments))
        });
        match same {
            None => calls.push(call),
            Some(known) => known.complete(call),
        }
    }
    calls
}

impl ToolCall {
    /// Takes over what this listing of the call lacks and another one has.
    fn complete(&mut self, other: Self) {
        if self.name.is_empty() {
            self.name = other.name;
        }
        if self.arguments.is_empty() && !other.arguments.is_empty() {
            (self.arguments, self.readable) = (other.arguments, other.readable);
        }
    }
}

/// Reads `{id, name, arguments}` or `{id, function: {name, arguments}}`; `parameters` stands for `arguments`
/// in both.
fn tool_call(call: &Value, tool_name: Option<String>) -> Option<ToolCall> {
    let id = text(&call["id"]).or_else(|| text(&call["toolCallId"])).unwrap_or_default();
    let name = name(call).or(tool_name).unwrap_or_default();
    if id.is_empty() && name.is_empty() {
        return None;
    }
    let given = [&call["function"], call]
        .into_iter()
        .flat_map(|place| [&place["arguments"], &place["parameters"]])
        .find(|given| !given.is_null());
    let arguments = given.map_or_else(|| Some(Map::new()), arguments);
    Some(ToolCall { id, name, readable: arguments.is_some(), arguments: arguments.unwrap_or_default() })
}

fn name(place: &Value) -> Option<String> {
    text(&place["function"]["name"]).or_else(|| text(&place["name"]))
}

/// Arguments as an object, or as JSON in a string (OpenAI's form); none when they are neither.
fn arguments(given: &Value) -> Option<Map<String, Value>> {
    match given {
        Value::Object(map) => Some(map.clone()),
        Value::Null => Some(Map::new()),
        Value::String(text) if text.trim().is_empty() => Some(Map::new()),
        Value::String(text) => match serde_json::from_str(text).ok()? {
            Value::Object(map) => Some(map),
            Value::Null => Some(Map::new()),
            // Encoded twice.
            Value::String(inner) => serde_json::from_str(&inner).ok(),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
        },
        Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
    }
}

/// A text that is not empty; a number as text, because ids are at times numbers.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests;
