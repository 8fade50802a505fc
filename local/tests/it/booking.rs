//! Booking by phone: one slot, one event, whatever repeats, races or fails (SECURITY.md S5).

use std::collections::BTreeSet;

use local::world::{
    Account, Credential, DEFAULT_EMAIL, PhoneCall, Provider, ToolCall,
    faults::{ANY, Fault, Kind},
};
use reqwest::Method;
use serde_json::{Value, json};
use shared::{
    booking,
    calendars::{schedule_of, set_default},
    error::Error,
    ids::OwnerId,
    range::Interval,
    store::ledger::{Booking, BookingStatus, CalendarSync},
    tokens::Patience,
};

use crate::harness::{CALLER, NOW, Town, USER, at};

/// A Tuesday on which the default calendars hold nothing but a quarter of an hour at nine; London is on UTC.
const TEN: &str = "2026-01-13T10:00:00Z";
const BOOKED: &str = "You're booked for Tuesday, January thirteenth at 10 AM.";
const RESERVED: &str =
    "Your time on Tuesday, January thirteenth at 10 AM is reserved. The calendar entry will follow.";

fn wanted(start: &str) -> ToolCall {
    ToolCall::new("book_appointment", json!({"start_time": start, "name": "Caller"}))
}

fn caller(number: usize) -> PhoneCall {
    PhoneCall::inbound(&format!("+1555010{number:04}"), None, at(NOW))
}

/// Somebody books a start in a phone call of his own.
async fn book(town: &Town, line: &Credential, number: usize, start: &str) -> String {
    town.say(&caller(number), line, &wanted(start)).await.unwrap()
}

async fn one_booking(town: &Town) -> Booking {
    let ledger = town.ledger().await;
    assert_eq!(ledger.len(), 1, "{ledger:?}");
    town.stack.app.store.booking(&owner(), &ledger[0].booking).await.unwrap().unwrap()
}

fn owner() -> OwnerId {
    OwnerId::user(USER).unwrap()
}

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

/// What another app put into a calendar, and its deletion.
async fn delete_named(town: &Town, subject: &str) {
    let listed = town.get("/calendar/events?days_ahead=14").await;
    let events = listed.body["events"].as_array().unwrap();
    let event = events.iter().find(|event| event["subject"] == subject).unwrap();
    let path = format!("/calendar/events/{}", event["id"].as_str().unwrap());
    assert_eq!(town.call(Method::DELETE, &path, None).await.status, 204);
}

#[tokio::test]
async fn a_booking_is_one_event_in_the_default_calendar() {
    let town = Town::connected().await;
    let line = town.line().await;
    let tool = ToolCall::new(
        "book_appointment",
        json!({"date": "2026-01-13", "time": "10 AM", "duration_minutes": 45, "name": "Caller", "email": "caller@example.com", "notes": "First visit"}),
    );
    let call = PhoneCall::inbound(CALLER, None, town.now());
    assert_eq!(town.say(&call, &line, &tool).await.unwrap(), BOOKED);
    let appointments = town.appointments();
    assert_eq!(appointments.len(), 1);
    let (provider, event) = &appointments[0];
    assert_eq!((event.start, event.end), (at(TEN), at("2026-01-13T10:45:00Z")));
    let text = event.fields.to_string();
    for part in ["caller@example.com", "Name: Caller", CALLER, "First visit"] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    let status = town.get("/calendar/auth/status").await;
    let default =
        status.body["connections"].as_array().unwrap().iter().find(|row| row["is_default"] == true).unwrap();
    assert_eq!(default["provider"], provider.as_str());
    let booking = one_booking(&town).await;
    assert_eq!((booking.status, booking.calendar_sync), (BookingStatus::Confirmed, CalendarSync::Synced));
    assert_eq!(booking.event_id.as_deref(), Some(event.id.as_str()));
    assert_eq!(default["id"], json!(booking.connection.unwrap()));
}

#[tokio::test]
async fn a_repeat_of_the_call_or_of_the_slot_says_the_same_and_books_nothing() {
    let town = Town::connected().await;
    let (line, call, tool) = (town.line().await, caller(1), wanted(TEN));
    assert_eq!(town.say(&call, &line, &tool).await.unwrap(), BOOKED);
    assert_eq!(town.say(&call, &line, &tool).await.unwrap(), BOOKED);
    assert_eq!(
        town.say(&call, &line, &wanted(TEN)).await.unwrap(),
        BOOKED,
        "another tool call, same slot and number"
    );
    assert!(
        book(&town, &line, 2, TEN).await.starts_with("That time is taken."),
        "another phone call is somebody else"
    );
    assert_eq!((town.appointments().len(), town.ledger().await.len()), (1, 1));
}

