//! The sweep that AWS runs in the background, here only when told.

use std::io;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::{Dynamo, tables::read};

/// DynamoDB leaves items alone whose expiry is older than this: it takes the number for a mistake.
///
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-before-you-start.html>
const TOO_OLD: SignedDuration = SignedDuration::from_hours(5 * 365 * 24);

impl Dynamo {
    /// Deletes what expired before `now`, and says how many items that were.
    ///
    /// Stream records of these deletions do not carry the TTL service's identity.
    pub fn sweep_expired(&self, now: Timestamp) -> io::Result<usize> {
        let mut deleted = 0;
        for table in self.tables()? {
            let described = self
                .database
                .describe_time_to_live(read(json!({ "TableName": table }))?)
                .map_err(io::Error::other)?
                .time_to_live_description;
            if let Some(attribute) = described.attribute_name {
                deleted += self.sweep_table(&table, &attribute, now)?;
            }
        }
        Ok(deleted)
    }

    fn sweep_table(&self, table: &str, attribute: &str, now: Timestamp) -> io::Result<usize> {
        let condition = "#ttl < :now AND #ttl > :too_old";
        let names = json!({ "#ttl": attribute });
        let values = json!({
            ":now": { "N": now.as_second().to_string() },
            ":too_old": { "N": now.as_second().saturating_sub(TOO_OLD.as_secs()).to_string() },
        });
        let (keys, mut start, mut deleted) = (self.key_names(table)?, Value::Null, 0);
        loop {
            let mut scan = json!({
                "TableName": table, "FilterExpression": condition,
                "ExpressionAttributeNames": names, "ExpressionAttributeValues": values,
            });
            if !start.is_null() {
                scan["ExclusiveStartKey"] = start;
            }
            let page = self.database.scan(read(scan)?).map_err(io::Error::other)?;
            for item in page.items.iter().flatten() {
                let item = serde_json::to_value(item).map_err(io::Error::other)?;
                let key: Map<_, _> = keys.iter().map(|name| (name.clone(), item[name].clone())).collect();
                let delete = json!({
                    "TableName": table, "Key": key, "ConditionExpression": condition,
                    "ExpressionAttributeNames": names, "ExpressionAttributeValues": values,
                });
                match self.database.delete_item(read(delete)?) {
                    Ok(_) => deleted += 1,
                    // Somebody prolonged it in between.
                    Err(dynoxide::DynoxideError::ConditionalCheckFailedException(..)) => {}
                    Err(error) => return Err(io::Error::other(error)),
                }
            }
            start = match page.last_evaluated_key {
                Some(key) => serde_json::to_value(key).map_err(io::Error::other)?,
                None => return Ok(deleted),
            };
        }
    }

    fn key_names(&self, table: &str) -> io::Result<Vec<String>> {
        let described =
            self.database.describe_table(read(json!({ "TableName": table }))?).map_err(io::Error::other)?;
        Ok(described.table.key_schema.into_iter().map(|key| key.attribute_name).collect())
    }
}
