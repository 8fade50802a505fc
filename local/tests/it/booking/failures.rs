//! Bookings while a calendar or the ledger fails: reserved or refused, never lost and never twice (SECURITY.md S5).

use local::world::{
    Account, Choice, DEFAULT_EMAIL, Provider,
    faults::{ANY, Fault, Kind},
};
use serde_json::json;
use shared::{
    calendars::set_default,
    store::bookings::{BookingStatus, CalendarSync},
};

use super::{BOOKED, TEN, book, caller, one_booking, owner, wanted};
use crate::harness::{Town, USER, at};

const RESERVED: &str = "Your time on Tuesday, January thirteenth at 10 AM is reserved.";

/// A town with one calendar connected.
async fn town_of(provider: Provider) -> Town {
    let town = Town::new().await;
    town.connect(provider.as_str()).await;
    town
}

fn creation(provider: Provider) -> &'static str {
    match provider {
        Provider::Google => "events.insert",
        Provider::Microsoft => "events.create",
    }
}

#[tokio::test]
async fn a_lost_answer_of_the_calendar_is_one_event_and_never_two() {
    let lost_once = (1, "You're booked for Tuesday, January thirteenth at 10 AM.", CalendarSync::Synced);
    let lost_again = (2, RESERVED, CalendarSync::Pending);
    for (provider, (times, expected, sync)) in [
        (Provider::Google, lost_once),
        (Provider::Microsoft, lost_once),
        (Provider::Google, lost_again),
        (Provider::Microsoft, lost_again),
    ] {
        let town = town_of(provider).await;
        let (line, call, tool) = (town.line().await, caller(1), wanted(TEN));
        town.arm(Fault::new(provider.as_str(), creation(provider), Kind::DropAfterCommit).times(times));
        let answer = town.say(&call, &line, &tool).await.unwrap();
        assert_eq!(answer, expected);
        assert_eq!(town.say(&call, &line, &tool).await.unwrap(), answer);
        assert_eq!(town.say(&call, &line, &wanted(TEN)).await.unwrap(), answer);
        assert!(book(&town, &line, 2, TEN).await.starts_with("That time is taken."));
        assert_eq!((town.appointments().len(), town.ledger().await.len()), (1, 1));
        assert_eq!(one_booking(&town).await.calendar_sync, sync);
    }
}

#[tokio::test]
async fn a_calendar_that_fails_while_it_is_written_leaves_a_pending_booking() {
    for provider in [Provider::Google, Provider::Microsoft] {
        let town = town_of(provider).await;
        let line = town.line().await;
        town.arm(Fault::new(provider.as_str(), creation(provider), Kind::Status).with(503).times(20));
        assert_eq!(book(&town, &line, 1, TEN).await, RESERVED);
        let booking = one_booking(&town).await;
        assert_eq!(
            (booking.status, booking.calendar_sync),
            (BookingStatus::Confirmed, CalendarSync::Pending)
        );
        assert_eq!((booking.event_id, town.appointments().len()), (None, 0));
        assert!(book(&town, &line, 2, TEN).await.starts_with("That time is taken."));
    }
}

#[tokio::test]
async fn a_calendar_that_refuses_the_event_gives_the_time_back() {
    for provider in [Provider::Google, Provider::Microsoft] {
        let town = town_of(provider).await;
        let (line, call, tool) = (town.line().await, caller(1), wanted(TEN));
        let forbidden = json!({"status": 403, "body": {"error": {"code": 403, "message": "no", "errors": [{"reason": "forbidden"}]}}});
        town.arm(Fault::new(provider.as_str(), creation(provider), Kind::Status).with(forbidden));
        let answer = town.say(&call, &line, &tool).await.unwrap();
        assert!(!answer.contains("booked") && !answer.contains("reserved"), "{answer}");
        assert_eq!((town.appointments().len(), town.ledger().await.len()), (0, 0));
        assert_eq!(town.say(&call, &line, &tool).await.unwrap(), BOOKED, "the same tool call may come again");
    }
}

#[tokio::test]
async fn a_calendar_that_cannot_be_read_promises_nothing() {
    for (status, provider) in [(500, Provider::Google), (429, Provider::Microsoft)] {
        let town = town_of(provider).await;
        let line = town.line().await;
        town.get("/calendar/availability").await;
        town.arm(Fault::new(provider.as_str(), ANY, Kind::Status).with(status).times(20));
        let answer = book(&town, &line, 1, TEN).await;
        assert_eq!(answer, "I cannot see the calendar at the moment. Please try again in a minute.");
        town.stack.world.faults().clear();
        assert_eq!((town.appointments().len(), town.ledger().await.len()), (0, 0));
        town.advance(60);
        assert_eq!(book(&town, &line, 1, TEN).await, BOOKED);
    }
}

