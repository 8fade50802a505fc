//! Wrapped data keys, in a table without backups: deleting one makes its tokens unreadable everywhere.

use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Store, Transaction, Write,
    change::Change,
    connections::Connection,
    delete, keys, odd,
    row::{Blob, Stored, from_item, seconds, text, to_item},
    written,
};
use crate::{error::Result, ids::ConnectionId};

/// A data key as KMS wrapped it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrappedKey {
    /// Its id; the connection names it.
    pub id: String,
    /// The KMS ciphertext.
    pub wrapped: Blob,
    /// The KMS key that wrapped it, as KMS names it; none means the one that is configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kms_key: Option<String>,
    /// When it was made.
    #[serde(with = "seconds::required")]
    pub created_at: Timestamp,
}

impl Stored for WrappedKey {
    const KIND: &'static str = "data_key";
}

impl Store {
    /// Reads a wrapped key.
    pub async fn data_key(&self, connection: &ConnectionId, id: &str) -> Result<Option<WrappedKey>> {
        self.get(&self.tables().keys, keys::data_key(connection, id)).await?.map(from_item).transpose()
    }

    /// Stores a wrapped key before a refresh seals with it, if the connection is still the one that was read.
    pub async fn put_data_key(&self, of: &Connection, key: WrappedKey) -> Result<Transaction> {
        let actions = vec![self.check_version(of)?, self.put_data_key_action(&of.id, key)?];
        self.transact(actions).await
    }

    /// Stores a data key that was wrapped again, unless it was deleted or wrapped again by another.
    pub async fn rewrap_data_key(
        &self,
        connection: &ConnectionId,
        old: &WrappedKey,
        new: &WrappedKey,
    ) -> Result<Write> {
        let change = Change::of(
            &self.tables().keys,
            keys::data_key(connection, &old.id),
            "SET #wrapped = :new, kms_key = :key",
            "#wrapped = :old",
        )
        .name("#wrapped", "wrapped")
        .value(":old", AttributeValue::B(old.wrapped.0.clone().into()))
        .value(":new", AttributeValue::B(new.wrapped.0.clone().into()))
        .value(":key", text(new.kms_key.as_deref().unwrap_or_default()));
        written(change.call(self).send().await)
    }

    /// The action that stores a wrapped key together with the connection it is for.
    pub fn put_data_key_action(
        &self,
        connection: &ConnectionId,
        key: WrappedKey,
    ) -> Result<TransactWriteItem> {
        let item = to_item(keys::data_key(connection, &key.id), key)?;
        let put = Put::builder().table_name(&self.tables().keys).set_item(Some(item)).build().map_err(odd)?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// The action that deletes a wrapped key.
    pub fn delete_data_key(&self, connection: &ConnectionId, id: &str) -> Result<TransactWriteItem> {
        delete(&self.tables().keys, &keys::data_key(connection, id))
    }

    /// Deletes a wrapped key on its own.
    pub async fn drop_data_key(&self, connection: &ConnectionId, id: &str) -> Result<()> {
        self.delete(&self.tables().keys, keys::data_key(connection, id)).await.map(drop)
    }

    /// All wrapped keys of a connection.
    pub async fn data_keys(&self, connection: &ConnectionId) -> Result<Vec<WrappedKey>> {
        let pk = keys::data_key(connection, "").pk;
        self.query(&self.tables().keys, pk).await?.into_iter().map(from_item).collect()
    }
}
