//! People and keys to the door: users, memberships, service tokens, VAPI credentials and the routes of calls.

use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Put, TransactWriteItem};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Store, keys, odd,
    row::{Stored, from_item, kind_of, number, seconds, to_item},
};
use crate::{
    error::Result,
    ids::{CredentialId, OwnerId, ServiceTokenId},
};

/// A Clerk user as we know him.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Clerk's id.
    pub clerk_id: String,
    /// Primary e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// First name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// Last name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// When Clerk made the user.
    #[serde(with = "seconds::required")]
    pub created_at: Timestamp,
    /// Clerk's `updated_at` in milliseconds: an older event never overwrites a newer one.
    pub updated_ms: i64,
    /// Set for ever once the user is deleted.
    #[serde(default)]
    pub deleted: bool,
}

impl Stored for User {
    const KIND: &'static str = "user";
}

/// Somebody's part in a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// The tenant.
    pub tenant: OwnerId,
    /// `admin` or `member`.
    pub role: Role,
    /// When Clerk said so, in milliseconds: an older event never overwrites a newer one.
    pub updated_ms: i64,
    /// It was, and is no more; kept so that a late event cannot bring it back.
    #[serde(default)]
    pub ended: bool,
}

/// What a member may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything.
    Admin,
    /// Act for the tenant, not administer it.
    Member,
}

impl Stored for Membership {
    const KIND: &'static str = "membership";
}

/// A service token; only a hash of its secret is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceToken {
    /// Its id, the middle part of `slk_<id>_<secret>`.
    pub id: ServiceTokenId,
    /// The tenant it is bound to.
    pub tenant: OwnerId,
    /// What it may do.
    pub scopes: Vec<String>,
    /// SHA-256 of the secret, hexadecimal.
    pub secret_hash: String,
    /// When it stops working.
    #[serde(default, with = "seconds::optional", skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

impl Stored for ServiceToken {
    const KIND: &'static str = "service_token";
}

/// How a VAPI credential proves itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialKind {
    /// `X-Vapi-Secret: slv_<id>_<secret>`.
    Secret,
    /// `Authorization: Bearer slv_<id>_<secret>`.
    Bearer,
    /// A signature under a key derived from our root, at `/vapi/webhook/{credential}`.
    Hmac,
}

/// A VAPI credential; it names the tenant of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// Its id.
    pub id: CredentialId,
    /// The tenant.
    pub tenant: OwnerId,
    /// How it proves itself.
    pub credential_kind: CredentialKind,
    /// SHA-256 of the secret, hexadecimal; none for HMAC, whose key is derived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_hash: Option<String>,
    /// Moves when its key is rotated.
    pub version: u32,
}

impl Stored for Credential {
    const KIND: &'static str = "vapi_credential";
}

/// Which owner a tenant's calls are for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// What it matches: `phone_number_id:…`, `number:…`, `assistant:…` or `default`.
    pub match_on: String,
    /// The owner.
    pub owner: OwnerId,
}

impl Route {
    /// What stands before the value that a route matches, the first to be looked at first; `default` comes last.
    pub const BY: [&str; 3] = ["phone_number_id:", "number:", "assistant:"];
}

impl Stored for Route {
    const KIND: &'static str = "route";
}

/// A credential with the routes of its tenant.
#[derive(Clone, Debug)]
pub struct Door {
    /// Who may call.
    pub credential: Credential,
    /// Whose calls they are.
    pub routes: Vec<Route>,
}

/// A user's row is written unless he is deleted or the row is newer.
const NEWER_AND_ALIVE: &str = "attribute_not_exists(pk) OR ((attribute_not_exists(deleted) OR deleted = :false) AND updated_ms <= :updated)";

impl Store {
    /// Reads a user.
    pub async fn user(&self, clerk_id: &str) -> Result<Option<User>> {
        self.get(&self.tables().directory, keys::user(clerk_id)).await?.map(from_item).transpose()
    }

    /// Reads a user and his memberships, ended ones as well (one query).
    pub async fn user_and_memberships(&self, clerk_id: &str) -> Result<(Option<User>, Vec<Membership>)> {
        let (mut user, mut memberships) = (None, Vec::new());
        for item in self.query(&self.tables().directory, keys::user(clerk_id).pk).await? {
            match kind_of(&item) {
                User::KIND => user = Some(from_item(item)?),
                Membership::KIND => memberships.push(from_item(item)?),
                // Rows of a later release.
                _ => {}
            }
        }
        Ok((user, memberships))
    }

