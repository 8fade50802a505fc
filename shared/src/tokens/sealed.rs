//! Opening and sealing a connection's tokens with its data key.

use jiff::Timestamp;
use secrecy::SecretString;

use super::{Live, told::needs_connection};
use crate::{
    app::App,
    error::Result,
    providers::oauth::Tokens,
    store::{
        connections::{Connection, SealedTokens},
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
    let FreshKey { key, wrapped } = app.vault.generate(scope).await?;
    let sealed = seal(
        app,
        scope,
        &key,
        Used { seals: 0, since: now },
        version,
        tokens,
        tokens.refresh_token.as_ref(),
    )?;
    Ok((sealed, WrappedKey { id: key.id, wrapped: Blob(wrapped), created_at: now }))
}

pub(super) async fn open(app: &App, row: &Connection) -> Result<Live> {
    let key = data_key(app, row).await?;
    let token = app.vault.open(&key, &row.scope(), TokenKind::Access, row.token_version, &row.access.0)?;
    Ok(Live { token, version: row.token_version })
}

/// The data key of a connection: from memory, else read and unwrapped.
pub(super) async fn data_key(app: &App, row: &Connection) -> Result<DataKey> {
    if let Some(key) = app.vault.cached(&row.data_key_id) {
        return Ok(key);
    }
    let wrapped = app.store.data_key(&row.id, &row.data_key_id).await?;
    // No key means that the connection was shredded after its row was read.
    let wrapped = wrapped.ok_or_else(|| needs_connection(app, row, "no_connection"))?;
    app.vault.unwrap(&row.scope(), &wrapped.id, wrapped.wrapped.0).await
}

/// How worn a data key is.
#[derive(Clone, Copy)]
pub(super) struct Used {
    pub(super) seals: u32,
    pub(super) since: Timestamp,
}

pub(super) fn seal(
    app: &App,
    scope: &Scope,
    key: &DataKey,
    used: Used,
    version: u64,
    tokens: &Tokens,
    refresh: Option<&SecretString>,
) -> Result<SealedTokens> {
    let now = app.clock.now();
    let life = tokens.expires_in;
    let access = app.vault.seal(key, scope, TokenKind::Access, version, &tokens.access_token)?;
    let refresh =
        refresh.map(|token| app.vault.seal(key, scope, TokenKind::Refresh, version, token)).transpose()?;
    Ok(SealedTokens {
        token_version: version,
        access: Blob(access),
        refresh: refresh.map(Blob),
        seals: used.seals + 2,
        data_key_id: key.id.clone(),
        key_since: used.since,
        expires_at: now.saturating_add(life).unwrap_or(Timestamp::MAX),
        refresh_at: now.saturating_add(life * 3 / 4).unwrap_or(Timestamp::MAX),
    })
}