#[tokio::test]
async fn a_dead_connection_takes_bookings_that_are_written_later() {
    let town = town_of(Provider::Google).await;
    let line = town.line().await;
    town.get("/calendar/availability").await;
    town.stack.world.revoke_account(Provider::Google, DEFAULT_EMAIL);
    assert_eq!(book(&town, &line, 1, TEN).await, RESERVED);
    assert_eq!(town.get("/calendar/auth/status").await.body["connections"][0]["status"], "reauth_required");
    let next = book(&town, &line, 2, "2026-01-13T11:00:00Z").await;
    assert!(next.contains("11 AM is reserved"), "the dead row is known beforehand: {next}");
    assert!(book(&town, &line, 3, TEN).await.starts_with("That time is taken"), "the ledger alone holds it");
    assert_eq!((town.appointments().len(), town.ledger().await.len()), (0, 2));
}

#[tokio::test]
async fn a_dead_default_calendar_beside_a_living_one_takes_bookings_that_are_written_later() {
    let town = Town::connected().await;
    let line = town.line().await;
    town.get("/calendar/availability").await;
    let rows = town.stack.app.store.owner_rows(&owner()).await.unwrap();
    let google = rows.connections.iter().find(|row| row.provider.as_str() == "google").unwrap();
    set_default(&town.stack.app, &owner(), &google.id).await.unwrap();
    town.stack.world.revoke_account(Provider::Google, DEFAULT_EMAIL);
    assert_eq!(book(&town, &line, 1, TEN).await, RESERVED);
    let next = book(&town, &line, 2, "2026-01-13T11:00:00Z").await;
    assert!(next.contains("11 AM is reserved"), "{next}");
    assert_eq!((town.appointments().len(), town.ledger().await.len()), (0, 2));
}

#[tokio::test]
async fn an_owner_who_never_connected_takes_no_bookings() {
    let town = Town::new().await;
    let line = town.line().await;
    let answer = book(&town, &line, 1, TEN).await;
    assert!(answer.starts_with("I can't reach the calendar") && answer.contains("call you back"), "{answer}");
    assert_eq!(town.ledger().await, []);
}

#[tokio::test]
async fn a_conflict_with_another_transaction_is_tried_again() {
    let town = Town::connected().await;
    let line = town.line().await;
    town.arm(Fault::new("dynamodb", "TransactWriteItems", Kind::Status).with("TransactionConflict").times(2));
    assert_eq!(book(&town, &line, 1, TEN).await, BOOKED);
    assert!(town.stack.world.faults().waiting().is_empty(), "both were met");
    assert_eq!((town.appointments().len(), town.ledger().await.len()), (1, 1));
}

#[tokio::test]
async fn a_throttled_ledger_is_a_polite_sentence_without_an_event() {
    let town = Town::connected().await;
    let (line, call, tool) = (town.line().await, caller(1), wanted(TEN));
    town.arm(Fault::new("dynamodb", "TransactWriteItems", Kind::Status).times(50).with(400));
    let answer = town.say(&call, &line, &tool).await.unwrap();
    assert_eq!(answer, "The calendar is taking longer than usual. Please give me a moment and ask me again.");
    town.stack.world.faults().clear();
    assert_eq!((town.appointments().len(), town.ledger().await.len()), (0, 0));
    assert_eq!(town.say(&call, &line, &tool).await.unwrap(), BOOKED);
}

#[tokio::test]
async fn a_lost_answer_of_the_ledger_leaves_at_most_one_event_and_no_false_promise() {
    let town = Town::connected().await;
    let (line, call, tool) = (town.line().await, caller(1), wanted(TEN));
    town.arm(Fault::new("dynamodb", "TransactWriteItems", Kind::DropAfterCommit));
    let answer = town.say(&call, &line, &tool).await.unwrap();
    assert_eq!(answer, BOOKED);
    assert_eq!(town.say(&call, &line, &tool).await.unwrap(), BOOKED);
    assert_eq!((town.appointments().len(), town.ledger().await.len()), (1, 1));
}

