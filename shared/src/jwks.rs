//! The keys of the Clerk instance: a PEM that needs no network, or its JWKS, cached.

use std::sync::Arc;

use http::Method;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use crate::{
    clerk::session::{self, KeySet, Refused, Session, SessionRules},
    clock::Clock,
    error::{Error, Result},
    http::Http,
};

/// Keys are read again after this.
const FRESH: SignedDuration = SignedDuration::from_hours(1);
/// Old keys are believed this long when they cannot be read again.
const STALE: SignedDuration = SignedDuration::from_hours(24);
/// Keys are read for an unknown `kid` at most this often, so that strangers cannot make us ask for ever.
const REFETCH: SignedDuration = SignedDuration::from_secs(60);
/// Somebody waits for his request meanwhile.
const LIMIT: SignedDuration = SignedDuration::from_secs(3);

/// Where the keys are.
pub enum KeySource {
    /// In the configuration.
    Pem(String),
    /// At the instance.
    Url(String),
}

/// Verifies session tokens of one Clerk instance.
#[derive(Clone)]
pub struct Jwks(Arc<Inner>);

struct Inner {
    source: KeySource,
    rules: SessionRules,
    http: Http,
    clock: Clock,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    keys: Option<(Timestamp, Arc<KeySet>)>,
    tried_at: Option<Timestamp>,
}

impl Jwks {
    /// Reads nothing yet.
    pub fn new(source: KeySource, rules: SessionRules, http: Http, clock: Clock) -> Self {
        Self(Arc::new(Inner { source, rules, http, clock, held: Mutex::default() }))
    }

    /// Verifies a session token.
    pub async fn session(&self, token: &str) -> Result<Session> {
        let kid = session::kid_of(token);
        let keys = self.keys(kid.as_deref()).await?;
        session::verify(token, &keys, &self.0.rules, self.0.clock.now())
            .map_err(|refused: Refused| Error::Unauthenticated { code: refused.code() })
    }

    /// The keys, read at most once at a time.
    async fn keys(&self, kid: Option<&str>) -> Result<Arc<KeySet>> {
        let now = self.0.clock.now();
        let mut held = self.0.held.lock().await;
        let age = |at: Timestamp| now.duration_since(at);
        if let Some((read_at, keys)) = &held.keys {
            let fresh = age(*read_at) < FRESH || matches!(self.0.source, KeySource::Pem(_));
            let asked_lately = held.tried_at.is_some_and(|at| age(at) < REFETCH);
            if asked_lately || (fresh && keys.knows(kid)) {
                return Ok(keys.clone());
            }
        }
        held.tried_at = Some(now);
        match self.read().await {
            Ok(keys) => {
                let keys = Arc::new(keys);
                held.keys = Some((now, keys.clone()));
                Ok(keys)
            }
            Err(error) => match &held.keys {
                Some((read_at, keys)) if age(*read_at) < STALE => {
                    tracing::warn!(%error, "Clerk's keys cannot be read; the old ones are used");
                    Ok(keys.clone())
                }
                _ => Err(error),
            },
        }
    }

    async fn read(&self) -> Result<KeySet> {
        let url = match &self.0.source {
            KeySource::Pem(pem) => return KeySet::from_pem(pem).map_err(Error::internal),
            KeySource::Url(url) => url,
        };
        let unavailable =
            || Error::Unavailable { system: "clerk", retry_after: SignedDuration::from_secs(2) };
        let answer =
            self.0.http.call(Method::GET, url).within(LIMIT).send().await.map_err(|_| unavailable())?;
        if !answer.is_success() {
            return Err(unavailable());
        }
        KeySet::from_jwks(&answer.body).map_err(|_| unavailable())
    }
}
