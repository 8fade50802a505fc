//! Whole days in a Google calendar that lives in another zone than its owner's schedule: the same time is free, or taken,
//! for whoever asks.

use local::world::{Account, DEFAULT_EMAIL, Provider};
use reqwest::Method;
use serde_json::json;

use super::{booked, path, post, starts, wanted};
use crate::harness::Town;

/// A calendar of London with a day off, whose owner works in Los Angeles.
async fn day_off() -> Town {
    let town = Town::new().await;
    town.stack.world.add_account(Account::google(DEFAULT_EMAIL).in_zone("Europe/London"));
    town.connect("google").await;
    let hours = json!({"time_zone": "America/Los_Angeles",
        "weekly": [{"days": ["monday", "tuesday", "wednesday", "thursday", "friday"], "start": "09:00", "end": "18:00"}]});
    assert_eq!(town.call(Method::PUT, "/calendar/schedule", Some(hours)).await.status, 200);
    let vacation =
        json!({"summary": "Vacation", "start": {"date": "2026-01-13"}, "end": {"date": "2026-01-14"}});
    town.stack.world.add_event_json(Provider::Google, DEFAULT_EMAIL, &vacation).unwrap();
    town.advance(60);
    town
}

/// How many slots are offered from a time on, within half an hour.
async fn offered(town: &Town, from: &str, to: &str) -> u64 {
    let free = town.get(&format!("/calendar/availability?from={from}&to={to}")).await;
    free.body["total_slots"].as_u64().unwrap()
}

#[tokio::test]
async fn a_time_that_is_offered_after_a_whole_day_of_another_zone_can_be_booked() {
    let town = day_off().await;
    let evening = "2026-01-14T00:30:00Z";
    assert_eq!(offered(&town, evening, "2026-01-14T01:00:00Z").await, 1);
    booked(&town, evening).await;
    assert_eq!(starts(&town), [evening]);
}

#[tokio::test]
async fn a_time_that_is_not_offered_because_of_a_whole_day_cannot_be_moved_to() {
    let town = day_off().await;
    let made = booked(&town, "2026-01-15T18:00:00Z").await;
    let evening = "2026-01-13T00:30:00Z";
    assert_eq!(offered(&town, evening, "2026-01-13T01:00:00Z").await, 0);
    let refused = post(&town, "/calendar/bookings", wanted(evening)).await;
    assert_eq!(refused.code(), "slot_taken", "{}", refused.text);
    let moved = post(&town, &path(&made, "/reschedule"), json!({"start": evening})).await;
    assert_eq!((moved.status, moved.code()), (409, "slot_taken"), "{}", moved.text);
    assert_eq!(starts(&town), ["2026-01-15T18:00:00Z"]);
}
