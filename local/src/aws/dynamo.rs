//! DynamoDB: dynoxide behind a front that counts operations and lets faults have them.
//!
//! Items past their TTL stay until somebody asks for a sweep, as AWS promises no moment either.

use std::{io, path::Path, sync::Arc};

use axum::{Router, extract::State, response::Response};
use dynoxide::{Database, storage_backend};
use http::HeaderMap;
use serde_json::{Value, json};
use shared::{
    clock::Clock,
    http::{Answer, Http},
};

use super::wire::{self, Gate};
use crate::{
    loopback::{Door, Server},
    world::{
        counters::Counters,
        faults::{Fault, Faults},
    },
};

/// A running DynamoDB; it stops when this is dropped.
pub struct Dynamo {
    pub(super) database: Database,
    front: Server,
    _engine: Server,
}

struct Front {
    gate: Gate,
    /// Where dynoxide's own server listens: its dispatch and its checks are not reachable without a socket.
    engine: String,
    http: Http,
}

impl Dynamo {
    /// Starts it on a free port; `data` is the database's file, without one everything is in memory.
    ///
    /// In memory the engine lives by `clock`; a file's engine keeps the system's time for stream records.
    pub async fn start(
        data: Option<&Path>,
        counters: Counters,
        faults: Faults,
        clock: Clock,
    ) -> io::Result<Self> {
        let database = match data {
            Some(path) => Database::new(&path.to_string_lossy()),
            None => Database::memory_with_clock(Arc::new(EngineClock(clock))),
        }
        .map_err(io::Error::other)?;
        let (engine, front) = (Door::open(0).await?, Door::open(0).await?);
        let state = Front {
            gate: Gate { system: "dynamodb", counters, faults, stopped: front.stopped() },
            engine: engine.url().to_owned(),
            http: Http::new(None).map_err(io::Error::other)?,
        };
        let (stopped, behind) = (engine.stopped(), database.clone());
        let engine = engine.hand_over(|listener| async move {
            let ended = dynoxide::server::serve_with_shutdown(listener, behind, stopped.wait()).await;
            if let Err(error) = ended {
                tracing::error!(error, "the embedded DynamoDB ended");
            }
        });
        let router = Router::new().fallback(front_door).with_state(Arc::new(state));
        Ok(Self { database, front: front.serve(router), _engine: engine })
    }

    /// The value for `AWS_ENDPOINT_URL_DYNAMODB`.
    pub fn url(&self) -> &str {
        self.front.url()
    }

    /// The engine itself, for looking at items and streams without being counted.
    pub fn database(&self) -> &Database {
        &self.database
    }
}

struct EngineClock(Clock);

impl storage_backend::Clock for EngineClock {
    fn now_unix_secs(&self) -> u64 {
        u64::try_from(self.0.unix()).unwrap_or_default()
    }

    fn now_unix_secs_f64(&self) -> f64 {
        self.0.now().as_duration().as_secs_f64()
    }
}

async fn front_door(State(front): State<Arc<Front>>, request: axum::extract::Request) -> Response {
    let (parts, body) = wire::whole(request).await;
    let operation = wire::operation(&parts.headers);
    let refuse = |fault: &Fault| refusal(fault, operation, &body);
    let forward = async {
        let url = format!("{}{}", front.engine, parts.uri);
        let mut call = front.http.call(parts.method.clone(), &url);
        for (name, value) in forwarded(&parts.headers) {
            call = call.header(name, value);
        }
        match call.body(body.to_vec()).send().await {
            Ok(answer) => passed_on(answer),
            Err(lost) => wire::error(500, &typed("InternalServerError"), &lost.to_string()),
        }
    };
    front.gate.pass(operation, refuse, forward).await
}

/// The headers that the engine looks at: what is asked, in which form, and that it is signed at all.
fn forwarded(headers: &HeaderMap) -> impl Iterator<Item = (&'static str, &str)> {
    ["content-type", "x-amz-target", "authorization", "x-amz-date", "date", "origin"]
        .into_iter()
        .filter_map(|name| Some((name, headers.get(name)?.to_str().ok()?)))
}

fn passed_on(answer: Answer) -> Response {
    let mut response = Response::new(axum::body::Body::from(answer.body));
    *response.status_mut() =
        http::StatusCode::from_u16(answer.status).unwrap_or(http::StatusCode::BAD_GATEWAY);
    *response.headers_mut() = answer.headers;
    response.headers_mut().remove(http::header::TRANSFER_ENCODING);
    response
}

/// A fault in DynamoDB's own words. Its value names an error (as text or under `error`), or gives a status alone.
///
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html>
fn refusal(fault: &Fault, operation: &str, request: &[u8]) -> Response {
    let value = fault.value.as_ref();
    let named = value.and_then(|value| value.as_str().or_else(|| value.get("error")?.as_str()));
    let name = named.unwrap_or(match fault.status() {
        409 => "TransactionConflict",
        503 => "ServiceUnavailable",
        500.. => "InternalServerError",
        _ => "ProvisionedThroughputExceededException",
    });
    let status = match name {
        "TransactionConflict" => return conflict(operation, request),
        "InternalServerError" => 500,
        "ServiceUnavailable" => 503,
        _ => 400,
    };
    wire::error(status, &typed(name), "The stand-in was told to refuse this.")
}

/// Another transaction holds an item: a transaction is cancelled with a reason for each of its actions.
fn conflict(operation: &str, request: &[u8]) -> Response {
    if !operation.starts_with("Transact") {
        let message = "Transaction is ongoing for the item";
        return wire::error(400, &typed("TransactionConflictException"), message);
    }
    let request: Value = serde_json::from_slice(request).unwrap_or_default();
    let actions = request.get("TransactItems").and_then(Value::as_array).map_or(1, Vec::len);
    let mut codes = vec!["None"; actions.max(1)];
    codes[0] = "TransactionConflict";
    let reasons: Vec<_> = codes.iter().map(|code| json!({ "Code": code })).collect();
    let message = format!(
        "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
        codes.join(", ")
    );
    let body = json!({
        "__type": typed("TransactionCanceledException"), "Message": message, "CancellationReasons": reasons,
    });
    wire::answer(400, &body)
}

fn typed(name: &str) -> String {
    format!("com.amazonaws.dynamodb.v20120810#{name}")
}

#[cfg(test)]
mod tests;
