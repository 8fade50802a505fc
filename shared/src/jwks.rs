//! The keys of the Clerk instance, fetched when first needed and kept: 1 h fresh, 24 h when Clerk cannot be
//! reached.
//!
//! One fetch at a time; a flood of made-up `kid`s causes at most one fetch a minute.

use std::sync::Arc;

use http::Method;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use crate::{
    clerk::{
        keys::KeySet,
        session::{self, Header, Session, SessionRules},
    },
    error::{Error, Result},
    http::Http,
};

/// How long fetched keys are used without asking again.
const FRESH: SignedDuration = SignedDuration::from_hours(1);

/// How long they are used when Clerk does not answer.
const STALE_IF_ERROR: SignedDuration = SignedDuration::from_hours(24);

/// The least time between two fetches while there are keys to work with.
const BETWEEN_FETCHES: SignedDuration = SignedDuration::from_secs(60);

/// The same while there are none: nobody gets in meanwhile, but Clerk is not hammered either.
const BETWEEN_FETCHES_WITHOUT_KEYS: SignedDuration = SignedDuration::from_secs(5);

/// The authorizer itself has little time.
const FETCH_LIMIT: SignedDuration = SignedDuration::from_secs(3);

/// Where the keys come from.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// `CLERK_JWT_KEY`: networkless.
    Pem(String),
    /// `CLERK_JWKS_URL`.
    Url(String),
}

/// A cloneable verifier of session tokens; clones share the cache.
#[derive(Clone)]
pub struct Jwks(Arc<Source>);

enum Source {
    Named(KeySet),
    Fetched { url: String, http: Http, cache: Mutex<Cache> },
}

#[derive(Default)]
struct Cache {
    keys: Option<(Arc<KeySet>, Timestamp)>,
    tried_at: Option<Timestamp>,
}

impl Jwks {
    /// A verifier; fails only when a PEM cannot be read, for nothing is fetched yet.
    pub fn new(source: KeySource, http: Http) -> Result<Self> {
        Ok(Self(Arc::new(match source {
            KeySource::Pem(pem) => Source::Named(KeySet::from_pem(&pem)?),
            KeySource::Url(url) => Source::Fetched { url, http, cache: Mutex::default() },
        })))
    }

    /// Verifies a session token at `now`, fetching keys if need be.
    pub async fn session(&self, token: &str, rules: &SessionRules, now: Timestamp) -> Result<Session> {
        // Read first, so that rubbish costs no fetch.
        let header = Header::read(token)?;
        match self.0.as_ref() {
            Source::Named(keys) => Ok(session::verify(token, keys, rules, now)?),
            Source::Fetched { url, http, cache } => {
                let keys = cache.lock().await.keys(url, http, header.kid.as_deref(), now).await?;
                Ok(session::verify(token, &keys, rules, now)?)
            }
        }
    }
}

impl Cache {
    /// The keys to judge a token with `kid` by. The lock is held across the fetch: whoever else comes waits
    /// for its outcome.
    async fn keys(
        &mut self,
        url: &str,
        http: &Http,
        kid: Option<&str>,
        now: Timestamp,
    ) -> Result<Arc<KeySet>> {
        if let Some((keys, fetched_at)) = &self.keys
            && within(*fetched_at, now, FRESH)
            && keys.find(kid).is_some()
        {
            return Ok(Arc::clone(keys));
        }
        let usable =
            self.keys.as_ref().is_some_and(|(_, fetched_at)| within(*fetched_at, now, STALE_IF_ERROR));
        let pause = if usable { BETWEEN_FETCHES } else { BETWEEN_FETCHES_WITHOUT_KEYS };
        if !self.tried_at.is_some_and(|tried_at| within(tried_at, now, pause)) {
            self.tried_at = Some(now);
            match fetch(url, http).await {
                Ok(keys) => self.keys = Some((Arc::new(keys), now)),
                Err(reason) => tracing::warn!(reason, usable, "the Clerk keys could not be fetched"),
            }
        }
        match &self.keys {
            Some((keys, fetched_at)) if within(*fetched_at, now, STALE_IF_ERROR) => Ok(Arc::clone(keys)),
            Some(_) | None => {
                Err(Error::Unavailable { system: "clerk", retry_after: BETWEEN_FETCHES_WITHOUT_KEYS })
            }
        }
    }
}

/// Whether `now` is less than `span` away from `then`, also when the clock was put back.
fn within(then: Timestamp, now: Timestamp, span: SignedDuration) -> bool {
    now.duration_since(then).abs() < span
}

async fn fetch(url: &str, http: &Http) -> Result<KeySet, &'static str> {
    let answer = http.call(Method::GET, url).within(FETCH_LIMIT).send().await.map_err(|_| "no answer")?;
    if !answer.is_success() {
        return Err("refused");
    }
    KeySet::from_jwks(&answer.body).map_err(|_| "no usable key")
}

#[cfg(test)]
mod tests;
