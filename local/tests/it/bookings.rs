//! Holds and bookings over HTTP: taken, moved, called off, repeated, and finished by the reconciler.

use futures_util::future::join_all;
use local::world::{
    DEFAULT_EMAIL, Provider,
    faults::{Fault, Kind},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, OTHER, Town};

/// A Tuesday; the Google account lives in London and is open from nine to five.
const TEN: &str = "2026-01-13T15:00:00Z";
const ELEVEN: &str = "2026-01-13T16:00:00Z";

async fn post(town: &Town, path: &str, body: Value) -> Answer {
    town.call(Method::POST, path, Some(body)).await
}

fn wanted(start: &str) -> Value {
    json!({"start": start, "attendee": {"name": "Ada Example", "email": "ada@example.com", "phone": "+1 555 0100"}})
}

async fn booked(town: &Town, start: &str) -> Value {
    let answer = post(town, "/calendar/bookings", wanted(start)).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.body
}

async fn only_google() -> Town {
    let town = Town::new().await;
    town.connect("google").await;
    town
}

async fn with_key(town: &Town, path: &str, key: &str, body: &Value) -> Answer {
    let request = town.plain(Method::POST, path).bearer_auth(town.session(crate::harness::USER));
    town.answer(request.header("Idempotency-Key", key).json(body)).await
}

