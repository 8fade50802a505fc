//! The table of contents: one executable, and `_HANDLER` says which function this Lambda is.

use std::process::ExitCode;

use functions::{Function, bootstrap};

fn main() -> ExitCode {
    let Some(function) = bootstrap::handler().as_deref().and_then(Function::from_handler) else {
        let known = Function::ALL.map(Function::as_str).join(", ");
        return bootstrap::fail(&format!("_HANDLER must name a function: {known}"));
    };
    match function {
        Function::Authorizer => bootstrap::authorizer(),
        Function::TokenRefresh => bootstrap::token_refresh(),
        Function::Reconcile => bootstrap::reconcile(),
        Function::AuthStart
        | Function::AuthCallback
        | Function::AuthStatus
        | Function::Connections
        | Function::Events
        | Function::Bookings
        | Function::Users
        | Function::ClerkWebhook
        | Function::VapiWebhook
        | Function::Docs => bootstrap::http(function),
    }
}
