//! The refresh itself: a lease, one provider call, and a write on the version alone.

use std::time::Duration;

use jiff::SignedDuration;
use secrecy::SecretString;

use super::{
    ENOUGH_LIFE, Live,
    sealed::{Used, data_key, open, seal},
    told::{needs_connection, told},
};
use crate::{
    app::App,
    error::{Error, Result},
    http::LONGEST_CALL,
    providers::{
        failure::{Class, Failure},
        oauth,
    },
    store::{
        Transaction, Write,
        connections::{Cause, Connection, Status},
        datakeys::WrappedKey,
        row::Blob,
    },
    vault::{DataKey, FreshKey, LONGEST_USE, MOST_SEALS, TokenKind},
};

/// Longer than the one provider call under it may take, with room for the writes around it.
pub(super) const LEASE: SignedDuration = SignedDuration::from_secs(30);

/// How often a loser of the lease looks for the winner's token; together a little more than the provider call.
const POLLS: u32 = 60;
const POLL_EVERY: Duration = Duration::from_millis(200);

/// A token newer than `seen`: from the provider if we get the lease, else from whoever has it.
pub(super) async fn refresh(app: &App, connection: &Connection, seen: u64) -> Result<Live> {
    let mut row = connection.clone();
    for _ in 0..POLLS {
        if row.token_version > seen && row.expires_at.duration_since(app.clock.now()) > ENOUGH_LIFE {
            return open(app, &row).await;
        }
        if row.status == Status::ReauthRequired {
            return Err(needs_connection(app, &row, "reauth_required"));
        }
        let lease_id = crate::random::id();
        if let Some(leased) = app.store.lease(&row, &lease_id, app.clock.now(), LEASE).await? {
            return refresh_under_lease(app, leased, &lease_id).await;
        }
        tokio::time::sleep(POLL_EVERY).await;
        row = reread(app, &row).await?;
    }
    Err(Error::Unavailable { system: row.provider.as_str(), retry_after: SignedDuration::from_secs(2) })
}

/// One provider call; between its answer and the write stands one await and no KMS call.
pub(super) async fn refresh_under_lease(app: &App, row: Connection, lease_id: &str) -> Result<Live> {
    let prepared = prepare(app, &row).await;
    let (key, used, old_refresh, client) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => return Err(release_and(app, &row, lease_id, error).await),
    };
    let endpoints = app.endpoints(row.provider)?;
    let limit = LONGEST_CALL;
    let answer = oauth::refresh(&app.http, row.provider, endpoints, &client, &old_refresh, limit).await;
    let tokens = match answer {
        Ok(tokens) => tokens,
        Err(failure) => return refused(app, &row, lease_id, &failure).await,
    };
    let version = row.token_version + 1;
    // Google omits refresh_token on refresh; keep the old one (PROVIDERS.md).
    let kept = tokens.refresh_token.as_ref().unwrap_or(&old_refresh);
    let sealed = seal(app, &row.scope(), &key, used, version, &tokens, Some(kept))?;
    match app.store.commit_tokens(&row, sealed, app.clock.now()).await? {
        Write::Done => {
            tracing::info!(connection = %row.id, provider = %row.provider, "refreshed");
            if key.id != row.data_key_id {
                drop_worn_key(app, &row).await;
            }
            Ok(Live { token: tokens.access_token, version })
        }
        // Linked again or disconnected in between: theirs is newer.
        Write::Refused => {
            let row = reread(app, &row).await?;
            open(app, &row).await
        }
    }
}

