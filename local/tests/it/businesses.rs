//! The business face: businesses, whether a time is free, bookings; for members and for servers.

use local::{
    visitor,
    world::{
        DEFAULT_EMAIL, Provider,
        faults::{Fault, Kind},
    },
};
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use shared::access::issue_service_token;

use crate::harness::{Answer, OTHER, Town, USER, at};

/// A business of the usual user's in New York, with a Google calendar.
async fn shop(town: &Town) -> String {
    let asked = json!({"name": "Example Hair", "google_calendar_timezone": "America/New_York"});
    let made = town.call(Method::POST, "/api/v1/businesses", Some(asked)).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let (id, owner) = (made.body["id"].as_str().unwrap(), made.body["owner"].as_str().unwrap());
    let (world, base) = (&town.stack.world, town.base());
    visitor::connect_for(world, base, owner, USER, "google", DEFAULT_EMAIL).await.unwrap();
    id.to_owned()
}

async fn service(town: &Town, tenant: &str, scopes: &[&str]) -> String {
    let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    let token = issue_service_token(&town.stack.app, tenant.parse().unwrap(), scopes, None).await.unwrap();
    token.expose_secret().to_owned()
}

fn wanted(shop: &str, date: &str, time: &str) -> Value {
    json!({"business_id": shop, "date": date, "start_time": time, "attendee": {"name": "Ada Example"}})
}

async fn book(town: &Town, body: Value) -> Answer {
    town.call(Method::POST, "/api/v1/bookings", Some(body)).await
}

#[tokio::test]
async fn a_member_makes_a_business_and_is_told_how_it_stands() {
    let town = Town::new().await;
    let id = shop(&town).await;
    let path = format!("/api/v1/businesses/{id}");
    let shown = town.get(&path).await.body;
    assert_eq!((&shown["name"], &shown["auto_sync_bookings"]), (&json!("Example Hair"), &json!(true)));
    assert_eq!(shown["google_calendar_connected"], true);
    assert_eq!(shown["google_calendar_id"], "primary");
    assert_eq!(shown["google_calendar_timezone"], "America/New_York");
    assert!(at(shown["google_token_expires_at"].as_str().unwrap()) > town.now());
    assert_eq!(shown["connections"][0]["provider"], "google");

    let listed = town.get(&format!("/api/v1/calendars?business_id={id}")).await;
    let calendars = listed.body["connections"][0]["calendars"].as_array().unwrap().clone();
    assert!(!calendars.is_empty(), "{}", listed.text);
    let other = calendars.iter().find(|one| one["primary"] == false && one["writable"] == true);
    let calendar = other.unwrap_or(&calendars[0])["id"].as_str().unwrap();
    let change = json!({"name": "Example Hair & Nails", "google_calendar_timezone": "Europe/London",
        "google_calendar_id": calendar, "auto_sync_bookings": false});
    let changed = town.call(Method::PATCH, &path, Some(change)).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert_eq!(changed.body["name"], "Example Hair & Nails");
    assert_eq!(changed.body["google_calendar_timezone"], "Europe/London");
    assert_eq!(changed.body["google_calendar_id"], calendar);
    assert_eq!(changed.body["auto_sync_bookings"], false);
    assert_eq!(changed.body["schedule"]["weekly"], shown["schedule"]["weekly"], "only the zone changed");
    assert_eq!(town.get(&path).await.body, changed.body);
}

#[tokio::test]
async fn a_business_is_made_once_under_one_key() {
    let town = Town::new().await;
    let make = async |name: &str| {
        let request = town.plain(Method::POST, "/api/v1/businesses").bearer_auth(town.session(USER));
        town.answer(request.header("Idempotency-Key", "first").json(&json!({"name": name}))).await
    };
    let (one, again) = (make("Example Hair").await, make("Example Hair").await);
    assert_eq!((one.status, again.status), (201, 201), "{}", again.text);
    assert_eq!(one.body["id"], again.body["id"]);
    // Somebody who writes at this moment is no reason to say that the person does not exist.
    town.arm(Fault::new("dynamodb", "TransactWriteItems", Kind::Status).with("TransactionConflict").times(9));
    let contended = town.call(Method::POST, "/api/v1/businesses", Some(json!({"name": "Third"}))).await;
    assert_eq!((contended.status, contended.code()), (503, "unavailable"), "{}", contended.text);
    town.stack.world.faults().clear();
    let other = make("Another").await;
    assert_eq!((other.status, &other.body["field"]), (400, &json!("Idempotency-Key")), "{}", other.text);
}

