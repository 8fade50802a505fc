//! Canary secrets: nothing that must stay secret appears in a log line, a reply or a row.

use local::{
    fixtures, logs,
    visitor::Visitor,
    world::{Choice, DEFAULT_EMAIL, PhoneCall, Provider, ToolCall, UserEvent},
};
use reqwest::Method;
use serde_json::json;

use crate::harness::{CALLER, OTHER, Town, USER};

const TABLES: [&str; 6] = ["directory", "connections", "flows", "keys", "bookings", "outbox"];

/// How the stand-ins' tokens and codes begin, in a URL's spelling as well; each is followed by 256 random bits.
const TOKENS: &[&str] =
    &["ya29.a0", "1//03", "1%2F%2F03", "1%2f%2f03", "EwB-", "1.AX", "4/0A", "4%2F0A", "4%2f0A", "slk_flow_"];

/// Where rows are searched, ciphertexts stand in base64.
const ROWS: &str = "a row";

/// A whole day: connect, look, book, fail, disconnect. Returns every reply and every secret that was seen on the way.
async fn a_day(town: &Town) -> (Vec<String>, Vec<String>) {
    let (mut replies, mut secrets) = (Vec::new(), Vec::new());
    town.clerk(UserEvent::Created, USER, Some(DEFAULT_EMAIL)).await;
    for provider in ["microsoft", "google"] {
        let mut visitor = Visitor::new(town.base()).unwrap();
        let authorize_url = visitor.start(USER, provider).await.unwrap();
        let callback = visitor.consent(&authorize_url, &Choice::approve(DEFAULT_EMAIL)).await.unwrap();
        secrets.extend(
            callback
                .query_pairs()
                .filter(|(name, _)| name == "state" || name == "code")
                .map(|(_, v)| v.into_owned()),
        );
        secrets.push(visitor.cookie_header().split_once('=').unwrap().1.to_owned());
        let handle = visitor.come_back(&callback).await.unwrap().handle.unwrap();
        let session = town.session(USER);
        let (_, answer) = visitor.complete(&session, &handle).await.unwrap();
        replies.push(answer.to_string());
        secrets.extend([handle, session]);
    }
    let line = town.line().await;
    let call = PhoneCall::inbound(CALLER, None, town.now());
    let book =
        ToolCall::new("book_appointment", json!({"start_time": "2026-01-06T15:00:00Z", "name": "Caller"}));
    replies.push(town.say(&call, &line, &book).await.unwrap());
    town.advance(7200);
    for path in [
        "/calendar/auth/status",
        "/calendar/events",
        "/calendar/availability",
        "/calendar/calendars",
        "/users/me",
    ] {
        replies.push(town.get(path).await.text);
    }
    town.stack.world.revoke_account(Provider::Google, DEFAULT_EMAIL);
    replies.push(town.get("/calendar/events").await.text);
    replies.push(town.call_as(&town.session(OTHER), Method::GET, "/calendar/events", None).await.text);
    replies.push(town.answer(town.plain(Method::POST, "/webhooks/clerk").body("{}")).await.text);
    replies.push(town.answer(town.plain(Method::POST, "/vapi/webhook").body("{}")).await.text);
    let local::world::Credential::Secret(secret) = line else { panic!("a line has a secret") };
    secrets.push(secret);
    secrets.extend(
        ["MICROSOFT_CLIENT_SECRET", "GOOGLE_CLIENT_SECRET", "CLERK_WEBHOOK_SECRET"]
            .map(|name| town.stack.settings[name].clone()),
    );
    secrets
        .extend([fixtures::FLOW_ROOT, fixtures::VAPI_ROOT, "EXAMPLE-twilio-auth-token"].map(str::to_owned));
    (replies, secrets)
}

fn rows(town: &Town) -> String {
    TABLES.iter().flat_map(|table| town.rows(table)).map(|row| row.to_string()).collect()
}

fn assert_clean(place: &str, text: &str, secrets: &[String]) {
    for secret in secrets {
        assert!(!text.contains(secret), "{place} holds a secret that begins with {}", &secret[..4]);
    }
    for token in TOKENS {
        assert!(!holds_token(place, text, token), "{place} holds a token that begins with {token}");
    }
}

