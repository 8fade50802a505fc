//! When and for what an owner can be booked: his schedule, his services, and the slots that follow from them.

use jiff::SignedDuration;
use local::world::{
    Account, DEFAULT_EMAIL, PhoneCall, Provider, ToolCall, UserEvent, WorkingHours,
    faults::{Fault, Kind},
};
use reqwest::Method;
use serde_json::{Value, json};
use shared::{
    availability::{Verdict, is_free},
    calendars::schedule_of,
    ids::OwnerId,
    range::Interval,
    schedule::{Buffers, minutes},
    slots::EmptyReason,
    tokens::Patience,
};

use crate::harness::{Answer, CALLER, OTHER, Town, USER, at};

const DAYS: [&str; 6] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

/// Hours from nine to five in London on every working day, on quarter hours.
fn schedule() -> Value {
    json!({
        "time_zone": "Europe/London",
        "weekly": [{"days": DAYS, "start": "09:00", "end": "17:00"}],
        "slot_interval_minutes": 15,
    })
}

fn with(name: &str, value: Value) -> Value {
    let mut schedule = schedule();
    schedule[name] = value;
    schedule
}

async fn set(town: &Town, schedule: Value) -> Answer {
    let answer = town.call(Method::PUT, "/calendar/schedule", Some(schedule)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer
}

/// The local starts of the slots that a query finds.
async fn starts(town: &Town, query: &str) -> Vec<String> {
    let answer = town.get(&format!("/calendar/availability?{query}")).await;
    let slots = answer.body["available_slots"].as_array().unwrap_or_else(|| panic!("{}", answer.text));
    slots.iter().map(|slot| slot["start_time"].as_str().unwrap().to_owned()).collect()
}

/// A town whose only calendar is an empty one of Google's.
async fn quiet() -> Town {
    let town = Town::new().await;
    let email = "quiet@example.com";
    town.stack.world.add_account(Account::google(email));
    local::visitor::connect(&town.stack.world, town.base(), USER, "google", email).await.unwrap();
    town
}

async fn microsoft(account: Account) -> Town {
    let town = Town::new().await;
    let email = account.email.clone();
    town.stack.world.add_account(account);
    local::visitor::connect(&town.stack.world, town.base(), USER, "microsoft", &email).await.unwrap();
    town
}

#[tokio::test]
async fn a_zone_is_taken_by_either_name_and_one_that_is_none_is_told_so() {
    let town = quiet().await;
    let event = |zone: &str| {
        json!({"subject": "Haircut", "start_time": "2026-01-06T14:00:00",
        "end_time": "2026-01-06T14:30:00", "time_zone": zone})
    };
    for (zone, is_known) in
        [("Europe/Berlin", true), ("W. Europe Standard Time", true), ("Mars/Olympus", false)]
    {
        let query = url::form_urlencoded::byte_serialize(zone.as_bytes()).collect::<String>();
        let business = json!({"name": "Example Hair", "google_calendar_timezone": zone});
        for answer in [
            town.get(&format!("/calendar/availability?days_ahead=1&time_zone={query}")).await,
            town.call(Method::PUT, "/calendar/schedule", Some(with("time_zone", json!(zone)))).await,
            town.call(Method::POST, "/calendar/events", Some(event(zone))).await,
            town.call(Method::POST, "/api/v1/businesses", Some(business)).await,
        ] {
            assert_eq!((200..300).contains(&answer.status), is_known, "{zone} {}", answer.text);
            let is_told = answer.text.contains("must be an IANA or Windows zone");
            assert_eq!(is_told, !is_known, "{zone} {}", answer.text);
        }
    }
}

#[tokio::test]
async fn the_first_schedule_is_the_mailboxes_own_hours() {
    let hours = |zone| Some(WorkingHours { days: &["monday", "saturday"], from: "07:30", to: "15:15", zone });
    for zone in [None, Some("Customized Time Zone")] {
        let account =
            Account::microsoft("early@example.com").in_zone("America/New_York").working(hours(zone));
        let town = microsoft(account).await;
        let schedule = town.get("/calendar/schedule").await.body;
        assert_eq!(
            (&schedule["source"], &schedule["time_zone"]),
            (&json!("imported"), &json!("America/New_York"))
        );
        assert_eq!(
            schedule["weekly"],
            json!([{"days": ["monday", "saturday"], "start": "07:30", "end": "15:15"}])
        );
        // Asked once and kept.
        town.counters().reset();
        assert_eq!(town.get("/calendar/schedule").await.body, schedule);
        assert_eq!(town.counters().of("microsoft", "mailboxSettings"), 0);
        assert_eq!(starts(&town, "from=2026-01-10&to=2026-01-11").await.first().unwrap(), "07:30");
    }
}

#[tokio::test]
async fn an_account_without_hours_starts_with_office_hours_in_its_zone() {
    let town = microsoft(Account::personal("caller@outlook.com").in_zone("America/New_York")).await;
    let schedule = town.get("/calendar/schedule").await.body;
    assert_eq!(
        (&schedule["source"], &schedule["time_zone"]),
        (&json!("default"), &json!("America/New_York"))
    );
    let week = ["monday", "tuesday", "wednesday", "thursday", "friday"];
    assert_eq!(schedule["weekly"], json!([{"days": week, "start": "09:00", "end": "17:00"}]));
    let nobody = Town::new().await.get("/calendar/schedule").await.body;
    assert_eq!((&nobody["source"], &nobody["time_zone"]), (&json!("default"), &json!("UTC")));
}

#[tokio::test]
async fn a_first_schedule_that_cannot_be_kept_is_answered_all_the_same() {
    let town = quiet().await;
    town.counters().reset();
    town.arm(Fault::new("dynamodb", "UpdateItem", Kind::Status).with(500).times(20));
    let answer = town.get("/calendar/availability?from=2026-01-06&to=2026-01-06").await;
    assert_eq!((answer.status, &answer.body["total_slots"]), (200, &json!(16)), "{}", answer.text);
    town.stack.world.faults().clear();
    assert!(town.rows("connections").iter().all(|row| row.get("schedule").is_none()));
    town.get("/calendar/schedule").await;
    assert!(town.rows("connections").iter().any(|row| row.get("schedule").is_some()));
}

#[tokio::test]
async fn a_schedule_that_is_set_is_stored_whole_and_answered_as_it_is_stored() {
    let town = quiet().await;
    let sent = json!({
        "time_zone": "W. Europe Standard Time",
        "weekly": [{"days": [1, "tue"], "start": "9:00", "end": "24:00"}],
        "breaks": [{"days": ["monday"], "start": "12:00", "end": "13:00"}],
        "date_overrides": [{"date": "2026-01-13"}, {"date": "2026-01-14", "hours": [{"start": "10:00", "end": "12:00"}]}],
        "buffer_before_minutes": 5, "buffer_after_minutes": 10, "slot_interval_minutes": 20,
        "start_alignment": "opening", "min_notice_minutes": 0, "horizon_days": 90, "daily_limit": 4,
        "somebody_elses": true,
    });
    let stored = set(&town, sent.clone()).await.body;
    let mut expected = sent;
    expected["source"] = json!("set");
    expected["time_zone"] = json!("Europe/Berlin");
    expected["weekly"] = json!([{"days": ["monday", "tuesday"], "start": "09:00", "end": "24:00"}]);
    expected["date_overrides"][0]["hours"] = json!([]);
    expected.as_object_mut().unwrap().remove("somebody_elses");
    assert_eq!(stored, expected);
    assert_eq!(town.get("/calendar/schedule").await.body, stored);
    // What is answered can be sent again.
    assert_eq!(set(&town, stored.clone()).await.body, stored);
    // Whole: what is not said any more is back at its beginning.
    let smaller = set(&town, schedule()).await.body;
    assert_eq!((&smaller["buffer_after_minutes"], smaller.get("daily_limit")), (&json!(0), None));
    let others = town.call_as(&town.session(OTHER), Method::GET, "/calendar/schedule", None).await;
    assert_eq!(others.body["source"], "default");
}

#[tokio::test]
async fn a_wrong_schedule_names_its_field_and_changes_nothing() {
    let town = quiet().await;
    set(&town, schedule()).await;
    let hours = |start: &str, end: &str| json!([{"days": ["monday"], "start": start, "end": end}]);
    for (name, value, field) in [
        ("time_zone", json!("Mars/Olympus"), "time_zone"),
        ("weekly", hours("17:00", "09:00"), "weekly[0].end"),
        ("weekly", hours("9 o'clock", "17:00"), "weekly[0].start"),
        ("weekly", json!([{"days": [], "start": "09:00", "end": "17:00"}]), "weekly[0].days"),
        ("weekly", Value::Null, "weekly"),
        ("breaks", hours("12:00", "12:00"), "breaks[0].end"),
        ("date_overrides", json!([{"date": "tomorrow"}]), "date_overrides[0].date"),
        (
            "date_overrides",
            json!([{"date": "2026-01-13", "hours": [{"start": "12:00", "end": "11:00"}]}]),
            "date_overrides[0].end",
        ),
        ("buffer_before_minutes", json!(1_441), "buffer_before_minutes"),
        ("slot_interval_minutes", json!(0), "slot_interval_minutes"),
        ("start_alignment", json!("moon"), "start_alignment"),
        ("horizon_days", json!(367), "horizon_days"),
        ("daily_limit", json!(0), "daily_limit"),
    ] {
        let answer = town.call(Method::PUT, "/calendar/schedule", Some(with(name, value))).await;
        assert_eq!((answer.status, answer.body["field"].as_str()), (422, Some(field)), "{}", answer.text);
    }
    let kept = town.get("/calendar/schedule").await.body;
    assert_eq!((&kept["time_zone"], &kept["slot_interval_minutes"]), (&json!("Europe/London"), &json!(15)));
}

#[tokio::test]
async fn slots_follow_every_rule_of_the_schedule() {
    let town = quiet().await;
    let day = "from=2026-01-06&to=2026-01-06&duration_minutes=60";
    let (from, to) = (at("2026-01-06T11:00:00Z"), at("2026-01-06T12:00:00Z"));
    town.stack.world.add_event(Provider::Google, "quiet@example.com", "Fitting", from, to).unwrap();
    let short = json!([{"days": ["tuesday"], "start": "09:10", "end": "13:30"}]);
    let mut rules = with("weekly", short);
    rules["slot_interval_minutes"] = json!(30);
    set(&town, rules.clone()).await;
    assert_eq!(starts(&town, day).await, ["09:30", "10:00", "12:00", "12:30"]);
    rules["start_alignment"] = json!("opening");
    set(&town, rules.clone()).await;
    assert_eq!(starts(&town, day).await, ["09:10", "09:40", "12:10"]);
    rules["buffer_after_minutes"] = json!(30);
    set(&town, rules.clone()).await;
    assert_eq!(starts(&town, day).await, ["09:10", "12:10"]);
    rules["buffer_before_minutes"] = json!(15);
    set(&town, rules.clone()).await;
    assert_eq!(starts(&town, day).await, ["09:10"]);
    // Something busy just before the window counts for the buffer as well.
    assert_eq!(starts(&town, "from=2026-01-06T12:05:00Z&to=2026-01-06T13:15:00Z").await, ["12:40"]);
    rules["date_overrides"] = json!([{"date": "2026-01-06", "hours": []}]);
    set(&town, rules).await;
    let off = town.get(&format!("/calendar/availability?{day}")).await;
    assert_eq!(off.body["reason"], "outside_hours");
}

#[tokio::test]
async fn another_zone_moves_the_hours_and_no_booking() {
    let town = quiet().await;
    set(&town, schedule()).await;
    let (line, call) = (town.line().await, PhoneCall::inbound(CALLER, None, town.now()));
    let book =
        ToolCall::new("book_appointment", json!({"start_time": "2026-01-06T15:00:00Z", "name": "Caller"}));
    assert!(town.say(&call, &line, &book).await.unwrap().starts_with("You're booked"));
    let before = town.ledger().await;
    set(&town, with("time_zone", json!("America/New_York"))).await;
    assert_eq!(town.ledger().await, before);
    let busy = town.get("/calendar/free-busy?from=2026-01-06&to=2026-01-06").await.body["busy"].clone();
    assert_eq!(busy, json!([{"start": "2026-01-06T15:00:00Z", "end": "2026-01-06T15:30:00Z"}]));
    let left = starts(&town, "from=2026-01-06&to=2026-01-06").await;
    assert_eq!(left[..5], ["09:00", "09:15", "09:30", "10:30", "10:45"]);
}

#[tokio::test]
async fn a_day_at_its_limit_offers_nothing_and_says_when_there_is_more() {
    let town = quiet().await;
    set(&town, with("daily_limit", json!(1))).await;
    let (line, call) = (town.line().await, PhoneCall::inbound(CALLER, None, town.now()));
    let book =
        ToolCall::new("book_appointment", json!({"start_time": "2026-01-06T15:00:00Z", "name": "Caller"}));
    assert!(town.say(&call, &line, &book).await.unwrap().starts_with("You're booked"));
    let full = town.get("/calendar/availability?from=2026-01-06&to=2026-01-06").await.body;
    assert_eq!((&full["reason"], &full["total_slots"]), (&json!("fully_booked"), &json!(0)));
    assert_eq!(full["next_available"], "2026-01-07T09:00:00+00:00");
}

#[tokio::test]
async fn a_service_is_set_read_and_taken_away() {
    let town = quiet().await;
    let path = "/calendar/services/haircut";
    assert_eq!(town.get(path).await.status, 404);
    let body = json!({"name": "Haircut", "duration_minutes": 45, "buffer_after_minutes": 15, "price_text": "from 25 €"});
    let expected = json!({
        "id": "haircut", "name": "Haircut", "duration_minutes": 45, "buffer_before_minutes": null,
        "buffer_after_minutes": 15, "price_text": "from 25 €", "spoken_name": null, "active": true,
    });
    for _ in 0..2 {
        let put = town.call(Method::PUT, path, Some(body.clone())).await;
        assert_eq!((put.status, &put.body), (200, &expected), "{}", put.text);
    }
    assert_eq!(town.get(path).await.body, expected);
    let smaller = json!({"name": "Cut", "duration_minutes": 30, "active": false});
    assert_eq!(town.call(Method::PUT, "/calendar/services/a-cut", Some(smaller)).await.status, 200);
    let listed = town.get("/calendar/services").await.body["services"].clone();
    assert_eq!((listed[0]["id"].as_str(), &listed[1]), (Some("a-cut"), &expected));
    let others = town.call_as(&town.session(OTHER), Method::GET, path, None).await;
    assert_eq!(others.status, 404);
    for _ in 0..2 {
        assert_eq!(town.call(Method::DELETE, path, None).await.status, 204);
    }
    assert_eq!(town.get(path).await.status, 404);
    assert_eq!(town.get("/calendar/services").await.body["services"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_wrong_service_names_its_field() {
    let town = quiet().await;
    let put = async |id: &str, name: &str, value: Value| {
        let mut body = json!({"name": "Haircut", "duration_minutes": 45});
        body[name] = value;
        town.call(Method::PUT, &format!("/calendar/services/{id}"), Some(body)).await
    };
    for (id, name, value, field) in [
        ("Haircut", "name", json!("Haircut"), "id"),
        ("-", "name", json!("Haircut"), "id"),
        ("haircut", "name", json!(""), "name"),
        ("haircut", "name", Value::Null, "name"),
        ("haircut", "duration_minutes", json!(4), "duration_minutes"),
        ("haircut", "duration_minutes", json!("45"), "duration_minutes"),
        ("haircut", "buffer_before_minutes", json!(1_441), "buffer_before_minutes"),
        ("haircut", "price_text", json!("x".repeat(201)), "price_text"),
        ("haircut", "active", json!("yes"), "active"),
    ] {
        let answer = put(id, name, value).await;
        assert_eq!((answer.status, answer.body["field"].as_str()), (422, Some(field)), "{}", answer.text);
    }
    assert_eq!(town.get("/calendar/services").await.body["services"], json!([]));
    for id in 0..100 {
        assert_eq!(put(&format!("s{id}"), "name", json!("One")).await.status, 200);
    }
    assert_eq!(put("s100", "name", json!("One")).await.code(), "too_many_services");
    assert_eq!(put("s99", "name", json!("Another")).await.status, 200);
}

#[tokio::test]
async fn a_services_duration_and_buffers_decide_its_slots() {
    let town = quiet().await;
    let mut rules = with("weekly", json!([{"days": ["tuesday"], "start": "09:00", "end": "13:00"}]));
    (rules["slot_interval_minutes"], rules["buffer_before_minutes"]) = (json!(60), json!(60));
    set(&town, rules).await;
    let (from, to) = (at("2026-01-06T10:30:00Z"), at("2026-01-06T11:00:00Z"));
    town.stack.world.add_event(Provider::Google, "quiet@example.com", "Fitting", from, to).unwrap();
    let day = "from=2026-01-06&to=2026-01-06";
    assert_eq!(starts(&town, day).await, ["09:00", "10:00", "12:00"]);
    let mut body = json!({"name": "Colour", "duration_minutes": 60, "buffer_before_minutes": 0, "buffer_after_minutes": 45});
    assert_eq!(town.call(Method::PUT, "/calendar/services/colour", Some(body.clone())).await.status, 200);
    assert_eq!(starts(&town, &format!("{day}&service=colour")).await, ["11:00", "12:00"]);
    assert_eq!(starts(&town, &format!("{day}&service=colour&duration_minutes=60")).await, ["11:00", "12:00"]);
    for (query, field) in [
        ("service=colour&duration_minutes=30", "duration_minutes"),
        ("service=nails", "service"),
        ("service=NAILS", "service"),
    ] {
        let answer = town.get(&format!("/calendar/availability?{query}")).await;
        assert_eq!((answer.status, answer.body["field"].as_str()), (422, Some(field)), "{}", answer.text);
    }
    body["active"] = json!(false);
    assert_eq!(town.call(Method::PUT, "/calendar/services/colour", Some(body)).await.status, 200);
    let answer = town.get(&format!("/calendar/availability?{day}&service=colour")).await;
    assert_eq!((answer.status, answer.body["field"].as_str()), (422, Some("service")));
}

#[tokio::test]
async fn every_slot_carries_a_token_that_says_exactly_what_was_offered() {
    let town = quiet().await;
    let body = json!({"name": "Haircut", "duration_minutes": 45});
    assert_eq!(town.call(Method::PUT, "/calendar/services/haircut", Some(body)).await.status, 200);
    let key = town.stack.app.slot_key().await.unwrap();
    for (query, service) in [("service=haircut", Some("haircut")), ("duration_minutes=20", None)] {
        let answer =
            town.get(&format!("/calendar/availability?days_ahead=2&time_zone=Asia/Kathmandu&{query}")).await;
        let slots = answer.body["available_slots"].as_array().unwrap();
        assert!(slots.len() > 10);
        for slot in slots {
            let offer = key.read(slot["slot"].as_str().unwrap(), town.now()).unwrap();
            assert_eq!(
                (offer.owner, offer.time_zone.as_str()),
                (OwnerId::user(USER).unwrap(), "Asia/Kathmandu")
            );
            assert_eq!(offer.service.map(|id| id.to_string()).as_deref(), service);
            let told = Interval::new(at(slot["start"].as_str().unwrap()), at(slot["end"].as_str().unwrap()));
            assert_eq!(offer.slot, told);
        }
        let old = town.now() + SignedDuration::from_mins(15);
        assert!(key.read(slots[0]["slot"].as_str().unwrap(), old).is_err());
    }
}

#[tokio::test]
async fn one_exact_time_is_free_or_comes_with_a_reason_and_alternatives() {
    let town = Town::connected().await;
    let (app, owner) = (&town.stack.app, OwnerId::user(USER).unwrap());
    let rows = app.store.owner_rows(&owner).await.unwrap();
    let schedule = schedule_of(app, &owner, &rows, Patience::Request).await.unwrap();
    let ask = async |start: &str, after: u32| {
        let slot = Interval::new(at(start), at(start) + minutes(30));
        let buffers = Buffers { before: minutes(0), after: minutes(after) };
        is_free(app, &owner, &rows, &schedule, slot, buffers, Patience::Request).await.unwrap()
    };
    // Google and Microsoft hold 10:00 to 12:00 on Tuesday between them.
    assert_eq!(ask("2026-01-06T09:30:00Z", 0).await, Verdict::Free);
    assert_eq!(ask("2026-01-06T09:23:00Z", 0).await, Verdict::Free, "it need not be one that is offered");
    for (start, after, expected) in [
        ("2026-01-06T09:30:00Z", 5, EmptyReason::FullyBooked),
        ("2026-01-06T10:30:00Z", 0, EmptyReason::FullyBooked),
        ("2026-01-06T18:00:00Z", 0, EmptyReason::OutsideHours),
        ("2026-01-05T12:30:00Z", 0, EmptyReason::Notice),
    ] {
        let Verdict::Taken { reason, alternatives } = ask(start, after).await else {
            panic!("{start} is free")
        };
        assert_eq!((reason, alternatives.len()), (expected, 3), "{start}");
        for free in alternatives {
            assert_eq!(ask(&free.start.to_string(), after).await, Verdict::Free);
        }
    }
    town.arm(Fault::new("google", "freebusy.query", Kind::Status).with(500).times(20));
    let Verdict::Taken { reason, alternatives } = ask("2026-01-06T09:30:00Z", 0).await else {
        panic!("a calendar that cannot be read is not free")
    };
    assert_eq!((reason, alternatives.len()), (EmptyReason::CalendarUnreachable, 0));
}

#[tokio::test]
async fn a_deleted_users_schedule_and_services_go_with_him() {
    let town = Town::new().await;
    town.connect("google").await;
    assert_eq!(town.clerk(UserEvent::Created, USER, Some(DEFAULT_EMAIL)).await, 200);
    set(&town, schedule()).await;
    for id in ["one", "two"] {
        let body = json!({"name": "Service", "duration_minutes": 30});
        assert_eq!(town.call(Method::PUT, &format!("/calendar/services/{id}"), Some(body)).await.status, 200);
    }
    assert!(town.rows("connections").len() >= 4);
    assert_eq!(town.clerk(UserEvent::Deleted, USER, None).await, 200);
    assert_eq!(town.rows("connections"), Vec::<Value>::new());
}

#[tokio::test]
async fn schedule_and_services_cost_one_call_to_the_database_each() {
    let town = quiet().await;
    town.get("/calendar/schedule").await;
    let body = json!({"name": "Haircut", "duration_minutes": 45});
    let one = "/calendar/services/haircut";
    for (method, path, body, cost) in [
        (Method::GET, "/calendar/schedule", None, 1),
        (Method::PUT, "/calendar/schedule", Some(schedule()), 1),
        (Method::PUT, one, Some(body), 2),
        (Method::GET, "/calendar/services", None, 1),
        (Method::GET, one, None, 1),
        (Method::GET, "/calendar/availability?service=haircut", None, 2),
        (Method::DELETE, one, None, 1),
    ] {
        town.counters().reset();
        assert_eq!(town.call(method.clone(), path, body).await.status / 100, 2);
        let counts = town.counters().snapshot();
        assert_eq!(counts["dynamodb"].values().sum::<u64>(), cost, "{method} {path}: {counts:?}");
    }
}
