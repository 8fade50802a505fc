//! Clerk's webhook events, reduced to what the user table and the memberships need. Verified before they come
//! here.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// What an event asks for. It has no `Debug`: it knows an e-mail address.
#[derive(PartialEq, Eq)]
pub enum ClerkEvent {
    /// `user.created`, `user.updated`: the user as it is.
    Upsert(UserRow),
    /// `user.deleted`.
    Delete {
        /// Who is gone.
        user_id: String,
    },
    /// `organizationMembership.*`.
    Membership {
        /// Whether it holds or has ended.
        op: MembershipOp,
        /// Who.
        user_id: String,
        /// In which organization.
        org_id: String,
        /// As what, such as `org:admin`.
        role: Option<String>,
        /// When it happened: deliveries may arrive out of order, and the later one wins.
        at: Option<Timestamp>,
    },
    /// Anything else; it is answered with success, or Svix would repeat it for a day.
    Ignore {
        /// The event's type.
        kind: String,
    },
}

/// A user as Clerk describes it.
#[derive(Clone, PartialEq, Eq)]
pub struct UserRow {
    /// `user_…`.
    pub id: String,
    /// The address that the primary id points to; none when it points nowhere, for any other could be
    /// somebody else's choice.
    pub primary_email: Option<String>,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// When the user signed up.
    pub created_at: Option<Timestamp>,
    /// When this state arose: events may arrive out of order, and the later one wins.
    pub updated_at: Option<Timestamp>,
}

/// Whether a membership holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MembershipOp {
    /// Created or updated.
    Upsert,
    /// Deleted.
    Delete,
}

/// Reads an event.
pub fn read(payload: &[u8]) -> Result<ClerkEvent> {
    let event: Value =
        serde_json::from_slice(payload).map_err(|_| Error::Malformed("the body must be JSON".into()))?;
    let event = event.as_object().ok_or_else(|| Error::Malformed("the body must be an object".into()))?;
    let kind = required(event, "", "type")?;
    let data = || object(event, "", "data")?.ok_or_else(|| Error::invalid("data", "must be an object"));
    match kind.as_str() {
        "user.created" | "user.updated" => Ok(ClerkEvent::Upsert(user(data()?)?)),
        "user.deleted" => Ok(ClerkEvent::Delete { user_id: required(data()?, "data.", "id")? }),
        "organizationMembership.created" | "organizationMembership.updated" => {
            membership(MembershipOp::Upsert, event, data()?)
        }
        "organizationMembership.deleted" => membership(MembershipOp::Delete, event, data()?),
        _ => Ok(ClerkEvent::Ignore { kind }),
    }
}

fn user(data: &Map<String, Value>) -> Result<UserRow> {
    Ok(UserRow {
        id: required(data, "data.", "id")?,
        primary_email: primary_email(data)?,
        first_name: optional(data, "data.", "first_name")?,
        last_name: optional(data, "data.", "last_name")?,
        created_at: instant(data, "data.", "created_at")?,
        updated_at: instant(data, "data.", "updated_at")?,
    })
}

fn primary_email(data: &Map<String, Value>) -> Result<Option<String>> {
    let primary = optional(data, "data.", "primary_email_address_id")?;
    let addresses = match data.get("email_addresses") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(addresses)) => addresses,
        Some(_) => return Err(Error::invalid("data.email_addresses", "must be a list")),
    };
    let Some(primary) = primary else { return Ok(None) };
    match addresses.iter().find(|address| address["id"] == primary.as_str()) {
        Some(Value::Object(address)) => optional(address, "data.email_addresses.", "email_address"),
        Some(_) | None => Ok(None),
    }
}

fn membership(op: MembershipOp, event: &Map<String, Value>, data: &Map<String, Value>) -> Result<ClerkEvent> {
    let within = |name: &'static str| {
        object(data, "data.", name)?
            .ok_or_else(|| Error::invalid(format!("data.{name}"), "must be an object"))
    };
    Ok(ClerkEvent::Membership {
        op,
        user_id: required(within("public_user_data")?, "data.public_user_data.", "user_id")?,
        org_id: required(within("organization")?, "data.organization.", "id")?,
        role: optional(data, "data.", "role")?,
        at: instant(event, "", "timestamp")?,
    })
}

fn required(map: &Map<String, Value>, path: &str, name: &str) -> Result<String> {
    optional(map, path, name)?
        .filter(|text| !text.is_empty())
        .ok_or_else(|| Error::invalid(format!("{path}{name}"), "must be a text that is not empty"))
}

fn optional(map: &Map<String, Value>, path: &str, name: &str) -> Result<Option<String>> {
    match map.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Error::invalid(format!("{path}{name}"), "must be a text")),
    }
}

fn object<'a>(map: &'a Map<String, Value>, path: &str, name: &str) -> Result<Option<&'a Map<String, Value>>> {
    match map.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(_) => Err(Error::invalid(format!("{path}{name}"), "must be an object")),
    }
}

