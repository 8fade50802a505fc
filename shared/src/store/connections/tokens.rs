//! Writes of a connection's tokens, and of what becomes of it without them.

use aws_sdk_dynamodb::{
    operation::update_item::UpdateItemError,
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Cause, Connection, Status, WARN_BEFORE};
use crate::{
    error::{Error, Result},
    store::{
        Store, Write,
        change::Change,
        is_refused, keys, landed, outage,
        outbox::{Event, EventType},
        row::{Blob, base64_option, base64_text, from_item, number, seconds, text},
        written,
    },
};

/// Nobody wrote tokens since the row was read, and its status is the one that was seen.
const AS_SEEN: &str = "token_version = :version AND #status = :was";

/// New tokens of a connection, sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedTokens {
    /// The version they were sealed for: one above the row's.
    pub token_version: u64,
    /// Sealed access token.
    #[serde(with = "base64_text")]
    pub access: Blob,
    /// Sealed refresh token.
    #[serde(default, with = "base64_option", skip_serializing_if = "Option::is_none")]
    pub refresh: Option<Blob>,
    /// Seals made with the data key so far.
    pub seals: u32,
    /// The data key that sealed both.
    pub data_key_id: String,
    /// Since when that key is used.
    #[serde(with = "seconds::required")]
    pub key_since: Timestamp,
    /// The ask that they answer; none when a consent gave them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ask: Option<String>,
    /// When they were given.
    #[serde(with = "seconds::required")]
    pub refreshed_at: Timestamp,
    /// When the access token dies.
    #[serde(with = "seconds::required")]
    pub expires_at: Timestamp,
    /// From when on it is worth a refresh.
    #[serde(with = "seconds::required")]
    pub refresh_at: Timestamp,
    /// When the refresh token dies whatever we do.
    #[serde(default, with = "seconds::optional", skip_serializing_if = "Option::is_none")]
    pub refresh_dies_at: Option<Timestamp>,
    /// When the keeper looks at it.
    #[serde(with = "seconds::required")]
    pub due_at: Timestamp,
}

/// Where new tokens came to rest.
#[must_use]
pub enum Landing {
    /// In the row.
    Done,
    /// Nowhere: somebody wrote others in between; the row as it is, none when it is gone.
    Superseded(Option<Box<Connection>>),
}

impl Store {
    /// Writes new tokens and ends the lease, on the version alone: a provider's answer always lands.
    ///
    /// One call, unless the connection needed its owner meanwhile: then the event that it works again goes with it.
    /// `used` says that somebody uses the tokens, and not the keeper alone.
    pub async fn commit_tokens(
        &self,
        of: &Connection,
        tokens: &SealedTokens,
        used: bool,
        now: Timestamp,
    ) -> Result<Landing> {
        let mut row = Box::new(of.clone());
        // The status can change once for each ask under way, and those are few.
        for _ in 0..3 {
            let change = self.new_tokens(&row, tokens, used.then_some(now));
            let current = if row.status == Status::Active {
                self.write_tokens(change).await?
            } else {
                let event = Event::about(&row, EventType::Recovered, now);
                match landed(self.transact(vec![change.action()?, self.put_event(event)?]).await?)? {
                    Write::Done => return Ok(Landing::Done),
                    Write::Refused => Err(self.connection(&row.owner, &row.id).await?.map(Box::new)),
                }
            };
            row = match current {
                Ok(()) => return Ok(Landing::Done),
                Err(Some(current)) if current.token_version == of.token_version => current,
                Err(current) => return Ok(Landing::Superseded(current)),
            };
        }
        Err(Error::internal("a connection's status would not stand still"))
    }

