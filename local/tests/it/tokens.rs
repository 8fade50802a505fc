//! Tokens over the months: refreshed once, kept through outages, ended for certain (SECURITY.md S2, S3).

use futures_util::future::join_all;
use local::{
    visitor::{Visitor, connect},
    world::{
        Choice, DEFAULT_EMAIL, Provider,
        faults::{Fault, Kind},
    },
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, OTHER, Town, USER};

/// Longer than any access token lives.
const TOKEN_LIFE: i64 = 2 * 3600;
const DAY: i64 = 24 * 3600;

async fn only(provider: &str) -> Town {
    let town = Town::new().await;
    town.connect(provider).await;
    town.counters().reset();
    town
}

async fn events(town: &Town) -> Answer {
    town.get("/calendar/events").await
}

fn token_calls(town: &Town, provider: &str) -> u64 {
    town.counters().of(provider, "token")
}

/// The only connection, as its owner sees it.
async fn connection(town: &Town) -> Value {
    let status = town.get("/calendar/auth/status").await;
    assert_eq!(status.status, 200);
    status.body["connections"][0].clone()
}

/// Rows about links and keys; settings are not among them.
fn links(town: &Town) -> Vec<String> {
    let rows = town.rows("connections").into_iter().chain(town.rows("keys"));
    rows.filter(|row| row["kind"]["S"] != "settings").map(|row| row.to_string()).collect()
}

/// What the outbox told of, in order.
fn told(town: &Town) -> Vec<String> {
    let mut rows = town.rows("outbox");
    rows.sort_by_key(|row| row["sk"]["S"].as_str().map(str::to_owned));
    rows.iter().map(|row| row["type"]["S"].as_str().unwrap_or_default().to_owned()).collect()
}

fn says_nothing(answer: &Answer) {
    let names: Vec<_> = answer.body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["code", "request_id"], "{}", answer.text);
}

#[tokio::test]
async fn an_expired_token_is_refreshed_once_by_itself() {
    let town = Town::connected().await;
    town.advance(TOKEN_LIFE);
    town.counters().reset();
    for _ in 0..3 {
        assert_eq!(events(&town).await.status, 200);
    }
    assert_eq!((token_calls(&town, "google"), token_calls(&town, "microsoft")), (1, 1));
}

#[tokio::test]
async fn sixteen_requests_on_an_expired_token_make_one_token_call_and_all_succeed() {
    let town = Town::connected().await;
    town.advance(TOKEN_LIFE);
    town.counters().reset();
    for provider in ["google", "microsoft"] {
        town.arm(Fault::new(provider, "token", Kind::Delay).with(300));
    }
    let answers = join_all((0..16).map(|_| events(&town))).await;
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    assert_eq!((token_calls(&town, "google"), token_calls(&town, "microsoft")), (1, 1));
}

#[tokio::test]
async fn microsofts_rotated_refresh_token_is_the_one_that_is_used_next() {
    let town = only("microsoft").await;
    // Each refresh token dies after 90 days, so that only a chain of the latest ones lives through a year.
    for month in 0..6 {
        town.advance(60 * DAY);
        assert_eq!(events(&town).await.status, 200, "{month}");
    }
    assert_eq!(token_calls(&town, "microsoft"), 6);
}

#[tokio::test]
async fn googles_refresh_token_is_kept_although_no_answer_repeats_it() {
    let town = only("google").await;
    for month in 0..6 {
        town.advance(60 * DAY);
        assert_eq!(events(&town).await.status, 200, "{month}");
    }
    assert_eq!(token_calls(&town, "google"), 6);
}

#[tokio::test]
async fn in_the_last_quarter_of_its_life_a_token_serves_although_the_refresh_fails() {
    let town = only("google").await;
    town.advance(50 * 60);
    town.arm(Fault::new("google", "token", Kind::Status).with(500));
    for _ in 0..2 {
        // Nobody asks again at once.
        assert_eq!((events(&town).await.status, token_calls(&town, "google")), (200, 1));
    }
    town.advance(2);
    for _ in 0..2 {
        assert_eq!((events(&town).await.status, token_calls(&town, "google")), (200, 2));
    }
}

