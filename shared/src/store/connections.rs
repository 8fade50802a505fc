//! Linked accounts and their sealed tokens. `token_version` moves only when tokens are written.

mod business;
mod due;
mod lease;
mod linked;
mod settings;
mod tokens;

use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Put, TransactWriteItem};
use serde::{Deserialize, Serialize};

use super::{
    Store, Write, delete, keys, odd,
    row::{Stored, from_item, kind_of, number, text, to_item},
    written,
};
use crate::{
    error::Result,
    ids::{ConnectionId, OwnerId, Provider},
    service::{Service, ServiceId},
};

pub use business::Business;
pub use due::{Due, WARN_BEFORE};
pub use lease::{Ended, Leasing};
pub use linked::{Cause, Connection, Status};
pub use settings::Settings;
pub use tokens::{Landing, SealedTokens};

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
    /// What the owner can be booked for, by id.
    pub services: Vec<Service>,
    /// What is told about it, where it is a business that was made or named here.
    pub business: Option<Business>,
}

impl OwnerRows {
    /// A service by its id.
    pub fn service(&self, id: &ServiceId) -> Option<&Service> {
        self.services.iter().find(|service| service.id == *id)
    }

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

/// Tokens land when nobody else wrote tokens in between; the lease does not matter.
const SAME_VERSION: &str = "attribute_exists(pk) AND token_version = :version";

impl Store {
    /// Reads everything of an owner (one query; all of it shares the partition).
    pub async fn owner_rows(&self, owner: &OwnerId) -> Result<OwnerRows> {
        let mut rows = OwnerRows::default();
        for item in self.query(&self.tables().connections, keys::owner(owner)).await? {
            match kind_of(&item) {
                Connection::KIND => rows.connections.push(from_item(item)?),
                Settings::KIND => rows.settings = from_item(item)?,
                Service::KIND => rows.services.push(from_item(item)?),
                Business::KIND => rows.business = Some(from_item(item)?),
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

    /// The check that nobody wrote a connection's tokens since it was read.
    pub(super) fn check_version(&self, of: &Connection) -> Result<TransactWriteItem> {
        let check = ConditionCheck::builder()
            .table_name(&self.tables().connections)
            .set_key(Some(keys::connection(&of.owner, &of.id).item()))
            .condition_expression(SAME_VERSION)
            .expression_attribute_values(":version", number(of.token_version));
        Ok(TransactWriteItem::builder().condition_check(check.build().map_err(odd)?).build())
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
}
