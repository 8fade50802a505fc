//! A place in the index of bookings by their start: where a list goes on, whatever became of the row that it ended with.

use std::{collections::HashMap, fmt, str::FromStr};

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;

use super::Booking;
use crate::{
    error::{Error, Result},
    ids::OwnerId,
    store::{
        keys,
        row::{Key, number},
    },
};

/// Longer than the sort key of a booking or a hold.
const MOST_BYTES: usize = 100;

/// A start and the sort key of a row. As text the start's second since the epoch, a dot, and the key: no secret, and
/// good in the partition of its reader alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The row's start.
    pub start: Timestamp,
    sk: String,
}

impl Place {
    /// The place of a booking.
    pub fn of(booking: &Booking) -> Self {
        Self { start: booking.start, sk: keys::booking(&booking.owner, &booking.id).sk }
    }

    /// The key that the index goes on behind.
    pub(super) fn key(&self, owner: &OwnerId) -> HashMap<String, AttributeValue> {
        let mut key = Key { pk: keys::owner(owner), sk: self.sk.clone() }.item();
        key.insert("start".to_owned(), number(self.start.as_second()));
        key
    }

    /// Out of the key that a page of the index ended with.
    pub(super) fn read(key: &HashMap<String, AttributeValue>) -> Result<Self> {
        let start = key.get("start").and_then(|start| start.as_n().ok()?.parse().ok());
        let start = start.and_then(|second| Timestamp::from_second(second).ok());
        let sk = key.get("sk").and_then(|sk| sk.as_s().ok());
        let (Some(start), Some(sk)) = (start, sk) else {
            return Err(Error::internal("a page of bookings ends nowhere"));
        };
        Ok(Self { start, sk: sk.clone() })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.start.as_second(), self.sk.replace('#', "."))
    }
}

impl FromStr for Place {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let odd = || Error::invalid("cursor", "must be the next_cursor of an earlier page");
        let (second, sk) = text.split_once('.').ok_or_else(odd)?;
        let start = second.parse().ok().and_then(|second| Timestamp::from_second(second).ok());
        let is_key = (1..=MOST_BYTES).contains(&sk.len()) && sk.bytes().all(|byte| byte.is_ascii_graphic());
        match start.filter(|_| is_key) {
            Some(start) => Ok(Self { start, sk: sk.replacen('.', "#", 1) }),
            None => Err(odd()),
        }
    }
}
