//! Many callers at once: one slot, one booking, and nothing left over of those who lost (SECURITY.md S5).

use std::collections::BTreeSet;

use futures_util::future::join_all;
use local::world::{DEFAULT_EMAIL, Provider};
use serde_json::Value;
use shared::range::Interval;

use super::{BOOKED, TEN, book, caller, wanted};
use crate::harness::{Town, at};

#[tokio::test]
async fn the_same_tool_call_twenty_times_at_once_is_one_event() {
    let town = Town::connected().await;
    let (line, call, tool) = (town.line().await, caller(1), wanted(TEN));
    let answers = join_all((0..20).map(|_| town.say(&call, &line, &tool))).await;
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
    let answers = join_all((0..50).map(|number| book(&town, &line, number, TEN))).await;
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
    let answers = join_all(starts.iter().enumerate().map(|(n, start)| book(&town, &line, n, start))).await;
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
async fn thirty_callers_who_all_meet_a_foreign_event_leave_nothing_in_the_ledger() {
    let town = Town::connected().await;
    let line = town.line().await;
    let (from, to) = (at("2026-01-13T00:00:00Z"), at("2026-01-15T00:00:00Z"));
    town.stack.world.add_event(Provider::Google, DEFAULT_EMAIL, "Foreign", from, to).unwrap();
    let start =
        |n: usize| format!("2026-01-{}T{:02}:{:02}:00Z", 13 + n / 15, 9 + n % 15 / 2, n % 15 % 2 * 30);
    let answers = join_all((0..30).map(|n| {
        let (town, line, start) = (&town, &line, start(n));
        async move { book(town, line, n, &start).await }
    }));
    let answers = answers.await;
    assert!(answers.iter().all(|answer| !answer.contains("booked")), "{answers:?}");
    assert_eq!((town.appointments().len(), town.ledger().await), (0, Vec::new()));
}
