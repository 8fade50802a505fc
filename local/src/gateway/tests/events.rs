//! What a handler is called with.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::*;

#[tokio::test]
async fn the_event_is_api_gateways() {
    let stage = Stage::start().await;
    let call =
        stage.get("/open/a%2Fb%20c?x=1&y=%26&x=2&y").header("User-Agent", "curl/8").header("X-Some", "1");
    let call = call.header("X-Some", "2").header("Cookie", "a=1; b=2").header("Cookie", "c=3");
    let mut event = stage.echoed(call).await;
    let port = stage.gateway.base_url().rsplit_once(':').unwrap().1.to_owned();
    let context = &mut event["requestContext"];
    let request_id = context["requestId"].take();
    assert_eq!(request_id.as_str().unwrap().len(), shared::random::ID_LEN);
    let trace = event["headers"]["x-amzn-trace-id"].take();
    assert!(trace.as_str().unwrap().starts_with("Root=1-70dd5525-"), "{trace}");
    let expected = json!({
        "version": "2.0",
        "routeKey": "ANY /open/{id}",
        "rawPath": "/open/a/b c",
        "rawQueryString": "x=1&y=%26&x=2&y",
        "cookies": ["a=1", "b=2", "c=3"],
        "headers": {
            "accept": "*/*",
            "host": format!("127.0.0.1:{port}"),
            "user-agent": "curl/8",
            "x-some": "1,2",
            "x-forwarded-for": "127.0.0.1",
            "x-forwarded-port": port,
            "x-forwarded-proto": "http",
            "x-amzn-trace-id": null,
        },
        "queryStringParameters": { "x": "1,2", "y": "&," },
        "pathParameters": { "id": "a/b c" },
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "local",
            "domainName": "127.0.0.1",
            "domainPrefix": "127",
            "http": {
                "method": "GET",
                "path": "/open/a/b c",
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "curl/8",
            },
            "requestId": null,
            "routeKey": "ANY /open/{id}",
            "stage": "$default",
            "time": "02/Jan/2030:03:04:05 +0000",
            "timeEpoch": 1_893_553_445_678_i64,
        },
        "isBase64Encoded": false,
    });
    assert_eq!(event, expected);
}

#[tokio::test]
async fn what_a_request_does_not_have_is_left_out() {
    let stage = Stage::start().await;
    let event = stage.echoed(stage.get("/shut").header("Authorization", "good")).await;
    for absent in ["cookies", "queryStringParameters", "pathParameters", "body", "stageVariables"] {
        assert!(event.get(absent).is_none(), "{absent}");
    }
    assert_eq!(event["rawQueryString"], "");
}

#[tokio::test]
async fn json_and_text_travel_as_text_and_everything_else_as_base64() {
    let stage = Stage::start().await;
    for (kind, body, is_base64) in [
        ("application/json", "{\"a\":\"ü\"}".as_bytes(), false),
        ("application/problem+json; charset=utf-8", b"{}", false),
        ("text/plain", b"hello", false),
        ("text/plain", b"\xff\x00", true),
        ("application/x-www-form-urlencoded", b"a=1&b=2", true),
        ("application/octet-stream", b"hello", true),
    ] {
        let call = stage.call(Method::POST, "/open/1").header("content-type", kind).body(body.to_vec());
        let event = stage.echoed(call).await;
        let expected =
            if is_base64 { STANDARD.encode(body) } else { String::from_utf8(body.to_vec()).unwrap() };
        assert_eq!(
            (&event["body"], &event["isBase64Encoded"]),
            (&json!(expected), &json!(is_base64)),
            "{kind}"
        );
    }
    let packed = stage.call(Method::POST, "/open/1").header("content-type", "application/json");
    let event = stage.echoed(packed.header("content-encoding", "gzip").body(b"{}".to_vec())).await;
    assert_eq!(event["isBase64Encoded"], true);
}

#[tokio::test]
async fn the_lambda_runtime_reads_the_event_as_the_request_that_was_sent() {
    let stage = Stage::start().await;
    let call = stage.call(Method::PUT, "/open/1?q=a%20b").header("Cookie", "a=1; b=2");
    let call = call.header("content-type", "application/x-www-form-urlencoded").body(b"k=v".to_vec());
    let event = stage.echoed(call).await;
    let request = lambda_http::request::from_str(&event.to_string()).unwrap();
    assert_eq!((request.method(), request.uri().path()), (&Method::PUT, "/open/1"));
    assert_eq!(request.uri().query(), Some("q=a%20b"));
    assert_eq!(request.headers()["cookie"], "a=1; b=2");
    assert_eq!(&**request.body(), b"k=v");
}

#[tokio::test]
async fn forwarded_addresses_are_kept_before_the_callers_own() {
    let stage = Stage::start().await;
    let event = stage.echoed(stage.get("/files/a/b.txt").header("X-Forwarded-For", "192.0.2.1")).await;
    assert_eq!(event["headers"]["x-forwarded-for"], "192.0.2.1, 127.0.0.1");
    assert_eq!(event["requestContext"]["http"]["sourceIp"], "127.0.0.1");
    assert_eq!(event["pathParameters"], json!({ "proxy": "a/b.txt" }));
}