#[tokio::test]
async fn an_outage_of_the_token_endpoint_passes_and_marks_nobody() {
    for provider in ["google", "microsoft"] {
        let town = only(provider).await;
        let status = |value: Value| Fault::new(provider, "token", Kind::Status).with(value);
        let faults = [
            (status(json!({"status": 429, "retry_after": 7})), 7),
            (status(json!({"status": 503, "retry_after": 20.5})), 21),
            (status(json!(429)), 5),
            (status(json!(500)), 2),
            (status(json!(503)), 2),
            (Fault::new(provider, "token", Kind::DropAfterCommit), 2),
        ];
        for (fault, wait) in faults {
            town.advance(TOKEN_LIFE);
            town.counters().reset();
            town.arm(fault.clone());
            for _ in 0..3 {
                // Nobody asks again before the provider's wish, or the usual pause, is over.
                let answer = events(&town).await;
                assert_eq!((answer.status, answer.code()), (503, "unavailable"), "{fault:?} {}", answer.text);
                assert_eq!(answer.headers["retry-after"], wait.to_string(), "{fault:?}");
                says_nothing(&answer);
            }
            assert_eq!(
                (token_calls(&town, provider), &connection(&town).await["status"]),
                (1, &json!("active"))
            );
            town.advance(wait);
            assert_eq!((events(&town).await.status, token_calls(&town, provider)), (200, 2), "{fault:?}");
        }
    }
}

#[tokio::test]
async fn a_grant_that_was_taken_back_asks_for_its_owner_once_and_then_stays_quiet() {
    for (provider, which, cause) in
        [("google", Provider::Google, "revoked"), ("microsoft", Provider::Microsoft, "password_changed")]
    {
        let town = only(provider).await;
        let id = connection(&town).await["id"].clone();
        town.stack.world.revoke_account(which, DEFAULT_EMAIL);
        town.advance(TOKEN_LIFE);
        for _ in 0..3 {
            let answer = events(&town).await;
            assert_eq!((answer.status, answer.code()), (409, "reauth_required"), "{}", answer.text);
            let url = answer.body["reconnect_url"].as_str().unwrap();
            assert!(url.starts_with(town.base()) && url.contains(provider) && url.contains(USER), "{url}");
        }
        for path in ["/calendar/availability", "/calendar/free-busy", "/calendar/calendars"] {
            assert_eq!(town.get(path).await.code(), "reauth_required", "{path}");
        }
        assert_eq!(token_calls(&town, provider), 1);
        let dead = connection(&town).await;
        assert_eq!((&dead["status"], &dead["cause"]), (&json!("reauth_required"), &json!(cause)));
        assert_eq!(dead["fix"], "Connect again.");
        assert_eq!(told(&town), ["connection.reauth_required"]);
        assert!(dead["reconnect_url"].as_str().unwrap().contains("/calendar/auth/start?"));
        let status = town.get("/calendar/auth/status").await.body;
        assert_eq!((&status["authorized"], &status["token_valid"]), (&json!(false), &json!(false)));

        town.advance(1);
        assert_eq!(json!(town.connect(provider).await), id);
        assert_eq!(connection(&town).await["status"], "active");
        assert_eq!(connection(&town).await["cause"], Value::Null);
        assert_eq!(events(&town).await.status, 200);
        assert_eq!(told(&town), ["connection.reauth_required", "connection.recovered"]);
        town.connect(provider).await;
        assert_eq!(told(&town).len(), 2, "an edge is told once");
    }
}

#[tokio::test]
async fn a_dead_calendar_is_never_told_as_free_time() {
    let town = Town::connected().await;
    town.stack.world.revoke_account(Provider::Microsoft, DEFAULT_EMAIL);
    for _ in 0..2 {
        for path in ["/calendar/availability", "/calendar/free-busy"] {
            let answer = town.get(path).await;
            assert_eq!((answer.status, answer.code()), (409, "reauth_required"), "{path} {}", answer.text);
        }
    }
    town.call(Method::DELETE, "/calendar/auth/disconnect?provider=microsoft", None).await;
    assert_eq!(town.get("/calendar/availability").await.status, 200);
}

#[tokio::test]
async fn the_cause_is_told_where_microsoft_names_it() {
    for (code, cause) in [
        ("AADSTS50173", "password_changed"),
        ("AADSTS50076", "mfa_required"),
        ("AADSTS700082", "unused"),
        ("AADSTS65001", "consent_required"),
    ] {
        let town = only("microsoft").await;
        town.advance(TOKEN_LIFE);
        let number: u64 = code.trim_start_matches("AADSTS").parse().unwrap();
        let body = json!({"error": "invalid_grant", "error_description": format!("{code}: EXAMPLE."), "error_codes": [number]});
        town.arm(Fault::new("microsoft", "token", Kind::Status).with(json!({"status": 400, "body": body})));
        let answer = events(&town).await;
        assert_eq!(answer.code(), "reauth_required");
        assert!(!answer.text.contains("AADSTS") && !answer.text.contains("EXAMPLE"), "{}", answer.text);
        let dead = connection(&town).await;
        assert_eq!((&dead["cause"], dead["fix"].is_string()), (&json!(cause), true));
    }
}

