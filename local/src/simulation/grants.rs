//! An authorization server with one person's grant, as strict as its rule allows (RFC 9700, section 4.14.2).

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use shared::providers::spec::Rotation;

/// How long an access token lives.
pub(super) const LIFE: SignedDuration = SignedDuration::from_hours(1);

pub(super) struct Grants {
    rule: Rotation,
    live: bool,
    /// Whether the person ended it.
    pub(super) revoked: bool,
    /// Whether a used refresh token came again.
    pub(super) reused: bool,
    refresh: Vec<String>,
    access: BTreeMap<String, Timestamp>,
    made: u64,
    /// Calls to the token endpoint.
    pub(super) calls: u64,
}

impl Grants {
    pub(super) fn new(rule: Rotation) -> Self {
        Self {
            rule,
            live: true,
            revoked: false,
            reused: false,
            refresh: Vec::new(),
            access: BTreeMap::new(),
            made: 0,
            calls: 0,
        }
    }

    pub(super) fn is_live(&self) -> bool {
        self.live
    }

    /// The person takes the consent back.
    pub(super) fn revoke(&mut self) {
        (self.live, self.revoked) = (false, true);
    }

    /// The first tokens, as a code would have given them.
    pub(super) fn first(&mut self, now: Timestamp) -> (String, String) {
        let refresh = self.next("rt");
        self.refresh.push(refresh.clone());
        (self.access(now), refresh)
    }

    /// The token endpoint's answer to a refresh token.
    pub(super) fn refresh(&mut self, token: &str, now: Timestamp) -> (u16, Value) {
        self.calls += 1;
        let known = self.refresh.iter().position(|kept| kept == token);
        let newest = self.refresh.len().checked_sub(1);
        if self.live && self.rule == Rotation::SingleUse && known.is_some() && known != newest {
            (self.live, self.reused) = (false, true);
        }
        if !self.live || known.is_none() {
            return (400, json!({"error": "invalid_grant", "error_description": "EXAMPLE"}));
        }
        let mut answer = json!({
            "token_type": "Bearer", "expires_in": LIFE.as_secs(), "access_token": self.access(now),
        });
        if self.rule != Rotation::KeepsOld {
            let next = self.next("rt");
            self.refresh.push(next.clone());
            answer["refresh_token"] = next.into();
        }
        (200, answer)
    }

    /// Whether the API takes an access token.
    pub(super) fn takes(&self, token: &str, now: Timestamp) -> bool {
        self.live && self.access.get(token).is_some_and(|end| *end > now)
    }

    fn access(&mut self, now: Timestamp) -> String {
        let token = self.next("at");
        self.access.insert(token.clone(), now + LIFE);
        token
    }

    fn next(&mut self, kind: &str) -> String {
        self.made += 1;
        format!("{kind}_EXAMPLE_{}", self.made)
    }
}
