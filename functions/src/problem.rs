//! The one place where an error becomes HTTP: a status, a body in the shape of its face, and one log line.

use std::sync::Arc;

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use jiff::SignedDuration;
use serde_json::{Map, Value, json};
use shared::error::Error;

/// The shape in which a family of routes tells what went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// `/calendar/*`, `/users/me`: problem details (RFC 9457) with `code` and `request_id`.
    Calendar,
    /// `/api/v1/*`: `detail`, `code` and `request_id`; a wrong field is a bad request.
    Business,
}

impl Face {
    /// The face that a path belongs to.
    pub(crate) fn of(path: &str) -> Self {
        if path.starts_with("/api/v1/") { Self::Business } else { Self::Calendar }
    }

    /// The content type of its refusals.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Calendar => "application/problem+json",
            Self::Business => "application/json",
        }
    }
}

/// Why a request was refused.
#[derive(Clone, Debug)]
pub struct Problem(Cause);

#[derive(Clone, Debug)]
enum Cause {
    /// What a verb said.
    Error(Arc<Error>),
    /// No route of this function has the path.
    NoRoute,
    /// The path has other methods.
    WrongMethod,
    /// The body is not JSON by its content type.
    WrongMediaType,
    /// The body is longer than the route takes.
    TooLarge,
}

impl Problem {
    /// No route of this function has the path.
    pub(crate) const NO_ROUTE: Self = Self(Cause::NoRoute);
    /// The path has other methods.
    pub(crate) const WRONG_METHOD: Self = Self(Cause::WrongMethod);
    /// The body is not JSON by its content type.
    pub(crate) const WRONG_MEDIA_TYPE: Self = Self(Cause::WrongMediaType);
    /// The body is longer than the route takes.
    pub(crate) const TOO_LARGE: Self = Self(Cause::TooLarge);

