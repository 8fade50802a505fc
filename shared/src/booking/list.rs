//! Looking bookings up.

use crate::{
    app::App,
    error::{Error, Result},
    ids::{BookingId, OwnerId},
    range::Interval,
    store::bookings::{Booking, BookingStatus},
};

/// Bookings of one page.
const PAGE: usize = 100;

/// Rows that are read for one page, when most of them are filtered out.
const MOST_READ: usize = 1_000;

/// Which bookings are looked for.
#[derive(Clone, Debug)]
pub struct Search {
    /// They start inside.
    pub span: Interval,
    /// They stand like this.
    pub status: Option<BookingStatus>,
    /// They are of this number.
    pub phone: Option<String>,
    /// Goes on behind the page that ended with this one.
    pub after: Option<BookingId>,
}

/// Some bookings, in order of their start.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The bookings.
    pub bookings: Vec<Booking>,
    /// Where the next page begins, if there is one.
    pub next: Option<BookingId>,
}

/// The bookings of an owner that fit. One that never stood is left out unless it is asked for.
pub async fn list(app: &App, owner: &OwnerId, search: &Search) -> Result<Page> {
    let mut after = match &search.after {
        Some(id) => {
            let last = app.store.booking(owner, id).await?;
            Some(last.ok_or_else(|| Error::invalid("cursor", "must be the next_cursor of an earlier page"))?)
        }
        None => None,
    };
    let (mut page, mut read) = (Page::default(), 0);
    loop {
        let rows = app.store.bookings(owner, search.span, after.as_ref(), 100).await?;
        read += rows.len().max(1);
        let Some(last) = rows.last().cloned() else { return Ok(page) };
        for booking in rows {
            if !fits(&booking, search) {
                continue;
            }
            if page.bookings.len() == PAGE {
                page.next = page.bookings.last().map(|last| last.id.clone());
                return Ok(page);
            }
            page.bookings.push(booking);
        }
        if read >= MOST_READ {
            page.next = Some(last.id);
            return Ok(page);
        }
        after = Some(last);
    }
}

/// One booking of an owner.
pub async fn one(app: &App, owner: &OwnerId, id: &BookingId) -> Result<Booking> {
    let found = app.store.booking(owner, id).await?;
    found.filter(|booking| booking.status != BookingStatus::Failed).ok_or(Error::NotFound("booking"))
}

fn fits(booking: &Booking, search: &Search) -> bool {
    let status = match search.status {
        Some(wanted) => shown(booking.status) == shown(wanted),
        None => booking.status != BookingStatus::Failed,
    };
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let phone = search.phone.as_ref().is_none_or(|wanted| {
        booking.attendee_phone.as_ref().is_some_and(|phone| digits(phone) == digits(wanted))
    });
    status && phone
}

/// A booking whose event is still to be deleted is cancelled for everybody.
fn shown(status: BookingStatus) -> BookingStatus {
    match status {
        BookingStatus::Cancelling => BookingStatus::Cancelled,
        other => other,
    }
}
