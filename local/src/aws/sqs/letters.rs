//! Dead letters, and the way back
//! (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html>).

use std::sync::{MutexGuard, PoisonError};

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    super::{ACCOUNT, REGION},
    Message, Outcome, Queue,
};

/// `maxReceiveCount` of template.yaml's queue; a test compares them.
pub(super) const MOST_RECEIVED: u32 = 400;

/// The queue of dead letters.
const DEAD_LETTERS: &str = "rescue-dead-letters";

/// The dead letters and what was moved of them; a move ends as soon as it begins.
#[derive(Default)]
pub(super) struct Letters {
    dead: Vec<Message>,
    moves: Vec<Value>,
}

impl Letters {
    pub(super) fn waiting(&self) -> usize {
        self.dead.len()
    }
}

/// What the move's two operations say of the queue.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Source {
    source_arn: String,
}

impl Source {
    fn known(&self) -> Result<(), (&'static str, String)> {
        if self.source_arn == arn() {
            return Ok(());
        }
        Err((
            "ResourceNotFoundException",
            "The resource that you specified for the SourceArn parameter doesn't exist.".to_owned(),
        ))
    }
}

impl Queue {
    /// Messages that were delivered too often leave the queue.
    pub(super) fn bury(&self) {
        let all = std::mem::take(&mut *self.messages());
        let (dead, alive): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|message| message.received >= MOST_RECEIVED);
        self.messages().extend(alive);
        self.letters().dead.extend(dead);
    }

    pub(super) fn letters(&self) -> MutexGuard<'_, Letters> {
        self.dead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn redrive(&self, asked: &Source) -> Outcome {
        asked.known()?;
        // Never both locks at once.
        let back = std::mem::take(&mut self.letters().dead);
        // Two moves never begin in one millisecond, even where the clock stands.
        let before = self.letters().moves.last().and_then(|last| last["StartedTimestamp"].as_i64());
        let started = self.clock.now().as_millisecond().max(before.map_or(i64::MIN, |before| before + 1));
        self.letters().moves.push(json!({
            "Status": "COMPLETED",
            "SourceArn": arn(),
            "ApproximateNumberOfMessagesMoved": back.len(),
            "ApproximateNumberOfMessagesToMove": back.len(),
            "StartedTimestamp": started,
        }));
        // A message that was moved is counted anew.
        self.messages().extend(back.into_iter().map(|message| Message { received: 0, ..message }));
        Ok(json!({ "TaskHandle": shared::random::id() }))
    }

    pub(super) fn moves(&self, asked: &Source) -> Outcome {
        asked.known()?;
        Ok(json!({ "Results": self.letters().moves.iter().rev().take(1).collect::<Vec<_>>() }))
    }
}

/// The queue's attributes: the one that is asked for.
pub(super) fn attributes() -> Value {
    let policy = json!({ "deadLetterTargetArn": arn(), "maxReceiveCount": MOST_RECEIVED });
    json!({ "Attributes": { "RedrivePolicy": policy.to_string() } })
}

fn arn() -> String {
    format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{DEAD_LETTERS}")
}