#[tokio::test]
async fn whether_a_time_is_free_is_answered_in_the_zone_of_the_business() {
    let town = Town::new().await;
    let id = shop(&town).await;
    let ask = async |query: &str| {
        town.get(&format!("/api/v1/calendar/availability?business_id={id}&{query}")).await
    };
    // Nine in New York is two in UTC.
    let (from, to) = (at("2026-01-13T15:00:00Z"), at("2026-01-13T16:00:00Z"));
    town.stack.world.add_event(Provider::Google, DEFAULT_EMAIL, "Foreign", from, to).unwrap();
    for free in [
        "date=2026-01-13&start_time=09:00",
        "date=2026-01-13&start_time=11:00-12:00",
        "date=2026-01-13&start_time=11:00&duration_minutes=60",
        "start_time=2026-01-13T16:00:00Z",
        "date=2026-01-13&start_time=9:30&end_time=10:00",
    ] {
        let answer = ask(free).await;
        assert_eq!((answer.status, &answer.body), (200, &json!({"available": true})), "{free}");
    }
    for (query, reason) in [
        ("date=2026-01-13&start_time=10:30", "fully_booked"),
        ("date=2026-01-13&start_time=09:30-10:30", "fully_booked"),
        ("date=2026-01-13&start_time=07:00", "outside_hours"),
        ("date=2026-01-17&start_time=10:00", "outside_hours"),
        ("date=2026-01-02&start_time=10:00", "notice"),
        ("date=2026-12-01&start_time=10:00", "horizon"),
    ] {
        let answer = ask(query).await;
        assert_eq!((answer.status, &answer.body["available"]), (200, &json!(false)), "{query}");
        assert_eq!(answer.body["reason"], reason, "{query}");
    }
    let taken = ask("date=2026-01-13&start_time=10:30").await.body;
    let alternatives = taken["alternatives"].as_array().unwrap();
    assert_eq!(alternatives.len(), 3);
    let mut offered = wanted(&id, "2026-01-13", "10:30");
    offered["slot"] = alternatives[0]["slot"].clone();
    let booked = book(&town, offered).await;
    assert_eq!((booked.status, &booked.body["start"]), (201, &alternatives[0]["start"]), "{}", booked.text);
    town.arm(Fault::new("google", "freebusy.query", Kind::Status).with(503).times(9));
    let answer = ask("date=2026-01-14&start_time=10:00").await.body;
    assert_eq!((&answer["available"], &answer["reason"]), (&json!(false), &json!("calendar_unreachable")));
}

#[tokio::test]
async fn a_whole_time_without_an_offset_is_meant_in_the_zone_of_the_business() {
    let town = Town::new().await;
    let id = shop(&town).await;
    for asked in [
        "start_time=2026-01-13T11:00",
        "start_time=2026-01-13T11:00:00",
        "start_time=2026-01-13T11:00&end_time=2026-01-13T12:00:00",
        "date=2026-01-13&start_time=2026-01-13T11:00&end_time=12:00",
    ] {
        let answer = town.get(&format!("/api/v1/calendar/availability?business_id={id}&{asked}")).await;
        assert_eq!((answer.status, &answer.body), (200, &json!({"available": true})), "{asked}");
    }
    for (written, start, moved_to, moved) in [
        ("2026-01-13T14:00", "2026-01-13T19:00:00Z", "2026-01-14T09:00:00", "2026-01-14T14:00:00Z"),
        ("2026-01-13T15:00:00", "2026-01-13T20:00:00Z", "2026-01-14T10:00", "2026-01-14T15:00:00Z"),
    ] {
        let body = json!({"business_id": id, "start_time": written, "attendee": {"name": "Ada Example"}});
        let made = book(&town, body).await;
        assert_eq!((made.status, &made.body["start"]), (201, &json!(start)), "{written} {}", made.text);
        let path = format!("/api/v1/bookings/{}?business_id={id}", made.body["id"].as_str().unwrap());
        let change = town.call(Method::PATCH, &path, Some(json!({"start_time": moved_to}))).await;
        assert_eq!((change.status, &change.body["start"]), (200, &json!(moved)), "{}", change.text);
    }
}

