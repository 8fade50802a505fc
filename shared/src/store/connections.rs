//! Linked accounts and their sealed tokens. `token_version` moves only when tokens are written.

use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, ReturnValue, TransactWriteItem};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    Store, Transaction, Write, is_refused, keys, outage,
    row::{Blob, Key, Stored, from_item, kind_of, number, seconds, text, to_item},
    written,
};
use crate::{
    error::{Error, Result},
    ids::{ConnectionId, OwnerId, Provider},
    schedule::Schedule,
    vault::Scope,
};

/// What can be done with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Everything.
    Active,
    /// Nothing until its owner connects with all scopes.
    InsufficientScope,
    /// Nothing until its owner connects again.
    ReauthRequired,
}

/// Why a connection needs its owner, where the provider told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The person or an administrator took the consent back.
    Revoked,
    /// The password was changed.
    PasswordChanged,
    /// Nobody used it for too long.
    Unused,
    /// A policy asks for another factor.
    MfaRequired,
    /// Consent is missing.
    ConsentRequired,
    /// The provider has no refresh token to give.
    NoRefreshToken,
}

/// One linked account of one provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// Its id; it stays the same when the account is linked again.
    pub id: ConnectionId,
    /// Whose it is.
    pub owner: OwnerId,
    /// The provider.
    pub provider: Provider,
    /// SHA-256 of the provider's account key (never an e-mail), hexadecimal.
    pub account_hash: String,
    /// The address to show.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_email: Option<String>,
    /// The scopes that were granted.
    pub scopes: Vec<String>,
    /// What can be done with it.
    pub status: Status,
    /// Why not everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// Fences writers of tokens; bound into the sealed values.
    pub token_version: u64,
    /// Sealed access token.
    pub access: Blob,
    /// Sealed refresh token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh: Option<Blob>,
    /// The data key that sealed both.
    pub data_key_id: String,
    /// How often that key sealed.
    pub seals: u32,
    /// Since when that key is used.
    #[serde(with = "seconds::required")]
    pub key_since: Timestamp,
    /// When the access token dies.
    #[serde(with = "seconds::required")]
    pub expires_at: Timestamp,
    /// From when on it is worth a refresh.
    #[serde(with = "seconds::required")]
    pub refresh_at: Timestamp,
    /// Who refreshes it at the moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease_id: Option<String>,
    /// Until when that is believed.
    #[serde(default, with = "seconds::optional", skip_serializing_if = "Option::is_none")]
    pub lease_until: Option<Timestamp>,
    /// Calendars that block time; empty means the account's own default calendar.
    #[serde(default)]
    pub busy_calendars: Vec<String>,
    /// The calendar that is written to; none means the account's own default calendar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub write_calendar: Option<String>,
    /// When it was first linked.
    #[serde(with = "seconds::required")]
    pub created_at: Timestamp,
    /// When its tokens were last used; moved at most once an hour.
    #[serde(with = "seconds::required")]
    pub last_used_at: Timestamp,
}

impl Stored for Connection {
    const KIND: &'static str = "connection";
}

impl Connection {
    /// What its tokens are bound to.
    pub fn scope(&self) -> Scope {
        Scope {
            owner: self.owner.clone(),
            provider: self.provider,
            connection: self.id.clone(),
            account_hash: self.account_hash.clone(),
        }
    }
}

/// An owner's settings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The connection that is written to and shown first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_connection: Option<ConnectionId>,
    /// When appointments are possible.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
}

impl Stored for Settings {
    const KIND: &'static str = "settings";
}

#[derive(Serialize, Deserialize)]
struct AccountLink {
    owner: OwnerId,
    connection: ConnectionId,
}

impl Stored for AccountLink {
    const KIND: &'static str = "account_link";
}

/// Everything of an owner, from one query.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OwnerRows {
    /// The connections, oldest first.
    pub connections: Vec<Connection>,
    /// The settings, or their defaults.
    pub settings: Settings,
}

impl OwnerRows {
    /// The connection that is written to: the chosen one, else the oldest active one, else the oldest.
    pub fn default_connection(&self) -> Option<&Connection> {
        let chosen = self.settings.default_connection.as_ref();
        self.connections
            .iter()
            .find(|connection| Some(&connection.id) == chosen)
            .or_else(|| self.connections.iter().find(|connection| connection.status == Status::Active))
            .or_else(|| self.connections.first())
    }
}

/// A refresher has the lease when nobody holds one that is still believed, and nobody wrote tokens since it looked.
const LEASE_FREE: &str =
    "token_version = :version AND (attribute_not_exists(lease_until) OR lease_until <= :now)";
/// Tokens land when nobody else wrote tokens in between; the lease does not matter.
const SAME_VERSION: &str = "attribute_exists(pk) AND token_version = :version";

