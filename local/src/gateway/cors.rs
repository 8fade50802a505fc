//! CORS as an HTTP API does it: the gateway answers preflights itself and writes the headers of every answer.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html>

use axum::response::Response;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
        ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
        ACCESS_CONTROL_REQUEST_METHOD, ORIGIN,
    },
};
use serde_json::Value;

use super::intrinsics::Source;

/// The API's `CorsConfiguration`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cors {
    /// Origins that may read answers; `*` stands for all.
    pub allow_origins: Vec<String>,
    /// Methods that a preflight allows.
    pub allow_methods: Vec<String>,
    /// Request headers that a preflight allows.
    pub allow_headers: Vec<String>,
    /// Answer headers that a page may read.
    pub expose_headers: Vec<String>,
    /// Seconds for which a preflight holds.
    pub max_age: Option<String>,
    /// Whether cookies may come along.
    pub allow_credentials: bool,
}

impl Cors {
    pub(super) fn read(source: &Source, settings: &Value) -> Result<Option<Self>, String> {
        if settings.is_null() {
            return Ok(None);
        }
        let list = |name: &str| match &settings[name] {
            Value::Null => Ok(Vec::new()),
            given => source.list(given).ok_or_else(|| format!("CorsConfiguration.{name} cannot be resolved")),
        };
        Ok(Some(Self {
            allow_origins: list("AllowOrigins")?,
            allow_methods: list("AllowMethods")?,
            allow_headers: list("AllowHeaders")?,
            expose_headers: list("ExposeHeaders")?,
            max_age: source.text(&settings["MaxAge"]),
            allow_credentials: settings["AllowCredentials"] == true,
        }))
    }

    /// The answer to a preflight, or nothing if this is none. An unknown origin gets no headers, and so no consent.
    pub(super) fn preflight(&self, method: &Method, headers: &HeaderMap) -> Option<Response> {
        let asks = headers.contains_key(ORIGIN) && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        if *method != Method::OPTIONS || !asks {
            return None;
        }
        let mut response = Response::default();
        *response.status_mut() = StatusCode::NO_CONTENT;
        if self.allowed_origin(headers).is_some() {
            let set = response.headers_mut();
            put(set, ACCESS_CONTROL_ALLOW_METHODS, &self.allow_methods.join(","));
            put(set, ACCESS_CONTROL_ALLOW_HEADERS, &self.allow_headers.join(","));
            put(set, ACCESS_CONTROL_MAX_AGE, self.max_age.as_deref().unwrap_or_default());
        }
        self.mark(headers, &mut response);
        Some(response)
    }

    /// Writes the CORS headers of an answer; those that a handler wrote are dropped, as the gateway ignores them.
    pub(super) fn mark(&self, request: &HeaderMap, response: &mut Response) {
        let set = response.headers_mut();
        for name in
            [ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_EXPOSE_HEADERS]
        {
            set.remove(name);
        }
        let Some(origin) = self.allowed_origin(request) else { return };
        put(set, ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        put(set, ACCESS_CONTROL_EXPOSE_HEADERS, &self.expose_headers.join(","));
        if self.allow_credentials {
            put(set, ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
        }
    }

    /// The value for `Access-Control-Allow-Origin`, if the request's origin may read the answer.
    fn allowed_origin<'a>(&self, request: &'a HeaderMap) -> Option<&'a str> {
        let origin = request.get(ORIGIN)?.to_str().ok()?;
        let all = self.allow_origins.iter().any(|allowed| allowed == "*");
        let named = self.allow_origins.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin));
        named.then_some(origin).or(all.then_some("*"))
    }
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value)
        && !value.is_empty()
    {
        headers.insert(name, value);
    }
}