    /// The one call of the usual case; refused, the row as it is.
    async fn write_tokens(&self, change: Change) -> Result<Result<(), Option<Box<Connection>>>> {
        let call = change
            .call(self)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match call.send().await {
            Ok(_) => Ok(Ok(())),
            Err(error) if is_refused(&error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    Ok(Err(failed.item().cloned().map(from_item).transpose()?.map(Box::new)))
                }
                _ => Ok(Err(None)),
            },
            Err(error) => Err(outage(error)),
        }
    }

    fn new_tokens(&self, of: &Connection, tokens: &SealedTokens, used_at: Option<Timestamp>) -> Change {
        let set = "SET token_version = :next, access = :access, seals = :seals, data_key_id = :key, \
                   key_since = :since, expires_at = :expires, refresh_at = :refresh_at, refreshed_at = :refreshed, \
                   #status = :active, due_at = :due, due_shard = :shard";
        let mut change =
            Change::of(&self.tables().connections, keys::connection(&of.owner, &of.id), set, AS_SEEN)
                .name("#status", "status")
                .value(":was", text(of.status.as_str()))
                .value(":active", text(Status::Active.as_str()))
                .value(":version", number(of.token_version))
                .value(":next", number(tokens.token_version))
                .value(":access", AttributeValue::B(tokens.access.0.clone().into()))
                .value(":seals", number(tokens.seals))
                .value(":key", text(&tokens.data_key_id))
                .value(":since", number(tokens.key_since.as_second()))
                .value(":expires", number(tokens.expires_at.as_second()))
                .value(":refresh_at", number(tokens.refresh_at.as_second()))
                .value(":refreshed", number(tokens.refreshed_at.as_second()))
                .value(":due", number(tokens.due_at.as_second()))
                .value(":shard", text(keys::due_shard(&of.id)));
        if let Some(refresh) = &tokens.refresh {
            change = change
                .and(", refresh = :refresh")
                .value(":refresh", AttributeValue::B(refresh.0.clone().into()));
        }
        if let Some(dies) = tokens.refresh_dies_at {
            change = change.and(", refresh_dies_at = :dies").value(":dies", number(dies.as_second()));
        }
        let unheard = of.asks.iter().any(|ask| Some(ask) != tokens.ask.as_ref());
        if unheard {
            change = change
                .and(", unheard_at = :unheard")
                .value(":unheard", number(tokens.refreshed_at.as_second()));
        }
        if let Some(now) = used_at {
            change = change.and(", last_used_at = :used").value(":used", number(now.as_second()));
        }
        change = change.and(" REMOVE lease_id, lease_until, retry_at, cause, dead_since");
        if tokens.refresh_dies_at.is_none() {
            change = change.and(", refresh_dies_at");
        }
        if !unheard {
            change = change.and(", unheard_at");
        }
        let warned_of = |dies: Timestamp| dies.duration_since(tokens.refreshed_at) <= WARN_BEFORE;
        if !tokens.refresh_dies_at.is_some_and(warned_of) {
            // The end that others were warned of was averted.
            change = change.and(", warned_at");
        }
        if of.status == Status::Active {
            // Tokens that land after their connection was given up may be dead already: then the asks say why.
            change = change.and(", asks");
        } else if let Some(ask) = &tokens.ask {
            change = change.and(" DELETE asks :own").value(":own", AttributeValue::Ss(vec![ask.clone()]));
        }
        change
    }

    /// Marks a connection as needing its owner and tells of it, unless somebody wrote tokens or marked it in between.
    /// `ask` is an ask that the provider refused, and that was heard with it.
    pub async fn mark_reauth(
        &self,
        of: &Connection,
        cause: Cause,
        ask: Option<&str>,
        now: Timestamp,
    ) -> Result<Write> {
        let told =
            serde_dynamo::to_attribute_value(cause).map_err(|error| Error::internal(error.to_string()))?;
        let change = Change::of(
            &self.tables().connections,
            keys::connection(&of.owner, &of.id),
            "SET #status = :dead, cause = :cause, dead_since = :now \
             REMOVE lease_id, lease_until, retry_at, due_shard, due_at",
            "token_version = :version AND #status <> :dead",
        )
        .name("#status", "status")
        .value(":dead", text(Status::ReauthRequired.as_str()))
        .value(":cause", told)
        .value(":now", number(now.as_second()))
        .value(":version", number(of.token_version));
        let change = match ask {
            Some(ask) => {
                change.and(" DELETE asks :ask").value(":ask", AttributeValue::Ss(vec![ask.to_owned()]))
            }
            None => change,
        };
        let event = Event { cause: Some(cause), ..Event::about(of, EventType::ReauthRequired, now) };
        landed(self.transact(vec![change.action()?, self.put_event(event)?]).await?)
    }

    /// Notes that a connection's tokens were used.
    pub async fn touch(&self, of: &Connection, now: Timestamp) -> Result<Write> {
        let change = Change::of(
            &self.tables().connections,
            keys::connection(&of.owner, &of.id),
            "SET last_used_at = :now",
            "attribute_exists(pk)",
        );
        written(change.value(":now", number(now.as_second())).call(self).send().await)
    }
}
