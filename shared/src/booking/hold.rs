//! Keeping a slot for a moment: everybody else finds it taken, and it ends by itself.

use jiff::{SignedDuration, Timestamp};

use super::{
    Desk, Wish, contended, not_offered,
    rows::{ATTEMPTS, enter, obstacle},
    taken,
};
use crate::{
    app::App,
    availability::{busy, readable},
    error::{Error, Result},
    ids::{HoldId, OwnerId},
    range::Interval,
    schedule::Buffers,
    slots::EmptyReason,
    store::{
        Transaction,
        bookings::Hold,
        ledger::{Entry, Out},
    },
};

/// Long enough to give one's name and address.
const HELD_FOR: SignedDuration = SignedDuration::from_mins(5);

/// Keeps a slot. A taken one is an error with three free ones.
pub async fn hold(
    app: &App,
    desk: Desk<'_>,
    slot: Interval,
    buffers: Buffers,
    service: Option<String>,
) -> Result<Hold> {
    let wish = Wish { slot, buffers, service: service.as_deref() };
    let guarded = slot.widened(buffers.before, buffers.after);
    for _ in 0..ATTEMPTS {
        let now = app.clock.second();
        let days = app.store.days(desk.owner, slot).await?;
        match obstacle(app, desk, &days, slot, buffers, &[], app.clock.now())? {
            None => {}
            Some(EmptyReason::FullyBooked) => return Err(taken(app, desk, wish).await),
            Some(reason) => return Err(not_offered(reason)),
        }
        let held = Hold {
            id: HoldId::random(),
            owner: desk.owner.clone(),
            start: slot.start,
            end: slot.end,
            service: service.clone(),
            expires_at: now.saturating_add(HELD_FOR).map_err(|error| Error::internal(error.to_string()))?,
        };
        let entry = Entry::new(held.id.as_str(), slot, buffers, Some(held.expires_at));
        let entered = enter(app, &days, &[], &entry, vec![app.store.put_hold(&held)?]).await?;
        // The SDK repeats a transaction whose answer was lost: what is there may be ours.
        if entered.is_none() && app.store.hold(desk.owner, &held.id, now).await?.is_none() {
            continue;
        }
        // The calendars are asked after the ledger has it, as for a booking.
        let calendars = async {
            if desk.rows.connections.is_empty() {
                return Ok(Some(Vec::new()));
            }
            readable(busy(app, desk.owner, desk.rows, guarded, desk.schedule, desk.patience).await)
        };
        let refused = match calendars.await {
            Ok(Some(busy)) if !busy.iter().any(|taken| taken.overlaps(guarded)) => return Ok(held),
            Ok(Some(_)) => None,
            Ok(None) => Some(not_offered(EmptyReason::CalendarUnreachable)),
            Err(error) => Some(error),
        };
        let_go(app, desk.owner, &held.id).await?;
        return Err(match refused {
            Some(error) => error,
            None => taken(app, desk, wish).await,
        });
    }
    Err(contended())
}

/// When a hold was made.
pub(super) fn made_at(hold: &Hold) -> Timestamp {
    hold.expires_at.saturating_sub(HELD_FOR).unwrap_or(hold.expires_at)
}

/// A hold that still lives.
pub async fn hold_of(app: &App, owner: &OwnerId, id: &HoldId) -> Result<Hold> {
    let hold = app.store.hold(owner, id, app.clock.now()).await?;
    hold.ok_or_else(|| Error::conflict("hold_expired", "The hold is gone. Choose a time again."))
}

/// Ends a hold; one that ended is ended.
pub async fn let_go(app: &App, owner: &OwnerId, id: &HoldId) -> Result<()> {
    let now = app.clock.now();
    for _ in 0..ATTEMPTS {
        let Some(hold) = app.store.hold(owner, id, now).await? else { return Ok(()) };
        let days = app.store.days(owner, Interval::new(hold.start, hold.end)).await?;
        let out = [Out { of: hold.id.as_str(), at: None }];
        let mut actions = app.store.change_days(&days, &out, None, now)?;
        actions.push(app.store.delete_hold(&hold)?);
        match app.store.transact(actions).await? {
            Transaction::Done => return Ok(()),
            Transaction::Refused(_) | Transaction::Contended => {}
        }
    }
    Err(contended())
}