/// New tokens of a connection, sealed.
pub struct SealedTokens {
    /// The version they were sealed for: one above the row's.
    pub token_version: u64,
    /// Sealed access token.
    pub access: Blob,
    /// Sealed refresh token.
    pub refresh: Option<Blob>,
    /// Seals made with the data key so far.
    pub seals: u32,
    /// The data key that sealed both.
    pub data_key_id: String,
    /// Since when that key is used.
    pub key_since: Timestamp,
    /// When the access token dies.
    pub expires_at: Timestamp,
    /// From when on it is worth a refresh.
    pub refresh_at: Timestamp,
}

impl Store {
    /// Reads everything of an owner (one query; connections and settings share the partition).
    pub async fn owner_rows(&self, owner: &OwnerId) -> Result<OwnerRows> {
        let mut rows = OwnerRows::default();
        for item in self.query(&self.tables().connections, keys::owner(owner)).await? {
            match kind_of(&item) {
                Connection::KIND => rows.connections.push(from_item(item)?),
                Settings::KIND => rows.settings = from_item(item)?,
                // Rows of a later release.
                _ => {}
            }
        }
        rows.connections.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        Ok(rows)
    }

    /// Reads one connection, as it is at this moment.
    pub async fn connection(&self, owner: &OwnerId, id: &ConnectionId) -> Result<Option<Connection>> {
        let item = self.get(&self.tables().connections, keys::connection(owner, id)).await?;
        item.map(from_item).transpose()
    }

    /// The action that writes a whole connection: new, or over the version that was read.
    pub fn put_connection(&self, connection: &Connection, over: Option<u64>) -> Result<TransactWriteItem> {
        let item = to_item(keys::connection(&connection.owner, &connection.id), connection.clone())?;
        let put = Put::builder().table_name(&self.tables().connections).set_item(Some(item));
        let put = match over {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(version) => put
                .condition_expression(SAME_VERSION)
                .expression_attribute_values(":version", number(version)),
        };
        Ok(TransactWriteItem::builder().put(put.build().map_err(odd)?).build())
    }

    /// The action that notes which account a connection links.
    pub fn put_account_link(&self, connection: &Connection) -> Result<TransactWriteItem> {
        let key = keys::account_link(connection.provider, &connection.account_hash, &connection.id);
        let link = AccountLink { owner: connection.owner.clone(), connection: connection.id.clone() };
        let put = Put::builder().table_name(&self.tables().connections).set_item(Some(to_item(key, link)?));
        Ok(TransactWriteItem::builder().put(put.build().map_err(odd)?).build())
    }

    /// The actions that delete a connection and its note about the account.
    pub fn delete_connection(&self, connection: &Connection) -> Result<[TransactWriteItem; 2]> {
        let row = keys::connection(&connection.owner, &connection.id);
        let link = keys::account_link(connection.provider, &connection.account_hash, &connection.id);
        Ok([delete(&self.tables().connections, &row)?, delete(&self.tables().connections, &link)?])
    }

    /// How many connections of all owners link this account.
    pub async fn links_of_account(&self, provider: Provider, account_hash: &str) -> Result<usize> {
        Ok(self.query(&self.tables().connections, keys::account(provider, account_hash)).await?.len())
    }

    /// Takes the lease to refresh, and returns the row it holds for; none when somebody else has it or wrote tokens.
    pub async fn lease(
        &self,
        of: &Connection,
        lease_id: &str,
        now: Timestamp,
        for_: SignedDuration,
    ) -> Result<Option<Connection>> {
        let until = now.as_second() + for_.as_secs();
        let result = self
            .client()
            .update_item()
            .table_name(&self.tables().connections)
            .set_key(Some(keys::connection(&of.owner, &of.id).item()))
            .update_expression("SET lease_id = :lease, lease_until = :until")
            .condition_expression(LEASE_FREE)
            .expression_attribute_values(":lease", text(lease_id))
            .expression_attribute_values(":until", number(until))
            .expression_attribute_values(":now", number(now.as_second()))
            .expression_attribute_values(":version", number(of.token_version))
            .return_values(ReturnValue::AllNew)
            .send()
            .await;
        match result {
            Ok(answer) => Ok(Some(from_item(answer.attributes.unwrap_or_default())?)),
            Err(error) if is_refused(&error) => Ok(None),
            Err(error) => Err(outage(error)),
        }
    }

