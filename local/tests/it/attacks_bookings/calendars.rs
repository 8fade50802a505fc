//! Bookings while the owner, somebody's hand or the provider changes the calendar behind them.

use local::world::{
    Account, DEFAULT_EMAIL, Provider,
    faults::{Fault, Kind},
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    FOUR, HALF_PAST, THREE, booked, event_id, only_google, path, post, reconcile, shown, starts, wanted,
};
use crate::harness::Town;

/// A second calendar that can be written to.
const SECOND: &str = "c_example@group.calendar.google.com";

async fn with_a_second_calendar() -> (Town, String) {
    let town = Town::new().await;
    let mut account = Account::google(DEFAULT_EMAIL).in_zone("Europe/London");
    account.calendars[1].writable = true;
    SECOND.clone_into(&mut account.calendars[1].id);
    town.stack.world.add_account(account);
    let id = town.connect("google").await;
    (town, id)
}

async fn select(town: &Town, connection: &str, busy: &[&str], write: Option<&str>) {
    let body = json!({"connection_id": connection, "busy": busy, "write": write});
    let answer = town.call(Method::PUT, "/calendar/calendars/selection", Some(body)).await;
    assert_eq!(answer.status, 204, "{}", answer.text);
}

/// A booking that stands, whose event was written without our hearing of it.
async fn unheard(town: &Town, provider: Provider) -> Value {
    let create = if provider == Provider::Google { "events.insert" } else { "events.create" };
    town.arm(Fault::new(provider.as_str(), create, Kind::DropAfterCommit).times(2));
    let made = booked(town, THREE).await;
    assert_eq!(made["calendar_sync"], "pending");
    assert_eq!(starts(town), [THREE]);
    made
}

#[tokio::test]
async fn a_booking_stays_in_the_calendar_that_it_was_written_to() {
    let (town, connection) = with_a_second_calendar().await;
    let (moved, gone) = (booked(&town, THREE).await, booked(&town, "2026-01-14T15:00:00Z").await);
    select(&town, &connection, &["primary", SECOND], Some(SECOND)).await;
    let answer = post(&town, &path(&moved, "/reschedule"), json!({"start": FOUR})).await;
    assert_eq!((answer.status, &answer.body["calendar_sync"]), (200, &json!("synced")), "{}", answer.text);
    let answer = post(&town, &path(&gone, "/cancel"), json!({})).await;
    assert_eq!((answer.status, &answer.body["calendar_sync"]), (200, &json!("synced")), "{}", answer.text);
    assert_eq!(starts(&town), [FOUR], "nothing is left of what was called off");
}

#[tokio::test]
async fn an_event_whose_writing_nobody_heard_is_not_written_into_another_calendar_again() {
    let (town, connection) = with_a_second_calendar().await;
    unheard(&town, Provider::Google).await;
    select(&town, &connection, &["primary", SECOND], Some(SECOND)).await;
    town.advance(61);
    assert_eq!(reconcile(&town).await["finished"], 1);
    assert_eq!(starts(&town), [THREE]);
}

#[tokio::test]
async fn what_is_in_a_calendar_that_does_not_count_stands_in_nobodys_way() {
    let (town, connection) = with_a_second_calendar().await;
    select(&town, &connection, &["primary"], Some(SECOND)).await;
    let note = json!({"subject": "Bring the keys", "start_time": THREE, "end_time": HALF_PAST});
    assert_eq!(post(&town, "/calendar/events", note).await.status, 201);
    let free = town.get("/calendar/availability?from=2026-01-13T15:00:00Z&to=2026-01-13T15:30:00Z").await;
    assert_eq!(free.body["total_slots"], 1, "{}", free.text);
    let made = booked(&town, THREE).await;
    assert_eq!(made["calendar_sync"], "synced");
}

#[tokio::test]
async fn an_event_whose_writing_nobody_heard_goes_along_when_its_booking_is_moved() {
    for provider in [Provider::Google, Provider::Microsoft] {
        let town = Town::new().await;
        town.connect(provider.as_str()).await;
        let made = unheard(&town, provider).await;
        let moved = post(&town, &path(&made, "/reschedule"), json!({"start": FOUR})).await;
        assert_eq!((moved.status, &moved.body["start"]), (200, &json!(FOUR)), "{}", moved.text);
        town.advance(61);
        reconcile(&town).await;
        assert_eq!(starts(&town), [FOUR], "{provider:?}");
        assert_eq!(shown(&town, &made).await["calendar_sync"], "synced", "{provider:?}");
    }
}

