//! Bookings of an owner of whose calendars one is dead, half connected, or filed elsewhere: what the others hold counts.

use local::world::{
    Choice, DEFAULT_EMAIL, Provider,
    faults::{Fault, Kind},
};
use serde_json::{Value, json};
use shared::{calendars::set_default, ids::OwnerId};

use super::{FOUR, HALF_PAST, THREE, booked, only_google, path, post, reconcile, shown, starts, wanted};
use crate::harness::{Town, USER};

const GRAPH_EVENTS: &str = "Calendars.ReadWrite";

/// Google is the default and lives; Microsoft is connected, too.
async fn google_first() -> Town {
    let town = Town::connected().await;
    let owner = OwnerId::user(USER).unwrap();
    let rows = town.stack.app.store.owner_rows(&owner).await.unwrap();
    let google = rows.connections.iter().find(|row| row.provider.as_str() == "google").unwrap();
    set_default(&town.stack.app, &owner, &google.id).await.unwrap();
    town
}

/// Somebody else's appointment in the Google calendar.
fn dentist(town: &Town, from: &str, to: &str) {
    let (from, to) = (from.parse().unwrap(), to.parse().unwrap());
    town.stack.world.add_event(Provider::Google, DEFAULT_EMAIL, "Dentist", from, to).unwrap();
}

/// The Microsoft account takes its consent back; `known` when we have met that already.
async fn microsoft_dies(town: &Town, known: bool) {
    town.stack.world.revoke_account(Provider::Microsoft, DEFAULT_EMAIL);
    if known {
        town.get("/calendar/availability").await;
        assert_eq!(town.get("/calendar/availability").await.code(), "reauth_required");
    }
}

#[tokio::test]
async fn a_dead_calendar_does_not_hide_what_a_living_one_holds() {
    for known in [true, false] {
        let town = google_first().await;
        dentist(&town, THREE, HALF_PAST);
        microsoft_dies(&town, known).await;
        let refused = post(&town, "/calendar/bookings", wanted(THREE)).await;
        assert_eq!((refused.status, refused.code()), (409, "slot_taken"), "{known}: {}", refused.text);
        let made = booked(&town, FOUR).await;
        assert_eq!(made["calendar_sync"], "synced", "{known}: the living default calendar shows it at once");
        assert_eq!(starts(&town), [FOUR], "{known}");
        let moved = post(&town, &path(&made, "/reschedule"), json!({"start": THREE})).await;
        assert_eq!(moved.code(), "slot_taken", "{known}: {}", moved.text);
        assert_eq!(starts(&town), [FOUR], "{known}");
    }
}

#[tokio::test]
async fn a_half_connected_account_does_not_open_the_calendar_for_a_move() {
    let town = only_google().await;
    dentist(&town, HALF_PAST, FOUR);
    let made = booked(&town, "2026-01-13T14:00:00Z").await;
    town.stack.world.set_scopes_unticked(Provider::Microsoft, DEFAULT_EMAIL, &[GRAPH_EVENTS]);
    let mut visitor = local::visitor::Visitor::new(town.base()).unwrap();
    let landed = visitor.connect(USER, "microsoft", &Choice::approve(DEFAULT_EMAIL)).await.unwrap();
    let (status, refused) = visitor.complete(&town.session(USER), &landed.handle.unwrap()).await.unwrap();
    assert_eq!((status, &refused["code"]), (400, &json!("insufficient_scope")));
    for start in ["2026-01-13T15:15:00Z", HALF_PAST] {
        let moved = post(&town, &path(&made, "/reschedule"), json!({"start": start})).await;
        assert_eq!((moved.status, moved.code()), (409, "slot_taken"), "{}", moved.text);
    }
    assert_eq!(starts(&town), ["2026-01-13T14:00:00Z"]);
}

#[tokio::test]
async fn a_whole_day_that_is_filed_in_another_zone_is_in_the_way_of_a_move() {
    let town = Town::new().await;
    town.connect("microsoft").await;
    let hours = json!({"time_zone": "America/Los_Angeles",
        "weekly": [{"days": ["monday", "tuesday", "wednesday", "thursday", "friday"], "start": "09:00", "end": "18:00"}]});
    assert_eq!(town.call(reqwest::Method::PUT, "/calendar/schedule", Some(hours)).await.status, 200);
    let made = booked(&town, "2026-01-14T20:00:00Z").await;
    let midnight = |day: &str| json!({"dateTime": format!("2026-01-{day}T00:00:00"), "timeZone": "UTC"});
    let vacation = json!({"subject": "Vacation", "isAllDay": true, "showAs": "oof",
        "start": midnight("13"), "end": midnight("14")});
    town.stack.world.add_event_json(Provider::Microsoft, DEFAULT_EMAIL, &vacation).unwrap();
    // Half past four of the thirteenth in Los Angeles: the fourteenth in UTC, where the day off is over.
    let evening = "2026-01-14T00:30:00Z";
    let refused = post(&town, "/calendar/bookings", wanted(evening)).await;
    assert_eq!(refused.code(), "slot_taken", "{}", refused.text);
    let moved = post(&town, &path(&made, "/reschedule"), json!({"start": evening})).await;
    assert_eq!((moved.status, moved.code()), (409, "slot_taken"), "{}", moved.text);
    assert_eq!(starts(&town), ["2026-01-14T20:00:00Z"]);
}

/// A booking whose event stands and whose end nobody wrote down.
async fn unfinished(town: &Town) -> Value {
    town.arm(Fault::new("dynamodb", "TransactWriteItems", Kind::Delay).with(0));
    town.arm(Fault::new("dynamodb", "TransactWriteItems", Kind::Status).with(400).times(50));
    let made = post(town, "/calendar/bookings", wanted(THREE)).await;
    assert_eq!((made.status, &made.body["calendar_sync"]), (201, &json!("pending")), "{}", made.text);
    town.stack.world.faults().clear();
    made.body
}

#[tokio::test]
async fn a_promise_outlives_a_fault_of_our_registration() {
    let town = only_google().await;
    let made = unfinished(&town).await;
    // The reconciler comes when the token has run out and the provider refuses our client.
    town.advance(2 * 3600);
    let refused = json!({"status": 401, "body": {"error": "invalid_client"}});
    town.arm(Fault::new("google", "token", Kind::Status).with(refused).times(20));
    reconcile(&town).await;
    town.stack.world.faults().clear();
    assert_eq!((town.ledger().await.len(), starts(&town)), (1, vec![THREE.to_owned()]));
    for _ in 0..3 {
        town.advance(1800);
        reconcile(&town).await;
    }
    let now = shown(&town, &made).await;
    assert_eq!((&now["status"], &now["calendar_sync"]), (&json!("confirmed"), &json!("synced")));
    assert_eq!(starts(&town), [THREE]);
}

#[tokio::test]
async fn an_event_that_stands_is_not_lost_when_nobody_can_look_again() {
    let town = only_google().await;
    let forbidden =
        json!({"status": 403, "body": {"error": {"code": 403, "errors": [{"reason": "forbidden"}]}}});
    town.arm(Fault::new("google", "events.list", Kind::Status).with(forbidden).times(5));
    let made = booked(&town, THREE).await;
    assert_eq!((&made["status"], &made["calendar_sync"]), (&json!("confirmed"), &json!("synced")));
    assert_eq!((town.ledger().await.len(), starts(&town)), (1, vec![THREE.to_owned()]));
}
