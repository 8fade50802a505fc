//! Key change: data keys that an earlier KMS key wrapped are wrapped under the configured one. Tokens stay as they are.

use std::time::Duration;

use jiff::Timestamp;

use crate::{
    app::App,
    deadline,
    error::{Error, Result},
    store::{
        Write,
        connections::{Connection, Due},
        keys::{DUE_SHARDS, due_shard_at},
    },
};

/// Connections of one page.
const PAGE: i32 = 50;

/// A connection is not begun with less than this left: a few reads, one KMS call, one write.
const ENOUGH: Duration = Duration::from_secs(10);

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rewrapped {
    /// Connections that were looked at.
    pub looked_at: usize,
    /// Data keys that the configured KMS key wraps from here on.
    pub rewrapped: usize,
    /// Where to go on; none when every connection was looked at.
    pub cursor: Option<String>,
}

/// Wraps the data keys of every connection that works under the configured KMS key, for as long as the invocation lives.
///
/// `from` is the cursor of the run before. Connections that need their owner keep their old wrapping: a new link brings
/// a new data key. Connections that move in the index meanwhile may be passed over: repeat until a run finds none.
pub async fn rewrap(app: &App, from: Option<String>) -> Result<Rewrapped> {
    let current = app.vault.key_name().await?;
    let (mut shard, mut after) = from.map_or(Ok((0, None)), |text| read(&text))?;
    let mut done = Rewrapped::default();
    while shard < DUE_SHARDS {
        let page = app.store.due(&due_shard_at(shard), Timestamp::MAX, after.as_ref(), PAGE).await?;
        for due in &page {
            if deadline::left() < ENOUGH {
                done.cursor = Some(written(shard, after.as_ref()));
                return Ok(done);
            }
            done.looked_at += 1;
            if let Some(row) = app.store.connection(&due.owner, &due.id).await? {
                done.rewrapped += rewrap_one(app, &row, &current).await?;
            }
            after = Some(due.clone());
        }
        if page.is_empty() {
            (shard, after) = (shard + 1, None);
        }
    }
    Ok(done)
}

async fn rewrap_one(app: &App, row: &Connection, current: &str) -> Result<usize> {
    let mut rewrapped = 0;
    for old in app.store.data_keys(&row.id).await? {
        let Some(kms_key) = old.kms_key.clone().filter(|kms_key| kms_key != current) else { continue };
        let (blob, kms_key) = app.vault.rewrap(&row.scope(), old.wrapped.0.clone(), &kms_key).await?;
        let new = crate::store::datakeys::WrappedKey {
            wrapped: crate::store::row::Blob(blob),
            kms_key: kms_key.or_else(|| Some(current.to_owned())),
            ..old.clone()
        };
        match app.store.rewrap_data_key(&row.id, &old, &new).await? {
            Write::Done => rewrapped += 1,
            // Deleted, or wrapped by another run.
            Write::Refused => {}
        }
    }
    Ok(rewrapped)
}

/// A cursor: shard, instant, owner, connection.
fn written(shard: u8, after: Option<&Due>) -> String {
    match after {
        Some(due) => format!("{shard}|{}|{}|{}", due.due_at.as_second(), due.owner, due.id),
        None => shard.to_string(),
    }
}

fn read(text: &str) -> Result<(u8, Option<Due>)> {
    let odd = || Error::invalid("cursor", "must be the cursor of an earlier run");
    let mut parts = text.split('|');
    // A shard that does not exist would be a run that finds nothing, which says that the old key can go.
    let shard = parts.next().and_then(|shard| shard.parse().ok()).filter(|shard| *shard < DUE_SHARDS);
    let shard = shard.ok_or_else(odd)?;
    let Some(at) = parts.next() else { return Ok((shard, None)) };
    let at = at.parse().ok().and_then(|second| Timestamp::from_second(second).ok()).ok_or_else(odd)?;
    let owner = parts.next().ok_or_else(odd)?.parse().map_err(|_| odd())?;
    let id = parts.next().ok_or_else(odd)?.parse().map_err(|_| odd())?;
    Ok((shard, Some(Due { id, owner, due_at: at })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_an_odd_one_is_refused() {
        let due = Due {
            id: crate::ids::ConnectionId::derived("EXAMPLE"),
            owner: "user:user_2EXAMPLE".parse().unwrap(),
            due_at: Timestamp::from_second(1_767_600_000).unwrap(),
        };
        assert_eq!(read(&written(3, Some(&due))).unwrap(), (3, Some(due)));
        assert_eq!(read(&written(7, None)).unwrap(), (7, None));
        for odd in ["", "x", "1|", "1|2", "1|2|user:user_2EXAMPLE|con_x", "-1", "8", "99"] {
            assert!(matches!(read(odd), Err(Error::Invalid { .. })), "{odd}");
        }
    }
}
