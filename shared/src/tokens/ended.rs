//! Asks that gave no tokens: who has to act, and when somebody may ask again.

use jiff::{SignedDuration, Timestamp};

use super::{
    due::later,
    margins::{KEEPER_AGAIN, LONGEST_WAIT, MISCONFIGURED, OUTAGE, THROTTLED},
    refresh::{Asked, reread, take},
    told::{needs_connection, told},
};
use crate::{
    app::App,
    error::{Error, Result},
    ids::Provider,
    providers::{
        failure::{Class, Failure},
        spec::spec,
    },
    store::{
        Write,
        connections::{Cause, Connection, Ended, Status},
    },
};

/// Consent for a Google app in testing ends after this long (Google: "Using OAuth 2.0 to Access Google APIs").
const TEST_MODE_LIFE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A death that shows this long after those seven days is taken for theirs.
const TEST_MODE_SEEN: SignedDuration = SignedDuration::from_hours(24);

/// An ask that nobody heard arrives within this time, or never.
const LATE_ASK: SignedDuration = SignedDuration::from_hours(2);

/// Google keeps this many refresh tokens of one account and client alive (the same page).
const MOST_REFRESH_TOKENS: usize = 100;

/// The provider refused a refresh.
pub(super) async fn refused(app: &App, row: &Connection, lease_id: &str, failure: &Failure) -> Result<Asked> {
    if failure.class != Class::NeedsReauth {
        let error = told(app, row, failure);
        let wait = wait_after(failure);
        let retry_at = later(app.clock.now(), wait);
        end(app, row, lease_id, is_heard(failure), Some(retry_at), fault(app, row, failure)).await;
        return match error {
            Error::Unavailable { system, .. } => {
                Ok(Asked::Later(Error::Unavailable { system, retry_after: wait }, retry_at))
            }
            error => Err(error),
        };
    }
    // Somebody else may have refreshed or linked again since we read the token.
    let current = reread(app, row).await?;
    if current.token_version > row.token_version {
        return take(app, &current).await.map(Asked::Live);
    }
    let cause = cause_of(app, row, lease_id, failure).await;
    match mark_heard(app, row, cause, failure.reason.as_deref(), Some(lease_id)).await? {
        Write::Done => Err(needs_connection(app, row, "reauth_required")),
        // Written or marked in between.
        Write::Refused => match reread(app, row).await? {
            current if current.token_version > row.token_version => {
                take(app, &current).await.map(Asked::Live)
            }
            current if current.status == Status::ReauthRequired => {
                leave(app, row, lease_id).await;
                Err(needs_connection(app, &current, "reauth_required"))
            }
            _ => Err(Error::Unavailable { system: "dynamodb", retry_after: SignedDuration::from_secs(1) }),
        },
    }
}

/// Marks a connection whose newest token is refused, unless somebody wrote a newer one.
pub(super) async fn give_up(app: &App, connection: &Connection, version: u64) -> Result<Error> {
    let row = reread(app, connection).await?;
    if row.token_version == version && row.status == Status::Active {
        match mark(app, &row, Cause::Revoked, Some("refused_when_fresh")).await? {
            // Refused: written again in between, and the next call uses that.
            Write::Done | Write::Refused => {}
        }
    }
    Ok(needs_connection(app, &row, "reauth_required"))
}

/// The provider never gave a refresh token, and the access token is at its end.
pub(super) async fn without_refresh_token(app: &App, row: &Connection) -> Result<Error> {
    match mark(app, row, Cause::NoRefreshToken, None).await? {
        // Refused: linked again in between, and the next call uses that.
        Write::Done | Write::Refused => Ok(needs_connection(app, row, "reauth_required")),
    }
}

/// The key that sealed its tokens is gone: nobody can open them any more.
pub(super) async fn key_lost(app: &App, row: &Connection) -> Result<Error> {
    match mark(app, row, Cause::KeyLost, None).await? {
        // Refused: linked again in between, and the next call uses that.
        Write::Done | Write::Refused => Ok(needs_connection(app, row, "reauth_required")),
    }
}

async fn mark(app: &App, row: &Connection, cause: Cause, reason: Option<&str>) -> Result<Write> {
    mark_heard(app, row, cause, reason, None).await
}

/// `ask` is the ask that the provider refused: it was heard.
async fn mark_heard(
    app: &App,
    row: &Connection,
    cause: Cause,
    reason: Option<&str>,
    ask: Option<&str>,
) -> Result<Write> {
    let written = app.store.mark_reauth(row, cause, ask, app.clock.now()).await?;
    if written == Write::Done {
        let metric = if cause == Cause::RotationLost { "RotationLost" } else { "ReauthRequired" };
        tracing::warn!(metric, connection = %row.id, provider = %row.provider, ?cause, reason, "needs its owner");
    }
    Ok(written)
}

