//! Bookings and moves whose end nobody wrote down, and what became of them before anybody asked again.

use local::world::{
    DEFAULT_EMAIL, PhoneCall, Provider, ToolCall,
    faults::{Fault, Kind},
};
use reqwest::Method;
use serde_json::{Value, json};
use shared::{calendars::set_default, ids::OwnerId};

use super::{FOUR, HALF_PAST, THREE, booked, only_google, path, post, reconcile, shown, starts, wanted};
use crate::harness::{CALLER, Town, USER};

const HOUR: i64 = 3600;

/// The next write of the ledger lands, and none after it until the faults are cleared.
fn ledger_dies_after_one_write(town: &Town) {
    town.arm(Fault::new("dynamodb", "TransactWriteItems", Kind::Delay).with(0));
    town.arm(Fault::new("dynamodb", "TransactWriteItems", Kind::Status).with(400).times(50));
}

/// The calendar lets nobody look at an event any more.
fn forbid_looking(town: &Town) {
    let body = json!({"error": {"code": 403, "errors": [{"reason": "forbidden"}]}});
    let forbidden = json!({"status": 403, "body": body});
    town.arm(Fault::new("google", "events.get", Kind::Status).with(forbidden).times(5_000));
}

/// The owner's only booking, as a list shows it.
async fn listed(town: &Town) -> Value {
    let listed = town.get("/calendar/bookings?from=2026-01-01&to=2026-02-01").await;
    let bookings = listed.body["bookings"].as_array().unwrap();
    assert_eq!(bookings.len(), 1, "{}", listed.text);
    bookings[0].clone()
}

fn by_phone() -> ToolCall {
    ToolCall::new("book_appointment", json!({"start_time": THREE, "name": "Caller"}))
}

#[tokio::test]
async fn a_caller_is_not_told_of_an_appointment_that_was_called_off_before_he_heard_of_it() {
    const BOOKED: &str = "You're booked for Tuesday, January thirteenth at 3 PM.";
    for same_tool_call in [false, true] {
        let town = only_google().await;
        let (line, call, tool) =
            (town.line().await, PhoneCall::inbound(CALLER, None, town.now()), by_phone());
        ledger_dies_after_one_write(&town);
        let said = town.say(&call, &line, &tool).await.unwrap();
        assert!(said.contains("is reserved"), "{said}");
        town.stack.world.faults().clear();
        town.advance(120);
        assert_eq!(reconcile(&town).await["finished"], 1);
        let gone = post(&town, &path(&listed(&town).await, "/cancel"), json!({})).await;
        assert_eq!((gone.status, starts(&town).len()), (200, 0), "{}", gone.text);
        let tool = if same_tool_call { tool } else { by_phone() };
        let said = town.say(&call, &line, &tool).await.unwrap();
        let stands = starts(&town).len() == 1 && town.ledger().await.len() == 1;
        assert_eq!(said == BOOKED, stands, "{same_tool_call}: {said}");
        assert!(stands || !said.contains("booked for") && !said.contains("reserved"), "{said}");
        assert_eq!(stands, !same_tool_call, "the same slot is wanted anew, the same tool call is a repeat");
    }
}

#[tokio::test]
async fn a_booking_of_which_the_calendar_may_not_tell_comes_to_an_end() {
    let town = only_google().await;
    ledger_dies_after_one_write(&town);
    let made = post(&town, "/calendar/bookings", wanted(THREE)).await;
    assert_eq!((made.status, &made.body["calendar_sync"]), (201, &json!("pending")), "{}", made.text);
    town.stack.world.faults().clear();
    forbid_looking(&town);
    for _ in 0..3 {
        town.advance(HOUR);
        reconcile(&town).await;
    }
    let left = shown(&town, &made.body).await;
    assert_eq!(
        (&left["status"], &left["calendar_problem"]),
        (&json!("confirmed"), &json!("refused")),
        "it was promised, and nobody can look: {left}"
    );
    let gone = post(&town, &path(&made.body, "/cancel"), json!({})).await;
    assert_eq!((gone.status, town.ledger().await.len()), (200, 0), "{}", gone.text);
}