#[tokio::test]
async fn a_fault_of_our_registration_marks_nobody() {
    let town = only("microsoft").await;
    for (status, error, code, expected) in [
        (401, "invalid_client", "AADSTS7000215", "config_fault"),
        (401, "invalid_client", "AADSTS7000222", "config_fault"),
        (400, "invalid_grant", "AADSTS9002313", "invalid"),
    ] {
        town.advance(TOKEN_LIFE);
        let body = json!({"error": error, "error_description": format!("{code}: EXAMPLE.")});
        town.arm(
            Fault::new("microsoft", "token", Kind::Status).with(json!({"status": status, "body": body})),
        );
        let answer = events(&town).await;
        assert_eq!((answer.status, answer.code()), (502, expected), "{code}");
        says_nothing(&answer);
        let shown = connection(&town).await;
        let cause = match code {
            "AADSTS7000222" => json!("client_secret_expired"),
            "AADSTS7000215" => json!("configuration"),
            _ => Value::Null,
        };
        assert_eq!((&shown["status"], &shown["cause"]), (&json!("active"), &cause), "{code}");
        assert_eq!(
            shown["fix"].as_str().is_some_and(|fix| fix.contains("operator")),
            !cause.is_null(),
            "{code}"
        );
        assert!(told(&town).is_empty(), "{code}");
        town.advance(30);
        assert_eq!(events(&town).await.status, 200);
        assert_eq!(connection(&town).await["cause"], Value::Null);
    }
}

#[tokio::test]
async fn a_wrong_client_secret_is_a_fault_of_ours_and_links_nothing() {
    let town = Town::with(&[("MICROSOFT_CLIENT_SECRET", "EXAMPLE-wrong")]).await;
    let mut visitor = Visitor::new(town.base()).unwrap();
    let landed = visitor.connect(USER, "microsoft", &Choice::approve(DEFAULT_EMAIL)).await.unwrap();
    let (status, answer) = visitor.complete(&town.session(USER), &landed.handle.unwrap()).await.unwrap();
    assert_eq!((status, &answer["code"]), (502, &json!("config_fault")));
    assert!(links(&town).is_empty());
}

#[tokio::test]
async fn a_token_that_the_api_refuses_is_refreshed_once_and_the_call_repeated_once() {
    for (provider, operation) in [("google", "events.list"), ("microsoft", "calendarView")] {
        let town = only(provider).await;
        town.arm(Fault::new(provider, operation, Kind::Status).with(401));
        assert_eq!(events(&town).await.status, 200);
        assert_eq!((town.counters().of(provider, operation), token_calls(&town, provider)), (2, 1));

        town.counters().reset();
        town.arm(Fault::new(provider, operation, Kind::Status).with(401).times(2));
        let answer = events(&town).await;
        assert_eq!((answer.status, answer.code()), (409, "reauth_required"));
        assert_eq!((town.counters().of(provider, operation), token_calls(&town, provider)), (2, 1));
    }
}

#[tokio::test]
async fn disconnecting_leaves_no_link_and_no_key_and_ends_googles_grant() {
    let town = Town::connected().await;
    assert_eq!(town.stack.world.live_grants(Provider::Google, DEFAULT_EMAIL), 1);
    let answer = town.call(Method::DELETE, "/calendar/auth/disconnect", None).await;
    assert_eq!((answer.status, &answer.body["disconnected"]), (200, &json!(2)));
    assert_eq!(links(&town), Vec::<String>::new());
    assert_eq!(town.stack.world.live_grants(Provider::Google, DEFAULT_EMAIL), 0);

    let again = town.call(Method::DELETE, "/calendar/auth/disconnect", None).await;
    assert_eq!((again.status, &again.body["disconnected"]), (200, &json!(0)));
    let answer = events(&town).await;
    assert_eq!((answer.status, answer.code()), (409, "no_connection"));
}

#[tokio::test]
async fn disconnecting_takes_what_it_is_told_and_nothing_else() {
    let town = Town::connected().await;
    let odd = town.call(Method::DELETE, "/calendar/auth/disconnect?provider=yahoo", None).await;
    assert_eq!((odd.status, &odd.body["field"]), (422, &json!("provider")));
    let odd = town.call(Method::DELETE, "/calendar/auth/disconnect?connection_id=x", None).await;
    assert_eq!((odd.status, &odd.body["field"]), (422, &json!("connection_id")));
    let id = connection(&town).await["id"].as_str().unwrap().to_owned();
    let path = format!("/calendar/connections/{id}");
    let theirs = town.call_as(&town.session(OTHER), Method::DELETE, &path, None).await;
    assert_eq!(theirs.body["disconnected"], 0);
    assert_eq!(links(&town).len(), 6);
    let one = town.call(Method::DELETE, "/calendar/auth/disconnect?provider=outlook", None).await;
    assert_eq!((one.status, &one.body["disconnected"]), (200, &json!(1)));
    let rest = town.get("/calendar/auth/status").await.body["connections"].clone();
    assert_eq!((rest.as_array().unwrap().len(), &rest[0]["provider"]), (1, &json!("google")));
}

