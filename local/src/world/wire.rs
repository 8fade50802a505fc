//! What the stand-ins read and write: one whole request, and the answers' common forms.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::{FromRequest, Request},
    response::Response,
};
use http::{HeaderMap, StatusCode, header};
use http_body::Frame;
use serde_json::Value;

/// The largest request that is read.
const LARGEST_REQUEST: usize = 4 << 20;

/// One request, read whole.
pub(super) struct Asked {
    /// The path as it came, without the query.
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) query: Pairs,
    pub(super) body: Bytes,
}

impl<S: Sync> FromRequest<S> for Asked {
    type Rejection = StatusCode;

    async fn from_request(request: Request, _state: &S) -> Result<Self, StatusCode> {
        let (parts, body) = request.into_parts();
        let body =
            axum::body::to_bytes(body, LARGEST_REQUEST).await.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?;
        let query = Pairs::read(parts.uri.query().unwrap_or_default().as_bytes());
        Ok(Self { path: parts.uri.path().to_owned(), headers: parts.headers, query, body })
    }
}

impl Asked {
    /// A header as text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The bearer token.
    pub(super) fn bearer(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }

    /// The body as a form; empty when it is not declared as one.
    pub(super) fn form(&self) -> Pairs {
        let declared = self.header("content-type").unwrap_or_default();
        if declared.starts_with("application/x-www-form-urlencoded") {
            Pairs::read(&self.body)
        } else {
            Pairs::default()
        }
    }

    /// The body as JSON, when it is declared as such.
    pub(super) fn json(&self) -> Option<Value> {
        let declared = self.header("content-type")?;
        declared.starts_with("application/json").then(|| serde_json::from_slice(&self.body).ok())?
    }
}

/// Parameters of a query or form, in order; names may repeat.
#[derive(Clone, Debug, Default)]
pub(super) struct Pairs(Vec<(String, String)>);

impl Pairs {
    fn read(encoded: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(encoded).into_owned().collect())
    }

    /// The first value of a name, if it is not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let first = self.0.iter().find(|(key, _)| key == name)?;
        Some(first.1.as_str()).filter(|value| !value.is_empty())
    }

    /// Every value of a name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Every pair, without those of one name.
    pub(super) fn without(&self, name: &str) -> Vec<(&str, &str)> {
        self.0.iter().filter(|(key, _)| key != name).map(|(k, v)| (k.as_str(), v.as_str())).collect()
    }
}

/// A JSON answer.
pub(super) fn json(status: u16, body: &Value) -> Response {
    with_type(status, "application/json; charset=utf-8", body.to_string())
}

/// An answer of a content type.
pub(super) fn with_type(status: u16, content_type: &'static str, body: impl Into<Body>) -> Response {
    let mut response = empty(status);
    *response.body_mut() = body.into();
    set(&mut response, "content-type", content_type);
    response
}

/// An answer without a body.
pub(super) fn empty(status: u16) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}

/// A redirect, as both providers send it.
pub(super) fn redirect(to: &str) -> Response {
    let mut response = empty(302);
    set(&mut response, header::LOCATION.as_str(), to);
    response
}

/// Sets a header; a value that cannot be one is left out.
pub(super) fn set(response: &mut Response, name: &'static str, value: &str) {
    if let Ok(value) = value.parse() {
        response.headers_mut().insert(name, value);
    }
}

/// An answer that breaks the connection before its first byte is sent.
pub(super) fn broken() -> Response {
    Response::new(Body::new(Broken))
}

struct Broken;

impl HttpBody for Broken {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(Some(Err(std::io::ErrorKind::ConnectionAborted.into())))
    }
}
