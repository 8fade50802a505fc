//! What a handler returned, as HTTP; and the answers that the gateway gives by itself.
//!
//! Format 2.0 has no `multiValueHeaders`: what stands there is lost here as it is in the cloud.

use axum::{body::Body, response::Response};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{
    HeaderName, HeaderValue, StatusCode,
    header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, SET_COOKIE, TRANSFER_ENCODING},
};
use serde_json::{Value, json};

/// An answer of the gateway's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Own {
    /// The path cannot be read.
    BadRequest,
    /// The route's identity source is missing.
    Unauthorized,
    /// The authorizer said no.
    Forbidden,
    /// No route.
    NotFound,
    /// More than an HTTP API takes.
    TooLarge,
    /// A function failed, ran into its own timeout, or returned what is no answer.
    Internal,
    /// A function outlasted the gateway.
    Unavailable,
}

impl Own {
    pub(super) fn response(self) -> Response {
        let (status, message) = match self {
            Self::BadRequest => (StatusCode::BAD_REQUEST, "Bad Request"),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "Unauthorized"),
            Self::Forbidden => (StatusCode::FORBIDDEN, "Forbidden"),
            Self::NotFound => (StatusCode::NOT_FOUND, "Not Found"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
        };
        let mut response = json_response(&json!({ "message": message }));
        *response.status_mut() = status;
        response
    }
}

/// A handler's answer; nothing if it is not one, which the gateway answers with [`Own::Internal`].
pub(super) fn from_handler(answer: &Value) -> Option<Response> {
    // Without a status code the whole value is the body of a 200.
    let Some(status) = answer.get("statusCode") else { return Some(json_response(answer)) };
    let status = status.as_u64().or_else(|| status.as_str()?.parse().ok())?;
    let body = answer["body"].as_str().unwrap_or_default();
    let body = if answer["isBase64Encoded"] == true { STANDARD.decode(body).ok()? } else { body.into() };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::from_u16(u16::try_from(status).ok()?).ok()?;
    let headers = response.headers_mut();
    for (name, value) in answer["headers"].as_object().into_iter().flatten() {
        let name: HeaderName = name.parse().ok()?;
        // The gateway frames its answers itself.
        if [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING].contains(&name) {
            continue;
        }
        headers.insert(name, HeaderValue::from_str(&header_text(value)?).ok()?);
    }
    for cookie in answer["cookies"].as_array().into_iter().flatten() {
        headers.append(SET_COOKIE, HeaderValue::from_str(cookie.as_str()?).ok()?);
    }
    if !body.is_empty() && !headers.contains_key(CONTENT_TYPE) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    }
    *response.body_mut() = Body::from(body);
    Some(response)
}

fn header_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(bool) => Some(bool.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn json_response(value: &Value) -> Response {
    let mut response = Response::new(Body::from(value.to_string()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
