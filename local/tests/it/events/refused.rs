//! Bad input and other people's events: what is refused names its field, and nothing is written.

use local::world::{
    DEFAULT_EMAIL,
    faults::{Fault, Kind},
};
use reqwest::Method;
use serde_json::json;

use super::{create, draft, says_nothing, written};
use crate::harness::{OTHER, Town, USER};

#[tokio::test]
async fn a_change_must_make_sense_and_names_its_field() {
    let town = Town::connected().await;
    let made = create(&town, json!({})).await.body["event"].clone();
    let path = format!("/calendar/events/{}", made["id"].as_str().unwrap());
    for (change, field) in [
        (json!({"start_time": "2026-01-06T15:00"}), "end_time"),
        (json!({"end_time": "2026-01-06T15:00"}), "start_time"),
        (json!({"start_time": "2026-01-06T15:00", "end_time": "2026-01-06T14:00"}), "end_time"),
        (json!({"subject": " "}), "subject"),
        (
            json!({"start_time": "2026-01-06T15:00", "end_time": "2026-01-06T16:00", "time_zone": "Mars"}),
            "time_zone",
        ),
        (json!({"attendees": ["nobody"]}), "attendees[0].email"),
    ] {
        let answer = town.call(Method::PATCH, &path, Some(change)).await;
        assert_eq!((answer.status, answer.body["field"].as_str()), (422, Some(field)), "{}", answer.text);
    }
    let same = town.get(&path).await.body;
    assert_eq!(same["etag"], made["etag"]);
    let nothing = town.call(Method::PATCH, &path, Some(json!({}))).await;
    assert_eq!(
        (nothing.status, &nothing.body["event"]["subject"]),
        (200, &json!("Fitting")),
        "{}",
        nothing.text
    );
}

#[tokio::test]
async fn somebody_elses_event_and_one_that_never_was_are_not_found() {
    let town = Town::connected().await;
    local::visitor::connect(&town.stack.world, town.base(), OTHER, "google", DEFAULT_EMAIL).await.unwrap();
    let (mine, before) =
        (create(&town, json!({})).await.body["event"]["id"].as_str().unwrap().to_owned(), written(&town));
    let theirs = town.session(OTHER);
    for (token, id) in
        [(&theirs, mine.as_str()), (&town.session(USER), "EXAMPLE"), (&town.session(USER), "%00")]
    {
        for (method, body) in
            [(Method::GET, None), (Method::PATCH, Some(json!({"subject": "x"}))), (Method::DELETE, None)]
        {
            let answer = town.call_as(token, method.clone(), &format!("/calendar/events/{id}"), body).await;
            assert_eq!((answer.status, answer.code()), (404, "not_found"), "{method} {id} {}", answer.text);
        }
    }
    assert_eq!(written(&town), before);
}

#[tokio::test]
async fn an_odd_event_is_refused_with_its_fields_name_and_writes_nothing() {
    let town = Town::connected().await;
    let before = written(&town);
    for (more, field) in [
        (json!({"end_time": "2026-01-06T13:00"}), "end_time"),
        (json!({"end_time": "2026-01-06T14:00"}), "end_time"),
        (json!({"time_zone": "Mars/Olympus"}), "time_zone"),
        (json!({"subject": null}), "subject"),
        (json!({"subject": ""}), "subject"),
        (json!({"subject": 5}), "subject"),
        (json!({"start_time": "tomorrow"}), "start_time"),
        (json!({"start_time": null}), "start_time"),
        (json!({"attendee_email": "nobody"}), "attendees[0].email"),
        (json!({"connection_id": "EXAMPLE"}), "connection_id"),
        (json!({"start_time": "2026-01-10", "end_time": "2026-01-09", "all_day": true}), "end_time"),
    ] {
        let answer = create(&town, more).await;
        assert_eq!((answer.status, answer.body["field"].as_str()), (422, Some(field)), "{}", answer.text);
        assert_eq!((answer.code(), &answer.body["status"]), ("invalid_field", &json!(422)));
        assert!(answer.body["detail"].is_string() && answer.body["request_id"].is_string());
    }
    assert_eq!(written(&town), before);
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_refused_as_what_it_is() {
    let town = Town::connected().await;
    let before = written(&town);
    let post = async |kind: &str, body: String| {
        let request = town.plain(Method::POST, "/calendar/events").bearer_auth(town.session(USER));
        town.answer(request.header("content-type", kind).body(body)).await
    };
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    for body in ["{", "", "subject=x", "\u{feff}{}", deep.as_str()] {
        let answer = post("application/json", body.to_owned()).await;
        assert_eq!((answer.status, answer.code()), (400, "malformed_request"), "{}", answer.text);
    }
    for body in ["[]", "null", "5", "\"x\""] {
        let answer = post("application/json", body.to_owned()).await;
        assert!([400, 422].contains(&answer.status), "{body} {}", answer.text);
    }
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        let answer = post(kind, draft(json!({})).to_string()).await;
        assert_eq!((answer.status, answer.code()), (415, "unsupported_media_type"));
    }
    let large = draft(json!({"body": "x".repeat(257 << 10)})).to_string();
    let answer = post("application/json", large).await;
    assert_eq!((answer.status, answer.code()), (413, "payload_too_large"));
    assert_eq!(written(&town), before);
}

#[tokio::test]
async fn a_provider_out_of_order_is_an_outage_that_says_nothing() {
    for (provider, list, insert) in
        [("google", "events.list", "events.insert"), ("microsoft", "calendarView", "events.create")]
    {
        let town = Town::new().await;
        town.connect(provider).await;
        let (before, path) = (written(&town), "/calendar/events");
        town.arm(Fault::new(provider, list, Kind::Status).with(500).times(20));
        town.arm(
            Fault::new(provider, insert, Kind::Status)
                .with(json!({"status": 429, "retry_after": 9}))
                .times(20),
        );
        for (answer, wait) in [(town.get(path).await, "2"), (create(&town, json!({})).await, "9")] {
            assert_eq!((answer.status, answer.code()), (503, "unavailable"), "{}", answer.text);
            assert_eq!(answer.headers["retry-after"], wait);
            says_nothing(&answer);
        }
        assert_eq!(written(&town), before);
    }
}
