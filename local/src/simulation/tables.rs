//! DynamoDB's protocol straight into the embedded engine, without a socket between.

use dynoxide::Database;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use shared::store::keys::{DUE_SHARDS, work_shard_at};

use super::bookings::books::Books;

/// One call: status and body.
pub(super) fn call(database: &Database, operation: &str, body: &[u8]) -> (u16, Vec<u8>) {
    match operation {
        "GetItem" => run(body, |asked| database.get_item(asked)),
        "PutItem" => run(body, |asked| database.put_item(asked)),
        "UpdateItem" => run(body, |asked| database.update_item(asked)),
        "DeleteItem" => run(body, |asked| database.delete_item(asked)),
        "Query" => run(body, |asked| database.query(asked)),
        "TransactWriteItems" => run(body, |asked| database.transact_write_items(asked)),
        other => refused(400, "UnknownOperationException", other),
    }
}

/// The index of unfinished bookings, whose part a booking's random id decides: asked for the first part it shows what is
/// in all of them, in the order in which the bookings were made, and nothing in the others. A seed would not repeat
/// otherwise.
pub(super) fn work(
    database: &Database,
    operation: &str,
    body: &[u8],
    books: &Books,
) -> Option<(u16, Vec<u8>)> {
    if operation != "Query" {
        return None;
    }
    let mut asked: Value = serde_json::from_slice(body).ok()?;
    if asked["IndexName"] != "work" {
        return None;
    }
    let is_first = asked["ExpressionAttributeValues"][":shard"]["S"] == work_shard_at(0);
    let mut found = Vec::new();
    for shard in 0..if is_first { DUE_SHARDS } else { 0 } {
        asked["ExpressionAttributeValues"][":shard"]["S"] = work_shard_at(shard).into();
        let (status, body) = call(database, operation, asked.to_string().as_bytes());
        if status != 200 {
            return Some((status, body));
        }
        let page: Value = serde_json::from_slice(&body).ok()?;
        found.extend(page["Items"].as_array().cloned().unwrap_or_default());
    }
    found.sort_by_key(|item| books.number_of(item["id"]["S"].as_str().unwrap_or_default()));
    let answer = json!({"Items": found, "Count": found.len(), "ScannedCount": found.len()});
    Some((200, answer.to_string().into_bytes()))
}

fn run<A: DeserializeOwned, R: Serialize>(
    body: &[u8],
    act: impl FnOnce(A) -> Result<R, dynoxide::DynoxideError>,
) -> (u16, Vec<u8>) {
    let asked = match serde_json::from_slice(body) {
        Ok(asked) => asked,
        Err(error) => return refused(400, "SerializationException", &error.to_string()),
    };
    match act(asked) {
        Ok(answer) => match serde_json::to_vec(&answer) {
            Ok(body) => (200, body),
            Err(error) => refused(500, "InternalServerError", &error.to_string()),
        },
        Err(error) => (error.status_code(), error.to_json().into_bytes()),
    }
}

/// A transaction that another one kept from happening; the embedded engine has never two at once.
pub(super) fn contended() -> (u16, Vec<u8>) {
    let body = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": "Transaction cancelled, please refer cancellation reasons for specific reasons [TransactionConflict]",
        "CancellationReasons": [
            {"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"},
        ],
    });
    (400, body.to_string().into_bytes())
}

/// An error in DynamoDB's words.
pub(super) fn refused(status: u16, name: &str, message: &str) -> (u16, Vec<u8>) {
    let body = json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{name}"), "message": message});
    (status, body.to_string().into_bytes())
}
