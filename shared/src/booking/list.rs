//! Looking bookings up.

use crate::{
    app::App,
    error::{Error, Result},
    ids::{BookingId, OwnerId},
    range::Interval,
    store::bookings::{Booking, BookingStatus, Place},
};

/// Bookings of one page.
const PAGE: usize = 100;

/// Rows of one question to the index.
const MOST_A_QUERY: i32 = 100;

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
    pub after: Option<Place>,
}

/// Some bookings, in order of their start.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The bookings.
    pub bookings: Vec<Booking>,
    /// Where the next page begins, if there is one.
    pub next: Option<Place>,
}

/// The bookings of an owner that fit. One that never stood is left out unless it is asked for.
pub async fn list(app: &App, owner: &OwnerId, search: &Search) -> Result<Page> {
    let (mut page, mut read) = (Page::default(), 0);
    // The index goes on only from inside the span, which may begin later by now.
    let mut after = search.after.clone().filter(|place| place.start >= search.span.start);
    if after.as_ref().is_some_and(|place| place.start >= search.span.end) {
        return Ok(page);
    }
    loop {
        let (rows, next) = app.store.bookings(owner, search.span, after.as_ref(), MOST_A_QUERY).await?;
        read += rows.len().max(1);
        for booking in rows {
            if !fits(&booking, search) {
                continue;
            }
            if page.bookings.len() == PAGE {
                page.next = page.bookings.last().map(Place::of);
                return Ok(page);
            }
            page.bookings.push(booking);
        }
        // A page of the index may hold nothing but holds, and there is more behind it.
        if next.is_none() || read >= MOST_READ {
            page.next = next;
            return Ok(page);
        }
        after = next;
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
