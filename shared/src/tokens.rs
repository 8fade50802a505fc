//! Keeping tokens alive (SECURITY.md S3): one refresher at a time, answers that always land, old tokens used while
//! they live.

mod due;
mod ended;
mod fix;
mod keep;
mod landing;
mod margins;
mod refresh;
mod rewrap;
mod sealed;
mod told;

use std::future::Future;

use jiff::SignedDuration;
use secrecy::SecretString;

use self::{
    ended::give_up,
    margins::{ENOUGH_LIFE, FORCED_EVERY, TOUCH_EVERY},
    refresh::{Asked, Wanted, ask, newer, refresh},
    sealed::{data_key, open},
};
use crate::{
    app::App,
    error::{Error, Result},
    providers::{
        failure::{Class, Failure},
        spec::Rotation,
    },
    store::{
        Write,
        connections::{Connection, Status},
    },
    vault::TokenKind,
};

pub use due::likely_death;
pub use fix::fix;
pub use keep::{Kept, keep};
pub use landing::rescue;
pub use rewrap::{Rewrapped, rewrap};
pub use sealed::seal_first;
pub use told::{needs_connection, told};

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
    // Boxed, as below: a refresh is rare, and every caller's future would carry its state.
    let live = Box::pin(live(app, connection, patience)).await?;
    if live.version == connection.token_version {
        // A refresh has noted the use already.
        touch(app, connection).await;
    }
    match call(live.token).await {
        Ok(value) => Ok(value),
        Err(failure) if failure.class == Class::RefreshAndRetry => {
            let again = Box::pin(refresh(app, connection, live.version, patience)).await?;
            match call(again.token).await {
                Ok(value) => Ok(value),
                // A token fresh from the provider that the provider refuses: the grant is gone.
                Err(failure) if failure.class == Class::RefreshAndRetry => {
                    Err(give_up(app, connection, again.version).await?)
                }
                Err(failure) => Err(told(app, connection, &failure)),
            }
        }
        Err(failure) => Err(told(app, connection, &failure)),
    }
}

/// The refresh token, for a revocation; none when there is none or it does not open.
pub async fn refresh_token(app: &App, connection: &Connection) -> Option<SecretString> {
    let sealed = connection.refresh.as_ref()?;
    let opened = async {
        let key = data_key(app, connection).await?;
        let key = key.ok_or_else(|| needs_connection(app, connection, "no_connection"))?;
        app.vault.open(&key, &connection.scope(), TokenKind::Refresh, connection.token_version, &sealed.0)
    };
    // A dead key must not keep anybody from disconnecting.
    opened.await.inspect_err(|error| tracing::warn!(%error, "a refresh token cannot be opened")).ok()
}

/// New tokens because somebody asks for them, even for a connection that was given up: its owner wants to know for
/// certain. Still one provider call for all who ask at once; tokens that are new already stay.
pub async fn renew(app: &App, connection: &Connection) -> Result<()> {
    let age = app.clock.now().duration_since(connection.refreshed_at);
    let nothing_to_renew = connection.refresh.is_none() && connection.expires_at > app.clock.now();
    if connection.status == Status::Active && (age < FORCED_EVERY || nothing_to_renew) {
        return Ok(());
    }
    let wanted = Wanted { than: connection.token_version, wait: Patience::Request.wait(), even_dead: true };
    newer(app, connection, &wanted).await.map(drop)
}

async fn live(app: &App, connection: &Connection, patience: Patience) -> Result<Live> {
    match connection.status {
        Status::Active => {}
        Status::InsufficientScope => return Err(needs_connection(app, connection, "insufficient_scope")),
        Status::ReauthRequired => return Err(needs_connection(app, connection, "reauth_required")),
    }
    let left = connection.expires_at.duration_since(app.clock.now());
    // Without a refresh token the access token is all there is, to its last second.
    let enough = if connection.refresh.is_some() { ENOUGH_LIFE } else { SignedDuration::ZERO };
    if left <= enough {
        return refresh(app, connection, connection.token_version, patience).await;
    }
    if patience == Patience::Request && is_worth_asking(app, connection) {
        // In the last quarter of its life: refresh if nobody else does, and live on with the old one if that fails.
        match ask(app, connection, true).await {
            Ok(Asked::Live(live)) => return Ok(live),
            Ok(Asked::Theirs(Some(newer))) if newer.token_version > connection.token_version => {
                return open(app, &newer).await;
            }
            Ok(Asked::Theirs(_) | Asked::Later(..)) => {}
            Err(Error::Unavailable { .. } | Error::Upstream { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    open(app, connection).await
}

/// Whether a refresh of a token that still lives is worth a try.
fn is_worth_asking(app: &App, connection: &Connection) -> bool {
    let now = app.clock.now();
    let may = connection.refresh.is_some() && connection.retry_at.is_none_or(|at| at <= now);
    // An answer that nobody heard may have used the refresh token up: asking again could then end the whole grant, and
    // the access token with it.
    let endpoints = app.endpoints(connection.provider);
    let keeps = endpoints.is_ok_and(|endpoints| endpoints.rotation == Rotation::KeepsOld);
    may && (keeps || connection.asks.is_empty()) && now >= connection.refresh_at
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
