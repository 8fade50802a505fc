//! Writes of a connection's tokens and of the lease to refresh them.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use jiff::{SignedDuration, Timestamp};

use super::{Cause, Connection, SAME_VERSION};
use crate::{
    error::{Error, Result},
    store::{
        Store, Write, is_refused, keys, outage,
        row::{Blob, from_item, number, text},
        written,
    },
};

/// A refresher has the lease when nobody holds one that is still believed, and nobody wrote tokens since it looked.
const LEASE_FREE: &str =
    "token_version = :version AND (attribute_not_exists(lease_until) OR lease_until <= :now)";

/// New tokens of a connection, sealed.
pub struct SealedTokens {
    /// The version they were sealed for: one above the row's.
    pub token_version: u64,
    /// Sealed access token.
    pub access: Blob,
    /// Sealed refresh token.
    pub refresh: Option<Blob>,
    /// Seals made with the data key so far.
    pub seals: u32,
    /// The data key that sealed both.
    pub data_key_id: String,
    /// Since when that key is used.
    pub key_since: Timestamp,
    /// When the access token dies.
    pub expires_at: Timestamp,
    /// From when on it is worth a refresh.
    pub refresh_at: Timestamp,
}

impl Store {
    /// Takes the lease to refresh, and returns the row it holds for; none when somebody else has it or wrote tokens.
    pub async fn lease(
        &self,
        of: &Connection,
        lease_id: &str,
        now: Timestamp,
        for_: SignedDuration,
    ) -> Result<Option<Connection>> {
        let until = now.as_second() + for_.as_secs();
        let result = self
            .client()
            .update_item()
            .table_name(&self.tables().connections)
            .set_key(Some(keys::connection(&of.owner, &of.id).item()))
            .update_expression("SET lease_id = :lease, lease_until = :until")
            .condition_expression(LEASE_FREE)
            .expression_attribute_values(":lease", text(lease_id))
            .expression_attribute_values(":until", number(until))
            .expression_attribute_values(":now", number(now.as_second()))
            .expression_attribute_values(":version", number(of.token_version))
            .return_values(ReturnValue::AllNew)
            .send()
            .await;
        match result {
            Ok(answer) => Ok(Some(from_item(answer.attributes.unwrap_or_default())?)),
            Err(error) if is_refused(&error) => Ok(None),
            Err(error) => Err(outage(error)),
        }
    }

    /// Writes new tokens and ends the lease, on the version alone: a provider's answer always lands.
    pub async fn commit_tokens(
        &self,
        of: &Connection,
        tokens: SealedTokens,
        now: Timestamp,
    ) -> Result<Write> {
        let mut set = "SET token_version = :next, access = :access, seals = :seals, data_key_id = :key, \
                       key_since = :since, expires_at = :expires, refresh_at = :refresh_at, last_used_at = :now, \
                       #status = :active"
            .to_owned();
        let mut update = self
            .client()
            .update_item()
            .table_name(&self.tables().connections)
            .set_key(Some(keys::connection(&of.owner, &of.id).item()))
            .condition_expression(SAME_VERSION)
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":active", text("active"))
            .expression_attribute_values(":version", number(of.token_version))
            .expression_attribute_values(":next", number(tokens.token_version))
            .expression_attribute_values(":access", AttributeValue::B(tokens.access.0.into()))
            .expression_attribute_values(":seals", number(tokens.seals))
            .expression_attribute_values(":key", text(tokens.data_key_id))
            .expression_attribute_values(":since", number(tokens.key_since.as_second()))
            .expression_attribute_values(":expires", number(tokens.expires_at.as_second()))
            .expression_attribute_values(":refresh_at", number(tokens.refresh_at.as_second()))
            .expression_attribute_values(":now", number(now.as_second()));
        if let Some(refresh) = tokens.refresh {
            set.push_str(", refresh = :refresh");
            update = update.expression_attribute_values(":refresh", AttributeValue::B(refresh.0.into()));
        }
        set.push_str(" REMOVE lease_id, lease_until, cause");
        written(update.update_expression(set).send().await)
    }

    /// Ends a lease early, so that the next caller need not wait for it; only the holder can.
    pub async fn release(&self, of: &Connection, lease_id: &str) -> Result<Write> {
        let update = self
            .client()
            .update_item()
            .table_name(&self.tables().connections)
            .set_key(Some(keys::connection(&of.owner, &of.id).item()))
            .update_expression("REMOVE lease_id, lease_until")
            .condition_expression("lease_id = :lease")
            .expression_attribute_values(":lease", text(lease_id));
        written(update.send().await)
    }

    /// Marks a connection as needing its owner, unless somebody wrote tokens since the row was read.
    pub async fn mark_reauth(&self, of: &Connection, cause: Cause) -> Result<Write> {
        let cause =
            serde_dynamo::to_attribute_value(cause).map_err(|error| Error::internal(error.to_string()))?;
        let update = self
            .client()
            .update_item()
            .table_name(&self.tables().connections)
            .set_key(Some(keys::connection(&of.owner, &of.id).item()))
            .update_expression("SET #status = :status, cause = :cause REMOVE lease_id, lease_until")
            .condition_expression(SAME_VERSION)
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":status", text("reauth_required"))
            .expression_attribute_values(":cause", cause)
            .expression_attribute_values(":version", number(of.token_version));
        written(update.send().await)
    }

    /// Notes that a connection's tokens were used.
    pub async fn touch(&self, of: &Connection, now: Timestamp) -> Result<Write> {
        let update = self
            .client()
            .update_item()
            .table_name(&self.tables().connections)
            .set_key(Some(keys::connection(&of.owner, &of.id).item()))
            .update_expression("SET last_used_at = :now")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":now", number(now.as_second()));
        written(update.send().await)
    }
}