#[tokio::test]
async fn a_ledger_that_fails_after_the_event_keeps_the_time_and_says_reserved() {
    let town = Town::connected().await;
    let (line, call, tool) = (town.line().await, caller(1), wanted(TEN));
    // The first write, which takes the slot, goes through; those that confirm it do not.
    town.arm(Fault::new("dynamodb", "TransactWriteItems", Kind::Delay).with(0));
    town.arm(Fault::new("dynamodb", "TransactWriteItems", Kind::Status).with(400).times(50));
    assert_eq!(town.say(&call, &line, &tool).await.unwrap(), RESERVED);
    town.stack.world.faults().clear();
    town.advance(120);
    // A repeat goes on where the first one stopped, and finds the event.
    assert_eq!(town.say(&call, &line, &tool).await.unwrap(), BOOKED);
    assert_eq!(one_booking(&town).await.calendar_sync, CalendarSync::Synced);
    assert!(book(&town, &line, 2, TEN).await.starts_with("That time is taken."));
    assert_eq!((town.appointments().len(), town.ledger().await.len()), (1, 1));
}

#[tokio::test]
async fn a_slot_that_could_not_be_given_back_is_not_promised_later() {
    let town = Town::connected().await;
    let (line, call, tool) = (town.line().await, caller(1), wanted(TEN));
    let hour = at("2026-01-13T10:00:00Z");
    let foreign = (hour, hour + jiff::SignedDuration::from_hours(1));
    town.stack.world.add_event(Provider::Google, DEFAULT_EMAIL, "Lunch", foreign.0, foreign.1).unwrap();
    town.arm(Fault::new("dynamodb", "TransactWriteItems", Kind::Delay).with(0));
    town.arm(Fault::new("dynamodb", "TransactWriteItems", Kind::Status).with(400).times(50));
    town.say(&call, &line, &tool).await.unwrap_or_else(|error| error);
    town.stack.world.faults().clear();
    town.advance(120);
    let answer = town.say(&call, &line, &tool).await.unwrap();
    assert!(answer.starts_with("That time is taken."), "{answer}");
    assert_eq!((town.appointments().len(), town.ledger().await.len()), (0, 0));
}

#[tokio::test]
async fn an_event_that_the_provider_calls_wrong_is_not_promised() {
    let town = town_of(Provider::Google).await;
    let line = town.line().await;
    let wrong = json!({"status": 400, "body": {"error": {"code": 400, "message": "no", "errors": [{"reason": "invalid"}]}}});
    town.arm(Fault::new("google", "events.insert", Kind::Status).with(wrong));
    let said = town.say(&caller(1), &line, &wanted(TEN)).await.unwrap_or_else(|error| error);
    assert!(!said.contains("booked") && !said.contains("reserved"), "{said}");
    assert_eq!((town.appointments().len(), town.ledger().await.len()), (0, 0));
}

#[tokio::test]
async fn a_time_of_day_in_a_zone_that_nobody_knows_is_not_promised() {
    for half_connected in [false, true] {
        let town = Town::new().await;
        town.stack.world.add_account(Account::google(DEFAULT_EMAIL).in_zone("America/New_York"));
        let line = town.line().await;
        if half_connected {
            let scope = "https://www.googleapis.com/auth/calendar.events";
            town.stack.world.set_scopes_unticked(Provider::Google, DEFAULT_EMAIL, &[scope]);
            let mut visitor = local::visitor::Visitor::new(town.base()).unwrap();
            let choice = Choice::approve(DEFAULT_EMAIL);
            let landed = visitor.connect(USER, "google", &choice).await.unwrap();
            let (_, refused) = visitor.complete(&town.session(USER), &landed.handle.unwrap()).await.unwrap();
            assert_eq!(refused["code"], "insufficient_scope");
        } else {
            town.connect("google").await;
            town.stack.world.revoke_account(Provider::Google, DEFAULT_EMAIL);
        }
        for number in [1, 2] {
            let said = book(&town, &line, number, "2026-01-13T10:00").await;
            assert!(said.starts_with("I can't reach the calendar"), "{half_connected}: {said}");
            let body = json!({"start": "2026-01-13T10:00", "attendee": {"name": "Caller"}});
            let refused = town.call(reqwest::Method::POST, "/calendar/bookings", Some(body)).await;
            assert_eq!(refused.status, 409, "{half_connected}: {}", refused.text);
            assert_eq!(town.ledger().await, [], "ten o'clock in UTC is five in New York");
        }
    }
}
