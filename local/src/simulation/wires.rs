//! What stands in the network's place: the SDK's connector and our own client's, both through the gate.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
};

use aws_smithy_runtime_api::{
    client::{
        http::{HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn},
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use shared::http::{Answer, Inside, Lost};
use url::form_urlencoded;

use super::{
    bookings::asked::Asked,
    gate::{Gate, Met},
    process::Process,
    tables,
    world::{Systems, World},
};

/// AWS as one process reaches it.
pub(super) fn aws(world: &World, process: &Arc<Process>) -> SharedHttpClient {
    let connector = SharedHttpConnector::new(Aws { world: world.clone(), process: process.clone() });
    http_client_fn(move |_, _| connector.clone())
}

struct Aws {
    world: World,
    process: Arc<Process>,
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Aws")
    }
}

impl HttpConnector for Aws {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (world, process) = (self.world.clone(), self.process.clone());
        let target = request.headers().get("x-amz-target").unwrap_or_default().to_owned();
        let body = request.body().bytes().unwrap_or_default().to_vec();
        HttpConnectorFuture::new(async move { answered(&world, &process, &target, body).await })
    }
}

async fn answered(
    world: &World,
    process: &Arc<Process>,
    target: &str,
    body: Vec<u8>,
) -> Result<HttpResponse, ConnectorError> {
    let (service, operation) = target.rsplit_once('.').unwrap_or_default();
    let is_dynamodb = service.starts_with("DynamoDB");
    let (systems, owned, by) = (world.systems.clone(), operation.to_owned(), process.clone());
    let (service_name, gate) = (service.to_owned(), world.gate.clone());
    let act = move || done(&systems, &gate, &by, &service_name, &owned, &body);
    let met = world.gate.pass(process, operation.to_owned(), is_dynamodb, act).await;
    let (status, body) = match met {
        Met::Answer(answer) => answer,
        Met::Throttled => {
            process.refused(is_dynamodb, operation);
            let name =
                if is_dynamodb { "ProvisionedThroughputExceededException" } else { "ThrottlingException" };
            tables::refused(400, name, "EXAMPLE")
        }
        Met::Broken => {
            process.refused(is_dynamodb, operation);
            tables::refused(500, "InternalServerError", "EXAMPLE")
        }
        Met::Contended => tables::contended(),
        Met::Lost => {
            process.refused(is_dynamodb, operation);
            return Err(ConnectorError::io("the connection broke".into()));
        }
    };
    let status = StatusCode::try_from(status).map_err(|error| ConnectorError::other(error.into(), None))?;
    Ok(HttpResponse::new(status, SdkBody::from(body)))
}

fn done(
    systems: &Systems,
    gate: &Gate,
    process: &Process,
    service: &str,
    operation: &str,
    body: &[u8],
) -> (u16, Vec<u8>) {
    match service {
        "TrentService" => systems.kms.answer(operation, body),
        "AmazonSQS" => {
            process.holding.store(false, Ordering::Relaxed);
            systems.enqueue(body)
        }
        _ => {
            let answer = match tables::work(&systems.database, operation, body, &systems.books()) {
                Some(answer) => answer,
                None => tables::call(&systems.database, operation, body),
            };
            if answer.0 == 200 && operation == "TransactWriteItems" {
                for line in systems.books().wrote(body, gate.now()) {
                    gate.trace(line);
                }
            }
            let text = String::from_utf8_lossy(body);
            if answer.0 == 200 && text.contains("\":next\"") {
                process.holding.store(false, Ordering::Relaxed);
            }
            if answer.0 == 200 && text.contains("connection.reauth_required") {
                systems.marked();
            }
            answer
        }
    }
}

/// The provider as one process reaches it: the token endpoint, and an API that only looks at the access token.
pub(super) fn provider(world: &World, process: &Arc<Process>) -> Inside {
    let (world, process) = (world.clone(), process.clone());
    Arc::new(move |request| {
        let (world, process) = (world.clone(), process.clone());
        Box::pin(async move {
            if request.uri().path().ends_with("/token") {
                token(&world, &process, request.body()).await
            } else {
                api(&world, &process, &request).await
            }
        })
    })
}

async fn token(world: &World, process: &Arc<Process>, form: &[u8]) -> Result<Answer, Lost> {
    let pairs = form_urlencoded::parse(form);
    let refresh = pairs.into_iter().find(|(name, _)| name == "refresh_token");
    let refresh = refresh.map(|(_, value)| value.into_owned()).unwrap_or_default();
    let (systems, gate) = (world.systems.clone(), world.gate.clone());
    let act = move || systems.grants().refresh(&refresh, gate.now());
    match world.gate.pass(process, "token".to_owned(), false, act).await {
        Met::Answer((status, body)) => {
            process.holding.store(status == 200, Ordering::Relaxed);
            process.forgive();
            Ok(whole(status, &body.to_string()))
        }
        Met::Throttled => {
            let mut answer = whole(429, "{}");
            answer.headers.insert("retry-after", http::HeaderValue::from_static("1.5"));
            Ok(answer)
        }
        Met::Broken | Met::Contended => Ok(whole(503, "{}")),
        Met::Lost => Err(Lost::NoAnswer),
    }
}

async fn api(
    world: &World,
    process: &Arc<Process>,
    request: &http::Request<Vec<u8>>,
) -> Result<Answer, Lost> {
    let bearer = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    let token = bearer.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default().to_owned();
    let asked = Asked::of(request, world.gate.now());
    let what = asked.as_ref().map_or("api".to_owned(), |asked| world.systems.books().plain(&asked.told()));
    // A read whose answer nobody hears is one that failed.
    let reading = asked.as_ref().and_then(|asked| world.systems.calendar().reading(asked, world.gate.now()));
    let (systems, gate) = (world.systems.clone(), world.gate.clone());
    let act = move || {
        let now = gate.now();
        if !systems.grants().takes(&token, now) {
            return (401, r#"{"error":{"code":401}}"#.to_owned());
        }
        asked.map_or((200, "{}".to_owned()), |asked| {
            let (status, body) = asked.answer(&mut systems.calendar(), reading, now);
            (status, body.to_string())
        })
    };
    match world.gate.pass(process, what, false, act).await {
        Met::Answer((status, body)) => {
            world.systems.calendar().heard(reading, status == 200);
            Ok(whole(status, &body))
        }
        Met::Throttled => Ok(whole(429, "{}")),
        Met::Broken | Met::Contended => Ok(whole(500, "{}")),
        Met::Lost => Err(Lost::NoAnswer),
    }
}

fn whole(status: u16, body: &str) -> Answer {
    Answer { status, headers: http::HeaderMap::new(), body: body.as_bytes().to_vec() }
}

/// A lock that a failed test left behind still holds a sound value.
pub(super) fn held<T>(lock: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
