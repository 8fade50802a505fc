//! Server messages in every shape that was seen.

use secrecy::ExposeSecret as _;
use serde_json::json;

use super::*;

fn message(payload: &Value) -> VapiMessage {
    read(payload.to_string().as_bytes()).unwrap_or_else(|error| panic!("{payload}: {error}"))
}

/// `[id, name, arguments, readable]` of each call.
fn calls_of(payload: &Value) -> Value {
    let calls = message(payload).calls;
    calls.into_iter().map(|call| json!([call.id, call.name, call.arguments, call.readable])).collect()
}

/// Checks the calls of a `tool-calls` message, with and without the wrapper.
fn check(mut lists: Value, expected: &Value) {
    lists["type"] = json!("tool-calls");
    assert_eq!(&calls_of(&lists), expected, "{lists}");
    assert_eq!(&calls_of(&json!({ "message": lists })), expected, "{lists}");
}

#[test]
fn every_shape_of_a_tool_call_reads_the_same() {
    let arguments = json!({"day": "tuesday", "n": 2});
    let text = arguments.to_string();
    for given in [arguments.clone(), json!(text), json!(json!(text).to_string())] {
        for call in [
            json!({"id": "c1", "name": "book", "arguments": given}),
            json!({"id": "c1", "name": "book", "parameters": given}),
            json!({"id": "c1", "type": "function", "function": {"name": "book", "arguments": given}}),
            json!({"id": "c1", "type": "function", "function": {"name": "book", "parameters": given}}),
            json!({"toolCallId": "c1", "function": {"name": "book", "arguments": given}}),
        ] {
            let expected = json!([["c1", "book", arguments, true]]);
            check(json!({"toolCallList": [call]}), &expected);
            check(json!({"toolCalls": [call]}), &expected);
            check(json!({"toolWithToolCallList": [{"type": "function", "toolCall": call}]}), &expected);
        }
    }
}

#[test]
fn a_tools_definition_gives_a_name_but_never_arguments() {
    let schema = json!({"type": "object", "properties": {"day": {"type": "string"}}});
    check(
        json!({"toolWithToolCallList": [{"type": "function", "name": "book", "parameters": schema}]}),
        &json!([]),
    );
    for tool in [
        json!({"name": "book", "parameters": schema, "toolCall": {"id": "c1"}}),
        json!({"function": {"name": "book", "parameters": schema}, "toolCall": {"id": "c1", "function": {}}}),
    ] {
        check(json!({"toolWithToolCallList": [tool]}), &json!([["c1", "book", {}, true]]));
    }
}

#[test]
fn a_call_repeated_in_three_lists_counts_once_in_the_first_order() {
    let (a, b) = (
        json!({"id": "a", "name": "x", "arguments": {"n": 1}}),
        json!({"id": "b", "name": "x", "arguments": {"n": 1}}),
    );
    check(
        json!({"toolCallList": [b, a], "toolCalls": [a, b], "toolWithToolCallList": [{"toolCall": a}, {"toolCall": b}]}),
        &json!([["b", "x", {"n": 1}, true], ["a", "x", {"n": 1}, true]]),
    );
    let nameless = json!({"id": "a"});
    check(json!({"toolCallList": [nameless], "toolCalls": [a]}), &json!([["a", "x", {"n": 1}, true]]));
    let idless = json!({"name": "x", "arguments": {"n": 1}});
    check(json!({"toolCallList": [idless], "toolCalls": [idless]}), &json!([["", "x", {"n": 1}, true]]));
}

#[test]
fn arguments_that_cannot_be_read_are_empty_and_say_so() {
    for (given, readable) in [
        (json!(""), true),
        (json!("null"), true),
        (json!(null), true),
        (json!("{}"), true),
        (json!("{broken"), false),
        (json!("[1]"), false),
        (json!([1]), false),
        (json!(7), false),
    ] {
        let call = json!({"id": "c1", "function": {"name": "book", "arguments": given}});
        check(json!({"toolCalls": [call]}), &json!([["c1", "book", {}, readable]]));
    }
}

#[test]
fn odd_entries_do_not_hide_the_good_ones() {
    let good = json!({"id": 7, "name": "book"});
    check(
        json!({"toolCallList": [null, 1, "x", [], {}, {"id": ""}, good]}),
        &json!([["7", "book", {}, true]]),
    );
    check(json!({"toolCallList": {"id": "c1"}, "toolCalls": "x"}), &json!([]));
}

#[test]
fn the_legacy_function_call_may_lack_an_id() {
    let payload = json!({"message": {"type": "function-call", "functionCall": {"name": "book", "parameters": {"n": 1}}}});
    assert_eq!(calls_of(&payload), json!([["", "book", {"n": 1}, true]]));
    let payload = json!({"functionCall": {"id": "c1", "name": "book", "parameters": "{\"n\":1}"}});
    assert_eq!(calls_of(&payload), json!([["c1", "book", {"n": 1}, true]]));
    assert_eq!(message(&payload).kind, "function-call");
}

#[test]
fn only_messages_that_ask_for_calls_have_calls() {
    let list = json!([{"id": "c1", "name": "book"}]);
    let report = message(&json!({"message": {"type": "end-of-call-report", "toolCalls": list}}));
    assert!(report.calls.is_empty());
    assert_eq!(message(&json!({"message": {"toolCallList": list}})).calls.len(), 1);
}

#[test]
fn the_call_is_described_by_its_own_fields() {
    let read = message(&json!({"message": {
        "type": "assistant-request",
        "call": {"id": "call-1", "phoneNumberId": "pn-1", "assistantId": null, "customer": {"number": "+15550100"}},
        "phoneNumber": {"id": "pn-2", "number": "+15550111", "twilioAuthToken": "EXAMPLE"},
        "assistant": {"id": "as-1"},
        "customer": {"number": "+15550199"},
    }}));
    assert_eq!(read.kind, "assistant-request");
    assert_eq!(read.call_id.as_deref(), Some("call-1"));
    assert_eq!(read.phone_number_id.as_deref(), Some("pn-1"));
    assert_eq!(read.called_number.as_deref(), Some("+15550111"));
    assert_eq!(read.assistant_id.as_deref(), Some("as-1"));
    assert_eq!(read.caller_number.unwrap().expose_secret(), "+15550100");
}

#[test]
fn what_is_no_message_is_refused() {
    for body in [
        "",
        "{",
        "[]",
        "null",
        "\"tool-calls\"",
        "{}",
        "{\"message\":{}}",
        "{\"message\":{\"type\":5}}",
        "{\"message\":\"x\"}",
    ] {
        assert!(read(body.as_bytes()).is_err(), "{body}");
    }
    assert_eq!(message(&json!({"type": "hang", "message": "bye"})).kind, "hang");
}
