//! One linked account as it is stored, with its sealed tokens.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    ids::{ConnectionId, OwnerId, Provider},
    store::row::{Blob, Stored, seconds},
    vault::Scope,
};

/// What can be done with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Everything.
    Active,
    /// Nothing until its owner connects with all scopes.
    InsufficientScope,
    /// Nothing until its owner connects again.
    ReauthRequired,
}

impl Status {
    /// The name in rows, answers and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::InsufficientScope => "insufficient_scope",
            Self::ReauthRequired => "reauth_required",
        }
    }
}

/// Why a connection needs its owner (or our operator), as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The person or an administrator took the consent back.
    Revoked,
    /// The password was changed.
    PasswordChanged,
    /// Nobody used it for too long.
    Unused,
    /// The provider's app is in testing, where consent ends after seven days.
    TestMode,
    /// Access was given for a limited time, which is over.
    TimeLimited,
    /// The account holds more refresh tokens of ours than the provider keeps alive, and this was the oldest.
    TokenLimit,
    /// A policy asks for another factor.
    MfaRequired,
    /// Consent is missing.
    ConsentRequired,
    /// The provider has no refresh token to give.
    NoRefreshToken,
    /// The provider's answer to a renewal never reached us, and it takes the old refresh token only once.
    RotationLost,
    /// The data key that sealed its tokens is gone, as after a table was restored from a backup.
    KeyLost,
    /// Our client secret has expired. Nobody's connection is marked: it goes on once the operator renews the secret.
    ClientSecretExpired,
    /// The provider refuses our registration in another way. Nobody's connection is marked.
    Configuration,
}

/// One linked account of one provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// Its id; it stays the same when the account is linked again.
    pub id: ConnectionId,
    /// Whose it is.
    pub owner: OwnerId,
    /// The provider.
    pub provider: Provider,
    /// SHA-256 of the provider's account key (never an e-mail), hexadecimal.
    pub account_hash: String,
    /// The address to show.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_email: Option<String>,
    /// The scopes that were granted.
    pub scopes: Vec<String>,
    /// What can be done with it.
    pub status: Status,
    /// Why not everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// Fences writers of tokens; bound into the sealed values.
    pub token_version: u64,
    /// Sealed access token.
    pub access: Blob,
    /// Sealed refresh token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh: Option<Blob>,
    /// The data key that sealed both.
    pub data_key_id: String,
    /// How often that key sealed.
    pub seals: u32,
    /// Since when that key is used.
    #[serde(with = "seconds::required")]
    pub key_since: Timestamp,
    /// When the access token dies.
    #[serde(with = "seconds::required")]
    pub expires_at: Timestamp,
    /// From when on it is worth a refresh.
    #[serde(with = "seconds::required")]
    pub refresh_at: Timestamp,
    /// Who refreshes it at the moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease_id: Option<String>,
    /// Until when that is believed.
    #[serde(default, with = "seconds::optional", skip_serializing_if = "Option::is_none")]
    pub lease_until: Option<Timestamp>,
    /// Leases under which the provider was asked with this refresh token and nobody heard the answer.
    #[serde(default, with = "serde_dynamo::string_set", skip_serializing_if = "BTreeSet::is_empty")]
    pub asks: BTreeSet<String>,
    /// When these tokens were written, if an ask with the ones before was still unheard: it may arrive late, and a
    /// refresh token that comes twice ends the grant.
    #[serde(default, with = "seconds::optional", skip_serializing_if = "Option::is_none")]
    pub unheard_at: Option<Timestamp>,
    /// Nobody asks the provider for new tokens before.
    #[serde(default, with = "seconds::optional", skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Timestamp>,
    /// When the owner consented.
    #[serde(with = "seconds::required")]
    pub granted_at: Timestamp,
    /// When the tokens were written.
    #[serde(with = "seconds::required")]
    pub refreshed_at: Timestamp,
    /// When the refresh token dies whatever we do, where the provider says so.
    #[serde(default, with = "seconds::optional", skip_serializing_if = "Option::is_none")]
    pub refresh_dies_at: Option<Timestamp>,
    /// Since when its owner is needed, if that was told to others.
    #[serde(default, with = "seconds::optional", skip_serializing_if = "Option::is_none")]
    pub dead_since: Option<Timestamp>,
    /// When others were warned of its end.
    #[serde(default, with = "seconds::optional", skip_serializing_if = "Option::is_none")]
    pub warned_at: Option<Timestamp>,
    /// Its part of the index of what is due; none when the keeper has nothing to do for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_shard: Option<String>,
    /// When the keeper looks at it.
    #[serde(default, with = "seconds::optional", skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// Calendars that block time; empty means the account's own default calendar.
    #[serde(default)]
    pub busy_calendars: Vec<String>,
    /// The calendar that is written to; none means the account's own default calendar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub write_calendar: Option<String>,
    /// When it was first linked.
    #[serde(with = "seconds::required")]
    pub created_at: Timestamp,
    /// When its tokens were last used; moved at most once an hour.
    #[serde(with = "seconds::required")]
    pub last_used_at: Timestamp,
}

impl Stored for Connection {
    const KIND: &'static str = "connection";
}

impl Connection {
    /// What its tokens are bound to.
    pub fn scope(&self) -> Scope {
        Scope {
            owner: self.owner.clone(),
            provider: self.provider,
            connection: self.id.clone(),
            account_hash: self.account_hash.clone(),
        }
    }
}
