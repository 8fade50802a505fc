//! Erasing everything of an owner's in the table of bookings: his callers' names and numbers with it.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    error::Result,
    ids::OwnerId,
    store::{
        Store, delete, keys, odd,
        row::{Key, Stored, key_of, seconds, to_item},
    },
};

/// Says that everything of an owner goes; the reconciler finds it by its place in the index of unfinished work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// Whose rows go.
    pub owner: OwnerId,
    /// Its part of the index.
    pub work_shard: String,
    /// When the reconciler looks at it.
    #[serde(with = "seconds::required")]
    pub work_at: Timestamp,
}

impl Stored for Erasure {
    const KIND: &'static str = "erasure";
}

impl Store {
    /// The action that asks for an erasure from then on.
    pub fn ask_erasure(&self, owner: &OwnerId, work_at: Timestamp) -> Result<TransactWriteItem> {
        let erasure = Erasure { owner: owner.clone(), work_shard: keys::erasure_shard(owner), work_at };
        let item = to_item(keys::erasure(owner), erasure)?;
        let put = Put::builder().table_name(&self.tables().bookings).set_item(Some(item));
        Ok(TransactWriteItem::builder().put(put.build().map_err(odd)?).build())
    }

    /// The keys of everything that an owner has in the table of bookings, but for the erasure itself.
    pub async fn everything_booked(&self, owner: &OwnerId) -> Result<Vec<Key>> {
        let items = self.query(&self.tables().bookings, keys::owner(owner)).await?;
        let itself = keys::erasure(owner);
        let keys = items.iter().map(key_of).collect::<Result<Vec<_>>>()?;
        Ok(keys.into_iter().filter(|key| *key != itself).collect())
    }

    /// The action that deletes a row of the table of bookings.
    pub fn erase_booked(&self, key: &Key) -> Result<TransactWriteItem> {
        delete(&self.tables().bookings, key)
    }

    /// The action that ends an erasure.
    pub fn end_erasure(&self, owner: &OwnerId) -> Result<TransactWriteItem> {
        delete(&self.tables().bookings, &keys::erasure(owner))
    }
}
