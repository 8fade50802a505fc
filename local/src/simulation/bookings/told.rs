//! What callers asked for, and what they were told.

use jiff::Timestamp;
use shared::{
    booking::Booked,
    error::{Error, Result as AppResult},
    store::bookings::{Booking, Hold},
};

use super::calendar::Span;
use crate::simulation::process::Ended;

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// A booking under this title; a repeat has the same.
    Book {
        title: String,
        hold: Option<String>,
    },
    Move {
        id: String,
    },
    Cancel {
        id: String,
    },
    Hold,
    LetGo {
        id: String,
    },
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// Done: to which booking or hold, and when it takes place now.
    Done { id: String, span: Span, replayed: bool },
    /// Not done, for certain.
    Refused(&'static str),
    /// Perhaps done: no answer, or one that leaves it open.
    Unsure(&'static str),
}

/// One request and its end.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub(super) act: Act,
    pub(super) by: String,
    /// The time that was asked for, and what is kept free around it.
    pub(super) span: Span,
    pub(super) before: i64,
    pub(super) after: i64,
    pub(super) begun: Timestamp,
    pub(super) ended: Timestamp,
    pub(super) told: Told,
}

/// What an answer says.
pub(super) trait Says {
    fn says(self) -> Told;
}

impl Says for Booked {
    fn says(self) -> Told {
        let span = span(&self.booking);
        Told::Done { id: self.booking.id.to_string(), span, replayed: self.replayed }
    }
}

impl Says for Booking {
    fn says(self) -> Told {
        Told::Done { id: self.id.to_string(), span: span(&self), replayed: false }
    }
}

impl Says for Hold {
    fn says(self) -> Told {
        let span = Span { start: self.start.as_second(), end: self.end.as_second() };
        Told::Done { id: self.id.to_string(), span, replayed: false }
    }
}

impl Says for () {
    fn says(self) -> Told {
        Told::Done { id: String::new(), span: Span { start: 0, end: 0 }, replayed: false }
    }
}

fn span(booking: &Booking) -> Span {
    Span { start: booking.start.as_second(), end: booking.end.as_second() }
}

/// Refusals that say for certain that nothing was done.
const CERTAIN: [&str; 10] = [
    "slot_taken",
    "outside_hours",
    "notice",
    "horizon",
    "calendar_unreachable",
    "hold_expired",
    "cancelled",
    "changed_in_calendar",
    "not_found",
    "invalid_field",
];

impl Told {
    pub(super) fn of<T: Says>(ended: Ended<AppResult<T>>) -> Self {
        match ended {
            Ended::With(Ok(answer)) => answer.says(),
            Ended::With(Err(error)) => Self::refusal(&error),
            Ended::Crashed => Self::Unsure("crashed"),
            Ended::Killed => Self::Unsure("killed"),
        }
    }

    fn refusal(error: &Error) -> Self {
        let code = error.code();
        if CERTAIN.contains(&code) { Self::Refused(code) } else { Self::Unsure(code) }
    }
}

/// What is counted of an answer.
pub(super) fn counted(act: &Act, told: &Told) -> &'static str {
    match (act, told) {
        (Act::Book { .. }, Told::Done { replayed: true, .. }) => "replayed",
        (Act::Book { hold: Some(_), .. }, Told::Done { .. }) => "booked with a hold",
        (Act::Book { .. }, Told::Done { .. }) => "booked",
        (Act::Move { .. }, Told::Done { .. }) => "moved",
        (Act::Cancel { .. }, Told::Done { .. }) => "cancelled",
        (Act::Hold, Told::Done { .. }) => "held",
        (Act::LetGo { .. }, Told::Done { .. }) => "let go",
        (_, Told::Refused(code)) => code,
        (_, Told::Unsure(code)) => code,
    }
}