#[tokio::test]
async fn a_move_that_nobody_heard_of_does_not_hold_two_times_for_ever() {
    let town = only_google().await;
    let soon = "2026-01-05T15:00:00Z";
    let made = booked(&town, soon).await;
    ledger_dies_after_one_write(&town);
    let moved = post(&town, &path(&made, "/reschedule"), json!({"start": THREE})).await;
    assert_eq!(moved.status, 503, "{}", moved.text);
    town.stack.world.faults().clear();
    // Nobody can look at the event until a day after the time from which it was moved.
    town.arm(Fault::new("google", "events.get", Kind::Status).with(503).times(5_000));
    for _ in 0..30 {
        town.advance(HOUR);
        reconcile(&town).await;
    }
    town.stack.world.faults().clear();
    for _ in 0..2 {
        town.advance(HOUR);
        reconcile(&town).await;
    }
    let left = shown(&town, &made).await;
    let held: Vec<_> = town.ledger().await.iter().map(|entry| entry.start.to_string()).collect();
    assert_eq!((held, starts(&town)), (vec![THREE.to_owned()], vec![THREE.to_owned()]), "{left}");
    assert_eq!((&left["start"], &left["calendar_sync"]), (&json!(THREE), &json!("synced")), "{left}");
    let on = post(&town, &path(&made, "/reschedule"), json!({"start": FOUR})).await;
    assert_eq!(on.status, 200, "{}", on.text);
}

#[tokio::test]
async fn a_time_that_was_never_promised_is_not_taken_from_a_living_calendar() {
    let town = Town::connected().await;
    let owner = OwnerId::user(USER).unwrap();
    let rows = town.stack.app.store.owner_rows(&owner).await.unwrap();
    let google = rows.connections.iter().find(|row| row.provider.as_str() == "google").unwrap();
    set_default(&town.stack.app, &owner, &google.id).await.unwrap();
    let hours = json!({"time_zone": "Europe/London",
        "weekly": [{"days": ["tuesday"], "start": "09:00", "end": "17:00"}]});
    assert_eq!(town.call(Method::PUT, "/calendar/schedule", Some(hours)).await.status, 200);
    town.stack.world.revoke_account(Provider::Google, DEFAULT_EMAIL);
    for _ in 0..2 {
        town.get("/calendar/availability").await;
    }
    town.advance(60);
    let (from, to) = (THREE.parse().unwrap(), HALF_PAST.parse().unwrap());
    town.stack.world.add_event(Provider::Microsoft, DEFAULT_EMAIL, "Dentist", from, to).unwrap();
    ledger_dies_after_one_write(&town);
    let refused = post(&town, "/calendar/bookings", wanted(THREE)).await;
    assert_eq!(refused.status, 503, "{}", refused.text);
    town.stack.world.faults().clear();
    town.advance(120);
    reconcile(&town).await;
    assert_eq!(town.ledger().await, [], "the dentist was there first, and nobody was told yes");
}

#[tokio::test]
async fn a_promised_booking_whose_event_somebody_moved_before_it_was_found_stands() {
    for provider in [Provider::Google, Provider::Microsoft] {
        let town = Town::new().await;
        town.connect(provider.as_str()).await;
        ledger_dies_after_one_write(&town);
        let made = post(&town, "/calendar/bookings", wanted(THREE)).await;
        assert_eq!((made.status, &made.body["calendar_sync"]), (201, &json!("pending")), "{}", made.text);
        town.stack.world.faults().clear();
        let event = super::event_id(&town).await;
        let noon = json!({"start_time": "2026-01-13T12:00:00Z", "end_time": "2026-01-13T12:30:00Z"});
        let by_hand = town.call(Method::PATCH, &format!("/calendar/events/{event}"), Some(noon)).await;
        assert_eq!(by_hand.status, 200, "{}", by_hand.text);
        town.advance(120);
        reconcile(&town).await;
        let left = shown(&town, &made.body).await;
        assert_eq!(
            (&left["status"], town.ledger().await.len()),
            (&json!("confirmed"), 1),
            "{provider:?} {left}"
        );
        assert_eq!(starts(&town), ["2026-01-13T12:00:00Z"], "{provider:?}");
        assert_eq!(left["calendar_problem"], "moved_by_hand", "{provider:?} {left}");
    }
}

