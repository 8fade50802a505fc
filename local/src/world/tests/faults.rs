//! Armed faults and what a client sees of them.

use super::{
    super::faults::{Fault, Kind},
    *,
};

async fn list(bench: &Bench, token: &str) -> Got {
    bench
        .call(
            Method::GET,
            &format!("{}/users/me/calendarList", bench.setting("GOOGLE_CALENDAR_URL")),
            token,
            None,
        )
        .await
}

#[tokio::test]
async fn an_armed_status_is_answered_in_the_providers_own_shape() {
    let bench = Bench::start().await;
    let token = bench.connect(Provider::Google).await["access_token"].as_str().unwrap().to_owned();
    let value = json!({"status": 429, "retry_after": 1.5});
    bench.world.faults().arm(Fault::new("google", "calendarList.list", Kind::Status).with(value));
    let got = list(&bench, &token).await;
    assert_eq!((got.status, got.header("retry-after")), (429, "1.5"));
    assert_eq!(got.body["error"]["errors"][0]["reason"], "rateLimitExceeded");
    assert_eq!(list(&bench, &token).await.status, 200, "a fault spoils one call");
    bench.world.faults().arm(Fault::new("microsoft", "token", Kind::Status).with(503));
    let got = bench.refresh(Provider::Microsoft, "EXAMPLE").await;
    assert_eq!((got.status, got.text("error")), (503, "temporarily_unavailable"));
    bench.world.faults().arm(Fault::new("microsoft", "*", Kind::Status).with(503));
    let me = format!("{}/me", bench.setting("MICROSOFT_GRAPH_URL"));
    let got = bench.call(Method::GET, &me, "EXAMPLE", None).await;
    assert_eq!((got.status, &got.body["error"]["code"]), (503, &json!("ErrorServerBusy")));
    let value = json!({"status": 400, "body": {"error": "EXAMPLE"}});
    bench.world.faults().arm(Fault::new("google", "token", Kind::Status).with(value));
    assert_eq!(bench.refresh(Provider::Google, "EXAMPLE").await.text("error"), "EXAMPLE");
}

#[tokio::test]
async fn a_drop_after_commit_does_the_thing_and_breaks_the_connection() {
    let bench = Bench::start().await;
    let token = bench.connect(Provider::Google).await["access_token"].as_str().unwrap().to_owned();
    bench.world.faults().arm(Fault::new("google", "events.insert", Kind::DropAfterCommit));
    let url = format!("{}/calendars/primary/events", bench.setting("GOOGLE_CALENDAR_URL"));
    let mut body = google_event("2026-03-07T10:00:00Z", "2026-03-07T11:00:00Z");
    body["id"] = "slot0sample".into();
    let lost = bench.client.post(&url).bearer_auth(&token).json(&body).send().await;
    assert!(lost.is_err(), "not even a status is heard");
    let last = bench.world.events(Provider::Google, DEFAULT_EMAIL).pop().unwrap();
    assert_eq!(last.id, "slot0sample");
    assert_eq!(bench.call(Method::POST, &url, &token, Some(&body)).await.status, 409);
    assert_eq!(bench.world.counters().of("google", "events.insert"), 2);
}

#[tokio::test]
async fn a_hang_never_answers_until_the_world_ends() {
    let bench = Bench::start().await;
    bench.world.faults().arm(Fault::new("clerk", "jwks", Kind::Hang));
    let request = bench.client.get(bench.setting("CLERK_JWKS_URL")).send();
    let asked = tokio::spawn(request);
    while bench.world.counters().of("clerk", "jwks") == 0 {
        tokio::task::yield_now().await;
    }
    assert!(!asked.is_finished());
    drop(bench);
    assert!(asked.await.unwrap().is_err());
}

#[tokio::test]
async fn a_delay_answers_late_and_as_usual() {
    let bench = Bench::start().await;
    bench.world.faults().arm(Fault::new("clerk", "jwks", Kind::Delay).with(30));
    let begun = std::time::Instant::now();
    let got = Got::read(bench.client.get(bench.setting("CLERK_JWKS_URL"))).await;
    assert_eq!(got.status, 200);
    assert!(begun.elapsed() >= std::time::Duration::from_millis(30));
}

#[tokio::test]
async fn a_revocation_in_mid_flight_ends_the_grant_at_hand() {
    let bench = Bench::start().await;
    for provider in [Provider::Google, Provider::Microsoft] {
        let tokens = bench.connect(provider).await;
        bench.world.faults().arm(Fault::new(provider.as_str(), "token", Kind::Revoke));
        let got = bench.refresh(provider, tokens["refresh_token"].as_str().unwrap()).await;
        assert_eq!((got.status, got.text("error")), (400, "invalid_grant"));
        assert_eq!(bench.world.live_grants(provider, DEFAULT_EMAIL), 0);
    }
}

#[tokio::test]
async fn a_detected_reuse_ends_the_whole_family() {
    let bench = Bench::start().await;
    let first = bench.connect(Provider::Microsoft).await["refresh_token"].as_str().unwrap().to_owned();
    let second = bench.refresh(Provider::Microsoft, &first).await.text("refresh_token").to_owned();
    bench.world.faults().arm(Fault::new("microsoft", "token", Kind::ReuseDetected));
    assert_eq!(bench.refresh(Provider::Microsoft, &first).await.text("error"), "invalid_grant");
    assert_eq!(bench.refresh(Provider::Microsoft, &second).await.text("error"), "invalid_grant");
}

#[tokio::test]
async fn the_state_shows_token_calls_and_no_secret() {
    let bench = Bench::start().await;
    let tokens = bench.connect(Provider::Google).await;
    bench.refresh(Provider::Google, "EXAMPLE-garbled").await;
    let state = bench.world.state();
    let outcomes: Vec<_> =
        state["google"]["token_calls"].as_array().unwrap().iter().map(|c| &c["outcome"]).collect();
    assert_eq!(outcomes, ["ok", "invalid_grant"]);
    assert_eq!(state["google"]["grants"].as_array().unwrap().len(), 1);
    let text = state.to_string();
    for name in ["access_token", "refresh_token"] {
        assert!(!text.contains(tokens[name].as_str().unwrap()));
    }
    bench.world.reset();
    assert_eq!(bench.world.live_grants(Provider::Google, DEFAULT_EMAIL), 0);
    assert_eq!(bench.world.counters().of("google", "token"), 0);
    assert_eq!(bench.refresh(Provider::Google, tokens["refresh_token"].as_str().unwrap()).await.status, 400);
}
