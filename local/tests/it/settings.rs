//! What is set by hand on a local stack: whoever is real gets nothing that belongs to its stand-in.

use std::{collections::BTreeSet, path::Path};

use local::{
    stack::{Options, Stack, Time},
    world::operations::SYSTEMS,
};
use reqwest::Method;
use serde_json::json;

use crate::harness::{NOW, Town, at};

async fn started(settings: &[(&str, &str)]) -> Result<Stack, String> {
    let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let options = Options { settings: settings.collect(), time: Time::Fixed(at(NOW)), ..Options::default() };
    Stack::start(options).await
}

#[tokio::test]
async fn a_real_clerk_is_asked_for_its_own_keys() {
    let issuer = "https://real.clerk.accounts.dev";
    // "real.clerk.accounts.dev$", as Clerk encodes it.
    for given in
        [("CLERK_ISSUER", issuer), ("CLERK_PUBLISHABLE_KEY", "pk_test_cmVhbC5jbGVyay5hY2NvdW50cy5kZXYk")]
    {
        let stack = started(&[given]).await.unwrap();
        let clerk = &stack.app.config.clerk;
        assert_eq!(
            (clerk.issuer.as_str(), clerk.jwks_url.as_str()),
            (issuer, &*format!("{issuer}/.well-known/jwks.json"))
        );
    }
    let odd = started(&[("CLERK_PUBLISHABLE_KEY", "pk_test_zzz")]).await.err().unwrap();
    assert!(odd.contains("CLERK_PUBLISHABLE_KEY"), "{odd}");
}

#[tokio::test]
async fn a_real_provider_wants_its_secret_and_a_browser() {
    let odd = started(&[("GOOGLE_CLIENT_ID", "EXAMPLE")]).await.err().unwrap();
    assert!(odd.contains("GOOGLE_CLIENT_SECRET is missing"), "{odd}");
    let real = [("GOOGLE_CLIENT_ID", "EXAMPLE"), ("GOOGLE_CLIENT_SECRET", "EXAMPLE")];
    let town = Town::with(&real).await;
    let asked = json!({"owner": "user:user_2EXAMPLE", "provider": "google"});
    let answer = town.answer(town.plain(Method::POST, "/_local/connect").json(&asked)).await;
    assert!(answer.status == 400 && answer.text.contains("google is the real one here"), "{}", answer.text);
}

#[tokio::test]
async fn a_front_end_elsewhere_may_use_its_own_sessions() {
    let stack = started(&[("FRONTEND_RETURN_URLS", "http://localhost:5173/settings")]).await.unwrap();
    let parties = &stack.app.config.clerk.authorized_parties;
    assert_eq!(parties, &["http://localhost:5173", "http://localhost:3001"]);
    let odd = started(&[("STAGE", "prod")]).await.err().unwrap();
    assert!(odd.starts_with("STAGE: this is the stage local"), "{odd}");
}

#[tokio::test]
async fn a_fault_that_means_nothing_is_refused() {
    let town = Town::new().await;
    for (fault, named) in [
        (json!({"system": "google", "kind": "delay"}), "milliseconds"),
        (json!({"system": "google", "kind": "status"}), "status from 200 to 599"),
        (json!({"system": "google", "kind": "status", "value": 9999}), "status from 200 to 599"),
        (json!({"system": "google", "kind": "status", "value": {"body": {}}}), "status from 200 to 599"),
        (json!({"system": "google", "kind": "hang", "tims": 2}), "tims"),
        (json!({"system": "fax", "kind": "hang"}), "system must be one of microsoft, google"),
        (json!({"system": "google", "operation": "freebusy", "kind": "hang"}), "freebusy.query"),
        (json!({"system": "kms", "operation": "token", "kind": "hang"}), "GenerateDataKey, Decrypt"),
        (json!({"system": "google", "kind": "hang", "times": 0}), "times must be 1 or more"),
        (json!({"system": "dynamodb", "kind": "revoke"}), "dynamodb has no grants"),
        (json!({"system": "clerk", "operation": "jwks", "kind": "reuse_detected"}), "operation token"),
        (
            json!({"system": "microsoft", "operation": "calendars", "kind": "reuse_detected"}),
            "operation token",
        ),
    ] {
        let answer = town.answer(town.plain(Method::POST, "/_local/faults").json(&fault)).await;
        assert!(answer.status == 400 && answer.text.contains(named), "{fault}: {}", answer.text);
    }
    assert!(town.stack.world.faults().waiting().is_empty());
}

#[tokio::test]
async fn a_fault_can_be_armed_for_every_operation_that_is_counted() {
    let town = Town::connected().await;
    town.get("/calendar/availability?days_ahead=2").await;
    town.get("/calendar/events").await;
    let start = json!({"start": "2026-01-13T15:00:00Z", "attendee": {"name": "Ada Example"}});
    assert_eq!(town.call(Method::POST, "/calendar/bookings", Some(start)).await.status, 201);
    for task in [json!({"task": "keep"}), json!({"task": "rewrap"})] {
        let run = json!({"function": "token-refresh", "input": task});
        assert_eq!(town.answer(town.plain(Method::POST, "/_local/run").json(&run)).await.status, 200);
    }
    let mut armed = 0;
    let counted = town.counters().snapshot();
    for (system, operations) in &counted {
        for operation in operations.keys() {
            let fault = json!({"system": system, "operation": operation, "kind": "hang"});
            let answer = town.answer(town.plain(Method::POST, "/_local/faults").json(&fault)).await;
            assert_eq!(answer.status, 200, "{fault}: {}", answer.text);
            armed += 1;
        }
    }
    assert!(armed > 8, "{counted:?}");
}

/// The texts of a source file that stand behind a mark.
fn behind<'a>(source: &'a str, mark: &'a str) -> impl Iterator<Item = &'a str> {
    source.split(mark).skip(1).filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next())
}

#[test]
fn every_operation_that_a_stand_in_has_is_listed_and_no_other() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/world");
    let source = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let oauth = source("oauth/token.rs");
    let both: Vec<_> = behind(&oauth, "operation: ").collect();
    assert_eq!(both, ["token", "revoke"]);
    for (system, file, of_oauth) in
        [("microsoft", "microsoft/mod.rs", &both[..1]), ("google", "google/mod.rs", &both[..])]
    {
        let (_, listed) = SYSTEMS.iter().find(|(name, _)| *name == system).unwrap();
        let file = source(file);
        let found: BTreeSet<_> = behind(&file, "&asked,").chain(of_oauth.iter().copied()).collect();
        assert_eq!(found, listed.iter().copied().collect::<BTreeSet<_>>(), "{system}");
    }
}

#[tokio::test]
async fn one_stack_at_a_time_has_a_folder() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("one-stack-{}", std::process::id()));
    let on_it = || Options { data: Some(folder.clone()), time: Time::Fixed(at(NOW)), ..Options::default() };
    let first = Stack::start(on_it()).await.unwrap();
    let odd = Stack::start(on_it()).await.err().unwrap();
    assert!(odd.contains("in use by another stack"), "{odd}");
    drop(first);
    drop(Stack::start(on_it()).await.unwrap());
    std::fs::remove_dir_all(folder).unwrap();
}