#[tokio::test]
async fn disconnecting_does_not_cut_off_another_owner_of_the_account() {
    let town = only("google").await;
    connect(&town.stack.world, town.base(), OTHER, "google", DEFAULT_EMAIL).await.unwrap();
    let theirs =
        async || town.call_as(&town.session(OTHER), Method::GET, "/calendar/events", None).await.status;
    town.call(Method::DELETE, "/calendar/auth/disconnect", None).await;
    town.advance(TOKEN_LIFE);
    assert_eq!((theirs().await, town.counters().of("google", "revoke")), (200, 0));
    town.call_as(&town.session(OTHER), Method::DELETE, "/calendar/auth/disconnect", None).await;
    assert_eq!((town.counters().of("google", "revoke"), links(&town).len()), (1, 0));
    assert_eq!(town.stack.world.live_grants(Provider::Google, DEFAULT_EMAIL), 0);
}

#[tokio::test]
async fn disconnecting_works_with_a_dead_token_and_while_the_provider_is_out_of_order() {
    let town = only("google").await;
    town.stack.world.revoke_account(Provider::Google, DEFAULT_EMAIL);
    town.advance(TOKEN_LIFE);
    assert_eq!(events(&town).await.code(), "reauth_required");
    let answer = town.call(Method::DELETE, "/calendar/auth/disconnect", None).await;
    assert_eq!((answer.status, &answer.body["disconnected"], links(&town).len()), (200, &json!(1), 0));

    town.connect("google").await;
    town.arm(Fault::new("google", "revoke", Kind::Status).with(500).times(10));
    let answer = town.call(Method::DELETE, "/calendar/auth/disconnect", None).await;
    assert_eq!((answer.status, &answer.body["disconnected"], links(&town).len()), (200, &json!(1), 0));
}

#[tokio::test]
async fn s2_without_kms_nothing_is_opened_and_nothing_is_told() {
    let town = Town::connected().await;
    town.stack.kms.disable();
    // Keys stay in memory for five minutes.
    town.advance(301);
    for path in ["/calendar/events", "/calendar/free-busy", "/calendar/calendars"] {
        let answer = town.get(path).await;
        assert!((500..600).contains(&answer.status), "{path} {}", answer.status);
        says_nothing(&answer);
    }
    assert_eq!(connection(&town).await["status"], "active");
    town.stack.kms.enable();
    assert_eq!(events(&town).await.status, 200);

    town.stack.kms.disable();
    town.advance(301);
    let answer = town.call(Method::DELETE, "/calendar/auth/disconnect", None).await;
    assert_eq!((answer.status, links(&town).len()), (200, 0));
}

#[tokio::test]
async fn s2_tokens_lie_in_no_table_in_the_clear() {
    let town = Town::connected().await;
    town.get("/calendar/events").await;
    let tables = ["connections", "keys", "flows", "directory"].map(|table| town.rows(table)).concat();
    let all = Value::Array(tables).to_string();
    for sign in ["ya29.", "1//03", "EwB-", "1.AX"] {
        assert!(!all.contains(sign), "{sign}");
    }
}

#[tokio::test]
async fn a_connection_without_a_refresh_token_says_so_when_its_access_token_ends() {
    let town = Town::new().await;
    town.connect("google").await;
    let store = &town.stack.app.store;
    let owner = shared::ids::OwnerId::user(USER).unwrap();
    let mut row = store.owner_rows(&owner).await.unwrap().connections.remove(0);
    row.refresh = None;
    let stripped = store.put_connection(&row, Some(row.token_version)).unwrap();
    assert_eq!(store.transact(vec![stripped]).await.unwrap(), shared::store::Transaction::Done);
    assert_eq!(town.get("/calendar/events").await.status, 200, "the access token still lives");
    town.advance(2900);
    assert_eq!(town.get("/calendar/events").await.status, 200, "also in the last quarter of its life");
    town.advance(700);
    assert_eq!(town.get("/calendar/events").await.code(), "reauth_required");
    let status = town.get("/calendar/auth/status").await;
    assert_eq!(status.body["connections"][0]["cause"], "no_refresh_token", "{}", status.text);
}
