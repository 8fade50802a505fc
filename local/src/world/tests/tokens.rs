//! The token endpoints of both providers: rotation, limits, revocation.

use super::*;

fn text<'a>(tokens: &'a Value, name: &str) -> &'a str {
    tokens[name].as_str().unwrap()
}

#[tokio::test]
async fn the_first_exchange_gives_tokens_and_an_identity() {
    let bench = Bench::start().await;
    let google = bench.connect(Provider::Google).await;
    assert_eq!((google["expires_in"].as_i64(), text(&google, "token_type")), (Some(3599), "Bearer"));
    assert!(text(&google, "refresh_token").starts_with("1//"));
    let identity = claims(text(&google, "id_token"));
    assert_eq!(identity["iss"], "https://accounts.google.com");
    assert_eq!((&identity["email_verified"], &identity["hd"]), (&json!(true), &json!("example.com")));
    assert_eq!(identity["iat"].as_i64(), Some(at(NOW).as_second()));
    let microsoft = bench.connect(Provider::Microsoft).await;
    let seconds = microsoft["expires_in"].as_i64().unwrap();
    assert!((3600..=5400).contains(&seconds));
    let identity = claims(text(&microsoft, "id_token"));
    assert!(identity["tid"].is_string() && identity["oid"].is_string());
    assert_ne!(identity["sub"], identity["oid"]);
    assert!(!text(&microsoft, "scope").contains("offline_access"));
}

#[tokio::test]
async fn a_code_is_exchanged_once_and_at_google_a_second_time_ends_the_grant() {
    let bench = Bench::start().await;
    for provider in [Provider::Google, Provider::Microsoft] {
        let code = param(&bench.approve(provider, &[]).await, "code").unwrap();
        let tokens = bench.exchange(provider, &code).await;
        let again = bench.exchange(provider, &code).await;
        assert_eq!((again.status, again.text("error")), (400, "invalid_grant"));
        let refreshed = bench.refresh(provider, tokens.text("refresh_token")).await;
        assert_eq!(refreshed.status, if provider == Provider::Google { 400 } else { 200 });
    }
}

#[tokio::test]
async fn a_code_dies_after_ten_minutes() {
    let bench = Bench::start().await;
    for provider in [Provider::Google, Provider::Microsoft] {
        let codes = [bench.approve(provider, &[]).await, bench.approve(provider, &[]).await];
        let codes = codes.map(|target| param(&target, "code").unwrap());
        bench.advance(599);
        assert_eq!(bench.exchange(provider, &codes[0]).await.status, 200);
        bench.advance(1);
        assert_eq!(bench.exchange(provider, &codes[1]).await.text("error"), "invalid_grant");
    }
}

#[tokio::test]
async fn pkce_redirect_and_secret_are_checked_for_real() {
    let bench = Bench::start().await;
    let cases = [
        (("code_verifier", "EXAMPLE-other"), ["invalid_grant", "invalid_grant"]),
        (("redirect_uri", "http://localhost:3000/other"), ["redirect_uri_mismatch", "invalid_client"]),
        (("client_secret", "EXAMPLE-wrong"), ["invalid_client", "invalid_client"]),
        (("client_id", "EXAMPLE-wrong"), ["invalid_client", "unauthorized_client"]),
        (("code", "EXAMPLE-never-issued"), ["invalid_grant", "invalid_grant"]),
        (("grant_type", "password"), ["unsupported_grant_type", "unsupported_grant_type"]),
    ];
    for (n, provider) in [Provider::Google, Provider::Microsoft].into_iter().enumerate() {
        let code = param(&bench.approve(provider, &[]).await, "code").unwrap();
        for ((name, value), errors) in cases {
            let mut form = vec![
                ("grant_type", "authorization_code"),
                ("code", code.as_str()),
                ("redirect_uri", RETURN),
                ("code_verifier", "EXAMPLE-verifier"),
            ];
            form.retain(|(replaced, _)| *replaced != name);
            form.push((name, value));
            let got = bench.token(provider, &form).await;
            assert_eq!(got.text("error"), errors[n], "{name}: {}", got.body);
            if name == "client_secret" {
                assert_eq!(got.status, 401);
            }
            if provider == Provider::Microsoft {
                assert!(got.body["error_codes"][0].is_u64() && got.body["trace_id"].is_string());
                assert!(got.text("error_description").starts_with("AADSTS"));
            }
        }
        assert_eq!(bench.exchange(provider, &code).await.status, 200, "the code survives what was refused");
    }
}

