//! What is set by hand on a local stack: whoever is real gets nothing that belongs to its stand-in.

use std::path::Path;

use local::stack::{Options, Stack, Time};
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
        (json!({"system": "fax", "kind": "hang"}), "system must be one of"),
    ] {
        let answer = town.answer(town.plain(Method::POST, "/_local/faults").json(&fault)).await;
        assert!(answer.status == 400 && answer.text.contains(named), "{fault}: {}", answer.text);
    }
    assert!(town.stack.world.faults().waiting().is_empty());
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
