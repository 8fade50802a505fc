//! What the tests of this crate share: an app that reaches nothing, and events as API Gateway sends them.

use serde_json::{Value, json};
use shared::{app::App, clock::Clock, config::Config};

use crate::{Function, invoke};

/// 2026-01-05T10:00:00Z.
pub(crate) const NOW: i64 = 1_767_607_200;

/// An app of the local stage whose systems are at a closed port.
pub(crate) fn app() -> App {
    let lookup = |name: &str| {
        let value = match name {
            "STAGE" => "local",
            "PUBLIC_BASE_URL" => "http://localhost:3000",
            "FRONTEND_RETURN_URLS" => "http://localhost:5173/calendar",
            "CLERK_ISSUER" => "https://clerk.example.com",
            "MICROSOFT_CLIENT_ID" | "GOOGLE_CLIENT_ID" => "EXAMPLE-client-id",
            "MICROSOFT_CLIENT_SECRET" | "GOOGLE_CLIENT_SECRET" => "EXAMPLE-client-secret",
            "FLOW_ROOT" => "EXAMPLE-flow-root-EXAMPLE-flow-root",
            "AWS_REGION" => "us-east-1",
            "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => "EXAMPLE",
            "AWS_ENDPOINT_URL_DYNAMODB" | "AWS_ENDPOINT_URL_KMS" => "http://127.0.0.1:9",
            _ => return None,
        };
        Some(value.to_owned())
    };
    let config = Config::read(lookup).unwrap();
    App::new(config, Clock::fixed(jiff::Timestamp::from_second(NOW).unwrap()), None).unwrap()
}

/// A request of payload 2.0 under construction.
pub(crate) struct Sent(Value);

impl Sent {
    /// A request without headers, body and caller.
    pub(crate) fn new(method: &str, path: &str, query: &str) -> Self {
        Self(json!({
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": query,
            "headers": {"host": "localhost:3000"},
            "requestContext": {
                "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"},
                "requestId": "req-1", "stage": "$default", "timeEpoch": 0
            },
            "isBase64Encoded": false,
        }))
    }

    /// With a body of some type.
    pub(crate) fn body(mut self, content_type: &str, body: &str) -> Self {
        self.0["headers"]["content-type"] = json!(content_type);
        self.0["body"] = json!(body);
        self
    }

    /// With a header.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.0["headers"][name] = json!(value);
        self
    }

    /// As a person whose session ends some seconds from now.
    pub(crate) fn by(mut self, clerk_id: &str, seconds_left: i64) -> Self {
        self.0["requestContext"]["authorizer"] = json!({"lambda": {
            "kind": "user", "id": clerk_id, "tenant": "", "scopes": "", "orgs": "", "exp": (NOW + seconds_left).to_string(),
        }});
        self
    }

    /// Status, headers and body of the answer.
    pub(crate) async fn to(self, function: Function) -> (u64, Value, Value) {
        let answer = invoke(function, &app(), self.0, "runtime-1").await.unwrap();
        let body = answer["body"].as_str().unwrap_or_default();
        let parsed = serde_json::from_str(body).unwrap_or_else(|_| json!(body));
        (answer["statusCode"].as_u64().unwrap(), answer["headers"].clone(), parsed)
    }
}
