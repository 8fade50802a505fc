//! Keeping tokens alive (SECURITY.md S3): one refresher at a time, answers that always land, old tokens used while
//! they live.

mod keep;
mod refresh;
mod rescue;
mod rewrap;
mod sealed;
mod told;

use std::future::Future;

use jiff::SignedDuration;
use secrecy::SecretString;

use self::{
    refresh::{LEASE, give_up, refresh, refresh_under_lease},
    sealed::{data_key, open},
};
use crate::{
    app::App,
    error::{Error, Result},
    providers::failure::{Class, Failure},
    store::{
        Write,
        connections::{Connection, Status},
    },
    vault::TokenKind,
};

pub use keep::{Kept, keep};
pub use rescue::rescue;
pub use rewrap::{Rewrapped, rewrap};
pub use sealed::seal_first;
pub use told::{needs_connection, told};

/// A token that lives at least this long is used as it is: no call of ours takes longer.
const ENOUGH_LIFE: SignedDuration = SignedDuration::from_secs(60);

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
    if live.version == connection.token_version {
        // A refresh has noted the use already.
        touch(app, connection).await;
    }
    match call(live.token).await {
        Ok(value) => Ok(value),
        Err(failure) if failure.class == Class::RefreshAndRetry => {
            let again = refresh(app, connection, live.version).await?;
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
        app.vault.open(&key, &connection.scope(), TokenKind::Refresh, connection.token_version, &sealed.0)
    };
    // A dead key must not keep anybody from disconnecting.
    opened.await.inspect_err(|error| tracing::warn!(%error, "a refresh token cannot be opened")).ok()
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
    if patience == Patience::Request && now >= connection.refresh_at && connection.refresh.is_some() {
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
