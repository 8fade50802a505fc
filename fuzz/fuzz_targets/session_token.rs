//! Clerk's session tokens: a header, claims and a third line that says who signs: `ours`, `strangers`, or the
//! signature itself. What does not begin with a brace is a whole token, taken as it is.

#![no_main]

use std::sync::LazyLock;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use fuzz::{
    sign::{OURS, STRANGERS},
    world::NOW,
};
use jiff::{SignedDuration, Timestamp};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value, json};
use shared::clerk::{
    keys::KeySet,
    session::{Session, SessionRules, verify},
};

const ISSUER: &str = "https://clerk.example.com";
const PARTY: &str = "https://app.example.com";
const LEEWAY: i64 = 5;
static KEYS: LazyLock<KeySet> = LazyLock::new(|| KeySet::from_pem(&OURS.pem()).expect("a public key"));

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if !text.starts_with('{') {
        assert!(check(text).is_none(), "a token that nobody signed");
        return;
    }
    let mut lines = text.splitn(3, '\n');
    let (header, claims) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signer = lines.next().unwrap_or("ours");
    let signature = match signer {
        "ours" => OURS.signature(&message),
        "strangers" => STRANGERS.signature(&message),
        given => given.to_owned(),
    };
    let token = format!("{message}.{signature}");
    let session = check(&token);
    let expected = (signer == "ours" && token.len() <= 16 << 10).then(|| expected(header, claims)).flatten();
    // Where a token is not written as Clerk writes it, refusing it is no mistake.
    if session.is_some() || (is_plain(header) && names_are_single(claims)) {
        assert_eq!(session.as_ref().map(|session| session.sub.as_str()), expected.as_deref(), "{text}");
    }
    if let Some(session) = session {
        let claims: Value = serde_json::from_str(claims).expect("claims that were read");
        assert_eq!(json!(session.exp), claims["exp"]);
        assert!(!session.org.is_some_and(|org| org.role.is_some_and(|role| role.is_empty())));
        forged(&token);
    }
});

fn check(token: &str) -> Option<Session> {
    let rules = SessionRules {
        issuer: Some(ISSUER.to_owned()),
        authorized_parties: vec![PARTY.to_owned()],
        leeway: SignedDuration::from_secs(LEEWAY),
        ..SessionRules::default()
    };
    verify(token, &KEYS, &rules, Timestamp::from_second(NOW).expect("a year that exists")).ok()
}

/// No letter of a good token can be another one.
fn forged(token: &str) {
    let letters = token.len();
    for at in [0, token.find('.').unwrap_or_default() + 1, letters / 2, letters - 2] {
        let mut changed = token.as_bytes().to_vec();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).expect("letters");
        assert!(check(&changed).is_none(), "letter {at}");
    }
    assert!(check(&format!("{token}A")).is_none() && check(&format!("{token}.")).is_none());
}

/// Whether a header holds nothing but texts under the names that Clerk uses, each once.
fn is_plain(header: &str) -> bool {
    let fields: Option<Map<String, Value>> = serde_json::from_str(header).ok();
    fields.is_some_and(|fields| {
        let known = |(name, value): (&String, &Value)| {
            ["alg", "kid", "typ"].contains(&name.as_str()) && value.is_string()
        };
        fields.iter().all(known) && header.matches(':').count() == fields.len() && !header.contains('\\')
    })
}

/// Whether no registered claim (RFC 7519, section 4.1) comes twice, in any spelling.
fn names_are_single(claims: &str) -> bool {
    let single = |name: &&str| claims.matches(&format!("\"{name}\"")).count() <= 1;
    ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"].iter().all(single) && !claims.contains('\\')
}

/// Whom a token of ours speaks for, by the rules of SECURITY.md S4 once more.
fn expected(header: &str, claims: &str) -> Option<String> {
    let header: Map<String, Value> = serde_json::from_str(header).ok()?;
    let claims: Map<String, Value> = serde_json::from_str(claims).ok()?;
    let is_session = header.get("alg")? == "RS256"
        && header.get("typ").is_none_or(|typ| typ == "JWT")
        && header.get("cat").is_none_or(|cat| cat != "cl_B7d4PD333AAA")
        && !header.contains_key("crit");
    let seconds = |name: &str| match claims.get(name) {
        None => Some(None),
        Some(value) => value.as_i64().filter(|at| Timestamp::from_second(*at).is_ok()).map(Some),
    };
    let (exp, nbf, iat) = (seconds("exp")??, seconds("nbf")??, seconds("iat")?);
    let in_time = NOW - exp < LEEWAY && nbf - NOW <= LEEWAY && iat.is_none_or(|iat| iat - NOW <= LEEWAY);
    let is_active = claims.get("sts").is_none_or(|status| status.is_null() || status == "active");
    let sub = claims.get("sub")?.as_str().filter(|sub| !sub.is_empty())?;
    let is_ours = claims.get("iss")? == ISSUER && claims.get("azp")? == PARTY;
    (is_session && in_time && is_active && is_ours).then(|| sub.to_owned())
}
