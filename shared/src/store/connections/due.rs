//! The sparse index of connections that the keeper has to look at.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Connection;
use crate::{
    error::{Error, Result},
    ids::{ConnectionId, OwnerId},
    store::{
        Store, Write,
        change::Change,
        keys, landed, outage,
        outbox::{Event, EventType},
        row::{Item, number, seconds, text},
        written,
    },
};

/// The index's name in template.yaml.
const INDEX: &str = "due";

/// A connection as the index shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// The connection.
    pub id: ConnectionId,
    /// Its owner.
    pub owner: OwnerId,
    /// When it is due.
    #[serde(with = "seconds::required")]
    pub due_at: Timestamp,
}

impl Store {
    /// The connections of one shard that are due until then, the longest due first; `after` is the last of the page
    /// before. Read from the index, so it may be a moment old.
    pub async fn due(
        &self,
        shard: &str,
        until: Timestamp,
        after: Option<&Due>,
        most: i32,
    ) -> Result<Vec<Due>> {
        let page = self
            .client()
            .query()
            .table_name(&self.tables().connections)
            .index_name(INDEX)
            .key_condition_expression("due_shard = :shard AND due_at <= :until")
            .expression_attribute_values(":shard", text(shard))
            .expression_attribute_values(":until", number(until.as_second()))
            .set_exclusive_start_key(after.map(|due| index_key(shard, due)))
            .limit(most)
            .send()
            .await
            .map_err(outage)?;
        let read = |item| {
            serde_dynamo::from_item(item)
                .map_err(|error| Error::internal(format!("the index of what is due: {error}")))
        };
        page.items.unwrap_or_default().into_iter().map(read).collect()
    }

    /// Puts off the keeper's next look, unless tokens were written in between.
    pub async fn postpone(&self, of: &Connection, due_at: Timestamp) -> Result<Write> {
        let change = Change::of(
            &self.tables().connections,
            keys::connection(&of.owner, &of.id),
            "SET due_at = :due",
            "token_version = :version AND attribute_exists(due_at)",
        );
        let change =
            change.value(":due", number(due_at.as_second())).value(":version", number(of.token_version));
        written(change.call(self).send().await)
    }

    /// Warns others that a connection will need its owner; once.
    pub async fn warn(&self, of: &Connection, likely_death_at: Timestamp, now: Timestamp) -> Result<Write> {
        let change = Change::of(
            &self.tables().connections,
            keys::connection(&of.owner, &of.id),
            "SET warned_at = :now",
            "attribute_exists(pk) AND attribute_not_exists(warned_at)",
        )
        .value(":now", number(now.as_second()));
        let event =
            Event { likely_death_at: Some(likely_death_at), ..Event::about(of, EventType::Expiring, now) };
        landed(self.transact(vec![change.action()?, self.put_event(event)?]).await?)
    }
}

fn index_key(shard: &str, due: &Due) -> Item {
    let mut key = keys::connection(&due.owner, &due.id).item();
    key.insert("due_shard".to_owned(), AttributeValue::S(shard.to_owned()));
    key.insert("due_at".to_owned(), number(due.due_at.as_second()));
    key
}
