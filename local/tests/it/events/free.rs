//! Free slots, busy times, and which calendars count for them.

use local::world::{
    Account, DEFAULT_EMAIL, Provider,
    faults::{Fault, Kind},
};
use reqwest::Method;
use serde_json::{Value, json};
use shared::{ids::OwnerId, store::Write};

use super::{microsoft_then_google, says_nothing, subjects};
use crate::harness::{Answer, Town, USER, at};

fn starts(answer: &Answer) -> Vec<&str> {
    let slots = answer.body["available_slots"].as_array().unwrap_or_else(|| panic!("{}", answer.text));
    slots.iter().map(|slot| slot["start"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn slots_are_working_hours_less_what_is_in_either_calendar() {
    let town = Town::connected().await;
    let answer = town.get("/calendar/availability?days_ahead=1").await;
    let expected = [
        "2026-01-05T13:00:00+00:00",
        "2026-01-05T13:30:00+00:00",
        "2026-01-05T15:30:00+00:00",
        "2026-01-05T16:00:00+00:00",
        "2026-01-05T16:30:00+00:00",
        "2026-01-06T09:30:00+00:00",
    ];
    assert_eq!(starts(&answer), expected);
    assert_eq!((&answer.body["total_slots"], &answer.body["user_id"]), (&json!(6), &json!(USER)));
    assert_eq!((&answer.body["status"], answer.body.get("reason")), (&json!("success"), None));
    let first = &answer.body["available_slots"][0];
    let told =
        ["end", "start_time", "end_time", "formatted_time", "day"].map(|name| first[name].as_str().unwrap());
    assert_eq!(told, ["2026-01-05T13:30:00+00:00", "13:00", "13:30", "1:00 PM", "Monday"]);
}

#[tokio::test]
async fn slots_are_told_in_the_zone_that_is_asked_for_by_either_name() {
    let town = Town::connected().await;
    for zone in ["America/New_York", "Eastern%20Standard%20Time"] {
        let answer = town
            .get(&format!("/calendar/availability?days_ahead=1&time_zone={zone}&duration_minutes=60"))
            .await;
        assert_eq!(answer.body["time_zone"], "America/New_York");
        assert_eq!(starts(&answer)[0], "2026-01-05T08:00:00-05:00");
        let late =
            town.get(&format!("/calendar/availability?days_ahead=1&time_zone={zone}&start_hour=11")).await;
        assert_eq!(starts(&late), ["2026-01-05T11:00:00-05:00", "2026-01-05T11:30:00-05:00"]);
    }
}

#[tokio::test]
async fn an_empty_list_says_why_and_when_there_is_more() {
    let town = Town::connected().await;
    for (query, reason) in [
        ("from=2026-01-10&to=2026-01-11", "outside_hours"),
        ("from=2026-01-06T10:00:00Z&to=2026-01-06T12:00:00Z", "fully_booked"),
        ("from=2026-01-05T12:00:00Z&to=2026-01-05T12:45:00Z", "notice"),
        ("from=2026-05-01&to=2026-05-02", "horizon"),
    ] {
        let answer = town.get(&format!("/calendar/availability?{query}")).await;
        assert_eq!((starts(&answer).len(), &answer.body["reason"]), (0, &json!(reason)), "{}", answer.text);
    }
    let full = town.get("/calendar/availability?from=2026-01-06T10:00:00Z&to=2026-01-06T12:00:00Z").await;
    assert_eq!(full.body["next_available"], "2026-01-06T12:00:00+00:00");
}

#[tokio::test]
async fn hours_that_are_asked_for_count_for_the_reason_and_for_what_comes_next() {
    let town = Town::connected().await;
    let first = async |query: &str| {
        let answer = town.get(&format!("/calendar/availability?{query}")).await;
        json!(starts(&answer)[0])
    };
    let morning = first("from=2026-01-07&to=2026-01-09&start_hour=10&end_hour=12").await;
    for (query, reason, next) in [
        // The office closes at five, so that nothing was ever free in the evening.
        ("from=2026-01-06&to=2026-01-06&start_hour=18&end_hour=20", "outside_hours", Value::Null),
        (
            "from=2026-01-06&to=2026-01-06&start_hour=12&time_zone=America/New_York",
            "outside_hours",
            Value::Null,
        ),
        // Ten to twelve is taken; what is free beside it was not asked for.
        ("from=2026-01-06&to=2026-01-06&start_hour=10&end_hour=12", "fully_booked", morning),
        ("from=2026-01-10&to=2026-01-11&start_hour=13", "outside_hours", json!("2026-01-12T13:00:00+00:00")),
        (
            "from=2026-01-05T12:00:00Z&to=2026-01-05T13:00:00Z&start_hour=12&end_hour=13",
            "notice",
            json!("2026-01-06T12:00:00+00:00"),
        ),
        ("from=2026-05-01&to=2026-05-02&start_hour=9&end_hour=17", "horizon", Value::Null),
    ] {
        let answer = town.get(&format!("/calendar/availability?{query}")).await;
        assert_eq!((starts(&answer).len(), &answer.body["reason"]), (0, &json!(reason)), "{query}");
        assert_eq!(answer.body["next_available"], next, "{query}");
    }
}

#[tokio::test]
async fn a_calendar_that_cannot_be_read_is_never_free() {
    let town = Town::connected().await;
    let ask = async || town.get("/calendar/availability").await;
    assert!(!starts(&ask().await).is_empty());
    let errors = json!({"calendars": {"primary": {"errors": [{"domain": "global", "reason": "notFound"}], "busy": []}}});
    for (fault, what) in [
        (Fault::new("google", "freebusy.query", Kind::Status).with(500), "google 500"),
        (Fault::new("google", "freebusy.query", Kind::Status).with(429), "google 429"),
        (Fault::new("google", "freebusy.query", Kind::DropAfterCommit), "google gone"),
        (
            Fault::new("google", "freebusy.query", Kind::Status).with(json!({"status": 200, "body": errors})),
            "google error",
        ),
        (
            Fault::new("google", "freebusy.query", Kind::Status).with(json!({"status": 200, "body": {}})),
            "google empty",
        ),
        (Fault::new("microsoft", "calendarView", Kind::Status).with(500), "microsoft 500"),
        (Fault::new("microsoft", "calendarView", Kind::DropAfterCommit), "microsoft gone"),
    ] {
        town.arm(fault.times(20));
        let answer = ask().await;
        assert_eq!(starts(&answer), Vec::<&str>::new(), "{what}");
        assert_eq!(answer.body["reason"], "calendar_unreachable", "{what}: {}", answer.text);
        let busy = town.get("/calendar/free-busy").await;
        assert!(busy.status >= 500, "{what}: {}", busy.text);
        says_nothing(&busy);
        town.stack.world.faults().clear();
    }
    assert!(!starts(&ask().await).is_empty());
}

#[tokio::test]
async fn busy_times_are_merged_across_providers_and_have_no_titles() {
    let town = Town::connected().await;
    let (from, to) = (at("2026-01-06T11:30:00Z"), at("2026-01-06T12:30:00Z"));
    town.stack.world.add_event(Provider::Microsoft, DEFAULT_EMAIL, "Secret", from, to).unwrap();
    let answer = town.get("/calendar/free-busy?from=2026-01-06&to=2026-01-06").await;
    assert_eq!(
        answer.body,
        json!({"status": "success", "user_id": USER, "busy": [
            {"start": "2026-01-06T09:00:00Z", "end": "2026-01-06T09:15:00Z"},
            {"start": "2026-01-06T10:00:00Z", "end": "2026-01-06T12:30:00Z"},
        ]})
    );
}

#[tokio::test]
async fn odd_questions_name_their_field() {
    let town = Town::connected().await;
    for (query, field) in [
        ("duration_minutes=0", "duration_minutes"),
        ("duration_minutes=x", "duration_minutes"),
        ("days_ahead=61", "days_ahead"),
        ("time_zone=Mars/Olympus", "time_zone"),
        ("from=tomorrow", "from"),
        ("from=2026-01-06&to=2026-01-05", "to"),
        ("from=2026-01-06&to=2027-01-05", "to"),
        ("start_hour=24", "start_hour"),
        ("start_hour=9&end_hour=8", "end_hour"),
    ] {
        let answer = town.get(&format!("/calendar/availability?{query}")).await;
        assert_eq!((answer.status, answer.body["field"].as_str()), (422, Some(field)), "{query}");
        assert_eq!(answer.code(), "invalid_field");
    }
}

#[tokio::test]
async fn a_personal_account_has_slots_and_events_as_well() {
    let town = Town::new().await;
    let world = &town.stack.world;
    world.add_account(Account::personal("caller@outlook.com").in_zone("America/New_York"));
    local::visitor::connect(world, town.base(), USER, "microsoft", "caller@outlook.com").await.unwrap();
    let (from, to) = (at("2026-01-05T15:00:00Z"), at("2026-01-05T22:00:00Z"));
    world.add_event(Provider::Microsoft, "caller@outlook.com", "Shift", from, to).unwrap();
    assert_eq!(subjects(&town.get("/calendar/events?days_ahead=1").await), ["Shift"]);
    let answer = town.get("/calendar/availability?from=2026-01-05&to=2026-01-05").await;
    assert_eq!(starts(&answer), ["2026-01-05T09:00:00-05:00", "2026-01-05T09:30:00-05:00"]);
}

/// The calendars of the only connection.
async fn calendars(town: &Town) -> Vec<Value> {
    let listed = town.get("/calendar/calendars").await;
    listed.body["connections"][0]["calendars"].as_array().unwrap_or_else(|| panic!("{}", listed.text)).clone()
}

#[tokio::test]
async fn the_selection_decides_what_blocks_and_where_events_go() {
    let town = Town::new().await;
    let mut account = Account::google(DEFAULT_EMAIL);
    let mut work = account.calendars[0].clone();
    (work.id, work.name) = ("work@group.calendar.google.com".to_owned(), "Work".to_owned());
    account.calendars.push(work);
    town.stack.world.add_account(account);
    let id = town.connect("google").await;
    let listed = calendars(&town).await;
    let uses: Vec<_> = listed.iter().map(|one| (one["busy"] == true, one["write"] == true)).collect();
    assert_eq!(uses, [(true, true), (false, false), (false, false)]);
    let (main, team, work) = (listed[0]["id"].clone(), listed[1]["id"].clone(), listed[2]["id"].clone());

    let select = async |busy: Value, write: Value| {
        let body = json!({"connection_id": id, "busy": busy, "write": write});
        town.call(Method::PUT, "/calendar/calendars/selection", Some(body)).await
    };
    for (busy, write, field) in [
        (json!(["EXAMPLE"]), Value::Null, "busy"),
        (json!([main]), json!("EXAMPLE"), "write"),
        (json!([main]), team.clone(), "write"),
        (json!("primary"), Value::Null, "busy"),
    ] {
        let answer = select(busy, write).await;
        assert_eq!((answer.status, answer.body["field"].as_str()), (422, Some(field)), "{}", answer.text);
    }
    let odd = json!({"connection_id": "con_00000000000000000000000000", "busy": []});
    let odd = town.call(Method::PUT, "/calendar/calendars/selection", Some(odd)).await;
    assert!([404, 422].contains(&odd.status), "{}", odd.text);

    let taken = "/calendar/availability?from=2026-01-06T10:00:00Z&to=2026-01-06T11:00:00Z";
    assert_eq!(town.get(taken).await.body["reason"], "fully_booked");
    assert_eq!(select(json!([team]), work.clone()).await.status, 204);
    assert_eq!(starts(&town.get(taken).await).len(), 2);
    let uses: Vec<_> =
        calendars(&town).await.iter().map(|one| (one["busy"] == true, one["write"] == true)).collect();
    assert_eq!(uses, [(false, false), (true, false), (false, true)]);

    let body =
        json!({"subject": "Fitting", "start_time": "2026-01-06T14:00", "end_time": "2026-01-06T15:00"});
    assert_eq!(town.call(Method::POST, "/calendar/events", Some(body)).await.status, 201);
    let events = town.stack.world.state()["google"]["events"].clone();
    let event = events.as_array().unwrap().iter().find(|event| event["subject"] == "Fitting").unwrap();
    assert_eq!(event["calendar"], work);
}

#[tokio::test]
async fn a_calendar_that_is_named_twice_counts_once() {
    let town = Town::new().await;
    let id = town.connect("google").await;
    let listed = calendars(&town).await;
    let (main, team) = (listed[0]["id"].as_str().unwrap(), listed[1]["id"].as_str().unwrap());
    let owner = OwnerId::user(USER).unwrap();
    let store = &town.stack.app.store;
    let row = async || store.owner_rows(&owner).await.unwrap().connections.remove(0);
    let taken = async || {
        let query = "from=2026-01-06T10:00:00Z&to=2026-01-06T12:00:00Z";
        town.get(&format!("/calendar/availability?{query}")).await.body["reason"].clone()
    };
    for (busy, kept) in [
        (vec![team, main, team], vec![team, main]),
        (vec!["primary", main], vec!["primary"]),
        (vec![main, "primary"], vec![main]),
    ] {
        let body = json!({"connection_id": id, "busy": busy});
        let chosen = town.call(Method::PUT, "/calendar/calendars/selection", Some(body)).await;
        assert_eq!(chosen.status, 204, "{}", chosen.text);
        assert_eq!(row().await.busy_calendars, kept);
        assert_eq!(taken().await, "fully_booked", "{busy:?}");
    }
    // A row that an earlier version wrote.
    let twice = [main, team, main].map(str::to_owned);
    assert_eq!(store.select_calendars(&row().await, &twice, None).await.unwrap(), Write::Done);
    assert_eq!(row().await.busy_calendars, twice);
    assert_eq!(taken().await, "fully_booked", "not unreachable");
    assert!(!starts(&town.get("/calendar/availability").await).is_empty());
}

#[tokio::test]
async fn the_default_connection_is_the_one_that_is_written_to() {
    let (town, google) = microsoft_then_google().await;
    let body =
        json!({"subject": "Fitting", "start_time": "2026-01-06T14:00", "end_time": "2026-01-06T15:00"});
    let write =
        async || town.call(Method::POST, "/calendar/events", Some(body.clone())).await.body["event"].clone();
    assert_eq!(write().await["provider"], "microsoft");
    let chosen = town.call(Method::POST, &format!("/calendar/connections/{google}/default"), None).await;
    assert_eq!(chosen.status, 204);
    assert_eq!(write().await["provider"], "google");
    let listed = town.get("/calendar/connections").await.body["connections"].clone();
    let defaults: Vec<_> =
        listed.as_array().unwrap().iter().filter(|one| one["is_default"] == true).collect();
    assert_eq!((defaults.len(), &defaults[0]["id"]), (1, &json!(google)));
    for odd in ["EXAMPLE", "con_00000000000000000000000000"] {
        let answer = town.call(Method::POST, &format!("/calendar/connections/{odd}/default"), None).await;
        assert_eq!(answer.status, 404);
    }
}
