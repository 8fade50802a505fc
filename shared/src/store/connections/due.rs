//! The sparse index of connections that the keeper has to look at.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Connection;
use crate::{
    error::Result,
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

/// Others are warned this long before a connection's likely end.
pub const WARN_BEFORE: SignedDuration = SignedDuration::from_hours(48);

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
            let due = serde_dynamo::from_item(item);
            // One row that cannot be read must not keep the others from being looked at.
            due.inspect_err(
                |error| tracing::error!(%error, "a row of the index of what is due is unreadable"),
            )
            .ok()
        };
        Ok(page.items.unwrap_or_default().into_iter().filter_map(read).collect())
    }

    /// Puts off a look that failed, unless somebody moved it in between: others must not wait behind it.
    pub async fn put_off(&self, due: &Due, until: Timestamp) -> Result<Write> {
        let change = Change::of(
            &self.tables().connections,
            keys::connection(&due.owner, &due.id),
            "SET due_at = :until",
            "due_at = :seen",
        );
        let change =
            change.value(":until", number(until.as_second())).value(":seen", number(due.due_at.as_second()));
        written(change.call(self).send().await)
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
            "token_version = :version AND attribute_exists(due_at) AND attribute_not_exists(warned_at)",
        )
        .value(":version", number(of.token_version))
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
