//! The rescue queue (SQS): sealed tokens that DynamoDB would not take, until the keeper writes them.

use std::sync::{Arc, OnceLock};

use aws_sdk_sqs::{
    Client,
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
    types::QueueAttributeName,
};
use jiff::SignedDuration;
use serde::Deserialize;

use crate::{
    aws::Aws,
    error::{Error, Result},
};

/// Dead letters on their way back into the queue, by SQS's own hands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// When SQS took it, in milliseconds since the epoch: what tells one move from another.
    pub started: i64,
    /// `RUNNING`, `COMPLETED`, `CANCELLING`, `CANCELLED` or `FAILED`.
    pub status: String,
    /// How many are back, as far as SQS knows.
    pub moved: i64,
    /// How many there were when it began.
    pub of: Option<i64>,
    /// Why it failed, in SQS's words.
    pub failure: Option<String>,
}

impl Move {
    /// Whether it still goes on.
    pub fn runs(&self) -> bool {
        ["RUNNING", "CANCELLING"].contains(&self.status.as_str())
    }
}

/// The queue; the client is made at first need.
#[derive(Clone)]
pub struct Queue(Arc<Inner>);

struct Inner {
    aws: Aws,
    url: Option<String>,
    client: OnceLock<Client>,
}

impl Queue {
    /// Calls nothing yet. `url` is the queue's address at SQS.
    pub fn new(aws: Aws, url: Option<String>) -> Self {
        Self(Arc::new(Inner { aws, url, client: OnceLock::new() }))
    }

    /// Puts a message (`SendMessage`). The queue may deliver it more than once.
    pub async fn send(&self, body: String) -> Result<()> {
        let sent = self.client().send_message().queue_url(self.url()?).message_body(body).send().await;
        sent.map(drop).map_err(outage)
    }

    /// The ARN of the queue that takes its dead letters (`GetQueueAttributes`); none when it has none.
    pub async fn dead_letters(&self) -> Result<Option<String>> {
        let asked = self.client().get_queue_attributes().queue_url(self.url()?);
        let answer = asked.attribute_names(QueueAttributeName::RedrivePolicy).send().await.map_err(outage)?;
        let policy = answer.attributes.and_then(|mut named| named.remove(&QueueAttributeName::RedrivePolicy));
        let policy: Option<Policy> = policy.and_then(|policy| serde_json::from_str(&policy).ok());
        Ok(policy.map(|policy| policy.dead_letter_target_arn))
    }

    /// Moves dead letters back to where they came from (`StartMessageMoveTask`); SQS goes on by itself.
    pub async fn redrive(&self, dead_letters: &str) -> Result<()> {
        let started = self.client().start_message_move_task().source_arn(dead_letters).send().await;
        started.map(drop).map_err(outage)
    }

    /// The latest move of dead letters (`ListMessageMoveTasks`); none when there was none.
    pub async fn latest_move(&self, dead_letters: &str) -> Result<Option<Move>> {
        let asked = self.client().list_message_move_tasks().source_arn(dead_letters);
        let answer = asked.max_results(1).send().await.map_err(outage)?;
        let latest = answer.results.unwrap_or_default().into_iter().next();
        Ok(latest.map(|task| Move {
            started: task.started_timestamp,
            status: task.status.unwrap_or_default(),
            moved: task.approximate_number_of_messages_moved,
            of: task.approximate_number_of_messages_to_move,
            failure: task.failure_reason,
        }))
    }

    fn url(&self) -> Result<&str> {
        self.0.url.as_deref().ok_or_else(|| Error::internal("RESCUE_QUEUE_URL is not set"))
    }

    fn client(&self) -> &Client {
        self.0.client.get_or_init(|| self.0.aws.sqs())
    }
}

/// What a queue's `RedrivePolicy` says.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Policy {
    dead_letter_target_arn: String,
}

/// A failed call. What SQS refuses for good is not worth a repeat.
fn outage<E: ProvideErrorMetadata>(error: SdkError<E, HttpResponse>) -> Error {
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code).unwrap_or_default();
    // Their names have prefixes in one protocol and none in the other.
    let refusals = ["AccessDenied", "NonExistentQueue", "QueueDoesNotExist", "InvalidParameterValue"];
    if refusals.iter().any(|known| code.contains(known)) {
        return Error::internal(format!("SQS refused: {code}"));
    }
    Error::Unavailable { system: "sqs", retry_after: SignedDuration::from_secs(1) }
}
