//! Whether what callers were told is true: promises against rows, refusals against what really stood in the way.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{
    books::{SKEW, Taken},
    calendar::{Shown, Span},
    rest::{Evidence, is_of},
    row::{Booking, Entry},
    told::{Act, Attempt, Told},
};

impl Evidence<'_> {
    /// What callers were told and is not so.
    pub(super) fn words(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut by_title: BTreeMap<&str, Vec<&Attempt>> = BTreeMap::new();
        for attempt in self.attempts {
            match (&attempt.act, &attempt.told) {
                (Act::Book { title, .. }, _) => by_title.entry(title).or_default().push(attempt),
                (Act::Cancel { id }, Told::Done { .. }) if self.status(id) != "cancelled" => {
                    faults.push(format!("{id} was called off, and is {}", self.status(id)));
                }
                (Act::Move { id } | Act::Cancel { id }, Told::Refused("not_found")) => {
                    faults.push(format!("{id} was told as booked, and then as not found"));
                }
                (Act::Hold, Told::Done { id, .. }) => faults.extend(self.hold_lasted(attempt, id)),
                _ => {}
            }
            if attempt.told == Told::Refused("slot_taken") && !self.was_taken(attempt) {
                faults.push(format!(
                    "{} was told that {:?} is taken, and nothing was there",
                    attempt.by, attempt.span
                ));
            }
        }
        for (title, attempts) in by_title {
            faults.extend(self.request(title, &attempts));
        }
        for booking in self.books.bookings.values().filter(|booking| booking.status == "confirmed") {
            faults.extend(self.is_where_it_was_put(booking));
        }
        faults
    }

    fn status(&self, id: &str) -> &str {
        self.books.bookings.get(id).map_or("nowhere", |booking| booking.status.as_str())
    }

    /// All that was said to one request, and to its repeats, is about one booking; and that booking stands.
    fn request(&self, title: &str, attempts: &[&Attempt]) -> Vec<String> {
        let mut faults = Vec::new();
        let ids: BTreeSet<&str> = attempts
            .iter()
            .filter_map(|attempt| match &attempt.told {
                Told::Done { id, .. } => Some((id.as_str(), attempt.ended)),
                Told::Refused(_) | Told::Unsure(_) => None,
            })
            .filter(|(id, at)| !self.was_pushed_out(id, *at))
            .map(|(id, _)| id)
            .collect();
        if ids.len() > 1 {
            faults.push(format!("{title} was told as {ids:?}"));
        }
        for id in &ids {
            let status = self.status(id);
            let called_off = self.attempts.iter().any(|attempt| {
                attempt.act == Act::Cancel { id: (*id).to_owned() }
                    && !matches!(attempt.told, Told::Refused(_))
            });
            if status != "confirmed" && !(status == "cancelled" && called_off) {
                faults.push(format!("{id} was told as booked, and is {status}"));
            }
        }
        let mine = self.books.history.iter().filter(|(_, booking)| booking.title == title);
        let stood =
            mine.filter(|(_, booking)| booking.status == "confirmed").map(|(_, booking)| booking.id.as_str());
        let stood: BTreeSet<&str> = stood.collect();
        if stood.len() > 1 {
            faults.push(format!("{title} was booked as {stood:?}"));
        }
        // Nobody stands who was refused, and never told otherwise.
        if attempts.iter().all(|attempt| matches!(attempt.told, Told::Refused(_))) && !stood.is_empty() {
            faults.push(format!("{title} was refused, and is booked as {stood:?}"));
        }
        faults
    }

    /// What takes a promise back: DynamoDB would not confirm a booking whose event was written, and before the reconciler
    /// could, the owner put an event that is older still to that time, or moved the booking's own to where Graph does not
    /// find it.
    pub(super) fn was_pushed_out(&self, id: &str, told: Timestamp) -> bool {
        let Some(booking) = self.books.bookings.get(id).filter(|booking| booking.status == "failed") else {
            return false;
        };
        if self.was_moved_away(booking) {
            return true;
        }
        let written =
            self.calendar.events.iter().find(|event| is_of(event, booking)).map(|event| event.created);
        self.calendar.shown.iter().any(|shown| {
            let event = &self.calendar.events[shown.event];
            let is_older = written.is_some_and(|written| event.created < written);
            event.by_hand && is_older && shown.from > told && shown.span.meets(booking.guarded())
        })
    }

    /// The last that was asked for for certain is what is so, if nothing uncertain came in between or after it.
    fn is_where_it_was_put(&self, booking: &Booking) -> Option<String> {
        let mine = |attempt: &&Attempt| match (&attempt.act, &attempt.told) {
            (_, Told::Refused(_)) => false,
            (Act::Move { id }, _) => *id == booking.id,
            (Act::Book { title, .. }, _) => *title == booking.title,
            (Act::Cancel { .. } | Act::Hold | Act::LetGo { .. }, _) => false,
        };
        let all: Vec<&Attempt> = self.attempts.iter().filter(mine).collect();
        let spans: BTreeSet<Span> = all.iter().map(|attempt| attempt.span).collect();
        if !spans.contains(&booking.span) {
            return Some(format!("{} is where nobody put it", booking.id));
        }
        let moves: Vec<&Attempt> =
            all.iter().copied().filter(|attempt| matches!(attempt.act, Act::Move { .. })).collect();
        let end = |attempt: &Attempt| match attempt.told {
            Told::Unsure(_) => Timestamp::MAX,
            Told::Done { .. } | Told::Refused(_) => attempt.ended,
        };
        let last = moves.iter().copied().find(|attempt| {
            matches!(attempt.told, Told::Done { .. })
                && moves
                    .iter()
                    .copied()
                    .all(|other| std::ptr::eq(other, *attempt) || end(other) <= attempt.begun)
        });
        if let Some(last) = last.filter(|last| last.span != booking.span) {
            return Some(format!(
                "{} was moved to {:?}, and is at {:?}",
                booking.id, last.span, booking.span
            ));
        }
        (moves.is_empty() && all.first().is_some_and(|first| first.span != booking.span))
            .then(|| format!("{} is not where it was booked", booking.id))
    }

    /// A hold that was told is in the ledger until it ends, is let go or becomes a booking.
    fn hold_lasted(&self, attempt: &Attempt, id: &str) -> Option<String> {
        let Some(held) = self.books.taken.iter().find(|taken| taken.entry.of == id) else {
            return Some(format!("{id} was told as held, and never was"));
        };
        let ends = held.entry.expires.unwrap_or_default();
        let ended = self.attempts.iter().any(|other| {
            let names_it = match &other.act {
                Act::LetGo { id: of } | Act::Book { hold: Some(of), .. } => of == id,
                Act::Book { hold: None, .. } | Act::Move { .. } | Act::Cancel { .. } | Act::Hold => false,
            };
            names_it && other.begun <= held.until
        });
        let early = held.until.as_second() + 2 * SKEW < ends && !ended;
        let long = ends > attempt.ended.as_second() + 300 + SKEW;
        let elsewhere = held.entry.span != attempt.span;
        (early || long || elsewhere).then(|| format!("{id} was held at {:?} until {ends}", held.entry.span))
    }

    /// Whether anything stood in the way of a slot while it was asked for.
    fn was_taken(&self, attempt: &Attempt) -> bool {
        let wanted = Entry {
            of: String::new(),
            span: attempt.span,
            before: attempt.before,
            after: attempt.after,
            expires: None,
        };
        let own = match &attempt.act {
            Act::Move { id } => id.as_str(),
            Act::Book { hold: Some(hold), .. } => hold.as_str(),
            Act::Book { hold: None, .. } | Act::Cancel { .. } | Act::Hold | Act::LetGo { .. } => "",
        };
        let during = |from: Timestamp, until: Timestamp| from <= attempt.ended && attempt.begun <= until;
        let lasted = |taken: &Taken| {
            let ends = taken
                .entry
                .expires
                .map_or(Timestamp::MAX, |ends| Timestamp::from_second(ends + SKEW).unwrap_or(Timestamp::MAX));
            during(taken.from, taken.until.min(ends))
        };
        let ledger: Vec<&Taken> =
            self.books.taken.iter().filter(|taken| taken.entry.of != own && lasted(taken)).collect();
        let is_full = self.limit.as_ref().is_some_and(|limit| {
            let day = limit.day(attempt.span.start);
            ledger.iter().filter(|taken| limit.day(taken.entry.span.start) == day).count() >= limit.most
        });
        let guarded = attempt.span.widened(attempt.before, attempt.after);
        let mut shown = self.calendar.shown.iter().filter(|shown: &&Shown| during(shown.from, shown.until));
        is_full
            || ledger.into_iter().any(|taken| !taken.entry.is_clear_of(&wanted))
            || shown.any(|shown| self.calendar.events[shown.event].busy && shown.span.meets(guarded))
    }
}
