//! Keeping tokens alive (SECURITY.md S3): one refresher at a time, answers that always land, old tokens used while
//! they live.

use std::{future::Future, time::Duration};

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use crate::{
    app::App,
    error::{Error, Result},
    http::LONGEST_CALL,
    providers::{
        failure::{Class, Failure},
        oauth::{self, Tokens},
    },
    store::{
        Write,
        connections::{Cause, Connection, SealedTokens, Status},
        datakeys::WrappedKey,
        row::Blob,
    },
    vault::{DataKey, FreshKey, LONGEST_USE, MOST_SEALS, Scope, TokenKind},
};

/// A token that lives at least this long is used as it is: no call of ours takes longer.
const ENOUGH_LIFE: SignedDuration = SignedDuration::from_secs(60);

/// Longer than the one provider call under it may take, with room for the writes around it.
const LEASE: SignedDuration = SignedDuration::from_secs(30);

/// How often a loser of the lease looks for the winner's token; together a little more than the provider call.
const POLLS: u32 = 60;
const POLL_EVERY: Duration = Duration::from_millis(200);

/// `last_used_at` moves at most this often.
const TOUCH_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// How long the caller can wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// Somebody is on the phone: no refresh that can be avoided.
    Voice,
    /// A request that may refresh early.
    Request,
}

/// An open access token and the version it belongs to.
struct Live {
    token: SecretString,
    version: u64,
}

/// Calls a provider with a live access token; when the provider refuses the token, refreshes once and repeats once.
pub async fn with_token<T, F, Fut>(
    app: &App,
    connection: &Connection,
    patience: Patience,
    call: F,
) -> Result<T>
where
    F: Fn(SecretString) -> Fut,
    Fut: Future<Output = Result<T, Failure>>,
{
    let live = live(app, connection, patience).await?;
    touch(app, connection).await;
    match call(live.token).await {
        Ok(value) => Ok(value),
        Err(failure) if failure.class == Class::RefreshAndRetry => {
            let again = refresh(app, connection, live.version).await?;
            call(again.token).await.map_err(|failure| told(app, connection, &failure))
        }
        Err(failure) => Err(told(app, connection, &failure)),
    }
}

/// The refresh token, for a revocation; none when there is none or it does not open.
pub async fn refresh_token(app: &App, connection: &Connection) -> Option<SecretString> {
    let sealed = connection.refresh.as_ref()?;
    let opened = async {
        let key = data_key(app, connection).await?;
        app.vault.open(&key, &connection.scope(), TokenKind::Refresh, connection.token_version, &sealed.0)
    };
    // A dead key must not keep anybody from disconnecting.
    opened.await.inspect_err(|error| tracing::warn!(%error, "a refresh token cannot be opened")).ok()
}

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

async fn live(app: &App, connection: &Connection, patience: Patience) -> Result<Live> {
    match connection.status {
        Status::Active => {}
        Status::InsufficientScope => return Err(needs_connection(app, connection, "insufficient_scope")),
        Status::ReauthRequired => return Err(needs_connection(app, connection, "reauth_required")),
    }
    let now = app.clock.now();
    let left = connection.expires_at.duration_since(now);
    if left <= ENOUGH_LIFE {
        return refresh(app, connection, connection.token_version).await;
    }
    if patience == Patience::Request && now >= connection.refresh_at {
        // In the last quarter of its life: refresh if nobody else does, and live on with the old one if that fails.
        let lease_id = crate::random::id();
        if let Some(row) = app.store.lease(connection, &lease_id, now, LEASE).await? {
            match refresh_under_lease(app, row, &lease_id).await {
                Ok(live) => return Ok(live),
                Err(Error::Unavailable { .. } | Error::Upstream { .. }) => {}
                Err(error) => return Err(error),
            }
        }
    }
    open(app, connection).await
}

