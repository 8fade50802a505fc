//! Connecting a calendar: who may complete what, and everything that must not work (SECURITY.md S1).

use local::{
    visitor::{Landed, Visitor, connect},
    world::{Account, Choice, DEFAULT_EMAIL, Provider},
};
use reqwest::Method;
use serde_json::json;
use shared::ids::OwnerId;
use url::Url;

use crate::harness::{OTHER, Town, USER};

/// A visitor who has come back from the provider with a handle.
async fn with_handle(town: &Town, provider: &str) -> (Visitor, String) {
    let mut visitor = Visitor::new(town.base()).unwrap();
    let landed = visitor.connect(USER, provider, &Choice::approve(DEFAULT_EMAIL)).await.unwrap();
    assert_eq!(landed.auth, "confirm");
    (visitor, landed.handle.unwrap())
}

async fn connections(town: &Town) -> usize {
    town.get("/calendar/auth/status").await.body["connections"].as_array().unwrap().len()
}

/// The callback address of a fresh flow, and the visitor who may use it.
async fn at_the_callback(town: &Town, provider: &str) -> (Visitor, Url) {
    let mut visitor = Visitor::new(town.base()).unwrap();
    let authorize_url = visitor.start(USER, provider).await.unwrap();
    let callback = visitor.consent(&authorize_url, &Choice::approve(DEFAULT_EMAIL)).await.unwrap();
    (visitor, callback)
}

fn with(url: &Url, name: &str, value: Option<&str>) -> Url {
    let mut changed = url.clone();
    let kept: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(key, _)| key != name)
        .map(|(k, v)| (k.into_owned(), v.into_owned()))
        .collect();
    changed.query_pairs_mut().clear().extend_pairs(kept).extend_pairs(value.map(|value| (name, value)));
    changed
}

fn code(landed: &Landed) -> (&str, &str) {
    (landed.auth.as_str(), landed.code.as_deref().unwrap_or_default())
}

#[tokio::test]
async fn where_one_provider_is_enabled_every_link_to_connect_leads_to_it() {
    for provider in ["google", "microsoft"] {
        let town = Town::with(&[("PROVIDERS_ENABLED", provider)]).await;
        let business = json!({"name": "Example Hair", "google_calendar_timezone": "UTC"});
        let business = town.call(Method::POST, "/api/v1/businesses", Some(business)).await.body;
        let of_business = format!("/api/v1/calendars?business_id={}", business["id"].as_str().unwrap());
        let links = [
            &business["connect_url"],
            &town.get(&of_business).await.body["reconnect_url"],
            &town.get("/calendar/events").await.body["reconnect_url"],
            &json!(town.stack.app.connect_url(&OwnerId::user(USER).unwrap(), None)),
        ]
        .map(|link| link.as_str().unwrap().trim_start_matches(town.base()).to_owned());
        let authorize_url = &town.stack.settings[&format!("{}_AUTHORIZE_URL", provider.to_uppercase())];
        for link in links {
            let answer = town.answer(town.plain(Method::GET, &link)).await;
            assert_eq!(answer.status, 307, "{provider}, {link}: {}", answer.text);
            assert!(answer.headers["location"].to_str().unwrap().starts_with(authorize_url), "{link}");
        }
    }
}

#[tokio::test]
async fn start_needs_nothing_but_a_user_id_and_goes_to_microsoft() {
    let town = Town::new().await;
    let answer = town.answer(town.plain(Method::GET, &format!("/calendar/auth/start?user_id={USER}"))).await;
    assert_eq!(answer.status, 307);
    let location = answer.headers["location"].to_str().unwrap();
    assert!(location.starts_with(&town.stack.settings["MICROSOFT_AUTHORIZE_URL"]), "{location}");
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    for part in ["slk_flow_", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=600"] {
        assert!(cookie.contains(part), "{part} is missing in {cookie}");
    }
    for part in ["state=", "code_challenge=", "code_challenge_method=S256", "prompt=select_account"] {
        assert!(location.contains(part), "{part} is missing in {location}");
    }
}

