//! What a queue and a schedule send, and what they hear.

use shared::error::Error as Refused;

use super::*;
use crate::testing::app;

fn messages(ids: &[&str]) -> Vec<Message> {
    ids.iter().map(|id| Message { message_id: (*id).to_owned(), body: format!("EXAMPLE {id}") }).collect()
}

async fn all_but_two(body: String) -> error::Result<()> {
    if body.ends_with("two") { Err(Refused::internal("EXAMPLE")) } else { Ok(()) }
}

#[tokio::test]
async fn a_message_that_fails_stays_and_the_others_go() {
    assert_eq!(failures(messages(&["one", "two", "three"]), all_but_two).await, ["two"]);
    assert!(failures(messages(&[]), all_but_two).await.is_empty());
}

#[tokio::test]
async fn messages_without_time_left_stay_untouched() {
    let left = deadline::within(MESSAGE_TIME / 2, failures(messages(&["one", "three"]), all_but_two));
    assert_eq!(left.await, ["one", "three"]);
}

#[tokio::test]
async fn a_batch_answers_with_the_ids_that_sqs_keeps() {
    let event = json!({"Records": [{
        "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d", "receiptHandle": "EXAMPLE", "body": "no rescue message",
        "attributes": {"ApproximateReceiveCount": "1"}, "messageAttributes": {}, "eventSource": "aws:sqs",
    }]});
    let ran = run(&app(), event, "req-1").await.unwrap();
    assert_eq!(
        ran.answer,
        json!({"batchItemFailures": [{"itemIdentifier": "059f36b4-87a3-44ab-83d2-661975830a7d"}]})
    );
    assert_eq!(ran.metrics["TokensRescued"], 0);
    assert!(ran.metrics["Duration"].is_u64());
}

#[test]
fn the_schedule_keeps_unless_it_names_another_task() {
    for event in [
        json!({}),
        json!({"task": "keep"}),
        json!({"detail-type": "Scheduled Event", "detail": {}}),
        Value::Null,
    ] {
        assert!(matches!(Task::read(event), Ok(Task::Keep)));
    }
    assert!(matches!(Task::read(json!({"task": "rewrap"})), Ok(Task::Rewrap(None))));
    let from = json!({"task": "rewrap", "cursor": "EXAMPLE"});
    assert!(matches!(Task::read(from), Ok(Task::Rewrap(Some(cursor))) if cursor == "EXAMPLE"));
}

#[test]
fn what_cannot_be_read_is_an_error_that_names_the_field() {
    for (event, field) in [
        (json!({"task": "sweep"}), "task"),
        (json!({"task": 5}), "task"),
        (json!({"task": "rewrap", "cursor": 5}), "cursor"),
        (json!({"Records": [{"messageId": "x"}]}), "body"),
    ] {
        let error = Task::read(event).err().unwrap().to_string();
        assert!(error.contains(field), "{error}");
    }
}
