//! What the agent says about free times, in the owner's local time.

use local::world::{
    Account, Credential, DEFAULT_EMAIL, Provider, ToolCall,
    faults::{ANY, Fault, Kind},
};
use serde_json::{Value, json};

use super::{FREE_DAY, check, free_day, phone};
use crate::harness::{Town, at};

const UNREACHABLE: &str = "I cannot see the calendar at the moment. Please try again in a minute.";

async fn ask(town: &Town, line: &Credential, arguments: Value) -> String {
    town.say(&phone(), line, &check(arguments)).await.unwrap()
}

#[tokio::test]
async fn a_day_is_answered_with_what_is_free_or_why_nothing_is() {
    let town = Town::connected().await;
    let line = town.line().await;
    let (from, to) = (at("2026-01-14T08:00:00Z"), at("2026-01-14T18:00:00Z"));
    town.stack.world.add_event(Provider::Microsoft, DEFAULT_EMAIL, "Full", from, to).unwrap();
    for (arguments, expected) in [
        (json!({"date": "2026-01-13"}), FREE_DAY),
        (json!({"date": "2026-01-13", "time": "2 PM"}), "Yes, Tuesday, January thirteenth at 2 PM is free."),
        (json!({"start_time": "2026-01-13T14:00"}), "Yes, Tuesday, January thirteenth at 2 PM is free."),
        (json!({"start_time": "2026-01-27T14:00"}), "Yes, Tuesday, January twenty-seventh at 2 PM is free."),
        (
            json!({"date": "2026-01-13", "time": "9 AM"}),
            "That time is not free. I have Tuesday, January thirteenth at 9:30 AM, 10 AM, or 10:30 AM.",
        ),
        (json!({}), "I have Monday, January fifth at 1 PM, 1:30 PM, or 3:30 PM."),
        (json!({"date": "today"}), "I have Monday, January fifth at 1 PM, 1:30 PM, or 3:30 PM."),
        (json!({"date": "tomorrow"}), "I have Tuesday, January sixth at 9:30 AM, noon, or 12:30 PM."),
        (
            json!({"date": "2026-01-10"}),
            "We are closed then. The next free time is Monday, January twelfth at 9:30 AM.",
        ),
        (
            json!({"date": "2026-01-14"}),
            "Everything is taken then. The next free time is Thursday, January fifteenth at 9:30 AM.",
        ),
        (json!({"date": "2026-01-04"}), "That day is in the past. Which day would you like?"),
        (json!({"date": "2025-01-13"}), "That day is in the past. Which day would you like?"),
        (json!({"start_time": "2026-01-02T10:00"}), "That day is in the past. Which day would you like?"),
        (
            json!({"date": "2026-04-14"}),
            "That is further ahead than we take bookings. Would another day work?",
        ),
    ] {
        assert_eq!(ask(&town, &line, arguments.clone()).await, expected, "{arguments}");
    }
}

#[tokio::test]
async fn a_time_between_the_offered_ones_is_free_when_it_could_be_booked() {
    let town = Town::connected().await;
    let line = town.line().await;
    for (arguments, expected) in [
        (
            json!({"date": "2026-01-13", "time": "14:15"}),
            "Yes, Tuesday, January thirteenth at 2:15 PM is free.",
        ),
        (
            json!({"date": "2026-01-13", "time": "9:10 AM", "duration_minutes": 5}),
            "That time is not free. I have Tuesday, January thirteenth at 9:30 AM, 10 AM, or 10:30 AM.",
        ),
        (
            json!({"date": "2026-01-13", "time": "4:45 PM"}),
            "We are closed then. I have Tuesday, January thirteenth at 3:30 PM, 4 PM, or 4:30 PM.",
        ),
        (
            json!({"date": "today", "time": "9 AM"}),
            "That is in the past or too soon to book. I have Monday, January fifth at 1 PM, 1:30 PM, or 3:30 PM.",
        ),
        (
            json!({"date": "2026-04-14", "time": "9 AM"}),
            "That is further ahead than we take bookings. Would another day work?",
        ),
    ] {
        assert_eq!(ask(&town, &line, arguments.clone()).await, expected, "{arguments}");
    }
    let book = json!({"date": "2026-01-13", "time": "14:15", "name": "Caller"});
    let said = town.say(&phone(), &line, &ToolCall::new("book_appointment", book)).await.unwrap();
    assert_eq!(said, "You're booked for Tuesday, January thirteenth at 2:15 PM.");
    let again = ask(&town, &line, json!({"date": "2026-01-13", "time": "14:15"})).await;
    assert_eq!(again, "That time is not free. I have Tuesday, January thirteenth at 1 PM, 1:30 PM, or 3 PM.");
    town.arm(Fault::new("google", ANY, Kind::Status).with(500).times(50));
    assert_eq!(ask(&town, &line, json!({"date": "2026-01-13", "time": "15:15"})).await, UNREACHABLE);
}

