//! Clerk's webhook events, read tolerantly: what we do not need may be missing, null or new.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::error::{Error, Result};

/// What a webhook wants of us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClerkEvent {
    /// A user is there, or has changed.
    Upsert(UserRow),
    /// A user is gone.
    Delete {
        /// Whom.
        user_id: String,
    },
    /// A user's part in an organisation.
    Membership(Membership),
    /// Nothing.
    Ignore {
        /// The event's type.
        kind: String,
    },
}

/// A user as Clerk describes him.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRow {
    /// Clerk's id.
    pub id: String,
    /// The address that is marked as primary; none when the list is empty or the mark matches no entry.
    pub primary_email: Option<String>,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// When he was made.
    pub created_at: Option<Timestamp>,
    /// When he was last changed.
    pub updated_at: Option<Timestamp>,
}

/// A user's part in an organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// Begins, changes or ends.
    pub op: MembershipOp,
    /// Whose.
    pub user_id: String,
    /// Where.
    pub org_id: String,
    /// Clerk's role, such as `org:admin`.
    pub role: String,
}

/// What happens to a membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MembershipOp {
    /// It begins or changes.
    Upsert,
    /// It ends.
    Delete,
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "type")]
    kind: Option<String>,
    data: Option<Value>,
}

#[derive(Deserialize)]
struct WireUser {
    id: Option<String>,
    #[serde(default)]
    email_addresses: Option<Vec<WireEmail>>,
    primary_email_address_id: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    created_at: Option<i64>,
    updated_at: Option<i64>,
}

#[derive(Deserialize)]
struct WireEmail {
    id: Option<String>,
    email_address: Option<String>,
}

#[derive(Deserialize)]
struct WireMembership {
    organization: Option<WireId>,
    public_user_data: Option<WirePublicUser>,
    role: Option<String>,
}

#[derive(Deserialize)]
struct WireId {
    id: Option<String>,
}

#[derive(Deserialize)]
struct WirePublicUser {
    user_id: Option<String>,
}

/// Reads a webhook's body, whose signature was checked before.
pub fn clerk_event(body: &[u8]) -> Result<ClerkEvent> {
    let envelope: Envelope =
        serde_json::from_slice(body).map_err(|_| Error::Malformed("the body is not a Clerk event".into()))?;
    let kind = envelope.kind.ok_or_else(|| Error::invalid("type", "must be the event's type"))?;
    let data = envelope.data.unwrap_or_default();
    match kind.as_str() {
        "user.created" | "user.updated" => Ok(ClerkEvent::Upsert(user(data)?)),
        "user.deleted" => Ok(ClerkEvent::Delete { user_id: present(read::<WireId>(data)?.id, "data.id")? }),
        "organizationMembership.created" | "organizationMembership.updated" => {
            membership(data, MembershipOp::Upsert)
        }
        "organizationMembership.deleted" => membership(data, MembershipOp::Delete),
        _ => Ok(ClerkEvent::Ignore { kind }),
    }
}

fn read<T: serde::de::DeserializeOwned>(data: Value) -> Result<T> {
    serde_json::from_value(data).map_err(|_| Error::invalid("data", "does not have the shape of this event"))
}

fn present(text: Option<String>, field: &'static str) -> Result<String> {
    text.filter(|text| !text.is_empty()).ok_or_else(|| Error::invalid(field, "must be there"))
}

fn user(data: Value) -> Result<UserRow> {
    let wire: WireUser = read(data)?;
    let primary = wire.primary_email_address_id;
    let primary_email = wire
        .email_addresses
        .unwrap_or_default()
        .into_iter()
        .find(|email| email.id.is_some() && email.id == primary)
        .and_then(|email| email.email_address);
    let at = |milliseconds: Option<i64>| Timestamp::from_millisecond(milliseconds?).ok();
    Ok(UserRow {
        id: present(wire.id, "data.id")?,
        primary_email,
        first_name: wire.first_name,
        last_name: wire.last_name,
        created_at: at(wire.created_at),
        updated_at: at(wire.updated_at),
    })
}

fn membership(data: Value, op: MembershipOp) -> Result<ClerkEvent> {
    let wire: WireMembership = read(data)?;
    Ok(ClerkEvent::Membership(Membership {
        op,
        user_id: present(
            wire.public_user_data.and_then(|user| user.user_id),
            "data.public_user_data.user_id",
        )?,
        org_id: present(wire.organization.and_then(|org| org.id), "data.organization.id")?,
        role: wire.role.unwrap_or_default(),
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(value: &Value) -> Result<ClerkEvent> {
        clerk_event(value.to_string().as_bytes())
    }

    fn email_of(emails: &Value, primary: &Value) -> Option<String> {
        let data = json!({"id": "user_1", "email_addresses": emails, "primary_email_address_id": primary, "created_at": 1_700_000_000_000_i64});
        match event(&json!({"type": "user.created", "data": data})).unwrap() {
            ClerkEvent::Upsert(user) => user.primary_email,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_primary_address_is_the_one_that_is_marked_or_none() {
        let emails = json!([{"id": "a", "email_address": "one@example.com"}, {"id": "b", "email_address": "two@example.com"}]);
        assert_eq!(email_of(&emails, &json!("b")).as_deref(), Some("two@example.com"));
        assert_eq!(email_of(&emails, &json!("c")), None);
        assert_eq!(email_of(&emails, &Value::Null), None);
        assert_eq!(email_of(&json!([]), &json!("a")), None);
        assert_eq!(email_of(&Value::Null, &json!("a")), None);
    }

    #[test]
    fn a_deleted_user_has_only_an_id() {
        let deleted =
            event(&json!({"type": "user.deleted", "data": {"id": "user_1", "deleted": true}})).unwrap();
        assert_eq!(deleted, ClerkEvent::Delete { user_id: "user_1".into() });
    }

    #[test]
    fn other_events_are_ignored_and_malformed_ones_name_the_field() {
        assert!(matches!(
            event(&json!({"type": "session.created", "data": {}})),
            Ok(ClerkEvent::Ignore { .. })
        ));
        assert!(matches!(clerk_event(b"{"), Err(Error::Malformed(_))));
        let missing = event(&json!({"type": "user.deleted", "data": {}}));
        assert!(matches!(missing, Err(Error::Invalid { field, .. }) if field == "data.id"));
    }

    #[test]
    fn a_membership_names_user_and_organisation() {
        let data = json!({"organization": {"id": "org_1"}, "public_user_data": {"user_id": "user_1"}, "role": "org:admin"});
        let read = event(&json!({"type": "organizationMembership.created", "data": data})).unwrap();
        assert!(
            matches!(read, ClerkEvent::Membership(m) if m.org_id == "org_1" && m.op == MembershipOp::Upsert)
        );
    }
}
