//! The tables of template.yaml, made in the embedded DynamoDB.

use std::io;

use dynoxide::Database;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Dynamo;
use crate::gateway::{TableSpec, Template};

impl Dynamo {
    /// Makes the template's tables that do not exist yet: keys, indexes, streams, and which attribute expires items.
    pub fn create_tables(&self, template: &Template) -> io::Result<()> {
        let existing = self.tables()?;
        for table in template.tables.iter().filter(|table| !existing.contains(&table.name)) {
            make_table(&self.database, table)?;
        }
        Ok(())
    }

    /// Deletes every table, and makes the template's again.
    pub fn reset(&self, template: &Template) -> io::Result<()> {
        for name in self.tables()? {
            self.database.delete_table(read(json!({ "TableName": name }))?).map_err(io::Error::other)?;
        }
        self.create_tables(template)
    }

    /// The tables there are.
    pub(super) fn tables(&self) -> io::Result<Vec<String>> {
        let listed = self.database.list_tables(read(json!({}))?).map_err(io::Error::other)?;
        Ok(listed.table_names)
    }
}

/// Makes the template's tables in an empty engine.
pub(crate) fn make_tables(database: &Database, template: &Template) -> io::Result<()> {
    template.tables.iter().try_for_each(|table| make_table(database, table))
}

fn make_table(database: &Database, table: &TableSpec) -> io::Result<()> {
    database.create_table(read(table.definition.clone())?).map_err(io::Error::other)?;
    let Some(attribute) = &table.expires_by else { return Ok(()) };
    let expiry = json!({
        "TableName": table.name,
        "TimeToLiveSpecification": { "AttributeName": attribute, "Enabled": true },
    });
    database.update_time_to_live(read(expiry)?).map_err(io::Error::other)?;
    Ok(())
}

/// A request as the API's JSON, read into dynoxide's own struct.
pub(super) fn read<T: DeserializeOwned>(request: Value) -> io::Result<T> {
    serde_json::from_value(request).map_err(io::Error::other)
}
