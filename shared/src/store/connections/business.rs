//! What is told about a business, beside its settings. It lies in the owner's partition, so that reading it costs nothing.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Settings;
use crate::{
    error::Result,
    ids::OwnerId,
    store::{
        Store, keys, odd,
        row::{Stored, from_item, seconds, to_item},
    },
};

/// A business.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Business {
    /// What people call it.
    pub name: String,
    /// The tenant whose service token made it; that tenant's tokens act for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub managed_by: Option<OwnerId>,
    /// Hash of the request that made it, so that a repeat is told from another request under the same key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<String>,
    /// When it was made.
    #[serde(with = "seconds::required")]
    pub created_at: Timestamp,
    /// When its name was last set.
    #[serde(with = "seconds::required")]
    pub updated_at: Timestamp,
}

impl Stored for Business {
    const KIND: &'static str = "business";
}

/// Nobody made it before.
const NEW: &str = "attribute_not_exists(pk)";

impl Store {
    /// Reads what is told about a business.
    pub async fn business(&self, of: &OwnerId) -> Result<Option<Business>> {
        self.get(&self.tables().connections, keys::business(of)).await?.map(from_item).transpose()
    }

    /// The actions that make a business with its settings; refused when it is there.
    pub fn make_business(
        &self,
        of: &OwnerId,
        business: &Business,
        settings: &Settings,
    ) -> Result<[TransactWriteItem; 2]> {
        let table = &self.tables().connections;
        let new = Put::builder()
            .table_name(table)
            .set_item(Some(to_item(keys::business(of), business.clone())?))
            .condition_expression(NEW);
        let set =
            Put::builder().table_name(table).set_item(Some(to_item(keys::settings(of), settings.clone())?));
        Ok([
            TransactWriteItem::builder().put(new.build().map_err(odd)?).build(),
            TransactWriteItem::builder().put(set.build().map_err(odd)?).build(),
        ])
    }

    /// Writes what is told about a business, whole.
    pub async fn put_business(&self, of: &OwnerId, business: &Business) -> Result<()> {
        self.put(&self.tables().connections, to_item(keys::business(of), business.clone())?).await
    }
}
