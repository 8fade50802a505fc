//! What an owner can be booked for: a haircut of thirty minutes, with what is said about it.

use std::{fmt, ops::RangeInclusive, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    schedule::{Buffers, MINUTES_A_DAY, Schedule, minutes},
};

/// The most services of one owner: they are read with everything else of his in one query.
pub const MOST_SERVICES: usize = 100;

/// How many minutes an appointment may take: what takes no time stands in nobody's way, and what is longer than a day is
/// no appointment.
pub const LENGTHS: RangeInclusive<u32> = 5..=MINUTES_A_DAY;

/// How many minutes it takes when nothing says so.
pub const USUAL_LENGTH: u32 = 30;

/// How many minutes can be kept free on one side of it.
const BUFFERS: RangeInclusive<u32> = 0..=MINUTES_A_DAY;

const MOST_ID: usize = 64;
const MOST_TEXT: usize = 200;

/// A service's name in addresses: `^[a-z0-9][a-z0-9_-]{0,63}$`, chosen by whoever makes it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ServiceId(String);

impl ServiceId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ServiceId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let inner = |byte: u8| letter(byte) || byte == b'_' || byte == b'-';
        let fits =
            text.len() <= MOST_ID && text.bytes().next().is_some_and(letter) && text.bytes().all(inner);
        if !fits {
            const MUST: &str =
                "must be 1 to 64 lower-case letters, digits, _ or -, the first a letter or digit";
            return Err(Error::invalid("id", MUST));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for ServiceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ServiceId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Something that can be booked. Durations are whole minutes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Its id.
    pub id: ServiceId,
    /// What people read.
    pub name: String,
    /// How long it takes.
    pub duration_minutes: u32,
    /// Kept free before it; the schedule's when it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buffer_before_minutes: Option<u32>,
    /// Kept free after it; the schedule's when it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buffer_after_minutes: Option<u32>,
    /// What it costs, in words: `from 25 €`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_text: Option<String>,
    /// What a voice says instead of the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spoken_name: Option<String>,
    /// Whether it can be booked; one that cannot keeps its past appointments.
    pub active: bool,
}

impl Service {
    /// Refuses what makes no sense, naming the first wrong field.
    pub fn check(&self) -> Result<()> {
        check_text("name", Some(&self.name))?;
        check_between("duration_minutes", Some(self.duration_minutes), LENGTHS)?;
        check_between("buffer_before_minutes", self.buffer_before_minutes, BUFFERS)?;
        check_between("buffer_after_minutes", self.buffer_after_minutes, BUFFERS)?;
        check_text("price_text", self.price_text.as_deref())?;
        check_text("spoken_name", self.spoken_name.as_deref())
    }

    /// The buffers around it: its own, else the schedule's.
    pub fn buffers(&self, schedule: &Schedule) -> Buffers {
        let usual = schedule.buffers();
        Buffers {
            before: self.buffer_before_minutes.map_or(usual.before, minutes),
            after: self.buffer_after_minutes.map_or(usual.after, minutes),
        }
    }
}

fn check_text(field: &'static str, text: Option<&str>) -> Result<()> {
    let fits = |text: &str| (1..=MOST_TEXT).contains(&text.trim().chars().count());
    if text.is_none_or(fits) {
        return Ok(());
    }
    Err(Error::invalid(field, format!("must have 1 to {MOST_TEXT} characters")))
}

fn check_between(field: &'static str, value: Option<u32>, bounds: RangeInclusive<u32>) -> Result<()> {
    if value.is_none_or(|value| bounds.contains(&value)) {
        return Ok(());
    }
    Err(Error::invalid(field, format!("must be between {} and {}", bounds.start(), bounds.end())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn haircut() -> Service {
        Service {
            id: "haircut".parse().unwrap(),
            name: "Haircut".to_owned(),
            duration_minutes: 30,
            buffer_before_minutes: None,
            buffer_after_minutes: Some(10),
            price_text: None,
            spoken_name: None,
            active: true,
        }
    }

    #[test]
    fn an_id_is_a_short_name_in_lower_case() {
        for fine in ["a", "0", "hair-cut_2", &"x".repeat(64)] {
            assert_eq!(fine.parse::<ServiceId>().unwrap().as_str(), fine);
        }
        for odd in ["", "-a", "_", "Haircut", "a b", "a#b", "ä", &"x".repeat(65)] {
            assert!(odd.parse::<ServiceId>().is_err(), "{odd}");
        }
    }

    #[test]
    fn a_wrong_value_is_named() {
        haircut().check().unwrap();
        let wrong = |change: fn(&mut Service)| {
            let mut service = haircut();
            change(&mut service);
            match service.check() {
                Err(Error::Invalid { field, .. }) => field.into_owned(),
                other => panic!("expected a wrong field, got {other:?}"),
            }
        };
        assert_eq!(wrong(|s| s.name = " ".to_owned()), "name");
        assert_eq!(wrong(|s| s.name = "x".repeat(201)), "name");
        assert_eq!(wrong(|s| s.duration_minutes = 4), "duration_minutes");
        assert_eq!(wrong(|s| s.duration_minutes = 1_441), "duration_minutes");
        assert_eq!(wrong(|s| s.buffer_before_minutes = Some(1_441)), "buffer_before_minutes");
        assert_eq!(wrong(|s| s.buffer_after_minutes = Some(1_441)), "buffer_after_minutes");
        assert_eq!(wrong(|s| s.price_text = Some(String::new())), "price_text");
        assert_eq!(wrong(|s| s.spoken_name = Some(String::new())), "spoken_name");
    }

    #[test]
    fn a_buffer_that_is_not_said_is_the_schedules() {
        let schedule =
            Schedule { buffer_before_minutes: 5, buffer_after_minutes: 7, ..Schedule::default_in("UTC") };
        let buffers = haircut().buffers(&schedule);
        assert_eq!((buffers.before, buffers.after), (minutes(5), minutes(10)));
    }
}