#[tokio::test]
async fn a_repeat_says_the_same_after_the_notice_has_passed() {
    let town = Town::connected().await;
    let (line, call) = (town.line().await, caller(1));
    let (soon, tool) = ("You're booked for Monday, January fifth at 1 PM.", wanted("2026-01-05T13:00:00Z"));
    assert_eq!(town.say(&call, &line, &tool).await.unwrap(), soon);
    town.advance(120);
    assert_eq!(town.say(&call, &line, &tool).await.unwrap(), soon);
    assert_eq!((town.appointments().len(), town.ledger().await.len()), (1, 1));
}

#[tokio::test]
async fn the_same_tool_call_twenty_times_at_once_is_one_event() {
    let town = Town::connected().await;
    let (line, call, tool) = (town.line().await, caller(1), wanted(TEN));
    let answers = futures_util::future::join_all((0..20).map(|_| town.say(&call, &line, &tool))).await;
    let answers: Vec<String> = answers.into_iter().map(Result::unwrap).collect();
    assert!(answers.iter().any(|answer| answer == BOOKED), "{answers:?}");
    for answer in &answers {
        assert!(answer == BOOKED || answer == "I'm just booking that. One moment, please.", "{answer}");
    }
    assert_eq!((town.appointments().len(), town.ledger().await.len()), (1, 1));
    assert_eq!(town.say(&call, &line, &tool).await.unwrap(), BOOKED);
}

#[tokio::test]
async fn of_fifty_callers_one_gets_the_slot_and_the_others_hear_times_that_are_free() {
    let town = Town::connected().await;
    let line = town.line().await;
    let answers = futures_util::future::join_all((0..50).map(|number| book(&town, &line, number, TEN))).await;
    assert_eq!(answers.iter().filter(|answer| *answer == BOOKED).count(), 1, "{answers:?}");
    let refused: BTreeSet<&String> = answers.iter().filter(|answer| *answer != BOOKED).collect();
    let expected = "That time is taken. I have Tuesday, January thirteenth at 9:30 AM, 10:30 AM, or 11 AM.";
    assert_eq!(refused.into_iter().collect::<Vec<_>>(), [expected]);
    assert_eq!((town.appointments().len(), town.ledger().await.len()), (1, 1));
    for (number, start) in
        ["2026-01-13T09:30:00Z", "2026-01-13T10:30:00Z", "2026-01-13T11:00:00Z"].iter().enumerate()
    {
        let free = town.get("/calendar/availability?from=2026-01-13&to=2026-01-14").await;
        let slots = free.body["available_slots"].as_array().unwrap();
        let same = |slot: &&Value| slot["start"].as_str().is_some_and(|text| at(text) == at(start));
        assert_eq!(slots.iter().filter(same).count(), 1, "{start}: {}", free.text);
        assert!(book(&town, &line, 100 + number, start).await.starts_with("You're booked"));
    }
}

#[tokio::test]
async fn fifty_callers_for_slots_of_one_day_never_overlap() {
    let town = Town::connected().await;
    let line = town.line().await;
    let starts: Vec<String> =
        (0..50).map(|n| format!("2026-01-13T{:02}:{:02}:00Z", 10 + n % 6, (n * 7) % 60)).collect();
    let answers = futures_util::future::join_all(
        starts.iter().enumerate().map(|(n, start)| book(&town, &line, n, start)),
    )
    .await;
    for answer in answers {
        let kind = ["You're booked for", "That time is taken.", "The calendar is taking longer than usual."];
        assert!(kind.iter().any(|kind| answer.starts_with(kind)), "{answer}");
    }
    let appointments = town.appointments();
    let mut times: Vec<Interval> =
        appointments.iter().map(|(_, event)| Interval::new(event.start, event.end)).collect();
    times.sort();
    assert!(times.len() > 1 && times.windows(2).all(|two| !two[0].overlaps(two[1])), "{times:?}");
    let ledger: Vec<Interval> = town.ledger().await.iter().map(|entry| entry.interval()).collect();
    assert_eq!(ledger, times, "the ledger and the calendar hold the same");
}