#[tokio::test]
async fn without_an_override_start_goes_to_microsofts_own_address() {
    let town = Town::with(&[
        ("MICROSOFT_CLIENT_ID", "00000000-0000-4000-8000-000000000001"),
        ("MICROSOFT_CLIENT_SECRET", "EXAMPLE"),
    ])
    .await;
    let answer = town.answer(town.plain(Method::GET, &format!("/calendar/auth/start?user_id={USER}"))).await;
    let location = answer.headers["location"].to_str().unwrap();
    assert!(
        location.starts_with("https://login.microsoftonline.com/common/oauth2/v2.0/authorize?"),
        "{location}"
    );
}

#[tokio::test]
async fn s1_the_owner_completes_with_a_handle_and_his_session() {
    let town = Town::new().await;
    let (visitor, handle) = with_handle(&town, "google").await;
    assert_eq!(connections(&town).await, 0, "nothing is linked before the proof");
    assert_eq!(town.counters().of("google", "token"), 0, "the code is not redeemed before the proof");
    let (status, answer) = visitor.complete(&town.session(USER), &handle).await.unwrap();
    assert_eq!(
        (status, &answer["connected"], &answer["account_email"]),
        (200, &json!(true), &json!(DEFAULT_EMAIL))
    );
    assert_eq!(connections(&town).await, 1);
}

#[tokio::test]
async fn s1_somebody_else_cannot_complete_and_burns_the_flow() {
    let town = Town::new().await;
    let (visitor, handle) = with_handle(&town, "google").await;
    let (status, answer) = visitor.complete(&town.session(OTHER), &handle).await.unwrap();
    assert_eq!((status, answer["code"].as_str()), (403, Some("wrong_person")));
    let (status, answer) = visitor.complete(&town.session(USER), &handle).await.unwrap();
    assert_eq!((status, answer["code"].as_str()), (400, Some("handle_expired")));
    assert_eq!((connections(&town).await, town.counters().of("google", "token")), (0, 0));
}

#[tokio::test]
async fn s1_a_handle_works_once_however_many_try_at_the_same_time() {
    let town = Town::new().await;
    let (visitor, handle) = with_handle(&town, "google").await;
    let session = town.session(USER);
    let tries = (0..100).map(|_| visitor.complete(&session, &handle));
    let answers = futures_util::future::join_all(tries).await;
    let succeeded = answers.into_iter().filter(|answer| answer.as_ref().unwrap().0 == 200).count();
    assert_eq!((succeeded, town.counters().of("google", "token")), (1, 1));
}

#[tokio::test]
async fn s1_a_state_works_once_however_many_try_at_the_same_time() {
    let town = Town::new().await;
    let (visitor, callback) = at_the_callback(&town, "google").await;
    let cookie = visitor.cookie_header();
    let tries = (0..100).map(|_| town.client.get(callback.as_str()).header("cookie", &cookie).send());
    let mut confirmed = 0;
    for answer in futures_util::future::join_all(tries).await {
        let location = answer.unwrap().headers()["location"].to_str().unwrap().to_owned();
        assert!(location.contains("auth=confirm") || location.contains("code=state_used"), "{location}");
        confirmed += usize::from(location.contains("auth=confirm"));
    }
    assert_eq!(confirmed, 1);
}

#[tokio::test]
async fn s1_the_session_cookie_at_the_start_completes_at_once() {
    let town = Town::new().await;
    let mut visitor = Visitor::new(town.base()).unwrap();
    visitor.set_cookie("__session", &town.session(USER));
    let authorize_url = visitor.start(USER, "microsoft").await.unwrap();
    // It lives a minute, and the consent page takes longer: that it held at the start is remembered.
    town.advance(240);
    let callback = visitor.consent(&authorize_url, &Choice::approve(DEFAULT_EMAIL)).await.unwrap();
    let landed = visitor.come_back(&callback).await.unwrap();
    assert_eq!(landed.auth, "success");
    assert!(landed.url.query_pairs().any(|(name, value)| name == "email" && value == DEFAULT_EMAIL));
    assert_eq!(connections(&town).await, 1);
}

