//! Who is let through, and how long an answer holds.

use super::*;

#[tokio::test]
async fn the_authorizers_context_reaches_the_handler() {
    let stage = Stage::start().await;
    let event = stage.echoed(stage.get("/shut").header("Authorization", "good")).await;
    assert_eq!(event["requestContext"]["authorizer"], json!({ "lambda": { "owner": "one" } }));
}

#[tokio::test]
async fn an_open_route_asks_nobody_and_carries_no_context() {
    let stage = Stage::start().await;
    let event = stage.echoed(stage.get("/open/1").header("Authorization", "good")).await;
    assert!(event["requestContext"].get("authorizer").is_none());
    assert_eq!(stage.times("door"), 0);
}

#[tokio::test]
async fn the_authorizer_is_asked_with_the_identity_and_without_the_body() {
    let stage = Stage::start().await;
    stage.echoed(stage.get("/shut?a=1").header("Authorization", "good").header("Cookie", "c=1")).await;
    let calls = stage.calls.lock().unwrap();
    let (handler, event) = &calls[0];
    assert_eq!(
        (handler.as_str(), &event["type"], &event["version"]),
        ("door", &json!("REQUEST"), &json!("2.0"))
    );
    assert_eq!(event["identitySource"], json!(["good"]));
    assert_eq!(event["routeArn"], "arn:aws:execute-api:us-east-1:123456789012:local/$default/GET/shut");
    assert_eq!((&event["routeKey"], &event["rawPath"]), (&json!("GET /shut"), &json!("/shut")));
    assert_eq!((&event["cookies"], &event["queryStringParameters"]), (&json!(["c=1"]), &json!({ "a": "1" })));
    assert_eq!(event["headers"]["authorization"], "good");
    assert_eq!(event["requestContext"]["http"]["method"], "GET");
    assert!(event.get("body").is_none() && event.get("isBase64Encoded").is_none());
}

#[tokio::test]
async fn who_is_not_let_through_gets_the_gateways_own_answer() {
    let stage = Stage::start().await;
    let answers = [
        (None, 401, "Unauthorized"),
        (Some(""), 401, "Unauthorized"),
        (Some("bad"), 403, "Forbidden"),
        (Some("broken"), 500, "Internal Server Error"),
        (Some("odd"), 500, "Internal Server Error"),
    ];
    for (authorization, status, message) in answers {
        let call = stage.get("/shut");
        let call = match authorization {
            Some(value) => call.header("Authorization", value),
            None => call,
        };
        own(&call.send().await.unwrap(), status, message);
    }
    assert_eq!(stage.times("door"), 3, "without an identity nobody is asked");
    assert_eq!(stage.times("echo"), 0);
}

#[tokio::test]
async fn an_answer_holds_a_minute_for_one_identity_on_every_route() {
    let stage = Stage::start().await;
    let seconds = SignedDuration::from_secs;
    stage.echoed(stage.get("/shut").header("Authorization", "good")).await;
    stage.clock.advance(seconds(59));
    let event = stage.echoed(stage.get("/other").header("Authorization", "good")).await;
    assert_eq!(event["requestContext"]["authorizer"]["lambda"]["owner"], "one");
    assert_eq!(stage.times("door"), 1);
    own(&stage.get("/shut").header("Authorization", "bad").send().await.unwrap(), 403, "Forbidden");
    own(&stage.get("/other").header("Authorization", "bad").send().await.unwrap(), 403, "Forbidden");
    assert_eq!(stage.times("door"), 2, "a refusal holds too");
    stage.clock.advance(seconds(1));
    stage.echoed(stage.get("/shut").header("Authorization", "good")).await;
    assert_eq!(stage.times("door"), 3);
}

#[tokio::test]
async fn a_failed_authorizer_is_asked_again() {
    let stage = Stage::start().await;
    for _ in 0..2 {
        let answer = stage.get("/shut").header("Authorization", "broken").send().await.unwrap();
        own(&answer, 500, "Internal Server Error");
    }
    assert_eq!(stage.times("door"), 2);
}
