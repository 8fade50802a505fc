//! The consent pages and codes of both providers.

use super::*;

#[tokio::test]
async fn the_consent_page_sends_the_browser_back_with_code_state_and_the_providers_extras() {
    let bench = Bench::start().await;
    let google = bench.approve(Provider::Google, &[]).await;
    assert!(google.as_str().starts_with(RETURN));
    assert_eq!(param(&google, "state").as_deref(), Some("EXAMPLE-state"));
    assert_eq!(param(&google, "authuser").as_deref(), Some("0"));
    assert!(param(&google, "code").unwrap().starts_with("4/0"));
    let scope = param(&google, "scope").unwrap();
    assert!(scope.contains("https://www.googleapis.com/auth/userinfo.email"), "{scope}");
    let microsoft = bench.approve(Provider::Microsoft, &[]).await;
    assert!(param(&microsoft, "session_state").is_some());
    assert_eq!(param(&microsoft, "scope"), None);
}

#[tokio::test]
async fn declining_sends_access_denied_and_no_code() {
    let bench = Bench::start().await;
    for provider in [Provider::Google, Provider::Microsoft] {
        let url = bench.authorize_url(provider, &[]);
        let target = consent(&bench.client, &url, &Choice::Deny).await.unwrap();
        assert_eq!(param(&target, "error").as_deref(), Some("access_denied"));
        assert_eq!(param(&target, "state").as_deref(), Some("EXAMPLE-state"));
        assert_eq!(param(&target, "code"), None);
    }
}

#[tokio::test]
async fn a_wrong_client_or_redirect_ends_on_a_page() {
    let bench = Bench::start().await;
    let bad = [
        ("client_id", "EXAMPLE-other"),
        ("redirect_uri", "https://elsewhere.example.com/callback"),
        ("redirect_uri", "javascript:alert(1)"),
    ];
    for provider in [Provider::Google, Provider::Microsoft] {
        for pair in bad {
            let url = bench.authorize_url(provider, &[pair]);
            let answer = bench.client.get(&url).send().await.unwrap();
            assert_eq!(answer.status(), 400, "{pair:?}");
        }
    }
}

#[tokio::test]
async fn state_scope_response_type_and_pkce_are_required() {
    let bench = Bench::start().await;
    let missing = ["state", "scope", "response_type", "code_challenge", "code_challenge_method"];
    for name in missing {
        let url = bench.authorize_url(Provider::Google, &[(name, "")]);
        assert_eq!(bench.client.get(&url).send().await.unwrap().status(), 400, "{name}");
        let url = bench.authorize_url(Provider::Microsoft, &[(name, "")]);
        let target = consent(&bench.client, &url, &Choice::Deny).await.unwrap();
        let error = param(&target, "error").unwrap();
        assert!(
            ["invalid_request", "unsupported_response_type"].contains(&error.as_str()),
            "{name}: {error}"
        );
        assert!(param(&target, "error_description").unwrap().starts_with("AADSTS"));
    }
}

#[tokio::test]
async fn a_base_given_at_the_start_may_be_redirected_to() {
    let clock = Clock::fixed(at(NOW));
    let redirect_bases = vec!["https://calendar.example.com".to_owned()];
    let world = World::start(clock, Options { redirect_bases, ..Options::default() }).await.unwrap();
    let bench = Bench { world, client: client().unwrap() };
    let url =
        bench.authorize_url(Provider::Google, &[("redirect_uri", "https://calendar.example.com/back?x=1")]);
    let target = consent(&bench.client, &url, &Choice::approve(DEFAULT_EMAIL)).await.unwrap();
    assert_eq!(param(&target, "x").as_deref(), Some("1"));
    assert!(param(&target, "code").is_some());
}

#[tokio::test]
async fn the_page_escapes_what_it_shows_and_runs_nothing() {
    let bench = Bench::start().await;
    let url = bench.authorize_url(Provider::Google, &[("state", "\"><script>alert(1)</script>")]);
    let answer = bench.client.get(&url).send().await.unwrap();
    let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && policy.contains("style-src 'sha256-"), "{policy}");
    let html = answer.text().await.unwrap();
    assert!(!html.contains("<script"), "{html}");
    let target = consent(&bench.client, &url, &Choice::approve(DEFAULT_EMAIL)).await.unwrap();
    assert_eq!(param(&target, "state").as_deref(), Some("\"><script>alert(1)</script>"));
}

#[tokio::test]
async fn a_login_hint_chooses_the_account_and_prompt_none_asks_nobody() {
    let bench = Bench::start().await;
    bench.world.add_account(super::super::Account::google("owner@example.com"));
    let url = bench.authorize_url(Provider::Google, &[("login_hint", "owner@example.com")]);
    let html = bench.client.get(&url).send().await.unwrap().text().await.unwrap();
    assert!(html.contains("value=\"owner@example.com\" required checked"));
    assert!(html.contains("value=\"ada@example.com\" required>"));
    let target = bench.approve(Provider::Google, &[("prompt", "")]).await;
    assert!(param(&target, "code").is_some());
    let url = bench.authorize_url(Provider::Google, &[("prompt", "none")]);
    let target = consent(&bench.client, &url, &Choice::Deny).await.unwrap();
    assert_eq!(param(&target, "error").as_deref(), Some("interaction_required"));
}

#[tokio::test]
async fn an_unticked_scope_is_missing_from_the_granted_ones() {
    let bench = Bench::start().await;
    let events = "https://www.googleapis.com/auth/calendar.events";
    let url = bench.authorize_url(Provider::Google, &[]);
    let choice = Choice::Approve { account: DEFAULT_EMAIL.to_owned(), untick: vec![events.to_owned()] };
    let target = consent(&bench.client, &url, &choice).await.unwrap();
    let got = bench.exchange(Provider::Google, &param(&target, "code").unwrap()).await;
    assert!(!got.text("scope").contains(events));
    assert!(got.text("scope").contains("calendar.readonly"));
    bench.world.set_scopes_unticked(Provider::Google, DEFAULT_EMAIL, &[events]);
    let tokens = bench.connect(Provider::Google).await;
    assert!(!tokens["scope"].as_str().unwrap().contains(events));
    let url = format!("{}/calendars/primary/events", bench.setting("GOOGLE_CALENDAR_URL"));
    let body = google_event("2026-03-02T10:00:00Z", "2026-03-02T11:00:00Z");
    let got = bench.call(Method::POST, &url, tokens["access_token"].as_str().unwrap(), Some(&body)).await;
    assert_eq!(
        (got.status, &got.body["error"]["errors"][0]["reason"]),
        (403, &json!("insufficientPermissions"))
    );
}