#[tokio::test]
async fn a_booking_is_made_moved_and_called_off_for_a_business() {
    let town = Town::new().await;
    let id = shop(&town).await;
    let made = book(&town, wanted(&id, "2026-01-13", "14:00")).await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(
        (&made.body["start"], &made.body["calendar_sync"]),
        (&json!("2026-01-13T19:00:00Z"), &json!("synced"))
    );
    assert_eq!(made.body["time_zone"], "America/New_York");
    let path = format!("/api/v1/bookings/{}?business_id={id}", made.body["id"].as_str().unwrap());

    let taken = book(&town, wanted(&id, "2026-01-13", "14:00")).await;
    assert_eq!((taken.status, &taken.body["code"]), (409, &json!("slot_taken")), "{}", taken.text);
    let free = taken.body["alternatives"].as_array().unwrap();
    assert_eq!(free.len(), 3);
    let moved = town.call(Method::PATCH, &path, Some(json!({"slot": free[0]["slot"]}))).await;
    assert_eq!((moved.status, &moved.body["start"]), (200, &free[0]["start"]), "{}", moved.text);
    let moved =
        town.call(Method::PATCH, &path, Some(json!({"date": "2026-01-14", "start_time": "9:00"}))).await;
    assert_eq!((moved.status, &moved.body["start"]), (200, &json!("2026-01-14T14:00:00Z")), "{}", moved.text);
    assert_eq!((&moved.body["id"], &moved.body["sequence"]), (&made.body["id"], &json!(2)));
    let list = format!("/api/v1/bookings?business_id={id}&from=2026-01-14&to=2026-01-14");
    assert_eq!(town.get(&list).await.body["bookings"], json!([moved.body]));
    assert_eq!(town.get(&path).await.body, moved.body);

    for (change, field) in [
        (json!({}), "start_time"),
        (json!({"status": "confirmed"}), "status"),
        (json!({"status": "cancelled", "date": "2026-01-14", "start_time": "9:00"}), "status"),
        (json!({"date": "2026-01-14"}), "start_time"),
        (json!({"start_time": "9:00"}), "date"),
        (json!({"date": "2026-01-14", "start_time": "9:00", "duration_minutes": 1}), "duration_minutes"),
    ] {
        let refused = town.call(Method::PATCH, &path, Some(change.clone())).await;
        assert_eq!(
            (refused.status, &refused.body["field"]),
            (400, &json!(field)),
            "{change} {}",
            refused.text
        );
    }
    for _ in 0..2 {
        let left = town.call(Method::DELETE, &path, None).await;
        assert_eq!((left.status, &left.body["status"]), (200, &json!("cancelled")), "{}", left.text);
    }
    assert!(town.appointments().is_empty(), "its event is gone");
    let second = book(&town, wanted(&id, "2026-01-13", "14:00")).await;
    let path = format!("/api/v1/bookings/{}?business_id={id}", second.body["id"].as_str().unwrap());
    let left = town.call(Method::PATCH, &path, Some(json!({"status": "cancelled"}))).await;
    assert_eq!((left.status, &left.body["status"]), (200, &json!("cancelled")), "{}", left.text);
}

#[tokio::test]
async fn a_calendar_that_fails_never_loses_the_booking() {
    let town = Town::new().await;
    let id = shop(&town).await;
    town.arm(Fault::new("google", "events.insert", Kind::Status).with(503).times(2));
    let made = book(&town, wanted(&id, "2026-01-13", "14:00")).await;
    assert_eq!((made.status, &made.body["calendar_sync"]), (201, &json!("pending")), "{}", made.text);
    town.advance(120);
    let run = town.plain(Method::POST, "/_local/run").json(&json!({"function": "reconcile"}));
    assert_eq!(town.answer(run).await.body["result"]["finished"], 1);
    let path = format!("/api/v1/bookings/{}?business_id={id}", made.body["id"].as_str().unwrap());
    assert_eq!(town.get(&path).await.body["calendar_sync"], "synced");
    assert_eq!(town.appointments().len(), 1);
}

