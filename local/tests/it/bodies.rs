//! A field of the wrong type is named, in plain words: every field of every body that the OpenAPI document knows.

use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::harness::Town;

/// What means something to whoever wrote the server alone.
const OF_RUST: [&str; 7] = ["struct", "enum", "variant", "tuple", "u8", "u32", "not valid"];

/// The document, in which schemas name one another.
struct Document(Value);

impl Document {
    fn read() -> Self {
        Self(serde_json::from_str(&functions::document().to_json().unwrap()).unwrap())
    }

    /// Method, path and schema of every request with a JSON body of ours.
    fn bodies(&self) -> Vec<(Method, String, &Value)> {
        let mut found = Vec::new();
        for (path, item) in self.0["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let body = &operation["requestBody"]["content"]["application/json"]["schema"];
                // Messages of Clerk and VAPI are read with tolerance.
                if !body.is_null() && operation["tags"] != json!(["voice"]) {
                    found.push((method.to_uppercase().parse().unwrap(), path.clone(), body));
                }
            }
        }
        found
    }

    /// The schemas that a schema is made of, without `null`.
    fn parts<'a>(&'a self, schema: &'a Value) -> Vec<&'a Value> {
        if let Some(name) = schema["$ref"].as_str() {
            return self.parts(self.0.pointer(name.trim_start_matches('#')).unwrap());
        }
        for several in ["allOf", "oneOf", "anyOf"] {
            if let Some(parts) = schema[several].as_array() {
                return parts.iter().flat_map(|part| self.parts(part)).collect();
            }
        }
        if schema["type"] == "null" { Vec::new() } else { vec![schema] }
    }

    /// Everything that is wrong for a schema in one place alone, with the name of that place.
    fn wrong(&self, schema: &Value, place: &str) -> Vec<(String, Value)> {
        let parts = self.parts(schema);
        let mut found = Vec::new();
        let takes = |name: &str| {
            let takes = |part: &&Value| {
                part["type"] == name
                    || part["type"].as_array().is_some_and(|types| types.contains(&json!(name)))
            };
            parts.iter().any(takes)
        };
        for odd in [json!("odd"), json!(5), json!(true), json!([5]), json!({})] {
            let kind = match &odd {
                Value::String(_) => "string",
                Value::Number(_) => "integer",
                Value::Bool(_) => "boolean",
                Value::Array(_) => "array",
                Value::Null | Value::Object(_) => "object",
            };
            if !place.is_empty() && !takes(kind) {
                found.push((place.to_owned(), odd));
            }
        }
        // Where a text or an object is taken, the message says both.
        if takes("string") {
            return found;
        }
        let fields = parts.iter().filter_map(|part| part["properties"].as_object());
        for (name, field) in fields.flatten() {
            let dot = if place.is_empty() { "" } else { "." };
            let inner = self.wrong(field, &format!("{place}{dot}{name}"));
            found.extend(
                inner
                    .into_iter()
                    .map(|(place, odd)| (place, Value::Object(Map::from_iter([(name.clone(), odd)])))),
            );
        }
        if let Some(list) = parts.iter().find(|part| part["items"].is_object()) {
            let inner = self.wrong(&list["items"], &format!("{place}[0]"));
            found.extend(inner.into_iter().map(|(place, odd)| (place, json!([odd]))));
        }
        found
    }
}

#[tokio::test]
async fn a_field_of_the_wrong_type_is_named_in_every_body() {
    let (town, document) = (Town::new().await, Document::read());
    let made = town.call(Method::POST, "/api/v1/businesses", Some(json!({"name": "Example Hair"}))).await;
    let shop = made.body["id"].as_str().unwrap();
    let bodies = document.bodies();
    assert!(bodies.len() > 10, "{bodies:?}");
    for (method, path, schema) in bodies {
        let path = format!("{}?business_id={shop}", path.replace("{id}", shop));
        for (place, body) in document.wrong(schema, "") {
            let answer = town.call(method.clone(), &path, Some(body.clone())).await;
            let told = format!("{method} {path} {body}: {}", answer.text);
            assert!([400, 422].contains(&answer.status), "{told}");
            assert_eq!(answer.body["field"], *place, "{told}");
            let detail = answer.body["detail"].as_str().unwrap();
            assert!(!OF_RUST.iter().any(|word| detail.contains(word)), "{told}");
        }
    }
}