#[tokio::test]
async fn a_refusal_after_a_lost_answer_is_no_proof_that_nothing_was_written() {
    for (provider, create) in [(Provider::Google, "events.insert"), (Provider::Microsoft, "events.create")] {
        let town = Town::new().await;
        town.connect(provider.as_str()).await;
        let body = json!({"error": {"code": "ErrorAccessDenied", "errors": [{"reason": "forbidden"}]}});
        town.arm(Fault::new(provider.as_str(), create, Kind::DropAfterCommit));
        town.arm(
            Fault::new(provider.as_str(), create, Kind::Status).with(json!({"status": 403, "body": body})),
        );
        let made = post(&town, "/calendar/bookings", wanted(THREE)).await;
        town.advance(120);
        reconcile(&town).await;
        assert_eq!(
            (town.ledger().await.len(), starts(&town).len()),
            (1, 1),
            "{provider:?}: no event without its booking: {}",
            made.text
        );
        assert_eq!(shown(&town, &made.body).await["calendar_sync"], "synced", "{provider:?}");
    }
}

#[tokio::test]
async fn a_move_of_which_the_calendar_may_not_tell_comes_to_an_end() {
    let town = only_google().await;
    let made = booked(&town, THREE).await;
    ledger_dies_after_one_write(&town);
    let moved = post(&town, &path(&made, "/reschedule"), json!({"start": FOUR})).await;
    assert_eq!(moved.status, 503, "{}", moved.text);
    town.stack.world.faults().clear();
    forbid_looking(&town);
    for _ in 0..3 {
        town.advance(HOUR);
        reconcile(&town).await;
    }
    let left = shown(&town, &made).await;
    assert_eq!((&left["start"], &left["calendar_problem"]), (&json!(FOUR), &json!("refused")), "{left}");
    assert_eq!(town.ledger().await.len(), 1, "the old time is free");
    town.stack.world.faults().clear();
    let on = post(&town, &path(&made, "/reschedule"), json!({"start": "2026-01-14T15:00:00Z"})).await;
    assert_eq!((on.status, &on.body["calendar_sync"]), (200, &json!("synced")), "{}", on.text);
}

#[tokio::test]
async fn a_promised_booking_outlives_an_older_event_that_somebody_moves_onto_its_time() {
    let town = only_google().await;
    let note = json!({"subject": "Review", "start_time": "2026-01-13T12:00:00Z", "end_time": "2026-01-13T12:30:00Z"});
    let older = post(&town, "/calendar/events", note).await.body;
    town.advance(120);
    ledger_dies_after_one_write(&town);
    let made = post(&town, "/calendar/bookings", wanted(THREE)).await;
    assert_eq!((made.status, &made.body["calendar_sync"]), (201, &json!("pending")), "{}", made.text);
    town.stack.world.faults().clear();
    let event = format!("/calendar/events/{}", older["event"]["id"].as_str().unwrap());
    let onto = json!({"start_time": THREE, "end_time": HALF_PAST});
    assert_eq!(town.call(Method::PATCH, &event, Some(onto)).await.status, 200);
    town.advance(120);
    reconcile(&town).await;
    let left = shown(&town, &made.body).await;
    assert_eq!((&left["status"], &left["calendar_sync"]), (&json!("confirmed"), &json!("synced")), "{left}");
    assert_eq!(starts(&town), [THREE]);
}
