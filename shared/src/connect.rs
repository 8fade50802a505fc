//! Connecting a calendar (SECURITY.md S1): prove the person before redeeming the code.
//!
//! `start` begins a flow, `callback` burns it, and whoever proves to be its owner completes it: at once by the session
//! cookie, or by `complete` with a one-time handle. `link` writes what was redeemed.

pub mod callback;
pub mod disconnect;
pub mod link;
pub mod start;

use crate::{access, app::App, config::Config, error::Result, ids::Provider, random, store::flows::Flow};

pub use callback::{Callback, Failed, Outcome, callback, complete};
pub use disconnect::disconnect;
pub use start::{Start, Started, start};

/// Where a provider sends the browser back to.
pub fn redirect_uri(public_base_url: &str, provider: Provider) -> String {
    match provider {
        Provider::Microsoft => format!("{public_base_url}/calendar/auth/callback"),
        Provider::Google => format!("{public_base_url}/calendar/auth/callback/google"),
    }
}

/// The name of the cookie of the flow that a state belongs to.
pub fn cookie_of_state(config: &Config, state: &str) -> String {
    cookie_name(config, &flow_id(state))
}

/// The name of a flow's cookie: one for each flow, so that two tabs work. Only the local stage may drop `__Host-`,
/// which demands `Secure`, because it runs on plain HTTP (RFC 6265bis, cookie name prefixes).
fn cookie_name(config: &Config, flow_id: &str) -> String {
    let prefix = if config.is_plain_http() { "" } else { "__Host-" };
    format!("{prefix}slk_flow_{}", flow_id.get(..8).unwrap_or_default())
}

/// A flow's id: the hash of its state, so that the table never holds a state.
fn flow_id(state: &str) -> String {
    random::hex(&random::sha256(state.as_bytes()))
}

/// The handle that completes a flow: its id and a secret of its own.
fn handle(flow_id: &str, secret: &str) -> String {
    format!("{flow_id}.{secret}")
}

/// The two parts of a handle, if it looks like one.
fn parse_handle(text: &str) -> Option<(&str, &str)> {
    let (id, secret) = text.split_once('.')?;
    let is_id = id.len() == 64 && id.bytes().all(|b| b.is_ascii_hexdigit());
    (is_id && secret.len() == 43).then_some((id, secret))
}

/// Whether a Clerk user may link an account for a flow's owner: himself, or a tenant of which he is a member.
async fn may_link(app: &App, flow: &Flow, clerk_id: &str, orgs: &[String]) -> Result<bool> {
    if flow.owner.is_tenant() {
        return access::belongs(app, clerk_id, orgs, &flow.owner).await;
    }
    Ok(flow.owner.id() == clerk_id)
}