#[tokio::test]
async fn s1_somebody_elses_session_cookie_is_no_proof() {
    let town = Town::new().await;
    let mut visitor = Visitor::new(town.base()).unwrap();
    visitor.set_cookie("__session", &town.session(OTHER));
    let landed = visitor.connect(USER, "google", &Choice::approve(DEFAULT_EMAIL)).await.unwrap();
    assert_eq!((landed.auth.as_str(), connections(&town).await), ("confirm", 0));
}

#[tokio::test]
async fn s1_a_bearer_with_the_cookie_completes_and_answers_json() {
    let town = Town::new().await;
    let (visitor, callback) = at_the_callback(&town, "google").await;
    let request = town
        .client
        .get(callback.as_str())
        .bearer_auth(town.session(USER))
        .header("accept", "application/json");
    let answer = town.answer(request.header("cookie", visitor.cookie_header())).await;
    assert_eq!(
        (answer.status, &answer.body["success"], &answer.body["provider"]),
        (200, &json!(true), &json!("google"))
    );
    assert!(answer.body["connection_id"].is_string());
}

#[tokio::test]
async fn s1_another_browser_gets_a_page_and_the_flow_is_burned() {
    let town = Town::new().await;
    let (mut visitor, callback) = at_the_callback(&town, "google").await;
    visitor.forget_cookies();
    let answer = town.answer(town.client.get(callback.as_str()).bearer_auth(town.session(USER))).await;
    assert_eq!(answer.status, 400);
    assert!(answer.headers["content-type"].to_str().unwrap().starts_with("text/html"));
    assert!(answer.headers.contains_key("content-security-policy"));
    let (_, again) = at_the_callback(&town, "google").await;
    assert_ne!(callback, again);
    let landed = visitor.come_back(&callback).await.unwrap();
    assert_eq!((code(&landed), connections(&town).await), (("error", "state_used"), 0));
}

#[tokio::test]
async fn s1_a_wrong_cookie_a_wrong_provider_and_a_wrong_issuer_are_refused() {
    let town = Town::new().await;
    let (visitor, callback) = at_the_callback(&town, "google").await;
    let (name, _) =
        visitor.cookie_header().split_once('=').map(|(n, v)| (n.to_owned(), v.to_owned())).unwrap();
    let request = town.client.get(callback.as_str()).header("cookie", format!("{name}=EXAMPLE"));
    let answer = town.answer(request).await;
    assert!(answer.headers["location"].to_str().unwrap().contains("code=cookie_mismatch"));

    let (mut visitor, callback) = at_the_callback(&town, "google").await;
    let elsewhere = Url::parse(&callback.as_str().replace("/callback/google", "/callback")).unwrap();
    assert_eq!(code(&visitor.come_back(&elsewhere).await.unwrap()), ("error", "provider_mismatch"));

    let (mut visitor, callback) = at_the_callback(&town, "google").await;
    let other = with(&callback, "iss", Some("https://login.microsoftonline.com/common"));
    assert_eq!(code(&visitor.come_back(&other).await.unwrap()), ("error", "provider_mismatch"));
    assert_eq!(connections(&town).await, 0);
}

#[tokio::test]
async fn s1_states_that_are_missing_unknown_or_late_say_so() {
    let town = Town::new().await;
    for (state, expected) in [(None, "state_missing"), (Some("EXAMPLE"), "state_unknown")] {
        let (mut visitor, callback) = at_the_callback(&town, "google").await;
        let landed = visitor.come_back(&with(&callback, "state", state)).await.unwrap();
        assert_eq!(code(&landed), ("error", expected));
    }
    let (mut visitor, callback) = at_the_callback(&town, "google").await;
    town.advance(601);
    assert_eq!(code(&visitor.come_back(&callback).await.unwrap()), ("error", "state_expired"));
}

