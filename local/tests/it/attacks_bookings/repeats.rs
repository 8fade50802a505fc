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
async fn a_key_is_one_owners_and_one_routes() {
    let town = only_google().await;
    let made = booked(&town, THREE).await;
    let body = json!({"start": FOUR});
    assert_eq!(with_key(&town, &path(&made, "/reschedule"), "EXAMPLE", &body).await.status, 200);
    let other = with_key(&town, "/calendar/bookings", "EXAMPLE", &wanted(THREE)).await;
    assert_eq!((other.status, &other.body["start"]), (201, &json!(THREE)), "{}", other.text);
    let theirs = town.plain(Method::POST, "/calendar/bookings").bearer_auth(town.session(crate::harness::OTHER));
    let theirs = town.answer(theirs.header("Idempotency-Key", "EXAMPLE").json(&wanted(THREE))).await;
    assert_eq!((theirs.status, theirs.code()), (409, "no_connection"), "{}", theirs.text);
    assert_eq!(reconcile(&town).await["looked_at"], 0);
}
