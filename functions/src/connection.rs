//! Connections as they are shown: what is wrong, why, and what mends it.

use jiff::Timestamp;
use serde::Serialize;
use shared::{
    app::App,
    ids::{ConnectionId, OwnerId, Provider},
    store::connections::{Cause, Connection, OwnerRows, Status},
    tokens,
};
use utoipa::ToSchema;

/// Whether a calendar is connected.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuthStatus {
    /// The Clerk user, or the tenant that was asked for.
    user_id: String,
    /// Whether the default connection works.
    authorized: bool,
    /// Whether its next call finds a token that is live or can be renewed.
    token_valid: bool,
    /// When its access token ends; it is renewed before.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// The same in a sentence.
    message: String,
    /// Every connection.
    connections: Vec<ConnectionStatus>,
}

/// Every connection.
#[derive(Serialize, ToSchema)]
pub(crate) struct Connections {
    /// Oldest first.
    pub(crate) connections: Vec<ConnectionStatus>,
}

/// One connection.
#[derive(Serialize, ToSchema)]
pub(crate) struct ConnectionStatus {
    /// Its id.
    id: String,
    /// Its provider.
    #[schema(value_type = String, example = "google")]
    provider: Provider,
    /// The account's address.
    account_email: Option<String>,
    /// `active`, `insufficient_scope` or `reauth_required`.
    #[schema(value_type = String, example = "active")]
    status: Status,
    /// Why it needs its owner; on an active one, why our operator is needed (`client_secret_expired`, `configuration`).
    #[schema(value_type = Option<String>, example = "revoked")]
    cause: Option<Cause>,
    /// What mends it, in a sentence.
    fix: Option<&'static str>,
    /// Where the owner connects it again.
    reconnect_url: String,
    /// When the provider forgets it, if nobody uses it until then.
    #[schema(value_type = Option<String>, format = DateTime)]
    likely_death_at: Option<Timestamp>,
    /// When its tokens were last used, to the hour.
    #[schema(value_type = String, format = DateTime)]
    last_used_at: Timestamp,
    /// Whether it is the one that is written to.
    is_default: bool,
}

impl ConnectionStatus {
    /// Its id.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Whether it works, for all that is known.
    pub(crate) fn works(&self) -> bool {
        self.status == Status::Active && self.cause.is_none()
    }
}

impl AuthStatus {
    /// The state of the default connection, and all of them.
    pub(crate) fn of(app: &App, owner: &OwnerId, rows: &OwnerRows) -> Self {
        let default = rows.default_connection();
        let works = default.is_some_and(|connection| connection.status == Status::Active);
        Self {
            user_id: if owner.is_tenant() { owner.to_string() } else { owner.id().to_owned() },
            authorized: works,
            token_valid: works && default.is_some_and(|connection| is_live(connection, app.clock.now())),
            expires_at: default.map(|connection| connection.expires_at),
            message: message(default),
            connections: connections(app, owner, rows),
        }
    }
}

/// One connection, as it is shown.
pub(crate) fn one(
    app: &App,
    owner: &OwnerId,
    rows: &OwnerRows,
    id: &ConnectionId,
) -> Option<ConnectionStatus> {
    connections(app, owner, rows).into_iter().find(|shown| shown.id == id.as_str())
}

/// Every connection, as it is shown.
pub(crate) fn connections(app: &App, owner: &OwnerId, rows: &OwnerRows) -> Vec<ConnectionStatus> {
    let default = rows.default_connection().map(|connection| &connection.id);
    let shown = |connection: &Connection| ConnectionStatus {
        id: connection.id.to_string(),
        provider: connection.provider,
        account_email: connection.account_email.clone(),
        status: connection.status,
        cause: connection.cause,
        fix: tokens::fix(connection),
        reconnect_url: app.connect_url(owner, Some(connection.provider)),
        likely_death_at: tokens::likely_death(connection),
        last_used_at: connection.last_used_at,
        is_default: Some(&connection.id) == default,
    };
    rows.connections.iter().map(shown).collect()
}

fn is_live(connection: &Connection, now: Timestamp) -> bool {
    // A cause on an active connection: it cannot be renewed at the moment.
    let renewable = connection.refresh.is_some() && connection.cause.is_none();
    renewable || connection.expires_at > now
}

fn message(default: Option<&Connection>) -> String {
    let Some(connection) = default else { return "No calendar is connected.".into() };
    let provider = connection.provider.title();
    match connection.status {
        Status::Active => format!("{provider} calendar is connected."),
        Status::InsufficientScope => format!("{provider} calendar is connected without all permissions."),
        Status::ReauthRequired => format!("{provider} calendar has to be connected again."),
    }
}