    /// The action that writes a user, unless he is deleted or his row is newer.
    pub fn upsert_user(&self, user: User) -> Result<TransactWriteItem> {
        let updated = user.updated_ms;
        let item = to_item(keys::user(&user.clerk_id), user)?;
        let put = Put::builder()
            .table_name(&self.tables().directory)
            .set_item(Some(item))
            .condition_expression(NEWER_AND_ALIVE)
            .expression_attribute_values(":updated", number(updated))
            .expression_attribute_values(":false", AttributeValue::Bool(false));
        Ok(TransactWriteItem::builder().put(put.build().map_err(odd)?).build())
    }

    /// The action that puts a tombstone in a user's place: whatever comes later, he stays deleted.
    pub fn bury_user(&self, clerk_id: &str, now: Timestamp) -> Result<TransactWriteItem> {
        let tombstone = User {
            clerk_id: clerk_id.to_owned(),
            email: None,
            first_name: None,
            last_name: None,
            created_at: now,
            updated_ms: now.as_millisecond(),
            deleted: true,
        };
        let item = to_item(keys::user(clerk_id), tombstone)?;
        let put = Put::builder().table_name(&self.tables().directory).set_item(Some(item));
        Ok(TransactWriteItem::builder().put(put.build().map_err(odd)?).build())
    }

    /// Reads one membership; none when it has ended.
    pub async fn membership(&self, clerk_id: &str, tenant: &OwnerId) -> Result<Option<Membership>> {
        let item = self.get(&self.tables().directory, keys::membership(clerk_id, tenant)).await?;
        let found: Option<Membership> = item.map(from_item).transpose()?;
        Ok(found.filter(|membership| !membership.ended))
    }

    /// The actions that write a membership or its end, unless a newer one is there or the user is deleted.
    pub fn put_membership(&self, clerk_id: &str, membership: Membership) -> Result<[TransactWriteItem; 2]> {
        let updated = membership.updated_ms;
        let item = to_item(keys::membership(clerk_id, &membership.tenant), membership)?;
        let put = Put::builder()
            .table_name(&self.tables().directory)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk) OR updated_ms <= :updated")
            .expression_attribute_values(":updated", number(updated));
        Ok([TransactWriteItem::builder().put(put.build().map_err(odd)?).build(), self.check_alive(clerk_id)?])
    }

    /// The check that a user is not deleted; one that was never heard of is not.
    pub fn check_alive(&self, clerk_id: &str) -> Result<TransactWriteItem> {
        let check = ConditionCheck::builder()
            .table_name(&self.tables().directory)
            .set_key(Some(keys::user(clerk_id).item()))
            .condition_expression("attribute_not_exists(deleted) OR deleted = :false")
            .expression_attribute_values(":false", AttributeValue::Bool(false));
        Ok(TransactWriteItem::builder().condition_check(check.build().map_err(odd)?).build())
    }

    /// The action that ends a membership.
    pub fn delete_membership(&self, clerk_id: &str, tenant: &OwnerId) -> Result<TransactWriteItem> {
        super::delete(&self.tables().directory, &keys::membership(clerk_id, tenant))
    }

    /// Reads a service token.
    pub async fn service_token(&self, id: &ServiceTokenId) -> Result<Option<ServiceToken>> {
        self.get(&self.tables().directory, keys::service_token(id)).await?.map(from_item).transpose()
    }

    /// Writes a service token.
    pub async fn put_service_token(&self, token: ServiceToken) -> Result<()> {
        self.put(&self.tables().directory, to_item(keys::service_token(&token.id), token)?).await
    }

    /// Deletes a service token; `false` when there was none.
    pub async fn delete_service_token(&self, id: &ServiceTokenId) -> Result<bool> {
        self.delete(&self.tables().directory, keys::service_token(id)).await
    }

    /// Reads a VAPI credential.
    pub async fn credential(&self, id: &CredentialId) -> Result<Option<Credential>> {
        self.get(&self.tables().directory, keys::credential(id)).await?.map(from_item).transpose()
    }

    /// Writes a VAPI credential.
    pub async fn put_credential(&self, credential: Credential) -> Result<()> {
        self.put(&self.tables().directory, to_item(keys::credential(&credential.id), credential)?).await
    }

    /// Deletes a VAPI credential; `false` when there was none.
    pub async fn delete_credential(&self, id: &CredentialId) -> Result<bool> {
        self.delete(&self.tables().directory, keys::credential(id)).await
    }

    /// Reads all routes of a tenant (one query).
    pub async fn routes(&self, tenant: &OwnerId) -> Result<Vec<Route>> {
        let items = self.query(&self.tables().directory, keys::routes(tenant)).await?;
        items.into_iter().filter(|item| kind_of(item) == Route::KIND).map(from_item).collect()
    }

    /// Writes a route.
    pub async fn put_route(&self, tenant: &OwnerId, route: Route) -> Result<()> {
        self.put(&self.tables().directory, to_item(keys::route(tenant, &route.match_on), route)?).await
    }
}
