//! The lease to ask a provider for new tokens, and how an ask that gave none ends.

use aws_sdk_dynamodb::{
    operation::update_item::UpdateItemError,
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use jiff::{SignedDuration, Timestamp};

use super::{Cause, Connection};
use crate::{
    error::{Error, Result},
    store::{
        Store, Write,
        change::Change,
        is_refused, keys, outage,
        row::{from_item, number, text},
        written,
    },
};

/// Nobody wrote tokens since the row was read, nobody else holds a lease that is still believed, and the provider did
/// not ask us to wait. Our own lease counts as ours: the SDK repeats a write whose answer was lost.
const LEASE_FREE: &str = "token_version = :version \
     AND (attribute_not_exists(lease_until) OR lease_until <= :now OR lease_id = :lease) \
     AND (attribute_not_exists(retry_at) OR retry_at <= :now)";

/// More unheard asks than these say nothing new, and an item is at most 400 KB.
const MOST_ASKS: usize = 8;

/// Who may ask the provider.
pub enum Leasing {
    /// We may; the row is as the lease found it.
    Ours(Box<Connection>),
    /// We may not; the row as it is, none when it is gone.
    Theirs(Option<Box<Connection>>),
}

/// How an ask ended that gave no tokens.
pub struct Ended<'a> {
    /// The lease it ran under.
    pub lease_id: &'a str,
    /// Whether the provider's answer arrived, or nothing was sent: the refresh token is surely unused.
    pub heard: bool,
    /// When somebody may ask again.
    pub retry_at: Option<Timestamp>,
    /// A fault of our registration, for the connection's status.
    pub cause: Option<Cause>,
    /// When the keeper looks at it again.
    pub due_at: Timestamp,
}

impl Store {
    /// Takes the lease to refresh, for a while.
    pub async fn lease(
        &self,
        of: &Connection,
        lease_id: &str,
        now: Timestamp,
        for_: SignedDuration,
    ) -> Result<Leasing> {
        let mut change = Change::of(
            &self.tables().connections,
            keys::connection(&of.owner, &of.id),
            "SET lease_id = :lease, lease_until = :until",
            LEASE_FREE,
        )
        .value(":lease", text(lease_id))
        .value(":until", number(now.as_second() + for_.as_secs()))
        .value(":now", number(now.as_second()))
        .value(":version", number(of.token_version));
        if of.asks.len() < MOST_ASKS {
            // A set, so that a repeated write counts once.
            change =
                change.and(" ADD asks :ask").value(":ask", AttributeValue::Ss(vec![lease_id.to_owned()]));
        }
        let result = change
            .call(self)
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match result {
            Ok(answer) => Ok(Leasing::Ours(Box::new(from_item(answer.attributes.unwrap_or_default())?))),
            Err(error) if is_refused(&error) => {
                let Some(UpdateItemError::ConditionalCheckFailedException(failed)) = error.as_service_error()
                else {
                    return Ok(Leasing::Theirs(None));
                };
                Ok(Leasing::Theirs(failed.item().cloned().map(from_item).transpose()?.map(Box::new)))
            }
            Err(error) => Err(outage(error)),
        }
    }

    /// Ends a lease early, so that the next caller need not wait for it; only the holder can.
    pub async fn end_lease(&self, of: &Connection, ended: &Ended<'_>) -> Result<Write> {
        let mut change = Change::of(
            &self.tables().connections,
            keys::connection(&of.owner, &of.id),
            "SET due_at = :due",
            "lease_id = :lease",
        )
        .value(":lease", text(ended.lease_id))
        .value(":due", number(ended.due_at.as_second()));
        if let Some(at) = ended.retry_at {
            // Conditions compare whole seconds: never earlier than the provider said.
            let whole = at.as_second() + i64::from(at.subsec_nanosecond() > 0);
            change = change.and(", retry_at = :retry").value(":retry", number(whole));
        }
        if let Some(cause) = ended.cause {
            let cause = serde_dynamo::to_attribute_value(cause)
                .map_err(|error| Error::internal(error.to_string()))?;
            change = change.and(", cause = :cause").value(":cause", cause);
        }
        change = change.and(" REMOVE lease_id, lease_until");
        if ended.heard {
            change = change
                .and(" DELETE asks :ask")
                .value(":ask", AttributeValue::Ss(vec![ended.lease_id.to_owned()]));
        }
        written(change.call(self).send().await)
    }
}