#[tokio::test]
async fn a_date_with_a_time_and_an_offset_is_the_day_that_is_written() {
    for (zone, date, expected) in [
        ("Europe/Berlin", "2026-01-13T00:00:00+01:00", "2026-01-13T13:00:00Z"),
        ("Pacific/Auckland", "2026-01-13T00:00:00+13:00", "2026-01-13T01:00:00Z"),
        ("America/New_York", "2026-01-13T23:00:00-05:00", "2026-01-13T19:00:00Z"),
        ("America/New_York", "2026-01-13T00:00:00Z", "2026-01-13T19:00:00Z"),
    ] {
        let town = Town::new().await;
        town.stack.world.add_account(Account::google(DEFAULT_EMAIL).in_zone(zone));
        town.connect("google").await;
        let line = town.line().await;
        let free = ask(&town, &line, json!({"date": date, "time": "2 PM"})).await;
        assert_eq!(free, "Yes, Tuesday, January thirteenth at 2 PM is free.", "{zone} {date}");
        let book = json!({"date": date, "time": "2 PM", "name": "Caller"});
        let said = town.say(&phone(), &line, &ToolCall::new("book_appointment", book)).await.unwrap();
        assert_eq!(said, "You're booked for Tuesday, January thirteenth at 2 PM.", "{zone} {date}");
        let starts: Vec<_> = town.appointments().iter().map(|(_, event)| event.start).collect();
        assert_eq!(starts, [at(expected)], "{zone} {date}");
    }
}

#[tokio::test]
async fn a_dead_calendar_says_what_to_do_and_is_never_free() {
    let town = Town::new().await;
    town.connect("google").await;
    let line = town.line().await;
    assert_eq!(town.say(&phone(), &line, &free_day()).await.unwrap(), FREE_DAY);
    town.stack.world.revoke_account(Provider::Google, DEFAULT_EMAIL);
    for _ in 0..2 {
        let said = town.say(&phone(), &line, &free_day()).await.unwrap();
        assert_eq!(
            said,
            "I can't reach the calendar at the moment. May I take your details so that the office can call you back?"
        );
    }
}

#[tokio::test]
async fn a_failing_calendar_is_unreachable_and_never_free() {
    for (provider, status) in [("google", 500), ("google", 429), ("microsoft", 500), ("microsoft", 429)] {
        let town = Town::connected().await;
        let line = town.line().await;
        assert_eq!(town.say(&phone(), &line, &free_day()).await.unwrap(), FREE_DAY);
        town.arm(Fault::new(provider, ANY, Kind::Status).with(status).times(50));
        assert_eq!(town.say(&phone(), &line, &free_day()).await.unwrap(), UNREACHABLE, "{provider} {status}");
    }
    // Before the owner's zone is known there is not even a day to speak of.
    let town = Town::new().await;
    town.connect("google").await;
    town.arm(Fault::new("google", ANY, Kind::Status).with(503).times(50));
    let line = town.line().await;
    assert!(!ask(&town, &line, json!({"date": "2026-01-13"})).await.contains("I have"));
}

#[tokio::test]
async fn the_owners_zone_is_named_when_the_callers_clock_shows_something_else() {
    let town = Town::connected().await;
    let line = town.line().await;
    for (zone, start, named) in [
        ("Europe/London", "2026-01-15T09:30", false),
        ("Europe/Lisbon", "2026-01-15T10:00", false),
        ("Mars/Olympus", "2026-01-15T10:30", false),
        ("America/New_York", "2026-01-15T11:00", true),
        ("Eastern Standard Time", "2026-01-15T11:30", true),
    ] {
        let there = |arguments: Value| {
            let mut arguments = arguments;
            arguments["time_zone"] = json!(zone);
            arguments
        };
        for (arguments, said) in [
            (
                json!({"date": "2026-01-13"}),
                "I have Tuesday, January thirteenth at 9:30 AM, 10 AM, or 10:30 AM",
            ),
            (json!({"date": "2026-01-13", "time": "3 PM"}), "Yes, Tuesday, January thirteenth at 3 PM"),
            (
                json!({"date": "2026-01-10"}),
                "We are closed then. The next free time is Monday, January twelfth at 9:30 AM",
            ),
        ] {
            let answer = ask(&town, &line, there(arguments)).await;
            assert!(answer.starts_with(said), "{zone}: {answer}");
            assert_eq!(answer.contains("London time"), named, "{zone}: {answer}");
        }
        let book = ToolCall::new("book_appointment", there(json!({"start_time": start, "name": "Caller"})));
        let answer = town.say(&phone(), &line, &book).await.unwrap();
        assert!(answer.starts_with("You're booked for Thursday, January fifteenth at "), "{zone}: {answer}");
        assert_eq!(answer.contains("London time"), named, "{zone}: {answer}");
    }
}

#[tokio::test]
async fn nine_in_new_york_is_nine_on_both_sides_of_the_clock_change() {
    let town = Town::new().await;
    town.stack.world.add_account(Account::google(DEFAULT_EMAIL).in_zone("America/New_York"));
    town.advance(55 * 24 * 3600);
    town.connect("google").await;
    let line = town.line().await;
    let closed = ask(&town, &line, json!({"date": "2026-03-08"})).await;
    assert_eq!(closed, "We are closed then. The next free time is Monday, March ninth at 9 AM.");
    let friday = ask(&town, &line, json!({"date": "2026-03-06"})).await;
    assert_eq!(friday, "I have Friday, March sixth at 9 AM, 9:30 AM, or 10 AM.");
    for (start, expected, said) in [
        ("2026-03-06T09:00", "2026-03-06T14:00:00Z", "You're booked for Friday, March sixth at 9 AM."),
        ("2026-03-09T09:00", "2026-03-09T13:00:00Z", "You're booked for Monday, March ninth at 9 AM."),
    ] {
        let tool = ToolCall::new("book_appointment", json!({"start_time": start, "name": "Caller"}));
        assert_eq!(town.say(&phone(), &line, &tool).await.unwrap(), said);
        assert!(town.appointments().iter().any(|(_, event)| event.start == at(expected)), "{start}");
    }
}