#[tokio::test]
async fn the_clients_secret_may_come_by_basic_authentication() {
    let bench = Bench::start().await;
    let tokens = bench.connect(Provider::Google).await;
    let request = bench
        .client
        .post(bench.setting("GOOGLE_TOKEN_URL"))
        .basic_auth(Provider::Google.client_id(), Some(Provider::Google.client_secret()))
        .form(&[("grant_type", "refresh_token"), ("refresh_token", text(&tokens, "refresh_token"))]);
    assert_eq!(Got::read(request).await.status, 200);
}

#[tokio::test]
async fn microsoft_rotates_and_the_used_token_still_works() {
    let bench = Bench::start().await;
    let first = text(&bench.connect(Provider::Microsoft).await, "refresh_token").to_owned();
    let second = bench.refresh(Provider::Microsoft, &first).await;
    assert_ne!(second.text("refresh_token"), first);
    assert_eq!(bench.refresh(Provider::Microsoft, &first).await.status, 200);
    assert_eq!(bench.refresh(Provider::Microsoft, second.text("refresh_token")).await.status, 200);
    assert_eq!(bench.world.counters().of("microsoft", "token"), 4);
    bench.advance(90 * 24 * 3600);
    let late = bench.refresh(Provider::Microsoft, &first).await;
    assert_eq!((late.text("error"), &late.body["error_codes"]), ("invalid_grant", &json!([700_082])));
}

#[tokio::test]
async fn google_omits_the_refresh_token_on_refresh_and_keeps_it_alive() {
    let bench = Bench::start().await;
    let token = text(&bench.connect(Provider::Google).await, "refresh_token").to_owned();
    for _ in 0..3 {
        bench.advance(100 * 24 * 3600);
        let got = bench.refresh(Provider::Google, &token).await;
        assert_eq!((got.status, got.body.get("refresh_token")), (200, None));
        assert!(got.text("scope").contains("calendar.events"));
    }
    bench.advance(183 * 24 * 3600);
    let got = bench.refresh(Provider::Google, &token).await;
    assert_eq!((got.status, got.text("error")), (400, "invalid_grant"));
    assert_eq!(got.text("error_description"), "Token has been expired or revoked.");
}

#[tokio::test]
async fn google_gives_a_refresh_token_only_offline_and_at_the_first_or_a_forced_consent() {
    let bench = Bench::start().await;
    let steps = [
        (("access_type", "online"), false),
        (("prompt", "select_account"), false),
        (("prompt", "consent select_account"), true),
    ];
    for (change, expected) in steps {
        let target = bench.approve(Provider::Google, &[change]).await;
        let got = bench.exchange(Provider::Google, &param(&target, "code").unwrap()).await;
        assert_eq!(got.body.get("refresh_token").is_some(), expected, "{change:?}");
    }
    let fresh = Bench::start().await;
    let target = fresh.approve(Provider::Google, &[("prompt", "")]).await;
    let got = fresh.exchange(Provider::Google, &param(&target, "code").unwrap()).await;
    assert!(got.body.get("refresh_token").is_some(), "the first consent gives one unasked");
}

#[tokio::test]
async fn microsoft_gives_a_refresh_token_only_for_offline_access() {
    let bench = Bench::start().await;
    let target = bench.approve(Provider::Microsoft, &[("scope", "openid Calendars.ReadWrite")]).await;
    let got = bench.exchange(Provider::Microsoft, &param(&target, "code").unwrap()).await;
    assert_eq!(got.body.get("refresh_token"), None);
}

