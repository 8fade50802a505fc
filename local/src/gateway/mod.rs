//! API Gateway on loopback: the routes, authorizer and CORS of template.yaml, around handlers called in-process.
//!
//! Handlers see the events that they see in the cloud, and callers the gateway's own answers. Throttling, stages and
//! custom domains are not here.

mod authorizer;
mod cors;
mod event;
mod grants;
mod intrinsics;
mod response;
mod routes;
mod template;
#[cfg(test)]
mod tests;

use std::{future::poll_fn, io, net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes, HttpBody as _},
    extract::{ConnectInfo, Request, State},
    response::Response,
};
use http::HeaderValue;
use serde_json::Value;
use shared::clock::Clock;

pub use cors::Cors;
pub use grants::Grant;
pub use intrinsics::Parameters;
pub use template::{AuthorizerSpec, FunctionSpec, RouteSpec, TableSpec, Template};

use authorizer::Authorizers;
use event::Incoming;
use response::Own;
use routes::{Match, Routes};

use crate::loopback::{Door, Server};

/// The largest request that an HTTP API takes.
const LARGEST_REQUEST: usize = 10 << 20;

/// How long an HTTP API waits for an integration.
const INTEGRATION_LIMIT: Duration = Duration::from_secs(30);

/// What a handler gives back some time: its answer, or the text of what failed.
pub type Invoked = Pin<Box<dyn Future<Output = Result<Value, String>> + Send>>;

/// Calls a handler by its name with an event.
pub type Invoke = Arc<dyn Fn(String, Value) -> Invoked + Send + Sync>;

/// How a gateway is started.
pub struct Options {
    /// The port to listen on; 0 picks a free one.
    pub port: u16,
    /// Routes that the gateway does not have, such as `/_local/…`; they come first.
    pub extra: Option<Router>,
    /// How long it waits for a function.
    pub integration_limit: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { port: 0, extra: None, integration_limit: INTEGRATION_LIMIT }
    }
}

/// A running gateway; it stops when this is dropped.
pub struct Gateway(Server);

struct Api {
    template: Template,
    routes: Routes,
    authorizers: Authorizers,
    invoke: Invoke,
    clock: Clock,
    integration_limit: Duration,
    port: u16,
}

impl Gateway {
    /// Serves a template on 127.0.0.1.
    pub async fn start(
        template: Template,
        invoke: Invoke,
        clock: Clock,
        options: Options,
    ) -> io::Result<Self> {
        let door = Door::open(options.port).await?;
        let port = door.url().rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or_default();
        let api = Api {
            routes: Routes::of(&template),
            authorizers: Authorizers::of(&template),
            template,
            invoke,
            clock,
            integration_limit: options.integration_limit,
            port,
        };
        let router = Router::new().fallback(answered).with_state(Arc::new(api));
        let router = match options.extra {
            Some(extra) => extra.fallback_service(router),
            None => router,
        };
        Ok(Self(door.serve(router)))
    }

    /// Where it listens, such as `http://127.0.0.1:3000`.
    pub fn base_url(&self) -> &str {
        self.0.url()
    }
}

async fn answered(
    State(api): State<Arc<Api>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let cors = api.template.cors.as_ref();
    if let Some(preflight) = cors.and_then(|cors| cors.preflight(&parts.method, &parts.headers)) {
        return preflight;
    }
    let Some(body) = read(body).await else { return Own::TooLarge.response() };
    let incoming = Incoming {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        protocol: format!("{:?}", parts.version),
        headers: parts.headers,
        body,
        peer: peer.ip(),
        port: api.port,
        received_at: api.clock.now(),
        request_id: shared::random::id(),
    };
    let mut response = api.answer(&incoming).await.unwrap_or_else(Own::response);
    if let Some(cors) = cors {
        cors.mark(&incoming.headers, &mut response);
    }
    if let Ok(id) = HeaderValue::from_str(&incoming.request_id) {
        response.headers_mut().insert("apigw-requestid", id);
    }
    response
}

impl Api {
    async fn answer(&self, incoming: &Incoming) -> Result<Response, Own> {
        routes::decoded(&incoming.path).ok_or(Own::BadRequest)?;
        let found = self.routes.find(incoming.method.as_str(), &incoming.path).ok_or(Own::NotFound)?;
        let identity = match found.route.authorizer() {
            Some(name) => Some(self.authorizers.ask(name, incoming, &found, &self.invoke).await?),
            None => None,
        };
        self.invoked(incoming.for_handler(&found, identity.as_ref()), &found).await
    }

    async fn invoked(&self, event: Value, found: &Match<'_>) -> Result<Response, Own> {
        let function = &found.route.handler;
        let (limit, too_late) = limit(found.route.timeout, self.integration_limit);
        match tokio::time::timeout(limit, (self.invoke)(function.clone(), event)).await {
            Ok(Ok(answer)) => response::from_handler(&answer).ok_or_else(|| {
                tracing::error!(function, "what the function returned is no answer");
                Own::Internal
            }),
            Ok(Err(error)) => {
                tracing::error!(function, error, "the function failed");
                Err(Own::Internal)
            }
            Err(_) => {
                tracing::error!(function, ?limit, "the function did not answer in time");
                Err(too_late)
            }
        }
    }
}

/// Who loses patience first: Lambda ends a function with an error, the gateway turns away from it.
fn limit(function: Duration, gateway: Duration) -> (Duration, Own) {
    if function < gateway { (function, Own::Internal) } else { (gateway, Own::Unavailable) }
}

/// The whole body, or nothing if it is too large. It is read to its end either way: a caller who is still writing
/// would lose the answer with the connection.
async fn read(mut body: Body) -> Option<Bytes> {
    let (mut bytes, mut is_too_large) = (Vec::new(), false);
    // A frame that cannot be read is the last one: the caller is gone.
    while let Some(Ok(frame)) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let Ok(chunk) = frame.into_data() else { continue };
        is_too_large |= bytes.len() + chunk.len() > LARGEST_REQUEST;
        if !is_too_large {
            bytes.extend_from_slice(&chunk);
        }
    }
    (!is_too_large).then(|| bytes.into())
}
