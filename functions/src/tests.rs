//! Events through whole functions, as Lambda runs them.

use serde_json::{Value, json};

use super::*;
use crate::testing::{Sent, app};

#[test]
fn every_handler_name_finds_its_function() {
    for function in Function::ALL {
        assert_eq!(Function::from_handler(function.as_str()), Some(function));
    }
    assert_eq!(Function::from_handler("Docs"), None);
    assert_eq!(Function::from_handler(""), None);
}

#[tokio::test]
async fn health_answers_without_calling_anything() {
    let (status, headers, body) = Sent::new("GET", "/health", "").to(Function::Docs).await;
    assert_eq!(status, 200);
    assert_eq!(body["status"], "ok");
    assert_eq!(body["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(body["providers"], json!(["microsoft", "google"]));
    assert!(body["warnings"].as_array().unwrap().iter().all(Value::is_string));
    assert_eq!(headers["cache-control"], "no-store");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert_eq!(headers["referrer-policy"], "no-referrer");
}

#[tokio::test]
async fn what_a_function_does_not_have_is_a_problem_in_json() {
    let (status, headers, body) = Sent::new("GET", "/calendar/events", "").to(Function::Docs).await;
    assert_eq!((status, &body["code"]), (404, &json!("not_found")));
    assert_eq!((&body["request_id"], &body["status"]), (&json!("req-1"), &json!(404)));
    assert_eq!(headers["content-type"], "application/problem+json");
    assert_eq!(headers["cache-control"], "no-store");

    let (status, headers, body) = Sent::new("POST", "/health", "").to(Function::Docs).await;
    assert_eq!((status, &body["code"]), (405, &json!("method_not_allowed")));
    assert!(headers["allow"].as_str().unwrap().contains("GET"));

    let (status, _, body) =
        Sent::new("GET", "/calendar/events/%ff", "").by("user_1", 60).to(Function::Events).await;
    assert_eq!((status, &body["code"]), (404, &json!("not_found")));
}

async fn posted(content_type: &str, body: &str) -> (u64, Value) {
    let sent = Sent::new("POST", "/calendar/auth/complete", "").by("user_1", 60).body(content_type, body);
    let (status, _, body) = sent.to(Function::AuthCallback).await;
    (status, body)
}

#[tokio::test]
async fn a_body_is_refused_for_its_type_its_size_its_form_and_its_fields() {
    let (status, body) = posted("text/plain", "{\"handle\":\"x\"}").await;
    assert_eq!((status, &body["code"]), (415, &json!("unsupported_media_type")));

    let large = format!("{{\"handle\":\"{}\"}}", "x".repeat(256 * 1024));
    let (status, body) = posted("application/json", &large).await;
    assert_eq!((status, &body["code"]), (413, &json!("payload_too_large")));

    for malformed in ["", "{", "{\"handle\":}", "\u{0}"] {
        let (status, body) = posted("application/json", malformed).await;
        assert_eq!((status, &body["code"]), (400, &json!("malformed_request")), "{malformed}");
    }

    let (status, body) = posted("application/json; charset=utf-8", "{\"handle\":5}").await;
    assert_eq!((status, &body["code"], &body["field"]), (422, &json!("invalid_field"), &json!("handle")));
    let (status, body) = posted("application/problem+json", "{}").await;
    assert_eq!((status, &body["detail"]), (422, &json!("handle is missing")));
}

#[tokio::test]
async fn a_guarded_route_asks_who_it_is_again() {
    let (status, _, body) = Sent::new("GET", "/users/me", "").to(Function::Users).await;
    assert_eq!((status, &body["code"]), (401, &json!("unauthenticated")));
    let (status, _, body) = Sent::new("GET", "/users/me", "").by("user_1", 0).to(Function::Users).await;
    assert_eq!((status, &body["code"]), (401, &json!("token_expired")));
    let sent = Sent::new("GET", "/calendar/auth/status", "user_id=user_2").by("user_1", 60);
    let (status, _, body) = sent.to(Function::AuthStatus).await;
    assert_eq!((status, &body["code"]), (404, &json!("not_found")));
    let sent = Sent::new("GET", "/calendar/auth/status", "owner=tenant:x").by("user_1", 60);
    let (status, _, body) = sent.to(Function::AuthStatus).await;
    assert_eq!((status, &body["field"]), (422, &json!("owner")));
}

#[tokio::test]
async fn a_wrong_parameter_is_named() {
    for (path, query, field) in [
        ("/calendar/events", "days_ahead=61", "days_ahead"),
        ("/calendar/events", "from=2026-01-09T00:00:00Z&to=2026-01-05T00:00:00Z", "to"),
        ("/calendar/events", "from=soon", "from"),
        ("/calendar/events", "to=2026-06-01T00:00:00Z", "to"),
        ("/calendar/events", "connection_id=x", "connection_id"),
        ("/calendar/availability", "duration_minutes=0", "duration_minutes"),
        ("/calendar/availability", "start_hour=12&end_hour=9", "end_hour"),
        ("/calendar/availability", "time_zone=Mars/Olympus", "time_zone"),
        ("/calendar/free-busy", "days_ahead=x", "days_ahead"),
    ] {
        let (status, _, body) = Sent::new("GET", path, query).by("user_1", 60).to(Function::Events).await;
        assert_eq!((status, &body["field"]), (422, &json!(field)), "{path}?{query}: {body}");
    }
    let (status, _, body) = Sent::new("GET", "/calendar/auth/start", "").to(Function::AuthStart).await;
    assert_eq!((status, &body["field"]), (422, &json!("user_id")));
}

#[tokio::test]
async fn an_outage_is_a_503_that_says_nothing() {
    let (status, headers, body) = Sent::new("GET", "/ready", "").to(Function::Docs).await;
    assert_eq!((status, &body), (503, &json!({"code": "unavailable", "request_id": "req-1"})));
    assert!(headers["retry-after"].as_str().unwrap().parse::<u32>().unwrap() > 0);
}

#[tokio::test]
async fn a_callback_without_a_state_goes_back_to_the_front_end_or_answers_json() {
    let sent = Sent::new("GET", "/calendar/auth/callback", "error=x%3Cscript%3E");
    let (status, headers, _) = sent.to(Function::AuthCallback).await;
    assert_eq!(status, 303);
    assert_eq!(headers["location"], "http://localhost:5173/calendar?auth=error&code=state_missing");
    let sent = Sent::new("GET", "/calendar/auth/callback/google", "").header("accept", "application/json");
    let (status, _, body) = sent.to(Function::AuthCallback).await;
    assert_eq!((status, &body["code"]), (400, &json!("state_missing")));
    let (status, ..) = Sent::new("GET", "/calendar/auth/callback/yahoo", "").to(Function::AuthCallback).await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn the_documentation_is_served_whole() {
    let (status, headers, body) = Sent::new("GET", "/openapi.json", "").to(Function::Docs).await;
    assert_eq!((status, &body["openapi"]), (200, &json!("3.1.0")));
    assert_eq!(headers["content-type"], "application/json");
    let (status, headers, body) = Sent::new("GET", "/docs", "").to(Function::Docs).await;
    assert_eq!(status, 200);
    let policy = headers["content-security-policy"].as_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(body.as_str().unwrap().starts_with("<!doctype html>"));
}

#[tokio::test]
async fn the_authorizer_lets_nobody_in_without_a_token() {
    for source in [json!(["Bearer slk_x"]), json!(["Basic abc"]), json!([""]), Value::Null] {
        let event = json!({
            "version": "2.0", "type": "REQUEST", "identitySource": source, "rawPath": "/users/me",
            "headers": {}, "requestContext": {"http": {"method": "GET", "path": "/users/me"}, "timeEpoch": 0},
        });
        let verdict = invoke(Function::Authorizer, &app(), event, "req-1").await.unwrap();
        assert_eq!(verdict, json!({"isAuthorized": false}));
    }
}

#[tokio::test]
async fn a_table_that_does_not_answer_is_no_refusal_of_the_token() {
    let event = json!({
        "version": "2.0", "type": "REQUEST", "rawPath": "/users/me",
        "headers": {"Authorization": format!("Bearer slk_{}_secret", "a".repeat(26))},
        "requestContext": {"http": {"method": "GET", "path": "/users/me"}, "timeEpoch": 0},
    });
    assert!(invoke(Function::Authorizer, &app(), event, "req-1").await.is_err());
}

#[test]
fn an_invocation_can_move_between_threads() {
    fn movable(_: impl Send) {}
    movable(invoke(Function::Docs, &app(), Value::Null, "req-1"));
    movable(Edge::new(app()).invoke(Function::VapiWebhook, Value::Null, "req-1"));
    movable(Edge::new(app()).invoke_within(Duration::ZERO, Function::TokenRefresh, Value::Null, "req-1"));
}

#[tokio::test]
async fn the_keeper_hears_its_schedule_and_ends_in_time() {
    let edge = Edge::new(app());
    let asked = json!({"task": "sweep"});
    let error = edge.invoke(Function::TokenRefresh, asked, "req-1").await.unwrap_err().to_string();
    assert!(error.contains("task"), "{error}");
    // No time is left: the messages go back to the queue, whatever they hold.
    let batch = json!({"Records": [{"messageId": "one", "body": "EXAMPLE"}, {"messageId": "two", "body": "EXAMPLE"}]});
    let answer = edge.invoke_within(Duration::ZERO, Function::TokenRefresh, batch, "req-1").await.unwrap();
    assert_eq!(answer, json!({"batchItemFailures": [{"itemIdentifier": "one"}, {"itemIdentifier": "two"}]}));
}
