//! Booking by phone: one slot, one event, whatever repeats, races or fails (SECURITY.md S5).

mod failures;
mod races;

use local::world::{Account, Credential, DEFAULT_EMAIL, PhoneCall, Provider, ToolCall};
use reqwest::Method;
use serde_json::json;
use shared::{
    booking::{self, Desk, Repeats},
    calendars::schedule_of,
    error::Error,
    ids::OwnerId,
    range::Interval,
    store::bookings::{Booking, BookingStatus, CalendarSync},
    tokens::Patience,
};

use crate::harness::{CALLER, NOW, Town, USER, at};

/// A Tuesday on which the default calendars hold nothing but a quarter of an hour at nine; London is on UTC.
const TEN: &str = "2026-01-13T10:00:00Z";
const BOOKED: &str = "You're booked for Tuesday, January thirteenth at 10 AM.";

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
    town.stack.app.store.booking(&owner(), &ledger[0].of.parse().unwrap()).await.unwrap().unwrap()
}

fn owner() -> OwnerId {
    OwnerId::user(USER).unwrap()
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
        repeats: Repeats::default(),
        buffers: schedule.buffers(),
        service: None,
        location: None,
        is_online_meeting: false,
        hold: None,
    };
    let owner = owner();
    let desk = Desk { owner: &owner, rows: &rows, schedule: &schedule, patience: Patience::Voice };
    let refused = booking::book(app, desk, &request).await;
    let Err(Error::SlotTaken { alternatives }) = refused else {
        panic!("expected a taken slot, got {refused:?}")
    };
    assert_eq!(alternatives.len(), 3);
    let busy = town.get("/calendar/free-busy?from=2026-01-10&to=2026-01-17").await;
    for free in alternatives {
        let free = free.interval;
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

#[tokio::test]
async fn a_time_that_was_called_off_or_moved_is_booked_anew_in_the_same_phone_call() {
    let town = Town::connected().await;
    let (line, call) = (town.line().await, caller(1));
    for undo in ["cancel", "reschedule"] {
        assert_eq!(town.say(&call, &line, &wanted(TEN)).await.unwrap(), BOOKED);
        let id = town.ledger().await[0].of.clone();
        let elsewhere = json!({"start": "2026-01-14T10:00:00Z"});
        let undone =
            town.call(Method::POST, &format!("/calendar/bookings/{id}/{undo}"), Some(elsewhere)).await;
        assert_eq!(undone.status, 200, "{}", undone.text);
        assert_eq!(town.say(&call, &line, &wanted(TEN)).await.unwrap(), BOOKED, "after {undo}");
        let at_ten = town.appointments().iter().filter(|(_, event)| event.start == at(TEN)).count();
        assert_eq!(at_ten, 1, "after {undo}");
        let now = town.ledger().await.iter().find(|entry| entry.start == at(TEN)).unwrap().of.clone();
        assert_ne!(now, id);
        assert_eq!(
            town.call(Method::POST, &format!("/calendar/bookings/{now}/cancel"), Some(json!({})))
                .await
                .status,
            200
        );
    }
}
