//! The refresh itself: the holder of a lease asks the provider once, everybody else waits for its tokens.

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use tokio::time::Instant;

use super::{
    Live, Patience,
    due::later,
    ended::{leave, refused, without_refresh_token},
    landing::{Given, land},
    margins::{AFTER_ANSWER, ENOUGH_LIFE, LEAST_ASK, MOST_ASKS, OUTAGE, POLL_EVERY, lease},
    sealed::{Sealing, data_key, open, with_key},
    told::needs_connection,
};
use crate::{
    app::App,
    deadline,
    error::{Error, Result},
    http::LONGEST_CALL,
    providers::oauth,
    random,
    store::{
        Transaction,
        connections::{Connection, Leasing, Status},
        datakeys::WrappedKey,
        row::Blob,
    },
    vault::{FreshKey, LONGEST_USE, MOST_SEALS, TokenKind},
};

/// Which tokens are wanted.
pub(super) struct Wanted {
    /// Newer than this version.
    pub(super) than: u64,
    /// How long to wait for them.
    pub(super) wait: SignedDuration,
    /// Whether to ask for a connection that was given up: its owner wants to know for certain.
    pub(super) even_dead: bool,
}

/// How an attempt to ask the provider went.
pub(super) enum Asked {
    /// It gave tokens.
    Live(Live),
    /// Somebody else is at it, or was; the row as it is, none when it is gone.
    Theirs(Option<Box<Connection>>),
    /// It could not answer, and may be asked again then.
    Later(Error, Timestamp),
}

/// Tokens newer than those that were seen: from the provider if we get the lease, else from whoever has it.
pub(super) async fn refresh(
    app: &App,
    connection: &Connection,
    seen: u64,
    patience: Patience,
) -> Result<Live> {
    newer(app, connection, &Wanted { than: seen, wait: patience.wait(), even_dead: false }).await
}

pub(super) async fn newer(app: &App, connection: &Connection, wanted: &Wanted) -> Result<Live> {
    let begun = Instant::now();
    let mut row = connection.clone();
    let mut asks = 0;
    loop {
        let now = app.clock.now();
        if row.token_version > wanted.than && row.expires_at.duration_since(now) > ENOUGH_LIFE {
            return open(app, &row).await;
        }
        match row.status {
            Status::ReauthRequired if !wanted.even_dead => {
                return Err(needs_connection(app, &row, "reauth_required"));
            }
            // New tokens would bring no scope.
            Status::InsufficientScope => return Err(needs_connection(app, &row, "insufficient_scope")),
            Status::Active | Status::ReauthRequired => {}
        }
        let mut pause = POLL_EVERY;
        if let Some(at) = row.retry_at.filter(|at| *at > now) {
            pause = patient(app, &begun, wanted, at.duration_since(now))?;
        } else if row.lease_until.is_none_or(|until| until <= now) {
            match ask(app, &row, true).await? {
                Asked::Live(live) => return Ok(live),
                Asked::Theirs(current) => {
                    row = *current.ok_or_else(|| needs_connection(app, &row, "no_connection"))?;
                    if row.token_version > wanted.than || row.status != Status::Active {
                        continue;
                    }
                }
                Asked::Later(error, at) => {
                    asks += 1;
                    if asks == MOST_ASKS {
                        return Err(error);
                    }
                    pause = patient(app, &begun, wanted, at.duration_since(now)).map_err(|_| error)?;
                }
            }
        }
        if time_left(&begun, wanted).is_zero() {
            return Err(unavailable(&row, OUTAGE));
        }
        tokio::time::sleep(pause).await;
        row = reread(app, &row).await?;
    }
}

/// How long to sleep until `wait` is over, if that can be waited for.
fn patient(app: &App, begun: &Instant, wanted: &Wanted, wait: SignedDuration) -> Result<std::time::Duration> {
    // A clock that stands never gets there.
    if wait > time_left(begun, wanted) || app.clock.stands() {
        return Err(Error::Unavailable { system: "provider", retry_after: wait });
    }
    Ok(wait.unsigned_abs())
}

fn time_left(begun: &Instant, wanted: &Wanted) -> SignedDuration {
    let passed = SignedDuration::try_from(begun.elapsed()).unwrap_or(SignedDuration::MAX);
    let by_deadline = SignedDuration::try_from(deadline::left()).unwrap_or(SignedDuration::MAX);
    (wanted.wait - passed).min(by_deadline).max(SignedDuration::ZERO)
}