#[tokio::test]
async fn the_oldest_of_101_google_refresh_tokens_dies_silently() {
    let bench = Bench::start().await;
    let oldest = text(&bench.connect(Provider::Google).await, "refresh_token").to_owned();
    let second = text(&bench.connect(Provider::Google).await, "refresh_token").to_owned();
    for _ in 0..98 {
        bench.connect(Provider::Google).await;
    }
    assert_eq!(bench.refresh(Provider::Google, &oldest).await.status, 200);
    bench.connect(Provider::Google).await;
    assert_eq!(bench.refresh(Provider::Google, &oldest).await.text("error"), "invalid_grant");
    assert_eq!(bench.refresh(Provider::Google, &second).await.status, 200);
}

#[tokio::test]
async fn googles_revocation_ends_every_grant_of_the_account() {
    let bench = Bench::start().await;
    let (one, two) = (bench.connect(Provider::Google).await, bench.connect(Provider::Google).await);
    let revoke = |token: &str| {
        Got::read(bench.client.post(bench.setting("GOOGLE_REVOKE_URL")).form(&[("token", token)]))
    };
    assert_eq!(revoke(text(&one, "refresh_token")).await.status, 200);
    assert_eq!(
        bench.refresh(Provider::Google, text(&two, "refresh_token")).await.text("error"),
        "invalid_grant"
    );
    let url = format!("{}/users/me/calendarList", bench.setting("GOOGLE_CALENDAR_URL"));
    assert_eq!(bench.call(Method::GET, &url, text(&two, "access_token"), None).await.status, 401);
    let again = revoke(text(&one, "refresh_token")).await;
    assert_eq!((again.status, again.text("error")), (400, "invalid_token"));
    assert_eq!(bench.world.live_grants(Provider::Google, DEFAULT_EMAIL), 0);
}

#[tokio::test]
async fn a_revoked_microsoft_account_answers_50173() {
    let bench = Bench::start().await;
    let tokens = bench.connect(Provider::Microsoft).await;
    bench.world.revoke_account(Provider::Microsoft, DEFAULT_EMAIL);
    let got = bench.refresh(Provider::Microsoft, text(&tokens, "refresh_token")).await;
    assert_eq!((got.text("error"), &got.body["error_codes"]), ("invalid_grant", &json!([50_173])));
    let garbled = bench.refresh(Provider::Microsoft, "EXAMPLE-garbled").await;
    assert_eq!(garbled.body["error_codes"], json!([9_002_313]));
    // A stand-in that was started anew knows no grant of before.
    bench.world.reset();
    let unknown = bench.refresh(Provider::Microsoft, text(&tokens, "refresh_token")).await;
    assert_eq!((unknown.text("error"), &unknown.body["error_codes"]), ("invalid_grant", &json!([70_000])));
}

#[tokio::test]
async fn access_tokens_expire_by_the_clock() {
    let bench = Bench::start().await;
    let google = bench.connect(Provider::Google).await;
    let microsoft = bench.connect(Provider::Microsoft).await;
    let list = format!("{}/users/me/calendarList", bench.setting("GOOGLE_CALENDAR_URL"));
    let me = format!("{}/me", bench.setting("MICROSOFT_GRAPH_URL"));
    bench.advance(3598);
    assert_eq!(bench.call(Method::GET, &list, text(&google, "access_token"), None).await.status, 200);
    assert_eq!(bench.call(Method::GET, &me, text(&microsoft, "access_token"), None).await.status, 200);
    bench.advance(1803);
    let got = bench.call(Method::GET, &list, text(&google, "access_token"), None).await;
    assert_eq!((got.status, &got.body["error"]["errors"][0]["reason"]), (401, &json!("authError")));
    let got = bench.call(Method::GET, &me, text(&microsoft, "access_token"), None).await;
    assert_eq!((got.status, &got.body["error"]["code"]), (401, &json!("InvalidAuthenticationToken")));
    assert!(got.body["error"]["innerError"]["request-id"].is_string());
}
