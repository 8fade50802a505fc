//! DynamoDB as far as a target needs it: a few rows that stay as they are, writes that succeed, and the limits of keys.
//!
//! Nothing is remembered between two cases, so that a case means the same whatever ran before it.

use aws_smithy_runtime_api::{
    client::{
        http::{HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn},
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use serde_json::{Map, Value, json};

/// DynamoDB's limits of keys (Developer Guide, "Quotas"): bytes of a partition key and of a sort key.
const LONGEST_KEYS: [(&str, usize); 2] = [("pk", 2048), ("sk", 1024)];

/// Rows in plain JSON, each with `pk` and `sk`.
#[derive(Debug)]
struct Tables(Vec<Value>);

/// An HTTP client whose only server is a DynamoDB that holds these rows.
pub fn holding(rows: Vec<Value>) -> SharedHttpClient {
    let connector = SharedHttpConnector::new(Tables(rows));
    http_client_fn(move |_, _| connector.clone())
}

impl HttpConnector for Tables {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default();
        let asked = request.body().bytes().and_then(|body| serde_json::from_slice::<Value>(body).ok());
        let (status, answer) = self.answer(operation, &asked.unwrap_or_default());
        let status = StatusCode::try_from(status).map_err(|odd| ConnectorError::other(odd.into(), None));
        HttpConnectorFuture::ready(
            status.map(|status| HttpResponse::new(status, SdkBody::from(answer.to_string()))),
        )
    }
}

impl Tables {
    fn answer(&self, operation: &str, asked: &Value) -> (u16, Value) {
        if !keys_fit(asked) {
            return refused("com.amazon.coral.validate#ValidationException");
        }
        let row = |key: &Value| {
            let found = self.0.iter().find(|row| row["pk"] == key["pk"]["S"] && row["sk"] == key["sk"]["S"]);
            found.map(item)
        };
        match operation {
            "GetItem" => (200, row(&asked["Key"]).map_or_else(|| json!({}), |item| json!({"Item": item}))),
            "Query" => {
                let partition = &asked["ExpressionAttributeValues"][":pk"]["S"];
                let rows = self.0.iter().filter(|row| row["pk"] == *partition);
                (200, json!({"Items": rows.map(item).collect::<Vec<_>>()}))
            }
            // Only rows that are there are changed; which attributes that moves is nothing to the targets.
            "UpdateItem" => match row(&asked["Key"]) {
                Some(item) => (200, json!({"Attributes": item})),
                None => refused("com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"),
            },
            "PutItem" | "DeleteItem" | "TransactWriteItems" => (200, json!({})),
            other => panic!("the tables do not know {other}"),
        }
    }
}

fn refused(name: &str) -> (u16, Value) {
    (400, json!({"__type": name, "message": "EXAMPLE"}))
}

/// Whether every key in a request could be one.
fn keys_fit(asked: &Value) -> bool {
    match asked {
        Value::Object(fields) => {
            let fits = |(name, longest): &(&str, usize)| {
                fields
                    .get(*name)
                    .and_then(|key| key["S"].as_str())
                    .is_none_or(|key| (1..=*longest).contains(&key.len()))
            };
            LONGEST_KEYS.iter().all(fits) && fields.values().all(keys_fit)
        }
        Value::Array(list) => list.iter().all(keys_fit),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

/// A row as DynamoDB's JSON.
fn item(row: &Value) -> Value {
    let fields = row.as_object().into_iter().flatten();
    Value::Object(fields.map(|(name, value)| (name.clone(), attribute(value))).collect())
}

fn attribute(value: &Value) -> Value {
    match value {
        Value::Null => json!({"NULL": true}),
        Value::Bool(value) => json!({"BOOL": value}),
        Value::Number(number) => json!({"N": number.to_string()}),
        Value::String(text) => json!({"S": text}),
        Value::Array(list) => json!({"L": list.iter().map(attribute).collect::<Vec<_>>()}),
        Value::Object(fields) => {
            let fields: Map<_, _> =
                fields.iter().map(|(name, value)| (name.clone(), attribute(value))).collect();
            json!({ "M": fields })
        }
    }
}
