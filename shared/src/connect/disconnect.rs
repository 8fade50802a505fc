//! Ending links: our copy goes for certain, the provider is told as best we can.

use crate::{
    app::App,
    error::{Error, Result},
    http::LONGEST_CALL,
    ids::{ConnectionId, OwnerId, Provider},
    providers::oauth,
    store::{Write, connections::Connection, landed},
    tokens,
};

/// Which links end.
#[derive(Clone, Debug, Default)]
pub struct Which {
    /// Those of one provider only.
    pub provider: Option<Provider>,
    /// This one only.
    pub connection: Option<ConnectionId>,
}

/// Ends links and returns how many there were. Works with dead tokens, and a second call finds nothing to do.
pub async fn disconnect(app: &App, owner: &OwnerId, which: &Which) -> Result<usize> {
    let rows = app.store.owner_rows(owner).await?;
    let ending: Vec<&Connection> = rows
        .connections
        .iter()
        .filter(|connection| which.provider.is_none_or(|provider| connection.provider == provider))
        .filter(|connection| which.connection.as_ref().is_none_or(|id| connection.id == *id))
        .collect();
    for connection in &ending {
        // Opened before the key is shredded, used after the row is gone: whatever the provider says, our copy is dead.
        let grant = revocable(app, connection).await?;
        purge(app, connection).await?;
        if let Some(refresh_token) = grant {
            revoke(app, connection, &refresh_token).await;
        }
        tracing::info!(%owner, connection = %connection.id, provider = %connection.provider, "disconnected");
    }
    if let Some(default) = rows.settings.default_connection.as_ref()
        && ending.iter().any(|connection| connection.id == *default)
    {
        match app.store.clear_default(owner, default).await? {
            // Refused: another one was chosen in between.
            Write::Done | Write::Refused => {}
        }
    }
    Ok(ending.len())
}

/// Deletes the connection, its note about the account and every wrapped key of it (crypto-shredding).
pub async fn purge(app: &App, connection: &Connection) -> Result<()> {
    let mut actions = Vec::from(app.store.delete_connection(connection)?);
    for key in app.store.data_keys(&connection.id).await? {
        actions.push(app.store.delete_data_key(&connection.id, &key.id)?);
        app.vault.forget(&key.id);
    }
    match landed(app.store.transact(actions).await?)? {
        Write::Done => {}
        Write::Refused => return Err(Error::internal("an unconditional delete was refused")),
    }
    // A refresh may have put a key after they were listed; none comes after the row is gone.
    shred(app, &connection.id, None).await
}

/// Deletes the wrapped keys of a connection, but for the one it still uses.
pub(super) async fn shred(app: &App, connection: &ConnectionId, keep: Option<&str>) -> Result<()> {
    for key in app.store.data_keys(connection).await? {
        if Some(key.id.as_str()) != keep {
            app.store.drop_data_key(connection, &key.id).await?;
            app.vault.forget(&key.id);
        }
    }
    Ok(())
}

/// The token to revoke with; none when the provider knows no revocation, or another owner links the same account:
/// Google ends the whole grant of the account (PROVIDERS.md, Google).
async fn revocable(app: &App, connection: &Connection) -> Result<Option<secrecy::SecretString>> {
    let known = app.endpoints(connection.provider).is_ok_and(|endpoints| endpoints.revoke_url.is_some());
    if !known || app.store.links_of_account(connection.provider, &connection.account_hash).await? > 1 {
        return Ok(None);
    }
    Ok(tokens::refresh_token(app, connection).await)
}

async fn revoke(app: &App, connection: &Connection, refresh_token: &secrecy::SecretString) {
    let Ok(endpoints) = app.endpoints(connection.provider) else { return };
    if let Err(failure) =
        oauth::revoke(&app.http, connection.provider, endpoints, refresh_token, LONGEST_CALL).await
    {
        // Best effort: the person can remove the consent in the account as well.
        tracing::warn!(provider = %connection.provider, class = ?failure.class, "the provider did not confirm the revocation");
    }
}