#[tokio::test]
async fn an_event_whose_writing_nobody_heard_goes_when_its_booking_is_moved_and_called_off() {
    for provider in [Provider::Google, Provider::Microsoft] {
        let town = Town::new().await;
        town.connect(provider.as_str()).await;
        let made = unheard(&town, provider).await;
        assert_eq!(post(&town, &path(&made, "/reschedule"), json!({"start": FOUR})).await.status, 200);
        let gone = post(&town, &path(&made, "/cancel"), json!({})).await;
        assert_eq!((gone.status, &gone.body["status"]), (200, &json!("cancelled")), "{}", gone.text);
        assert_eq!(starts(&town), [] as [&str; 0], "{provider:?}");
    }
}

#[tokio::test]
async fn an_event_that_nobody_heard_of_and_somebody_moved_is_left_as_it_is() {
    let town = only_google().await;
    let made = unheard(&town, Provider::Google).await;
    let noon = json!({"start_time": "2026-01-13T12:00:00Z", "end_time": "2026-01-13T12:30:00Z"});
    let event = event_id(&town).await;
    let by_hand = town.call(Method::PATCH, &format!("/calendar/events/{event}"), Some(noon)).await;
    assert_eq!(by_hand.status, 200, "{}", by_hand.text);
    town.advance(61);
    reconcile(&town).await;
    assert_eq!(starts(&town), ["2026-01-13T12:00:00Z"]);
    let left = shown(&town, &made).await;
    assert_eq!(
        (&left["calendar_sync"], &left["calendar_problem"]),
        (&json!("failed"), &json!("moved_by_hand"))
    );
}

#[tokio::test]
async fn an_event_that_nobody_heard_of_and_somebody_deleted_is_gone() {
    let town = only_google().await;
    let (kept, gone) = (unheard(&town, Provider::Google).await, "2026-01-14T15:00:00Z");
    let event = event_id(&town).await;
    assert_eq!(town.call(Method::DELETE, &format!("/calendar/events/{event}"), None).await.status, 204);
    town.advance(61);
    assert_eq!(reconcile(&town).await["finished"], 1);
    let left = shown(&town, &kept).await;
    assert_eq!(
        (&left["calendar_sync"], &left["calendar_problem"]),
        (&json!("failed"), &json!("deleted_by_hand"))
    );

    town.arm(Fault::new("google", "events.insert", Kind::DropAfterCommit).times(2));
    let other = booked(&town, gone).await;
    let listed = town.get("/calendar/events?from=2026-01-14&to=2026-01-14").await;
    let events = listed.body["events"].as_array().unwrap();
    let ours = events.iter().find(|event| event["subject"] == "Appointment with Ada Example").unwrap();
    let event = ours["id"].as_str().unwrap();
    assert_eq!(town.call(Method::DELETE, &format!("/calendar/events/{event}"), None).await.status, 204);
    let answer = post(&town, &path(&other, "/cancel"), json!({})).await;
    assert_eq!((answer.status, &answer.body["status"]), (200, &json!("cancelled")), "{}", answer.text);
    town.advance(61);
    assert_eq!(reconcile(&town).await["finished"], 1);
    assert_eq!(shown(&town, &other).await["calendar_sync"], "synced");
}

#[tokio::test]
async fn a_cancellation_wins_over_an_event_that_is_just_being_written() {
    let town = only_google().await;
    town.arm(Fault::new("google", "events.insert", Kind::Status).with(503).times(2));
    let made = booked(&town, THREE).await;
    town.advance(61);
    town.arm(Fault::new("google", "events.insert", Kind::Delay).with(600));
    let cancelled = async {
        while !town.stack.world.faults().waiting().is_empty() {
            tokio::task::yield_now().await;
        }
        post(&town, &path(&made, "/cancel"), json!({})).await
    };
    let (_, gone) = tokio::join!(reconcile(&town), cancelled);
    assert_eq!((gone.status, &gone.body["status"]), (200, &json!("cancelled")), "{}", gone.text);
    town.advance(61);
    reconcile(&town).await;
    assert_eq!((starts(&town).len(), town.ledger().await.len()), (0, 0));
    assert_eq!(shown(&town, &made).await["calendar_sync"], "synced");
}

#[tokio::test]
async fn a_move_that_the_calendar_did_not_hear_of_can_be_taken_back() {
    for provider in [Provider::Google, Provider::Microsoft] {
        let town = Town::new().await;
        town.connect(provider.as_str()).await;
        let made = booked(&town, THREE).await;
        let (patch, get) = match provider {
            Provider::Google => ("events.patch", "events.get"),
            Provider::Microsoft => ("events.update", "events.get"),
        };
        town.arm(Fault::new(provider.as_str(), patch, Kind::Status).with(503).times(2));
        town.arm(Fault::new(provider.as_str(), get, Kind::Status).with(503).times(2));
        let moved = post(&town, &path(&made, "/reschedule"), json!({"start": FOUR})).await;
        assert_eq!((moved.status, &moved.body["calendar_sync"]), (200, &json!("pending")), "{}", moved.text);
        town.stack.world.faults().clear();
        let back = post(&town, &path(&made, "/reschedule"), json!({"start": THREE})).await;
        assert_eq!((back.status, &back.body["calendar_sync"]), (200, &json!("synced")), "{}", back.text);
        assert_eq!((starts(&town), town.ledger().await.len()), (vec![THREE.to_owned()], 1));
    }
}

