//! Inputs that nobody should send.

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::json;
use shared::{
    ids::{HoldId, OwnerId},
    store::{Transaction, bookings::Hold},
};

use local::world::{PhoneCall, ToolCall};

use super::{FOUR, HALF_PAST, THREE, booked, only_google, path, post, wanted};
use crate::harness::{Town, USER, at};

#[tokio::test]
async fn no_odd_booking_is_a_fault_of_ours() {
    let town: Town = only_google().await;
    let long = "9".repeat(5_000);
    for start in [
        "2200-12-31T23:59:59Z", "1970-01-01T00:00:00Z", "2026-02-30T10:00:00Z", "2026-01-13T24:00:00Z",
        "-009999-01-01T00:00:00Z", "2026-01-13", "\u{0}", "", "２０２６-01-13", &long,
        "2016-12-31T23:59:60Z", "2026-01-13T15:00:00[Mars/Olympus]", "P1D", "now",
    ] {
        for end in [None, Some("2200-12-31T23:59:59Z"), Some("1970-01-01T00:00:00Z"), Some(start)] {
            let mut body = wanted(start);
            if let Some(end) = end {
                body["end"] = json!(end);
            }
            for route in ["/calendar/bookings", "/calendar/holds", "/calendar/bookings/bkg_x/reschedule"] {
                let answer = post(&town, route, body.clone()).await;
                assert!((400..500).contains(&answer.status), "{start} {end:?} {route}: {}", answer.text);
            }
        }
    }
    for body in [json!([]), json!(null), json!({"start": 5}), json!({"slot": {}}), json!({"start": THREE, "attendee": []}),
        json!({"start": THREE, "attendee": {"name": 5}}), json!({"start": THREE, "attendee": {"name": "A"}, "hold_id": 5})] {
        let answer = post(&town, "/calendar/bookings", body.clone()).await;
        assert_eq!(answer.status, 422, "{body} {}", answer.text);
    }
    assert_eq!(town.ledger().await.len(), 0);
}
