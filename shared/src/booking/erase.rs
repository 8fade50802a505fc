//! Erasing the bookings of a deleted owner: names, numbers and notes of whoever called him.

use jiff::SignedDuration;

use crate::{
    app::App,
    error::{Error, Result},
    ids::OwnerId,
};

/// Rows deleted at once; DynamoDB takes a hundred actions in a transaction.
const AT_ONCE: usize = 100;

/// A request that was under way when its owner was deleted has ended by then, and what it wrote is seen.
const AGAIN_AFTER: SignedDuration = SignedDuration::from_mins(5);

/// Deletes every row of an owner's and answers how many there were. While there were some, more may come, and the
/// reconciler looks again.
pub async fn erase(app: &App, owner: &OwnerId) -> Result<usize> {
    let found = app.store.everything_booked(owner).await?;
    for rows in found.chunks(AT_ONCE) {
        let rows = rows.iter().map(|key| app.store.erase_booked(key)).collect::<Result<Vec<_>>>()?;
        app.store.unconditionally(rows).await?;
    }
    let next = if found.is_empty() {
        app.store.end_erasure(owner)?
    } else {
        let again = app.clock.now().saturating_add(AGAIN_AFTER);
        app.store.ask_erasure(owner, again.map_err(|error| Error::internal(error.to_string()))?)?
    };
    app.store.unconditionally(vec![next]).await?;
    tracing::info!(%owner, erased = found.len(), "rows of a deleted owner are erased");
    Ok(found.len())
}
