//! Attacks on how tokens are kept alive (SECURITY.md S3).

use jiff::SignedDuration;
use local::world::{
    DEFAULT_EMAIL, Provider,
    faults::{Fault, Kind},
};
use reqwest::Method;
use serde_json::json;
use shared::{
    app::App,
    config::Config,
    ids::OwnerId,
    store::{Transaction, Write, connections::Connection},
    tokens::{self, Patience, with_token},
};

use crate::harness::{Answer, Town, USER};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

async fn linked(provider: &str) -> (Town, String) {
    let town = Town::new().await;
    let id = town.connect(provider).await;
    town.counters().reset();
    (town, id)
}

async fn verify(town: &Town, id: &str, query: &str) -> Answer {
    town.call(Method::POST, &format!("/calendar/connections/{id}/verify{query}"), None).await
}

async fn row(town: &Town) -> Connection {
    let owner = OwnerId::user(USER).unwrap();
    town.stack.app.store.owner_rows(&owner).await.unwrap().connections.remove(0)
}

async fn rewrite(town: &Town, change: impl FnOnce(&mut Connection)) {
    let mut row = row(town).await;
    let version = row.token_version;
    change(&mut row);
    let put = town.stack.app.store.put_connection(&row, Some(version)).unwrap();
    assert_eq!(town.stack.app.store.transact(vec![put]).await.unwrap(), Transaction::Done);
}

async fn keeper(town: &Town) -> serde_json::Value {
    let asked = json!({"function": "token-refresh"});
    town.answer(town.plain(Method::POST, "/_local/run").json(&asked)).await.body["result"].clone()
}

fn refused(town: &Town) {
    let body = json!({"error": "invalid_grant", "error_description": "EXAMPLE"});
    town.arm(Fault::new("google", "token", Kind::Status).with(json!({"status": 400, "body": body})));
}

#[tokio::test]
async fn a_verify_does_not_end_a_connection_whose_only_token_still_lives() {
    let (town, id) = linked("google").await;
    rewrite(&town, |row| row.refresh = None).await;
    town.advance(120);
    assert_eq!(town.get("/calendar/events").await.status, 200);
    let answer = verify(&town, &id, "?refresh=true").await;
    assert_eq!(answer.body["works"], true, "{}", answer.text);
}

#[tokio::test]
async fn a_verify_does_not_call_working_what_the_provider_refused() {
    let (town, id) = linked("google").await;
    let body = json!({"error": {"code": 403, "message": "Request had insufficient authentication scopes.",
        "errors": [{"reason": "insufficientPermissions", "domain": "global"}], "status": "PERMISSION_DENIED"}});
    town.arm(Fault::new("google", "*", Kind::Status).with(json!({"status": 403, "body": body})));
    let answer = verify(&town, &id, "").await;
    assert_ne!(answer.body["works"], true, "{}", answer.text);
}

#[tokio::test]
async fn a_verify_does_not_call_working_what_has_no_data_key() {
    let (town, id) = linked("google").await;
    let seen = row(&town).await;
    town.stack.app.store.drop_data_key(&seen.id, &seen.data_key_id).await.unwrap();
    town.advance(400);
    let events = town.get("/calendar/events").await;
    let answer = verify(&town, &id, "").await;
    assert_ne!(answer.body["works"], true, "events: {} verify: {}", events.text, answer.text);
}

#[tokio::test]
async fn a_refusal_that_was_heard_is_not_a_lost_rotation_later() {
    let (town, id) = linked("google").await;
    town.advance(2 * HOUR);
    refused(&town);
    assert_eq!(town.get("/calendar/events").await.code(), "reauth_required");
    assert_eq!(verify(&town, &id, "?refresh=true").await.body["works"], true);
    let after = row(&town).await;
    town.stack.world.revoke_account(Provider::Google, DEFAULT_EMAIL);
    town.advance(2 * HOUR + 60);
    assert_eq!(town.get("/calendar/events").await.code(), "reauth_required");
    let cause = row(&town).await.cause.map(|cause| json!(cause));
    assert_eq!(cause, Some(json!("revoked")), "asks {:?} unheard {:?}", after.asks, after.unheard_at);
}

