//! Events across both providers: read in order, written once, refused with the field's name.

mod free;
mod refused;

use std::collections::BTreeSet;

use futures_util::future::join_all;
use local::world::{
    Account, DEFAULT_EMAIL, Provider,
    faults::{Fault, Kind},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, OTHER, Town, USER, at};

fn subjects(answer: &Answer) -> Vec<&str> {
    let events = answer.body["events"].as_array().unwrap_or_else(|| panic!("{}", answer.text));
    events.iter().map(|event| event["subject"].as_str().unwrap()).collect()
}

fn says_nothing(answer: &Answer) {
    let names: Vec<_> = answer.body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["code", "request_id"], "{}", answer.text);
}

fn written(town: &Town) -> usize {
    let of = |provider| town.stack.world.events(provider, DEFAULT_EMAIL).len();
    of(Provider::Google) + of(Provider::Microsoft)
}

/// With Microsoft first, so that it is the default, and Google's connection.
async fn microsoft_then_google() -> (Town, String) {
    let town = Town::new().await;
    town.connect("microsoft").await;
    town.advance(1);
    let google = town.connect("google").await;
    (town, google)
}

/// An appointment on Tuesday afternoon, and more.
fn draft(more: Value) -> Value {
    let mut body =
        json!({"subject": "Fitting", "start_time": "2026-01-06T14:00", "end_time": "2026-01-06T15:00"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

async fn create(town: &Town, more: Value) -> Answer {
    town.call(Method::POST, "/calendar/events", Some(draft(more))).await
}

/// With an `Idempotency-Key`.
async fn keyed(town: &Town, key: &str, more: Value) -> Answer {
    let request = town.plain(Method::POST, "/calendar/events").bearer_auth(town.session(USER));
    town.answer(request.header("idempotency-key", key).json(&draft(more))).await
}

async fn with_etag(town: &Town, method: Method, path: &str, etag: &str, body: Option<Value>) -> Answer {
    let mut request = town.plain(method, path).bearer_auth(town.session(USER)).header("if-match", etag);
    if let Some(body) = body {
        request = request.json(&body);
    }
    town.answer(request).await
}

#[tokio::test]
async fn events_of_both_providers_come_in_order_and_series_as_occurrences() {
    let town = Town::connected().await;
    let answer = town.get("/calendar/events?days_ahead=7").await;
    let expected = [
        "Planning",
        "Stand-up",
        "Colour and cut",
        "Working from home",
        "Stand-up",
        "Dentist",
        "Lunch",
        "Stand-up",
        "Interview",
        "Supplier",
        "Stand-up",
        "Weekly review",
        "Stand-up",
    ];
    assert_eq!(subjects(&answer), expected);
    assert_eq!((&answer.body["total_events"], &answer.body["next_cursor"]), (&json!(13), &Value::Null));
    let events = answer.body["events"].as_array().unwrap();
    let (planning, standup, home) = (&events[0], &events[1], &events[3]);
    assert_eq!(
        (&planning["start_time"], &planning["time_zone"]),
        (&json!("2026-01-05T14:00:00+00:00"), &json!("Europe/London"))
    );
    assert_eq!(
        (&planning["provider"], &planning["recurring"], &planning["busy"]),
        (&json!("microsoft"), &json!(false), &json!(true))
    );
    assert_eq!((&standup["provider"], &standup["recurring"]), (&json!("google"), &json!(true)));
    assert_eq!(
        (&home["all_day"], &home["start_time"], &home["end_time"]),
        (&json!(true), &json!("2026-01-07"), &json!("2026-01-08"))
    );
    assert_eq!(home["busy"], false);
    let ids: BTreeSet<_> = events.iter().map(|event| event["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 13);
}

#[tokio::test]
async fn the_window_is_what_was_asked_for() {
    let town = Town::connected().await;
    for (query, expected) in [
        ("from=2026-01-08&to=2026-01-08", vec!["Stand-up", "Interview", "Supplier"]),
        ("from=2026-01-08T11:30:00Z&to=2026-01-08T12:30:00%2B01:00", vec![]),
        ("from=2026-01-08T11:30&to=2026-01-08T16:00:01Z", vec!["Interview", "Supplier"]),
        ("days_ahead=1", vec!["Planning", "Stand-up", "Colour and cut"]),
    ] {
        if expected.is_empty() {
            assert_eq!(town.get(&format!("/calendar/events?{query}")).await.body["field"], "to");
        } else {
            assert_eq!(subjects(&town.get(&format!("/calendar/events?{query}")).await), expected, "{query}");
        }
    }
}

#[tokio::test]
async fn cancelled_and_declined_events_come_only_when_asked_for() {
    let town = Town::connected().await;
    let world = &town.stack.world;
    let declined = json!({"summary": "Declined", "start": {"dateTime": "2026-01-06T15:00:00Z"}, "end": {"dateTime": "2026-01-06T16:00:00Z"},
        "attendees": [{"email": DEFAULT_EMAIL, "self": true, "responseStatus": "declined"}]});
    world.add_event_json(Provider::Google, DEFAULT_EMAIL, &declined).unwrap();
    let cancelled = json!({"subject": "Cancelled", "isCancelled": true,
        "start": {"dateTime": "2026-01-06T16:00:00", "timeZone": "UTC"}, "end": {"dateTime": "2026-01-06T17:00:00", "timeZone": "UTC"}});
    world.add_event_json(Provider::Microsoft, DEFAULT_EMAIL, &cancelled).unwrap();
    let day = "/calendar/events?from=2026-01-06&to=2026-01-06";
    assert_eq!(subjects(&town.get(day).await), ["Stand-up", "Colour and cut"]);
    let all = town.get(&format!("{day}&include_cancelled=true")).await;
    assert_eq!(subjects(&all), ["Stand-up", "Colour and cut", "Declined", "Cancelled"]);
    assert!(all.body["events"].as_array().unwrap()[2..].iter().all(|event| event["busy"] == false));
    assert_eq!(town.get(&format!("{day}&include_cancelled=maybe")).await.body["field"], "include_cancelled");
}

#[tokio::test]
async fn a_long_list_comes_in_pages_without_loss_or_repeat() {
    let town = Town::connected().await;
    let start = at("2026-01-20T00:00:00Z");
    for provider in [Provider::Google, Provider::Microsoft] {
        for n in 0..260 {
            let from = start + jiff::SignedDuration::from_mins(10 * n);
            let to = from + jiff::SignedDuration::from_mins(5);
            town.stack
                .world
                .add_event(provider, DEFAULT_EMAIL, &format!("{provider:?} {n}"), from, to)
                .unwrap();
        }
    }
    let path = "/calendar/events?from=2026-01-20T00:00:00Z&to=2026-01-22T00:00:00Z";
    let (mut seen, mut pages, mut cursor) = (Vec::new(), 0, String::new());
    loop {
        let answer = town.get(&format!("{path}{cursor}")).await;
        seen.extend(
            subjects(&answer)
                .into_iter()
                .filter(|name| name.contains(' ') && !name.contains('-'))
                .map(str::to_owned),
        );
        pages += 1;
        match answer.body["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let distinct: BTreeSet<_> = seen.iter().collect();
    assert_eq!((pages, seen.len(), distinct.len()), (2, 520, 520));
}

#[tokio::test]
async fn a_cursor_of_ones_own_making_is_refused_and_leads_nowhere() {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let town = Town::connected().await;
    town.get("/calendar/events").await;
    let connections = town.get("/calendar/connections").await.body["connections"].clone();
    let forged = |index: usize, next: &str| {
        let places = json!([{"connection": connections[index]["id"], "calendar": "primary", "next": next}]);
        URL_SAFE_NO_PAD.encode(places.to_string())
    };
    let other = json!([{"connection": "con_00000000000000000000000000", "calendar": "primary", "next": "x"}]);
    for cursor in [
        "EXAMPLE".to_owned(),
        URL_SAFE_NO_PAD.encode(other.to_string()),
        forged(0, "https://evil.example/steal"),
        forged(0, &format!("{}/graph/v1.0/me", town.stack.world.base_url())),
        forged(1, "EXAMPLE"),
    ] {
        let answer = town.get(&format!("/calendar/events?cursor={cursor}")).await;
        assert_eq!((answer.status, answer.body["field"].as_str()), (422, Some("cursor")), "{}", answer.text);
    }
}

#[tokio::test]
async fn one_connection_can_be_asked_for_and_it_must_be_ones_own() {
    let town = Town::connected().await;
    let google = town.connect("google").await;
    let answer = town.get(&format!("/calendar/events?connection_id={google}&days_ahead=1")).await;
    assert_eq!(subjects(&answer), ["Stand-up", "Colour and cut"]);
    let theirs = local::visitor::connect(&town.stack.world, town.base(), OTHER, "google", DEFAULT_EMAIL)
        .await
        .unwrap();
    let answer = town.get(&format!("/calendar/events?connection_id={theirs}")).await;
    assert_eq!((answer.status, answer.code()), (404, "not_found"));
    assert_eq!(town.get("/calendar/events?connection_id=EXAMPLE").await.body["field"], "connection_id");
}

#[tokio::test]
async fn without_a_connection_every_route_says_where_to_connect() {
    let town = Town::new().await;
    for path in ["events", "availability", "free-busy", "calendars"] {
        let answer = town.get(&format!("/calendar/{path}")).await;
        assert_eq!((answer.status, answer.code()), (409, "no_connection"), "{path} {}", answer.text);
        let url = answer.body["reconnect_url"].as_str().unwrap();
        assert!(url.starts_with(town.base()) && url.contains("/calendar/auth/start?"), "{url}");
    }
    assert_eq!(create(&town, json!({})).await.code(), "no_connection");
}

#[tokio::test]
async fn times_are_written_in_every_way_people_write_them() {
    let town = Town::new().await;
    let (world, email) = (&town.stack.world, "ny@example.com");
    world.add_account(Account::google(email).in_zone("America/New_York"));
    world.add_account(Account::microsoft(email).in_zone("America/New_York"));
    for (provider, which) in [("google", Provider::Google), ("microsoft", Provider::Microsoft)] {
        let connection = local::visitor::connect(world, town.base(), USER, provider, email).await.unwrap();
        for (start, end, zone, expected) in [
            (
                "2026-01-06T14:00:00Z",
                "2026-01-06T15:00:00Z",
                Value::Null,
                ["2026-01-06T14:00:00Z", "2026-01-06T15:00:00Z"],
            ),
            (
                "2026-01-06T14:00:00+02:00",
                "2026-01-06T15:00:00+02:00",
                Value::Null,
                ["2026-01-06T12:00:00Z", "2026-01-06T13:00:00Z"],
            ),
            (
                "2026-01-06T14:00",
                "2026-01-06T15:00:00",
                Value::Null,
                ["2026-01-06T19:00:00Z", "2026-01-06T20:00:00Z"],
            ),
            (
                "2026-01-06T14:00",
                "2026-01-06T15:00",
                json!("Asia/Tokyo"),
                ["2026-01-06T05:00:00Z", "2026-01-06T06:00:00Z"],
            ),
            (
                "2026-07-06T14:00",
                "2026-07-06T15:00",
                json!("W. Europe Standard Time"),
                ["2026-07-06T12:00:00Z", "2026-07-06T13:00:00Z"],
            ),
        ] {
            let more =
                json!({"start_time": start, "end_time": end, "time_zone": zone, "connection_id": connection});
            let answer = create(&town, more).await;
            assert_eq!(answer.status, 201, "{}", answer.text);
            let events = world.events(which, email);
            let found = events.iter().map(|event| [event.start, event.end].map(|at| at.to_string()));
            assert!(
                found.clone().any(|times| times == expected),
                "{start} {zone}: {:?}",
                found.collect::<Vec<_>>()
            );
            let answered = &answer.body["event"];
            assert_eq!(at(answered["start_time"].as_str().unwrap()), at(expected[0]), "{}", answer.text);
            let id = answered["id"].as_str().unwrap();
            assert_eq!(town.call(Method::DELETE, &format!("/calendar/events/{id}"), None).await.status, 204);
        }
    }
}

#[tokio::test]
async fn an_event_reaches_the_provider_with_all_that_was_said() {
    let (town, google) = microsoft_then_google().await;
    let more = json!({"attendee_email": "guest@example.com", "attendees": [{"email": "two@example.com", "name": "Caller"}],
        "body": "Bring shoes.", "location": "Shop", "is_online_meeting": true});
    let teams = create(&town, more.clone()).await;
    let mut at_google = more;
    at_google["connection_id"] = json!(google);
    let meet = create(&town, at_google).await;
    for answer in [&teams, &meet] {
        let event = &answer.body["event"];
        assert_eq!((answer.status, &event["is_online_meeting"]), (201, &json!(true)), "{}", answer.text);
        assert_eq!((&event["subject"], &event["location"]), (&json!("Fitting"), &json!("Shop")));
        let mut invited: Vec<_> =
            event["attendees"].as_array().unwrap().iter().map(|one| one["email"].as_str().unwrap()).collect();
        invited.sort_unstable();
        assert_eq!(invited, ["guest@example.com", "two@example.com"]);
        assert!(event["body"].as_str().unwrap().contains("Bring shoes."));
        assert_eq!(answer.headers["etag"], event["etag"].as_str().unwrap());
    }
    let find = |provider| {
        let events = town.stack.world.events(provider, DEFAULT_EMAIL);
        events.into_iter().find(|event| event.subject == "Fitting").unwrap().fields
    };
    assert_eq!(find(Provider::Microsoft)["isOnlineMeeting"], true);
    assert!(find(Provider::Google)["conferenceData"].is_object());
}

#[tokio::test]
async fn whole_days_are_written_and_read_as_days() {
    let (town, google) = microsoft_then_google().await;
    for connection in [Value::Null, json!(google)] {
        let more = json!({"start_time": "2026-01-10", "end_time": "2026-01-10", "all_day": true, "connection_id": connection});
        let answer = create(&town, more).await;
        let event = &answer.body["event"];
        assert_eq!((answer.status, &event["all_day"]), (201, &json!(true)), "{}", answer.text);
        assert_eq!((&event["start_time"], &event["end_time"]), (&json!("2026-01-10"), &json!("2026-01-11")));
    }
    assert_eq!(
        subjects(&town.get("/calendar/events?from=2026-01-10&to=2026-01-10").await),
        ["Fitting", "Fitting"]
    );
}

#[tokio::test]
async fn the_same_key_writes_one_event_however_often_it_comes() {
    for provider in ["google", "microsoft"] {
        let town = Town::new().await;
        town.connect(provider).await;
        let before = written(&town);
        let first = keyed(&town, "key-1", json!({})).await;
        assert_eq!((first.status, first.headers.get("idempotent-replayed")), (201, None), "{}", first.text);
        let again = keyed(&town, "key-1", json!({})).await;
        assert_eq!((again.status, again.headers["idempotent-replayed"].to_str().unwrap()), (201, "true"));
        assert_eq!((&again.body["event"]["id"], written(&town)), (&first.body["event"]["id"], before + 1));

        let other = keyed(&town, "key-1", json!({"subject": "Another"})).await;
        assert_eq!(
            (other.status, other.body["field"].as_str(), written(&town)),
            (422, Some("Idempotency-Key"), before + 1)
        );
        let answers = join_all((0..8).map(|_| keyed(&town, "key-2", json!({})))).await;
        assert!(answers.iter().all(|answer| answer.status == 201), "{answers:?}");
        assert_eq!(written(&town), before + 2);
        assert_eq!(keyed(&town, "", json!({})).await.body["field"], "Idempotency-Key");
    }
}

#[tokio::test]
async fn a_key_of_one_connection_is_not_good_for_another() {
    let (town, google) = microsoft_then_google().await;
    let before = written(&town);
    assert_eq!(keyed(&town, "key-1", json!({})).await.status, 201);
    let other = keyed(&town, "key-1", json!({"connection_id": google})).await;
    assert_eq!((other.status, written(&town)), (422, before + 1), "{}", other.text);
}

#[tokio::test]
async fn an_answer_that_was_lost_is_found_by_its_key() {
    for (provider, operation) in [("google", "events.insert"), ("microsoft", "events.create")] {
        let town = Town::new().await;
        town.connect(provider).await;
        let before = written(&town);
        town.arm(Fault::new(provider, operation, Kind::DropAfterCommit));
        let lost = keyed(&town, "key-1", json!({})).await;
        assert!(lost.status == 201 || lost.status == 503, "{}", lost.text);
        assert_eq!(keyed(&town, "key-1", json!({})).await.status, 201);
        assert_eq!(written(&town), before + 1);
    }
}

#[tokio::test]
async fn an_event_is_read_changed_and_deleted_by_its_id() {
    for provider in ["google", "microsoft"] {
        let town = Town::new().await;
        town.connect(provider).await;
        let before = written(&town);
        let made = create(&town, json!({"location": "Shop"})).await.body["event"].clone();
        let path = format!("/calendar/events/{}", made["id"].as_str().unwrap());
        let read = town.get(&path).await;
        assert_eq!((read.status, &read.body["subject"]), (200, &json!("Fitting")));

        let change = json!({"subject": "Second fitting", "start_time": "2026-01-06T15:00", "end_time": "2026-01-06T16:00"});
        let changed =
            with_etag(&town, Method::PATCH, &path, made["etag"].as_str().unwrap(), Some(change)).await;
        assert_eq!(changed.status, 200, "{}", changed.text);
        let event = &changed.body["event"];
        assert_eq!(
            (&event["subject"], &event["location"], &event["id"]),
            (&json!("Second fitting"), &json!("Shop"), &made["id"])
        );
        assert_eq!(event["start_time"], "2026-01-06T15:00:00+00:00");

        let stale = made["etag"].as_str().unwrap();
        let refused = with_etag(&town, Method::PATCH, &path, stale, Some(json!({"subject": "Late"}))).await;
        assert_eq!((refused.status, refused.code()), (412, "precondition_failed"));
        assert_eq!(with_etag(&town, Method::DELETE, &path, stale, None).await.status, 412);
        assert_eq!(
            (town.get(&path).await.body["subject"].clone(), written(&town)),
            (json!("Second fitting"), before + 1)
        );

        for _ in 0..2 {
            let gone = town.call(Method::DELETE, &path, None).await;
            assert_eq!((gone.status, written(&town)), (204, before), "{}", gone.text);
        }
        assert_eq!(town.get(&path).await.status, 404);
        assert_eq!(town.call(Method::PATCH, &path, Some(json!({"subject": "x"}))).await.status, 404);
    }
}
