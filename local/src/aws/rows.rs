//! Rows as plain JSON, for whoever looks into a table from outside; nothing of it is counted.

use std::io;

use serde_json::{Map, Value, json};

use super::{Dynamo, tables::read};

impl Dynamo {
    /// Every row of a table, by its instant (`at`) and then by its key.
    pub fn rows(&self, table: &str) -> io::Result<Vec<Value>> {
        let (mut rows, mut start) = (Vec::new(), Value::Null);
        loop {
            let mut scan = json!({ "TableName": table });
            if !start.is_null() {
                scan["ExclusiveStartKey"] = start;
            }
            let page = self.database.scan(read(scan)?).map_err(io::Error::other)?;
            for item in page.items.iter().flatten() {
                rows.push(object(&serde_json::to_value(item).map_err(io::Error::other)?));
            }
            start = match page.last_evaluated_key {
                Some(key) => serde_json::to_value(key).map_err(io::Error::other)?,
                None => break,
            };
        }
        let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
        rows.sort_by_key(|row| (row["at"].as_i64(), text(row, "pk"), text(row, "sk")));
        Ok(rows)
    }
}

/// An item without the type that DynamoDB writes around each value.
fn object(item: &Value) -> Value {
    let entries = item.as_object().into_iter().flatten();
    Value::Object(entries.map(|(name, typed)| (name.clone(), plain(typed))).collect::<Map<_, _>>())
}

fn plain(typed: &Value) -> Value {
    let Some((kind, value)) = typed.as_object().and_then(|typed| typed.iter().next()) else {
        return Value::Null;
    };
    match kind.as_str() {
        // Numbers travel as text.
        "N" => value.as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default(),
        "NULL" => Value::Null,
        "M" => object(value),
        "L" => value.as_array().into_iter().flatten().map(plain).collect(),
        _ => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_loses_its_types_and_keeps_its_values() {
        let item = json!({
            "pk": {"S": "P"}, "n": {"N": "1767614400"}, "half": {"N": "0.5"}, "gone": {"NULL": true},
            "yes": {"BOOL": true}, "blob": {"B": "AQID"}, "names": {"SS": ["a", "b"]},
            "inner": {"M": {"list": {"L": [{"S": "x"}, {"N": "2"}]}}},
        });
        let row = json!({
            "pk": "P", "n": 1_767_614_400, "half": 0.5, "gone": null, "yes": true, "blob": "AQID",
            "names": ["a", "b"], "inner": {"list": ["x", 2]},
        });
        assert_eq!(object(&item), row);
    }
}
