//! What the roles of template.yaml allow, held where the SDK's calls leave: a call that the function's role does not
//! allow is refused as IAM refuses it.
//!
//! A function may pass over a refusal, where a write is not worth an error to it; its invocation fails here all the
//! same. Who calls outside an invocation is the operator and may do everything. Secrets are not here: the local stage
//! has them as plain values.

use std::{cell::RefCell, collections::BTreeMap, fmt, future::Future};

use aws_smithy_http_client::Builder;
use aws_smithy_runtime_api::{
    client::{
        http::{
            HttpClient as _, HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector,
            http_client_fn,
        },
        orchestrator::{HttpRequest, HttpResponse},
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use functions::Function;
use serde_json::{Value, json};

use crate::gateway::{Grant, Template};

tokio::task_local! {
    static ACTING: Acting;
}

struct Acting {
    function: Function,
    refused: RefCell<Option<String>>,
}

/// Runs a function's invocation under its role; a call that the role does not allow makes it an error that names both.
pub async fn acting<T>(
    function: Function,
    invocation: impl Future<Output = Result<T, String>>,
) -> Result<T, String> {
    let watched = async {
        let answer = invocation.await;
        ACTING.with(|acting| acting.refused.take()).map_or(answer, Err)
    };
    ACTING.scope(Acting { function, refused: RefCell::default() }, watched).await
}

/// The roles of a template's functions.
#[derive(Clone, Debug)]
pub struct Roles {
    grants: BTreeMap<String, Vec<Grant>>,
    /// Names in the template by the tables' own.
    tables: BTreeMap<String, String>,
    kms_key_id: String,
}

impl Roles {
    /// Reads them; `kms_key_id` is the key that stands for the template's.
    pub fn of(template: &Template, kms_key_id: &str) -> Self {
        let functions = template.functions.iter();
        Self {
            grants: functions.map(|function| (function.handler.clone(), function.grants.clone())).collect(),
            tables: template.tables.iter().map(|t| (t.name.clone(), t.logical_id.clone())).collect(),
            kms_key_id: kms_key_id.to_owned(),
        }
    }

    /// What of a call a function's role does not allow, as a sentence; nothing if all of it is allowed.
    ///
    /// `target` is the header that names service and operation.
    pub fn refusal(&self, function: Function, target: &str, body: &Value) -> Option<String> {
        let grants = self.grants.get(function.as_str()).map_or(&[][..], Vec::as_slice);
        let refused =
            self.asked(target, body).into_iter().find(|asked| !grants.iter().any(|g| asked.within(g)))?;
        Some(format!("the role of {function} does not allow {refused}", function = function.as_str()))
    }

    fn asked(&self, target: &str, body: &Value) -> Vec<Asked> {
        let (service, operation) = target.rsplit_once('.').unwrap_or(("", target));
        match service {
            "TrentService" => self.of_kms(operation, body),
            "AmazonSQS" => vec![Asked::new(format!("sqs:{operation}"), "RescueQueue")],
            _ if service.starts_with("DynamoDB") => self.of_dynamodb(operation, body),
            _ => vec![Asked::new(target.to_owned(), "an unknown service")],
        }
    }

    fn of_kms(&self, operation: &str, body: &Value) -> Vec<Asked> {
        let asked = |action: &str, key: &str, context: &str| {
            let key = if body[key] == self.kms_key_id { "TokenKey" } else { "PreviousTokenKeyArn" };
            let purpose = body[context]["purpose"].as_str().map(str::to_owned);
            Asked { purpose, ..Asked::new(format!("kms:{action}"), key) }
        };
        match operation {
            "ReEncrypt" => vec![
                asked("ReEncryptFrom", "SourceKeyId", "SourceEncryptionContext"),
                asked("ReEncryptTo", "DestinationKeyId", "DestinationEncryptionContext"),
            ],
            _ => vec![asked(operation, "KeyId", "EncryptionContext")],
        }
    }

    /// A transaction asks for what its parts ask for
    /// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html>).
    fn of_dynamodb(&self, operation: &str, body: &Value) -> Vec<Asked> {
        let parts = body["TransactItems"].as_array().into_iter().flatten();
        let parts = parts.flat_map(|part| part.as_object().into_iter().flatten());
        let parts: Vec<_> = parts.map(|(kind, part)| self.on_table(&format!("{kind}Item"), part)).collect();
        if !parts.is_empty() {
            return parts;
        }
        match body["RequestItems"].as_object() {
            Some(tables) => {
                tables.keys().map(|table| self.on_table(operation, &json!({ "TableName": table }))).collect()
            }
            None => vec![self.on_table(operation, body)],
        }
    }

    fn on_table(&self, operation: &str, body: &Value) -> Asked {
        let table = body["TableName"].as_str().unwrap_or_default();
        let table = self.tables.get(table).map_or(table, String::as_str);
        let resource = match body["IndexName"].as_str() {
            Some(index) => format!("{table}/index/{index}"),
            None => table.to_owned(),
        };
        Asked::new(format!("dynamodb:{operation}"), &resource)
    }
}

/// One action on one resource.
struct Asked {
    action: String,
    resource: String,
    purpose: Option<String>,
}

impl Asked {
    fn new(action: String, resource: &str) -> Self {
        Self { action, resource: resource.to_owned(), purpose: None }
    }

    fn within(&self, grant: &Grant) -> bool {
        grant.actions.contains(&self.action)
            && grant.resources.contains(&self.resource)
            && (grant.purpose.is_none() || grant.purpose == self.purpose)
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.action, self.resource)?;
        match &self.purpose {
            Some(purpose) => write!(f, " for the purpose {purpose}"),
            None => Ok(()),
        }
    }
}

/// A client over plain HTTP that holds the roles.
pub(crate) fn held(roles: Roles) -> SharedHttpClient {
    let client = Builder::new().build_http();
    http_client_fn(move |settings, components| {
        let behind = client.http_connector(settings, components);
        SharedHttpConnector::new(Held { roles: roles.clone(), behind })
    })
}

#[derive(Debug)]
struct Held {
    roles: Roles,
    behind: SharedHttpConnector,
}

impl HttpConnector for Held {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let refused = ACTING.try_with(|acting| {
            let target = request.headers().get("x-amz-target").unwrap_or_default();
            let body = request.body().bytes().and_then(|body| serde_json::from_slice(body).ok());
            let body: Value = body.unwrap_or_default();
            let refused = self.roles.refusal(acting.function, target, &body)?;
            tracing::error!("{refused}");
            acting.refused.replace(Some(refused.clone()));
            Some(refused)
        });
        match refused {
            Ok(Some(refused)) => HttpConnectorFuture::ready(Ok(denied(&refused))),
            Ok(None) | Err(_) => self.behind.call(request),
        }
    }
}

fn denied(why: &str) -> HttpResponse {
    let body = json!({ "__type": "AccessDeniedException", "message": why });
    let mut response =
        HttpResponse::new(StatusCode::from(http::StatusCode::BAD_REQUEST), SdkBody::from(body.to_string()));
    response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
    response
}
