//! Whether bookings looked before they leapt: the calendar was asked after the time was taken, and what it said was heeded.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    calendar::{Shown, Span},
    rest::{Evidence, is_of},
    row::Booking,
};

/// A booking that came to stand at a time.
struct Arrival<'a> {
    booking: &'a Booking,
    guarded: Span,
    /// When the ledger had the time.
    taken: Timestamp,
    /// When it stood there.
    stood: Timestamp,
}

impl Evidence<'_> {
    /// Bookings and moves that stand where the calendar had something that they could have seen.
    pub(super) fn unseen(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for arrival in self.arrivals() {
            let Arrival { booking, guarded, taken, stood } = &arrival;
            let asked = self.calendar.reads.iter().any(|read| {
                let done = read.done.filter(|done| taken <= done && done <= stood);
                read.window.holds(*guarded)
                    && done.is_some_and(|done| self.foreign(booking, *guarded, done, done).is_none())
            });
            // The owner may have put it there himself.
            let by_hand = self.calendar.events.iter().any(|event| event.by_hand && is_of(event, booking));
            if !asked && !by_hand {
                faults.push(format!("{} stands, and the calendar never said that it was free", booking.id));
            }
            faults.extend(self.overlooked(&arrival));
        }
        faults
    }

    fn arrivals(&self) -> Vec<Arrival<'_>> {
        let mut taken: BTreeMap<(&str, Span), Timestamp> = BTreeMap::new();
        let mut last: BTreeMap<&str, &Booking> = BTreeMap::new();
        let mut found = Vec::new();
        for (at, booking) in &self.books.history {
            let id = booking.id.as_str();
            let earlier = last.insert(id, booking);
            if booking.version == 1 {
                taken.insert((id, booking.span), *at);
            }
            if let Some(to) =
                booking.moving.filter(|to| earlier.is_some_and(|earlier| earlier.moving != Some(*to)))
            {
                taken.insert((id, to), *at);
            }
            let stood = earlier.is_some_and(|earlier| {
                booking.status == "confirmed"
                    && (earlier.status != "confirmed" || earlier.span != booking.span)
            });
            if let Some(taken) = taken.get(&(id, booking.span)).filter(|_| stood) {
                found.push(Arrival { booking, guarded: booking.guarded(), taken: *taken, stood: *at });
            }
        }
        found
    }

    /// Something foreign in a stretch of time from one instant to another, all the while.
    fn foreign(&self, booking: &Booking, span: Span, from: Timestamp, until: Timestamp) -> Option<&Shown> {
        self.calendar.shown.iter().find(|shown| {
            let event = &self.calendar.events[shown.event];
            let there = shown.from < from && until < shown.until;
            there && event.busy && !is_of(event, booking) && shown.span.meets(span)
        })
    }

    /// Something older that the second look after the writing would have shown, where that look was not kept from
    /// seeing it.
    fn overlooked(&self, arrival: &Arrival<'_>) -> Option<String> {
        let Arrival { booking, guarded, stood, taken } = arrival;
        let first = self.books.history.iter().find(|(_, row)| row.id == booking.id);
        if booking.sync != "synced" || first.is_none_or(|(_, row)| row.span != booking.span) {
            return None;
        }
        let place = self.calendar.events.iter().position(|event| is_of(event, booking))?;
        let event = &self.calendar.events[place];
        let written = self.calendar.shown.iter().find(|shown| shown.event == place)?.from;
        let there = self.foreign(booking, *guarded, written, *stood)?;
        let other = &self.calendar.events[there.event];
        let hindered = self
            .calendar
            .reads
            .iter()
            .any(|read| taken <= &read.begun && read.begun <= *stood && !read.heard);
        (other.created < event.created && !hindered)
            .then(|| format!("{} stands where {} was before it", booking.id, other.id))
    }
}