/// Milliseconds since the Unix epoch, as in all of Clerk's objects.
fn instant(map: &Map<String, Value>, path: &str, name: &str) -> Result<Option<Timestamp>> {
    let refused = || Error::invalid(format!("{path}{name}"), "must be milliseconds since 1970");
    match map.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let milliseconds = value.as_i64().ok_or_else(refused)?;
            Timestamp::from_millisecond(milliseconds).map(Some).map_err(|_| refused())
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(event: &Value, expected: ClerkEvent) {
        assert!(read(event.to_string().as_bytes()).ok() == Some(expected), "{event}");
    }

    fn user_event(kind: &str, primary: &Value, addresses: &Value) -> Value {
        json!({"object": "event", "type": kind, "data": {
            "id": "user_2abc", "object": "user", "first_name": "Caller", "last_name": null,
            "primary_email_address_id": primary, "email_addresses": addresses,
            "created_at": 1_700_000_000_000_i64, "updated_at": 1_700_000_060_000_i64, "public_metadata": {},
        }})
    }

    fn caller(primary_email: Option<&str>) -> ClerkEvent {
        ClerkEvent::Upsert(UserRow {
            id: "user_2abc".to_owned(),
            primary_email: primary_email.map(str::to_owned),
            first_name: Some("Caller".to_owned()),
            last_name: None,
            created_at: Some(Timestamp::from_second(1_700_000_000).unwrap()),
            updated_at: Some(Timestamp::from_second(1_700_000_060).unwrap()),
        })
    }

    #[test]
    fn the_primary_address_is_the_one_that_the_primary_id_names() {
        let addresses = json!([
            {"id": "idn_1", "email_address": "other@example.com"},
            {"id": "idn_2", "email_address": "ada@example.com", "verification": null},
        ]);
        for (primary, addresses, expected) in [
            (json!("idn_2"), addresses.clone(), Some("ada@example.com")),
            (json!("idn_9"), addresses.clone(), None),
            (json!(null), addresses, None),
            (json!("idn_2"), json!([]), None),
            (json!("idn_2"), json!(null), None),
            (json!("idn_2"), json!([{"id": "idn_2"}]), None),
            (
                json!("idn_2"),
                json!(["odd", {"id": "idn_2", "email_address": "ada@example.com"}]),
                Some("ada@example.com"),
            ),
        ] {
            check(&user_event("user.created", &primary, &addresses), caller(expected));
            check(&user_event("user.updated", &primary, &addresses), caller(expected));
        }
    }

    #[test]
    fn a_deleted_user_has_only_an_id() {
        let event =
            json!({"type": "user.deleted", "data": {"id": "user_2abc", "object": "user", "deleted": true}});
        check(&event, ClerkEvent::Delete { user_id: "user_2abc".to_owned() });
    }

    #[test]
    fn memberships_name_person_organization_and_role() {
        let data = json!({"id": "orgmem_1", "role": "org:admin", "organization": {"id": "org_1", "name": "x"},
            "public_user_data": {"user_id": "user_2abc", "identifier": "ada@example.com"}});
        for (kind, op) in [
            ("created", MembershipOp::Upsert),
            ("updated", MembershipOp::Upsert),
            ("deleted", MembershipOp::Delete),
        ] {
            let (user_id, org_id) = ("user_2abc".to_owned(), "org_1".to_owned());
            check(
                &json!({"type": format!("organizationMembership.{kind}"), "data": data, "timestamp": 1_767_614_400_000_i64}),
                ClerkEvent::Membership {
                    op,
                    user_id,
                    org_id,
                    role: Some("org:admin".to_owned()),
                    at: Timestamp::from_second(1_767_614_400).ok(),
                },
            );
        }
    }

    #[test]
    fn other_events_are_ignored_whatever_they_hold() {
        for data in [json!({"id": 1}), json!(null), json!([])] {
            check(
                &json!({"type": "session.created", "data": data}),
                ClerkEvent::Ignore { kind: "session.created".to_owned() },
            );
        }
    }

    #[test]
    fn malformed_events_are_refused_and_the_field_is_named() {
        for (event, field) in [
            (json!({}), "type"),
            (json!({"type": 5}), "type"),
            (json!({"type": "user.created"}), "data"),
            (json!({"type": "user.created", "data": []}), "data"),
            (json!({"type": "user.created", "data": {}}), "data.id"),
            (json!({"type": "user.deleted", "data": {"id": ""}}), "data.id"),
            (json!({"type": "user.updated", "data": {"id": "user_1", "first_name": 5}}), "data.first_name"),
            (
                json!({"type": "user.updated", "data": {"id": "user_1", "email_addresses": {}}}),
                "data.email_addresses",
            ),
            (json!({"type": "user.updated", "data": {"id": "user_1", "created_at": "x"}}), "data.created_at"),
            (
                json!({"type": "user.updated", "data": {"id": "user_1", "updated_at": i64::MAX}}),
                "data.updated_at",
            ),
            (
                json!({"type": "organizationMembership.created", "data": {"public_user_data": {"user_id": "u"}}}),
                "data.organization",
            ),
        ] {
            match read(event.to_string().as_bytes()) {
                Err(Error::Invalid { field: named, .. }) => assert_eq!(named, field),
                other => panic!("{event}: {}", other.is_ok()),
            }
        }
        for body in ["", "[]", "\"x\"", "{"] {
            assert!(matches!(read(body.as_bytes()), Err(Error::Malformed(_))), "{body}");
        }
    }
}
