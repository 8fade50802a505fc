//! Things that somebody may try, and races that somebody may lose: what was found once stays found.

use futures_util::future::join_all;
use local::{
    visitor::Visitor,
    world::{Account, Choice, DEFAULT_EMAIL, UserEvent},
};
use reqwest::Method;
use serde_json::{Value, json};
use shared::{
    ids::OwnerId,
    random,
    store::connections::{Connection, Status},
};

use crate::harness::{OTHER, Town, USER};

async fn connection(town: &Town) -> Connection {
    let rows = town.stack.app.store.owner_rows(&OwnerId::user(USER).unwrap()).await.unwrap();
    rows.connections.into_iter().next().unwrap()
}

#[tokio::test]
async fn s4_a_deleted_user_links_nothing_even_with_a_flow_that_was_proved_before() {
    let town = Town::new().await;
    let mut visitor = Visitor::new(town.base()).unwrap();
    visitor.set_cookie("__session", &town.session(USER));
    let authorize_url = visitor.start(USER, "google").await.unwrap();
    let callback = visitor.consent(&authorize_url, &Choice::approve(DEFAULT_EMAIL)).await.unwrap();
    assert_eq!(town.clerk(UserEvent::Deleted, USER, None).await, 200);
    let landed = visitor.come_back(&callback).await.unwrap();
    assert_eq!((landed.auth.as_str(), landed.code.as_deref()), ("error", Some("not_found")));
    assert!(town.rows("connections").is_empty() && town.rows("keys").is_empty());
}

#[tokio::test]
async fn s1_two_links_of_one_account_at_once_are_one_connection() {
    let town = Town::new().await;
    let mut tries = Vec::new();
    for _ in 0..4 {
        let mut visitor = Visitor::new(town.base()).unwrap();
        let handle =
            visitor.connect(USER, "google", &Choice::approve(DEFAULT_EMAIL)).await.unwrap().handle.unwrap();
        tries.push((visitor, handle));
    }
    let session = town.session(USER);
    join_all(tries.iter().map(|(visitor, handle)| visitor.complete(&session, handle))).await;
    let status = town.get("/calendar/auth/status").await;
    assert_eq!(status.body["connections"].as_array().unwrap().len(), 1, "{}", status.text);
    assert_eq!(town.rows("keys").len(), 1, "no key is left behind");
    assert_eq!(town.get("/calendar/events").await.status, 200);
}

#[tokio::test]
async fn s1_a_stranger_cannot_use_up_somebodys_starts() {
    let town = Town::new().await;
    let start = |address: &str| {
        let path = format!("/calendar/auth/start?user_id={USER}");
        let event = json!({
            "version": "2.0", "routeKey": "GET /calendar/auth/start", "rawPath": "/calendar/auth/start",
            "rawQueryString": format!("user_id={USER}"), "headers": {"host": "localhost"},
            "requestContext": {"accountId": "1", "apiId": "a", "domainName": "localhost", "domainPrefix": "l",
                "http": {"method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": address, "userAgent": "x"},
                "requestId": "r", "routeKey": "GET /calendar/auth/start", "stage": "$default",
                "time": "05/Jan/2026:12:00:00 +0000", "timeEpoch": 1_767_614_400_000_i64},
            "isBase64Encoded": false,
        });
        functions_answer(&town, event)
    };
    for _ in 0..20 {
        assert_eq!(start("192.0.2.1").await, 307);
    }
    assert_eq!(start("192.0.2.1").await, 429);
    assert_eq!(start("198.51.100.7").await, 307, "the owner himself comes from elsewhere");
}

async fn functions_answer(town: &Town, event: Value) -> u64 {
    let edge = functions::Edge::new(town.stack.app.clone());
    let answer = edge.invoke(functions::Function::AuthStart, event, "attack").await.unwrap();
    answer["statusCode"].as_u64().unwrap()
}

#[tokio::test]
async fn s2_a_replaced_connection_leaves_no_key_behind() {
    let town = Town::new().await;
    town.connect("google").await;
    town.stack.world.add_account(Account::google("second@example.com"));
    let mut visitor = Visitor::new(town.base()).unwrap();
    let start = format!("{}/calendar/auth/start?user_id={USER}&provider=google&replace=true", town.base());
    let authorize_url =
        visitor.visit(&start).await.unwrap().headers()["location"].to_str().unwrap().to_owned();
    let callback = visitor.consent(&authorize_url, &Choice::approve("second@example.com")).await.unwrap();
    let handle = visitor.come_back(&callback).await.unwrap().handle.unwrap();
    assert_eq!(visitor.complete(&town.session(USER), &handle).await.unwrap().0, 200);
    let left = connection(&town).await;
    let keys = town.rows("keys");
    assert_eq!((keys.len(), keys[0]["id"]["S"].as_str()), (1, Some(left.data_key_id.as_str())));
}