async fn reconcile(town: &Town) -> Value {
    let asked = json!({"function": "reconcile"});
    let answer = town.answer(town.plain(Method::POST, "/_local/run").json(&asked)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.body["result"].clone()
}

fn starts(town: &Town) -> Vec<String> {
    let mut starts: Vec<_> = town.appointments().iter().map(|(_, event)| event.start.to_string()).collect();
    starts.sort();
    starts
}

fn path(booking: &Value, verb: &str) -> String {
    format!("/calendar/bookings/{}{verb}", booking["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_booking_is_made_listed_moved_and_called_off_under_one_id() {
    let town = only_google().await;
    town.stack.app.clock.advance(jiff::SignedDuration::from_millis(250));
    let made = booked(&town, TEN).await;
    assert_eq!(town.get(&path(&made, "")).await.body, made, "what is answered is what is kept");
    assert_eq!((&made["status"], &made["calendar_sync"]), (&json!("confirmed"), &json!("synced")));
    assert_eq!((&made["sequence"], &made["time_zone"]), (&json!(0), &json!("Europe/London")));
    assert_eq!(starts(&town), [TEN]);

    let moved = post(&town, &path(&made, "/reschedule"), json!({"start": ELEVEN})).await;
    assert_eq!((moved.status, &moved.body["id"]), (200, &made["id"]), "{}", moved.text);
    assert_eq!((&moved.body["sequence"], &moved.body["end"]), (&json!(1), &json!("2026-01-13T16:30:00Z")));
    assert_eq!(starts(&town), [ELEVEN]);
    assert_eq!(town.ledger().await.len(), 1, "the old time is free again");
    let again = post(&town, &path(&made, "/reschedule"), json!({"start": ELEVEN})).await;
    assert_eq!((again.status, &again.body["sequence"]), (200, &json!(1)), "nothing to move");

    let listed = town.get("/calendar/bookings?from=2026-01-13&to=2026-01-13&phone=15550100").await;
    assert_eq!(listed.body["bookings"][0]["id"], made["id"], "{}", listed.text);
    assert_eq!(
        town.get("/calendar/bookings?from=2026-01-14&to=2026-01-15").await.body["bookings"],
        json!([])
    );

    for _ in 0..2 {
        let gone = post(&town, &path(&made, "/cancel"), json!({})).await;
        assert_eq!((gone.status, &gone.body["status"]), (200, &json!("cancelled")), "{}", gone.text);
        assert_eq!((&gone.body["sequence"], &gone.body["calendar_sync"]), (&json!(2), &json!("synced")));
    }
    assert_eq!((starts(&town).len(), town.ledger().await.len()), (0, 0));
    let moved = post(&town, &path(&made, "/reschedule"), json!({"start": TEN})).await;
    assert_eq!((moved.status, moved.code()), (409, "cancelled"));
    booked(&town, ELEVEN).await;
}

#[tokio::test]
async fn a_hold_blocks_everybody_else_for_five_minutes_and_becomes_the_booking() {
    let town = only_google().await;
    let held = post(&town, "/calendar/holds", json!({"start": TEN})).await;
    assert_eq!(
        (held.status, &held.body["expires_at"]),
        (201, &json!("2026-01-05T12:05:00Z")),
        "{}",
        held.text
    );
    let refused = post(&town, "/calendar/bookings", wanted(TEN)).await;
    assert_eq!((refused.status, refused.code()), (409, "slot_taken"));
    assert_eq!(refused.body["alternatives"].as_array().unwrap().len(), 3);
    assert_eq!(post(&town, "/calendar/holds", json!({"start": TEN})).await.code(), "slot_taken");

    let mut mine = wanted(TEN);
    mine["hold_id"] = held.body["id"].clone();
    let made = post(&town, "/calendar/bookings", mine.clone()).await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(town.ledger().await.len(), 1, "the booking took the hold's place");
    assert_eq!(post(&town, "/calendar/bookings", mine).await.code(), "hold_expired");

    let other = post(&town, "/calendar/holds", json!({"start": ELEVEN})).await;
    let id = other.body["id"].as_str().unwrap().to_owned();
    for _ in 0..2 {
        assert_eq!(town.call(Method::DELETE, &format!("/calendar/holds/{id}"), None).await.status, 204);
    }
    post(&town, "/calendar/holds", json!({"start": ELEVEN})).await;
    town.advance(300);
    booked(&town, ELEVEN).await;
    assert_eq!(town.ledger().await.len(), 2, "a hold that ended blocks nobody");
}

#[tokio::test]
async fn an_offered_slot_is_booked_by_its_token_and_by_nobody_elses() {
    let town = only_google().await;
    let service =
        json!({"name": "Haircut", "duration_minutes": 45, "buffer_after_minutes": 15, "active": true});
    assert!(town.call(Method::PUT, "/calendar/services/haircut", Some(service)).await.status < 300);
    let offered = town.get("/calendar/availability?from=2026-01-13&to=2026-01-13&service=haircut").await;
    let token = offered.body["available_slots"][0]["slot"].clone();
    let body = json!({"slot": token, "attendee": {"name": "Ada Example"}});
    let made = post(&town, "/calendar/bookings", body.clone()).await;
    assert_eq!(
        (made.status, &made.body["service"], &made.body["title"]),
        (201, &json!("haircut"), &json!("Haircut")),
        "{}",
        made.text
    );
    let first = offered.body["available_slots"][0]["start"].as_str().unwrap().replace("+00:00", "Z");
    assert_eq!(made.body["start"], json!(first));
    let end = made.body["end"].as_str().unwrap().to_owned();
    assert_eq!(post(&town, "/calendar/bookings", body.clone()).await.code(), "slot_taken");
    // A quarter of an hour is kept free behind it.
    assert_eq!(post(&town, "/calendar/bookings", wanted(&end)).await.code(), "slot_taken");
    let theirs = town.call_as(&town.session(OTHER), Method::POST, "/calendar/bookings", Some(body)).await;
    assert_eq!((theirs.status, &theirs.body["field"]), (422, &json!("slot")));
}

#[tokio::test]
async fn the_same_key_gets_the_same_answer_and_another_body_is_refused() {
    let town = only_google().await;
    let first = with_key(&town, "/calendar/bookings", "EXAMPLE-key", &wanted(TEN)).await;
    let again = with_key(&town, "/calendar/bookings", "EXAMPLE-key", &wanted(TEN)).await;
    assert_eq!((first.status, again.status, &again.body), (201, 201, &first.body), "{}", again.text);
    assert_eq!(again.headers["idempotent-replayed"], "true");
    let other = with_key(&town, "/calendar/bookings", "EXAMPLE-key", &wanted(ELEVEN)).await;
    assert_eq!((other.status, &other.body["field"]), (422, &json!("Idempotency-Key")));
    let mut noted = wanted(ELEVEN);
    noted["notes"] = json!("EXAMPLE");
    let at_once = join_all((0..8).map(|_| with_key(&town, "/calendar/bookings", "other-key", &noted))).await;
    let made = at_once
        .iter()
        .filter(|answer| answer.status == 201 && !answer.headers.contains_key("idempotent-replayed"));
    assert_eq!(made.count(), 1);
    assert!(
        at_once.iter().all(|answer| answer.status == 201 || answer.code() == "in_progress"),
        "{at_once:?}"
    );
    assert_eq!(starts(&town).len(), 2);
}

#[tokio::test]
async fn of_many_who_move_to_one_time_one_arrives_and_the_others_stay() {
    let town = only_google().await;
    let hours =
        ["2026-01-14T10:00:00Z", "2026-01-14T11:00:00Z", "2026-01-14T13:00:00Z", "2026-01-14T14:00:00Z"];
    let mut made = Vec::new();
    for hour in hours {
        made.push(booked(&town, hour).await);
    }
    let moves = made.iter().map(|booking| {
        let path = path(booking, "/reschedule");
        let town = &town;
        async move { post(town, &path, json!({"start": TEN})).await }
    });
    let answers = join_all(moves).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1, "{answers:?}");
    assert!(answers.iter().all(|answer| answer.status == 200 || answer.code() == "slot_taken"));
    assert_eq!(town.ledger().await.len(), 4, "no time is left behind");
    assert_eq!(starts(&town).iter().filter(|start| *start == TEN).count(), 1);
}

#[tokio::test]
async fn a_booking_that_the_calendar_could_not_take_is_written_later() {
    for provider in ["google", "microsoft"] {
        let town = Town::new().await;
        town.connect(provider).await;
        let create = if provider == "google" { "events.insert" } else { "events.create" };
        town.arm(Fault::new(provider, create, Kind::Status).with(503).times(2));
        let made = booked(&town, TEN).await;
        assert_eq!((&made["status"], &made["calendar_sync"]), (&json!("confirmed"), &json!("pending")));
        assert_eq!(reconcile(&town).await["looked_at"], 0, "not before its time");
        town.advance(61);
        assert_eq!(reconcile(&town).await["finished"], 1, "{provider}");
        let shown = town.get(&path(&made, "")).await.body;
        assert_eq!((&shown["calendar_sync"], &shown["sequence"]), (&json!("synced"), &json!(0)));
        assert_eq!(starts(&town), [TEN]);
        assert_eq!(reconcile(&town).await["looked_at"], 0);
    }
}

#[tokio::test]
async fn a_cancellation_that_the_calendar_did_not_hear_is_finished_later() {
    let town = only_google().await;
    let made = booked(&town, TEN).await;
    town.arm(Fault::new("google", "events.delete", Kind::Status).with(503));
    let gone = post(&town, &path(&made, "/cancel"), json!({})).await;
    assert_eq!((&gone.body["status"], &gone.body["calendar_sync"]), (&json!("cancelled"), &json!("pending")));
    assert_eq!((starts(&town).len(), town.ledger().await.len()), (1, 0));
    town.advance(61);
    assert_eq!(reconcile(&town).await["finished"], 1);
    assert_eq!(starts(&town).len(), 0);
    assert_eq!(town.get(&path(&made, "")).await.body["calendar_sync"], "synced");
}

#[tokio::test]
async fn an_event_that_somebody_moved_by_hand_is_left_as_it_is() {
    let town = only_google().await;
    let made = booked(&town, TEN).await;
    let listed = town.get("/calendar/events?from=2026-01-13&to=2026-01-13").await;
    let events = listed.body["events"].as_array().unwrap();
    let ours = events.iter().find(|event| event["subject"] == "Appointment with Ada Example").unwrap();
    let event = ours["id"].as_str().unwrap().to_owned();
    let by_hand = json!({"start_time": "2026-01-13T12:00:00Z", "end_time": "2026-01-13T12:30:00Z"});
    let patched = town.call(Method::PATCH, &format!("/calendar/events/{event}"), Some(by_hand)).await;
    assert_eq!(patched.status, 200, "{}", patched.text);
    let moved = post(&town, &path(&made, "/reschedule"), json!({"start": ELEVEN})).await;
    assert_eq!((moved.status, moved.code()), (409, "changed_in_calendar"), "{}", moved.text);
    assert_eq!(starts(&town), ["2026-01-13T12:00:00Z"]);
    let shown = town.get(&path(&made, "")).await.body;
    assert_eq!(
        (&shown["calendar_sync"], &shown["calendar_problem"]),
        (&json!("failed"), &json!("moved_by_hand"))
    );
    assert_eq!(town.ledger().await.len(), 1);
}

#[tokio::test]
async fn a_title_that_somebody_changed_by_hand_survives_a_move() {
    let town = only_google().await;
    let made = booked(&town, TEN).await;
    let listed = town.get("/calendar/events?from=2026-01-13&to=2026-01-13").await;
    let events = listed.body["events"].as_array().unwrap();
    let ours = events.iter().find(|event| event["subject"] == "Appointment with Ada Example").unwrap();
    let event = ours["id"].as_str().unwrap().to_owned();
    let by_hand = json!({"subject": "Appointment with Ada, the tall one"});
    town.call(Method::PATCH, &format!("/calendar/events/{event}"), Some(by_hand)).await;
    let moved = post(&town, &path(&made, "/reschedule"), json!({"start": ELEVEN})).await;
    assert_eq!(moved.status, 200, "{}", moved.text);
    let events = town.stack.world.events(Provider::Google, DEFAULT_EMAIL);
    assert!(
        events
            .iter()
            .any(|event| event.subject.ends_with("the tall one") && event.start.to_string() == ELEVEN)
    );
}

#[tokio::test]
async fn a_move_by_half_an_hour_is_not_in_its_own_way() {
    for provider in ["google", "microsoft"] {
        let town = Town::new().await;
        town.connect(provider).await;
        let made = booked(&town, TEN).await;
        let body = json!({"start": "2026-01-13T15:15:00Z"});
        let moved = post(&town, &path(&made, "/reschedule"), body).await;
        assert_eq!(moved.status, 200, "{provider} {}", moved.text);
        assert_eq!((starts(&town), town.ledger().await.len()), (vec!["2026-01-13T15:15:00Z".to_owned()], 1));
    }
}

#[tokio::test]
async fn nobody_sees_or_touches_somebody_elses_booking() {
    let town = only_google().await;
    let made = booked(&town, TEN).await;
    let theirs = town.session(OTHER);
    for (method, verb, body) in [
        (Method::GET, "", None),
        (Method::POST, "/cancel", Some(json!({}))),
        (Method::POST, "/reschedule", Some(json!({"start": ELEVEN}))),
    ] {
        let answer = town.call_as(&theirs, method, &path(&made, verb), body).await;
        assert_eq!((answer.status, answer.code()), (404, "not_found"), "{verb}");
    }
    for odd in ["bkg_x", "bkg_00000000000000000000000000"] {
        assert_eq!(town.get(&format!("/calendar/bookings/{odd}")).await.status, 404, "{odd}");
    }
    assert_eq!(town.get(&path(&made, "")).await.body["status"], "confirmed");
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let town = only_google().await;
    for (body, field) in [
        (json!({"attendee": {"name": "Ada"}}), "start"),
        (json!({"start": TEN}), "attendee"),
        (json!({"start": TEN, "attendee": {"name": " "}}), "attendee.name"),
        (json!({"start": TEN, "attendee": {"name": "Ada", "email": "nowhere"}}), "attendee.email"),
        (json!({"start": "soon", "attendee": {"name": "Ada"}}), "start"),
        (json!({"start": TEN, "end": TEN, "attendee": {"name": "Ada"}}), "end"),
        (json!({"start": TEN, "service": "none", "attendee": {"name": "Ada"}}), "service"),
        (json!({"slot": "EXAMPLE", "attendee": {"name": "Ada"}}), "slot"),
        (json!({"start": TEN, "hold_id": "x", "attendee": {"name": "Ada"}}), "hold_id"),
    ] {
        let answer = post(&town, "/calendar/bookings", body.clone()).await;
        assert_eq!((answer.status, &answer.body["field"]), (422, &json!(field)), "{body} {}", answer.text);
    }
    let odd = town.get("/calendar/bookings?status=lost").await;
    assert_eq!((odd.status, &odd.body["field"]), (422, &json!("status")));
    assert_eq!(town.ledger().await.len(), 0);
}
