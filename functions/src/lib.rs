//! The Lambda edge: one module a function, and the only code that knows HTTP status codes.
//!
//! Every function runs unchanged under Lambda and in-process: a router, or a plain call where no HTTP arrives.

pub mod auth_callback;
pub mod auth_start;
pub mod auth_status;
pub mod authorizer;
pub mod bookings;
pub mod bootstrap;
mod business;
pub mod clerk_webhook;
mod connection;
pub mod connections;
pub mod docs;
mod event;
pub mod events;
mod extract;
mod finish;
mod metrics;
mod openapi;
mod pages;
pub mod problem;
pub mod reconcile;
pub mod reply;
#[cfg(test)]
mod testing;
pub mod token_refresh;
pub mod users;
pub mod vapi_webhook;
mod window;

use std::{collections::BTreeMap, sync::OnceLock, time::Duration};

use axum::Router;
use serde_json::Value;
use shared::{app::App, deadline};
use utoipa_axum::router::OpenApiRouter;

pub use event::Answer;
pub use openapi::document;

/// Every Lambda function; `_HANDLER` names one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Function {
    /// Checks the `Authorization` header for API Gateway.
    Authorizer,
    /// Begins to connect a calendar.
    AuthStart,
    /// Ends it.
    AuthCallback,
    /// What is connected.
    AuthStatus,
    /// Ends links, chooses calendars.
    Connections,
    /// Events, availability, free/busy.
    Events,
    /// Holds and bookings.
    Bookings,
    /// The signed-in user.
    Users,
    /// Clerk's webhooks.
    ClerkWebhook,
    /// The voice agent's calls.
    VapiWebhook,
    /// Keeps tokens alive; called by a schedule and a queue.
    TokenRefresh,
    /// Finishes what bookings left unfinished.
    Reconcile,
    /// Health and documentation.
    Docs,
}

impl Function {
    /// Every function.
    pub const ALL: [Self; 13] = [
        Self::Authorizer,
        Self::AuthStart,
        Self::AuthCallback,
        Self::AuthStatus,
        Self::Connections,
        Self::Events,
        Self::Bookings,
        Self::Users,
        Self::ClerkWebhook,
        Self::VapiWebhook,
        Self::TokenRefresh,
        Self::Reconcile,
        Self::Docs,
    ];

    /// The name in `Handler:` of template.yaml.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Authorizer => "authorizer",
            Self::AuthStart => "auth-start",
            Self::AuthCallback => "auth-callback",
            Self::AuthStatus => "auth-status",
            Self::Connections => "connections",
            Self::Events => "events",
            Self::Bookings => "bookings",
            Self::Users => "users",
            Self::ClerkWebhook => "clerk-webhook",
            Self::VapiWebhook => "vapi-webhook",
            Self::TokenRefresh => "token-refresh",
            Self::Reconcile => "reconcile",
            Self::Docs => "docs",
        }
    }

    /// The function that a handler's name means.
    pub fn from_handler(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|function| function.as_str() == name)
    }

    /// Its routes with their documentation; those that no HTTP reaches have none.
    fn routes(self) -> OpenApiRouter<App> {
        match self {
            Self::Authorizer | Self::TokenRefresh | Self::Reconcile => OpenApiRouter::default(),
            Self::AuthStart => auth_start::routes(),
            Self::AuthCallback => auth_callback::routes(),
            Self::AuthStatus => auth_status::routes(),
            Self::Connections => connections::routes(),
            Self::Events => events::routes(),
            Self::Bookings => bookings::routes(),
            Self::Users => users::routes(),
            Self::ClerkWebhook => clerk_webhook::routes(),
            Self::VapiWebhook => vapi_webhook::routes(),
            Self::Docs => docs::routes(),
        }
    }
}

/// A function's router: its own routes, and a problem in JSON for anything else.
pub fn router(function: Function, app: &App) -> Router {
    Router::from(function.routes())
        .fallback(finish::no_route)
        .method_not_allowed_fallback(finish::wrong_method)
        .layer(axum::middleware::from_fn_with_state(function, finish::finish))
        .with_state(app.clone())
}

/// All functions over one [`App`]; each router is made at first need and kept.
pub struct Edge {
    app: App,
    routers: BTreeMap<Function, OnceLock<Router>>,
}

impl Edge {
    /// Makes nothing yet.
    pub fn new(app: App) -> Self {
        Self { app, routers: Function::ALL.into_iter().map(|function| (function, OnceLock::new())).collect() }
    }

    /// Runs one event as Lambda would: an API Gateway request of payload 2.0, the authorizer's, a batch, a schedule's.
    pub async fn invoke(
        &self,
        function: Function,
        event: Value,
        request_id: &str,
    ) -> Result<Value, lambda_runtime::Error> {
        match function {
            Function::Authorizer => authorizer::authorize(&self.app, serde_json::from_value(event)?).await,
            Function::TokenRefresh => Ok(token_refresh::run(&self.app, event, request_id).await?.answer),
            Function::Reconcile => Ok(reconcile::run(&self.app, request_id).await?.answer),
            Function::AuthStart
            | Function::AuthCallback
            | Function::AuthStatus
            | Function::Connections
            | Function::Events
            | Function::Bookings
            | Function::Users
            | Function::ClerkWebhook
            | Function::VapiWebhook
            | Function::Docs => self.request(function, event, request_id).await,
        }
    }

    /// The same in a function that is ended after some time, as the template says.
    pub async fn invoke_within(
        &self,
        timeout: Duration,
        function: Function,
        event: Value,
        request_id: &str,
    ) -> Result<Value, lambda_runtime::Error> {
        deadline::within(timeout, self.invoke(function, event, request_id)).await
    }

    async fn request(
        &self,
        function: Function,
        event: Value,
        request_id: &str,
    ) -> Result<Value, lambda_runtime::Error> {
        let router = match self.routers.get(&function) {
            Some(kept) => kept.get_or_init(|| router(function, &self.app)).clone(),
            None => router(function, &self.app),
        };
        let mut context = lambda_runtime::Context::default();
        context.request_id = request_id.to_owned();
        let answer = event::serve(router, serde_json::from_value(event)?, context).await?;
        Ok(serde_json::to_value(answer)?)
    }
}

/// Runs one event in-process; [`Edge`] does the same for many and keeps its routers.
pub async fn invoke(
    function: Function,
    app: &App,
    event: Value,
    request_id: &str,
) -> Result<Value, lambda_runtime::Error> {
    Edge::new(app.clone()).invoke(function, event, request_id).await
}

#[cfg(test)]
mod tests;
