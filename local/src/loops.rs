//! What AWS drives by itself, the schedule and the queue of the keeper: here when told, or once a minute.

use std::time::Duration;

use functions::Function;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::stack::Parts;

/// The template's `rate(1 minute)`.
const EVERY: Duration = Duration::from_secs(60);

/// One run: the rescue queue's messages as a batch, if there are any, then what the schedule asks.
///
/// What the function took leaves the queue; a run that fails leaves everything there.
pub(crate) async fn keeper(parts: &Parts, input: Value) -> Result<Value, String> {
    let queue = match parts.sqs.batch() {
        Some(batch) => {
            let answer = parts.invoke(Function::TokenRefresh, batch.clone()).await?;
            parts.sqs.taken(&batch, &answer);
            answer
        }
        None => Value::Null,
    };
    let result = parts.invoke(Function::TokenRefresh, input).await?;
    Ok(json!({ "queue": queue, "result": result }))
}

/// The schedule while this is kept.
pub struct Schedule(JoinHandle<()>);

impl Schedule {
    /// Runs the keeper once a minute, beginning in a minute.
    pub(crate) fn start(parts: Parts) -> Self {
        Self(tokio::spawn(async move {
            loop {
                tokio::time::sleep(EVERY).await;
                if let Err(error) = keeper(&parts, json!({ "task": "keep" })).await {
                    tracing::error!(error, "the keeper failed");
                }
                if let Err(error) = parts.invoke(Function::Reconcile, json!({})).await {
                    tracing::error!(error, "the reconciler failed");
                }
            }
        }))
    }
}

impl Drop for Schedule {
    fn drop(&mut self) {
        self.0.abort();
    }
}
