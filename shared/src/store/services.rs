//! What an owner can be booked for: a row each, in the owner's own partition, so that reading the owner reads them.

use aws_sdk_dynamodb::types::TransactWriteItem;

use super::{
    Store, delete, keys,
    row::{Stored, to_item},
};
use crate::{
    error::Result,
    ids::OwnerId,
    service::{Service, ServiceId},
};

impl Stored for Service {
    const KIND: &'static str = "service";
}

impl Store {
    /// Writes a service whole: new, or over the one of the same id.
    pub async fn put_service(&self, owner: &OwnerId, service: &Service) -> Result<()> {
        let item = to_item(keys::service(owner, &service.id), service.clone())?;
        self.put(&self.tables().connections, item).await
    }

    /// Deletes a service; one that is gone is deleted.
    pub async fn delete_service(&self, owner: &OwnerId, id: &ServiceId) -> Result<()> {
        self.delete(&self.tables().connections, keys::service(owner, id)).await.map(drop)
    }

    /// The action that deletes a service together with other things.
    pub fn forget_service(&self, owner: &OwnerId, id: &ServiceId) -> Result<TransactWriteItem> {
        delete(&self.tables().connections, &keys::service(owner, id))
    }
}
