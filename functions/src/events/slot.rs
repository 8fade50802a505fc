//! A free slot as it goes out, with the token that stands for it.

use jiff::{Timestamp, fmt::strtime, tz::TimeZone};
use serde::Serialize;
use shared::{
    error::{Error, Result},
    ids::OwnerId,
    range::Interval,
    service::ServiceId,
    slottoken::{Offer, SlotKey},
};
use utoipa::ToSchema;

use super::wire::rfc3339;

/// A free slot.
#[derive(Serialize, ToSchema)]
pub(crate) struct Slot {
    /// RFC 3339 with the zone's offset.
    #[schema(example = "2026-01-05T14:30:00-05:00")]
    start: String,
    /// The same.
    #[schema(example = "2026-01-05T15:00:00-05:00")]
    end: String,
    /// Local time of the start.
    #[schema(example = "14:30")]
    start_time: String,
    /// Local time of the end.
    #[schema(example = "15:00")]
    end_time: String,
    /// The start as people say it.
    #[schema(example = "2:30 PM")]
    formatted_time: String,
    /// The weekday.
    #[schema(example = "Monday")]
    day: String,
    /// Stands for exactly this slot when it is held or booked, for 15 minutes; it reserves nothing.
    slot: String,
}

/// Whose slots are offered, and for what.
pub(super) struct Offering<'a> {
    pub(super) key: &'a SlotKey,
    pub(super) owner: &'a OwnerId,
    pub(super) service: Option<&'a ServiceId>,
}

impl Offering<'_> {
    fn token(&self, slot: Interval, time_zone: &str, now: Timestamp) -> Result<String> {
        let (owner, service) = (self.owner.clone(), self.service.cloned());
        self.key.write(&Offer { owner, service, slot, time_zone: time_zone.to_owned() }, now)
    }

    /// A slot as it is told, with its token.
    pub(super) fn slot(
        &self,
        slot: Interval,
        zone: &TimeZone,
        time_zone: &str,
        now: Timestamp,
    ) -> Result<Slot> {
        told(slot, zone, self.token(slot, time_zone, now)?)
    }
}

fn told(slot: Interval, zone: &TimeZone, token: String) -> Result<Slot> {
    let (start, end) = (slot.start.to_zoned(zone.clone()), slot.end.to_zoned(zone.clone()));
    let text = |format: &str, at: &jiff::Zoned| {
        strtime::format(format, at).map_err(|error| Error::internal(error.to_string()))
    };
    Ok(Slot {
        start: rfc3339(slot.start, zone),
        end: rfc3339(slot.end, zone),
        start_time: text("%H:%M", &start)?,
        end_time: text("%H:%M", &end)?,
        formatted_time: text("%-I:%M %p", &start)?,
        day: text("%A", &start)?,
        slot: token,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_told_in_the_zone_with_its_offset() {
        let zone = TimeZone::get("America/New_York").unwrap();
        let check = |start: &str, end: &str, expected: [&str; 6]| {
            let slot = told(
                Interval::new(start.parse().unwrap(), end.parse().unwrap()),
                &zone,
                "EXAMPLE".to_owned(),
            )
            .unwrap();
            let Slot { start, end, start_time, end_time, formatted_time, day, slot: _ } = slot;
            assert_eq!([start, end, start_time, end_time, formatted_time, day], expected);
        };
        check(
            "2026-01-05T19:30:00Z",
            "2026-01-05T20:00:00Z",
            ["2026-01-05T14:30:00-05:00", "2026-01-05T15:00:00-05:00", "14:30", "15:00", "2:30 PM", "Monday"],
        );
        check(
            "2026-07-05T04:00:00Z",
            "2026-07-05T04:30:00Z",
            [
                "2026-07-05T00:00:00-04:00",
                "2026-07-05T00:30:00-04:00",
                "00:00",
                "00:30",
                "12:00 AM",
                "Sunday",
            ],
        );
    }
}
