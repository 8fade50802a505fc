//! Round trips of a warm stack, counted by the stand-ins: the budget of docs/DATA.md.

use local::{
    visitor::Visitor,
    world::{Choice, DEFAULT_EMAIL, PhoneCall, ToolCall, UserEvent},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{CALLER, Town, USER};

/// Round trips to DynamoDB, KMS and the providers since the last reset.
#[derive(Debug, PartialEq, Eq)]
struct Trips {
    dynamodb: u64,
    kms: u64,
    providers: u64,
}

fn trips(dynamodb: u64, kms: u64, providers: u64) -> Trips {
    Trips { dynamodb, kms, providers }
}

fn counted(town: &Town) -> Trips {
    let counts = town.counters().snapshot();
    let of = |system: &str| counts.get(system).map_or(0, |operations| operations.values().sum());
    let trips = trips(of("dynamodb"), of("kms"), of("google") + of("microsoft"));
    town.counters().reset();
    trips
}

/// Both calendars connected, everything asked once, so that keys and zones are in memory.
async fn warm() -> Town {
    let town = Town::connected().await;
    assert_eq!(town.get("/calendar/availability").await.status, 200);
    town.counters().reset();
    town
}

#[tokio::test]
async fn start_writes_once_and_never_asks_for_a_key() {
    let town = Town::new().await;
    town.counters().reset();
    Visitor::new(town.base()).unwrap().start(USER, "google").await.unwrap();
    assert_eq!(counted(&town), trips(1, 0, 0));
}

#[tokio::test]
async fn a_callback_without_proof_writes_twice_and_redeems_nothing() {
    let town = Town::new().await;
    let mut visitor = Visitor::new(town.base()).unwrap();
    let authorize_url = visitor.start(USER, "google").await.unwrap();
    let callback = visitor.consent(&authorize_url, &Choice::approve(DEFAULT_EMAIL)).await.unwrap();
    town.counters().reset();
    let handle = visitor.come_back(&callback).await.unwrap().handle.unwrap();
    assert_eq!(counted(&town), trips(2, 0, 0));
    let session = town.session(USER);
    visitor.complete(&session, "warms the authorizer").await.unwrap();
    town.counters().reset();
    assert_eq!(visitor.complete(&session, &handle).await.unwrap().0, 200);
    assert_eq!(counted(&town), trips(3, 1, 1), "one new data key, one token exchange");
}

#[tokio::test]
async fn status_is_one_read() {
    let town = warm().await;
    assert_eq!(town.get("/calendar/auth/status").await.status, 200);
    assert_eq!(counted(&town), trips(1, 0, 0));
}

#[tokio::test]
async fn events_are_one_read_and_one_call_a_connection() {
    let town = warm().await;
    for window in ["", "?from=2026-01-06&to=2026-01-07"] {
        assert_eq!(town.get(&format!("/calendar/events{window}")).await.status, 200);
        assert_eq!(counted(&town), trips(1, 0, 2), "{window}");
    }
}

#[tokio::test]
async fn one_event_is_written_changed_and_deleted_with_at_most_two_reads_and_one_call_each() {
    let town = warm().await;
    let body = json!({"subject": "Haircut", "start_time": "2026-01-06T15:00:00Z", "end_time": "2026-01-06T15:30:00Z"});
    let created = town.call(Method::POST, "/calendar/events", Some(body)).await;
    assert_eq!(created.status, 201, "{}", created.text);
    assert_eq!(counted(&town), trips(1, 0, 1));
    let path = format!("/calendar/events/{}", created.body["event"]["id"].as_str().unwrap());
    let changed = town.call(Method::PATCH, &path, Some(json!({"subject": "Long haircut"}))).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert_eq!(counted(&town), trips(1, 0, 1));
    assert_eq!(town.call(Method::DELETE, &path, None).await.status, 204);
    assert_eq!(counted(&town), trips(1, 0, 1));
}

#[tokio::test]
async fn availability_is_two_reads_and_one_call_a_connection() {
    let town = warm().await;
    for window in ["", "?from=2026-01-06&to=2026-01-07", "?from=2026-01-06T09:00&days_ahead=2"] {
        assert_eq!(town.get(&format!("/calendar/availability{window}")).await.status, 200);
        assert_eq!(counted(&town), trips(2, 0, 2), "{window}");
    }
}

#[tokio::test]
async fn an_expired_token_costs_two_writes_and_one_call_more_and_no_key() {
    let town = Town::new().await;
    town.connect("google").await;
    town.get("/calendar/events").await;
    town.advance(3590);
    // The key is believed for five minutes only; what is measured is the refresh.
    town.get("/calendar/availability").await;
    town.advance(3595);
    town.counters().reset();
    assert_eq!(town.get("/calendar/events").await.status, 200);
    let counts = town.counters().snapshot();
    assert_eq!(counts["dynamodb"].get("UpdateItem"), Some(&2), "the lease and the commit: {counts:?}");
    assert_eq!((counts["google"].get("token"), counts["google"].get("events.list")), (Some(&1), Some(&1)));
}

#[tokio::test]
async fn a_clerk_webhook_writes_twice() {
    let town = Town::new().await;
    town.counters().reset();
    assert_eq!(town.clerk(UserEvent::Created, USER, Some("ada@example.com")).await, 200);
    assert_eq!(counted(&town), trips(2, 0, 0));
}

#[tokio::test]
async fn a_voice_turn_stays_within_its_budget() {
    let town = warm().await;
    let (line, call) = (town.line().await, PhoneCall::inbound(CALLER, None, town.now()));
    town.counters().reset();
    let check = ToolCall::new("check_availability", json!({"date": "2026-01-06"}));
    town.say(&call, &line, &check).await.unwrap();
    assert_eq!(counted(&town), trips(4, 0, 2), "credential, routes, owner, ledger");
    town.say(&call, &line, &check).await.unwrap();
    assert_eq!(counted(&town), trips(2, 0, 2), "the credential and its routes are in memory");
    for time in ["14:15", "9 AM", "11 PM"] {
        let named = ToolCall::new("check_availability", json!({"date": "2026-01-06", "time": time}));
        town.say(&call, &line, &named).await.unwrap();
        assert_eq!(counted(&town), trips(2, 0, 2), "{time}: the calendars are read once");
    }
    let book =
        ToolCall::new("book_appointment", json!({"start_time": "2026-01-06T15:00:00Z", "name": "Caller"}));
    let said = town.say(&call, &line, &book).await.unwrap();
    assert!(said.starts_with("You're booked"), "{said}");
    assert_eq!(
        counted(&town),
        trips(4, 0, 4),
        "owner, ledger, hold, confirmation; two calendars asked, one written and looked at again"
    );
}

#[tokio::test]
async fn a_cold_key_costs_one_read_and_one_decrypt_for_each_connection() {
    let town = warm().await;
    // Five minutes after it was last kept, a key is not in memory any more.
    town.advance(301);
    town.counters().reset();
    assert_eq!(town.get("/calendar/events").await.status, 200);
    assert_eq!(counted(&town), trips(3, 2, 2));
    let _: Value = town.get("/calendar/auth/status").await.body;
}

/// Why only the start counts its callers: a counter is a write, and elsewhere a stranger causes less than that.
#[tokio::test]
async fn on_every_public_route_but_the_start_a_stranger_costs_one_call_at_most() {
    let town = Town::new().await;
    let template = local::stack::template().unwrap();
    let routes = template.functions.iter().flat_map(|function| &function.routes);
    let open = routes.filter(|route| route.authorizer.is_none() && route.path != "/calendar/auth/start");
    let mut tried = 0;
    for route in open {
        let forged = "vcr_00000000000000000000000000";
        let path = route.path.replace("{provider}", "google").replace("{credential}", forged);
        let method: Method = route.method.parse().unwrap();
        let state = "A".repeat(43);
        let request = town
            .plain(method, &format!("{path}?state={state}&code=EXAMPLE"))
            .header("x-vapi-secret", format!("slv_{}_EXAMPLE", &forged[4..]))
            .header("x-vapi-signature", "00")
            .header("svix-id", "msg_EXAMPLE")
            .header("svix-timestamp", town.now().as_second().to_string())
            .header("svix-signature", "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
            .json(&json!({"message": {"type": "tool-calls"}, "type": "user.created", "data": {}}));
        town.counters().reset();
        let answer = town.answer(request).await;
        assert!(answer.status < 500, "{path}: {}", answer.text);
        let cost = counted(&town);
        // Readiness asks table and key, at most twice a minute.
        let kms = u64::from(path == "/ready");
        assert!(cost.dynamodb <= 1 && cost.kms <= kms && cost.providers == 0, "{path}: {cost:?}");
        tried += 1;
    }
    assert!(tried >= 10, "{tried} routes");
}
