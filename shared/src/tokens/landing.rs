//! From the provider's answer into the row: one write, and the rescue queue behind it. Nothing else may come between.

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::{
    Live,
    due::later,
    margins::COMMIT,
    refresh::take,
    sealed::{Lives, Sealing, seal},
    told::needs_connection,
};
use crate::{
    app::App,
    deadline,
    error::{Error, Result},
    ids::{ConnectionId, OwnerId},
    providers::oauth::Tokens,
    store::connections::{Connection, Landing, SealedTokens},
};

/// The only layout of messages so far.
const VERSION: u8 = 1;

/// Sealed tokens on their way to DynamoDB by the rescue queue. Nothing in it is secret.
#[derive(Serialize, Deserialize)]
struct Message {
    v: u8,
    owner: OwnerId,
    connection: ConnectionId,
    /// The version that they replace.
    over: u64,
    tokens: SealedTokens,
}

/// What the provider gave.
pub(super) struct Given {
    pub(super) tokens: Tokens,
    /// When it was asked: lives count from there, because a frozen process reads an answer late.
    pub(super) asked_at: Timestamp,
    pub(super) old_refresh: SecretString,
}

/// Writes what the provider gave. The caller gets the access token wherever the write ends: it lives.
pub(super) async fn land(
    app: &App,
    row: &Connection,
    sealing: &Sealing,
    given: Given,
    used: bool,
) -> Result<Live> {
    let Given { tokens, asked_at, old_refresh } = given;
    let dies_at = match (tokens.refresh_expires_in, &tokens.refresh_token) {
        (Some(life), _) => Some(later(asked_at, life)),
        (None, None) => row.refresh_dies_at,
        (None, Some(_)) => None,
    };
    // Google omits refresh_token on refresh; keep the old one (PROVIDERS.md).
    let refresh = tokens.refresh_token.as_ref().unwrap_or(&old_refresh);
    let version = row.token_version + 1;
    let written_from = Lives { from: asked_at, refresh_dies_at: dies_at };
    let sealed = seal(app, &row.scope(), sealing, version, &tokens, Some(refresh), written_from)?;
    let sealed = SealedTokens { ask: row.lease_id.clone(), ..sealed };
    let commit = app.store.commit_tokens(row, &sealed, used, app.clock.now());
    let written = tokio::time::timeout(COMMIT, commit).await;
    match written {
        Ok(Ok(Landing::Done)) => {
            tracing::info!(connection = %row.id, provider = %row.provider, "refreshed");
            drop_worn_key(app, row, &sealed).await;
        }
        Ok(Ok(Landing::Superseded(None))) => return Err(needs_connection(app, row, "no_connection")),
        // The SDK repeats a write whose answer was lost: then what is there is ours.
        Ok(Ok(Landing::Superseded(Some(current)))) if current.access == sealed.access => {
            drop_worn_key(app, row, &sealed).await;
        }
        // Linked again in between: theirs is newer.
        Ok(Ok(Landing::Superseded(Some(current)))) => return take(app, &current).await,
        Ok(Err(_)) | Err(_) => save(app, row, sealed, used).await,
    }
    Ok(Live { token: tokens.access_token, version })
}

/// DynamoDB would not take the tokens, or did not say: the queue keeps them for the keeper. Without the queue DynamoDB
/// is tried for as long as the invocation lives.
async fn save(app: &App, row: &Connection, tokens: SealedTokens, used: bool) {
    let message = Message {
        v: VERSION,
        owner: row.owner.clone(),
        connection: row.id.clone(),
        over: row.token_version,
        tokens,
    };
    let Ok(text) = serde_json::to_string(&message) else { return lost(row) };
    match app.rescue_queue.send(text).await {
        Ok(()) => {
            tracing::warn!(connection = %row.id, provider = %row.provider, "tokens went to the rescue queue");
        }
        Err(error) => {
            tracing::error!(%error, connection = %row.id, "the rescue queue does not take tokens");
            let again = app.store.commit_tokens(row, &message.tokens, used, app.clock.now());
            match tokio::time::timeout(deadline::left(), again).await {
                Ok(Ok(Landing::Done | Landing::Superseded(_))) => {}
                Ok(Err(_)) | Err(_) => lost(row),
            }
        }
    }
}

fn lost(row: &Connection) {
    tracing::error!(metric = "TokenLost", connection = %row.id, provider = %row.provider, "tokens could not be kept");
}

/// Applies one message of the rescue queue, under the condition that the refused write had. An error leaves the
/// message in the queue; a repeated message changes nothing.
pub async fn rescue(app: &App, message: &str) -> Result<()> {
    let message: Message = serde_json::from_str(message)
        .map_err(|error| Error::internal(format!("a message of the rescue queue cannot be read: {error}")))?;
    if message.v != VERSION {
        return Err(Error::internal(format!("a message of the rescue queue has layout {}", message.v)));
    }
    let Some(row) = app.store.connection(&message.owner, &message.connection).await? else {
        tracing::info!(connection = %message.connection, "tokens of a connection that is gone were dropped");
        return Ok(());
    };
    if row.token_version == message.over
        && let Landing::Done = app.store.commit_tokens(&row, &message.tokens, false, app.clock.now()).await?
    {
        tracing::warn!(metric = "TokenRescued", connection = %row.id, provider = %row.provider, "rescued");
        drop_worn_key(app, &row, &message.tokens).await;
        return Ok(());
    }
    tracing::info!(connection = %row.id, provider = %row.provider, "newer tokens were there");
    Ok(())
}

/// Nothing is sealed under a replaced data key any more. One that is left behind goes when the connection does.
async fn drop_worn_key(app: &App, row: &Connection, tokens: &SealedTokens) {
    if tokens.data_key_id == row.data_key_id {
        return;
    }
    match app.store.drop_data_key(&row.id, &row.data_key_id).await {
        Ok(()) => app.vault.forget(&row.data_key_id),
        Err(error) => tracing::warn!(%error, connection = %row.id, "a worn data key is left behind"),
    }
}