#[tokio::test]
async fn s1_a_handle_dies_after_five_minutes() {
    let town = Town::new().await;
    let (visitor, handle) = with_handle(&town, "microsoft").await;
    town.advance(301);
    let (status, answer) = visitor.complete(&town.session(USER), &handle).await.unwrap();
    assert_eq!((status, answer["code"].as_str()), (400, Some("handle_expired")));
}

#[tokio::test]
async fn a_provider_error_becomes_a_code_of_ours_and_its_text_is_not_reflected() {
    let town = Town::new().await;
    let mut visitor = Visitor::new(town.base()).unwrap();
    let landed = visitor.connect(USER, "google", &Choice::Deny).await.unwrap();
    assert_eq!(code(&landed), ("error", "access_denied"));

    let (mut visitor, callback) = at_the_callback(&town, "microsoft").await;
    let refused = with(&with(&callback, "code", None), "error", Some("<script>weird"));
    let landed = visitor.come_back(&refused).await.unwrap();
    assert_eq!(code(&landed), ("error", "provider_error"));
    assert!(!landed.url.as_str().contains("script"));
}

#[tokio::test]
async fn a_code_that_the_provider_refuses_links_nothing() {
    let town = Town::new().await;
    let (mut visitor, callback) = at_the_callback(&town, "google").await;
    visitor.set_cookie("__session", &town.session(USER));
    let landed = visitor.come_back(&with(&callback, "code", Some("EXAMPLE-code"))).await.unwrap();
    assert_eq!((code(&landed), connections(&town).await), (("error", "exchange_failed"), 0));
}

#[tokio::test]
async fn s1_the_same_account_again_keeps_its_connection() {
    let town = Town::new().await;
    let first = town.connect("google").await;
    assert_eq!((town.connect("google").await, connections(&town).await), (first, 1));
    assert_eq!(town.get("/calendar/events").await.status, 200);
}

#[tokio::test]
async fn s1_another_account_is_added_and_replaces_only_when_that_is_said() {
    let town = Town::new().await;
    let first = town.connect("google").await;
    town.stack.world.add_account(Account::google("second@example.com"));
    connect(&town.stack.world, town.base(), USER, "google", "second@example.com").await.unwrap();
    assert_eq!(connections(&town).await, 2);

    town.stack.world.add_account(Account::google("third@example.com"));
    let mut visitor = Visitor::new(town.base()).unwrap();
    let start = format!("{}/calendar/auth/start?user_id={USER}&provider=google&replace=true", town.base());
    let authorize_url =
        visitor.visit(&start).await.unwrap().headers()["location"].to_str().unwrap().to_owned();
    let callback = visitor.consent(&authorize_url, &Choice::approve("third@example.com")).await.unwrap();
    let handle = visitor.come_back(&callback).await.unwrap().handle.unwrap();
    assert_eq!(connections(&town).await, 2, "the old links live until the new one is there");
    visitor.complete(&town.session(USER), &handle).await.unwrap();
    let status = town.get("/calendar/auth/status").await;
    assert_eq!(status.body["connections"].as_array().unwrap().len(), 1);
    assert_ne!(status.body["connections"][0]["id"], json!(first));
}

#[tokio::test]
async fn s1_too_few_scopes_are_not_active_and_never_touch_a_link_that_works() {
    let town = Town::new().await;
    let all = "https://www.googleapis.com/auth/calendar.events";
    town.stack.world.set_scopes_unticked(Provider::Google, DEFAULT_EMAIL, &[all]);
    let (visitor, handle) = with_handle(&town, "google").await;
    let (status, answer) = visitor.complete(&town.session(USER), &handle).await.unwrap();
    assert_eq!((status, answer["code"].as_str()), (400, Some("insufficient_scope")));
    let listed = town.get("/calendar/auth/status").await;
    assert_eq!(listed.body["connections"][0]["status"], "insufficient_scope");
    assert_eq!(town.get("/calendar/events").await.code(), "insufficient_scope");

    town.stack.world.set_scopes_unticked(Provider::Google, DEFAULT_EMAIL, &[]);
    town.connect("google").await;
    town.stack.world.set_scopes_unticked(Provider::Google, DEFAULT_EMAIL, &[all]);
    let (visitor, handle) = with_handle(&town, "google").await;
    assert_eq!(visitor.complete(&town.session(USER), &handle).await.unwrap().0, 400);
    assert_eq!(town.get("/calendar/auth/status").await.body["connections"][0]["status"], "active");
}

