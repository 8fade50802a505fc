//! A fault before anybody can look into a calendar: each message hears of it in its own shape, or VAPI drops it.

use local::world::faults::{Fault, Kind};
use serde_json::{Value, json};

use super::{booking, free_day, phone, post, sent, written};
use crate::harness::Town;

const SLOW: &str = "The calendar is taking longer than usual. Please give me a moment and ask me again.";

/// The answer to a message while the tables refuse one operation.
async fn during(operation: &str, message: &Value) -> Value {
    let town = Town::connected().await;
    let line = town.line().await;
    town.arm(Fault::new("dynamodb", operation, Kind::Status).with(500).times(50));
    let answer = sent(&town, &line, message).await;
    assert_eq!(answer.status, 200, "{message}");
    answer.body
}

#[tokio::test]
async fn a_credential_that_cannot_be_looked_up_is_told_in_the_shape_of_the_message() {
    let (call, now) = (phone(), crate::harness::at(crate::harness::NOW));
    let tools = [free_day(), free_day()];
    let results =
        tools.each_ref().map(|tool| json!({"toolCallId": tool.id, "name": tool.name, "error": SLOW}));
    let mut later = call.status_update("in-progress", now);
    later["message"]["type"] = json!("something-of-tomorrow");
    for (message, expected) in [
        (call.tool_calls(&tools, now), json!({"results": results})),
        (call.tool_calls(&[], now), json!({"results": []})),
        (call.function_call("get_availability", &json!({}), now), json!({"result": SLOW})),
        (call.assistant_request(now), json!({"error": SLOW})),
        (call.status_update("in-progress", now), json!({})),
        (call.end_of_call_report("Hello.", now), json!({})),
        (later, json!({})),
        (json!({"message": 7}), json!({"error": SLOW})),
    ] {
        assert_eq!(during("GetItem", &message).await, expected, "{message}");
    }
}

#[tokio::test]
async fn an_assistant_that_cannot_be_named_is_an_error_that_is_spoken() {
    let (call, now) = (phone(), crate::harness::at(crate::harness::NOW));
    let town = Town::connected().await;
    let line = town.line().await;
    let request = call.assistant_request(now);
    assert_eq!(sent(&town, &line, &request).await.body["assistantId"], "assistant-1");
    // The credential and its routes are remembered by now; the owner's rows are not.
    town.arm(Fault::new("dynamodb", "Query", Kind::Status).with(500).times(50));
    let answer = sent(&town, &line, &request).await;
    assert_eq!((answer.status, answer.body), (200, json!({"error": SLOW})));
}

#[tokio::test]
async fn an_outage_opens_no_door() {
    let town = Town::connected().await;
    let line = town.line().await;
    town.arm(Fault::new("dynamodb", "GetItem", Kind::Status).with(500).times(50));
    let answer = sent(&town, &line, &booking()).await;
    assert_eq!(answer.body["results"][0]["error"], SLOW);
    let unsigned = post(&town, "/vapi/webhook", &[], booking().to_string()).await;
    assert_eq!((unsigned.status, unsigned.code()), (401, "vapi_credential"), "{}", unsigned.text);
    town.stack.world.faults().clear();
    assert_eq!(written(&town).await, (0, 0));
}