#[tokio::test]
async fn a_business_that_keeps_bookings_out_of_its_calendar_needs_none() {
    let town = Town::new().await;
    let asked =
        json!({"name": "Example Hair", "google_calendar_timezone": "UTC", "auto_sync_bookings": false});
    let made = town.call(Method::POST, "/api/v1/businesses", Some(asked)).await.body;
    let id = made["id"].as_str().unwrap();
    assert_eq!((&made["google_calendar_connected"], &made["connections"]), (&json!(false), &json!([])));
    let free = format!("/api/v1/calendar/availability?business_id={id}&date=2026-01-13&start_time=10:00");
    assert_eq!(town.get(&free).await.body, json!({"available": true}));
    let booked = book(&town, wanted(id, "2026-01-13", "10:00")).await;
    assert_eq!((booked.status, &booked.body["calendar_sync"]), (201, &json!("off")), "{}", booked.text);
    let answer = town.get(&free).await.body;
    assert_eq!((&answer["available"], &answer["reason"]), (&json!(false), &json!("fully_booked")));
    assert_eq!(answer["alternatives"].as_array().unwrap().len(), 3);
    let calendars = town.get(&format!("/api/v1/calendars?business_id={id}")).await;
    assert_eq!((calendars.status, &calendars.body["code"]), (409, &json!("no_connection")));
    assert_eq!(
        calendars.body["reconnect_url"],
        format!("{}/calendar/auth/start?owner=business:{id}", town.base())
    );
}

#[tokio::test]
async fn somebody_elses_business_is_not_found() {
    let town = Town::new().await;
    let id = shop(&town).await;
    let made = book(&town, wanted(&id, "2026-01-13", "14:00")).await;
    let booking = made.body["id"].as_str().unwrap();
    let stranger = town.session(OTHER);
    let foreign = service(&town, "business:biz_another", &["business:*"]).await;
    for token in [&stranger, &foreign] {
        for (method, path, body) in [
            (Method::GET, format!("/api/v1/businesses/{id}"), None),
            (Method::PATCH, format!("/api/v1/businesses/{id}"), Some(json!({"name": "Mine"}))),
            (Method::GET, format!("/api/v1/calendars?business_id={id}"), None),
            (
                Method::GET,
                format!("/api/v1/calendar/availability?business_id={id}&date=2026-01-13&start_time=9:00"),
                None,
            ),
            (Method::POST, "/api/v1/bookings".to_owned(), Some(wanted(&id, "2026-01-13", "15:00"))),
            (Method::GET, format!("/api/v1/bookings?business_id={id}"), None),
            (Method::GET, format!("/api/v1/bookings/{booking}?business_id={id}"), None),
            (
                Method::PATCH,
                format!("/api/v1/bookings/{booking}?business_id={id}"),
                Some(json!({"status": "cancelled"})),
            ),
            (Method::DELETE, format!("/api/v1/bookings/{booking}?business_id={id}"), None),
        ] {
            let refused = town.call_as(token, method.clone(), &path, body).await;
            assert_eq!(
                (refused.status, &refused.body["detail"]),
                (404, &json!("Business not found")),
                "{method} {path}"
            );
            let nowhere = path.replace(&id, "biz_nowhere");
            let unknown = town.call_as(token, Method::GET, &nowhere, None).await;
            if method == Method::GET {
                assert_eq!(
                    (unknown.status, &unknown.body["detail"]),
                    (404, &refused.body["detail"]),
                    "{nowhere}"
                );
            }
        }
    }
    assert_eq!(town.get(&format!("/api/v1/bookings/{booking}?business_id={id}")).await.body, made.body);
}

fn detail(answer: &Answer) -> &str {
    answer.body["detail"].as_str().unwrap()
}

#[tokio::test]
async fn servers_act_for_the_business_of_their_token_within_its_scopes() {
    let town = Town::new().await;
    let id = shop(&town).await;
    let owner = format!("business:{id}");
    let (reads, all) =
        (service(&town, &owner, &["business:read"]).await, service(&town, &owner, &["business:*"]).await);
    let other = service(&town, &owner, &["users:read"]).await;
    // The token names the business.
    assert_eq!(town.call_as(&reads, Method::GET, "/api/v1/bookings", None).await.status, 200);
    let body = json!({"date": "2026-01-13", "start_time": "14:00", "attendee": {"name": "Ada Example"}});
    for token in [&reads, &other] {
        let refused = town.call_as(token, Method::POST, "/api/v1/bookings", Some(body.clone())).await;
        assert_eq!(
            (refused.status, &refused.body["code"]),
            (403, &json!("insufficient_scope")),
            "{}",
            refused.text
        );
        assert!(detail(&refused).ends_with("needs business:write or business:*."), "{}", refused.text);
    }
    let refused = town.call_as(&other, Method::GET, "/api/v1/bookings", None).await;
    assert_eq!(refused.status, 403);
    assert!(detail(&refused).ends_with("needs business:read or business:*."), "{}", refused.text);
    assert_eq!(town.call_as(&all, Method::POST, "/api/v1/bookings", Some(body)).await.status, 201);
    // A person has no business of his own to fall back on, and a server no calendar of its own.
    let unnamed = town.get("/api/v1/bookings").await;
    assert_eq!((unnamed.status, &unnamed.body["field"]), (400, &json!("business_id")));
    assert_eq!(town.call_as(&all, Method::GET, "/calendar/bookings", None).await.status, 403);
}