#[tokio::test]
async fn s1_first_link_activates_once_and_never_replaces() {
    let town = Town::with(&[("CONNECT_ACTIVATION", "first_link")]).await;
    let mut visitor = Visitor::new(town.base()).unwrap();
    let landed = visitor.connect(USER, "google", &Choice::approve(DEFAULT_EMAIL)).await.unwrap();
    assert_eq!((landed.auth.as_str(), connections(&town).await), ("success", 1));
    town.stack.world.add_account(Account::google("stranger@example.com"));
    let landed = visitor.connect(USER, "google", &Choice::approve("stranger@example.com")).await.unwrap();
    assert_eq!((landed.auth.as_str(), connections(&town).await), ("confirm", 1));
    let health = town.answer(town.plain(Method::GET, "/health")).await;
    assert!(health.body["warnings"].to_string().contains("first_link"), "{}", health.text);
}

#[tokio::test]
async fn start_refuses_what_is_odd_and_names_the_field() {
    let town = Town::new().await;
    for (query, status, field) in [
        ("", 422, "user_id"),
        ("user_id=", 422, "user_id"),
        ("user_id=bob", 422, "user_id"),
        ("user_id=user_2%3Cscript%3E", 422, "user_id"),
        (&format!("user_id={USER}&provider=yahoo"), 422, "provider"),
        (&format!("user_id={USER}&return_to=https://evil.example"), 422, "return_to"),
    ] {
        let answer = town.answer(town.plain(Method::GET, &format!("/calendar/auth/start?{query}"))).await;
        assert_eq!(
            (answer.status, answer.body["field"].as_str()),
            (status, Some(field)),
            "{query}: {}",
            answer.text
        );
        assert!(answer.headers.get("location").is_none());
    }
    assert_eq!(town.counters().of("dynamodb", "TransactWriteItems"), 0);
}

#[tokio::test]
async fn s1_one_owner_cannot_start_for_ever_and_another_still_can() {
    let town = Town::new().await;
    let start =
        |user: &str| town.answer(town.plain(Method::GET, &format!("/calendar/auth/start?user_id={user}")));
    for _ in 0..20 {
        assert_eq!(start(USER).await.status, 307);
    }
    let refused = start(USER).await;
    assert_eq!((refused.status, refused.code()), (429, "too_many_requests"));
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(start(OTHER).await.status, 307);
    town.advance(1200);
    assert_eq!(start(USER).await.status, 307);
}

#[tokio::test]
async fn s1_a_member_by_his_sessions_organisation_connects_its_calendar() {
    let town = Town::new().await;
    let member = |org: &str| {
        town.stack.world.session_token(USER, &json!({"o": {"id": org, "rol": "member", "slg": "x"}}))
    };
    let (ours, theirs) = (member("org_2Ours"), member("org_2Theirs"));
    for (session, expected) in [(&theirs, 403), (&ours, 200)] {
        let mut visitor = Visitor::new(town.base()).unwrap();
        let choice = Choice::approve(DEFAULT_EMAIL);
        let landed = visitor.connect("business:org_2Ours", "google", &choice).await.unwrap();
        let (status, answer) = visitor.complete(session, &landed.handle.unwrap()).await.unwrap();
        assert_eq!(status, expected, "{answer}");
    }
    let status =
        town.call_as(&ours, Method::GET, "/calendar/auth/status?owner=business:org_2Ours", None).await;
    assert_eq!(status.body["connections"].as_array().unwrap().len(), 1, "{}", status.text);
}
