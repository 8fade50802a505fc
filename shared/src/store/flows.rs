//! Attempts to connect: written once, burned once, completed once.

use aws_sdk_dynamodb::types::{
    Put, ReturnValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Store, Transaction, is_refused, keys, odd, outage,
    row::{self, Blob, Stored, from_item, number, seconds, text, to_item},
};
use crate::{
    error::{Error, Result},
    ids::{OwnerId, Provider},
};

/// One attempt to connect (SECURITY.md S1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// SHA-256 of the state, hexadecimal.
    pub id: String,
    /// For whom.
    pub owner: OwnerId,
    /// Which provider.
    pub provider: Provider,
    /// The redirect URI of the authorization request; the exchange must repeat it.
    pub redirect_uri: String,
    /// Where the browser goes at the end: on the allow-list.
    pub return_to: String,
    /// SHA-256 of the flow's cookie, hexadecimal.
    pub cookie_hash: String,
    /// The Clerk user whose session cookie was verified at the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proved_by: Option<String>,
    /// Whether the new link takes the place of the owner's others of that provider.
    #[serde(default)]
    pub replace: bool,
    /// After this it is dead, whether or not the row is gone.
    #[serde(with = "seconds::required")]
    pub ttl: Timestamp,
    /// When its state came back; set once.
    #[serde(default, with = "seconds::optional", skip_serializing_if = "Option::is_none")]
    pub burned_at: Option<Timestamp>,
    /// SHA-256 of the handle that completes it, hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handle_hash: Option<String>,
    /// The authorization code, sealed with the flow key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sealed_code: Option<Blob>,
}

impl Stored for Flow {
    const KIND: &'static str = "flow";
}

/// Why a flow cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dead {
    /// No such flow, or one whose row is gone.
    Unknown,
    /// It was burned before.
    Used,
    /// Its time is over.
    Expired,
}

/// A counter that a start moves in the same write.
pub struct Counter {
    /// What is counted, for whom.
    pub who: String,
    /// The most in one window.
    pub most: u32,
}

/// Counters count in windows of this many seconds.
const WINDOW_SECONDS: i64 = 600;

/// A state comes back once, and in time.
const UNBURNED: &str = "attribute_exists(pk) AND attribute_not_exists(burned_at) AND #ttl > :now";
/// A handle completes once, in time, and only with its own secret.
const UNCOMPLETED: &str = "handle_hash = :handle AND attribute_exists(sealed_code) AND #ttl > :now";
/// A counter has room, or is new.
const HAS_ROOM: &str = "attribute_not_exists(n) OR n < :most";

impl Store {
    /// Writes a new flow and moves its counters, in one transaction. `false` when a counter is full.
    pub async fn start_flow(&self, flow: Flow, counters: &[Counter], now: Timestamp) -> Result<bool> {
        let table = &self.tables().flows;
        let put = Put::builder()
            .table_name(table)
            .set_item(Some(to_item(keys::flow(&flow.id), flow)?))
            .condition_expression("attribute_not_exists(pk)");
        let mut actions = vec![TransactWriteItem::builder().put(put.build().map_err(odd)?).build()];
        for counter in counters {
            actions.push(counted(table, counter, now)?);
        }
        // Two starts of one owner at once meet on the counter; the loser tries again.
        for _ in 0..4 {
            match self.transact(actions.clone()).await? {
                Transaction::Done => return Ok(true),
                Transaction::Refused(_) => return Ok(false),
                Transaction::Contended => {}
            }
        }
        Err(Error::Unavailable { system: "dynamodb", retry_after: jiff::SignedDuration::from_secs(1) })
    }

    /// Marks the state as used and returns its flow; only the first caller gets it.
    pub async fn burn_flow(&self, id: &str, now: Timestamp) -> Result<Result<Flow, Dead>> {
        let result = self
            .client()
            .update_item()
            .table_name(&self.tables().flows)
            .set_key(Some(keys::flow(id).item()))
            .update_expression("SET burned_at = :now")
            .condition_expression(UNBURNED)
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":now", number(now.as_second()))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match result {
            Ok(answer) => Ok(Ok(from_item(answer.attributes.unwrap_or_default())?)),
            Err(error) if is_refused(&error) => {
                use aws_sdk_dynamodb::operation::update_item::UpdateItemError::ConditionalCheckFailedException as Failed;
                let Some(Failed(failed)) = error.as_service_error() else { return Ok(Err(Dead::Unknown)) };
                Ok(Err(why_dead(failed.item(), now)))
            }
            Err(error) => Err(outage(error)),
        }
    }

    /// Keeps the sealed code and the handle's hash until its owner completes the flow.
    pub async fn await_proof(
        &self,
        id: &str,
        handle_hash: &str,
        sealed_code: Vec<u8>,
        until: Timestamp,
    ) -> Result<()> {
        self.client()
            .update_item()
            .table_name(&self.tables().flows)
            .set_key(Some(keys::flow(id).item()))
            .update_expression("SET handle_hash = :handle, sealed_code = :code, #ttl = :until")
            .condition_expression("attribute_exists(burned_at)")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":handle", text(handle_hash))
            .expression_attribute_values(
                ":code",
                aws_sdk_dynamodb::types::AttributeValue::B(sealed_code.into()),
            )
            .expression_attribute_values(":until", number(until.as_second()))
            .send()
            .await
            .map_err(outage)?;
        Ok(())
    }

    /// Takes the flow that a handle completes, and its code out of the row; only the first caller gets it.
    pub async fn take_flow(&self, id: &str, handle_hash: &str, now: Timestamp) -> Result<Option<Flow>> {
        let result = self
            .client()
            .update_item()
            .table_name(&self.tables().flows)
            .set_key(Some(keys::flow(id).item()))
            .update_expression("REMOVE sealed_code")
            .condition_expression(UNCOMPLETED)
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":handle", text(handle_hash))
            .expression_attribute_values(":now", number(now.as_second()))
            .return_values(ReturnValue::AllOld)
            .send()
            .await;
        match result {
            Ok(answer) => Ok(Some(from_item(answer.attributes.unwrap_or_default())?)),
            Err(error) if is_refused(&error) => Ok(None),
            Err(error) => Err(outage(error)),
        }
    }
}

fn why_dead(item: Option<&row::Item>, now: Timestamp) -> Dead {
    let Some(flow) = item.and_then(|item| from_item::<Flow>(item.clone()).ok()) else { return Dead::Unknown };
    match (flow.burned_at, flow.ttl <= now) {
        (Some(_), _) => Dead::Used,
        (None, true) => Dead::Expired,
        (None, false) => Dead::Unknown,
    }
}

fn counted(table: &str, counter: &Counter, now: Timestamp) -> Result<TransactWriteItem> {
    let window = now.as_second().div_euclid(WINDOW_SECONDS);
    let key = keys::rate("start", &counter.who, window);
    let update = Update::builder()
        .table_name(table)
        .set_key(Some(key.item()))
        .update_expression("ADD n :one SET #ttl = :ttl, kind = :kind, v = :v")
        .condition_expression(HAS_ROOM)
        .expression_attribute_names("#ttl", "ttl")
        .expression_attribute_values(":one", number(1))
        .expression_attribute_values(":most", number(counter.most))
        .expression_attribute_values(":ttl", number((window + 2) * WINDOW_SECONDS))
        .expression_attribute_values(":kind", text("rate"))
        .expression_attribute_values(":v", number(row::VERSION));
    Ok(TransactWriteItem::builder().update(update.build().map_err(odd)?).build())
}
