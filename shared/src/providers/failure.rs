//! What a provider's refusal means: one class, and the reaction that goes with it.

use jiff::SignedDuration;
use serde::Serialize;

use crate::http::Lost;

/// The class of a failed call to a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// The grant is gone. Re-read the row, then mark it; never retry.
    NeedsReauth,
    /// The access token was refused (401). Refresh once, repeat once.
    RefreshAndRetry,
    /// A scope was not granted.
    InsufficientScope,
    /// Our client, secret, redirect or scope is wrong. Alarm; no user is marked.
    ConfigFault,
    /// We ask too often.
    Throttle,
    /// Their side or the network is at fault; an ambiguous write is looked up by its id.
    Transient,
    /// A refusal that no reconnect mends.
    Permission,
    /// 404 on an event or calendar.
    NotFound,
    /// 410 on an event: it was there and is deleted.
    Gone,
    /// 412: somebody changed it since we read it.
    Conflict,
    /// 409 on an id of our own: it exists.
    Duplicate,
    /// A sync token or delta link has expired.
    Resync,
    /// The account has no calendar.
    NoMailbox,
    /// Our request was wrong: our bug.
    Invalid,
}

/// A failed call to a provider. Carries no text of the provider's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What it means.
    pub class: Class,
    /// HTTP status; none when no answer came.
    pub status: Option<u16>,
    /// The provider's wish, when it sent one.
    pub retry_after: Option<SignedDuration>,
    /// Machine-readable reason of theirs from a known list (such as `AADSTS700082`), never free text.
    pub reason: Option<String>,
}

impl Class {
    /// The name in logs and in the judge's verdicts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NeedsReauth => "needs_reauth",
            Self::RefreshAndRetry => "refresh_and_retry",
            Self::InsufficientScope => "insufficient_scope",
            Self::ConfigFault => "config_fault",
            Self::Throttle => "throttle",
            Self::Transient => "transient",
            Self::Permission => "permission",
            Self::NotFound => "not_found",
            Self::Gone => "gone",
            Self::Conflict => "conflict",
            Self::Duplicate => "duplicate",
            Self::Resync => "resync",
            Self::NoMailbox => "no_mailbox",
            Self::Invalid => "invalid",
        }
    }
}

impl Failure {
    /// A failure that we found ourselves, without a refusal of the provider's.
    pub fn ours(class: Class, reason: &str) -> Self {
        Self { class, status: None, retry_after: None, reason: Some(reason.to_owned()) }
    }
}

impl From<Lost> for Failure {
    /// `not_sent` means that nothing happened; after `no_answer` a write has to be looked up.
    fn from(lost: Lost) -> Self {
        let reason = match lost {
            Lost::NotSent => "not_sent",
            Lost::NoAnswer => "no_answer",
        };
        Self::ours(Class::Transient, reason)
    }
}
