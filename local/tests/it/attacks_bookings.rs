//! Attacks on holds and bookings (SECURITY.md S5): times taken twice, lost, or shown where they are not.

mod calendars;
mod days;
mod dead;
mod odd;
mod repeats;
mod storm;
mod unheard;

use local::world::{DEFAULT_EMAIL, Provider};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Town, USER};

/// A Tuesday afternoon; the Google account lives in London and is open from nine to five.
const THREE: &str = "2026-01-13T15:00:00Z";
const HALF_PAST: &str = "2026-01-13T15:30:00Z";
const FOUR: &str = "2026-01-13T16:00:00Z";

async fn only_google() -> Town {
    let town = Town::new().await;
    town.connect("google").await;
    town
}

async fn post(town: &Town, path: &str, body: Value) -> Answer {
    town.call(Method::POST, path, Some(body)).await
}

async fn with_key(town: &Town, path: &str, key: &str, body: &Value) -> Answer {
    let request = town.plain(Method::POST, path).bearer_auth(town.session(USER));
    town.answer(request.header("Idempotency-Key", key).json(body)).await
}

fn wanted(start: &str) -> Value {
    json!({"start": start, "attendee": {"name": "Ada Example"}})
}

async fn booked(town: &Town, start: &str) -> Value {
    let answer = post(town, "/calendar/bookings", wanted(start)).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.body
}

fn path(booking: &Value, verb: &str) -> String {
    format!("/calendar/bookings/{}{verb}", booking["id"].as_str().unwrap())
}

async fn shown(town: &Town, booking: &Value) -> Value {
    town.get(&path(booking, "")).await.body
}