/// Ends a lease under which nothing was asked.
pub(super) async fn leave(app: &App, row: &Connection, lease_id: &str) {
    end(app, row, lease_id, true, None, None).await;
}

async fn end(
    app: &App,
    row: &Connection,
    lease_id: &str,
    heard: bool,
    retry_at: Option<Timestamp>,
    cause: Option<Cause>,
) {
    let again = later(app.clock.now(), KEEPER_AGAIN);
    let due_at = retry_at.map_or(again, |at| at.max(again));
    match app.store.end_lease(row, &Ended { lease_id, heard, retry_at, cause, due_at }).await {
        Ok(Write::Done | Write::Refused) => {}
        // It ends by itself.
        Err(error) => tracing::warn!(%error, connection = %row.id, "a lease could not be ended"),
    }
}

/// Whether the refresh token is surely unused: a server that breaks down, or is cut off, may have rotated it before.
fn is_heard(failure: &Failure) -> bool {
    match failure.status {
        Some(status) => status < 500 || failure.class == Class::Throttle,
        None => failure.reason.as_deref() == Some("not_sent"),
    }
}

fn wait_after(failure: &Failure) -> SignedDuration {
    let usual = match failure.class {
        Class::Throttle => THROTTLED,
        Class::ConfigFault | Class::Invalid => MISCONFIGURED,
        Class::NeedsReauth
        | Class::RefreshAndRetry
        | Class::InsufficientScope
        | Class::Transient
        | Class::Permission
        | Class::NotFound
        | Class::Gone
        | Class::Conflict
        | Class::Duplicate
        | Class::Resync
        | Class::NoMailbox => OUTAGE,
    };
    failure.retry_after.unwrap_or(usual).min(LONGEST_WAIT)
}

/// A fault of our registration, to be shown on the connection. The secret is read again: it may have been renewed.
fn fault(app: &App, row: &Connection, failure: &Failure) -> Option<Cause> {
    if failure.class != Class::ConfigFault {
        return None;
    }
    app.forget_client(row.provider);
    // AADSTS7000222: "The provided client secret keys are expired".
    let expired = failure.reason.as_deref() == Some("AADSTS7000222");
    Some(if expired { Cause::ClientSecretExpired } else { Cause::Configuration })
}

/// Why a grant is gone: from the provider's code, else from what we know of the refresh token.
async fn cause_of(app: &App, row: &Connection, lease_id: &str, failure: &Failure) -> Cause {
    match failure.reason.as_deref() {
        Some("AADSTS70008" | "AADSTS700082") => return Cause::Unused,
        // Given to a registration as a single-page app: 24 hours.
        Some("AADSTS700084") => return Cause::TimeLimited,
        Some("AADSTS50173" | "AADSTS50133") => return Cause::PasswordChanged,
        Some("AADSTS50076" | "AADSTS50078" | "AADSTS50079") => return Cause::MfaRequired,
        Some("AADSTS65001" | "consent_required") => return Cause::ConsentRequired,
        _ => {}
    }
    let now = app.clock.now();
    let late = row.unheard_at.is_some_and(|at| now.duration_since(at) < LATE_ASK);
    if late || row.asks.iter().any(|ask| ask != lease_id) {
        return Cause::RotationLost;
    }
    if is_test_mode(row, now) {
        return Cause::TestMode;
    }
    if row.refresh_dies_at.is_some_and(|dies| dies <= now) {
        return Cause::TimeLimited;
    }
    if now >= later(row.refreshed_at, spec(row.provider).idle_lifetime) {
        return Cause::Unused;
    }
    match row.provider {
        Provider::Google => {
            let links = app.store.links_of_account(row.provider, &row.account_hash).await;
            match links {
                Ok(links) if links >= MOST_REFRESH_TOKENS => Cause::TokenLimit,
                // The cause is a help; what matters is that the grant is gone.
                Ok(_) | Err(_) => Cause::Revoked,
            }
        }
        Provider::Microsoft => Cause::Revoked,
    }
}

/// Whether a Google refresh token died of the seven days that it has while the app is in testing. Google says so in its
/// answer; where it did not, a token that worked before the seventh day and is dead right after it tells the same.
fn is_test_mode(row: &Connection, now: Timestamp) -> bool {
    let end = later(row.granted_at, TEST_MODE_LIFE);
    let said = row.refresh_dies_at.is_some_and(|dies| dies <= end && dies <= now);
    let shown = row.refresh_dies_at.is_none()
        && row.refreshed_at < end
        && end <= now
        && now < later(end, TEST_MODE_SEEN);
    row.provider == Provider::Google && (said || shown)
}
