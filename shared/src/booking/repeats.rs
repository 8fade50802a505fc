//! The same request again: it gets the answer of the first one, and never a second effect.

use aws_sdk_dynamodb::types::TransactWriteItem;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::contended;
use crate::{
    app::App,
    error::{Error, Result},
    ids::{BookingId, OwnerId},
    random,
    store::{
        Transaction,
        bookings::{Booking, BookingStatus, CalendarSync},
        dedupe::{Operation, REPLAYED_FOR},
        keys,
        row::Key,
    },
};

/// API Gateway waits no longer for a function: whoever started before this has ended.
pub(super) const LONGEST_REQUEST: SignedDuration = SignedDuration::from_secs(30);

/// DynamoDB takes 1,024 bytes of a sort key; ids of calls are whatever their sender makes them.
const MOST_NAME: usize = 512;

/// Names under which a repeat of a request is known; the first one that is found replays its answer.
#[derive(Clone, Debug, Default)]
pub struct Repeats {
    /// The request's own name: an `Idempotency-Key`, or a tool call's id.
    pub name: Option<String>,
    /// A name of what is wanted, which other requests may share. Its answer counts for as long as the booking stands as it
    /// was answered: whoever asks again after it was called off or moved wants it anew.
    pub wish: Option<String>,
    /// SHA-256 of what is asked, hexadecimal: the same name with another request is a mistake.
    pub hash: String,
}

/// What is stored of an answer; the rest is in the booking's row.
#[derive(Serialize, Deserialize)]
struct Answer {
    id: BookingId,
    status: BookingStatus,
    calendar_sync: CalendarSync,
    sequence: u32,
    #[serde(with = "crate::store::row::seconds::required")]
    start: Timestamp,
    #[serde(with = "crate::store::row::seconds::required")]
    end: Timestamp,
}

/// An earlier request under one of the same names.
pub(super) enum Earlier {
    /// It ended, and left this.
    Answered(Box<Booking>),
    /// It never came to an answer, and nobody is at it any more.
    Abandoned(Box<Booking>),
    /// It was given back by somebody who did not know its names, or called off since: as good as never made.
    GivenBack,
}

impl Repeats {
    fn names(&self) -> impl Iterator<Item = &String> {
        self.name.iter().chain(&self.wish)
    }

    /// The actions that start the operations, unless one under the same name is there; `over` starts them over whatever
    /// is left of one that was given back.
    pub(super) fn start(&self, app: &App, of: &Booking, over: bool) -> Result<Vec<TransactWriteItem>> {
        let now = app.clock.now();
        let start = |name: &String| {
            let (key, operation) = (operation_key(&of.owner, name), self.operation(of, None, now)?);
            match over {
                true => app.store.finish_operation(key, operation),
                false => app.store.start_operation(key, operation, now),
            }
        };
        self.names().map(start).collect()
    }

    /// The actions that store the answer.
    pub(super) fn finish(&self, app: &App, left: &Booking) -> Result<Vec<TransactWriteItem>> {
        let answer = Answer {
            id: left.id.clone(),
            status: left.status,
            calendar_sync: left.calendar_sync,
            sequence: left.sequence,
            start: left.start,
            end: left.end,
        };
        let text = serde_json::to_string(&answer).map_err(|error| Error::internal(error.to_string()))?;
        let finish = |name: &String| {
            let operation = self.operation(left, Some(text.clone()), app.clock.now())?;
            app.store.finish_operation(operation_key(&left.owner, name), operation)
        };
        self.names().map(finish).collect()
    }

    /// The actions that forget the operations, so that the same request may be made again.
    pub(super) fn forget(&self, app: &App, owner: &OwnerId) -> Result<Vec<TransactWriteItem>> {
        self.names().map(|name| app.store.forget_operation(&operation_key(owner, name))).collect()
    }

    /// Stores the answer of a request that changed nothing.
    pub(super) async fn keep(&self, app: &App, left: &Booking) -> Result<()> {
        if self.names().next().is_none() {
            return Ok(());
        }
        match app.store.transact(self.finish(app, left)?).await? {
            Transaction::Done | Transaction::Refused(_) => Ok(()),
            Transaction::Contended => Err(contended()),
        }
    }

    /// What became of an earlier request under one of the same names.
    pub(super) async fn earlier(&self, app: &App, owner: &OwnerId) -> Result<Option<Earlier>> {
        for name in self.names() {
            let found = app.store.operation(operation_key(owner, name), app.clock.now()).await?;
            let Some(earlier) = found else { continue };
            if earlier.request_hash != self.hash {
                return Err(Error::invalid("Idempotency-Key", "was used for another request"));
            }
            let booking = app.store.booking(owner, &earlier.subject.parse()?).await?;
            let booking = booking.ok_or_else(in_progress)?;
            return match &earlier.answer {
                Some(text) => {
                    let answered = as_answered(booking.clone(), text)?;
                    let over = self.wish.as_ref() == Some(name) && !stands(&booking, &answered);
                    Ok(Some(if over { Earlier::GivenBack } else { Earlier::Answered(Box::new(answered)) }))
                }
                // While somebody may be at it nothing is said.
                None if app.clock.now().duration_since(earlier.started_at) < LONGEST_REQUEST => {
                    Err(in_progress())
                }
                None if booking.status == BookingStatus::Failed => Ok(Some(Earlier::GivenBack)),
                None if self.wish.as_ref() == Some(name) && is_called_off(&booking) => {
                    Ok(Some(Earlier::GivenBack))
                }
                None => Ok(Some(Earlier::Abandoned(Box::new(booking)))),
            };
        }
        Ok(None)
    }

    fn operation(&self, of: &Booking, answer: Option<String>, now: Timestamp) -> Result<Operation> {
        Ok(Operation {
            request_hash: self.hash.clone(),
            subject: of.id.to_string(),
            answer,
            started_at: now,
            ttl: now.saturating_add(REPLAYED_FOR).map_err(|error| Error::internal(error.to_string()))?,
        })
    }
}

/// The booking as it was when it was answered.
fn as_answered(booking: Booking, text: &str) -> Result<Booking> {
    let Answer { id, status, calendar_sync, sequence, start, end } =
        serde_json::from_str(text).map_err(|error| Error::internal(error.to_string()))?;
    Ok(Booking { id, status, calendar_sync, sequence, start, end, ..booking })
}

/// Whether a booking stands where it was answered to stand.
fn stands(booking: &Booking, answered: &Booking) -> bool {
    !is_called_off(booking) && booking.slot() == answered.slot()
}

fn is_called_off(booking: &Booking) -> bool {
    [BookingStatus::Cancelling, BookingStatus::Cancelled, BookingStatus::Failed].contains(&booking.status)
}

pub(super) fn in_progress() -> Error {
    Error::conflict("in_progress", "This booking is being made.")
}

fn operation_key(owner: &OwnerId, name: &str) -> Key {
    let scope = format!("booking#{owner}");
    if name.len() <= MOST_NAME {
        return keys::idempotency(&scope, name);
    }
    keys::idempotency(&scope, &format!("sha256:{}", random::hex(&random::sha256(name.as_bytes()))))
}
