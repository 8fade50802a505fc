//! Weekdays as lower-case names; reads numbers too, because cal.com counts them from Sunday.

use jiff::civil::Weekday;
use serde::{Deserialize, Deserializer, Serializer, de::Error};

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected weekdays such as monday")]
enum Day {
    Name(String),
    Number(i8),
}

pub(super) fn serialize<S: Serializer>(days: &[Weekday], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(days.iter().map(|day| match day {
        Weekday::Monday => "monday",
        Weekday::Tuesday => "tuesday",
        Weekday::Wednesday => "wednesday",
        Weekday::Thursday => "thursday",
        Weekday::Friday => "friday",
        Weekday::Saturday => "saturday",
        Weekday::Sunday => "sunday",
    }))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Weekday>, D::Error> {
    Vec::<Day>::deserialize(deserializer)?
        .into_iter()
        .map(|day| {
            let text = match day {
                Day::Name(name) => name,
                Day::Number(number) => number.to_string(),
            };
            crate::civil::weekday(&text)
                .ok_or_else(|| D::Error::custom("an unknown day, expected weekdays such as monday"))
        })
        .collect()
}
