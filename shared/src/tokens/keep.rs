//! The keeper: tokens that are about to be used are fresh, idle connections stay alive, and an end is told in time.
//!
//! It runs on a schedule over a sparse index of what is due. Two runs at once do no harm: leases are theirs as well.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;

use super::{
    due::{is_due, later, next_look, warning},
    ended::without_refresh_token,
    margins::{AFTER_ANSWER, KEEPER_AGAIN, LEAST_ASK},
    refresh::{Asked, ask},
};
use crate::{
    app::App,
    deadline,
    error::{Error, Result},
    http::LONGEST_CALL,
    store::{
        Write,
        connections::{Connection, Due, Settings, Status},
        keys::{DUE_SHARDS, due_shard_at},
    },
};

/// Connections looked at in one run, of each shard; what is left is the next run's.
const PAGE: i32 = 100;

/// Connections looked at side by side: the provider's answer is what a look waits for.
const AT_ONCE: usize = 16;

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Connections that were due.
    pub looked_at: usize,
    /// New tokens.
    pub refreshed: usize,
    /// Nothing to do yet.
    pub postponed: usize,
    /// Others were warned of an end.
    pub warned: usize,
    /// Connections that need their owner from here on.
    pub ended: usize,
    /// Looks that failed; the connection stays due.
    pub failed: usize,
    /// Whether something due is left for the next run.
    pub more: bool,
}

/// How a look ended.
enum Look {
    Refreshed,
    Postponed,
    Ended,
    Failed,
    /// Not looked at: no time was left.
    Left,
}

/// One run over what is due. Starts nothing that the invocation would not live to see the end of.
pub async fn keep(app: &App) -> Result<Kept> {
    let now = app.clock.now();
    let mut kept = Kept::default();
    let mut due = Vec::new();
    for shard in 0..DUE_SHARDS {
        let page = app.store.due(&due_shard_at(shard), now, None, PAGE).await?;
        kept.more |= page.len() == usize::try_from(PAGE).unwrap_or_default();
        due.extend(page);
    }
    due.sort_by_key(|due| due.due_at);
    let looks = due.into_iter().map(|due| look(app, due, now));
    let mut looks = stream::iter(looks).buffer_unordered(AT_ONCE);
    while let Some((look, warned)) = looks.next().await {
        kept.warned += usize::from(warned);
        kept.looked_at += 1;
        match look {
            Look::Refreshed => kept.refreshed += 1,
            Look::Postponed => kept.postponed += 1,
            Look::Ended => kept.ended += 1,
            Look::Failed => kept.failed += 1,
            Look::Left => {
                kept.looked_at -= 1;
                kept.more = true;
            }
        }
    }
    Ok(kept)
}

/// One connection; and whether others were warned of its end.
async fn look(app: &App, due: Due, now: Timestamp) -> (Look, bool) {
    let longest = LONGEST_CALL.unsigned_abs() + AFTER_ANSWER + Duration::from_secs(1);
    if deadline::left() < longest.max(LEAST_ASK) {
        return (Look::Left, false);
    }
    let outcome = async {
        let rows = app.store.owner_rows(&due.owner).await?;
        let Some(row) = rows.connections.iter().find(|row| row.id == due.id) else {
            // Disconnected since the index showed it.
            return Ok((Look::Postponed, false));
        };
        let warned = warn(app, row, now).await?;
        Ok((act(app, row, &rows.settings, now).await?, warned))
    };
    let outcome: Result<_> = outcome.await;
    match outcome {
        Ok(looked) => looked,
        Err(error) => {
            tracing::warn!(%error, connection = %due.id, "the keeper could not look at a connection");
            put_off(app, &due, now).await;
            (Look::Failed, false)
        }
    }
}

async fn put_off(app: &App, due: &Due, now: Timestamp) {
    match app.store.put_off(due, later(now, KEEPER_AGAIN)).await {
        Ok(Write::Done | Write::Refused) => {}
        // It stays at the head of the page, and is tried again in the next run.
        Err(error) => tracing::warn!(%error, connection = %due.id, "a look could not be put off"),
    }
}

async fn warn(app: &App, row: &Connection, now: Timestamp) -> Result<bool> {
    let Some(death) = warning(row, now) else { return Ok(false) };
    match app.store.warn(row, death, now).await? {
        Write::Done => {
            tracing::warn!(connection = %row.id, provider = %row.provider, "will need its owner soon");
            Ok(true)
        }
        // Another run did.
        Write::Refused => Ok(false),
    }
}

async fn act(app: &App, row: &Connection, settings: &Settings, now: Timestamp) -> Result<Look> {
    if row.status != Status::Active {
        // Marked since the index showed it, which took it out.
        return Ok(Look::Postponed);
    }
    if row.refresh.is_none() && row.expires_at <= now {
        return match without_refresh_token(app, row).await? {
            Error::NeedsConnection { .. } => Ok(Look::Ended),
            _ => Ok(Look::Failed),
        };
    }
    let schedule = settings.schedule.as_ref();
    if is_due(row, schedule, now) {
        return match ask(app, row, false).await {
            Ok(Asked::Live(_)) => Ok(Look::Refreshed),
            // Its user is at it.
            Ok(Asked::Theirs(_)) => Ok(Look::Postponed),
            Ok(Asked::Later(..)) => Ok(Look::Failed),
            Err(Error::NeedsConnection { .. }) => Ok(Look::Ended),
            Err(error) => Err(error),
        };
    }
    match app.store.postpone(row, next_look(row, schedule, now)).await? {
        // Refused: tokens were written in between, and a look with them.
        Write::Done | Write::Refused => Ok(Look::Postponed),
    }
}
