//! The loopback SQS as the software's own client meets it.

use jiff::Timestamp;
use shared::{aws::Aws, config::AwsSettings, error::Error, queue};

use super::*;
use crate::world::faults::Kind;

async fn started() -> (Sqs, queue::Queue, Counters, Faults) {
    let (counters, faults) = (Counters::default(), Faults::default());
    let sqs =
        Sqs::start(counters.clone(), faults.clone(), Clock::fixed(Timestamp::UNIX_EPOCH)).await.unwrap();
    let client = queue::Queue::new(aws(&sqs), Some(sqs.queue_url().to_owned()));
    (sqs, client, counters, faults)
}

fn aws(sqs: &Sqs) -> Aws {
    let settings = AwsSettings {
        region: REGION.to_owned(),
        access_key_id: "EXAMPLE".to_owned(),
        secret_access_key: "EXAMPLE".into(),
        session_token: None,
        dynamodb_url: None,
        kms_url: None,
        secrets_url: None,
        sqs_url: Some(sqs.url().to_owned()),
    };
    Aws::new(&settings, None)
}

fn bodies(batch: &Value) -> Vec<&str> {
    batch["Records"].as_array().unwrap().iter().map(|record| record["body"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_message_stays_until_its_function_took_it() {
    let (sqs, client, counters, _) = started().await;
    assert_eq!((sqs.batch(), sqs.waiting()), (None, 0));
    for body in ["one", "two \u{fc}"] {
        client.send(body.to_owned()).await.unwrap();
    }
    assert_eq!(counters.of("sqs", "SendMessage"), 2);

    let batch = sqs.batch().unwrap();
    assert_eq!(bodies(&batch), ["one", "two \u{fc}"]);
    let failed = json!({"batchItemFailures": [{"itemIdentifier": batch["Records"][1]["messageId"]}]});
    sqs.taken(&batch, &failed);
    let again = sqs.batch().unwrap();
    assert_eq!(bodies(&again), ["two \u{fc}"]);
    assert_eq!(again["Records"][0]["attributes"]["ApproximateReceiveCount"], "2");

    sqs.taken(&again, &json!({"batchItemFailures": [{"itemIdentifier": "somebody else's"}]}));
    assert_eq!(sqs.waiting(), 1);
    sqs.taken(&again, &json!({"batchItemFailures": []}));
    assert_eq!(sqs.waiting(), 0);
}

#[tokio::test]
async fn a_batch_has_ten_messages_at_most() {
    let (sqs, client, ..) = started().await;
    for n in 0..11 {
        client.send(n.to_string()).await.unwrap();
    }
    assert_eq!(sqs.batch().unwrap()["Records"].as_array().unwrap().len(), 10);
    sqs.clear();
    assert_eq!(sqs.waiting(), 0);
}

#[tokio::test]
async fn a_fault_refuses_and_a_lost_answer_leaves_the_message() {
    let (sqs, client, counters, faults) = started().await;
    // The client asks three times.
    faults.arm(Fault::new("sqs", "SendMessage", Kind::Status).with(500).times(3));
    let refused = client.send("lost".to_owned()).await;
    assert!(matches!(refused, Err(Error::Unavailable { system: "sqs", .. })), "{refused:?}");
    assert_eq!((sqs.waiting(), counters.of("sqs", "SendMessage")), (0, 3));

    faults.arm(Fault::new("sqs", "*", Kind::DropAfterCommit));
    client.send("twice".to_owned()).await.unwrap();
    assert_eq!(sqs.waiting(), 2);
}

#[tokio::test]
async fn another_queue_does_not_exist() {
    let (sqs, ..) = started().await;
    let other = queue::Queue::new(aws(&sqs), Some(format!("{}/{ACCOUNT}/other", sqs.url())));
    assert!(other.send("EXAMPLE".to_owned()).await.is_err());
    assert_eq!(sqs.waiting(), 0);
}

#[test]
fn the_queue_counts_as_the_template_says() {
    let template = include_str!("../../../../template.yaml");
    for (name, ours) in
        [("maxReceiveCount", letters::MOST_RECEIVED), ("BatchSize", u32::try_from(BATCH).unwrap())]
    {
        let said: Vec<_> = template.split(&format!("{name}: ")).skip(1).collect();
        let digits = |text: &&str| text.chars().take_while(char::is_ascii_digit).collect::<String>();
        assert_eq!(said.iter().map(digits).collect::<Vec<_>>(), [ours.to_string()], "{name}");
    }
}
