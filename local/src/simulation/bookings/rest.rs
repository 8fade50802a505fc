//! What must be true once the weather has cleared and nothing is left to do: rows against ledger and calendar. Nothing
//! here is code of ours but the reading of JSON.

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::{
    books::Books,
    calendar::{Calendar, Event},
    row::{Booking, Entry},
    told::Attempt,
};

/// Everything that is known at the end.
pub(super) struct Evidence<'a> {
    pub(super) books: &'a Books,
    pub(super) calendar: &'a Calendar,
    pub(super) attempts: &'a [Attempt],
    pub(super) limit: Option<DayLimit>,
}

/// How many appointments an owner takes on one day of his zone.
#[derive(Clone, Debug)]
pub(super) struct DayLimit {
    pub(super) most: usize,
    pub(super) zone: TimeZone,
}

impl DayLimit {
    /// The local day of a second.
    pub(super) fn day(&self, second: i64) -> Date {
        self.zone.to_datetime(Timestamp::from_second(second).unwrap_or_default()).date()
    }
}

impl Evidence<'_> {
    /// What is wrong with rows, ledger and calendar at rest.
    pub(super) fn at_rest(&self) -> Vec<String> {
        let mut faults = self.books.faults.clone();
        let mut wanted: Vec<Entry> = Vec::new();
        for booking in self.books.bookings.values() {
            let (id, status) = (&booking.id, booking.status.as_str());
            if !["confirmed", "cancelled", "failed"].contains(&status) || booking.moving.is_some() {
                faults.push(format!("{id} is left {status}, moving to {:?}", booking.moving));
            }
            if booking.work_at.is_some() || booking.sync == "pending" {
                faults.push(format!("{id} is {status}, and left with work to do: {}", booking.sync));
            }
            wanted.extend(booking.entries());
            if status == "confirmed" {
                faults.extend(self.shown(booking));
            } else if self.standing(booking).next().is_some() && !self.was_moved_away(booking) {
                faults.push(format!("orphan: {id} is {status}, and its event is still there"));
            }
        }
        for event in self.calendar.events.iter().filter(|event| event.ours && !event.deleted) {
            if !self.books.bookings.values().any(|booking| is_of(event, booking)) {
                faults.push(format!("orphan: an event of nobody's: {:?}", event.key));
            }
        }
        wanted.sort();
        // Every hold is over by now.
        let there: Vec<Entry> =
            self.books.entries().into_iter().filter(|entry| entry.expires.is_none()).collect();
        if there != wanted {
            faults.push(format!("leaked: the ledger at rest has {there:?} instead of {wanted:?}"));
        }
        for (at, one) in wanted.iter().enumerate() {
            let clashes = wanted[at + 1..].iter().filter(|other| !one.is_clear_of(other));
            faults.extend(clashes.map(|other| format!("double booking: {} and {}", one.of, other.of)));
        }
        faults
    }

    /// A booking that stands is in the calendar at its time, unless the owner had a hand in it.
    fn shown(&self, booking: &Booking) -> Option<String> {
        let id = &booking.id;
        let events: Vec<&Event> = self.standing(booking).collect();
        if let [_, _, ..] = events.as_slice() {
            return Some(format!("{id} has {} events", events.len()));
        }
        // Deleted ones as well: it is the hand that counts.
        if self.calendar.events.iter().any(|event| event.by_hand && is_of(event, booking)) {
            let known = ["moved_by_hand", "deleted_by_hand", "refused"].contains(&booking.problem.as_str());
            let well = booking.sync == "synced" || (booking.sync == "failed" && known);
            return (!well)
                .then(|| format!("{id} does not say what a hand did: {} {}", booking.sync, booking.problem));
        }
        let Some(event) = events.first() else {
            return Some(format!("ghost: {id} stands as {}, and has no event", booking.sync));
        };
        let well = booking.sync == "synced"
            && event.span == booking.span
            && booking.event.as_ref() == Some(&event.id);
        (!well).then(|| {
            format!(
                "ghost: {id} stands as {} at {:?}, its event at {:?}",
                booking.sync, booking.span, event.span
            )
        })
    }

    /// Graph finds an event by its key only near the time that it was made for: one that the owner moved away before its
    /// id was noted is nobody's any more.
    pub(super) fn was_moved_away(&self, booking: &Booking) -> bool {
        let is_graphs = |event: &Event| event.key.as_ref() != Some(&event.id);
        let mut own = self.calendar.events.iter().filter(|event| is_of(event, booking));
        booking.status == "failed"
            && booking.event.is_none()
            && own.any(|event| event.by_hand && is_graphs(event))
    }

    fn standing<'a>(&'a self, booking: &'a Booking) -> impl Iterator<Item = &'a Event> {
        self.calendar.events.iter().filter(move |event| !event.deleted && is_of(event, booking))
    }
}

/// Whether an event was made for a booking: its key is the booking's id without its kind.
pub(super) fn is_of(event: &Event, booking: &Booking) -> bool {
    event.ours && booking.id.split_once('_').map(|(_, key)| key) == event.key.as_deref()
}
