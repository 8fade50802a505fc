//! Redeeming a code and writing what it gave: connection, wrapped key and account note in one transaction.

use secrecy::SecretString;

use super::start::verifier;
use crate::{
    app::App,
    error::{Error, Result},
    http::LONGEST_CALL,
    ids::{ConnectionId, Provider},
    providers::{
        failure::{Class, Failure},
        identity::{Identity, identity},
        oauth::{self, Tokens},
        spec::granted,
    },
    random,
    store::{
        Write,
        connections::{Connection, OwnerRows, Status, landed},
        flows::Flow,
    },
    tokens,
    vault::Scope,
};

/// A link that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linked {
    /// The connection.
    pub connection: ConnectionId,
    /// Its provider.
    pub provider: Provider,
    /// The address to show.
    pub account_email: Option<String>,
}

/// Redeems the code of a proved flow and activates the link.
///
/// The same account again replaces its tokens and keeps its id; another account is added, or takes the place of the
/// owner's others of that provider when the flow says `replace`, which live until the new one is committed. A consent
/// with too few scopes never touches a link that works.
pub(super) async fn link(app: &App, flow: &Flow, code: &SecretString) -> Result<Linked> {
    let tokens = redeem(app, flow, code).await?;
    let client_id =
        app.config.providers.get(&flow.provider).map_or("", |settings| settings.client_id.as_str());
    let who = identity(flow.provider, app.endpoints(flow.provider)?, client_id, app.clock.now(), &tokens)
        .map_err(|failure| exchange_failed(flow, &failure))?;
    let rows = app.store.owner_rows(&flow.owner).await?;
    let account_hash = random::hex(&random::sha256(who.account_key.as_bytes()));
    let same = rows
        .connections
        .iter()
        .find(|connection| connection.provider == flow.provider && connection.account_hash == account_hash);
    let complete = granted(flow.provider, &tokens.scopes);
    if !complete && same.is_some_and(|connection| connection.status == Status::Active) {
        return Err(too_few_scopes());
    }
    let linked = write(app, flow, &rows, same, &who, &tokens, complete, account_hash).await?;
    if complete { Ok(linked) } else { Err(too_few_scopes()) }
}

#[expect(
    clippy::too_many_arguments,
    reason = "what a link is made of; no two of them belong together elsewhere"
)]
async fn write(
    app: &App,
    flow: &Flow,
    rows: &OwnerRows,
    same: Option<&Connection>,
    identity: &Identity,
    tokens: &Tokens,
    complete: bool,
    account_hash: String,
) -> Result<Linked> {
    let now = app.clock.now();
    let id = same.map_or_else(ConnectionId::random, |connection| connection.id.clone());
    let scope =
        Scope { owner: flow.owner.clone(), provider: flow.provider, connection: id.clone(), account_hash };
    let version = same.map_or(1, |connection| connection.token_version + 1);
    let (sealed, wrapped) = tokens::seal_first(app, &scope, version, tokens).await?;
    let connection = Connection {
        id: id.clone(),
        owner: scope.owner,
        provider: flow.provider,
        account_hash: scope.account_hash,
        account_email: identity.email.clone(),
        scopes: tokens.scopes.clone(),
        status: if complete { Status::Active } else { Status::InsufficientScope },
        cause: None,
        token_version: sealed.token_version,
        access: sealed.access,
        refresh: sealed.refresh,
        data_key_id: sealed.data_key_id,
        seals: sealed.seals,
        key_since: sealed.key_since,
        expires_at: sealed.expires_at,
        refresh_at: sealed.refresh_at,
        lease_id: None,
        lease_until: None,
        busy_calendars: same.map(|connection| connection.busy_calendars.clone()).unwrap_or_default(),
        write_calendar: same.and_then(|connection| connection.write_calendar.clone()),
        created_at: same.map_or(now, |connection| connection.created_at),
        last_used_at: now,
    };
    let mut actions = vec![
        app.store.put_connection(&connection, same.map(|connection| connection.token_version))?,
        app.store.put_account_link(&connection)?,
        app.store.put_data_key_action(&id, wrapped)?,
    ];
    if let Some(same) = same {
        actions.push(app.store.delete_data_key(&id, &same.data_key_id)?);
    }
    if flow.replace && complete {
        for old in rows.connections.iter().filter(|old| old.provider == flow.provider && old.id != id) {
            actions.extend(app.store.delete_connection(old)?);
            actions.push(app.store.delete_data_key(&old.id, &old.data_key_id)?);
        }
    }
    match landed(app.store.transact(actions).await?)? {
        Write::Done => {}
        Write::Refused => {
            return Err(Error::conflict(
                "connection_changed",
                "The connection changed at the same moment. Connect again.",
            ));
        }
    }
    tracing::info!(owner = %flow.owner, provider = %flow.provider, connection = %id, complete, "linked");
    Ok(Linked { connection: id, provider: flow.provider, account_email: identity.email.clone() })
}

async fn redeem(app: &App, flow: &Flow, code: &SecretString) -> Result<Tokens> {
    let (client, verifier) = (app.client(flow.provider).await?, verifier(app, &flow.id).await?);
    let endpoints = app.endpoints(flow.provider)?;
    oauth::exchange_code(
        &app.http,
        flow.provider,
        endpoints,
        &client,
        &flow.redirect_uri,
        code,
        &verifier,
        LONGEST_CALL,
    )
    .await
    .map_err(|failure| exchange_failed(flow, &failure))
}

fn exchange_failed(flow: &Flow, failure: &Failure) -> Error {
    let reason = failure.reason.as_deref();
    match failure.class {
        Class::ConfigFault | Class::Invalid => {
            tracing::error!(metric = "ConfigurationFault", provider = %flow.provider, reason, "a code exchange was refused because of our configuration");
            Error::Upstream { system: flow.provider.as_str(), code: "config_fault" }
        }
        Class::Throttle | Class::Transient => Error::ConnectFailed {
            code: "provider_unavailable",
            reason: "The provider could not answer. Try again in a minute.",
        },
        class => {
            tracing::info!(provider = %flow.provider, reason, ?class, "a code exchange was refused");
            Error::ConnectFailed {
                code: "exchange_failed",
                reason: "The provider did not accept the authorization. Start again.",
            }
        }
    }
}

fn too_few_scopes() -> Error {
    Error::ConnectFailed {
        code: "insufficient_scope",
        reason: "Not every permission was granted. Connect again and leave every box ticked.",
    }
}
