//! The voice agent's webhook: who may call, in which shapes, and what the agent gets to say (SECURITY.md S4).

use local::world::{
    Account, Credential, DEFAULT_EMAIL, PhoneCall, Provider, ToolCall,
    faults::{ANY, Fault, Kind},
};
use reqwest::{Method, header};
use secrecy::SecretString;
use serde_json::{Value, json};
use shared::{
    ids::OwnerId,
    store::directory::{CredentialKind, Route},
    vapi::signature::{HmacSpec, sign},
};

use crate::harness::{Answer, CALLER, NOW, OTHER, Town, USER, at};

const UNREACHABLE: &str = "I cannot see the calendar at the moment. Please try again in a minute.";
const NOT_SET_UP: &str = "This number is not set up yet. Please try again later.";
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

async fn ask(town: &Town, line: &Credential, arguments: Value) -> String {
    town.say(&phone(), line, &check(arguments)).await.unwrap()
}

async fn asked(town: &Town, arguments: Value) -> String {
    let line = town.line().await;
    ask(town, &line, arguments).await
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
async fn s4_a_secret_and_a_bearer_open_the_line_in_their_headers() {
    let town = Town::connected().await;
    for kind in [CredentialKind::Secret, CredentialKind::Bearer] {
        let (id, secret) = town.phone_line(kind).await;
        for line in [Credential::Secret(secret.clone()), Credential::Bearer(secret.clone())] {
            assert_eq!(town.say(&phone(), &line, &free_day()).await.unwrap(), FREE_DAY);
        }
        let message = phone().tool_calls(&[free_day()], town.now()).to_string();
        let path = format!("/vapi/webhook/{id}");
        assert_eq!(post(&town, &path, &[("x-vapi-secret", &secret)], message.clone()).await.status, 200);
        let (other, _) = town.phone_line(kind).await;
        let path = format!("/vapi/webhook/{other}");
        assert_eq!(
            post(&town, &path, &[("x-vapi-secret", &secret)], message).await.status,
            401,
            "the path is another's"
        );
    }
}

#[tokio::test]
async fn s4_a_signature_opens_the_line_of_its_path_in_seconds_and_milliseconds() {
    let town = Town::connected().await;
    let (id, key) = town.phone_line(CredentialKind::Hmac).await;
    let (path, key) = (format!("/vapi/webhook/{id}"), SecretString::from(key));
    let body = booking().to_string();
    let signed =
        |key: &SecretString, timestamp: &str| sign(key, &HmacSpec::default(), timestamp, body.as_bytes());
    let now = town.now();
    let (seconds, millis) = (now.as_second().to_string(), now.as_millisecond().to_string());
    let old = (now.as_second() - 301).to_string();
    let ahead = (now.as_second() + 301).to_string();
    let other = SecretString::from(town.phone_line(CredentialKind::Hmac).await.1);
    let good = signed(&key, &seconds);
    for (what, path, timestamp, signature, body) in [
        ("tampered", path.as_str(), &seconds, good.clone(), body.replace("Caller", "Other")),
        ("old", &path, &old, signed(&key, &old), body.clone()),
        ("ahead", &path, &ahead, signed(&key, &ahead), body.clone()),
        ("another time", &path, &millis, good.clone(), body.clone()),
        ("wrong key", &path, &seconds, signed(&other, &seconds), body.clone()),
        ("empty", &path, &seconds, String::new(), body.clone()),
        ("no path", "/vapi/webhook", &seconds, good.clone(), body.clone()),
    ] {
        let answer =
            post(&town, path, &[("x-timestamp", timestamp), ("x-signature", &signature)], body).await;
        assert_eq!((answer.status, answer.code()), (401, "vapi_credential"), "{what}: {}", answer.text);
    }
    assert_eq!(
        post(&town, &path, &[("x-signature", &good)], body.clone()).await.status,
        401,
        "without a time"
    );
    assert_eq!(written(&town).await, (0, 0));
    for timestamp in [&seconds, &millis] {
        let headers = [("x-timestamp", timestamp.as_str()), ("x-signature", &signed(&key, timestamp))];
        let answer = post(&town, &path, &headers, body.clone()).await;
        assert!(answer.text.contains("You're booked"), "{}", answer.text);
    }
    assert_eq!(written(&town).await, (1, 1), "the second is a repeat of the first");
}

#[tokio::test]
async fn s4_without_a_good_credential_nothing_happens() {
    let town = Town::connected().await;
    let (id, secret) = town.phone_line(CredentialKind::Secret).await;
    let (hmac, _) = town.phone_line(CredentialKind::Hmac).await;
    let body = booking().to_string();
    let bearer = format!("Bearer {}", town.session(USER));
    let of_hmac = format!("slv_{}_EXAMPLE", hmac.trim_start_matches("vcr_"));
    let longer = format!("{secret}x");
    let own = format!("/vapi/webhook/{id}");
    for (path, headers) in [
        ("/vapi/webhook", vec![]),
        (own.as_str(), vec![]),
        ("/vapi/webhook/vcr_EXAMPLE", vec![]),
        ("/vapi/webhook/vcr_EXAMPLE", vec![("x-vapi-secret", secret.as_str())]),
        ("/vapi/webhook", vec![("x-vapi-secret", "")]),
        ("/vapi/webhook", vec![("x-vapi-secret", "slv_EXAMPLE_EXAMPLE")]),
        ("/vapi/webhook", vec![("x-vapi-secret", longer.as_str())]),
        ("/vapi/webhook", vec![("x-vapi-secret", &secret[..secret.len() - 1])]),
        ("/vapi/webhook", vec![("x-vapi-secret", of_hmac.as_str())]),
        ("/vapi/webhook", vec![("authorization", bearer.as_str())]),
    ] {
        let answer = post(&town, path, &headers, body.clone()).await;
        assert_eq!(answer.status, 401, "{path} {}: {}", headers.len(), answer.text);
        assert!(!answer.text.contains(USER));
    }
    assert_eq!(post(&town, "/vapi/webhook", &[], "not json").await.status, 401, "who is asking comes first");
    assert_eq!(written(&town).await, (0, 0));
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
        ("error", "I'm sorry, I can't do that here. Is there something else I can do for you?"),
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
    for body in [
        "",
        "not json",
        "[]",
        "7",
        "{}",
        r#"{"message":7}"#,
        r#"{"message":{"type":7}}"#,
        "\u{0}",
        "{\"message\":{\"type\":\"function-call\"}}",
    ] {
        let answer = post(&town, "/vapi/webhook", &headers, body).await;
        let said = answer.body["result"].as_str().unwrap_or_default();
        assert!(answer.status == 200 && said.ends_with('?'), "{body}: {} {}", answer.status, answer.text);
    }
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

#[tokio::test]
async fn the_number_id_decides_before_the_number_the_assistant_and_the_default() {
    let town = Town::connected().await;
    let tenant = OwnerId::user(USER).unwrap();
    let (_, secret) = town.phone_line(CredentialKind::Secret).await;
    let line = Credential::Secret(secret);
    let call = phone();
    let matches = [
        "default".to_owned(),
        format!("assistant:{}", call.assistant_id.clone().unwrap()),
        format!("number:{}", call.phone_number),
        format!("phone_number_id:{}", call.phone_number_id),
    ];
    // Only the owner's calendar is connected, so that the answer tells who was meant. Each match in its turn leads
    // to somebody else first and to the owner then.
    let routed = async |match_on: &str, owner: &str| {
        let route = Route { match_on: match_on.to_owned(), owner: OwnerId::user(owner).unwrap() };
        town.stack.app.store.put_route(&tenant, route).await.unwrap();
        // Routes are remembered for a minute.
        town.advance(61);
        let tool = check(json!({"date": "2026-01-13", "user_id": OTHER, "owner": format!("user:{OTHER}")}));
        town.say(&call, &line, &tool).await.unwrap() == FREE_DAY
    };
    for match_on in &matches {
        assert!(!routed(match_on, OTHER).await, "{match_on}");
        assert!(routed(match_on, USER).await, "{match_on}");
    }
    for match_on in matches.iter().take(3) {
        assert!(routed(match_on, OTHER).await, "{match_on} comes after the number's id");
    }
}

#[tokio::test]
async fn a_call_that_no_route_takes_is_told_so() {
    let town = Town::connected().await;
    let tenant = OwnerId::user(USER).unwrap();
    let (_, secret) =
        shared::voice::issue_credential(&town.stack.app, tenant, CredentialKind::Secret).await.unwrap();
    let line = Credential::Secret(secrecy::ExposeSecret::expose_secret(&secret).to_owned());
    let tool = check(json!({"date": "2026-01-13", "user_id": USER, "owner": USER}));
    assert_eq!(town.say(&phone(), &line, &tool).await.unwrap(), NOT_SET_UP);
    let answer = sent(&town, &line, &booking()).await;
    assert_eq!(answer.body["results"][0]["result"], NOT_SET_UP);
    let legacy = phone().function_call("get_availability", &json!({}), town.now());
    assert_eq!(sent(&town, &line, &legacy).await.body, json!({"result": NOT_SET_UP}));
    assert_eq!(written(&town).await, (0, 0));
}

#[tokio::test]
async fn what_the_model_says_about_who_is_meant_is_ignored() {
    let town = Town::connected().await;
    let line = town.line().await;
    let ids = json!({"user_id": OTHER, "owner": format!("user:{OTHER}"), "owner_id": OTHER, "tenant": OTHER, "connection_id": "con_EXAMPLE"});
    let mut arguments = json!({"start_time": "2026-01-13T10:00:00Z", "name": "Caller"});
    for (name, id) in ids.as_object().unwrap() {
        arguments[name] = id.clone();
    }
    let answer = town.say(&phone(), &line, &ToolCall::new("book_appointment", arguments)).await.unwrap();
    assert!(answer.starts_with("You're booked"), "{answer}");
    assert_eq!(written(&town).await, (1, 1));
}

#[tokio::test]
async fn a_day_is_answered_with_what_is_free_or_why_nothing_is() {
    let town = Town::connected().await;
    let line = town.line().await;
    let (from, to) = (at("2026-01-14T08:00:00Z"), at("2026-01-14T18:00:00Z"));
    town.stack.world.add_event(Provider::Microsoft, DEFAULT_EMAIL, "Full", from, to).unwrap();
    for (arguments, expected) in [
        (json!({"date": "2026-01-13"}), FREE_DAY),
        (json!({"date": "2026-01-13", "time": "2 PM"}), "Yes, Tuesday, January thirteenth at 2 PM is free."),
        (json!({"start_time": "2026-01-13T14:00"}), "Yes, Tuesday, January thirteenth at 2 PM is free."),
        (json!({"start_time": "2026-01-27T14:00"}), "Yes, Tuesday, January twenty-seventh at 2 PM is free."),
        (
            json!({"date": "2026-01-13", "time": "9 AM"}),
            "That time is not free. I have Tuesday, January thirteenth at 9:30 AM, 10 AM, or 10:30 AM.",
        ),
        (json!({}), "I have Monday, January fifth at 1 PM, 1:30 PM, or 3:30 PM."),
        (json!({"date": "today"}), "I have Monday, January fifth at 1 PM, 1:30 PM, or 3:30 PM."),
        (json!({"date": "tomorrow"}), "I have Tuesday, January sixth at 9:30 AM, noon, or 12:30 PM."),
        (
            json!({"date": "2026-01-10"}),
            "We are closed then. The next free time is Monday, January twelfth at 9:30 AM.",
        ),
        (
            json!({"date": "2026-01-14"}),
            "Everything is taken then. The next free time is Thursday, January fifteenth at 9:30 AM.",
        ),
        (json!({"date": "2026-01-04"}), "That day is in the past. Which day would you like?"),
        (json!({"date": "2025-01-13"}), "That day is in the past. Which day would you like?"),
        (json!({"start_time": "2026-01-02T10:00"}), "That day is in the past. Which day would you like?"),
        (
            json!({"date": "2026-04-14"}),
            "That is further ahead than we take bookings. Would another day work?",
        ),
    ] {
        assert_eq!(ask(&town, &line, arguments.clone()).await, expected, "{arguments}");
    }
}

#[tokio::test]
async fn a_dead_calendar_says_what_to_do_and_is_never_free() {
    let town = Town::new().await;
    town.connect("google").await;
    let line = town.line().await;
    assert_eq!(town.say(&phone(), &line, &free_day()).await.unwrap(), FREE_DAY);
    town.stack.world.revoke_account(Provider::Google, DEFAULT_EMAIL);
    for _ in 0..2 {
        let said = town.say(&phone(), &line, &free_day()).await.unwrap();
        assert_eq!(
            said,
            "I can't reach the calendar at the moment. May I take your details so that the office can call you back?"
        );
    }
}

#[tokio::test]
async fn a_failing_calendar_is_unreachable_and_never_free() {
    for (provider, status) in [("google", 500), ("google", 429), ("microsoft", 500), ("microsoft", 429)] {
        let town = Town::connected().await;
        let line = town.line().await;
        assert_eq!(town.say(&phone(), &line, &free_day()).await.unwrap(), FREE_DAY);
        town.arm(Fault::new(provider, ANY, Kind::Status).with(status).times(50));
        assert_eq!(town.say(&phone(), &line, &free_day()).await.unwrap(), UNREACHABLE, "{provider} {status}");
    }
    // Before the owner's zone is known there is not even a day to speak of.
    let town = Town::new().await;
    town.connect("google").await;
    town.arm(Fault::new("google", ANY, Kind::Status).with(503).times(50));
    assert!(!asked(&town, json!({"date": "2026-01-13"})).await.contains("I have"));
}

#[tokio::test]
async fn the_owners_zone_is_named_when_the_callers_clock_shows_something_else() {
    let town = Town::connected().await;
    let line = town.line().await;
    for (zone, start, named) in [
        ("Europe/London", "2026-01-15T09:30", false),
        ("Europe/Lisbon", "2026-01-15T10:00", false),
        ("Mars/Olympus", "2026-01-15T10:30", false),
        ("America/New_York", "2026-01-15T11:00", true),
        ("Eastern Standard Time", "2026-01-15T11:30", true),
    ] {
        let there = |arguments: Value| {
            let mut arguments = arguments;
            arguments["time_zone"] = json!(zone);
            arguments
        };
        for (arguments, said) in [
            (
                json!({"date": "2026-01-13"}),
                "I have Tuesday, January thirteenth at 9:30 AM, 10 AM, or 10:30 AM",
            ),
            (json!({"date": "2026-01-13", "time": "3 PM"}), "Yes, Tuesday, January thirteenth at 3 PM"),
            (
                json!({"date": "2026-01-10"}),
                "We are closed then. The next free time is Monday, January twelfth at 9:30 AM",
            ),
        ] {
            let answer = ask(&town, &line, there(arguments)).await;
            assert!(answer.starts_with(said), "{zone}: {answer}");
            assert_eq!(answer.contains("London time"), named, "{zone}: {answer}");
        }
        let book = ToolCall::new("book_appointment", there(json!({"start_time": start, "name": "Caller"})));
        let answer = town.say(&phone(), &line, &book).await.unwrap();
        assert!(answer.starts_with("You're booked for Thursday, January fifteenth at "), "{zone}: {answer}");
        assert_eq!(answer.contains("London time"), named, "{zone}: {answer}");
    }
}

#[tokio::test]
async fn nine_in_new_york_is_nine_on_both_sides_of_the_clock_change() {
    let town = Town::new().await;
    town.stack.world.add_account(Account::google(DEFAULT_EMAIL).in_zone("America/New_York"));
    town.advance(55 * 24 * 3600);
    town.connect("google").await;
    let line = town.line().await;
    let closed = ask(&town, &line, json!({"date": "2026-03-08"})).await;
    assert_eq!(closed, "We are closed then. The next free time is Monday, March ninth at 9 AM.");
    let friday = ask(&town, &line, json!({"date": "2026-03-06"})).await;
    assert_eq!(friday, "I have Friday, March sixth at 9 AM, 9:30 AM, or 10 AM.");
    for (start, expected, said) in [
        ("2026-03-06T09:00", "2026-03-06T14:00:00Z", "You're booked for Friday, March sixth at 9 AM."),
        ("2026-03-09T09:00", "2026-03-09T13:00:00Z", "You're booked for Monday, March ninth at 9 AM."),
    ] {
        let tool = ToolCall::new("book_appointment", json!({"start_time": start, "name": "Caller"}));
        assert_eq!(town.say(&phone(), &line, &tool).await.unwrap(), said);
        assert!(town.appointments().iter().any(|(_, event)| event.start == at(expected)), "{start}");
    }
}