#[tokio::test]
async fn s2_a_worn_data_key_is_replaced_and_goes_and_none_comes_after_the_connection() {
    let town = Town::new().await;
    town.connect("google").await;
    let before = connection(&town).await;
    town.advance(31 * 24 * 3600);
    assert_eq!(town.get("/calendar/events").await.status, 200);
    let after = connection(&town).await;
    assert_ne!(before.data_key_id, after.data_key_id);
    let keys = town.rows("keys");
    assert_eq!((keys.len(), keys[0]["id"]["S"].as_str()), (1, Some(after.data_key_id.as_str())));

    // A refresh that is under way when the connection ends, and has to replace the key.
    town.advance(31 * 24 * 3600);
    town.arm(
        local::world::faults::Fault::new("kms", "GenerateDataKey", local::world::faults::Kind::Delay)
            .with(300),
    );
    let (looked, ended) = tokio::join!(
        town.get("/calendar/events"),
        town.call(Method::DELETE, "/calendar/auth/disconnect", None)
    );
    assert_eq!(ended.status, 200, "{}", ended.text);
    assert!([200, 409].contains(&looked.status), "{}", looked.text);
    assert!(town.rows("keys").is_empty(), "{:?}", town.rows("keys"));
}

#[tokio::test]
async fn a_forged_cursor_or_event_id_reaches_no_calendar_that_does_not_count() {
    let town = Town::new().await;
    town.connect("google").await;
    let id = connection(&town).await.id;
    let place = |calendar: &str| json!({"connection": id, "calendar": calendar, "next": "x"});
    for places in [json!([place("private")]), json!(vec![place("primary"); 75])] {
        town.counters().reset();
        let cursor = random::base64url(places.to_string().as_bytes());
        let answer = town.get(&format!("/calendar/events?cursor={cursor}")).await;
        assert_eq!((answer.status, answer.body["field"].as_str()), (422, Some("cursor")), "{}", answer.text);
        assert_eq!(town.counters().of("google", "events.list"), 0);
    }
    let forged = random::base64url(format!("{id}\u{1f}private\u{1f}event").as_bytes());
    assert_eq!(town.get(&format!("/calendar/events/{forged}")).await.status, 404);
    assert_eq!(town.counters().of("google", "events.get"), 0);
}

#[tokio::test]
async fn settings_that_are_written_at_the_same_time_do_not_undo_each_other() {
    let town = Town::connected().await;
    let owner = OwnerId::user(USER).unwrap();
    let rows = town.stack.app.store.owner_rows(&owner).await.unwrap();
    let chosen = &rows.connections[1].id;
    assert_eq!(
        town.call(Method::POST, &format!("/calendar/connections/{chosen}/default"), None).await.status,
        204
    );
    // Keeps the first schedule from rows that were read before the choice.
    let schedule = shared::schedule::Schedule::default_in("Europe/London");
    town.stack.app.store.set_schedule(&owner, &schedule).await.unwrap();
    let after = town.stack.app.store.owner_rows(&owner).await.unwrap();
    assert_eq!(after.settings.default_connection.as_ref(), Some(chosen));
    assert_eq!(after.settings.schedule.unwrap().time_zone, "Europe/London");
    assert!(after.connections.iter().all(|row| row.status == Status::Active));
}

#[tokio::test]
async fn an_org_claim_opens_the_business_of_that_name_and_nothing_else() {
    let town = Town::new().await;
    let token = town.stack.world.session_token(OTHER, &json!({"o": {"id": "org_2Salon", "rol": "member"}}));
    for (owner, expected) in
        [("business:org_2Salon", 200), ("subaccount:org_2Salon", 404), ("business:org_2Other", 404)]
    {
        let answer =
            town.call_as(&token, Method::GET, &format!("/calendar/auth/status?owner={owner}"), None).await;
        assert_eq!(answer.status, expected, "{owner}: {}", answer.text);
    }
}

#[tokio::test]
async fn years_that_no_calendar_has_are_refused_by_name() {
    let town = Town::connected().await;
    for path in ["/calendar/free-busy", "/calendar/availability", "/calendar/events"] {
        for year in ["-000005-12-31T00:00:00Z", "9999-12-31", "0001-01-01T00:00:00Z"] {
            let answer = town.get(&format!("{path}?from={year}")).await;
            assert_eq!((answer.status, answer.body["field"].as_str()), (422, Some("from")), "{path} {year}");
        }
    }
}