async fn reconcile(town: &Town) -> Value {
    let asked = json!({"function": "reconcile"});
    let answer = town.answer(town.plain(Method::POST, "/_local/run").json(&asked)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.body["result"].clone()
}

/// When the events of bookings start, at both providers.
fn starts(town: &Town) -> Vec<String> {
    let mut starts: Vec<_> = town.appointments().iter().map(|(_, event)| event.start.to_string()).collect();
    starts.sort();
    starts
}

/// Our id of the event of the only appointment, for a hand in the calendar.
async fn event_id(town: &Town) -> String {
    let listed = town.get("/calendar/events?from=2026-01-13&to=2026-01-13").await;
    let events = listed.body["events"].as_array().unwrap();
    let ours = events.iter().find(|event| event["subject"].as_str().unwrap().starts_with("Appointment"));
    ours.unwrap()["id"].as_str().unwrap().to_owned()
}

async fn schedule(town: &Town, more: Value) {
    let mut schedule = json!({"time_zone": "Europe/London",
        "weekly": [{"days": ["monday", "tuesday", "wednesday", "thursday", "friday"], "start": "09:00", "end": "17:00"}]});
    schedule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let answer = town.call(Method::PUT, "/calendar/schedule", Some(schedule)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test]
async fn a_booking_that_only_grows_longer_keeps_its_time() {
    let town = only_google().await;
    let made = booked(&town, THREE).await;
    let longer = json!({"start": THREE, "end": FOUR});
    let moved = post(&town, &path(&made, "/reschedule"), longer).await;
    assert_eq!((moved.status, &moved.body["end"]), (200, &json!(FOUR)), "{}", moved.text);
    let ledger = town.ledger().await;
    assert_eq!(ledger.len(), 1, "{ledger:?}");
    assert_eq!(ledger[0].end.to_string(), FOUR);
    let shorter = post(&town, &path(&made, "/reschedule"), json!({"start": THREE, "end": HALF_PAST})).await;
    assert_eq!(shorter.status, 200, "{}", shorter.text);
    let ledger = town.ledger().await;
    assert_eq!((ledger.len(), ledger[0].end.to_string().as_str()), (1, HALF_PAST), "{ledger:?}");
}

#[tokio::test]
async fn a_booking_that_cannot_grow_longer_keeps_its_time() {
    let town = only_google().await;
    let made = booked(&town, THREE).await;
    let (from, to) = (HALF_PAST.parse().unwrap(), FOUR.parse().unwrap());
    town.stack.world.add_event(Provider::Google, DEFAULT_EMAIL, "Dentist", from, to).unwrap();
    let refused = post(&town, &path(&made, "/reschedule"), json!({"start": THREE, "end": FOUR})).await;
    assert_eq!(refused.code(), "slot_taken", "{}", refused.text);
    let ledger = town.ledger().await;
    assert_eq!((ledger.len(), ledger[0].end.to_string().as_str()), (1, HALF_PAST), "{ledger:?}");
}

#[tokio::test]
async fn an_appointment_that_takes_no_time_is_none() {
    let town = only_google().await;
    for end in ["2026-01-13T15:00:00.5Z", "2026-01-13T15:00:01Z", "2026-01-13T15:04:59Z"] {
        let mut body = wanted(THREE);
        body["end"] = json!(end);
        for route in ["/calendar/bookings", "/calendar/holds"] {
            let answer = post(&town, route, body.clone()).await;
            assert_eq!((answer.status, &answer.body["field"]), (422, &json!("end")), "{end} {}", answer.text);
        }
    }
    let made = booked(&town, THREE).await;
    let body = json!({"start": FOUR, "end": "2026-01-13T16:00:00.5Z"});
    let moved = post(&town, &path(&made, "/reschedule"), body).await;
    assert_eq!((moved.status, &moved.body["field"]), (422, &json!("end")), "{}", moved.text);
    assert_eq!(town.ledger().await.len(), 1);
}

#[tokio::test]
async fn the_daily_limit_holds_for_holds_and_for_moves() {
    let town = only_google().await;
    schedule(&town, json!({"daily_limit": 1})).await;
    let next_day = booked(&town, "2026-01-14T15:00:00Z").await;
    let held = post(&town, "/calendar/holds", json!({"start": THREE})).await;
    assert_eq!(held.status, 201, "{}", held.text);
    assert_eq!(post(&town, "/calendar/bookings", wanted(FOUR)).await.code(), "slot_taken");
    let moved = post(&town, &path(&next_day, "/reschedule"), json!({"start": FOUR})).await;
    assert_eq!(moved.code(), "slot_taken", "{}", moved.text);
    let mut mine = wanted(THREE);
    mine["hold_id"] = held.body["id"].clone();
    let made = post(&town, "/calendar/bookings", mine).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let same_day = post(&town, &path(&made.body, "/reschedule"), json!({"start": FOUR})).await;
    assert_eq!(same_day.status, 200, "it is not one too many beside itself: {}", same_day.text);
}

#[tokio::test]
async fn a_time_that_was_held_in_time_can_be_booked_until_the_hold_ends() {
    let town = only_google().await;
    // The notice of an hour begins a minute after the hold.
    town.advance(2 * 3600 - 60);
    let held = post(&town, "/calendar/holds", json!({"start": "2026-01-05T15:00:00Z"})).await;
    assert_eq!(held.status, 201, "{}", held.text);
    town.advance(120);
    let mut mine = wanted("2026-01-05T15:00:00Z");
    assert_eq!(post(&town, "/calendar/bookings", mine.clone()).await.code(), "notice", "without the hold");
    mine["hold_id"] = held.body["id"].clone();
    let made = post(&town, "/calendar/bookings", mine).await;
    assert_eq!(made.status, 201, "{}", made.text);
}

#[tokio::test]
async fn a_slot_of_another_service_does_not_change_what_was_booked() {
    let town = only_google().await;
    for (id, minutes) in [("haircut", 45), ("fringe", 15)] {
        let service = json!({"name": id, "duration_minutes": minutes});
        let put = town.call(Method::PUT, &format!("/calendar/services/{id}"), Some(service)).await;
        assert_eq!(put.status, 200, "{}", put.text);
    }
    let mut body = wanted(THREE);
    body["service"] = json!("haircut");
    let made = post(&town, "/calendar/bookings", body).await.body;
    let slot = async |query: &str| {
        let path = format!("/calendar/availability?from=2026-01-14&to=2026-01-14{query}");
        town.get(&path).await.body["available_slots"][0]["slot"].clone()
    };
    for query in ["&service=fringe", ""] {
        let body = json!({"slot": slot(query).await});
        let moved = post(&town, &path(&made, "/reschedule"), body).await;
        assert_eq!((moved.status, &moved.body["field"]), (422, &json!("slot")), "{query} {}", moved.text);
    }
    let body = json!({"slot": slot("&service=haircut").await});
    let moved = post(&town, &path(&made, "/reschedule"), body).await;
    assert_eq!(moved.status, 200, "{}", moved.text);
}
