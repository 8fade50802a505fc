//! A person's calendar at a provider: what is in it, what ever was, and who looked at it.

use jiff::{SignedDuration, Timestamp};

use super::row::DAY;

/// A stretch of time in whole seconds since the epoch, its end not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Span {
    pub(super) start: i64,
    pub(super) end: i64,
}

impl Span {
    pub(super) fn meets(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }

    pub(super) fn holds(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    pub(super) fn widened(self, before: i64, after: i64) -> Self {
        Self { start: self.start - before, end: self.end + after }
    }
}

/// One event.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) id: String,
    /// What its maker calls it, so that making it again makes nothing.
    pub(super) key: Option<String>,
    pub(super) span: Span,
    pub(super) version: u64,
    pub(super) created: Timestamp,
    /// Whether it takes time.
    pub(super) busy: bool,
    pub(super) deleted: bool,
    /// When it was last changed.
    pub(super) changed: Timestamp,
    /// Whether it was made over the provider's API, and not by the owner.
    pub(super) ours: bool,
    /// Whether the owner had a hand in it.
    pub(super) by_hand: bool,
}

/// For how long an event showed a time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown {
    /// Which event, by its place.
    pub(super) event: usize,
    pub(super) span: Span,
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
}

/// A look at a stretch of the calendar.
#[derive(Clone, Copy, Debug)]
pub(super) struct Read {
    pub(super) window: Span,
    pub(super) begun: Timestamp,
    /// When the provider looked; none when it never did.
    pub(super) done: Option<Timestamp>,
    /// Whether who asked heard the answer.
    pub(super) heard: bool,
}

#[derive(Default)]
pub(in crate::simulation) struct Calendar {
    pub(super) events: Vec<Event>,
    pub(super) shown: Vec<Shown>,
    pub(super) reads: Vec<Read>,
    unreadable_until: Option<Timestamp>,
    mute_until: Option<Timestamp>,
    /// What the owner puts into the next short stretch that somebody was told about.
    ambush: Option<String>,
    /// Moves with every change.
    version: u64,
    newest: Option<Timestamp>,
}

impl Calendar {
    /// Makes an event; its place.
    pub(super) fn insert(&mut self, id: &str, key: Option<String>, span: Span, now: Timestamp) -> usize {
        // No two are made at the same instant: which of them is the older must not be a random id's to say.
        let after = self.newest.map_or(now, |newest| newest + SignedDuration::from_micros(1));
        let created = now.max(after);
        self.newest = Some(created);
        let version = self.next();
        let ours = key.is_some();
        let id = id.to_owned();
        self.events.push(Event {
            id,
            key,
            span,
            version,
            created,
            busy: true,
            deleted: false,
            changed: now,
            ours,
            by_hand: !ours,
        });
        let event = self.events.len() - 1;
        self.show(event, now);
        event
    }

    pub(super) fn shift(&mut self, event: usize, to: Span, now: Timestamp) {
        self.hide(event, now);
        self.events[event].span = to;
        (self.events[event].version, self.events[event].changed) = (self.next(), now);
        self.show(event, now);
    }

    pub(super) fn delete(&mut self, event: usize, now: Timestamp) {
        self.hide(event, now);
        self.events[event].deleted = true;
        (self.events[event].version, self.events[event].changed) = (self.next(), now);
    }

    /// The place of an event, deleted or not.
    pub(super) fn place(&self, id: &str) -> Option<usize> {
        self.events.iter().position(|event| event.id == id)
    }

    /// Everything that is there in a stretch of time, in order of its start.
    pub(super) fn within(&self, window: Span) -> Vec<&Event> {
        let there = |event: &&Event| !event.deleted && event.span.meets(window);
        let mut found: Vec<_> = self.events.iter().filter(there).collect();
        found.sort_by_key(|event| event.span);
        found
    }

    /// Nobody can read it until then.
    pub(super) fn close(&mut self, until: Timestamp) {
        self.unreadable_until = Some(until);
    }

    pub(super) fn is_closed(&self, now: Timestamp) -> bool {
        self.unreadable_until.is_some_and(|until| until > now)
    }

    /// It takes no event until then.
    pub(super) fn mute(&mut self, until: Timestamp) {
        self.mute_until = Some(until);
    }

    pub(super) fn is_mute(&self, now: Timestamp) -> bool {
        self.mute_until.is_some_and(|until| until > now)
    }

    /// The owner takes the next time that somebody asks about, right after the answer.
    pub(super) fn lie_in_wait(&mut self, id: String) {
        self.ambush = Some(id);
    }

    /// The owner takes what was asked about, if that is what he is waiting for.
    pub(super) fn answered(&mut self, read: Option<usize>, now: Timestamp) {
        let Some(window) = read.map(|read| self.reads[read].window) else { return };
        let middle = i64::midpoint(window.start, window.end);
        if window.end - window.start < DAY
            && let Some(id) = self.ambush.take()
        {
            self.insert(&id, None, Span { start: middle - 300, end: middle + 300 }, now);
        }
    }

    /// Somebody begins to look.
    pub(super) fn looks(&mut self, window: Span, begun: Timestamp) -> usize {
        self.reads.push(Read { window, begun, done: None, heard: false });
        self.reads.len() - 1
    }

    /// The provider has looked.
    pub(super) fn looked(&mut self, read: Option<usize>, now: Timestamp) {
        if let Some(read) = read {
            self.reads[read].done = Some(now);
        }
    }

    /// Who asked has heard.
    pub(in crate::simulation) fn heard(&mut self, read: Option<usize>, well: bool) {
        if let Some(read) = read {
            self.reads[read].heard = well;
        }
    }

    fn show(&mut self, event: usize, from: Timestamp) {
        let span = self.events[event].span;
        self.shown.push(Shown { event, span, from, until: Timestamp::MAX });
    }

    fn hide(&mut self, event: usize, now: Timestamp) {
        let current = self.shown.iter_mut().rev().find(|shown| shown.event == event);
        if let Some(current) = current.filter(|shown| shown.until == Timestamp::MAX) {
            current.until = now;
        }
    }

    fn next(&mut self) -> u64 {
        self.version += 1;
        self.version
    }
}
