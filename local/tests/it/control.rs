//! The control surface of the local stack: what demos and outside checks drive it by.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Town, USER};

async fn control(town: &Town, path: &str, body: Value) -> Answer {
    town.answer(town.plain(Method::POST, &format!("/_local/{path}")).body(body.to_string())).await
}

#[tokio::test]
async fn a_user_connects_and_is_called_by_the_control_surface_alone() {
    let town = Town::new().await;
    let user = control(&town, "users", json!({"user_id": USER, "email": "ada@example.com"})).await;
    assert_eq!((user.status, &user.body["webhook_status"]), (200, &json!(200)));
    let connected =
        control(&town, "connect", json!({"owner": format!("user:{USER}"), "provider": "google"})).await;
    assert!(connected.body["connection_id"].is_string(), "{}", connected.text);
    let session = control(&town, "sessions", json!({"user_id": USER})).await;
    let token = session.body["token"].as_str().unwrap();
    let status = town.call_as(token, Method::GET, "/calendar/auth/status", None).await;
    assert_eq!(status.body["connections"][0]["id"], connected.body["connection_id"]);

    let line =
        control(&town, "vapi-credentials", json!({"tenant": format!("user:{USER}"), "kind": "bearer"})).await;
    let call = json!({"message": {"type": "tool-calls", "toolCallList": [{"id": "c1", "name": "check_availability", "arguments": {}}]}});
    let request =
        town.plain(Method::POST, "/vapi/webhook").bearer_auth(line.body["secret"].as_str().unwrap());
    let said = town.answer(request.json(&call)).await;
    assert!(said.body["results"][0]["result"].as_str().unwrap().starts_with("I have"), "{}", said.text);
}

#[tokio::test]
async fn a_service_token_may_do_everything_unless_less_is_said() {
    let town = Town::new().await;
    let asked = json!({"name": "Example Hair"});
    let made = town.call(Method::POST, "/api/v1/businesses", Some(asked)).await.body;
    for (scopes, status) in
        [(None, 200), (Some("business:read"), 403), (Some("users:read"), 403), (Some("business:*"), 200)]
    {
        let mut wanted = json!({"tenant": made["owner"]});
        if let Some(scope) = scopes {
            wanted["scopes"] = json!([scope]);
        }
        let service = control(&town, "service-tokens", wanted).await;
        let token = service.body["token"].as_str().unwrap();
        assert!(token.starts_with("slk_"));
        let path = format!("/api/v1/businesses/{}", made["id"].as_str().unwrap());
        let renamed = town.call_as(token, Method::PATCH, &path, Some(json!({"name": "Example Nails"}))).await;
        assert_eq!(renamed.status, status, "{scopes:?} {}", renamed.text);
    }
}

#[tokio::test]
async fn a_grant_that_a_stand_in_forgot_is_connected_again() {
    for provider in ["google", "microsoft"] {
        let town = Town::new().await;
        town.connect(provider).await;
        // The tables are kept, and the stand-ins begin anew: a restart with --data.
        town.stack.world.reset();
        town.advance(3 * 3600);
        let answer = town.get("/calendar/events").await;
        assert_eq!((answer.status, answer.code()), (409, "reauth_required"), "{}", answer.text);
        let shown = town.get("/calendar/auth/status").await.body["connections"][0].clone();
        assert_eq!(shown["status"], "reauth_required", "{shown}");
        assert!(shown.to_string().contains("/calendar/auth/start?"), "{shown}");
        town.connect(provider).await;
        assert_eq!(town.get("/calendar/events").await.status, 200);
    }
}

