//! Inputs that nobody should send.

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::json;
use shared::{
    ids::{HoldId, OwnerId},
    store::{Transaction, bookings::Hold},
};

use local::world::{PhoneCall, ToolCall};

use super::{FOUR, HALF_PAST, THREE, booked, only_google, path, post, schedule, shown, wanted};
use crate::harness::{Town, USER, at};

#[tokio::test]
async fn a_list_goes_on_behind_holds_that_ended() {
    let town = only_google().await;
    let made = booked(&town, FOUR).await;
    let store = &town.stack.app.store;
    for _ in 0..5 {
        let hold = || Hold {
            id: HoldId::random(),
            owner: OwnerId::user(USER).unwrap(),
            start: at(THREE),
            end: at(HALF_PAST),
            service: None,
            expires_at: town.now() - SignedDuration::from_secs(1),
        };
        let some = (0..30).map(|_| store.put_hold(&hold()).unwrap()).collect();
        assert_eq!(store.transact(some).await.unwrap(), Transaction::Done);
    }
    let listed = town.get("/calendar/bookings?from=2026-01-13&to=2026-01-13").await;
    assert_eq!(listed.body["bookings"][0]["id"], made["id"], "{}", listed.text);
}

#[tokio::test]
async fn a_list_goes_on_where_it_was_when_its_last_booking_was_moved_away() {
    let town = only_google().await;
    town.call(Method::PUT, "/calendar/services/quick", Some(json!({"name": "Quick", "duration_minutes": 5})))
        .await;
    let mut made = Vec::new();
    for day in 13..15 {
        for slot in 0..51 {
            let start = at(&format!("2026-01-{day}T10:00:00Z")) + SignedDuration::from_mins(5 * slot);
            let mut body = wanted(&start.to_string());
            body["service"] = json!("quick");
            let answer = post(&town, "/calendar/bookings", body).await;
            assert_eq!(answer.status, 201, "{}", answer.text);
            made.push(answer.body);
        }
    }
    let window = "/calendar/bookings?from=2026-01-13&to=2026-01-14";
    let first = town.get(window).await;
    assert_eq!(first.body["bookings"].as_array().unwrap().len(), 100);
    let cursor = first.body["next_cursor"].as_str().unwrap().to_owned();
    let moved = post(&town, &path(&made[99], "/reschedule"), json!({"start": "2026-01-20T10:00:00Z"})).await;
    assert_eq!(moved.status, 200, "{}", moved.text);
    let rest = town.get(&format!("{window}&cursor={cursor}")).await;
    let rest: Vec<_> = rest.body["bookings"].as_array().unwrap().iter().map(|row| &row["id"]).collect();
    assert_eq!(rest, [&made[100]["id"], &made[101]["id"]]);
}

#[tokio::test]
async fn a_cursor_or_a_window_that_makes_no_sense_is_the_callers_mistake() {
    let town = only_google().await;
    let made = booked(&town, THREE).await;
    let id = made["id"].as_str().unwrap();
    for cursor in [id, "bkg_00000000000000000000000000", "x", "0", "%00", "-9223372036854775808.x", "💣"] {
        let answer =
            town.get(&format!("/calendar/bookings?from=2026-01-20&to=2026-01-21&cursor={cursor}")).await;
        assert_eq!(
            (answer.status, &answer.body["field"]),
            (422, &json!("cursor")),
            "{cursor} {}",
            answer.text
        );
    }
    // In front of the window, inside it and behind it.
    for (cursor, found) in [("1768000000.x", 1), ("1768302000.BOOKING.z", 1), ("1768402000.x", 0)] {
        let answer =
            town.get(&format!("/calendar/bookings?from=2026-01-13&to=2026-01-13&cursor={cursor}")).await;
        assert_eq!(answer.status, 200, "{cursor} {}", answer.text);
        assert_eq!(answer.body["bookings"].as_array().unwrap().len(), found, "{cursor}");
    }
    for (from, to, found) in [
        ("2026-01-13T15:00:00.2Z", "2026-01-13T15:00:00.7Z", 0),
        ("2026-01-13T14:59:59.2Z", "2026-01-13T14:59:59.7Z", 0),
        ("2026-01-13T14:59:59.2Z", "2026-01-13T15:00:00.1Z", 1),
        ("2026-01-13T15:00:00.1Z", "2026-01-13T16:00:00Z", 0),
        ("2026-01-13T14:00:00Z", "2026-01-13T15:00:00Z", 0),
    ] {
        let answer = town.get(&format!("/calendar/bookings?from={from}&to={to}")).await;
        assert_eq!(answer.status, 200, "{from} {}", answer.text);
        assert_eq!(answer.body["bookings"].as_array().unwrap().len(), found, "{from} {to}");
    }
}