    /// The stable code that goes out.
    pub fn code(&self) -> &'static str {
        match &self.0 {
            Cause::Error(error) => error.code(),
            Cause::NoRoute => "not_found",
            Cause::WrongMethod => "method_not_allowed",
            Cause::WrongMediaType => "unsupported_media_type",
            Cause::TooLarge => "payload_too_large",
        }
    }

    /// The status that goes out on a face.
    pub fn status_on(&self, face: Face) -> StatusCode {
        match (face, self.status()) {
            (Face::Business, StatusCode::UNPROCESSABLE_ENTITY) => StatusCode::BAD_REQUEST,
            (Face::Business | Face::Calendar, status) => status,
        }
    }

    /// The status that goes out on most faces.
    pub fn status(&self) -> StatusCode {
        match &self.0 {
            Cause::Error(error) => status_of(error),
            Cause::NoRoute => StatusCode::NOT_FOUND,
            Cause::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            Cause::WrongMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Cause::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        }
    }

    /// What the caller is told; nothing about a fault of ours.
    fn detail(&self) -> Option<String> {
        let error = match &self.0 {
            Cause::Error(error) => error,
            Cause::NoRoute => return Some("There is no such route.".into()),
            Cause::WrongMethod => return Some("This route has no such method.".into()),
            Cause::WrongMediaType => return Some("The body must be application/json.".into()),
            Cause::TooLarge => return Some("The body is too large.".into()),
        };
        match error.as_ref() {
            Error::Invalid { field, reason } => Some(format!("{field} {reason}")),
            Error::Malformed(reason) => Some(format!("The request cannot be read: {reason}.")),
            Error::Unauthenticated { code: "token_expired" } => Some("The token has expired.".into()),
            Error::Unauthenticated { .. } => Some("Who is asking could not be proved.".into()),
            Error::Forbidden { reason, .. } | Error::ConnectFailed { reason, .. } => Some((*reason).into()),
            Error::NotFound(what) => Some(format!("{} not found", capital(what))),
            Error::Conflict { reason, .. } | Error::NeedsConnection { reason, .. } => {
                Some(reason.to_string())
            }
            Error::SlotTaken { .. } => Some("This time is taken.".into()),
            Error::Unsupported { provider, what } => {
                Some(format!("{} does not support {what}.", provider.title()))
            }
            Error::PreconditionFailed => Some("It was changed since it was read.".into()),
            Error::TooManyRequests { .. } => Some("Too many requests. Try again later.".into()),
            Error::Unavailable { .. } | Error::Upstream { .. } | Error::Internal(_) => None,
        }
    }

    /// Members that only some problems have.
    fn extras(&self) -> Map<String, Value> {
        let mut extras = Map::new();
        let Cause::Error(error) = &self.0 else { return extras };
        match error.as_ref() {
            Error::Invalid { field, .. } => {
                extras.insert("field".into(), json!(field));
            }
            Error::NeedsConnection { reconnect_url, .. } => {
                extras.insert("reconnect_url".into(), json!(reconnect_url));
            }
            Error::SlotTaken { alternatives } => {
                extras.insert("alternatives".into(), json!(alternatives));
            }
            _ => {}
        }
        extras
    }

    fn retry_after(&self) -> Option<SignedDuration> {
        match &self.0 {
            Cause::Error(error) => match error.as_ref() {
                Error::TooManyRequests { retry_after } | Error::Unavailable { retry_after, .. } => {
                    Some(*retry_after)
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// Writes the request's log line: faults of ours as errors, outages as warnings, refusals as information.
    pub(crate) fn log(&self, face: Face, duration_ms: Option<u64>) {
        let (status, code) = (self.status_on(face).as_u16(), self.code());
        let cause = match &self.0 {
            Cause::Error(error) => error.to_string(),
            Cause::NoRoute | Cause::WrongMethod | Cause::WrongMediaType | Cause::TooLarge => code.to_owned(),
        };
        match status {
            503 => tracing::warn!(status, code, duration_ms, "{cause}"),
            500.. => tracing::error!(status, code, duration_ms, "{cause}"),
            _ => tracing::info!(status, code, duration_ms, "refused: {cause}"),
        }
    }

    /// The response. Headers that `base` carries stay (`Allow`).
    pub(crate) fn render(&self, face: Face, request_id: &str, base: Response) -> Response {
        let (mut parts, _) = base.into_parts();
        parts.status = self.status_on(face);
        parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(face.content_type()));
        parts.headers.remove(header::CONTENT_LENGTH);
        if let Some(wait) = self.retry_after() {
            parts
                .headers
                .insert(header::RETRY_AFTER, HeaderValue::from(whole_seconds(wait).clamp(1, 86_400)));
        }
        let body = self.body(face, request_id);
        Response::from_parts(parts, Body::from(Value::Object(body).to_string()))
    }

    fn body(&self, face: Face, request_id: &str) -> Map<String, Value> {
        let mut body = self.extras();
        body.insert("code".into(), json!(self.code()));
        body.insert("request_id".into(), json!(request_id));
        // A fault of ours says nothing else.
        let Some(detail) = self.detail() else { return body };
        match face {
            Face::Business => {}
            Face::Calendar => {
                body.insert("type".into(), json!("about:blank"));
                body.insert("title".into(), json!(self.status().canonical_reason()));
                body.insert("status".into(), json!(self.status().as_u16()));
            }
        }
        body.insert("detail".into(), json!(detail));
        body
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self(Cause::Error(Arc::new(error)))
    }
}

impl IntoResponse for Problem {
    /// Leaves a note for `finish`, which knows the request's id and renders it.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

fn status_of(error: &Error) -> StatusCode {
    match error {
        Error::Malformed(_) | Error::ConnectFailed { .. } => StatusCode::BAD_REQUEST,
        Error::Unauthenticated { .. } => StatusCode::UNAUTHORIZED,
        Error::Forbidden { .. } => StatusCode::FORBIDDEN,
        Error::NotFound(_) => StatusCode::NOT_FOUND,
        Error::Conflict { .. }
        | Error::SlotTaken { .. }
        | Error::NeedsConnection { .. }
        | Error::Unsupported { .. } => StatusCode::CONFLICT,
        Error::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
        Error::Invalid { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        Error::TooManyRequests { .. } => StatusCode::TOO_MANY_REQUESTS,
        Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        Error::Upstream { .. } => StatusCode::BAD_GATEWAY,
        Error::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Never less than was meant: RFC 9110, section 10.2.3 knows whole seconds only.
fn whole_seconds(wait: SignedDuration) -> i64 {
    wait.as_secs() + i64::from(wait.subsec_nanos() > 0)
}

#[cfg(test)]
#[path = "problem/tests.rs"]
mod tests;
