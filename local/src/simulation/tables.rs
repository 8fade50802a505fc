//! DynamoDB's protocol straight into the embedded engine, without a socket between.

use dynoxide::Database;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

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

/// An error in DynamoDB's words.
pub(super) fn refused(status: u16, name: &str, message: &str) -> (u16, Vec<u8>) {
    let body = json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{name}"), "message": message});
    (status, body.to_string().into_bytes())
}
