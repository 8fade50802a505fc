//! The OAuth callback, as a provider or somebody in its name sends a browser to it: the path and query in the first
//! line, then headers.

#![no_main]

use std::sync::LazyLock;

use functions::Function;
use fuzz::{
    message::Message,
    world::{Answer, CANARY, COOKIE, FRONT_END, World, cookie_name, state},
};
use libfuzzer_sys::fuzz_target;
use shared::ids::Provider;
use url::{Url, form_urlencoded};

static WORLD: LazyLock<World> = LazyLock::new(World::new);

/// Why a callback may be refused; nothing else is told to the front end.
const CODES: [&str; 11] = [
    "state_missing",
    "state_unknown",
    "state_used",
    "state_expired",
    "cookie_mismatch",
    "cookie_missing",
    "provider_mismatch",
    "access_denied",
    "provider_unavailable",
    "provider_error",
    "code_missing",
];

fuzz_target!(|data: &[u8]| {
    let Some(sent) = Message::read(data) else { return };
    if !sent.line.starts_with("/calendar/auth/callback") {
        return;
    }
    let answer = WORLD.ask(Function::AuthCallback, "GET", sent.line, &sent.headers, None);
    assert!(!answer.whole.to_ascii_lowercase().contains(CANARY), "{answer:?}");
    assert!(answer.cookies.iter().all(|cookie| clears_a_flow(cookie)), "{answer:?}");
    match answer.status {
        303 => back_at_the_front_end(&sent, &answer),
        // JSON for who prefers it, or the page for a lost cookie.
        400 => assert!(!is_perfect(&sent), "{answer:?}"),
        404 => {}
        _ => panic!("{answer:?}"),
    }
});

fn back_at_the_front_end(sent: &Message<'_>, answer: &Answer) {
    let location = answer.location.as_deref().expect("a redirect says where to");
    let rest = location.strip_prefix(FRONT_END).expect("nobody is sent anywhere else");
    match rest.strip_prefix("?auth=confirm#handle=") {
        Some(handle) => {
            let (id, secret) = handle.split_once('.').expect("an id and a secret");
            assert!(id.len() == 64 && secret.len() == 43, "{handle}");
            may_be_confirmed(sent);
        }
        None => {
            let code = rest.strip_prefix("?auth=error&code=").expect("an error and its code, nothing else");
            assert!(CODES.contains(&code), "{code}");
            assert!(!is_perfect(sent), "{code}");
        }
    }
}

/// What must hold of every callback that was let through.
fn may_be_confirmed(sent: &Message<'_>) {
    let given = |name| parameter(sent.line, name);
    let flow = Provider::ALL.into_iter().find(|provider| given("state") == Some(state(*provider)));
    let flow = flow.expect("only a state of ours names a flow");
    assert!(given("code").is_some() && given("error").is_none());
    let cookies = sent.values("cookie").join(";");
    assert!(cookies.contains(&cookie_name(flow)) && cookies.contains(COOKIE));
    if let Some(provider) = provider_of(sent.line) {
        assert_eq!(provider, flow);
    }
    if let Some(iss) = given("iss") {
        let host = Url::parse(&iss).ok().and_then(|url| url.host_str().map(str::to_owned));
        let expected = match flow {
            Provider::Microsoft => "login.microsoftonline.com",
            Provider::Google => "accounts.google.com",
        };
        assert_eq!(host.as_deref(), Some(expected));
    }
}

/// Whether a callback is beyond doubt: what an honest browser sends, and no more.
fn is_perfect(sent: &Message<'_>) -> bool {
    let Some(provider) = provider_of(sent.line) else { return false };
    let given = |name| parameter(sent.line, name);
    given("state") == Some(state(provider))
        && given("code").is_some()
        && given("error").is_none()
        && given("iss").is_none()
        && sent.values("cookie") == [format!("{}={COOKIE}", cookie_name(provider))]
}

/// The last value of a parameter that is not blank.
fn parameter(target: &str, name: &str) -> Option<String> {
    let (_, query) = target.split_once('?')?;
    let values = form_urlencoded::parse(query.as_bytes()).filter(|(known, _)| known == name);
    values.map(|(_, value)| value.trim().to_owned()).filter(|value| !value.is_empty()).last()
}

/// The provider of a path that is written as we register it.
fn provider_of(target: &str) -> Option<Provider> {
    match target.split_once('?').map_or(target, |(path, _)| path) {
        "/calendar/auth/callback" | "/calendar/auth/callback/microsoft" => Some(Provider::Microsoft),
        "/calendar/auth/callback/google" => Some(Provider::Google),
        _ => None,
    }
}

/// Only the flow's own cookie is touched, and only to take it away.
fn clears_a_flow(cookie: &str) -> bool {
    let Some((name, rest)) = cookie.split_once('=') else { return false };
    let id = name.strip_prefix("slk_flow_").unwrap_or_default();
    id.len() == 8
        && id.bytes().all(|byte| byte.is_ascii_hexdigit())
        && rest == "; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"
}
