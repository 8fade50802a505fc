//! Names of things: owners, providers, and the random ids we hand out. Parsed once, then carried as types.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Whose calendar it is. Written `user:<clerk id>`, `subaccount:<id>` or `business:<id>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OwnerId {
    kind: OwnerKind,
    id: String,
}

/// What kind of owner it is. Everything but a user is a tenant: an owner that others act for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OwnerKind {
    /// A person who signs in with Clerk.
    User,
    /// A customer's account inside somebody's product.
    Subaccount,
    /// A business.
    Business,
}

impl OwnerKind {
    /// The word in front of the colon.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Subaccount => "subaccount",
            Self::Business => "business",
        }
    }
}

impl OwnerId {
    /// A Clerk user as owner. The id must look like `user_2abc…`.
    pub fn user(clerk_id: &str) -> Result<Self, Error> {
        let rest = clerk_id.strip_prefix("user_").unwrap_or_default();
        if !(1..=64).contains(&rest.len()) || !rest.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(Error::invalid("user_id", "must be a Clerk user id such as user_2abcDEF"));
        }
        Ok(Self { kind: OwnerKind::User, id: clerk_id.to_owned() })
    }

    /// A tenant as owner; the id has 1–64 letters, digits, `_` or `-`.
    pub fn tenant(kind: OwnerKind, id: &str) -> Result<Self, Error> {
        if kind == OwnerKind::User {
            return Self::user(id);
        }
        let fits = (1..=64).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        if !fits {
            return Err(Error::invalid("owner", "must be 1–64 letters, digits, _ or - after the colon"));
        }
        Ok(Self { kind, id: id.to_owned() })
    }

    /// The kind of owner.
    pub fn kind(&self) -> OwnerKind {
        self.kind
    }

    /// The id without its kind.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether others may act for it.
    pub fn is_tenant(&self) -> bool {
        self.kind != OwnerKind::User
    }
}

impl fmt::Display for OwnerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.as_str(), self.id)
    }
}

impl FromStr for OwnerId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let kind = match text.split_once(':') {
            Some(("user", id)) => return Self::user(id),
            Some(("subaccount", id)) => (OwnerKind::Subaccount, id),
            Some(("business", id)) => (OwnerKind::Business, id),
            _ => return Err(Error::invalid("owner", "must be user:…, subaccount:… or business:…")),
        };
        Self::tenant(kind.0, kind.1)
    }
}

impl Serialize for OwnerId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for OwnerId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A calendar provider that people can connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// Microsoft 365 and outlook.com, by Microsoft Graph.
    Microsoft,
    /// Google Calendar.
    Google,
}

impl Provider {
    /// Every provider, in the order in which they are shown.
    pub const ALL: [Self; 2] = [Self::Microsoft, Self::Google];

    /// The name in paths, JSON and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Microsoft => "microsoft",
            Self::Google => "google",
        }
    }

    /// The name a person knows.
    pub fn title(self) -> &'static str {
        match self {
            Self::Microsoft => "Microsoft",
            Self::Google => "Google",
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Provider {
    type Err = Error;

    /// Takes our names and the spellings that front ends use.
    fn from_str(text: &str) -> Result<Self, Error> {
        match text.to_ascii_lowercase().as_str() {
            "microsoft" | "outlook" | "office365" | "azure" => Ok(Self::Microsoft),
            "google" | "google-calendar" | "gcal" => Ok(Self::Google),
            _ => Err(Error::invalid("provider", "must be microsoft or google")),
        }
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// A fresh random id (128 bits, base32hex).
            pub fn random() -> Self {
                Self(format!(concat!($prefix, "_{}"), crate::random::id()))
            }

            /// The id that always belongs to the same text (128 bits of its SHA-256).
            pub fn derived(from: &str) -> Self {
                let digest = crate::random::sha256(from.as_bytes());
                Self(format!(concat!($prefix, "_{}"), crate::random::base32hex(&digest[..16])))
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                let rest = text.strip_prefix(concat!($prefix, "_")).unwrap_or_default();
                if rest.len() == crate::random::ID_LEN && rest.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) {
                    return Ok(Self(text.to_owned()));
                }
                Err(Error::invalid("id", concat!("must be an id that starts with ", $prefix, "_")))
            }
        }
    )*};
}

ids! {
    /// One linked account of one provider.
    ConnectionId = "con";
    /// A slot taken; it stays the same through every change of time.
    BookingId = "bkg";
    /// A slot kept for a moment.
    HoldId = "hld";
    /// One VAPI credential.
    CredentialId = "vcr";
    /// One service token.
    ServiceTokenId = "stk";
    /// One business that was made here; a Clerk organisation is a business under its own id.
    BusinessId = "biz";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_reads_back_as_it_was_written() {
        for text in ["user:user_2abC", "subaccount:sub-1_x", "business:org_9"] {
            assert_eq!(text.parse::<OwnerId>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn odd_owners_are_refused_and_the_field_is_named() {
        for text in
            ["", "user:", "user:user_", "user:bob", "user:user_a b", "tenant:x", "business:", "business:a#b"]
        {
            assert!(matches!(text.parse::<OwnerId>(), Err(Error::Invalid { .. })), "{text}");
        }
        assert!(OwnerId::user(&format!("user_{}", "a".repeat(65))).is_err());
    }

    #[test]
    fn providers_have_other_spellings() {
        assert_eq!("Office365".parse::<Provider>().unwrap(), Provider::Microsoft);
        assert_eq!("gcal".parse::<Provider>().unwrap(), Provider::Google);
        assert!("yahoo".parse::<Provider>().is_err());
    }

    #[test]
    fn ids_carry_their_kind() {
        let id = ConnectionId::random();
        assert_eq!(id.as_str().parse::<ConnectionId>().unwrap(), id);
        assert!(id.as_str().parse::<BookingId>().is_err());
        assert!("con_../..".parse::<ConnectionId>().is_err());
    }
}