    /// Writes new tokens and ends the lease, on the version alone: a provider's answer always lands.
    pub async fn commit_tokens(
        &self,
        of: &Connection,
        tokens: SealedTokens,
        now: Timestamp,
    ) -> Result<Write> {
        let mut set = "SET token_version = :next, access = :access, seals = :seals, data_key_id = :key, \
                       key_since = :since, expires_at = :expires, refresh_at = :refresh_at, last_used_at = :now, \
                       #status = :active"
            .to_owned();
        let mut update = self
            .client()
            .update_item()
            .table_name(&self.tables().connections)
            .set_key(Some(keys::connection(&of.owner, &of.id).item()))
            .condition_expression(SAME_VERSION)
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":active", text("active"))
            .expression_attribute_values(":version", number(of.token_version))
            .expression_attribute_values(":next", number(tokens.token_version))
            .expression_attribute_values(":access", AttributeValue::B(tokens.access.0.into()))
            .expression_attribute_values(":seals", number(tokens.seals))
            .expression_attribute_values(":key", text(tokens.data_key_id))
            .expression_attribute_values(":since", number(tokens.key_since.as_second()))
            .expression_attribute_values(":expires", number(tokens.expires_at.as_second()))
            .expression_attribute_values(":refresh_at", number(tokens.refresh_at.as_second()))
            .expression_attribute_values(":now", number(now.as_second()));
        if let Some(refresh) = tokens.refresh {
            set.push_str(", refresh = :refresh");
            update = update.expression_attribute_values(":refresh", AttributeValue::B(refresh.0.into()));
        }
        set.push_str(" REMOVE lease_id, lease_until, cause");
        written(update.update_expression(set).send().await)
    }

    /// Ends a lease early, so that the next caller need not wait for it; only the holder can.
    pub async fn release(&self, of: &Connection, lease_id: &str) -> Result<Write> {
        let update = self
            .client()
            .update_item()
            .table_name(&self.tables().connections)
            .set_key(Some(keys::connection(&of.owner, &of.id).item()))
            .update_expression("REMOVE lease_id, lease_until")
            .condition_expression("lease_id = :lease")
            .expression_attribute_values(":lease", text(lease_id));
        written(update.send().await)
    }

    /// Marks a connection as needing its owner, unless somebody wrote tokens since the row was read.
    pub async fn mark_reauth(&self, of: &Connection, cause: Cause) -> Result<Write> {
        let cause =
            serde_dynamo::to_attribute_value(cause).map_err(|error| Error::internal(error.to_string()))?;
        let update = self
            .client()
            .update_item()
            .table_name(&self.tables().connections)
            .set_key(Some(keys::connection(&of.owner, &of.id).item()))
            .update_expression("SET #status = :status, cause = :cause REMOVE lease_id, lease_until")
            .condition_expression(SAME_VERSION)
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":status", text("reauth_required"))
            .expression_attribute_values(":cause", cause)
            .expression_attribute_values(":version", number(of.token_version));
        written(update.send().await)
    }

    /// Chooses which calendars block time and which one is written to.
    pub async fn select_calendars(
        &self,
        of: &Connection,
        busy: &[String],
        write: Option<&str>,
    ) -> Result<Write> {
        let busy = AttributeValue::L(busy.iter().map(text).collect());
        let update = self
            .client()
            .update_item()
            .table_name(&self.tables().connections)
            .set_key(Some(keys::connection(&of.owner, &of.id).item()))
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":busy", busy);
        let update = match write {
            Some(id) => update
                .update_expression("SET busy_calendars = :busy, write_calendar = :write")
                .expression_attribute_values(":write", text(id)),
            None => update.update_expression("SET busy_calendars = :busy REMOVE write_calendar"),
        };
        written(update.send().await)
    }

    /// Notes that a connection's tokens were used.
    pub async fn touch(&self, of: &Connection, now: Timestamp) -> Result<Write> {
        let update = self
            .client()
            .update_item()
            .table_name(&self.tables().connections)
            .set_key(Some(keys::connection(&of.owner, &of.id).item()))
            .update_expression("SET last_used_at = :now")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":now", number(now.as_second()));
        written(update.send().await)
    }

    /// The action that deletes an owner's settings.
    pub fn delete_settings(&self, owner: &OwnerId) -> Result<TransactWriteItem> {
        delete(&self.tables().connections, &keys::settings(owner))
    }

    /// Writes an owner's settings whole.
    pub async fn put_settings(&self, owner: &OwnerId, settings: Settings) -> Result<()> {
        self.put(&self.tables().connections, to_item(keys::settings(owner), settings)?).await
    }
}

/// Whether a transaction landed; contention is told as an outage that passes.
pub fn landed(outcome: Transaction) -> Result<Write> {
    match outcome {
        Transaction::Done => Ok(Write::Done),
        Transaction::Refused(_) => Ok(Write::Refused),
        Transaction::Contended => {
            Err(Error::Unavailable { system: "dynamodb", retry_after: SignedDuration::from_secs(1) })
        }
    }
}

pub(super) fn delete(table: &str, key: &Key) -> Result<TransactWriteItem> {
    let delete = Delete::builder().table_name(table).set_key(Some(key.item())).build().map_err(odd)?;
    Ok(TransactWriteItem::builder().delete(delete).build())
}

/// The SDK's builders refuse missing fields, which are all set here.
pub(super) fn odd(error: aws_sdk_dynamodb::error::BuildError) -> Error {
    Error::internal(error.to_string())
}