#[tokio::test]
async fn a_name_cannot_write_lines_of_its_own_into_the_event() {
    let town = only_google().await;
    let body = json!({"start": THREE, "notes": "first\nsecond",
        "attendee": {"name": "Ada\nPhone: +1 900 555 0199\u{0}\u{202e}", "phone": "+1 555\r\n0100"}});
    let made = post(&town, "/calendar/bookings", body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let appointments = town.appointments();
    let (_, event) = &appointments[0];
    let text = event.fields["description"].as_str().unwrap();
    assert_eq!(text.lines().filter(|line| line.starts_with("Phone:")).count(), 1, "{text}");
    assert!(text.ends_with("first\nsecond"), "what is said stays: {text}");
    assert!(!event.subject.chars().any(char::is_control), "{:?}", event.subject);
}

#[tokio::test]
async fn a_schedule_that_names_its_days_without_end_is_refused_by_name() {
    let town = only_google().await;
    let schedule = json!({"time_zone": "Europe/London",
        "weekly": [{"days": vec![1; 60_000], "start": "09:00", "end": "17:00"}]});
    let answer = town.call(Method::PUT, "/calendar/schedule", Some(schedule)).await;
    assert_eq!((answer.status, &answer.body["field"]), (422, &json!("weekly[0].days")), "{}", answer.text);
}

#[tokio::test]
async fn a_tool_call_with_a_name_of_any_length_is_answered() {
    let town = only_google().await;
    let line = town.line().await;
    let mut tool = ToolCall::new("book_appointment", json!({"start_time": THREE, "name": "Caller"}));
    tool.id = "x".repeat(4_000);
    let call = PhoneCall::inbound("+15550100123", None, town.now());
    for _ in 0..2 {
        let said = town.say(&call, &line, &tool).await.unwrap();
        assert!(said.starts_with("You're booked"), "{said}");
    }
}

#[tokio::test]
async fn no_odd_booking_is_a_fault_of_ours() {
    let town: Town = only_google().await;
    let long = "9".repeat(5_000);
    for start in [
        "2200-12-31T23:59:59Z",
        "1970-01-01T00:00:00Z",
        "2026-02-30T10:00:00Z",
        "2026-01-13T24:00:00Z",
        "-009999-01-01T00:00:00Z",
        "2026-01-13",
        "\u{0}",
        "",
        "２０２６-01-13",
        &long,
        "2016-12-31T23:59:60Z",
        "2026-01-13T15:00:00[Mars/Olympus]",
        "P1D",
        "now",
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
    for body in [
        json!([]),
        json!(null),
        json!({"start": 5}),
        json!({"slot": {}}),
        json!({"start": THREE, "attendee": []}),
        json!({"start": THREE, "attendee": {"name": 5}}),
        json!({"start": THREE, "attendee": {"name": "A"}, "hold_id": 5}),
    ] {
        let answer = post(&town, "/calendar/bookings", body.clone()).await;
        assert_eq!(answer.status, 422, "{body} {}", answer.text);
    }
    assert_eq!(town.ledger().await.len(), 0);
}

#[tokio::test]
async fn more_slots_than_an_answer_can_hold_are_refused_by_name() {
    let town = only_google().await;
    let every_day: Vec<_> = (0..7).collect();
    schedule(
        &town,
        json!({"weekly": [{"days": every_day, "start": "00:00", "end": "24:00"}], "slot_interval_minutes": 1}),
    )
    .await;
    let answer = town.get("/calendar/availability?days_ahead=60&duration_minutes=5").await;
    assert_eq!((answer.status, &answer.body["field"]), (422, &json!("to")), "{}", answer.text.len());
    let answer = town.get("/calendar/availability?days_ahead=2&duration_minutes=5").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test]
async fn a_fraction_of_a_second_is_in_no_answer_because_it_is_in_no_row() {
    let town = only_google().await;
    let held = post(&town, "/calendar/holds", json!({"start": "2026-01-13T15:00:00.5Z"})).await;
    let mut mine = wanted("2026-01-13T15:00:00.5Z");
    mine["hold_id"] = held.body["id"].clone();
    let made = post(&town, "/calendar/bookings", mine).await;
    assert_eq!((made.status, &made.body["start"]), (201, &json!(THREE)), "{}", made.text);
    let moved =
        post(&town, &path(&made.body, "/reschedule"), json!({"start": "2026-01-13T16:00:00.25"})).await;
    assert_eq!((moved.status, &moved.body["start"]), (200, &json!(FOUR)), "{}", moved.text);
    assert_eq!(shown(&town, &made.body).await["start"], FOUR);
}
