//! `token-refresh`, the keeper: refreshes tokens before they are needed, and writes those that waited in the rescue
//! queue. No HTTP: a schedule and a queue call it.

use std::time::{Duration, Instant};

use lambda_runtime::Error;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::{app::App, deadline, error, tokens};
use tracing::Instrument as _;

use crate::{
    Function,
    metrics::{self, Metric},
};

/// A message of the rescue queue is a few calls to DynamoDB; with less time left it goes back to the queue.
const MESSAGE_TIME: Duration = Duration::from_secs(5);

/// A page of rewraps is begun only when this much time is left for it.
const PAGE_TIME: Duration = Duration::from_secs(10);

/// What a run answers, and what it measured.
pub(crate) struct Ran {
    /// The answer to whoever called.
    pub(crate) answer: Value,
    /// A line in CloudWatch's metric format, for standard output.
    pub(crate) metrics: Value,
}

/// A batch of SQS (<https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>).
#[derive(Deserialize)]
struct Batch {
    #[serde(rename = "Records")]
    records: Vec<Message>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    message_id: String,
    body: String,
}

/// What a run is for.
enum Task {
    /// The rescue queue's messages.
    Rescue(Vec<Message>),
    /// Tokens that are due.
    Keep,
    /// Data keys, under the configured KMS key again; from a cursor on.
    Rewrap(Option<String>),
}

impl Task {
    /// A batch has `Records`; anything else is the schedule, which names a task or means the usual one.
    fn read(event: Value) -> Result<Self, Error> {
        if event.get("Records").is_some() {
            return Ok(Self::Rescue(serde_json::from_value::<Batch>(event)?.records));
        }
        let cursor = match event.get("cursor") {
            None | Some(Value::Null) => None,
            Some(Value::String(cursor)) => Some(cursor.clone()),
            Some(_) => return Err(error::Error::invalid("cursor", "must be a text").into()),
        };
        match event.get("task").map(Value::as_str) {
            None | Some(Some("keep")) => Ok(Self::Keep),
            Some(Some("rewrap")) => Ok(Self::Rewrap(cursor)),
            Some(_) => Err(error::Error::invalid("task", "must be keep or rewrap").into()),
        }
    }
}

/// Runs one event: a batch of the rescue queue, or what the schedule asks.
pub(crate) async fn run(app: &App, event: Value, request_id: &str) -> Result<Ran, Error> {
    // Of the highest level, so that whatever is logged inside carries it.
    let span = tracing::error_span!("run", request_id, function = Function::TokenRefresh.as_str());
    async {
        let begun = Instant::now();
        let Done { answer, summary, mut metrics } =
            work(app, event).await.inspect_err(|error| tracing::error!("the run failed: {error}"))?;
        let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(duration_ms, %summary, "run done");
        metrics.push(Metric::milliseconds("Duration", duration_ms));
        let stage = app.config.stage.as_str();
        let metrics = metrics::line(app.clock.now(), stage, Function::TokenRefresh, &metrics);
        Ok(Ran { answer, metrics })
    }
    .instrument(span.clone())
    .await
}

/// What a task did.
struct Done {
    answer: Value,
    /// For the log.
    summary: Value,
    metrics: Vec<Metric>,
}

async fn work(app: &App, event: Value) -> Result<Done, Error> {
    Ok(match Task::read(event)? {
        Task::Rescue(messages) => rescue(app, messages).await,
        Task::Keep => keep(app).await?,
        Task::Rewrap(cursor) => rewrap(app, cursor).await?,
    })
}

async fn rescue(app: &App, messages: Vec<Message>) -> Done {
    let all = messages.len();
    let failed = failures(messages, |body| async move { tokens::rescue(app, &body).await }).await;
    let rescued = all - failed.len();
    let failures: Vec<_> = failed.iter().map(|id| json!({ "itemIdentifier": id })).collect();
    Done {
        answer: json!({ "batchItemFailures": failures }),
        summary: json!({ "task": "rescue", "rescued": rescued, "failed": failed.len() }),
        metrics: vec![Metric::count("TokensRescued", rescued)],
    }
}

/// The ids of the messages that were not applied: SQS deletes the others and delivers these again.
async fn failures<F>(messages: Vec<Message>, apply: impl Fn(String) -> F) -> Vec<String>
where
    F: Future<Output = error::Result<()>>,
{
    let mut failed = Vec::new();
    for Message { message_id, body } in messages {
        if deadline::left() < MESSAGE_TIME {
            // What is answered in time counts; a batch that runs out of time is delivered again whole.
            tracing::warn!(message_id, "no time is left for a message of the rescue queue");
            failed.push(message_id);
            continue;
        }
        if let Err(error) = apply(body).await {
            tracing::warn!(message_id, code = error.code(), "a message stays in the rescue queue: {error}");
            failed.push(message_id);
        }
    }
    failed
}

async fn keep(app: &App) -> error::Result<Done> {
    let kept = tokens::keep(app).await?;
    let answer = json!({
        "task": "keep", "looked_at": kept.looked_at, "refreshed": kept.refreshed, "postponed": kept.postponed,
        "warned": kept.warned, "ended": kept.ended, "failed": kept.failed, "more": kept.more,
    });
    let metrics = vec![
        Metric::count("TokensRefreshed", kept.refreshed),
        Metric::count("TokensPostponed", kept.postponed),
        Metric::count("ConnectionsWarned", kept.warned),
        Metric::count("ConnectionsEnded", kept.ended),
        Metric::count("RefreshFailures", kept.failed),
        // Whether, not how many: the index is not read to its end to count them.
        Metric::count("TokensDueLeft", usize::from(kept.more)),
    ];
    Ok(Done { summary: answer.clone(), answer, metrics })
}

/// Page by page while time is left; the answer's cursor is where the next run goes on.
async fn rewrap(app: &App, mut cursor: Option<String>) -> error::Result<Done> {
    let (mut looked_at, mut rewrapped) = (0, 0);
    loop {
        let page = tokens::rewrap(app, cursor.clone()).await;
        let page = page.inspect_err(|_| tracing::error!(cursor, "rewrapping stopped here"))?;
        looked_at += page.looked_at;
        rewrapped += page.rewrapped;
        cursor = page.cursor;
        if cursor.is_none() || deadline::left() < PAGE_TIME {
            let answer = json!({
                "task": "rewrap", "looked_at": looked_at, "rewrapped": rewrapped, "cursor": cursor,
            });
            return Ok(Done { summary: answer.clone(), answer, metrics: Vec::new() });
        }
    }
}

#[cfg(test)]
#[path = "token_refresh/tests.rs"]
mod tests;
