//! The world outside on one loopback port: Microsoft, Google, Clerk and VAPI as stand-ins that keep state.
//!
//! They behave as the vendors document, refuse what the vendors refuse, and share no provider code with `shared`,
//! so that they are an independent check of it.

mod accounts;
mod browser;
mod clerk;
pub mod counters;
pub mod faults;
mod gate;
mod google;
mod inspect;
mod items;
mod keys;
mod microsoft;
mod oauth;
pub mod operations;
mod recurrence;
mod state;
mod vapi;
mod webhook;
mod week;
mod wire;
mod zones;

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use shared::clock::Clock;
use tokio::sync::watch;

pub use accounts::{Account, Provider, WorkingHours};
pub use browser::{Choice, client, consent};
pub use clerk::{SIGNING_SECRET, UserEvent};
use counters::Counters;
use faults::Faults;
pub use inspect::EventView;
use state::State;
pub use vapi::{Credential, PhoneCall, ToolCall, tool_result};
pub use webhook::{Answered, Webhook};
pub use week::DEFAULT_EMAIL;

/// What a world is started with.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The port to listen on; 0 picks a free one.
    pub port: u16,
    /// Origins beside loopback that redirects may go to, such as `https://calendar.example.com`.
    pub redirect_bases: Vec<String>,
    /// Counters to count into, when others share them.
    pub counters: Counters,
    /// Faults to take from, when others share them.
    pub faults: Faults,
    /// Starts without the two default accounts.
    pub empty: bool,
}

/// Every stand-in and its state; clones are the same world.
#[derive(Clone)]
pub struct World(Arc<Inner>);

struct Inner {
    clock: Clock,
    options: Options,
    base: String,
    state: Mutex<State>,
    /// Closes when the server stops; a hanging answer ends then.
    stopped: watch::Receiver<()>,
}

/// A world that is being served; the server stops when this is dropped.
pub struct Running {
    world: World,
    _stop: watch::Sender<()>,
}

impl std::ops::Deref for Running {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl World {
    /// Serves a world on 127.0.0.1.
    pub async fn start(clock: Clock, options: Options) -> std::io::Result<Running> {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", options.port)).await?;
        let base = format!("http://{}", listener.local_addr()?);
        let (stop, stopped) = watch::channel(());
        let state = Mutex::new(State::new(clock.now(), options.empty));
        let world = Self(Arc::new(Inner { clock, options, base, state, stopped: stopped.clone() }));
        let router = world.router();
        tokio::spawn(async move {
            let ended = axum::serve(listener, router).with_graceful_shutdown(closed(stopped)).await;
            if let Err(error) = ended {
                tracing::error!(%error, "the stand-ins' server ended");
            }
        });
        Ok(Running { world, _stop: stop })
    }

    fn router(&self) -> axum::Router {
        axum::Router::new()
            .merge(oauth::routes())
            .merge(microsoft::routes())
            .merge(google::routes())
            .merge(clerk::routes())
            .with_state(self.clone())
    }

    /// Where the stand-ins listen, such as `http://127.0.0.1:40123`.
    pub fn base_url(&self) -> &str {
        &self.0.base
    }

    /// The configuration that points the software at this world.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let at = |path: &str| format!("{}{path}", self.0.base);
        vec![
            ("MICROSOFT_AUTHORIZE_URL", at(oauth::MICROSOFT_AUTHORIZE)),
            ("MICROSOFT_TOKEN_URL", at(oauth::MICROSOFT_TOKEN)),
            ("MICROSOFT_GRAPH_URL", at("/graph/v1.0")),
            ("MICROSOFT_CLIENT_ID", Provider::Microsoft.client_id().to_owned()),
            ("MICROSOFT_CLIENT_SECRET", Provider::Microsoft.client_secret().to_owned()),
            ("GOOGLE_AUTHORIZE_URL", at(oauth::GOOGLE_AUTHORIZE)),
            ("GOOGLE_TOKEN_URL", at(oauth::GOOGLE_TOKEN)),
            ("GOOGLE_REVOKE_URL", at(oauth::GOOGLE_REVOKE)),
            ("GOOGLE_CALENDAR_URL", at("/google/calendar/v3")),
            ("GOOGLE_CLIENT_ID", Provider::Google.client_id().to_owned()),
            ("GOOGLE_CLIENT_SECRET", Provider::Google.client_secret().to_owned()),
            ("CLERK_ISSUER", self.clerk_issuer()),
            ("CLERK_JWKS_URL", at(clerk::JWKS)),
            ("CLERK_WEBHOOK_SECRET", SIGNING_SECRET.to_owned()),
            ("CLERK_AUTHORIZED_PARTIES", clerk::AUTHORIZED_PARTY.to_owned()),
        ]
    }

    /// The clock that this world lives by.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// The round trips so far.
    pub fn counters(&self) -> &Counters {
        &self.0.options.counters
    }

    /// The armed faults.
    pub fn faults(&self) -> &Faults {
        &self.0.options.faults
    }

    /// Forgets everything: accounts, events, grants, counts and faults. The default accounts come back.
    pub fn reset(&self) {
        *self.locked() = State::new(self.0.clock.now(), self.0.options.empty);
        self.counters().reset();
        self.faults().clear();
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        // A panic inside a stand-in fails its test anyway; the others may still look.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends when the sender is dropped: nothing is ever sent.
async fn closed(mut stopped: watch::Receiver<()>) {
    while stopped.changed().await.is_ok() {}
}
