//! VAPI's stand-in as a caller of webhooks.

use super::{
    super::{Answered, Credential, PhoneCall, ToolCall, tool_result},
    *,
};

/// A webhook that answers each tool call with the proof it was given.
async fn receiver() -> String {
    let router = axum::Router::new().route(
        "/",
        axum::routing::post(async |headers: http::HeaderMap, axum::Json(message): axum::Json<Value>| {
            let proof = ["x-vapi-secret", "authorization", "x-signature"]
                .into_iter()
                .find_map(|name| Some(format!("{name} {}", headers.get(name)?.to_str().ok()?)));
            let calls = message["message"]["toolCallList"].as_array().cloned().unwrap_or_default();
            let results = calls.iter().map(
                |call| json!({"toolCallId": call["id"], "name": call["function"]["name"], "result": proof}),
            );
            axum::Json(json!({"results": results.collect::<Vec<_>>()}))
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, router).into_future());
    url
}

#[tokio::test]
async fn tool_calls_are_sent_with_the_credential_and_their_results_read() {
    let bench = Bench::start().await;
    let url = receiver().await;
    let call = PhoneCall::inbound("+15550100001", Some("EXAMPLE-assistant"), at(NOW));
    let tool = ToolCall::new("check_availability", json!({"when": "tuesday"}));
    let message = call.tool_calls(std::slice::from_ref(&tool), at(NOW));
    for (credential, expected) in [
        (Credential::Secret("slv_EXAMPLE".to_owned()), "x-vapi-secret slv_EXAMPLE"),
        (Credential::Bearer("slv_EXAMPLE".to_owned()), "authorization Bearer slv_EXAMPLE"),
    ] {
        let answered = bench.world.vapi_message(&bench.client, &url, &credential, &message).await.unwrap();
        assert_eq!(tool_result(&answered, &tool).as_deref(), Ok(expected));
    }
    let hmac = Credential::Hmac("EXAMPLE".to_owned());
    let signed = bench.world.vapi_message(&bench.client, &url, &hmac, &message);
    let text = format!("{}.{message}", at(NOW).as_millisecond());
    let expected = random::hex(&random::hmac_sha256(b"EXAMPLE", text.as_bytes()));
    assert_eq!(tool_result(&signed.await.unwrap(), &tool), Ok(format!("x-signature {expected}")));
    assert_eq!(bench.world.counters().of("vapi", "tool-calls"), 3);
}

#[tokio::test]
async fn a_message_names_the_call_the_caller_the_number_and_the_assistant() {
    let call = PhoneCall::inbound("+15550100001", Some("EXAMPLE-assistant"), at(NOW));
    let tool = ToolCall::new("book", json!({"slot": "EXAMPLE"}));
    let sent = call.tool_calls(&[tool], at(NOW));
    let message = &sent["message"];
    assert_eq!(message["type"], "tool-calls");
    assert_eq!(message["call"]["customer"]["number"], "+15550100001");
    assert_eq!(message["call"]["assistantId"], message["assistant"]["id"]);
    assert_eq!(message["call"]["phoneNumberId"], message["phoneNumber"]["id"]);
    assert_eq!(message["toolCalls"], message["toolCallList"]);
    assert_eq!(message["toolWithToolCallList"][0]["toolCall"], message["toolCallList"][0]);
    for (sent, kind) in [
        (call.function_call("book", &json!({}), at(NOW)), "function-call"),
        (call.assistant_request(at(NOW)), "assistant-request"),
        (call.status_update("ended", at(NOW)), "status-update"),
        (call.end_of_call_report("AI: Hello.", at(NOW)), "end-of-call-report"),
    ] {
        assert_eq!(sent["message"]["type"], kind);
        assert_eq!(sent["message"]["call"]["id"], call.id.as_str());
        assert_eq!(sent["message"].get("assistant").is_none(), kind == "assistant-request");
    }
    let withheld = PhoneCall { customer_number: None, ..call };
    assert_eq!(withheld.assistant_request(at(NOW))["message"].get("customer"), None);
}

#[test]
fn results_that_vapi_ignores_are_errors() {
    let tool = ToolCall { id: "call_EXAMPLE".to_owned(), name: "book".to_owned(), arguments: json!({}) };
    let good = json!({"toolCallId": "call_EXAMPLE", "name": "book", "result": "Booked."});
    let with = |name: &str, value: Value| {
        let mut result = good.clone();
        result[name] = value;
        Answered { status: 200, body: Some(json!({"results": [result]})) }
    };
    assert_eq!(tool_result(&with("x", json!(1)), &tool).as_deref(), Ok("Booked."));
    assert!(tool_result(&with("toolCallId", json!("other")), &tool).is_err());
    assert!(tool_result(&with("name", json!("other")), &tool).is_err());
    assert!(tool_result(&with("result", json!("two\nlines")), &tool).is_err());
    assert!(tool_result(&with("result", json!({"a": 1})), &tool).is_err());
    let refused = Answered { status: 500, ..with("x", json!(1)) };
    assert!(tool_result(&refused, &tool).is_err());
}
