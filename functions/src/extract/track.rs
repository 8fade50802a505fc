//! Reads a JSON value into a type and names the field that is wrong: `attendees[0].email must be a string`.

use std::cell::RefCell;

use serde::{
    Deserialize as _, Deserializer,
    de::{
        DeserializeOwned, DeserializeSeed, Error as _, MapAccess, SeqAccess, Unexpected, Visitor,
        value::StringDeserializer,
    },
};
use serde_json::{Map, Value};
use shared::error::Error;

type Fault = serde_json::Error;

/// Reads a value; an error names the field and what it must be, and repeats nothing that was sent.
pub(crate) fn read<T: DeserializeOwned>(value: Value) -> Result<T, Error> {
    let trail = RefCell::new(Vec::new());
    T::deserialize(Tracked { value, trail: &trail })
        .map_err(|fault| describe(&fault.to_string(), &trail.borrow()))
}

/// Before what [`flat`] found: the field, a space, what it must be.
const FLAT: &str = "flat: ";

/// Reads a part whose fields lie among those of the body: `#[serde(flatten, deserialize_with = "flat")]`.
///
/// serde gathers such fields before it reads them, and would forget which one was wrong.
pub(crate) fn flat<'de, D: Deserializer<'de>, T: DeserializeOwned>(fields: D) -> Result<T, D::Error> {
    read(Value::Object(Map::deserialize(fields)?)).map_err(|error| match error {
        Error::Invalid { field, reason } => D::Error::custom(format!("{FLAT}{field} {reason}")),
        other => D::Error::custom(other),
    })
}

/// Where it went wrong, innermost step first.
type Trail = RefCell<Vec<Step>>;

enum Step {
    Member(String),
    Item(usize),
}

fn describe(fault: &str, trail: &[Step]) -> Error {
    let mut field = String::new();
    for step in trail.iter().rev() {
        match step {
            Step::Member(name) if field.is_empty() => field.push_str(name),
            Step::Member(name) => field.extend([".", name]),
            Step::Item(index) => field.push_str(&format!("[{index}]")),
        }
    }
    for (said, reason) in [("missing field `", "is missing"), ("duplicate field `", "is there twice")] {
        if let Some(name) = fault.strip_prefix(said).and_then(|rest| rest.split('`').next()) {
            let dot = if field.is_empty() { "" } else { "." };
            return Error::invalid(format!("{field}{dot}{name}"), reason);
        }
    }
    if let Some((field, reason)) = fault.strip_prefix(FLAT).and_then(|rest| rest.split_once(' ')) {
        return Error::invalid(field.to_owned(), reason.to_owned());
    }
    if field.is_empty() {
        return Error::invalid("body", "must be a JSON object");
    }
    // What stands before "expected" repeats what was sent.
    match fault.rsplit_once("expected ") {
        Some((_, expected)) => Error::invalid(field, format!("must be {}", plain(expected))),
        None => Error::invalid(field, "is not valid"),
    }
}

/// What serde expects, without the names that Rust has for it.
fn plain(expected: &str) -> String {
    let (first, rest) = expected.split_once(' ').unwrap_or((expected, ""));
    let kind = if matches!(first, "a" | "an") { rest } else { first };
    let is_sized =
        kind.get(1..).is_some_and(|size| size == "size" || (!size.is_empty() && size.parse::<u8>().is_ok()));
    match kind {
        "struct" | "map" => "an object".to_owned(),
        "sequence" | "tuple" | "array" => "a list".to_owned(),
        "boolean" => "true or false".to_owned(),
        kind if is_sized && kind.starts_with('f') => "a number".to_owned(),
        kind if is_sized && kind.starts_with(['u', 'i']) => "a whole number".to_owned(),
        _ => expected.replace('`', ""),
    }
}

struct Tracked<'a> {
    value: Value,
    trail: &'a Trail,
}