/// Everything that could fail before the provider is asked.
async fn prepare(app: &App, row: &Connection) -> Result<(DataKey, Used, SecretString, oauth::Client)> {
    let key = data_key(app, row).await?;
    let Some(sealed) = &row.refresh else { return Err(without_refresh_token(app, row).await?) };
    let refresh = app.vault.open(&key, &row.scope(), TokenKind::Refresh, row.token_version, &sealed.0)?;
    let client = app.client(row.provider).await?;
    let now = app.clock.now();
    let used = Used { seals: row.seals, since: row.key_since };
    if row.seals < MOST_SEALS && now.duration_since(row.key_since) < LONGEST_USE {
        return Ok((key, used, refresh, client));
    }
    let FreshKey { key, wrapped } = app.vault.generate(&row.scope()).await?;
    let wrapped = WrappedKey { id: key.id.clone(), wrapped: Blob(wrapped), created_at: now };
    match app.store.put_data_key(row, wrapped).await? {
        Transaction::Done => Ok((key, Used { seals: 0, since: now }, refresh, client)),
        // Disconnected or linked again in between: a key that is put now would be left behind.
        Transaction::Refused(_) => Err(needs_connection(app, row, "no_connection")),
        Transaction::Contended => {
            Err(Error::Unavailable { system: "dynamodb", retry_after: SignedDuration::from_secs(1) })
        }
    }
}

/// The provider refused a refresh.
async fn refused(app: &App, row: &Connection, lease_id: &str, failure: &Failure) -> Result<Live> {
    if failure.class != Class::NeedsReauth {
        let error = told(app, row, failure);
        return Err(release_and(app, row, lease_id, error).await);
    }
    // Somebody else may have refreshed or linked again since we read the token.
    let current = reread(app, row).await?;
    if current.token_version > row.token_version {
        return open(app, &current).await;
    }
    match app.store.mark_reauth(row, cause_of(failure)).await? {
        Write::Done => {
            tracing::warn!(connection = %row.id, provider = %row.provider, reason = failure.reason.as_deref(), "needs its owner")
        }
        Write::Refused => {
            let current = reread(app, row).await?;
            return open(app, &current).await;
        }
    }
    Err(needs_connection(app, row, "reauth_required"))
}

/// Marks a connection whose newest token is refused, unless somebody wrote a newer one.
pub(super) async fn give_up(app: &App, connection: &Connection, version: u64) -> Result<Error> {
    let row = reread(app, connection).await?;
    if row.token_version == version {
        match app.store.mark_reauth(&row, Cause::Revoked).await? {
            Write::Done => {
                tracing::warn!(connection = %row.id, provider = %row.provider, "a fresh token is refused; needs its owner");
            }
            // Written again in between: the next call uses that.
            Write::Refused => {}
        }
    }
    Ok(needs_connection(app, &row, "reauth_required"))
}

/// The provider never gave a refresh token, and the access token is at its end.
async fn without_refresh_token(app: &App, row: &Connection) -> Result<Error> {
    match app.store.mark_reauth(row, Cause::NoRefreshToken).await? {
        // Refused: linked again in between, and the next call uses that.
        Write::Done | Write::Refused => Ok(needs_connection(app, row, "reauth_required")),
    }
}

/// Why a grant is gone, from the provider's code (PROVIDERS.md, Microsoft and Google).
fn cause_of(failure: &Failure) -> Cause {
    match failure.reason.as_deref() {
        Some("AADSTS70008" | "AADSTS700082" | "AADSTS700084") => Cause::Unused,
        Some("AADSTS50173" | "AADSTS50133") => Cause::PasswordChanged,
        Some("AADSTS50076" | "AADSTS50078" | "AADSTS50079") => Cause::MfaRequired,
        Some("AADSTS65001" | "consent_required") => Cause::ConsentRequired,
        _ => Cause::Revoked,
    }
}

async fn release_and(app: &App, row: &Connection, lease_id: &str, error: Error) -> Error {
    match app.store.release(row, lease_id).await {
        Ok(Write::Done | Write::Refused) => {}
        // It ends by itself.
        Err(late) => tracing::warn!(error = %late, "a lease could not be released"),
    }
    error
}

async fn reread(app: &App, row: &Connection) -> Result<Connection> {
    let current = app.store.connection(&row.owner, &row.id).await?;
    current.ok_or_else(|| needs_connection(app, row, "no_connection"))
}

/// Nothing is sealed under a replaced data key any more. One that is left behind goes when the connection does.
async fn drop_worn_key(app: &App, row: &Connection) {
    match app.store.drop_data_key(&row.id, &row.data_key_id).await {
        Ok(()) => app.vault.forget(&row.data_key_id),
        Err(error) => tracing::warn!(%error, connection = %row.id, "a worn data key is left behind"),
    }
}