/// In the middle of base64 the letters that a token begins with stand by chance: in rows any of them, elsewhere those
/// that signatures in base64url can hold. What JSON or a URL escapes ends in a letter, too, and is no base64.
fn holds_token(place: &str, text: &str, begins: &str) -> bool {
    let others = match begins {
        _ if place == ROWS => "+/",
        "EwB-" => "-_",
        _ => return text.contains(begins),
    };
    text.match_indices(begins).any(|(at, _)| {
        let before = &text.as_bytes()[..at];
        let is_escaped = matches!(before, [.., b'\\', b'b' | b'f' | b'n' | b'r' | b't'] | [.., b'%', _, _]);
        let in_base64 =
            before.last().is_some_and(|b| b.is_ascii_alphanumeric() || others.as_bytes().contains(b));
        is_escaped || !in_base64
    })
}

#[test]
fn a_token_is_found_behind_whatever_may_stand_before_it() {
    for token in TOKENS {
        for before in ["\"", " ", "\n", "\\n", "\\t", "=", "%22", "%3D"] {
            for place in [ROWS, "a reply"] {
                assert!(
                    holds_token(place, &format!("{before}{token}EXAMPLE"), token),
                    "{place}: {before}{token}"
                );
            }
        }
        assert!(holds_token("a log line", &format!("/revoke/{token}EXAMPLE"), token), "{token}");
        assert!(!holds_token(ROWS, &format!("c2VhbGVk{token}EXAMPLE"), token), "{token} by chance");
    }
}

#[tokio::test]
async fn s2_no_secret_appears_in_logs_replies_or_rows() {
    let town = Town::new().await;
    let (replies, secrets) = a_day(&town).await;
    assert!(secrets.len() >= 14 && secrets.iter().all(|secret| secret.len() >= 20), "the canaries are real");
    assert_clean(ROWS, &rows(&town), &secrets);
    assert_clean("a reply", &replies.join("\n"), &secrets);
    // Lines of every test of this process: more to find, never less.
    let lines = logs::lines().join("\n");
    assert!(lines.contains("booked") && lines.contains("linked"), "the log was kept");
    assert_clean("a log line", &lines, &secrets);
    for personal in [CALLER, DEFAULT_EMAIL, "Caller", "EXAMPLE-code"] {
        assert!(!lines.contains(personal), "a log line holds {personal}");
    }
}

#[tokio::test]
async fn s2_disconnecting_leaves_no_token_and_no_key() {
    let town = Town::connected().await;
    assert!(!town.rows("keys").is_empty());
    assert_eq!(town.call(Method::DELETE, "/calendar/auth/disconnect", None).await.status, 200);
    assert!(town.rows("keys").is_empty());
    let left = town.rows("connections");
    assert!(left.iter().all(|row| row["kind"]["S"] == "settings"), "{left:?}");
}

#[tokio::test]
async fn a_refusal_is_one_log_line_with_its_code() {
    let town = Town::new().await;
    let lines = |about: &str| logs::lines().iter().filter(|line| line.contains(about)).count();
    let refused = town.answer(town.plain(Method::GET, "/calendar/auth/start?user_id=user_2OneLine%21")).await;
    let request = refused.body["request_id"].as_str().unwrap();
    assert_eq!((refused.status, lines(request)), (422, 1));
    let back =
        town.answer(town.plain(Method::GET, "/calendar/auth/callback/google?state=EXAMPLEoneline")).await;
    assert_eq!(back.status, 303);
    let request = back.headers["apigw-requestid"].to_str().unwrap();
    let line = logs::lines().into_iter().find(|line| line.contains(request)).unwrap();
    assert_eq!(lines(request), 1);
    assert!(
        line.contains("state_unknown")
            && line.contains("/calendar/auth/callback/{provider}")
            && !line.contains("EXAMPLEoneline"),
        "{line}"
    );
}

#[tokio::test]
async fn a_reset_of_one_stack_leaves_the_lines_of_another() {
    let (town, neighbour) = (Town::new().await, Town::new().await);
    let answer = town.answer(town.plain(Method::GET, "/health")).await;
    let request = answer.headers["apigw-requestid"].to_str().unwrap();
    let reset = neighbour.plain(Method::POST, "/_local/reset").json(&json!({}));
    assert_eq!(neighbour.answer(reset).await.status, 200);
    assert!(logs::lines().iter().any(|line| line.contains(request)));
    assert!(!neighbour.get("/_local/world").await.body["logs"].to_string().contains(request));
}