impl<'de> Deserializer<'de> for Tracked<'_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.value {
            Value::Array(items) => {
                visitor.visit_seq(Items { items: items.into_iter(), next: 0, trail: self.trail })
            }
            Value::Object(members) => {
                visitor.visit_map(Members { members: members.into_iter(), value: None, trail: self.trail })
            }
            leaf => leaf.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.value.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        // The enums of bodies are words; serde would ask for "string or map" and keep the words to itself.
        if !self.value.is_string() {
            return Err(Fault::unknown_variant("", variants));
        }
        self.value.deserialize_enum(name, variants, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        // serde would take a list for a struct, field by field.
        match &self.value {
            Value::Array(_) => Err(Fault::invalid_type(Unexpected::Seq, &visitor)),
            _ => self.deserialize_any(visitor),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

struct Items<'a> {
    items: std::vec::IntoIter<Value>,
    next: usize,
    trail: &'a Trail,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        let Some(value) = self.items.next() else { return Ok(None) };
        let index = self.next;
        self.next += 1;
        let read = seed.deserialize(Tracked { value, trail: self.trail });
        read.map(Some).inspect_err(|_| self.trail.borrow_mut().push(Step::Item(index)))
    }
}

struct Members<'a> {
    members: serde_json::map::IntoIter,
    value: Option<(String, Value)>,
    trail: &'a Trail,
}

impl<'de> MapAccess<'de> for Members<'_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        let Some((name, value)) = self.members.next() else { return Ok(None) };
        self.value = Some((name.clone(), value));
        seed.deserialize(StringDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let Some((name, value)) = self.value.take() else {
            return Err(Fault::custom("a value without its name"));
        };
        let read = seed.deserialize(Tracked { value, trail: self.trail });
        read.inspect_err(|_| self.trail.borrow_mut().push(Step::Member(name)))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        Secret,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only the reading matters")]
    struct Person {
        email: String,
        age: Option<u8>,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only the reading matters")]
    struct Size {
        width: Option<u32>,
        #[serde(alias = "tall")]
        height: Option<f64>,
        owner: Option<Person>,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only the reading matters")]
    struct Body {
        subject: String,
        #[serde(flatten, deserialize_with = "flat")]
        size: Size,
        #[serde(default)]
        people: Vec<Person>,
        kind: Option<Kind>,
        all_day: Option<bool>,
    }

    fn check(value: Value, expected: &str) {
        let Err(Error::Invalid { field, reason }) = read::<Body>(value) else {
            panic!("{expected} was read")
        };
        assert_eq!(format!("{field} {reason}"), expected);
    }

    #[test]
    fn the_wrong_field_is_named_by_its_path() {
        check(json!({}), "subject is missing");
        check(json!({"subject": 5}), "subject must be a string");
        check(json!({"subject": null}), "subject must be a string");
        check(json!({"subject": "x", "all_day": "<b>"}), "all_day must be true or false");
        check(json!({"subject": "x", "people": {}}), "people must be a list");
        check(json!({"subject": "x", "people": [{"email": "a"}, {}]}), "people[1].email is missing");
        check(
            json!({"subject": "x", "people": [{"email": "a", "age": 300}]}),
            "people[0].age must be a whole number",
        );
        for odd in [json!("other"), json!(5), json!({"secret": 1}), json!([])] {
            check(json!({"subject": "x", "kind": odd}), "kind must be secret");
        }
        check(json!({"subject": "x", "people": [5]}), "people[0] must be an object");
        check(json!({"subject": "x", "people": [["a"]]}), "people[0] must be an object");
        check(json!({"subject": "x", "people": "all"}), "people must be a list");
        check(json!([]), "body must be a JSON object");
        check(json!("text"), "body must be a JSON object");
    }

    #[test]
    fn a_field_that_lies_among_others_is_named_as_well() {
        check(json!({"subject": "x", "width": "30"}), "width must be a whole number");
        check(json!({"subject": "x", "width": -1}), "width must be a whole number");
        check(json!({"subject": "x", "tall": "30"}), "tall must be a number");
        check(json!({"subject": "x", "tall": 1, "height": 2}), "height is there twice");
        check(json!({"subject": "x", "owner": 5}), "owner must be an object");
        check(json!({"subject": "x", "owner": {"email": []}}), "owner.email must be a string");
        check(json!({"subject": "x", "owner": {}}), "owner.email is missing");
        let body: Body = read(json!({"subject": "x", "width": 30, "more": {}})).unwrap();
        assert_eq!(body.size.width, Some(30));
    }

    #[test]
    fn unknown_and_empty_fields_are_tolerated() {
        let body: Body =
            read(json!({"subject": "x", "more": [1, {"deep": null}], "kind": "secret", "all_day": null}))
                .unwrap();
        assert!(matches!(body.kind, Some(Kind::Secret)) && body.all_day.is_none());
    }
}