#[tokio::test]
async fn a_tenant_manages_the_businesses_that_its_token_made() {
    let town = Town::new().await;
    let (agency, rival) = (
        service(&town, "subaccount:agency", &["business:*"]).await,
        service(&town, "subaccount:rival", &["business:*"]).await,
    );
    let asked =
        json!({"name": "Example Hair", "auto_sync_bookings": false, "google_calendar_timezone": "UTC"});
    let made = town.call_as(&agency, Method::POST, "/api/v1/businesses", Some(asked.clone())).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let id = made.body["id"].as_str().unwrap();
    let booked = town
        .call_as(&agency, Method::POST, "/api/v1/bookings", Some(wanted(id, "2026-01-13", "10:00")))
        .await;
    assert_eq!(booked.status, 201, "{}", booked.text);
    let path = format!("/api/v1/businesses/{id}");
    assert_eq!(town.call_as(&rival, Method::GET, &path, None).await.status, 404);
    assert_eq!(town.call(Method::GET, &path, None).await.status, 404, "nobody became its member");
    let reads = service(&town, "subaccount:agency", &["business:read"]).await;
    assert_eq!(town.call_as(&reads, Method::GET, &path, None).await.status, 200);
    assert_eq!(town.call_as(&reads, Method::POST, "/api/v1/businesses", Some(asked)).await.status, 403);
}

#[tokio::test]
async fn only_a_member_completes_the_connection_of_a_business() {
    let town = Town::new().await;
    let made =
        town.call(Method::POST, "/api/v1/businesses", Some(json!({"name": "Example Hair"}))).await.body;
    let owner = made["owner"].as_str().unwrap();
    let (world, base) = (&town.stack.world, town.base());
    let refused = visitor::connect_for(world, base, owner, OTHER, "google", DEFAULT_EMAIL).await.unwrap_err();
    assert!(refused.contains("403") && refused.contains("wrong_person"), "{refused}");
    let path = format!("/api/v1/businesses/{}", made["id"].as_str().unwrap());
    assert_eq!(town.get(&path).await.body["connections"], json!([]));
    visitor::connect_for(world, base, owner, USER, "google", DEFAULT_EMAIL).await.unwrap();
    assert_eq!(town.get(&path).await.body["google_calendar_connected"], true);
}

#[tokio::test]
async fn this_face_says_what_is_wrong_in_its_own_shape() {
    let town = Town::new().await;
    let id = shop(&town).await;
    let refused = book(&town, json!({"business_id": id, "date": "2026-01-13", "start_time": "14:00"})).await;
    assert_eq!(refused.status, 400, "{}", refused.text);
    assert_eq!(refused.headers["content-type"], "application/json");
    assert_eq!(refused.body["detail"], "attendee is missing");
    let names: Vec<_> = refused.body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["code", "detail", "field", "request_id"]);
    for (body, field) in [
        (json!({"name": ""}), "name"),
        (json!({}), "name"),
        (json!({"name": "x", "google_calendar_timezone": "Mars/Olympus"}), "google_calendar_timezone"),
        (
            json!({"name": "x", "schedule": {"time_zone": "UTC", "weekly": [{"days": [9]}]}}),
            "schedule.weekly[0].days",
        ),
        (
            json!({"name": "x", "google_calendar_timezone": "UTC", "schedule": {"time_zone": "Europe/London", "weekly": []}}),
            "google_calendar_timezone",
        ),
    ] {
        let refused = town.call(Method::POST, "/api/v1/businesses", Some(body.clone())).await;
        assert_eq!((refused.status, &refused.body["field"]), (400, &json!(field)), "{body} {}", refused.text);
    }
    let unknown = town.call(Method::POST, "/api/v1/businesses", None).await;
    assert_eq!(
        (unknown.status, &unknown.body["code"]),
        (400, &json!("malformed_request")),
        "{}",
        unknown.text
    );
    let path = format!("/api/v1/businesses/{id}");
    let refused =
        town.call(Method::PATCH, &path, Some(json!({"google_calendar_id": "nobody@example.com"}))).await;
    assert_eq!(
        (refused.status, &refused.body["field"]),
        (400, &json!("google_calendar_id")),
        "{}",
        refused.text
    );
}