#[tokio::test]
async fn a_dead_connection_can_be_verified_by_force_twice() {
    let (town, id) = linked("google").await;
    town.stack.world.revoke_account(Provider::Google, DEFAULT_EMAIL);
    town.advance(2 * HOUR);
    for round in 0..3 {
        let answer = verify(&town, &id, "?refresh=true").await;
        assert_eq!(answer.status, 200, "round {round}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_second_end_is_warned_of_after_the_first_was_averted() {
    let (town, id) = linked("google").await;
    let soon = town.now() + SignedDuration::from_hours(40);
    rewrite(&town, |row| row.refresh_dies_at = Some(soon)).await;
    town.advance(HOUR);
    assert_eq!(keeper(&town).await["warned"], 1);
    assert!(row(&town).await.warned_at.is_some());
    // The tokens are renewed, and the new ones have the whole life again.
    rewrite(&town, |row| row.refresh_dies_at = None).await;
    assert_eq!(verify(&town, &id, "?refresh=true").await.body["works"], true);
    assert_eq!(row(&town).await.warned_at, None, "nobody will be warned of the next end");
}

#[tokio::test]
async fn an_idle_connection_that_reached_its_set_end_is_shown_as_ended() {
    let (town, _) = linked("google").await;
    let week = town.now() + SignedDuration::from_hours(7 * 24);
    rewrite(&town, |row| row.refresh_dies_at = Some(week)).await;
    town.stack.world.revoke_account(Provider::Google, DEFAULT_EMAIL);
    let mut runs = Vec::new();
    for _ in 0..20 {
        town.advance(DAY);
        runs.push(keeper(&town).await["ended"].clone());
    }
    let told: Vec<_> = town.rows("outbox").iter().map(|row| row["type"]["S"].clone()).collect();
    assert_eq!(
        row(&town).await.status.as_str(),
        "reauth_required",
        "13 days after its end: {runs:?} {told:?}"
    );
}

#[tokio::test]
async fn a_row_that_was_read_before_its_worn_key_was_replaced_is_no_lost_connection() {
    let (town, _) = linked("google").await;
    rewrite(&town, |row| row.seals = 100).await;
    let stale = row(&town).await;
    town.advance(50 * 60);
    assert_eq!(town.get("/calendar/events").await.status, 200);
    assert_eq!(row(&town).await.token_version, stale.token_version + 1);
    let got = with_token(&town.stack.app, &stale, Patience::Voice, |_| async { Ok(()) }).await;
    assert!(got.is_ok(), "{got:?}");
}

#[tokio::test]
async fn a_warning_about_an_old_link_does_not_silence_the_new_one() {
    let (town, _) = linked("google").await;
    let soon = town.now() + SignedDuration::from_hours(40);
    rewrite(&town, |row| row.refresh_dies_at = Some(soon)).await;
    let seen = row(&town).await;
    // Linked again between the keeper's read and its warning.
    town.connect("google").await;
    assert!(row(&town).await.token_version > seen.token_version);
    let wrote = town.stack.app.store.warn(&seen, soon, town.now()).await.unwrap();
    assert_eq!((wrote, row(&town).await.warned_at), (Write::Refused, None));
}

#[tokio::test]
async fn rows_of_a_provider_that_is_not_configured_do_not_stay_at_the_head_of_the_page() {
    let (town, _) = linked("google").await;
    let mut settings = town.stack.settings.clone();
    settings.insert("PROVIDERS_ENABLED".to_owned(), "microsoft".to_owned());
    let config = Config::read(|name| settings.get(name).cloned()).unwrap();
    let without = App::new(config, town.stack.app.clock.clone(), None).unwrap();
    town.advance(61 * DAY);
    let before = row(&town).await.due_at;
    let mut kept = Vec::new();
    for _ in 0..3 {
        kept.push(tokens::keep(&without).await.unwrap());
    }
    assert_ne!(row(&town).await.due_at, before, "{kept:?}");
}

#[tokio::test]
async fn a_connection_whose_data_key_is_gone_is_found_by_the_keeper() {
    let (town, _) = linked("google").await;
    let seen = row(&town).await;
    town.stack.app.store.drop_data_key(&seen.id, &seen.data_key_id).await.unwrap();
    town.advance(61 * DAY);
    let kept = keeper(&town).await;
    let shown = town.get("/calendar/auth/status").await;
    assert_ne!(shown.body["authorized"], true, "{kept} {}", shown.text);
}
