//! Bookings and holds: what an entry of the ledger stands for.

mod erasure;
mod place;
mod row;

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Store, keys, odd, outage,
    row::{Stored as _, from_item, number, text, to_item},
};
use crate::{
    error::{Error, Result},
    ids::{BookingId, HoldId, OwnerId},
    range::Interval,
};

pub use erasure::Erasure;
pub use place::Place;
pub use row::{Booking, BookingStatus, CalendarSync, Hold, Problem};

/// Indexes of the `bookings` table in template.yaml.
const BY_START: &str = "by_start";
const WORK: &str = "work";

/// Unfinished work as the index shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// The booking; none is an erasure of everything.
    #[serde(default)]
    pub id: Option<BookingId>,
    /// Whose time it is.
    pub owner: OwnerId,
}

impl Store {
    /// The action that writes a booking whole: new, or over the version that was read. Its own version moves.
    pub fn put_booking(&self, booking: &Booking, over: Option<u64>) -> Result<TransactWriteItem> {
        let booking = Booking { version: over.map_or(1, |version| version + 1), ..booking.clone() };
        let item = to_item(keys::booking(&booking.owner, &booking.id), booking)?;
        let put = Put::builder().table_name(&self.tables().bookings).set_item(Some(item));
        let put = match over {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(version) => put
                .condition_expression("version = :version")
                .expression_attribute_values(":version", number(version)),
        };
        Ok(TransactWriteItem::builder().put(put.build().map_err(odd)?).build())
    }

    /// Reads a booking.
    pub async fn booking(&self, owner: &OwnerId, id: &BookingId) -> Result<Option<Booking>> {
        self.get(&self.tables().bookings, keys::booking(owner, id)).await?.map(from_item).transpose()
    }

    /// The bookings of an owner that start in a span, in order of their start, and where they go on; `after` is the place
    /// that an earlier question ended at. Read from an index, so a change of the last second may be missing.
    pub async fn bookings(
        &self,
        owner: &OwnerId,
        span: Interval,
        after: Option<&Place>,
        most: i32,
    ) -> Result<(Vec<Booking>, Option<Place>)> {
        // Starts are kept in whole seconds: the first one inside, and the last one.
        let whole = |at: Timestamp| at.as_second() + i64::from(at.subsec_nanosecond() > 0);
        let (first, last) = (whole(span.start), whole(span.end) - 1);
        if last < first {
            return Ok((Vec::new(), None));
        }
        let page = self
            .client()
            .query()
            .table_name(&self.tables().bookings)
            .index_name(BY_START)
            .key_condition_expression("pk = :pk AND #start BETWEEN :from AND :to")
            .filter_expression("kind = :kind")
            .expression_attribute_names("#start", "start")
            .expression_attribute_values(":pk", text(keys::owner(owner)))
            .expression_attribute_values(":from", number(first))
            .expression_attribute_values(":to", number(last))
            .expression_attribute_values(":kind", text(Booking::KIND))
            .set_exclusive_start_key(after.map(|place| place.key(owner)))
            .limit(most)
            .send()
            .await
            .map_err(outage)?;
        let next = page.last_evaluated_key.as_ref().map(Place::read).transpose()?;
        let rows: Result<_> = page.items.unwrap_or_default().into_iter().map(from_item).collect();
        Ok((rows?, next))
    }

    /// The bookings of one shard whose work is due, the longest due first.
    pub async fn work(&self, shard: &str, until: Timestamp, most: i32) -> Result<Vec<Work>> {
        let page = self
            .client()
            .query()
            .table_name(&self.tables().bookings)
            .index_name(WORK)
            .key_condition_expression("work_shard = :shard AND work_at <= :until")
            .expression_attribute_values(":shard", text(shard))
            .expression_attribute_values(":until", number(until.as_second()))
            .limit(most)
            .send()
            .await
            .map_err(outage)?;
        let read = |item| {
            serde_dynamo::from_item(item)
                .map_err(|error| Error::internal(format!("the index of unfinished work: {error}")))
        };
        page.items.unwrap_or_default().into_iter().map(read).collect()
    }

    /// The action that writes a hold.
    pub fn put_hold(&self, hold: &Hold) -> Result<TransactWriteItem> {
        let item = to_item(keys::hold(&hold.owner, &hold.id), hold.clone())?;
        let put = Put::builder().table_name(&self.tables().bookings).set_item(Some(item));
        let put = put.condition_expression("attribute_not_exists(pk)");
        Ok(TransactWriteItem::builder().put(put.build().map_err(odd)?).build())
    }

    /// Reads a hold; one that ended counts as none.
    pub async fn hold(&self, owner: &OwnerId, id: &HoldId, now: Timestamp) -> Result<Option<Hold>> {
        let item = self.get(&self.tables().bookings, keys::hold(owner, id)).await?;
        let hold: Option<Hold> = item.map(from_item).transpose()?;
        Ok(hold.filter(|hold| hold.expires_at > now))
    }

    /// The action that deletes a hold, on condition that it is there.
    pub fn delete_hold(&self, hold: &Hold) -> Result<TransactWriteItem> {
        let delete = aws_sdk_dynamodb::types::Delete::builder()
            .table_name(&self.tables().bookings)
            .set_key(Some(keys::hold(&hold.owner, &hold.id).item()))
            .condition_expression("attribute_exists(pk)");
        Ok(TransactWriteItem::builder().delete(delete.build().map_err(odd)?).build())
    }
}
