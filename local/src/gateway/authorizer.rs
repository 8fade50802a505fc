//! Lambda authorizers with simple responses, and the memory that the gateway keeps of their answers.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html>

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use http::HeaderName;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    Invoke,
    event::Incoming,
    response::Own,
    routes::Match,
    template::{AuthorizerSpec, Template},
};

/// How long an HTTP API waits for an authorizer.
const LIMIT: Duration = Duration::from_secs(10);

/// The authorizers of an API.
pub(super) struct Authorizers {
    specs: HashMap<String, AuthorizerSpec>,
    /// Answers by authorizer and identity: a route does not count, one answer serves them all.
    remembered: Mutex<HashMap<(String, Vec<String>), Remembered>>,
}

#[derive(Clone)]
struct Remembered {
    until: Timestamp,
    answer: Answer,
}

#[derive(Clone)]
enum Answer {
    /// Yes, with the context for the handler.
    Allowed(Value),
    Denied,
}

impl Authorizers {
    pub(super) fn of(template: &Template) -> Self {
        let specs = template.authorizers.iter().map(|(name, spec)| (name.clone(), spec.clone())).collect();
        Self { specs, remembered: Mutex::default() }
    }

    /// What the route's authorizer says of a request: its context, or the gateway's answer.
    pub(super) async fn ask(
        &self,
        name: &str,
        incoming: &Incoming,
        found: &Match<'_>,
        invoke: &Invoke,
    ) -> Result<Value, Own> {
        let spec = self.specs.get(name).ok_or(Own::Internal)?;
        let identity = identity(spec, incoming).ok_or(Own::Unauthorized)?;
        let key = (name.to_owned(), identity);
        let remembered = self.remembered(&key, incoming.received_at);
        let answer = match remembered {
            Some(answer) => answer,
            None => {
                let event = incoming.for_authorizer(found, &key.1);
                let answer = invoked(spec, event, invoke).await?;
                self.remember(key, spec, &answer, incoming.received_at);
                answer
            }
        };
        match answer {
            Answer::Allowed(context) => Ok(context),
            Answer::Denied => Err(Own::Forbidden),
        }
    }

    fn remembered(&self, key: &(String, Vec<String>), now: Timestamp) -> Option<Answer> {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.retain(|_, answer| now < answer.until);
        remembered.get(key).map(|remembered| remembered.answer.clone())
    }

    fn remember(&self, key: (String, Vec<String>), spec: &AuthorizerSpec, answer: &Answer, now: Timestamp) {
        let held = SignedDuration::try_from(spec.cached_for).unwrap_or_default();
        if let (true, Ok(until)) = (held.is_positive(), now.checked_add(held)) {
            let remembered = Remembered { until, answer: answer.clone() };
            self.remembered.lock().unwrap_or_else(PoisonError::into_inner).insert(key, remembered);
        }
    }
}

/// The values of the identity headers; nothing if one is missing or empty.
fn identity(spec: &AuthorizerSpec, incoming: &Incoming) -> Option<Vec<String>> {
    let value = |name: &String| {
        let name: HeaderName = name.parse().ok()?;
        incoming.header(&name).filter(|value| !value.is_empty())
    };
    spec.identity.iter().map(value).collect()
}

async fn invoked(spec: &AuthorizerSpec, event: Value, invoke: &Invoke) -> Result<Answer, Own> {
    let answer = match tokio::time::timeout(LIMIT, invoke(spec.handler.clone(), event)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => {
            tracing::error!(function = spec.handler, error, "the authorizer failed");
            return Err(Own::Internal);
        }
        Err(_) => {
            tracing::error!(function = spec.handler, "the authorizer did not answer in time");
            return Err(Own::Internal);
        }
    };
    match answer["isAuthorized"].as_bool() {
        Some(true) => Ok(Answer::Allowed(answer["context"].clone())),
        Some(false) => Ok(Answer::Denied),
        None => Err(Own::Internal),
    }
}
