//! The keeper, the rescue queue and key change: what keeps tokens while nobody looks (SECURITY.md S2, S3).

use futures_util::future::join;
use jiff::SignedDuration;
use local::world::{
    DEFAULT_EMAIL, PhoneCall, Provider, ToolCall,
    faults::{Fault, Kind},
};
use reqwest::Method;
use serde_json::{Value, json};
use shared::{
    app::App,
    config::Config,
    ids::OwnerId,
    store::{Transaction, connections::Connection},
    tokens,
};

use crate::harness::{CALLER, Town, USER};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

async fn linked(provider: &str) -> Town {
    let town = Town::new().await;
    town.connect(provider).await;
    town.counters().reset();
    town
}

/// One run of the function, as its schedule and its queue cause it.
async fn run(town: &Town) -> Value {
    let asked = json!({"function": "token-refresh"});
    let answer = town.answer(town.plain(Method::POST, "/_local/run").json(&asked)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.body
}

async fn row(town: &Town) -> Connection {
    let owner = OwnerId::user(USER).unwrap();
    town.stack.app.store.owner_rows(&owner).await.unwrap().connections.remove(0)
}

/// Writes a row as it would be in another life.
async fn rewrite(town: &Town, change: impl FnOnce(&mut Connection)) {
    let mut row = row(town).await;
    let version = row.token_version;
    change(&mut row);
    let put = town.stack.app.store.put_connection(&row, Some(version)).unwrap();
    assert_eq!(town.stack.app.store.transact(vec![put]).await.unwrap(), Transaction::Done);
}

fn token_calls(town: &Town, provider: &str) -> u64 {
    town.counters().of(provider, "token")
}

fn told(town: &Town) -> Vec<String> {
    let rows = town.rows("outbox").into_iter();
    rows.map(|row| row["type"]["S"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn tokens_in_use_are_fresh_while_the_owner_works_and_left_alone_at_night() {
    let town = linked("google").await;
    // Somebody asks for a slot, so that the owner has hours: nine to five in New York, where it is seven.
    assert_eq!(town.get("/calendar/availability").await.status, 200);
    town.advance(HOUR + 50 * 60);
    let kept = run(&town).await["result"].clone();
    assert_eq!((&kept["refreshed"], token_calls(&town, "google")), (&json!(1), 1), "{kept}");
    assert_eq!(run(&town).await["result"]["looked_at"], 0, "it is done");

    town.counters().reset();
    assert_eq!(town.get("/calendar/events").await.status, 200);
    assert_eq!(token_calls(&town, "google"), 0, "nobody waits for a refresh");

    town.advance(12 * HOUR);
    assert_eq!(run(&town).await["result"]["postponed"], 1);
    assert_eq!(
        (run(&town).await["result"]["looked_at"].clone(), token_calls(&town, "google")),
        (json!(0), 0)
    );
    town.advance(11 * HOUR + 45 * 60);
    assert_eq!(run(&town).await["result"]["refreshed"], 1, "before the next morning's hours");
}

#[tokio::test]
async fn an_idle_connection_is_kept_alive_for_years() {
    let town = linked("microsoft").await;
    for _ in 0..12 {
        town.advance(60 * DAY + HOUR);
        assert_eq!(run(&town).await["result"]["refreshed"], 1);
    }
    assert_eq!(token_calls(&town, "microsoft"), 12);
    assert_eq!(town.get("/calendar/events").await.status, 200, "two years later");
    assert_eq!(told(&town), Vec::<String>::new());
}

#[tokio::test]
async fn an_idle_connection_whose_grant_is_gone_is_found_out_and_told() {
    let town = linked("google").await;
    town.stack.world.revoke_account(Provider::Google, DEFAULT_EMAIL);
    town.advance(60 * DAY + HOUR);
    assert_eq!(run(&town).await["result"]["ended"], 1);
    assert_eq!(told(&town), ["connection.reauth_required"]);
    assert_eq!(run(&town).await["result"]["looked_at"], 0, "what is dead is not looked at");
}

#[tokio::test]
async fn two_days_before_its_end_a_connection_is_told_of_once() {
    let town = linked("google").await;
    let week = town.now() + SignedDuration::from_hours(7 * 24) - SignedDuration::from_secs(1);
    rewrite(&town, |row| row.refresh_dies_at = Some(week)).await;
    let shown = town.get("/calendar/auth/status").await.body["connections"][0].clone();
    assert_eq!(shown["likely_death_at"], json!("2026-01-12T11:59:59Z"));
    town.advance(5 * DAY - HOUR);
    assert_eq!((run(&town).await["result"]["warned"].clone(), told(&town).len()), (json!(0), 0));
    town.advance(HOUR);
    assert_eq!(run(&town).await["result"]["warned"], 1);
    town.advance(HOUR);
    assert_eq!(run(&town).await["result"]["warned"], 0);
    assert_eq!(told(&town), ["connection.expiring"]);
    assert_eq!(town.rows("outbox")[0]["likely_death_at"]["N"], json!(week.as_second().to_string()));

    town.stack.world.revoke_account(Provider::Google, DEFAULT_EMAIL);
    town.advance(2 * DAY);
    assert_eq!(town.get("/calendar/events").await.code(), "reauth_required");
    let shown = town.get("/calendar/auth/status").await.body["connections"][0].clone();
    assert_eq!(shown["cause"], "test_mode");
    assert!(shown["fix"].as_str().unwrap().contains("seven days"));
}

#[tokio::test]
async fn a_connection_without_a_refresh_token_ends_when_its_access_token_does() {
    let town = linked("google").await;
    rewrite(&town, |row| row.refresh = None).await;
    town.advance(2 * HOUR);
    let kept = run(&town).await["result"].clone();
    assert_eq!(
        (&kept["ended"], &row(&town).await.cause.map(|cause| json!(cause))),
        (&json!(1), &Some(json!("no_refresh_token")))
    );
}

#[tokio::test]
async fn s3_tokens_that_dynamodb_refuses_are_brought_home_by_the_queue() {
    for provider in ["google", "microsoft"] {
        let town = linked(provider).await;
        town.advance(2 * HOUR);
        town.arm(Fault::new(provider, "token", Kind::Delay).with(400));
        let outage = async {
            // After the lease, before the provider's answer.
            while town.counters().of(provider, "token") == 0 {
                tokio::task::yield_now().await;
            }
            town.arm(Fault::new("dynamodb", "UpdateItem", Kind::Status).with(500).times(3));
        };
        let (answer, ()) = join(town.get("/calendar/events"), outage).await;
        assert_eq!(answer.status, 200, "the caller is served: {}", answer.text);
        let before = row(&town).await.token_version;
        let queued = town.answer(town.plain(Method::GET, "/_local/world")).await;
        assert_eq!(queued.body["rescue_queue"], 1, "{}", queued.body["rescue_queue"]);
        for sign in ["ya29.", "EwB-", "1//03", "1.AX"] {
            assert!(!queued.body["logs"].to_string().contains(sign), "{sign}");
        }

        let ran = run(&town).await;
        assert_eq!(ran["queue"]["batchItemFailures"], json!([]), "{ran}");
        assert_eq!(row(&town).await.token_version, before + 1);
        assert_eq!(town.get("/calendar/events").await.status, 200);
        assert_eq!(token_calls(&town, provider), 1, "the tokens that were rescued are used");
    }
}

#[tokio::test]
async fn s3_a_rescue_message_that_comes_late_or_twice_changes_nothing() {
    let town = linked("microsoft").await;
    let old = row(&town).await;
    let tokens = json!({
        "token_version": old.token_version + 1, "access": "RVhBTVBMRQ==", "refresh": "RVhBTVBMRQ==", "seals": 4,
        "data_key_id": old.data_key_id, "key_since": 1, "refreshed_at": 1, "expires_at": 1, "refresh_at": 1, "due_at": 1,
    });
    let message = json!({
        "v": 1, "owner": old.owner, "connection": old.id, "over": old.token_version, "tokens": tokens,
    });
    town.advance(2 * HOUR);
    assert_eq!(town.get("/calendar/events").await.status, 200);
    let newer = row(&town).await;
    for _ in 0..2 {
        tokens::rescue(&town.stack.app, &message.to_string()).await.unwrap();
    }
    assert_eq!(row(&town).await, newer, "newer tokens stay");

    town.call(Method::DELETE, "/calendar/auth/disconnect", None).await;
    tokens::rescue(&town.stack.app, &message.to_string()).await.unwrap();
    assert!(town.rows("connections").iter().all(|row| row["kind"]["S"] != "connection"));
    for odd in ["", "{}", &message.to_string().replace("\"v\":1", "\"v\":2")] {
        assert!(tokens::rescue(&town.stack.app, odd).await.is_err(), "{odd}");
    }
}

#[tokio::test]
async fn s2_a_changed_kms_key_takes_over_and_no_token_notices() {
    let town = linked("google").await;
    let mut settings = town.stack.settings.clone();
    settings.insert("KMS_KEY_ID".to_owned(), town.stack.kms.previous_key_arn().to_owned());
    let config = Config::read(|name| settings.get(name).cloned()).unwrap();
    let changed = App::new(config, town.stack.app.clock.clone(), None).unwrap();
    let before = town.rows("keys")[0].clone();
    let done = tokens::rewrap(&changed, None).await.unwrap();
    assert_eq!((done.looked_at, done.rewrapped, done.cursor), (1, 1, None));
    let after = town.rows("keys")[0].clone();
    assert_ne!(after["wrapped"], before["wrapped"]);
    assert_eq!(after["kms_key"]["S"], json!(town.stack.kms.previous_key_arn()));
    assert_eq!(tokens::rewrap(&changed, None).await.unwrap().rewrapped, 0, "once");
    // Keys stay in memory for five minutes.
    town.advance(301);
    assert_eq!(
        town.get("/calendar/events").await.status,
        200,
        "also before a function has the new configuration"
    );
}

#[tokio::test]
async fn s2_a_worn_data_key_is_replaced_and_leaves_nothing_behind() {
    let town = linked("google").await;
    rewrite(&town, |row| row.seals = 100).await;
    let old = town.rows("keys")[0]["id"].clone();
    town.advance(2 * HOUR);
    assert_eq!(town.get("/calendar/events").await.status, 200);
    let keys = town.rows("keys");
    assert_eq!(keys.len(), 1);
    assert_ne!(keys[0]["id"], old);
    assert_eq!(row(&town).await.seals, 2);
    let month = SignedDuration::from_hours(31 * 24);
    rewrite(&town, |row| row.key_since -= month).await;
    town.advance(2 * HOUR);
    assert_eq!(town.get("/calendar/events").await.status, 200);
    assert_ne!(town.rows("keys")[0]["id"], keys[0]["id"]);
}

#[tokio::test]
async fn s3_a_call_on_the_phone_waits_for_no_refresh_while_the_token_lives_another_minute() {
    let town = linked("google").await;
    let line = town.line().await;
    let call = PhoneCall::inbound(CALLER, None, town.now());
    let check = ToolCall::new("check_availability", json!({"date": "2026-01-06"}));
    town.say(&call, &line, &check).await.unwrap();
    for seconds in [50 * 60, 8 * 60] {
        town.advance(seconds);
        town.counters().reset();
        town.say(&call, &line, &check).await.unwrap();
        // The data key is in memory from here on.
        let kms = town.counters().snapshot()["kms"].clone();
        town.say(&call, &line, &check).await.unwrap();
        let counted = town.counters().snapshot();
        assert_eq!((token_calls(&town, "google"), &counted["kms"]), (0, &kms), "{counted:?}");
    }
    town.advance(100);
    town.counters().reset();
    town.say(&call, &line, &check).await.unwrap();
    assert_eq!(token_calls(&town, "google"), 1, "in its last minute there is no choice");
}