/// A token newer than `seen`: from the provider if we get the lease, else from whoever has it.
async fn refresh(app: &App, connection: &Connection, seen: u64) -> Result<Live> {
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
async fn refresh_under_lease(app: &App, row: Connection, lease_id: &str) -> Result<Live> {
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
    let Some(sealed) = &row.refresh else { return Err(needs_connection(app, row, "reauth_required")) };
    let refresh = app.vault.open(&key, &row.scope(), TokenKind::Refresh, row.token_version, &sealed.0)?;
    let client = app.client(row.provider).await?;
    let now = app.clock.now();
    let used = Used { seals: row.seals, since: row.key_since };
    if row.seals < MOST_SEALS && now.duration_since(row.key_since) < LONGEST_USE {
        return Ok((key, used, refresh, client));
    }
    let FreshKey { key, wrapped } = app.vault.generate(&row.scope()).await?;
    let wrapped = WrappedKey { id: key.id.clone(), wrapped: Blob(wrapped), created_at: now };
    app.store.put_data_key(&row.id, wrapped).await?;
    Ok((key, Used { seals: 0, since: now }, refresh, client))
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

async fn open(app: &App, row: &Connection) -> Result<Live> {
    let key = data_key(app, row).await?;
    let token = app.vault.open(&key, &row.scope(), TokenKind::Access, row.token_version, &row.access.0)?;
    Ok(Live { token, version: row.token_version })
}

/// The data key of a connection: from memory, else read and unwrapped.
async fn data_key(app: &App, row: &Connection) -> Result<DataKey> {
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
struct Used {
    seals: u32,
    since: Timestamp,
}

fn seal(
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

/// Notes the use of a connection, at most once an hour.
async fn touch(app: &App, connection: &Connection) {
    let now = app.clock.now();
    if now.duration_since(connection.last_used_at) < TOUCH_EVERY {
        return;
    }
    match app.store.touch(connection, now).await {
        Ok(Write::Done | Write::Refused) => {}
        // Only a display time is lost.
        Err(error) => tracing::warn!(%error, "last use not noted"),
    }
}

/// A provider's failure as our error.
pub fn told(app: &App, connection: &Connection, failure: &Failure) -> Error {
    let system = connection.provider.as_str();
    match failure.class {
        Class::NeedsReauth | Class::RefreshAndRetry => needs_connection(app, connection, "reauth_required"),
        Class::InsufficientScope => needs_connection(app, connection, "insufficient_scope"),
        Class::Throttle | Class::Transient => Error::Unavailable {
            system,
            retry_after: failure.retry_after.unwrap_or(SignedDuration::from_secs(2)),
        },
        Class::NotFound | Class::Gone => Error::NotFound("event"),
        Class::Conflict => Error::PreconditionFailed,
        Class::Duplicate => Error::conflict("duplicate", "An event with this id exists and is another one."),
        Class::Permission => Error::Forbidden {
            code: "provider_permission",
            reason: "The calendar account does not allow this.",
        },
        Class::NoMailbox => Error::conflict("no_mailbox", "The connected account has no calendar."),
        Class::Resync => Error::Malformed("the cursor has expired; start again without it".into()),
        Class::ConfigFault => {
            tracing::error!(
                metric = "ConfigurationFault",
                provider = system,
                reason = failure.reason.as_deref(),
                "our configuration at the provider is wrong"
            );
            Error::Upstream { system, code: "config_fault" }
        }
        Class::Invalid => {
            tracing::error!(
                provider = system,
                status = failure.status,
                reason = failure.reason.as_deref(),
                "the provider calls our request wrong"
            );
            Error::Upstream { system, code: "invalid" }
        }
    }
}

/// The owner must connect (again).
pub fn needs_connection(app: &App, connection: &Connection, code: &'static str) -> Error {
    let title = connection.provider.title();
    let reason = match code {
        "insufficient_scope" => format!(
            "{title} was connected without all permissions; connect again and leave every box ticked."
        ),
        "no_connection" => format!("{title} is not connected any more; connect it again."),
        _ => format!("{title} no longer accepts our access; connect it again."),
    };
    Error::NeedsConnection {
        code,
        reason: reason.into(),
        reconnect_url: app.connect_url(&connection.owner, Some(connection.provider)),
    }
}