#[tokio::test]
async fn the_alternatives_of_a_taken_slot_are_three_free_ones() {
    let town = Town::connected().await;
    let (line, app) = (town.line().await, &town.stack.app);
    assert_eq!(book(&town, &line, 1, TEN).await, BOOKED);
    let rows = app.store.owner_rows(&owner()).await.unwrap();
    let schedule = schedule_of(app, &owner(), &rows, Patience::Voice).await.unwrap();
    let request = booking::Request {
        slot: Interval::new(at(TEN), at("2026-01-13T11:00:00Z")),
        title: "Appointment".to_owned(),
        attendee_name: None,
        attendee_email: None,
        attendee_phone: None,
        notes: None,
        repeats: Vec::new(),
        patience: Patience::Voice,
    };
    let refused = booking::book(app, &owner(), &rows, &schedule, &request).await;
    let Err(Error::SlotTaken { alternatives }) = refused else {
        panic!("expected a taken slot, got {refused:?}")
    };
    assert_eq!(alternatives.len(), 3);
    let busy = town.get("/calendar/free-busy?from=2026-01-10&to=2026-01-17").await;
    for free in alternatives {
        assert_eq!(free.duration(), request.slot.duration());
        for taken in busy.body["busy"].as_array().unwrap() {
            let (from, to) = (taken["start"].as_str().unwrap(), taken["end"].as_str().unwrap());
            assert!(!free.overlaps(Interval::new(at(from), at(to))), "{free:?} lies over {taken}");
        }
    }
}

#[tokio::test]
async fn a_foreign_event_in_either_calendar_takes_the_slot_until_it_is_gone() {
    for provider in [Provider::Google, Provider::Microsoft] {
        let town = Town::connected().await;
        let (line, call, tool) = (town.line().await, caller(1), wanted(TEN));
        let (from, to) = (at("2026-01-13T10:15:00Z"), at("2026-01-13T10:20:00Z"));
        town.stack.world.add_event(provider, DEFAULT_EMAIL, "Foreign", from, to).unwrap();
        let answer = town.say(&call, &line, &tool).await.unwrap();
        assert!(answer.starts_with("That time is taken. I have Tuesday"), "{answer}");
        assert_eq!((town.appointments().len(), town.ledger().await.len()), (0, 0), "the time is given back");
        delete_named(&town, "Foreign").await;
        assert_eq!(town.say(&call, &line, &tool).await.unwrap(), BOOKED, "the same tool call may come again");
        assert_eq!((town.appointments().len(), town.ledger().await.len()), (1, 1));
    }
}

#[tokio::test]
async fn thirty_callers_who_all_meet_a_foreign_event_leave_nothing_in_the_ledger() {
    let town = Town::connected().await;
    let line = town.line().await;
    let (from, to) = (at("2026-01-13T00:00:00Z"), at("2026-01-15T00:00:00Z"));
    town.stack.world.add_event(Provider::Google, DEFAULT_EMAIL, "Foreign", from, to).unwrap();
    let start =
        |n: usize| format!("2026-01-{}T{:02}:{:02}:00Z", 13 + n / 15, 9 + n % 15 / 2, n % 15 % 2 * 30);
    let answers = futures_util::future::join_all((0..30).map(|n| {
        let (town, line, start) = (&town, &line, start(n));
        async move { book(town, line, n, &start).await }
    }));
    let answers = answers.await;
    assert!(answers.iter().all(|answer| !answer.contains("booked")), "{answers:?}");
    assert_eq!((town.appointments().len(), town.ledger().await), (0, Vec::new()));
}

