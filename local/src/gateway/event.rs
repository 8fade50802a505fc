//! An HTTP request as the event that API Gateway sends: payload format 2.0, to a handler or to an authorizer.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

use std::{collections::BTreeMap, net::IpAddr};

use axum::body::Bytes;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{
    HeaderMap, HeaderName, Method,
    header::{CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, COOKIE, HOST, TRANSFER_ENCODING, USER_AGENT},
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::routes::{Match, decoded};
use crate::aws::{ACCOUNT, REGION};

/// The API's id in ARNs and events.
const API: &str = "local";

/// Content types whose bodies travel as text; everything else, forms too, travels as base64.
const TEXTS: [&str; 3] = ["application/json", "application/javascript", "application/xml"];

/// A request as it came in.
pub(super) struct Incoming {
    pub(super) method: Method,
    /// As it was received, percent-encoded.
    pub(super) path: String,
    pub(super) query: String,
    /// `HTTP/1.1`.
    pub(super) protocol: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) peer: IpAddr,
    /// The gateway's own port, for `X-Forwarded-Port`.
    pub(super) port: u16,
    pub(super) received_at: Timestamp,
    pub(super) request_id: String,
}

impl Incoming {
    /// The event for a handler; `identity` is what the authorizer said, if the route has one.
    pub(super) fn for_handler(&self, found: &Match<'_>, identity: Option<&Value>) -> Value {
        let mut event = self.common(found);
        if let Some(identity) = identity {
            event["requestContext"]["authorizer"] = json!({ "lambda": identity });
        }
        let (body, is_base64) = self.body();
        if let Some(body) = body {
            event["body"] = Value::String(body);
        }
        event["isBase64Encoded"] = Value::Bool(is_base64);
        event
    }

    /// The event for an authorizer: no body, and the identity sources by value.
    ///
    /// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html>
    pub(super) fn for_authorizer(&self, found: &Match<'_>, identity: &[String]) -> Value {
        let mut event = self.common(found);
        event["type"] = json!("REQUEST");
        event["identitySource"] = json!(identity);
        event["routeArn"] = Value::String(format!(
            "arn:aws:execute-api:{REGION}:{ACCOUNT}:{API}/$default/{}{}",
            self.method,
            self.decoded_path()
        ));
        event
    }

    /// A header's value; repeated ones joined by commas.
    pub(super) fn header(&self, name: &HeaderName) -> Option<String> {
        let values: Vec<_> =
            self.headers.get_all(name).iter().map(|v| String::from_utf8_lossy(v.as_bytes())).collect();
        (!values.is_empty()).then(|| values.join(","))
    }

    fn common(&self, found: &Match<'_>) -> Value {
        let path = self.decoded_path();
        let host = self.header(&HOST).unwrap_or_default();
        let domain = host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name);
        let mut event = json!({
            "version": "2.0",
            "routeKey": found.route.key(),
            "rawPath": path,
            "rawQueryString": self.query,
            "headers": self.headers(),
            "requestContext": {
                "accountId": ACCOUNT,
                "apiId": API,
                "domainName": domain,
                "domainPrefix": domain.split('.').next(),
                "http": {
                    "method": self.method.as_str(),
                    "path": path,
                    "protocol": self.protocol,
                    "sourceIp": self.peer.to_string(),
                    "userAgent": self.header(&USER_AGENT).unwrap_or_default(),
                },
                "requestId": self.request_id,
                "routeKey": found.route.key(),
                "stage": "$default",
                "time": self.received_at.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
                "timeEpoch": self.received_at.as_millisecond(),
            },
        });
        // What is empty is left out, not sent empty.
        let (cookies, query) = (self.cookies(), self.query());
        if !cookies.is_empty() {
            event["cookies"] = json!(cookies);
        }
        if !query.is_empty() {
            event["queryStringParameters"] = json!(query);
        }
        if !found.parameters.is_empty() {
            event["pathParameters"] = json!(found.parameters);
        }
        event
    }

    /// An HTTP API decodes the path, unlike a REST API: an encoded slash looks like any other here.
    fn decoded_path(&self) -> String {
        decoded(&self.path).unwrap_or_else(|| self.path.clone())
    }

    fn headers(&self) -> Map<String, Value> {
        let mut headers = Map::new();
        for name in self.headers.keys().filter(|name| ![COOKIE, CONNECTION, TRANSFER_ENCODING].contains(name))
        {
            headers.insert(name.to_string(), json!(self.header(name)));
        }
        let forwarded = headers.get("x-forwarded-for").and_then(Value::as_str);
        let forwarded =
            forwarded.map_or_else(|| self.peer.to_string(), |chain| format!("{chain}, {}", self.peer));
        headers.insert("x-forwarded-for".to_owned(), json!(forwarded));
        headers.insert("x-forwarded-port".to_owned(), json!(self.port.to_string()));
        headers.insert("x-forwarded-proto".to_owned(), json!("http"));
        headers.entry("x-amzn-trace-id").or_insert_with(|| {
            let random = shared::random::hex(&shared::random::bytes::<12>());
            json!(format!("Root=1-{:08x}-{random}", self.received_at.as_second()))
        });
        headers
    }

    fn cookies(&self) -> Vec<String> {
        let lines = self.headers.get_all(COOKIE).iter().map(|line| String::from_utf8_lossy(line.as_bytes()));
        lines
            .flat_map(|line| line.split(';').map(|cookie| cookie.trim().to_owned()).collect::<Vec<_>>())
            .filter(|cookie| !cookie.is_empty())
            .collect()
    }

    fn query(&self) -> BTreeMap<String, String> {
        let mut parameters = BTreeMap::<String, String>::new();
        for (name, value) in url::form_urlencoded::parse(self.query.as_bytes()) {
            parameters
                .entry(name.into_owned())
                .and_modify(|joined| {
                    joined.push(',');
                    joined.push_str(&value);
                })
                .or_insert_with(|| value.clone().into_owned());
        }
        parameters
    }

    fn body(&self) -> (Option<String>, bool) {
        if self.body.is_empty() {
            return (None, false);
        }
        let is_text = self.header(&CONTENT_TYPE).is_none_or(|kind| is_text(&kind));
        match std::str::from_utf8(&self.body) {
            Ok(text) if is_text && !self.headers.contains_key(CONTENT_ENCODING) => {
                (Some(text.to_owned()), false)
            }
            _ => (Some(STANDARD.encode(&self.body)), true),
        }
    }
}

fn is_text(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind.starts_with("text/")
        || TEXTS.contains(&kind.as_str())
        || kind.ends_with("+json")
        || kind.ends_with("+xml")
}
