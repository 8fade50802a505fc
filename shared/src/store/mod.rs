//! Rows in DynamoDB: one file an item kind, conditions beside the write they guard.
//!
//! A lost condition is an answer, never an error. Keys are built in `keys.rs` and nowhere else.

pub mod bookings;
mod change;
pub mod connections;
pub mod datakeys;
pub mod dedupe;
pub mod directory;
pub mod flows;
pub mod keys;
pub mod ledger;
pub mod outbox;
pub mod row;
mod services;

use std::sync::{Arc, OnceLock};

use aws_sdk_dynamodb::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    operation::transact_write_items::TransactWriteItemsError,
    types::{Delete, ReturnValue, TransactWriteItem},
};
use jiff::{SignedDuration, Timestamp};

use crate::{
    aws::Aws,
    config::Tables,
    error::{Error, Result},
};

/// The tables; the client is made at first need.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    aws: Aws,
    client: OnceLock<Client>,
    tables: Tables,
    retention: SignedDuration,
}

/// Whether a conditional write landed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Write {
    /// It did.
    Done,
    /// Its condition did not hold; nothing changed.
    Refused,
}

/// How a transaction ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Transaction {
    /// All of it landed.
    Done,
    /// Nothing landed; `true` at the place of each action whose condition did not hold.
    Refused(Vec<bool>),
    /// Nothing landed, because another transaction held one of the rows. Try again.
    Contended,
}

impl Store {
    /// Calls nothing yet. Bookings may be forgotten `retention` after their end.
    pub fn new(aws: Aws, tables: Tables, retention: SignedDuration) -> Self {
        Self(Arc::new(Inner { aws, client: OnceLock::new(), tables, retention }))
    }

    /// When something that ended may be forgotten.
    pub fn forgotten(&self, ended: Timestamp) -> Timestamp {
        ended.saturating_add(self.0.retention).unwrap_or(Timestamp::MAX)
    }

    fn client(&self) -> &Client {
        self.0.client.get_or_init(|| self.0.aws.dynamodb())
    }

    fn tables(&self) -> &Tables {
        &self.0.tables
    }

    /// Reads one item, as it is at this moment.
    async fn get(&self, table: &str, key: row::Key) -> Result<Option<row::Item>> {
        let get = self.client().get_item().table_name(table).set_key(Some(key.item())).consistent_read(true);
        Ok(get.send().await.map_err(outage)?.item)
    }

    /// Reads a whole partition, as it is at this moment.
    async fn query(&self, table: &str, pk: String) -> Result<Vec<row::Item>> {
        self.query_between(table, pk, None).await
    }

    /// Reads the part of a partition between two sort keys, both included.
    async fn query_between(
        &self,
        table: &str,
        pk: String,
        between: Option<(&str, &str)>,
    ) -> Result<Vec<row::Item>> {
        let mut items = Vec::new();
        let mut from = None;
        loop {
            let query = self
                .client()
                .query()
                .table_name(table)
                .expression_attribute_values(":pk", row::text(&pk))
                .consistent_read(true)
                .set_exclusive_start_key(from);
            let query = match between {
                None => query.key_condition_expression("pk = :pk"),
                Some((first, last)) => query
                    .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
                    .expression_attribute_values(":first", row::text(first))
                    .expression_attribute_values(":last", row::text(last)),
            };
            let page = query.send().await.map_err(outage)?;
            items.extend(page.items.unwrap_or_default());
            from = page.last_evaluated_key;
            if from.is_none() {
                return Ok(items);
            }
        }
    }

    /// Writes one item whole.
    async fn put(&self, table: &str, item: row::Item) -> Result<()> {
        self.client().put_item().table_name(table).set_item(Some(item)).send().await.map_err(outage)?;
        Ok(())
    }

    /// Deletes one item; `false` when it was gone.
    async fn delete(&self, table: &str, key: row::Key) -> Result<bool> {
        let delete = self.client().delete_item().table_name(table).set_key(Some(key.item()));
        let deleted = delete.return_values(ReturnValue::AllOld).send().await.map_err(outage)?;
        Ok(deleted.attributes.is_some())
    }

    /// Writes all actions or none.
    pub async fn transact(&self, actions: Vec<TransactWriteItem>) -> Result<Transaction> {
        let result = self.client().transact_write_items().set_transact_items(Some(actions)).send().await;
        let Err(error) = result else { return Ok(Transaction::Done) };
        if let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
            error.as_service_error()
        {
            let codes: Vec<_> = cancelled
                .cancellation_reasons()
                .iter()
                .map(|reason| reason.code().unwrap_or("None"))
                .collect();
            if codes.contains(&"ConditionalCheckFailed") {
                return Ok(Transaction::Refused(
                    codes.iter().map(|code| *code == "ConditionalCheckFailed").collect(),
                ));
            }
            if codes.contains(&"TransactionConflict") {
                return Ok(Transaction::Contended);
            }
            if codes.contains(&"ValidationError") {
                return Err(Error::internal("DynamoDB calls a transaction invalid"));
            }
        }
        Err(outage(error))
    }

    /// Writes actions that have no condition, all or none.
    pub async fn unconditionally(&self, actions: Vec<TransactWriteItem>) -> Result<()> {
        match landed(self.transact(actions).await?)? {
            Write::Done => Ok(()),
            Write::Refused => Err(Error::internal("an unconditional write was refused")),
        }
    }
}

/// Whether a write's condition did not hold.
fn is_refused<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    error.as_service_error().and_then(ProvideErrorMetadata::code) == Some("ConditionalCheckFailedException")
}

/// A conditional write's result as an answer.
fn written<T, E: ProvideErrorMetadata, R>(result: Result<T, SdkError<E, R>>) -> Result<Write> {
    match result {
        Ok(_) => Ok(Write::Done),
        Err(error) if is_refused(&error) => Ok(Write::Refused),
        Err(error) => Err(outage(error)),
    }
}

/// A failed call: outages may be repeated by the caller, everything else is a bug of ours.
fn outage<E: ProvideErrorMetadata, R>(error: SdkError<E, R>) -> Error {
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    match code {
        Some("ValidationException" | "ResourceNotFoundException" | "AccessDeniedException") => {
            Error::internal(format!("DynamoDB refused: {}", code.unwrap_or_default()))
        }
        _ => Error::Unavailable { system: "dynamodb", retry_after: SignedDuration::from_secs(1) },
    }
}

/// Whether a transaction landed; contention is told as an outage that passes.
pub fn landed(outcome: Transaction) -> Result<Write> {
    match outcome {
        Transaction::Done => Ok(Write::Done),
        Transaction::Refused(_) => Ok(Write::Refused),
        Transaction::Contended => {
            Err(Error::Unavailable { system: "dynamodb", retry_after: SignedDuration::from_secs(1) })
        }
    }
}

fn delete(table: &str, key: &row::Key) -> Result<TransactWriteItem> {
    let delete = Delete::builder().table_name(table).set_key(Some(key.item())).build().map_err(odd)?;
    Ok(TransactWriteItem::builder().delete(delete).build())
}

/// The SDK's builders refuse missing fields, which are all set here.
fn odd(error: aws_sdk_dynamodb::error::BuildError) -> Error {
    Error::internal(error.to_string())
}
