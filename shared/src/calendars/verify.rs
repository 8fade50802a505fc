//! Whether a connection works, found out by using it.

use super::selection::listings;
use crate::{
    app::App,
    error::{Error, Result},
    ids::{ConnectionId, OwnerId},
    store::connections::{Connection, OwnerRows, Status},
    tokens,
};

/// Asks the provider for something small with a connection's tokens. Returns whether it gave that, and the owner's rows
/// as they are then, which say why not.
///
/// `renew` gets new tokens first, also for a connection that was given up; everybody who asks at once shares one
/// provider call. An error means that nothing was found out.
pub async fn verify(app: &App, owner: &OwnerId, id: &ConnectionId, renew: bool) -> Result<(bool, OwnerRows)> {
    let rows = app.store.owner_rows(owner).await?;
    let connection = of(&rows, id)?;
    if renew {
        told(tokens::renew(app, connection).await)?;
    }
    let rows = app.store.owner_rows(owner).await?;
    let connection = of(&rows, id)?;
    let works = connection.status == Status::Active && told(listings(app, connection).await.map(drop))?;
    Ok((works, app.store.owner_rows(owner).await?))
}

fn of<'a>(rows: &'a OwnerRows, id: &ConnectionId) -> Result<&'a Connection> {
    rows.connections.iter().find(|row| row.id == *id).ok_or(Error::NotFound("connection"))
}

/// That the owner is needed is what was to be found out.
fn told(outcome: Result<()>) -> Result<bool> {
    match outcome {
        Ok(()) => Ok(true),
        Err(Error::NeedsConnection { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}
