//! Opening and sealing a connection's tokens with its data key.

use jiff::Timestamp;
use secrecy::SecretString;

use super::{
    Live,
    due::{first_look, later},
    ended::key_lost,
    margins::worth_a_refresh_after,
    refresh::reread,
    told::needs_connection,
};
use crate::{
    app::App,
    error::Result,
    providers::oauth::Tokens,
    store::{
        connections::{Connection, SealedTokens, Status},
        datakeys::WrappedKey,
        row::Blob,
    },
    vault::{DataKey, FreshKey, Scope, TokenKind},
};

/// New tokens, sealed under a fresh data key: for a connection that is being written.
pub async fn seal_first(
    app: &App,
    scope: &Scope,
    version: u64,
    tokens: &Tokens,
) -> Result<(SealedTokens, WrappedKey)> {
    let now = app.clock.now();
    let FreshKey { key, wrapped, kms_key } = app.vault.generate(scope).await?;
    let sealing = Sealing { key, seals: 0, since: now };
    let refresh_dies_at = tokens.refresh_expires_in.map(|life| later(now, life));
    let lives = Lives { from: now, refresh_dies_at };
    let sealed = seal(app, scope, &sealing, version, tokens, tokens.refresh_token.as_ref(), lives)?;
    let wrapped = WrappedKey { id: sealing.key.id, wrapped: Blob(wrapped), kms_key, created_at: now };
    Ok((sealed, wrapped))
}

/// The access token of a row. Where its data key was replaced after the row was read, that of the row as it is.
pub(super) async fn open(app: &App, row: &Connection) -> Result<Live> {
    let Some(key) = data_key(app, row).await? else {
        let current = with_key(app, row).await?;
        let key = data_key(app, &current).await?;
        let key = key.ok_or_else(|| needs_connection(app, row, "no_connection"))?;
        return opened(app, &current, &key);
    };
    opened(app, row, &key)
}

fn opened(app: &App, row: &Connection, key: &DataKey) -> Result<Live> {
    let token = app.vault.open(key, &row.scope(), TokenKind::Access, row.token_version, &row.access.0)?;
    Ok(Live { token, version: row.token_version })
}

/// The data key of a row: from memory, else read and unwrapped; none when it was deleted.
pub(super) async fn data_key(app: &App, row: &Connection) -> Result<Option<DataKey>> {
    if let Some(key) = app.vault.cached(&row.data_key_id) {
        return Ok(Some(key));
    }
    let Some(wrapped) = app.store.data_key(&row.id, &row.data_key_id).await? else { return Ok(None) };
    let scope = row.scope();
    let key = app.vault.unwrap(&scope, &wrapped.id, wrapped.wrapped.0, wrapped.kms_key.as_deref());
    key.await.map(Some)
}

/// A row whose data key is gone, as it is at this moment: with another key, or else given up.
pub(super) async fn with_key(app: &App, row: &Connection) -> Result<Connection> {
    let current = reread(app, row).await?;
    if current.data_key_id == row.data_key_id {
        return Err(key_lost(app, &current).await?);
    }
    match current.status {
        Status::Active => Ok(current),
        Status::InsufficientScope => Err(needs_connection(app, row, "insufficient_scope")),
        Status::ReauthRequired => Err(needs_connection(app, row, "reauth_required")),
    }
}

/// The data key to seal with, and how worn it is.
pub(super) struct Sealing {
    pub(super) key: DataKey,
    pub(super) seals: u32,
    pub(super) since: Timestamp,
}

/// From when the tokens' lives count, and when the refresh token dies whatever we do.
pub(super) struct Lives {
    pub(super) from: Timestamp,
    pub(super) refresh_dies_at: Option<Timestamp>,
}

/// Seals tokens as version `version`.
pub(super) fn seal(
    app: &App,
    scope: &Scope,
    sealing: &Sealing,
    version: u64,
    tokens: &Tokens,
    refresh: Option<&SecretString>,
    lives: Lives,
) -> Result<SealedTokens> {
    let Lives { from, refresh_dies_at } = lives;
    let key = &sealing.key;
    let access = app.vault.seal(key, scope, TokenKind::Access, version, &tokens.access_token)?;
    let refresh =
        refresh.map(|token| app.vault.seal(key, scope, TokenKind::Refresh, version, token)).transpose()?;
    let (expires_at, refresh_at) =
        (later(from, tokens.expires_in), later(from, worth_a_refresh_after(tokens.expires_in)));
    Ok(SealedTokens {
        token_version: version,
        access: Blob(access),
        seals: sealing.seals + 2,
        data_key_id: key.id.clone(),
        key_since: sealing.since,
        ask: None,
        refreshed_at: from,
        expires_at,
        refresh_at,
        refresh_dies_at,
        due_at: first_look(refresh_at, if refresh.is_some() { refresh_dies_at } else { Some(expires_at) }),
        refresh: refresh.map(Blob),
    })
}