#[tokio::test]
async fn a_lost_answer_of_the_calendar_is_one_event_and_never_two() {
    for provider in [Provider::Google, Provider::Microsoft] {
        let town = town_of(provider).await;
        let (line, call, tool) = (town.line().await, caller(1), wanted(TEN));
        town.arm(Fault::new(provider.as_str(), creation(provider), Kind::DropAfterCommit));
        let answer = town.say(&call, &line, &tool).await.unwrap();
        assert_eq!(answer, RESERVED);
        assert_eq!(town.say(&call, &line, &tool).await.unwrap(), answer);
        assert_eq!(town.say(&call, &line, &wanted(TEN)).await.unwrap(), answer);
        assert!(book(&town, &line, 2, TEN).await.starts_with("That time is taken."));
        assert_eq!((town.appointments().len(), town.ledger().await.len()), (1, 1));
        assert_eq!(one_booking(&town).await.calendar_sync, CalendarSync::Pending);
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
async fn what_the_rules_forbid_is_said_and_nothing_is_written() {
    let town = Town::connected().await;
    let line = town.line().await;
    for (start, expected) in [
        ("2026-01-13T08:00:00Z", "We are closed then. Which other time would you like?"),
        ("2026-01-13T16:45:00Z", "We are closed then. Which other time would you like?"),
        ("2026-01-17T10:00:00Z", "We are closed then. Which other time would you like?"),
        ("2026-01-05T10:00:00Z", "That is in the past or too soon to book. Which other time would you like?"),
        ("2026-01-05T12:30:00Z", "That is in the past or too soon to book. Which other time would you like?"),
        ("2025-01-13T10:00:00Z", "That is in the past or too soon to book. Which other time would you like?"),
        (
            "2026-04-14T10:00:00Z",
            "That is further ahead than we take bookings. Which other time would you like?",
        ),
        ("9999-12-31T23:59:00Z", "I didn't quite get the time. Could you say it again?"),
    ] {
        assert_eq!(book(&town, &line, 1, start).await, expected, "{start}");
    }
    for (arguments, asks) in [
        (json!({}), "I need the day and the time first. When should it be?"),
        (
            json!({"date": "2026-01-13", "name": "Caller"}),
            "I need the day and the time first. When should it be?",
        ),
        (json!({"time": "10 AM", "name": "Caller"}), "I need the day and the time first. When should it be?"),
        (json!({"start_time": TEN}), "I need a name for the appointment. Who may I put down?"),
        (json!({"start_time": TEN, "name": "  "}), "I need a name for the appointment. Who may I put down?"),
        (
            json!({"date": "2026-01-13", "time": "2", "name": "Caller"}),
            "I didn't quite get the time. Could you say it again?",
        ),
    ] {
        let answer =
            town.say(&caller(1), &line, &ToolCall::new("book_appointment", arguments.clone())).await.unwrap();
        assert_eq!(answer, asks, "{arguments}");
    }
    assert_eq!((town.appointments().len(), town.ledger().await.len()), (0, 0));
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
    assert_eq!(town.say(&call, &line, &tool).await.unwrap(), RESERVED);
    assert!(book(&town, &line, 2, TEN).await.starts_with("That time is taken."));
    assert_eq!((town.appointments().len(), town.ledger().await.len()), (1, 1));
}

#[tokio::test]
async fn appointments_collide_across_the_utc_midnight() {
    for (first, second) in
        [("2026-01-13T12:30", "2026-01-13T13:00"), ("2026-01-13T13:00", "2026-01-13T12:30")]
    {
        let town = Town::new().await;
        town.stack.world.add_account(Account::google(DEFAULT_EMAIL).in_zone("Pacific/Auckland"));
        town.connect("google").await;
        let line = town.line().await;
        let hour = |start: &str| {
            ToolCall::new(
                "book_appointment",
                json!({"start_time": start, "duration_minutes": 60, "name": "Caller"}),
            )
        };
        let answer = town.say(&caller(1), &line, &hour(first)).await.unwrap();
        assert!(answer.starts_with("You're booked for Tuesday, January thirteenth"), "{answer}");
        let answer = town.say(&caller(2), &line, &hour(second)).await.unwrap();
        assert!(answer.starts_with("That time is taken."), "{answer}");
        assert_eq!((town.appointments().len(), town.ledger().await.len()), (1, 1));
        // Half past twelve in Auckland's summer is half past eleven in the evening, UTC.
        let crossing = Interval::new(at("2026-01-12T23:30:00Z"), at("2026-01-13T00:30:00Z"));
        let ledger = town.ledger().await;
        assert!(
            ledger[0].interval() == crossing || ledger[0].start == at("2026-01-13T00:00:00Z"),
            "{ledger:?}"
        );
    }
}

#[tokio::test]
async fn appointments_that_overlap_in_part_collide_and_neighbours_do_not() {
    let town = Town::connected().await;
    let line = town.line().await;
    assert_eq!(book(&town, &line, 1, TEN).await, BOOKED);
    for (number, start) in
        ["2026-01-13T09:45:00Z", "2026-01-13T10:15:00Z", "2026-01-13T10:29:00Z"].iter().enumerate()
    {
        let answer = book(&town, &line, 10 + number, start).await;
        assert!(answer.starts_with("That time is taken."), "{start}: {answer}");
    }
    let around = ToolCall::new(
        "book_appointment",
        json!({"start_time": "2026-01-13T09:30:00Z", "duration_minutes": 120, "name": "Caller"}),
    );
    assert!(town.say(&caller(20), &line, &around).await.unwrap().starts_with("That time is taken."));
    for (number, start) in ["2026-01-13T09:30:00Z", "2026-01-13T10:30:00Z"].iter().enumerate() {
        let answer = book(&town, &line, 30 + number, start).await;
        assert!(answer.starts_with("You're booked"), "{start}: {answer}");
    }
    assert_eq!((town.appointments().len(), town.ledger().await.len()), (3, 3));
}