/// Takes the lease and asks the provider, if nobody else does and the invocation lives long enough for it.
pub(super) async fn ask(app: &App, row: &Connection, used: bool) -> Result<Asked> {
    if deadline::left() < LEAST_ASK + AFTER_ANSWER {
        return Err(unavailable(row, SignedDuration::from_secs(1)));
    }
    let lease_id = random::id();
    let rotation = app.endpoints(row.provider)?.rotation;
    match app.store.lease(row, &lease_id, app.clock.now(), lease(rotation)).await? {
        Leasing::Ours(leased) => under_lease(app, &leased, &lease_id, used).await,
        Leasing::Theirs(current) => Ok(Asked::Theirs(current)),
    }
}

/// One provider call; between its answer and the write stands one await and no KMS call.
async fn under_lease(app: &App, row: &Connection, lease_id: &str, used: bool) -> Result<Asked> {
    let (sealing, old_refresh, client) = match prepare(app, row).await {
        Ok(prepared) => prepared,
        Err(error) => {
            leave(app, row, lease_id).await;
            return Err(error);
        }
    };
    let limit = deadline::left().saturating_sub(AFTER_ANSWER);
    if limit < LEAST_ASK {
        leave(app, row, lease_id).await;
        return Err(unavailable(row, SignedDuration::from_secs(1)));
    }
    let limit = SignedDuration::try_from(limit).unwrap_or(LONGEST_CALL).min(LONGEST_CALL);
    let asked_at = app.clock.now();
    if row.lease_until.is_none_or(|until| later(asked_at, limit) > until) {
        // A process that was frozen in between: somebody else may be asking by now.
        return Err(unavailable(row, SignedDuration::from_secs(1)));
    }
    let endpoints = app.endpoints(row.provider)?;
    let answer = oauth::refresh(&app.http, row.provider, endpoints, &client, &old_refresh, limit).await;
    match answer {
        Ok(tokens) => {
            let given = Given { tokens, asked_at, old_refresh };
            land(app, row, &sealing, given, used).await.map(Asked::Live)
        }
        Err(failure) => refused(app, row, lease_id, &failure).await,
    }
}

/// Everything that could fail before the provider is asked.
async fn prepare(app: &App, row: &Connection) -> Result<(Sealing, SecretString, oauth::Client)> {
    let Some(sealed) = &row.refresh else { return Err(without_refresh_token(app, row).await?) };
    let Some(key) = data_key(app, row).await? else {
        // Nobody replaces a key beside our lease but a new link, whose tokens are new as well.
        with_key(app, row).await?;
        return Err(unavailable(row, SignedDuration::from_secs(1)));
    };
    let refresh = app.vault.open(&key, &row.scope(), TokenKind::Refresh, row.token_version, &sealed.0)?;
    let client = app.client(row.provider).await?;
    let now = app.clock.now();
    if row.seals < MOST_SEALS && now.duration_since(row.key_since) < LONGEST_USE {
        return Ok((Sealing { key, seals: row.seals, since: row.key_since }, refresh, client));
    }
    let FreshKey { key, wrapped, kms_key } = app.vault.generate(&row.scope()).await?;
    let wrapped = WrappedKey { id: key.id.clone(), wrapped: Blob(wrapped), kms_key, created_at: now };
    match app.store.put_data_key(row, wrapped).await? {
        Transaction::Done => Ok((Sealing { key, seals: 0, since: now }, refresh, client)),
        // Disconnected or linked again in between: a key that is put now would be left behind.
        Transaction::Refused(_) => Err(needs_connection(app, row, "no_connection")),
        Transaction::Contended => {
            Err(Error::Unavailable { system: "dynamodb", retry_after: SignedDuration::from_secs(1) })
        }
    }
}

/// The row as it is at this moment.
pub(super) async fn reread(app: &App, row: &Connection) -> Result<Connection> {
    let current = app.store.connection(&row.owner, &row.id).await?;
    current.ok_or_else(|| needs_connection(app, row, "no_connection"))
}

/// The tokens of a row that another wrote in between, if it still works.
pub(super) async fn take(app: &App, row: &Connection) -> Result<Live> {
    match row.status {
        Status::Active => open(app, row).await,
        Status::InsufficientScope => Err(needs_connection(app, row, "insufficient_scope")),
        Status::ReauthRequired => Err(needs_connection(app, row, "reauth_required")),
    }
}

fn unavailable(row: &Connection, retry_after: SignedDuration) -> Error {
    Error::Unavailable { system: row.provider.as_str(), retry_after }
}
