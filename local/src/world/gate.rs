//! The one way into every stand-in: counts the call, and lets an armed fault have it.

use axum::response::Response;

use super::{
    World,
    faults::{Fault, Kind},
    wire,
};

/// What the gate must know of a call before it is done.
pub(super) struct Entry<'a> {
    /// The system as the counters name it.
    pub(super) system: &'static str,
    /// The operation as the counters name it.
    pub(super) operation: &'static str,
    /// The access or refresh token at hand, for faults that end a grant.
    pub(super) token: Option<&'a str>,
    /// The system's own error for a status.
    pub(super) refusal: &'a (dyn Fn(&Fault) -> Response + Sync),
    /// The system's own word for a refresh token that was used before; none where there is no such thing.
    pub(super) reuse: Option<&'a (dyn Fn() -> Response + Sync)>,
}

impl World {
    /// Counts the call, then does it, unless a fault says otherwise.
    pub(super) async fn enter(&self, entry: Entry<'_>, act: impl FnOnce() -> Response) -> Response {
        self.counters().count(entry.system, entry.operation);
        let Some(fault) = self.faults().take(entry.system, entry.operation) else { return act() };
        match fault.kind {
            Kind::Delay => {
                tokio::time::sleep(fault.delay()).await;
                act()
            }
            Kind::Status => self.refused(&entry, &fault),
            Kind::DropAfterCommit => {
                act();
                wire::broken()
            }
            Kind::Hang | Kind::HangAfterCommit => {
                if fault.kind == Kind::HangAfterCommit {
                    act();
                }
                self.faults().hang();
                super::closed(self.0.stopped.clone()).await;
                wire::broken()
            }
            Kind::Revoke => {
                self.end_grants_of(&entry);
                act()
            }
            Kind::ReuseDetected => match entry.reuse {
                Some(refusal) => {
                    let mut state = self.locked();
                    if let Some(family) = entry.token.and_then(|token| state.grant_of_token(token)) {
                        state.end_grant(family);
                    }
                    drop(state);
                    refusal()
                }
                None => act(),
            },
        }
    }

    fn refused(&self, entry: &Entry<'_>, fault: &Fault) -> Response {
        let mut response = match fault.body() {
            Some(body) => wire::json(fault.status(), body),
            None => (entry.refusal)(fault),
        };
        if let Some(seconds) = fault.retry_after() {
            wire::set(&mut response, "retry-after", &seconds);
        }
        response
    }

    fn end_grants_of(&self, entry: &Entry<'_>) {
        let mut state = self.locked();
        let account = entry.token.and_then(|token| state.account_of_token(token));
        if let Some((provider, email)) = account {
            state.end_grants(provider, &email);
        }
    }
}
