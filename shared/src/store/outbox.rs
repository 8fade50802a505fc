//! What others must be told, written in the same transaction as the change it tells of; a stream carries it on.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    Store,
    connections::{Cause, Connection},
    keys, odd,
    row::{Stored, seconds, to_item},
};
use crate::{
    error::Result,
    ids::{ConnectionId, OwnerId, Provider},
    random,
};

/// How long an event stays readable after it was carried on.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventType {
    /// A connection needs its owner from here on.
    #[serde(rename = "connection.reauth_required")]
    ReauthRequired,
    /// A connection that needed its owner works again.
    #[serde(rename = "connection.recovered")]
    Recovered,
    /// A connection will soon need its owner.
    #[serde(rename = "connection.expiring")]
    Expiring,
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its id; a consumer that saw it before drops it.
    pub id: String,
    /// What happened.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// When.
    #[serde(with = "seconds::required")]
    pub at: Timestamp,
    /// Whose connection it is.
    pub owner: OwnerId,
    /// The connection.
    pub connection: ConnectionId,
    /// Its provider.
    pub provider: Provider,
    /// Why its owner is needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// When its owner will be needed.
    #[serde(default, with = "seconds::optional", skip_serializing_if = "Option::is_none")]
    pub likely_death_at: Option<Timestamp>,
    /// When it may be forgotten.
    #[serde(with = "seconds::required")]
    pub ttl: Timestamp,
}

impl Stored for Event {
    const KIND: &'static str = "event";
}

impl Event {
    /// An event about a connection, at this moment.
    pub fn about(connection: &Connection, event_type: EventType, at: Timestamp) -> Self {
        Self {
            id: format!("evt_{}", random::id()),
            event_type,
            at,
            owner: connection.owner.clone(),
            connection: connection.id.clone(),
            provider: connection.provider,
            cause: None,
            likely_death_at: None,
            ttl: at.saturating_add(KEPT).unwrap_or(Timestamp::MAX),
        }
    }
}

impl Store {
    /// The action that writes an event.
    pub fn put_event(&self, event: Event) -> Result<TransactWriteItem> {
        let item = to_item(keys::event(&event.owner, event.at, &event.id), event)?;
        let put =
            Put::builder().table_name(&self.tables().outbox).set_item(Some(item)).build().map_err(odd)?;
        Ok(TransactWriteItem::builder().put(put).build())
    }
}
