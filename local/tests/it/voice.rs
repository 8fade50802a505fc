//! The voice agent's webhook: who may call, in which shapes, and what the agent gets to say (SECURITY.md S4).

mod door;
mod lines;
mod outages;

use local::world::{Account, Credential, DEFAULT_EMAIL, PhoneCall, ToolCall};
use reqwest::{Method, header};
use serde_json::{Value, json};

use crate::harness::{Answer, CALLER, NOW, Town, at};

const NOT_SET_UP: &str = "This number is not set up yet. Please try again later.";
const CANNOT: &str = "I'm sorry, I can't do that here. Is there something else I can do for you?";
const FREE_DAY: &str = "I have Tuesday, January thirteenth at 9:30 AM, 10 AM, or 10:30 AM.";

fn phone() -> PhoneCall {
    PhoneCall::inbound(CALLER, Some("assistant-1"), at(NOW))
}

fn check(arguments: Value) -> ToolCall {
    ToolCall::new("check_availability", arguments)
}

fn free_day() -> ToolCall {
    check(json!({"date": "2026-01-13"}))
}

/// A message as it is, with these headers.
async fn post(town: &Town, path: &str, headers: &[(&str, &str)], body: impl Into<reqwest::Body>) -> Answer {
    let mut request =
        town.plain(Method::POST, path).header(header::CONTENT_TYPE, "application/json").body(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    town.answer(request).await
}

/// A message with the secret of a line.
async fn sent(town: &Town, line: &Credential, message: &Value) -> Answer {
    let Credential::Secret(secret) = line else { panic!("the line has no secret") };
    post(town, "/vapi/webhook", &[("x-vapi-secret", secret)], message.to_string()).await
}

fn booking() -> Value {
    let tool =
        ToolCall::new("book_appointment", json!({"start_time": "2026-01-13T10:00:00Z", "name": "Caller"}));
    phone().tool_calls(&[tool], at(NOW))
}

async fn written(town: &Town) -> (usize, usize) {
    (town.appointments().len(), town.ledger().await.len())
}

#[tokio::test]
async fn every_shape_of_a_tool_call_gets_the_same_line() {
    let town = Town::connected().await;
    let line = town.line().await;
    let arguments = json!({"date": "2026-01-13"});
    let text = json!(arguments.to_string());
    let (nested, flat) = (
        |given: &Value| json!({"id": "call_1", "type": "function", "function": {"name": "check_availability", "arguments": given}}),
        |field: &str, given: &Value| json!({"id": "call_1", "name": "check_availability", field: given}),
    );
    let whole = phone().tool_calls(&[ToolCall { id: "call_1".to_owned(), ..free_day() }], town.now());
    let with = |lists: Value| {
        let mut message = whole.clone();
        for list in ["toolCalls", "toolCallList", "toolWithToolCallList"] {
            message["message"][list] = lists[list].clone();
        }
        message
    };
    let unwrapped = whole["message"].clone();
    for (what, message) in [
        ("three lists", whole.clone()),
        ("without the wrapper", unwrapped),
        ("toolCalls", with(json!({"toolCalls": [nested(&arguments)]}))),
        ("toolCalls, text", with(json!({"toolCalls": [nested(&text)]}))),
        ("toolCallList", with(json!({"toolCallList": [nested(&arguments)]}))),
        ("flat arguments", with(json!({"toolCallList": [flat("arguments", &arguments)]}))),
        ("flat parameters", with(json!({"toolCallList": [flat("parameters", &arguments)]}))),
        ("flat text", with(json!({"toolCallList": [flat("arguments", &text)]}))),
        (
            "with tool",
            with(
                json!({"toolWithToolCallList": [{"name": "check_availability", "toolCall": nested(&text)}]}),
            ),
        ),
        ("twice in one list", with(json!({"toolCallList": [nested(&arguments), nested(&arguments)]}))),
    ] {
        let answer = sent(&town, &line, &message).await;
        let expected =
            json!({"results": [{"toolCallId": "call_1", "name": "check_availability", "result": FREE_DAY}]});
        assert_eq!((answer.status, answer.body), (200, expected), "{what}");
    }
    for given in [&arguments, &text] {
        let legacy = phone().function_call("get_availability", given, town.now());
        assert_eq!(sent(&town, &line, &legacy).await.body, json!({"result": FREE_DAY}));
    }
}

#[tokio::test]
async fn several_calls_of_one_message_are_answered_each_under_its_own_id() {
    let town = Town::connected().await;
    let line = town.line().await;
    let tools = [
        free_day(),
        ToolCall::new(
            "set_appointment",
            json!({"start_time": "2026-01-13T10:00:00Z", "name": "Caller\nand more"}),
        ),
        ToolCall::new("order_pizza", json!({})),
        ToolCall::new("check_availability", json!("{not json")),
        ToolCall::new("check_availability", json!([1])),
        check(json!({"date": "whenever"})),
        check(json!({"date": "2026-01-13", "duration_minutes": 100_000})),
    ];
    let answer = sent(&town, &line, &phone().tool_calls(&tools, town.now())).await;
    let results = answer.body["results"].as_array().unwrap();
    let again = "I didn't quite get that. Could you say it again?";
    let expected = [
        ("result", FREE_DAY),
        ("result", "You're booked for Tuesday, January thirteenth at 10 AM."),
        ("error", CANNOT),
        ("error", again),
        ("error", again),
        ("error", "I didn't quite get the day. Could you say it again?"),
        ("error", again),
    ];
    assert_eq!(results.len(), expected.len(), "{}", answer.text);
    for ((result, tool), (field, said)) in results.iter().zip(&tools).zip(expected) {
        assert_eq!(*result, json!({"toolCallId": tool.id, "name": tool.name, field: said}));
    }
    assert_eq!(written(&town).await, (1, 1));
}

#[tokio::test]
async fn what_cannot_be_read_is_a_sentence_and_what_is_too_long_is_refused() {
    let town = Town::connected().await;
    let Credential::Secret(secret) = town.line().await else { panic!("the line has no secret") };
    let headers = [("x-vapi-secret", secret.as_str())];
    for body in ["", "not json", "[]", "7", "{}", r#"{"message":7}"#, r#"{"message":{"type":7}}"#, "\u{0}"] {
        let answer = post(&town, "/vapi/webhook", &headers, body).await;
        let said = answer.body["error"].as_str().unwrap_or_default();
        assert!(answer.status == 200 && said.ends_with('?'), "{body}: {} {}", answer.status, answer.text);
        assert_eq!(answer.body, json!({"error": said}), "the one member that all answers to VAPI have");
    }
    let functionless = r#"{"message":{"type":"function-call"}}"#;
    let answer = post(&town, "/vapi/webhook", &headers, functionless).await;
    assert_eq!((answer.status, answer.body), (200, json!({"result": CANNOT})));
    let bytes = post(&town, "/vapi/webhook", &headers, vec![0xff, 0xfe]).await;
    assert_eq!(bytes.status, 200);
    let mut report = phone().end_of_call_report("", town.now());
    report["message"]["transcript"] = json!("x".repeat(4 * 1024 * 1024));
    assert_eq!(post(&town, "/vapi/webhook", &headers, report.to_string()).await.status, 200);
    report["message"]["transcript"] = json!("x".repeat(5 * 1024 * 1024));
    assert_eq!(post(&town, "/vapi/webhook", &headers, report.to_string()).await.status, 413);
}

#[tokio::test]
async fn other_messages_are_taken_and_change_nothing() {
    let town = Town::connected().await;
    let (line, call, now) = (town.line().await, phone(), town.now());
    let mut unknown = call.status_update("in-progress", now);
    unknown["message"]["type"] = json!("something-of-tomorrow");
    let messages = [
        call.status_update("in-progress", now),
        call.status_update("ended", now),
        call.end_of_call_report("Hello.", now),
        unknown,
    ];
    for message in messages {
        let answer = sent(&town, &line, &message).await;
        assert_eq!((answer.status, answer.body), (200, json!({})), "{message}");
    }
    let empty = call.tool_calls(&[], now);
    assert_eq!(sent(&town, &line, &empty).await.body, json!({"results": []}));
    assert_eq!(written(&town).await, (0, 0));
}

/// docs/vapi-tools.json, which people paste into VAPI: every argument in it is one that is read.
#[tokio::test]
async fn the_tools_that_people_paste_are_understood() {
    let tools: Value = serde_json::from_str(include_str!("../../../docs/vapi-tools.json")).unwrap();
    let town = Town::connected().await;
    let line = town.line().await;
    let say = json!({
        "date": "2026-01-13", "time": "10 AM", "duration_minutes": 45, "time_zone": "America/Chicago", "name": "Caller",
        "title": "Haircut", "email": "caller@example.com", "phone": "+15550100199", "notes": "By the window",
    });
    for tool in tools.as_array().unwrap() {
        let (name, asked) = (tool["function"]["name"].as_str().unwrap(), &tool["function"]["parameters"]);
        let names = asked["properties"].as_object().unwrap().keys();
        let arguments: Value =
            names.map(|name| (name.clone(), say[name].clone())).collect::<serde_json::Map<_, _>>().into();
        assert!(arguments.as_object().unwrap().values().all(|value| !value.is_null()), "{arguments}");
        let call = ToolCall::new(name, arguments);
        let answer = sent(&town, &line, &phone().tool_calls(&[call], town.now())).await;
        assert!(answer.body["results"][0]["result"].is_string(), "{name}: {}", answer.text);
    }
    let booked = town.get("/calendar/bookings").await.body["bookings"][0].clone();
    assert_eq!(
        (&booked["title"], &booked["notes"]),
        (&json!("Haircut"), &json!("By the window")),
        "{booked}"
    );
    assert_eq!(booked["attendee"]["phone"], "+15550100199", "{booked}");
    assert_eq!(
        (&booked["start"], &booked["end"]),
        (&json!("2026-01-13T10:00:00Z"), &json!("2026-01-13T10:45:00Z"))
    );
}

#[tokio::test]
async fn who_asks_where_to_transfer_a_call_is_told_that_it_stays() {
    let town = Town::connected().await;
    let line = town.line().await;
    for (kind, expected) in [
        ("transfer-destination-request", json!({"error": CANNOT})),
        ("handoff-destination-request", json!({"destination": {}, "error": CANNOT})),
    ] {
        let mut request = phone().assistant_request(town.now());
        request["message"]["type"] = json!(kind);
        let answer = sent(&town, &line, &request).await;
        assert_eq!((answer.status, answer.body), (200, expected), "{kind}");
    }
    assert_eq!(written(&town).await, (0, 0));
}

#[tokio::test]
async fn an_assistant_request_names_the_assistant_and_the_owners_day() {
    let town = Town::new().await;
    town.stack.world.add_account(Account::google(DEFAULT_EMAIL).in_zone("Pacific/Auckland"));
    town.connect("google").await;
    let line = town.line().await;
    town.say(&phone(), &line, &free_day()).await.unwrap();
    let answer = sent(&town, &line, &phone().assistant_request(town.now())).await;
    assert_eq!(answer.body["assistantId"], "assistant-1");
    let said = &answer.body["assistantOverrides"]["variableValues"];
    assert_eq!(
        *said,
        json!({"today": "2026-01-06", "now": "Tuesday, January sixth at 1 AM", "time_zone": "Pacific/Auckland"})
    );
    let nobody = PhoneCall::inbound(CALLER, None, town.now());
    assert_eq!(
        sent(&town, &line, &nobody.assistant_request(town.now())).await.body,
        json!({"error": NOT_SET_UP})
    );
}
