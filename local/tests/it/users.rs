//! What Clerk's webhooks do to people, whatever their order, and what a person sees of himself.

use futures_util::future::join_all;
use local::world::UserEvent;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, OTHER, Town, USER, signed};

/// A message about a user whose state arose at an instant.
fn event(kind: &str, user: &str, first_name: &str, updated: i64) -> String {
    json!({"object": "event", "type": kind, "data": {
        "id": user, "first_name": first_name, "last_name": "Caller", "created_at": 1_700_000_000_000_i64,
        "updated_at": updated, "primary_email_address_id": "idn_1",
        "email_addresses": [{"id": "idn_1", "email_address": "ada@example.com"}],
    }})
    .to_string()
}

fn deleted(user: &str) -> String {
    json!({"type": "user.deleted", "data": {"id": user, "object": "user", "deleted": true}}).to_string()
}

async fn deliver(town: &Town, id: &str, body: &str) -> Answer {
    town.webhook(&signed(id, town.now().as_second(), body)).await
}

async fn first_name(town: &Town) -> Value {
    town.get("/users/me").await.body["first_name"].clone()
}

/// The rows of the directory about people.
fn people(town: &Town) -> usize {
    town.rows("directory").iter().filter(|row| row["pk"]["S"].as_str().unwrap().starts_with("USER#")).count()
}

#[tokio::test]
async fn a_session_without_a_row_gets_one_and_the_webhook_fills_it() {
    let town = Town::new().await;
    let me = town.get("/users/me").await;
    assert_eq!((me.status, &me.body["clerk_user_id"], &me.body["email"]), (200, &json!(USER), &Value::Null));
    assert_eq!((&me.body["id"], people(&town)), (&json!(format!("user:{USER}")), 1));

    assert_eq!(town.clerk(UserEvent::Created, USER, Some("ada@example.com")).await, 200);
    let me = town.get("/users/me").await;
    assert_eq!((&me.body["email"], people(&town)), (&json!("ada@example.com"), 1));

    town.advance(10);
    assert_eq!(town.clerk(UserEvent::Updated, USER, Some("lovelace@example.com")).await, 200);
    assert_eq!(town.get("/users/me").await.body["email"], "lovelace@example.com");
    assert_eq!(town.clerk(UserEvent::Updated, USER, None).await, 200);
    assert_eq!(town.get("/users/me").await.body["email"], Value::Null);
}

#[tokio::test]
async fn an_older_update_that_comes_later_changes_nothing() {
    let town = Town::new().await;
    for (id, name, updated) in [("msg_1", "Second", 2000), ("msg_2", "First", 1000)] {
        assert_eq!(deliver(&town, id, &event("user.updated", USER, name, updated)).await.status, 200);
        assert_eq!(first_name(&town).await, "Second");
    }
    assert_eq!(deliver(&town, "msg_3", &event("user.created", USER, "First", 1)).await.status, 200);
    assert_eq!(first_name(&town).await, "Second");
    assert_eq!(deliver(&town, "msg_4", &event("user.updated", USER, "Third", 3000)).await.status, 200);
    assert_eq!(first_name(&town).await, "Third");
}

#[tokio::test]
async fn twenty_deliveries_of_one_message_at_once_have_one_effect() {
    let town = Town::new().await;
    let body = event("user.created", USER, "Once", 1000);
    let answers = join_all((0..20).map(|_| deliver(&town, "msg_same", &body))).await;
    let done = answers.iter().filter(|answer| answer.status == 200).count();
    assert!(done >= 1);
    // Svix repeats what was not taken.
    assert!(answers.iter().all(|answer| answer.status == 200 || answer.code() == "in_progress"));
    assert_eq!((people(&town), first_name(&town).await), (1, json!("Once")));

    // A message that was taken is not read again, not even with another body.
    let again = deliver(&town, "msg_same", &event("user.created", USER, "Twice", 9000)).await;
    assert_eq!((again.status, first_name(&town).await), (200, json!("Once")));
}

#[tokio::test]
async fn a_deleted_user_stays_deleted_whatever_comes_later() {
    let town = Town::new().await;
    assert_eq!(deliver(&town, "msg_1", &event("user.created", USER, "Ada", 1000)).await.status, 200);
    assert_eq!(deliver(&town, "msg_2", &deleted(USER)).await.status, 200);
    let later = town.now().as_millisecond() + 3_600_000;
    for (id, kind) in [("msg_3", "user.updated"), ("msg_4", "user.created")] {
        assert_eq!(deliver(&town, id, &event(kind, USER, "Ada", later)).await.status, 200);
    }
    let me = town.get("/users/me").await;
    assert_eq!((me.status, me.code()), (404, "not_found"));
    let kept = town.rows("directory");
    let kept: Vec<_> = kept.iter().map(ToString::to_string).filter(|row| row.contains(USER)).collect();
    assert!(kept.len() == 1 && !kept[0].contains("Ada") && !kept[0].contains("example.com"), "{kept:?}");
}