#[tokio::test]
async fn the_clock_moves_for_everything_and_counters_and_world_can_be_emptied() {
    let town = Town::new().await;
    let moved = control(&town, "clock", json!({"advance_seconds": 60})).await;
    assert_eq!(moved.body["now"], "2026-01-05T12:01:00Z");
    let set = control(&town, "clock", json!({"now": "2026-02-01T00:00:00Z"})).await;
    assert_eq!(
        (set.body["now"].as_str(), town.now().to_string().as_str()),
        (Some("2026-02-01T00:00:00Z"), "2026-02-01T00:00:00Z")
    );

    town.connect("google").await;
    let counters = town.answer(town.plain(Method::GET, "/_local/counters")).await;
    assert_eq!(counters.body["google"]["token"], 1);
    assert_eq!(control(&town, "counters/reset", json!({})).await.status, 200);
    assert_eq!(
        town.answer(town.plain(Method::GET, "/_local/counters")).await.body["google"]["token"],
        Value::Null
    );

    assert_eq!(control(&town, "reset", json!({})).await.status, 200);
    assert!(town.rows("connections").is_empty() && town.rows("keys").is_empty());
    let world = town.answer(town.plain(Method::GET, "/_local/world")).await;
    assert_eq!(world.body["google"]["token_calls"], json!([]), "{}", world.text);
    assert_eq!(
        control(&town, "connect", json!({"owner": format!("user:{USER}"), "provider": "google"}))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_fault_is_armed_and_spoils_what_it_says() {
    let town = Town::new().await;
    town.connect("google").await;
    let fault =
        json!({"system": "google", "operation": "events.list", "kind": "status", "times": 1, "value": 500});
    assert_eq!(control(&town, "faults", fault).await.body["armed"], 1);
    assert_eq!(town.get("/calendar/events").await.status, 503);
    assert_eq!(town.get("/calendar/events").await.status, 200);
}

#[tokio::test]
async fn mistakes_are_answered_in_json_and_name_what_is_wrong() {
    let town = Town::new().await;
    for (path, body, names) in [
        ("clock", json!({}), "advance_seconds"),
        ("users", json!({}), "user_id"),
        ("users", json!({"user_id": "bob"}), "user_id"),
        ("connect", json!({"owner": "nobody", "provider": "google"}), "owner"),
        ("connect", json!({"owner": "business:b1", "provider": "yahoo"}), "provider"),
        ("faults", json!({"system": "google", "kind": "odd"}), "odd"),
        ("vapi-credentials", json!({"tenant": "business:b1", "kind": "odd"}), "odd"),
    ] {
        let answer = control(&town, path, body).await;
        let error = answer.body["error"].as_str().unwrap_or_default();
        assert!(answer.status == 400 && error.contains(names), "{path}: {} {}", answer.status, answer.text);
    }
    let run = control(&town, "run", json!({"function": "docs"})).await;
    assert!(run.status == 404 && run.text.contains("token-refresh or reconcile"), "{}", run.text);
    let task = json!({"function": "token-refresh", "input": {"task": "sweep"}});
    let run = control(&town, "run", task).await;
    assert!(run.status == 400 && run.text.contains("task"), "{}", run.text);
}

#[tokio::test]
async fn a_run_hands_the_queue_over_and_then_keeps() {
    let town = Town::new().await;
    let idle = control(&town, "run", json!({"function": "token-refresh"})).await;
    assert_eq!((idle.status, &idle.body["queue"]), (200, &Value::Null), "{}", idle.text);
    assert_eq!((&idle.body["result"]["task"], &idle.body["result"]["more"]), (&json!("keep"), &json!(false)));

    town.stack.app.rescue_queue.send("no rescue message".to_owned()).await.unwrap();
    assert_eq!(town.counters().of("sqs", "SendMessage"), 1);
    for _ in 0..2 {
        let run = control(&town, "run", json!({"function": "token-refresh", "input": {}})).await;
        let failures = run.body["queue"]["batchItemFailures"].as_array().unwrap();
        assert!(failures.len() == 1 && failures[0]["itemIdentifier"].is_string(), "{}", run.text);
        assert_eq!(run.body["result"]["task"], "keep");
    }
    let world = town.answer(town.plain(Method::GET, "/_local/world")).await;
    assert_eq!((&world.body["rescue_queue"], &world.body["outbox"]), (&json!(1), &json!([])));

    assert_eq!(control(&town, "reset", json!({})).await.status, 200);
    let world = town.answer(town.plain(Method::GET, "/_local/world")).await;
    assert_eq!(world.body["rescue_queue"], 0);
}

#[tokio::test]
async fn a_run_rewraps_to_the_end_when_it_is_told_to() {
    let town = Town::new().await;
    let task = json!({"function": "token-refresh", "input": {"task": "rewrap"}});
    let run = control(&town, "run", task).await;
    assert_eq!(
        (&run.body["result"]["task"], &run.body["result"]["cursor"]),
        (&json!("rewrap"), &Value::Null)
    );
}

#[tokio::test]
async fn the_outbox_is_shown_with_the_newest_last() {
    let town = Town::new().await;
    for (pk, at) in [("LATER", "20"), ("EARLIER", "10")] {
        let row = json!({"TableName": "outbox", "Item": {
            "pk": {"S": pk}, "sk": {"S": "EXAMPLE"}, "at": {"N": at},
        }});
        town.stack.dynamo.database().put_item(serde_json::from_value(row).unwrap()).unwrap();
    }
    let world = town.answer(town.plain(Method::GET, "/_local/world")).await;
    let expected = json!([
        {"pk": "EARLIER", "sk": "EXAMPLE", "at": 10}, {"pk": "LATER", "sk": "EXAMPLE", "at": 20},
    ]);
    assert_eq!(world.body["outbox"], expected);
}

#[tokio::test]
async fn sqs_can_be_spoiled_like_every_other_system() {
    let town = Town::new().await;
    let fault =
        json!({"system": "sqs", "operation": "SendMessage", "kind": "status", "times": 3, "value": 500});
    assert_eq!(control(&town, "faults", fault).await.body["armed"], 1);
    assert!(town.stack.app.rescue_queue.send("EXAMPLE".to_owned()).await.is_err());
    assert_eq!(town.stack.sqs.waiting(), 0);
}

#[tokio::test]
async fn a_clock_that_stands_has_no_schedule() {
    assert!(Town::new().await.stack.schedule().is_none());
}
