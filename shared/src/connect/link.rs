//! Redeeming a code and writing what it gave: connection, wrapped key and account note in one transaction.

use std::collections::BTreeSet;

use secrecy::SecretString;

use super::{disconnect::shred, start::verifier};
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
        Transaction, Write,
        connections::{Connection, OwnerRows, Status},
        datakeys::WrappedKey,
        flows::Flow,
        keys::due_shard,
        outbox::{Event, EventType},
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

/// What a code gave.
struct Grant {
    tokens: Tokens,
    identity: Identity,
    account_hash: String,
    /// Whether every scope that is needed was granted.
    complete: bool,
}

/// Redeems the code of a proved flow and activates the link.
///
/// The same account again replaces its tokens and keeps its id; another account is added, or takes the place of the
/// owner's others of that provider when the flow says `replace`, which live until the new one is committed. A consent
/// with too few scopes never touches a link that works, and a deleted user gets none.
pub(super) async fn link(app: &App, flow: &Flow, code: &SecretString) -> Result<Linked> {
    let grant = redeem(app, flow, code).await?;
    // Two links of one account at once meet on the connection's id: the loser finds a link to renew.
    for _ in 0..2 {
        let rows = app.store.owner_rows(&flow.owner).await?;
        let same = rows.connections.iter().find(|connection| {
            connection.provider == flow.provider && connection.account_hash == grant.account_hash
        });
        if !grant.complete && same.is_some_and(|connection| connection.status == Status::Active) {
            return Err(too_few_scopes());
        }
        let connection = sealed_connection(app, flow, same, &grant).await?;
        if write(app, flow, &rows, same, connection).await? == Write::Refused {
            continue;
        }
        let id = same.map_or_else(|| own_id(flow, &grant), |connection| connection.id.clone());
        tracing::info!(owner = %flow.owner, provider = %flow.provider, connection = %id, complete = grant.complete, "linked");
        if !grant.complete {
            return Err(too_few_scopes());
        }
        return Ok(Linked { connection: id, provider: flow.provider, account_email: grant.identity.email });
    }
    Err(Error::conflict("connection_changed", "The connection changed at the same moment. Connect again."))
}

/// One owner has one connection for an account.
fn own_id(flow: &Flow, grant: &Grant) -> ConnectionId {
    ConnectionId::derived(&format!("{}\n{}\n{}", flow.owner, flow.provider, grant.account_hash))
}

/// The row to write, with its tokens sealed under a fresh data key.
async fn sealed_connection(
    app: &App,
    flow: &Flow,
    same: Option<&Connection>,
    grant: &Grant,
) -> Result<(Connection, WrappedKey)> {
    let now = app.clock.now();
    let id = same.map_or_else(|| own_id(flow, grant), |connection| connection.id.clone());
    let scope = Scope {
        owner: flow.owner.clone(),
        provider: flow.provider,
        connection: id.clone(),
        account_hash: grant.account_hash.clone(),
    };
    // A link that ended had the same id: versions never start over, so that nobody who still holds its row can write.
    let first = u64::try_from(now.as_millisecond()).unwrap_or(1);
    let version = same.map_or(first, |connection| connection.token_version + 1);
    let (sealed, wrapped) = tokens::seal_first(app, &scope, version, &grant.tokens).await?;
    let connection = Connection {
        id: id.clone(),
        owner: scope.owner,
        provider: flow.provider,
        account_hash: scope.account_hash,
        account_email: grant.identity.email.clone(),
        scopes: grant.tokens.scopes.clone(),
        status: if grant.complete { Status::Active } else { Status::InsufficientScope },
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
        asks: BTreeSet::new(),
        unheard_at: None,
        retry_at: None,
        granted_at: now,
        refreshed_at: sealed.refreshed_at,
        refresh_dies_at: sealed.refresh_dies_at,
        // Too few scopes mend nothing: that it works again is told when it does.
        dead_since: same.and_then(|connection| connection.dead_since).filter(|_| !grant.complete),
        warned_at: None,
        due_shard: grant.complete.then(|| due_shard(&id)),
        due_at: grant.complete.then_some(sealed.due_at),
        busy_calendars: same.map(|connection| connection.busy_calendars.clone()).unwrap_or_default(),
        write_calendar: same.and_then(|connection| connection.write_calendar.clone()),
        created_at: same.map_or(now, |connection| connection.created_at),
        last_used_at: now,
    };
    Ok((connection, wrapped))
}

/// Connection, wrapped key and account note in one transaction, together with the end of what they replace.
async fn write(
    app: &App,
    flow: &Flow,
    rows: &OwnerRows,
    same: Option<&Connection>,
    (connection, wrapped): (Connection, WrappedKey),
) -> Result<Write> {
    let key = wrapped.id.clone();
    let mut actions = vec![
        app.store.check_alive(flow.owner.id())?,
        app.store.put_connection(&connection, same.map(|connection| connection.token_version))?,
        app.store.put_account_link(&connection)?,
        app.store.put_data_key_action(&connection.id, wrapped)?,
    ];
    let is_replaced = |old: &&Connection| {
        flow.replace
            && connection.status == Status::Active
            && old.provider == flow.provider
            && old.id != connection.id
    };
    if let Some(old) = same.filter(|old| old.dead_since.is_some() && connection.status == Status::Active) {
        let event = Event::about(old, EventType::Recovered, app.clock.now());
        actions.push(app.store.put_event(event)?);
    }
    let replaced: Vec<_> = rows.connections.iter().filter(is_replaced).collect();
    for old in &replaced {
        actions.extend(app.store.delete_connection(old)?);
    }
    match app.store.transact(actions).await? {
        Transaction::Done => {}
        Transaction::Refused(which) if which.first() == Some(&true) => return Err(Error::NotFound("user")),
        Transaction::Refused(_) | Transaction::Contended => return Ok(Write::Refused),
    }
    for old in replaced {
        shred(app, &old.id, None).await?;
    }
    if same.is_some() {
        shred(app, &connection.id, Some(&key)).await?;
    }
    Ok(Write::Done)
}

async fn redeem(app: &App, flow: &Flow, code: &SecretString) -> Result<Grant> {
    let (client, verifier) = (app.client(flow.provider).await?, verifier(app, &flow.id).await?);
    let endpoints = app.endpoints(flow.provider)?;
    let tokens = oauth::exchange_code(
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
    .map_err(|failure| exchange_failed(flow, &failure))?;
    let identity = identity(flow.provider, endpoints, &client.id, app.clock.now(), &tokens)
        .map_err(|failure| exchange_failed(flow, &failure))?;
    let account_hash = random::hex(&random::sha256(identity.account_key.as_bytes()));
    let complete = granted(flow.provider, &tokens.scopes);
    Ok(Grant { tokens, identity, account_hash, complete })
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
