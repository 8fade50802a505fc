//! SQS with one queue, as AWS's JSON 1.0 protocol speaks: messages come in by `SendMessage`, and go out to a function.
//!
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>. A message stays until
//! its function has taken it, or is a dead letter after as many deliveries as template.yaml says. Not here: receiving
//! over HTTP, visibility, and MD5 sums, which the SDK does not look at.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Router,
    extract::{Request, State},
    response::Response,
};
use serde::Deserialize;
use serde_json::{Value, json};
use shared::{clock::Clock, random};

mod letters;

use self::letters::Letters;
use super::{
    ACCOUNT, REGION,
    wire::{self, Gate},
};
use crate::{
    loopback::{Door, Server},
    world::{
        counters::Counters,
        faults::{Fault, Faults},
    },
};

/// The one queue's name.
const NAME: &str = "rescue";

/// How many messages a function gets at once, as template.yaml says; a test compares them.
const BATCH: usize = 10;

/// SQS takes no larger message.
const LARGEST_MESSAGE: usize = 1 << 20;

/// A running SQS; it stops when this is dropped.
pub struct Sqs {
    queue: Queue,
    url: String,
    server: Server,
}

/// The queue's messages; clones share them.
#[derive(Clone)]
struct Queue {
    clock: Clock,
    messages: Arc<Mutex<VecDeque<Message>>>,
    dead: Arc<Mutex<Letters>>,
}

struct Message {
    id: String,
    body: String,
    sent_ms: i64,
    received: u32,
}

impl Sqs {
    /// Starts it on a free port, with an empty queue.
    pub async fn start(counters: Counters, faults: Faults, clock: Clock) -> io::Result<Self> {
        let door = Door::open(0).await?;
        let gate = Gate { system: "sqs", counters, faults, stopped: door.stopped() };
        let queue = Queue { clock, messages: Arc::default(), dead: Arc::default() };
        let router = Router::new().fallback(answered).with_state((gate, queue.clone()));
        let url = format!("{}/{ACCOUNT}/{NAME}", door.url());
        Ok(Self { queue, url, server: door.serve(router) })
    }

    /// The value for `AWS_ENDPOINT_URL_SQS`.
    pub fn url(&self) -> &str {
        self.server.url()
    }

    /// The queue's own address, the value for `RESCUE_QUEUE_URL`.
    pub fn queue_url(&self) -> &str {
        &self.url
    }

    /// How many messages wait.
    pub fn waiting(&self) -> usize {
        self.queue.messages().len()
    }

    /// How many dead letters there are.
    pub fn dead(&self) -> usize {
        self.queue.letters().waiting()
    }

    /// The oldest messages, up to a batch of them, as the event that a function gets; none when nothing waits.
    ///
    /// They stay in the queue until [`Sqs::taken`] says that they need not.
    pub fn batch(&self) -> Option<Value> {
        let now_ms = self.queue.clock.now().as_millisecond().to_string();
        self.queue.bury();
        let mut messages = self.queue.messages();
        let records: Vec<_> = messages.iter_mut().take(BATCH).map(|m| m.record(&now_ms)).collect();
        (!records.is_empty()).then(|| json!({ "Records": records }))
    }

    /// Deletes what a function took of a batch: everything but the failures that it named.
    ///
    /// A failure without a known name keeps the whole batch, as Lambda has it.
    pub fn taken(&self, batch: &Value, answer: &Value) {
        let ids = |list: &Value, name: &str| -> Vec<String> {
            let items = list.as_array().into_iter().flatten();
            items.map(|item| item[name].as_str().unwrap_or_default().to_owned()).collect()
        };
        let sent = ids(&batch["Records"], "messageId");
        let failed = ids(&answer["batchItemFailures"], "itemIdentifier");
        if failed.iter().all(|id| sent.contains(id)) {
            self.queue.messages().retain(|m| !sent.contains(&m.id) || failed.contains(&m.id));
        }
    }

    /// Forgets every message.
    pub fn clear(&self) {
        self.queue.messages().clear();
        *self.queue.letters() = Letters::default();
    }
}

impl Message {
    /// <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>
    fn record(&mut self, now_ms: &str) -> Value {
        self.received += 1;
        json!({
            "messageId": self.id,
            "receiptHandle": random::id(),
            "body": self.body,
            "attributes": {
                "ApproximateReceiveCount": self.received.to_string(),
                "SentTimestamp": self.sent_ms.to_string(),
                "SenderId": ACCOUNT,
                "ApproximateFirstReceiveTimestamp": now_ms,
            },
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{NAME}"),
            "awsRegion": REGION,
        })
    }
}

impl Queue {
    fn messages(&self) -> MutexGuard<'_, VecDeque<Message>> {
        // Each message is whole at any time, so a poisoned lock still holds a sound queue.
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn did(&self, operation: &str, body: &[u8]) -> Outcome {
        match operation {
            "SendMessage" => self.send(read(body)?),
            "GetQueueAttributes" => Ok(letters::attributes()),
            "StartMessageMoveTask" => self.redrive(&read(body)?),
            "ListMessageMoveTasks" => self.moves(&read(body)?),
            _ => Err(("UnsupportedOperation", "The stand-in does not know this operation.".to_owned())),
        }
    }

    fn send(&self, asked: SendMessage) -> Outcome {
        if !asked.queue_url.ends_with(&format!("/{ACCOUNT}/{NAME}")) {
            return Err(("QueueDoesNotExist", "The specified queue does not exist.".to_owned()));
        }
        if asked.message_body.is_empty() || asked.message_body.len() > LARGEST_MESSAGE {
            return Err(("InvalidParameterValue", "One or more parameters are invalid.".to_owned()));
        }
        let id = random::id();
        let message = Message {
            id: id.clone(),
            body: asked.message_body,
            sent_ms: self.clock.now().as_millisecond(),
            received: 0,
        };
        self.messages().push_back(message);
        Ok(json!({ "MessageId": id }))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendMessage {
    queue_url: String,
    message_body: String,
}

/// An answer, or an error's name and message.
type Outcome = Result<Value, (&'static str, String)>;

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, (&'static str, String)> {
    serde_json::from_slice(body).map_err(|error| ("SerializationException", error.to_string()))
}

async fn answered(State((gate, queue)): State<(Gate, Queue)>, request: Request) -> Response {
    let (parts, body) = wire::whole(request).await;
    let operation = wire::operation(&parts.headers);
    let act = async {
        match queue.did(operation, &body) {
            Ok(body) => wire::answer(200, &body),
            Err((name, message)) => wire::error(400, &typed(name), &message),
        }
    };
    gate.pass(operation, refusal, act).await
}

/// A fault in SQS's own words. Its value names an error (as text or under `error`), or gives a status alone.
fn refusal(fault: &Fault) -> Response {
    let value = fault.value.as_ref();
    let named = value.and_then(|value| value.as_str().or_else(|| value.get("error")?.as_str()));
    let by_status = if fault.status() < 500 { "RequestThrottled" } else { "InternalFailure" };
    let name = named.unwrap_or(by_status);
    let status = if name == "InternalFailure" { fault.status().max(500) } else { 400 };
    wire::error(status, &typed(name), "The stand-in was told to refuse this.")
}

fn typed(name: &str) -> String {
    format!("com.amazonaws.sqs#{name}")
}

#[cfg(test)]
mod tests;
