//! The same request again, after the world moved on.

use reqwest::Method;
use serde_json::json;
use shared::{
    ids::{BookingId, OwnerId},
    store::bookings::{Booking, BookingStatus},
};

use super::{FOUR, THREE, booked, only_google, path, post, reconcile, starts, wanted, with_key};
use crate::harness::{Town, USER};

async fn row(town: &Town, id: &str) -> Booking {
    let id: BookingId = id.parse().unwrap();
    town.stack.app.store.booking(&OwnerId::user(USER).unwrap(), &id).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_repeat_gets_its_answer_after_the_hold_or_the_offer_is_gone() {
    let town = only_google().await;
    let held = post(&town, "/calendar/holds", json!({"start": THREE})).await.body;
    let mut of_hold = wanted(THREE);
    of_hold["hold_id"] = held["id"].clone();
    let offered = town.get("/calendar/availability?from=2026-01-14&to=2026-01-14").await;
    let of_offer =
        json!({"slot": offered.body["available_slots"][0]["slot"], "attendee": {"name": "Ada Example"}});
    let asked = [("EXAMPLE-hold", &of_hold), ("EXAMPLE-offer", &of_offer)];
    let mut answers = Vec::new();
    for (key, body) in asked {
        let first = with_key(&town, "/calendar/bookings", key, body).await;
        assert_eq!(first.status, 201, "{}", first.text);
        answers.push(first);
    }
    town.advance(1200);
    for ((key, body), first) in asked.into_iter().zip(answers) {
        let again = with_key(&town, "/calendar/bookings", key, body).await;
        assert_eq!((again.status, &again.body), (201, &first.body), "{key}: {}", again.text);
        assert_eq!(again.headers["idempotent-replayed"], "true");
    }
    assert_eq!(starts(&town).len(), 2);
}

#[tokio::test]
async fn a_repeated_move_gets_its_answer_after_the_offer_is_gone() {
    let town = only_google().await;
    let made = booked(&town, THREE).await;
    let offered = town.get("/calendar/availability?from=2026-01-14&to=2026-01-14").await;
    let body = json!({"slot": offered.body["available_slots"][0]["slot"]});
    let first = with_key(&town, &path(&made, "/reschedule"), "EXAMPLE-move", &body).await;
    assert_eq!(first.status, 200, "{}", first.text);
    town.advance(1200);
    let again = with_key(&town, &path(&made, "/reschedule"), "EXAMPLE-move", &body).await;
    assert_eq!((again.status, &again.body["sequence"]), (200, &json!(1)), "{}", again.text);
}

#[tokio::test]
async fn a_move_to_where_it_is_is_an_answer_that_is_repeated_too() {
    let town = only_google().await;
    let made = booked(&town, THREE).await;
    let body = json!({"start": THREE});
    assert_eq!(with_key(&town, &path(&made, "/reschedule"), "EXAMPLE-stay", &body).await.status, 200);
    assert_eq!(post(&town, &path(&made, "/reschedule"), json!({"start": FOUR})).await.status, 200);
    let again = with_key(&town, &path(&made, "/reschedule"), "EXAMPLE-stay", &body).await;
    assert_eq!((again.status, &again.body["start"]), (200, &json!(THREE)), "{}", again.text);
    assert_eq!(starts(&town), [FOUR], "a repeat moves nothing back");
}

/// A request that died after the ledger had its time, and whose time the reconciler gave back.
#[tokio::test]
async fn a_key_whose_request_died_and_came_to_nothing_books_again() {
    let town = only_google().await;
    let first = with_key(&town, "/calendar/bookings", "EXAMPLE-dead", &wanted(THREE)).await;
    let id = first.body["id"].as_str().unwrap();
    let dead = row(&town, id).await;
    assert_eq!(post(&town, &path(&first.body, "/cancel"), json!({})).await.status, 200);
    let (store, owner) = (&town.stack.app.store, OwnerId::user(USER).unwrap());
    for (status, expected) in [(BookingStatus::Cancelled, "cancelled"), (BookingStatus::Failed, "confirmed")]
    {
        // The row and the operation as a crash and the reconciler leave them.
        let current = row(&town, id).await;
        let mut left = Booking { status, version: current.version, ..dead.clone() };
        left.due(None);
        let key = shared::store::keys::idempotency(&format!("booking#{owner}"), "http:book:EXAMPLE-dead");
        let mut operation = store.operation(key.clone(), town.now()).await.unwrap().unwrap();
        operation.answer = None;
        let actions = vec![
            store.put_booking(&left, Some(current.version)).unwrap(),
            store.finish_operation(key, operation).unwrap(),
        ];
        assert_eq!(store.transact(actions).await.unwrap(), shared::store::Transaction::Done);
        town.advance(60);
        let again = with_key(&town, "/calendar/bookings", "EXAMPLE-dead", &wanted(THREE)).await;
        assert_eq!((again.status, &again.body["status"]), (201, &json!(expected)), "{}", again.text);
    }
    assert_eq!((starts(&town).len(), town.ledger().await.len()), (1, 1));
}

#[tokio::test]
async fn a_key_is_one_owners_and_one_routes() {
    let town = only_google().await;
    let made = booked(&town, THREE).await;
    let body = json!({"start": FOUR});
    assert_eq!(with_key(&town, &path(&made, "/reschedule"), "EXAMPLE", &body).await.status, 200);
    let other = with_key(&town, "/calendar/bookings", "EXAMPLE", &wanted(THREE)).await;
    assert_eq!((other.status, &other.body["start"]), (201, &json!(THREE)), "{}", other.text);
    let theirs =
        town.plain(Method::POST, "/calendar/bookings").bearer_auth(town.session(crate::harness::OTHER));
    let theirs = town.answer(theirs.header("Idempotency-Key", "EXAMPLE").json(&wanted(THREE))).await;
    assert_eq!((theirs.status, theirs.code()), (409, "no_connection"), "{}", theirs.text);
    assert_eq!(reconcile(&town).await["looked_at"], 0);
}
