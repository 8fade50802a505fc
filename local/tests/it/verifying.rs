//! Finding out whether a connection works, and getting new tokens because somebody asks for them.

use futures_util::future::join_all;
use local::world::{
    DEFAULT_EMAIL, Provider,
    faults::{Fault, Kind},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, OTHER, Town};

/// Longer than any access token lives.
const TOKEN_LIFE: i64 = 2 * 3600;

async fn linked(provider: &str) -> (Town, String) {
    let town = Town::new().await;
    let id = town.connect(provider).await;
    town.counters().reset();
    (town, id)
}

async fn verify(town: &Town, id: &str, query: &str) -> Answer {
    town.call(Method::POST, &format!("/calendar/connections/{id}/verify{query}"), None).await
}

#[tokio::test]
async fn a_connection_that_works_says_so_after_one_call_to_its_provider() {
    for provider in ["google", "microsoft"] {
        let (town, id) = linked(provider).await;
        let answer = verify(&town, &id, "").await;
        assert_eq!((answer.status, &answer.body["works"]), (200, &json!(true)), "{}", answer.text);
        assert_eq!(answer.body["connection"]["id"], json!(id));
        assert_eq!(answer.body["checked_at"], json!("2026-01-05T12:00:00Z"));
        assert_eq!(town.counters().of(provider, "token"), 0);
    }
}

#[tokio::test]
async fn a_dead_connection_is_found_out_and_the_answer_says_what_to_do() {
    let (town, id) = linked("google").await;
    town.stack.world.revoke_account(Provider::Google, DEFAULT_EMAIL);
    for _ in 0..2 {
        let answer = verify(&town, &id, "").await;
        assert_eq!((answer.status, &answer.body["works"]), (200, &json!(false)), "{}", answer.text);
        let shown = &answer.body["connection"];
        assert_eq!((&shown["status"], &shown["cause"]), (&json!("reauth_required"), &json!("revoked")));
        assert!(shown["fix"].is_string() && shown["reconnect_url"].is_string());
    }
    assert_eq!(town.counters().of("google", "token"), 1, "nobody asks for what is dead");
}

#[tokio::test]
async fn a_forced_refresh_gets_new_tokens_once_for_all_who_ask_at_once_and_not_twice_a_minute() {
    for provider in ["google", "microsoft"] {
        let (town, id) = linked(provider).await;
        town.advance(61);
        town.arm(Fault::new(provider, "token", Kind::Delay).with(300));
        let answers = join_all((0..16).map(|_| verify(&town, &id, "?refresh=true"))).await;
        assert!(answers.iter().all(|answer| answer.body["works"] == true), "{answers:?}");
        assert_eq!(town.counters().of(provider, "token"), 1);
        verify(&town, &id, "?refresh=true").await;
        assert_eq!(town.counters().of(provider, "token"), 1, "tokens of the last minute stay");
        town.advance(60);
        verify(&town, &id, "?refresh=true").await;
        assert_eq!(town.counters().of(provider, "token"), 2);
    }
}

#[tokio::test]
async fn a_connection_that_was_given_up_wrongly_comes_back_by_a_forced_refresh() {
    let (town, id) = linked("google").await;
    town.advance(TOKEN_LIFE);
    let body = json!({"error": "invalid_grant", "error_description": "EXAMPLE"});
    town.arm(Fault::new("google", "token", Kind::Status).with(json!({"status": 400, "body": body})));
    assert_eq!(town.get("/calendar/events").await.code(), "reauth_required");
    let answer = verify(&town, &id, "?refresh=true").await;
    assert_eq!((answer.status, &answer.body["works"]), (200, &json!(true)), "{}", answer.text);
    assert_eq!(answer.body["connection"]["cause"], Value::Null);
    assert_eq!(town.get("/calendar/events").await.status, 200);
    assert_eq!(town.rows("outbox").len(), 2, "its end and its return");
}

#[tokio::test]
async fn an_outage_finds_nothing_out_and_marks_nobody() {
    let (town, id) = linked("microsoft").await;
    town.advance(TOKEN_LIFE);
    town.arm(Fault::new("microsoft", "token", Kind::Status).with(503));
    let answer = verify(&town, &id, "").await;
    assert_eq!((answer.status, answer.code()), (503, "unavailable"));
    town.advance(2);
    assert_eq!(verify(&town, &id, "").await.body["works"], true);
    // The key leaves the memory after five minutes; a fault of KMS's own has whatever name.
    town.advance(301);
    let body = json!({"__type": "InternalServerError"});
    town.arm(Fault::new("kms", "Decrypt", Kind::Status).with(json!({"status": 500, "body": body})).times(9));
    let answer = verify(&town, &id, "").await;
    assert_eq!((answer.status, answer.code()), (503, "unavailable"), "{}", answer.text);
    town.stack.world.faults().clear();
    assert_eq!(verify(&town, &id, "").await.body["works"], true);
}

#[tokio::test]
async fn nobody_verifies_what_is_not_theirs_or_never_was() {
    let (town, id) = linked("google").await;
    let path = format!("/calendar/connections/{id}/verify");
    let theirs = town.call_as(&town.session(OTHER), Method::POST, &path, None).await;
    assert_eq!((theirs.status, theirs.code()), (404, "not_found"));
    for odd in ["con_x", "con_00000000000000000000000000"] {
        assert_eq!(verify(&town, odd, "").await.status, 404, "{odd}");
    }
    let odd = verify(&town, &id, "?refresh=maybe").await;
    assert_eq!(odd.status, 422, "{}", odd.text);
    let plain = town.answer(town.plain(Method::POST, &path)).await;
    assert_eq!(plain.status, 401);
    assert_eq!(town.counters().of("google", "token"), 0);
}