#[tokio::test]
async fn a_problem_is_forgotten_when_the_event_is_back() {
    let town = only_google().await;
    let made = booked(&town, THREE).await;
    let event = event_id(&town).await;
    let hand = async |start: &str, end: &str| {
        let body = json!({"start_time": start, "end_time": end});
        let answer = town.call(Method::PATCH, &format!("/calendar/events/{event}"), Some(body)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    };
    hand("2026-01-13T12:00:00Z", "2026-01-13T12:30:00Z").await;
    let refused = post(&town, &path(&made, "/reschedule"), json!({"start": FOUR})).await;
    assert_eq!(refused.code(), "changed_in_calendar");
    hand(THREE, HALF_PAST).await;
    let moved = post(&town, &path(&made, "/reschedule"), json!({"start": FOUR})).await;
    assert_eq!(
        (&moved.body["calendar_sync"], &moved.body["calendar_problem"]),
        (&json!("synced"), &Value::Null),
        "{}",
        moved.text
    );
}

#[tokio::test]
async fn a_move_is_kept_out_of_the_calendars_that_are_left() {
    let town = Town::new().await;
    let google = town.connect("google").await;
    let made = booked(&town, THREE).await;
    town.connect("microsoft").await;
    let gone = town.call(Method::DELETE, &format!("/calendar/connections/{google}"), None).await;
    assert_eq!(gone.status, 200, "{}", gone.text);
    let (from, to) = (HALF_PAST.parse().unwrap(), FOUR.parse().unwrap());
    town.stack.world.add_event(Provider::Microsoft, DEFAULT_EMAIL, "Dentist", from, to).unwrap();
    let moved = post(&town, &path(&made, "/reschedule"), json!({"start": "2026-01-13T15:15:00Z"})).await;
    assert_eq!(moved.code(), "slot_taken", "{}", moved.text);
}

#[tokio::test]
async fn a_time_without_a_zone_is_not_taken_for_one_that_nobody_said() {
    let town = Town::new().await;
    town.stack.world.add_account(Account::google(DEFAULT_EMAIL).in_zone("America/New_York"));
    town.connect("google").await;
    town.arm(Fault::new("google", "calendars.get", Kind::Status).with(503).times(9));
    let answer = post(&town, "/calendar/bookings", wanted("2026-01-13T15:00:00")).await;
    assert_eq!((answer.status, answer.code()), (503, "unavailable"), "{}", answer.text);
    assert_eq!(starts(&town), [] as [&str; 0]);
}

#[tokio::test]
async fn a_booking_whose_calendar_is_gone_is_not_called_unknown() {
    let (town, connection) = with_a_second_calendar().await;
    select(&town, &connection, &["primary"], Some(SECOND)).await;
    town.stack.world.add_account(Account::google(DEFAULT_EMAIL).in_zone("Europe/London"));
    let answer = post(&town, "/calendar/bookings", wanted(THREE)).await;
    assert_ne!(answer.status, 404, "{}", answer.text);
    assert_eq!(town.ledger().await.len(), usize::from(answer.status == 201));
}

#[tokio::test]
async fn an_appointment_behind_many_others_is_in_the_way_of_a_move_all_the_same() {
    let town = only_google().await;
    let made = booked(&town, THREE).await;
    let time = |at: &str| json!({"dateTime": at, "timeZone": "Europe/London"});
    for _ in 0..260 {
        let note = json!({"summary": "Note", "transparency": "transparent",
            "start": time("2026-01-13T15:20:00Z"), "end": time("2026-01-13T15:40:00Z")});
        town.stack.world.add_event_json(Provider::Google, DEFAULT_EMAIL, &note).unwrap();
    }
    let (from, to) = (HALF_PAST.parse().unwrap(), FOUR.parse().unwrap());
    town.stack.world.add_event(Provider::Google, DEFAULT_EMAIL, "Dentist", from, to).unwrap();
    let moved = post(&town, &path(&made, "/reschedule"), json!({"start": "2026-01-13T15:15:00Z"})).await;
    assert_eq!(moved.code(), "slot_taken", "{}", moved.text);
}
