//! What AWS's JSON protocols share: the target header, the error's form, and the way past a fault.

use axum::{
    body::{Body, Bytes},
    extract::Request,
    response::Response,
};
use http::{HeaderMap, HeaderValue, StatusCode, header::CONTENT_TYPE, request::Parts};
use serde_json::{Value, json};

use crate::{
    loopback::{self, Stopped},
    world::{
        counters::Counters,
        faults::{Fault, Faults, Kind},
    },
};

/// The largest request that DynamoDB reads; KMS's are far below it.
const LARGEST_REQUEST: usize = 16 << 20;

/// What stands before a stand-in: it counts every call and knows the armed faults.
#[derive(Clone)]
pub(super) struct Gate {
    /// The system as counters and faults name it.
    pub(super) system: &'static str,
    pub(super) counters: Counters,
    pub(super) faults: Faults,
    pub(super) stopped: Stopped,
}

impl Gate {
    /// Counts the call and does it, unless a fault says otherwise.
    pub(super) async fn pass(
        &self,
        operation: &str,
        refuse: impl FnOnce(&Fault) -> Response,
        act: impl Future<Output = Response>,
    ) -> Response {
        self.counters.count(self.system, operation);
        let Some(fault) = self.faults.take(self.system, operation) else { return act.await };
        match fault.kind {
            Kind::Delay => {
                tokio::time::sleep(fault.delay()).await;
                act.await
            }
            Kind::Status => match fault.body() {
                Some(body) => answer(fault.status(), body),
                None => refuse(&fault),
            },
            Kind::DropAfterCommit => {
                act.await;
                loopback::broken()
            }
            Kind::Hang | Kind::HangAfterCommit => {
                if fault.kind == Kind::HangAfterCommit {
                    act.await;
                }
                self.faults.hang();
                self.stopped.clone().wait().await;
                loopback::broken()
            }
            // AWS knows neither grants nor refresh tokens.
            Kind::Revoke | Kind::ReuseDetected => act.await,
        }
    }
}

/// Reads a request whole; a request above every limit reads as empty, which no operation takes.
pub(super) async fn whole(request: Request) -> (Parts, Bytes) {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, LARGEST_REQUEST).await.unwrap_or_default();
    (parts, body)
}

/// `GetItem` of `X-Amz-Target: DynamoDB_20120810.GetItem`.
pub(super) fn operation(headers: &HeaderMap) -> &str {
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok());
    target.and_then(|target| target.rsplit_once('.')).map_or("unknown", |(_, operation)| operation)
}

/// A JSON answer.
pub(super) fn answer(status: u16, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"));
    response
}

/// An error as these protocols write it.
pub(super) fn error(status: u16, name: &str, message: &str) -> Response {
    answer(status, &json!({ "__type": name, "message": message }))
}
