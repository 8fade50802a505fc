//! What a caller gets: a handler's answer, or the gateway's own.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::*;

fn cookies(answer: &Answer) -> Vec<&str> {
    answer.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap()).collect()
}

#[tokio::test]
async fn a_handlers_answer_keeps_its_status_headers_cookies_and_bytes() {
    let stage = Stage::start().await;
    let bytes = [0, 159, 146, 150];
    let answer = stage
        .given(&json!({
            "statusCode": 201,
            "headers": { "Content-Type": "image/png", "ETag": "\"1\"", "X-Count": 2, "Content-Length": "9" },
            "multiValueHeaders": { "X-Lost": ["1"] },
            "cookies": ["a=1; Path=/", "b=2"],
            "body": STANDARD.encode(bytes),
            "isBase64Encoded": true,
        }))
        .await;
    assert_eq!((answer.status, &answer.body[..]), (201, &bytes[..]));
    assert_eq!(answer.header("content-type"), Some("image/png"));
    assert_eq!((answer.header("etag"), answer.header("x-count")), (Some("\"1\""), Some("2")));
    assert_eq!(cookies(&answer), ["a=1; Path=/", "b=2"]);
    assert!(answer.header("x-lost").is_none() && answer.header("apigw-requestid").is_some());
}

#[tokio::test]
async fn a_value_without_a_status_is_the_body_of_a_200() {
    let stage = Stage::start().await;
    let answer = stage.given(&json!({ "ok": true })).await;
    assert_eq!((answer.status, answer.json::<Value>().unwrap()), (200, json!({ "ok": true })));
    assert_eq!(answer.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn what_is_no_answer_is_an_internal_error() {
    let stage = Stage::start().await;
    for value in [
        json!({ "statusCode": "soon" }),
        json!({ "statusCode": 99 }),
        json!({ "statusCode": 200, "headers": { "a b": "c" } }),
        json!({ "statusCode": 200, "headers": { "a": "b\nc" } }),
        json!({ "statusCode": 200, "body": "?", "isBase64Encoded": true }),
    ] {
        own(&stage.given(&value).await, 500, "Internal Server Error");
    }
}

#[tokio::test]
async fn unknown_paths_methods_and_slashes_are_not_found() {
    let stage = Stage::start().await;
    for (method, path) in [
        (Method::GET, "/"),
        (Method::POST, "/shut"),
        (Method::GET, "/shut/"),
        (Method::GET, "/open/"),
        (Method::GET, "/shut%2F"),
    ] {
        own(&stage.call(method, path).send().await.unwrap(), 404, "Not Found");
    }
    assert_eq!(stage.call(Method::HEAD, "/shut").send().await.unwrap().status, 404);
    own(&stage.get("/open/%ff").send().await.unwrap(), 400, "Bad Request");
    assert!(stage.calls.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_function_that_fails_says_nothing_to_the_caller() {
    let stage = Stage::start().await;
    own(&stage.get("/fails").send().await.unwrap(), 500, "Internal Server Error");
}

#[tokio::test]
async fn a_function_that_outlasts_the_gateway_is_unavailable() {
    let integration_limit = Duration::from_millis(20);
    let stage = Stage::with(Options { integration_limit, ..Options::default() }).await;
    own(&stage.get("/hangs").send().await.unwrap(), 503, "Service Unavailable");
}

#[test]
fn lambda_ends_a_function_before_the_gateway_turns_away() {
    let seconds = Duration::from_secs;
    assert_eq!(limit(seconds(29), INTEGRATION_LIMIT), (seconds(29), Own::Internal));
    assert_eq!(limit(seconds(900), INTEGRATION_LIMIT), (seconds(30), Own::Unavailable));
}

#[tokio::test]
async fn ten_megabytes_pass_and_one_byte_more_does_not() {
    let stage = Stage::start().await;
    let send = |bytes: usize| {
        stage.call(Method::POST, "/given").header("content-type", "text/plain").body(vec![b'1'; bytes]).send()
    };
    assert_eq!(
        send(LARGEST_REQUEST).await.unwrap().status,
        500,
        "the function was reached, and it is no JSON"
    );
    own(&send(LARGEST_REQUEST + 1).await.unwrap(), 413, "Request Entity Too Large");
    assert_eq!(stage.times("given"), 1);
}

#[tokio::test]
async fn preflights_are_answered_by_the_gateway() {
    let stage = Stage::start().await;
    let preflight = |origin: &str| {
        let call = stage.call(Method::OPTIONS, "/shut").header("Origin", origin);
        call.header("Access-Control-Request-Method", "GET").send()
    };
    let answer = preflight("https://front.example").await.unwrap();
    assert_eq!(answer.status, 204);
    for (name, value) in [
        ("access-control-allow-origin", "https://front.example"),
        ("access-control-allow-methods", "GET,POST"),
        ("access-control-allow-headers", "authorization"),
        ("access-control-max-age", "600"),
    ] {
        assert_eq!(answer.header(name), Some(value));
    }
    let stranger = preflight("https://front.example.evil.example").await.unwrap();
    assert!(stranger.headers.keys().all(|name| !name.as_str().starts_with("access-control")));
    assert!(stage.calls.lock().unwrap().is_empty());
}

#[tokio::test]
async fn answers_carry_the_gateways_cors_headers_and_not_the_handlers() {
    let stage = Stage::start().await;
    let body = json!({ "statusCode": 200, "headers": { "Access-Control-Allow-Origin": "*" } }).to_string();
    let ask = |origin: &str| {
        let call =
            stage.call(Method::POST, "/given").header("Origin", origin).body(body.clone().into_bytes());
        call.header("content-type", "application/json").send()
    };
    let known = ask("https://front.example").await.unwrap();
    assert_eq!(known.header("access-control-allow-origin"), Some("https://front.example"));
    assert_eq!(known.header("access-control-expose-headers"), Some("etag"));
    assert_eq!(ask("https://other.example").await.unwrap().header("access-control-allow-origin"), None);
    let refused = stage.get("/shut").header("Origin", "https://front.example").send().await.unwrap();
    assert_eq!(
        (refused.status, refused.header("access-control-allow-origin")),
        (401, Some("https://front.example"))
    );
}

#[tokio::test]
async fn extra_routes_come_before_the_templates() {
    let extra = Router::new().route("/_local/world", axum::routing::get(|| async { "world" }));
    let stage = Stage::with(Options { extra: Some(extra), ..Options::default() }).await;
    assert_eq!(stage.get("/_local/world").send().await.unwrap().body, b"world");
    own(&stage.get("/_local/other").send().await.unwrap(), 404, "Not Found");
    assert_eq!(stage.get("/open/1").send().await.unwrap().status, 200);
}
