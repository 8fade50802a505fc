//! What was seen before: webhook deliveries, and finished operations whose answers are replayed.

use aws_sdk_dynamodb::types::{Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    Store, is_refused, keys, odd, outage,
    row::{Key, Stored, from_item, number, seconds, to_item},
};
use crate::error::Result;

/// While a delivery is being worked on, a second one waits; a crash frees it after this.
const IN_PROGRESS: SignedDuration = SignedDuration::from_secs(60);

/// Svix retries for 27.5 hours; a week covers a redelivery by hand.
const SEEN: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A finished answer is replayed for a day.
pub const REPLAYED_FOR: SignedDuration = SignedDuration::from_hours(24);

#[derive(Serialize, Deserialize)]
struct Seen {
    done: bool,
    #[serde(with = "seconds::required")]
    busy_until: Timestamp,
    #[serde(with = "seconds::required")]
    ttl: Timestamp,
}

impl Stored for Seen {
    const KIND: &'static str = "webhook";
}

/// Whether a delivery is ours to work on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Nobody had it.
    First,
    /// Somebody is at it.
    InProgress,
    /// It was done.
    Done,
}

/// An operation under way or finished, under its idempotency key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// SHA-256 of what was asked, hexadecimal: the same key with another request is a mistake.
    pub request_hash: String,
    /// The booking or event it is about.
    pub subject: String,
    /// The finished answer, as JSON; none while it is under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// When it started.
    #[serde(with = "seconds::required")]
    pub started_at: Timestamp,
    /// When it may be forgotten.
    #[serde(with = "seconds::required")]
    pub ttl: Timestamp,
}

impl Stored for Operation {
    const KIND: &'static str = "operation";
}

/// Nobody has the delivery, or who had it let go, or its row is older than it should be.
const FREE: &str = "attribute_not_exists(pk) OR (done = :false AND busy_until <= :now) OR #ttl <= :now";

impl Store {
    /// Claims a webhook delivery.
    pub async fn claim_delivery(&self, source: &str, id: &str, now: Timestamp) -> Result<Delivery> {
        let seen = Seen { done: false, busy_until: plus(now, IN_PROGRESS), ttl: plus(now, SEEN) };
        let result = self
            .client()
            .put_item()
            .table_name(&self.tables().flows)
            .set_item(Some(to_item(keys::webhook(source, id), seen)?))
            .condition_expression(FREE)
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":now", number(now.as_second()))
            .expression_attribute_values(":false", aws_sdk_dynamodb::types::AttributeValue::Bool(false))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match result {
            Ok(_) => Ok(Delivery::First),
            Err(error) if is_refused(&error) => {
                use aws_sdk_dynamodb::operation::put_item::PutItemError::ConditionalCheckFailedException as Failed;
                let seen = match error.as_service_error() {
                    Some(Failed(failed)) => failed.item().cloned().map(from_item::<Seen>).transpose()?,
                    _ => None,
                };
                Ok(if seen.is_some_and(|seen| seen.done) { Delivery::Done } else { Delivery::InProgress })
            }
            Err(error) => Err(outage(error)),
        }
    }

    /// The action that marks a delivery as done, together with its effect.
    pub fn finish_delivery(&self, source: &str, id: &str, now: Timestamp) -> Result<TransactWriteItem> {
        let seen = Seen { done: true, busy_until: now, ttl: plus(now, SEEN) };
        let item = to_item(keys::webhook(source, id), seen)?;
        let put =
            Put::builder().table_name(&self.tables().flows).set_item(Some(item)).build().map_err(odd)?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// Reads an operation; one whose time is over counts as none.
    pub async fn operation(&self, key: Key, now: Timestamp) -> Result<Option<Operation>> {
        let found: Option<Operation> =
            self.get(&self.tables().flows, key).await?.map(from_item).transpose()?;
        Ok(found.filter(|operation| operation.ttl > now))
    }

    /// The action that starts an operation, unless one under the same key is there.
    pub fn start_operation(
        &self,
        key: Key,
        operation: Operation,
        now: Timestamp,
    ) -> Result<TransactWriteItem> {
        let put = Put::builder()
            .table_name(&self.tables().flows)
            .set_item(Some(to_item(key, operation)?))
            .condition_expression("attribute_not_exists(pk) OR #ttl <= :now")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":now", number(now.as_second()));
        Ok(TransactWriteItem::builder().put(put.build().map_err(odd)?).build())
    }

    /// The action that forgets an operation which came to nothing.
    pub fn forget_operation(&self, key: &Key) -> Result<TransactWriteItem> {
        super::delete(&self.tables().flows, key)
    }

    /// The action that stores an operation's finished answer.
    pub fn finish_operation(&self, key: Key, operation: Operation) -> Result<TransactWriteItem> {
        let put = Put::builder().table_name(&self.tables().flows).set_item(Some(to_item(key, operation)?));
        Ok(TransactWriteItem::builder().put(put.build().map_err(odd)?).build())
    }
}

fn plus(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.saturating_add(by).unwrap_or(Timestamp::MAX)
}