#[tokio::test]
async fn a_user_who_is_deleted_before_he_was_heard_of_stays_deleted() {
    let town = Town::new().await;
    assert_eq!(deliver(&town, "msg_1", &deleted(USER)).await.status, 200);
    assert_eq!(deliver(&town, "msg_2", &event("user.created", USER, "Ada", 1000)).await.status, 200);
    assert_eq!(town.get("/users/me").await.status, 404);
}

#[tokio::test]
async fn connected_says_what_works_at_this_moment() {
    let town = Town::new().await;
    let connected = async |town: &Town| {
        let me = town.get("/users/me").await.body;
        (me["microsoft_calendar_connected"] == true, me["google_calendar_connected"] == true)
    };
    assert_eq!(connected(&town).await, (false, false));
    town.connect("google").await;
    assert_eq!(connected(&town).await, (false, true));
    town.connect("microsoft").await;
    assert_eq!(connected(&town).await, (true, true));
    town.call(Method::DELETE, "/calendar/auth/disconnect?provider=google", None).await;
    assert_eq!(connected(&town).await, (true, false));
}

#[tokio::test]
async fn deleting_a_user_erases_his_calendars_and_their_keys() {
    let town = Town::connected().await;
    let world = &town.stack.world;
    local::visitor::connect(world, town.base(), OTHER, "google", "ada@example.com").await.unwrap();
    town.get("/calendar/availability").await;
    assert_eq!(town.rows("keys").len(), 3);
    assert_eq!(town.clerk(UserEvent::Deleted, USER, None).await, 200);
    let status = town.get("/calendar/auth/status").await;
    assert_eq!((status.status, &status.body["connections"]), (200, &json!([])));
    let rows: Vec<_> = town.rows("connections").iter().map(ToString::to_string).collect();
    assert!(rows.iter().all(|row| !row.contains(USER)), "{rows:?}");
    assert_eq!(town.rows("keys").len(), 1, "the other owner's key");
    let theirs = town.call_as(&town.session(OTHER), Method::GET, "/calendar/events", None).await;
    assert_eq!(theirs.status, 200);
}

#[tokio::test]
async fn deleting_a_user_erases_his_bookings_within_minutes_and_nobody_elses() {
    let town = Town::connected().await;
    let theirs =
        local::visitor::connect(&town.stack.world, town.base(), OTHER, "google", "ada@example.com").await;
    theirs.unwrap();
    let body = |day: u32| json!({"start": format!("2026-01-{day}T15:00:00Z"), "attendee": {"name": "Ada Example", "phone": "+15550100"}});
    for day in [13, 14, 15] {
        let made = town.call(Method::POST, "/calendar/bookings", Some(body(day))).await;
        assert_eq!(made.status, 201, "{}", made.text);
    }
    let other = town.call_as(&town.session(OTHER), Method::POST, "/calendar/bookings", Some(body(16))).await;
    assert_eq!(other.status, 201, "{}", other.text);
    assert_eq!(town.clerk(UserEvent::Deleted, USER, None).await, 200);
    let of = |user: &str| {
        town.rows("bookings").iter().filter(|row| row["pk"]["S"].as_str().unwrap().ends_with(user)).count()
    };
    let others = of(OTHER);
    assert!(of(USER) > 3 && others > 1);
    let reconcile = async || {
        let run = town.plain(Method::POST, "/_local/run").json(&json!({"function": "reconcile"}));
        let ran = town.answer(run).await;
        assert_eq!((ran.status, &ran.body["result"]["failed"]), (200, &json!(0)), "{}", ran.text);
    };
    reconcile().await;
    assert_eq!((of(USER), of(OTHER)), (1, others), "what asks for the erasure is left");
    // A request that was under way wrote once more.
    let late = town
        .rows("bookings")
        .into_iter()
        .find(|row| row["pk"]["S"].as_str().unwrap().ends_with(OTHER))
        .unwrap();
    let mut late = late;
    late["pk"]["S"] = json!(format!("OWNER#user:{USER}"));
    let put =
        serde_json::from_value(json!({"TableName": town.stack.app.config.tables.bookings, "Item": late}))
            .unwrap();
    town.stack.dynamo.database().put_item(put).unwrap();
    town.advance(301);
    reconcile().await;
    assert_eq!(of(USER), 1);
    town.advance(301);
    reconcile().await;
    assert_eq!((of(USER), of(OTHER)), (0, others));
}

