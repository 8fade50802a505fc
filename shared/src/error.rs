//! The one error type: a list of branches that somebody takes, not of things that went wrong.
//!
//! What a caller is told stands in `functions/src/problem.rs` (HTTP) and `functions/src/reply.rs` (voice);
//! the `Display` text here is for the log and carries no secret, no e-mail address and no provider text.

use std::borrow::Cow;

use jiff::SignedDuration;
use serde::Serialize;

use crate::{ids::Provider, range::Interval};

/// `Result` with our [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A free slot that is offered in place of a taken one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Alternative {
    /// From when until when.
    #[serde(flatten)]
    pub interval: Interval,
    /// Books or holds exactly this slot, like the one of an availability answer; none on the phone, where nobody could
    /// say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slot: Option<String>,
}

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A field of the request is wrong. The caller mends it.
    #[error("invalid {field}: {reason}")]
    Invalid {
        /// The field as the caller wrote it.
        field: Cow<'static, str>,
        /// What it must be.
        reason: Cow<'static, str>,
    },
    /// The request cannot be read at all.
    #[error("malformed request: {0}")]
    Malformed(Cow<'static, str>),
    /// Nobody proved who is asking.
    #[error("unauthenticated: {code}")]
    Unauthenticated {
        /// Stable code, such as `token_expired`.
        code: &'static str,
    },
    /// Who is asking is known, and may not.
    #[error("forbidden: {code}")]
    Forbidden {
        /// Stable code, such as `wrong_person`.
        code: &'static str,
        /// What the caller is told.
        reason: &'static str,
    },
    /// There is no such thing, or it is somebody else's: the two look the same.
    #[error("{0} not found")]
    NotFound(&'static str),
    /// The state of the world forbids it.
    #[error("conflict: {code}")]
    Conflict {
        /// Stable code, such as `account_differs`.
        code: &'static str,
        /// What the caller is told.
        reason: Cow<'static, str>,
    },
    /// The time is taken; these are free.
    #[error("slot taken")]
    SlotTaken {
        /// Free slots near the one that was asked for.
        alternatives: Vec<Alternative>,
    },
    /// The owner has to connect (again) before this can work.
    #[error("needs connection: {code}")]
    NeedsConnection {
        /// `no_connection`, `reauth_required` or `insufficient_scope`.
        code: &'static str,
        /// What to do, in a sentence.
        reason: Cow<'static, str>,
        /// Where to connect.
        reconnect_url: String,
    },
    /// The provider does not offer this; decided before any request.
    #[error("{provider} does not support {what}")]
    Unsupported {
        /// Which provider.
        provider: Provider,
        /// What was asked.
        what: &'static str,
    },
    /// The thing changed since the caller read it (`If-Match`).
    #[error("precondition failed")]
    PreconditionFailed,
    /// A connect attempt came back wrong: a code of ours for the front end.
    #[error("connect failed: {code}")]
    ConnectFailed {
        /// Stable code, such as `state_expired`.
        code: &'static str,
        /// What the person is told.
        reason: &'static str,
    },
    /// The caller asks too often.
    #[error("too many requests")]
    TooManyRequests {
        /// When it makes sense to ask again.
        retry_after: SignedDuration,
    },
    /// An outside system cannot answer at the moment.
    #[error("{system} is unavailable")]
    Unavailable {
        /// Which one.
        system: &'static str,
        /// When it makes sense to ask again.
        retry_after: SignedDuration,
    },
    /// A provider refused us for a reason that no caller can mend: configuration or a bug of ours.
    #[error("{system} refused: {code}")]
    Upstream {
        /// Which one.
        system: &'static str,
        /// `config_fault`, `permission`, `no_mailbox` or `invalid`.
        code: &'static str,
    },
    /// Ours to mend; the text is for the log.
    #[error("internal: {0}")]
    Internal(String),
}

impl Error {
    /// A field is wrong.
    pub fn invalid(field: impl Into<Cow<'static, str>>, reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Invalid { field: field.into(), reason: reason.into() }
    }

    /// Something of ours is broken.
    pub fn internal(text: impl Into<String>) -> Self {
        Self::Internal(text.into())
    }

    /// The state of the world forbids it.
    pub fn conflict(code: &'static str, reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Conflict { code, reason: reason.into() }
    }

    /// Whether the same question gets the same answer however often it is asked.
    pub fn is_lasting(&self) -> bool {
        matches!(self, Self::Forbidden { .. } | Self::Conflict { .. } | Self::Unsupported { .. })
    }

    /// The stable code that goes out with it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Invalid { .. } => "invalid_field",
            Self::Malformed(_) => "malformed_request",
            Self::Unauthenticated { code }
            | Self::Forbidden { code, .. }
            | Self::Conflict { code, .. }
            | Self::NeedsConnection { code, .. }
            | Self::ConnectFailed { code, .. }
            | Self::Upstream { code, .. } => code,
            Self::NotFound(_) => "not_found",
            Self::SlotTaken { .. } => "slot_taken",
            Self::Unsupported { .. } => "unsupported",
            Self::PreconditionFailed => "precondition_failed",
            Self::TooManyRequests { .. } => "too_many_requests",
            Self::Unavailable { .. } => "unavailable",
            Self::Internal(_) => "internal",
        }
    }
}
