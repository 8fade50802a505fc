//! The frame around every item: its key, what it is, and the version of its shape.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::error::{Error, Result};

/// A DynamoDB item as the SDK carries it.
pub type Item = HashMap<String, AttributeValue>;

/// The version of shapes that writers write; readers also take the one before.
pub const VERSION: u8 = 1;

/// An item's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Partition.
    pub pk: String,
    /// Place in the partition.
    pub sk: String,
}

impl Key {
    /// The key as the SDK carries it.
    pub fn item(&self) -> Item {
        [("pk", &self.pk), ("sk", &self.sk)]
            .into_iter()
            .map(|(name, value)| (name.to_owned(), AttributeValue::S(value.clone())))
            .collect()
    }
}

/// What a struct must say of itself to be stored.
pub trait Stored: Serialize + DeserializeOwned {
    /// The `kind` attribute.
    const KIND: &'static str;
}

#[derive(Serialize, Deserialize)]
struct Row<T> {
    pk: String,
    sk: String,
    kind: String,
    v: u8,
    #[serde(flatten)]
    body: T,
}

/// A value as an item under a key.
pub fn to_item<T: Stored>(key: Key, body: T) -> Result<Item> {
    let row = Row { pk: key.pk, sk: key.sk, kind: T::KIND.to_owned(), v: VERSION, body };
    serde_dynamo::to_item(row)
        .map_err(|error| Error::internal(format!("{} cannot be written: {error}", T::KIND)))
}

/// A value out of an item of this version or of the one before, so that two releases run side by side.
pub fn from_item<T: Stored>(item: Item) -> Result<T> {
    // Before the body: serde would complain of some field of a later shape, and nobody would look at the version.
    let (kind, version) = (kind_of(&item), version_of(&item));
    if kind != T::KIND || !version.is_some_and(is_read) {
        let version = version.map_or_else(|| "no version".to_owned(), |version| format!("v{version}"));
        let newest = VERSION;
        return Err(Error::internal(format!(
            "expected {} of v{} or v{newest}, found {kind} of {version}",
            T::KIND,
            newest.saturating_sub(1)
        )));
    }
    let row: Row<T> = serde_dynamo::from_item(item)
        .map_err(|error| Error::internal(format!("a row of kind {} cannot be read: {error}", T::KIND)))?;
    Ok(row.body)
}

fn is_read(version: u8) -> bool {
    version == VERSION || Some(version) == VERSION.checked_sub(1)
}

fn version_of(item: &Item) -> Option<u8> {
    item.get("v")?.as_n().ok()?.parse().ok()
}

/// The kind of an item, before it is known which struct it fits.
pub fn kind_of(item: &Item) -> &str {
    item.get("kind").and_then(|value| value.as_s().ok()).map_or("", String::as_str)
}

/// The key of an item that was read.
pub fn key_of(item: &Item) -> Result<Key> {
    let part = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
    match (part("pk"), part("sk")) {
        (Some(pk), Some(sk)) => Ok(Key { pk, sk }),
        _ => Err(Error::internal("a row without its key")),
    }
}

/// A number attribute.
pub fn number(value: impl std::fmt::Display) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// A text attribute.
pub fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// Bytes that are stored as DynamoDB's binary type.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Blob(pub Vec<u8>);

impl std::fmt::Debug for Blob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Blob({} bytes)", self.0.len())
    }
}

impl Serialize for Blob {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl serde::de::Visitor<'_> for Bytes {
            type Value = Blob;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Blob, E> {
                Ok(Blob(bytes.to_vec()))
            }

            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Blob, E> {
                Ok(Blob(bytes))
            }
        }
        deserializer.deserialize_byte_buf(Bytes)
    }
}

/// Bytes as base64, for a blob that travels as JSON.
pub mod base64_text {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use super::Blob;

    /// Writes a blob.
    pub fn serialize<S: Serializer>(blob: &Blob, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&blob.0))
    }

    /// Reads a blob.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Blob, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Blob).map_err(|_| D::Error::custom("not base64"))
    }
}

/// The same for a blob that may be missing.
pub mod base64_option {
    use serde::{Deserializer, Serializer};

    use super::{Blob, base64_text};

    /// Writes a blob, if there is one.
    pub fn serialize<S: Serializer>(blob: &Option<Blob>, serializer: S) -> Result<S::Ok, S::Error> {
        match blob {
            Some(blob) => base64_text::serialize(blob, serializer),
            None => serializer.serialize_none(),
        }
    }

    /// Reads a blob that is there.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Blob>, D::Error> {
        base64_text::deserialize(deserializer).map(Some)
    }
}

/// Instants as whole seconds, so that conditions can compare them and DynamoDB's TTL can read them.
pub mod seconds {
    pub use jiff::fmt::serde::timestamp::second::{optional, required};
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Sample {
        #[serde(with = "seconds::required")]
        at: jiff::Timestamp,
        blob: Blob,
        count: u64,
        names: Vec<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    }

    impl Stored for Sample {
        const KIND: &'static str = "sample";
    }

    fn sample() -> Sample {
        Sample {
            at: "2026-01-05T12:00:00Z".parse().unwrap(),
            blob: Blob(vec![0, 255]),
            count: u64::MAX,
            names: vec!["a".into()],
            note: None,
        }
    }

    #[test]
    fn a_row_reads_back_as_it_was_written() {
        let key = Key { pk: "P".into(), sk: "S".into() };
        let item = to_item(key, sample()).unwrap();
        assert_eq!(item["at"], number(1_767_614_400));
        assert!(matches!(item["blob"], AttributeValue::B(_)));
        assert_eq!(from_item::<Sample>(item).unwrap(), sample());
    }

    fn of_version(version: u8) -> Item {
        let mut item = to_item(Key { pk: "P".into(), sk: "S".into() }, sample()).unwrap();
        item.insert("v".into(), number(version));
        item
    }

    #[test]
    fn a_row_of_the_release_before_is_read() {
        assert_eq!(from_item::<Sample>(of_version(VERSION - 1)).unwrap(), sample());
    }

    #[test]
    fn a_row_of_a_later_release_is_refused_by_its_version_whatever_its_shape() {
        let mut later = of_version(VERSION + 1);
        later.remove("count");
        later.insert("at".into(), text("in another form"));
        let refused = from_item::<Sample>(later).unwrap_err().to_string();
        let (before, after) = (VERSION - 1, VERSION + 1);
        let said = format!("expected sample of v{before} or v{VERSION}, found sample of v{after}");
        assert!(refused.contains(&said), "{refused}");
    }

    #[test]
    fn a_row_of_another_kind_or_without_a_version_is_refused() {
        let mut other = of_version(VERSION);
        other.insert("kind".into(), text("other"));
        assert!(from_item::<Sample>(other).is_err());
        let mut bare = of_version(VERSION);
        bare.remove("v");
        assert!(from_item::<Sample>(bare).is_err());
    }
}