#[tokio::test]
async fn deleting_a_user_ends_his_memberships() {
    let town = Town::new().await;
    let joined = json!({"type": "organizationMembership.created", "data": {"role": "org:admin",
        "organization": {"id": "org_2Ours"}, "public_user_data": {"user_id": USER}}});
    assert_eq!(deliver(&town, "msg_1", &joined.to_string()).await.status, 200);
    assert_eq!(deliver(&town, "msg_2", &deleted(USER)).await.status, 200);
    let acting = town.get("/calendar/auth/status?owner=business:org_2Ours").await;
    assert_eq!(acting.status, 404, "{}", acting.text);
}

#[tokio::test]
async fn a_message_without_a_good_signature_writes_nothing() {
    let town = Town::new().await;
    let (now, before) = (town.now().as_second(), town.rows("directory").len());
    let body = event("user.created", USER, "Ada", 1000);
    let good = signed("msg_1", now, &body);
    let without = |name: &str| {
        let mut webhook = good.clone();
        webhook.headers.retain(|(known, _)| known != name);
        webhook
    };
    let mut other_body = good.clone();
    other_body.body = body.replace("Ada", "Eve");
    let mut other_id = good.clone();
    other_id.headers[0].1 = "msg_2".to_owned();
    let mut odd = good.clone();
    odd.headers[2].1 = "v1,RVhBTVBMRQ==".to_owned();
    for webhook in [
        without("svix-signature"),
        without("svix-id"),
        without("svix-timestamp"),
        other_body,
        other_id,
        odd,
        signed("msg_1", now - 301, &body),
        signed("msg_1", now + 301, &body),
    ] {
        let answer = town.webhook(&webhook).await;
        assert_eq!((answer.status, answer.code()), (401, "webhook_signature"), "{:?}", webhook.headers);
    }
    assert_eq!((town.rows("directory").len(), town.rows("flows").len()), (before, 0));
    assert_eq!(town.webhook(&signed("msg_1", now - 299, &body)).await.status, 200);
    assert_eq!(town.rows("directory").len(), before + 1);
}

#[tokio::test]
async fn other_messages_are_taken_and_odd_ones_name_their_field() {
    let town = Town::new().await;
    let other = json!({"type": "session.created", "data": {"id": 5}}).to_string();
    assert_eq!(deliver(&town, "msg_1", &other).await.status, 200);
    for (body, status, field) in [
        ("", 400, None),
        ("[]", 400, None),
        ("{\"type\":", 400, None),
        ("{}", 422, Some("type")),
        (r#"{"type":"user.created"}"#, 422, Some("data")),
        (r#"{"type":"user.created","data":{"id":""}}"#, 422, Some("data.id")),
        (r#"{"type":"user.deleted","data":{"id":7}}"#, 422, Some("data.id")),
        (r#"{"type":"user.created","data":{"id":"bob"}}"#, 422, Some("data.id")),
        (r#"{"type":"user.updated","data":{"id":"user_1","updated_at":"x"}}"#, 422, Some("data.updated_at")),
    ] {
        let answer = deliver(&town, "msg_2", body).await;
        assert_eq!(
            (answer.status, answer.body["field"].as_str()),
            (status, field),
            "{body}: {}",
            answer.text
        );
    }
    let large = json!({"type": "user.created", "data": {"id": USER, "first_name": "x".repeat(300 << 10)}});
    let answer = deliver(&town, "msg_3", &large.to_string()).await;
    assert_eq!((answer.status, answer.code()), (413, "payload_too_large"));
    assert_eq!(people(&town), 0);
}

/// A membership event as Clerk sends it.
fn membership(kind: &str, at_ms: i64) -> String {
    json!({
        "type": format!("organizationMembership.{kind}"), "timestamp": at_ms, "object": "event",
        "data": {"role": "org:admin", "organization": {"id": "org_2Salon"}, "public_user_data": {"user_id": USER}},
    })
    .to_string()
}

#[tokio::test]
async fn s4_a_late_event_brings_no_membership_back() {
    let town = Town::new().await;
    let now = town.now();
    let tell = async |id: &str, kind: &str, at_ms: i64| {
        let answer = town.webhook(&signed(id, now.as_second(), &membership(kind, at_ms))).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        town.get("/calendar/auth/status?owner=business:org_2Salon").await.status
    };
    assert_eq!(tell("msg_1", "created", 1_000).await, 200);
    assert_eq!(tell("msg_2", "deleted", 3_000).await, 404);
    assert_eq!(tell("msg_3", "updated", 2_000).await, 404, "it happened before the end");
    assert_eq!(tell("msg_4", "created", 4_000).await, 200, "joining again counts");
    assert_eq!(town.clerk(UserEvent::Deleted, USER, None).await, 200);
    assert_eq!(tell("msg_5", "created", 5_000).await, 404, "a deleted user joins nothing");
}
