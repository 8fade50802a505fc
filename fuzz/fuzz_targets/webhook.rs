//! Signed and secret-bearing requests: the Standard Webhooks form, VAPI's own, and VAPI's two shared secrets.
//!
//! The first line is a path of the voice agent's function, or anything else for a bare verification. In headers
//! `{svix}` and `{hex}` stand for the right signatures of this very message, `{a}` and `{b}` for what two credentials
//! present: no fuzzer finds those by itself.

#![no_main]

use std::sync::LazyLock;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use functions::Function;
use fuzz::{
    message::Message,
    sign,
    world::{CANARY, CREDENTIALS, NOW, World, hmac_key, presented},
};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use secrecy::SecretString;
use shared::{
    vapi::signature::{self, HmacSpec},
    webhooks,
};

static WORLD: LazyLock<World> = LazyLock::new(World::new);
/// The key whose base64 is behind `whsec_` below.
const KEY: &[u8] = b"EXAMPLE-key";
const ROTATED: &str = "whsec_RVhBTVBMRS1vdGhlcg==";

fuzz_target!(|data: &[u8]| {
    let Some(mut sent) = Message::read(data) else { return };
    sent.fill("{a}", &presented(CREDENTIALS[0]));
    sent.fill("{b}", &presented(CREDENTIALS[1]));
    if sent.line.starts_with("/vapi/webhook") { at_the_door(sent) } else { bare(sent) }
});

/// The Standard Webhooks form alone.
fn bare(mut sent: Message<'_>) {
    let signatures: Vec<String> =
        ["svix", "webhook"].iter().map(|family| signed(&sent, family, KEY)).collect();
    sent.fill("{svix}", signatures.first().map(String::as_str).unwrap_or_default());
    sent.fill("{hook}", signatures.last().map(String::as_str).unwrap_or_default());
    let secrets =
        [SecretString::from(ROTATED), SecretString::from(format!("whsec_{}", STANDARD.encode(KEY)))];
    let now = Timestamp::from_second(NOW).expect("a year that exists");
    let headers = sent.header_map();
    let verified = webhooks::verify(&secrets, &headers, sent.body, now);
    let family = if sent.headers.iter().any(|(name, _)| name.starts_with("svix-")) { 0 } else { 1 };
    let name = ["svix", "webhook"][family];
    let ours = format!("v1,{}", signatures[family]);
    let (ids, times) = (sent.values(&format!("{name}-id")), sent.values(&format!("{name}-timestamp")));
    let given = sent.values(&format!("{name}-signature"));
    match verified {
        Ok(id) => {
            assert_eq!(ids, [id.as_str()]);
            let at: i64 = times.first().expect("a time was signed").parse().expect("in whole seconds");
            assert!((NOW - at).abs() <= 300, "{at}");
            // Leading zeros are read away before the signature is computed.
            let ours = format!("v1,{}", sign::webhook(KEY, id.as_str(), &at.to_string(), sent.body));
            assert!(given.iter().any(|value| value.contains(&ours)), "{given:?}");
            let longer = [sent.body, b" "].concat();
            assert!(webhooks::verify(&secrets, &headers, &longer, now).is_err());
            assert!(webhooks::verify(&secrets[..1], &headers, sent.body, now).is_err());
        }
        Err(refused) => {
            let in_time =
                times.first().and_then(|at| at.parse::<i64>().ok()).filter(|at| at.to_string() == times[0]);
            let honest = ids.len() == 1
                && ids.iter().all(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_graphic()))
                && times.len() == 1
                && in_time.is_some_and(|at| at >= 0 && (NOW - at).abs() <= 300)
                && given == [ours.as_str()];
            assert!(!honest, "{refused:?}");
        }
    }
    let any_key = SecretString::from(hmac_key());
    let spec = HmacSpec::default();
    if signature::verify(&any_key, &spec, &headers, sent.body, now).is_ok() {
        panic!("nothing here is signed with this key");
    }
}

/// VAPI's door: whoever comes in has shown a secret or a signature of ours.
fn at_the_door(mut sent: Message<'_>) {
    let key = hmac_key();
    let decoded = STANDARD.decode(key.trim_start_matches("whsec_")).expect("base64");
    let times = sent.values("x-timestamp");
    let hex = sign::vapi(&key, times.first().copied().unwrap_or_default(), sent.body);
    let hook = signed(&sent, "webhook", &decoded);
    sent.fill("{hex}", &hex);
    sent.fill("{hook}", &hook);
    let answer = WORLD.ask(Function::VapiWebhook, "POST", sent.line, &sent.headers, Some(sent.body));
    let holds = |text: &str| sent.headers.iter().any(|(_, value)| value.contains(text));
    let shown = CREDENTIALS[..2].iter().any(|credential| holds(&presented(credential)));
    let lower = sent.headers.iter().any(|(_, value)| value.to_ascii_lowercase().contains(&hex));
    match answer.status {
        // Behind the door nothing is an error: the agent says what went wrong.
        200 => {
            assert!(shown || (sent.line.contains(CREDENTIALS[2]) && (lower || holds(&hook))), "{answer:?}")
        }
        401 => {
            assert_eq!(answer.body["code"], "vapi_credential");
            assert!(!answer.whole.to_ascii_lowercase().contains(CANARY), "{answer:?}");
            let plain = sent.line == "/vapi/webhook" && sent.headers.len() == 1;
            let secret = sent.values("x-vapi-secret") == [presented(CREDENTIALS[0])];
            let bearer = sent.values("authorization") == [format!("Bearer {}", presented(CREDENTIALS[1]))];
            assert!(!(plain && (secret || bearer)), "{answer:?}");
        }
        404 => assert_ne!(sent.line, "/vapi/webhook"),
        _ => panic!("{answer:?}"),
    }
}

fn signed(sent: &Message<'_>, family: &str, key: &[u8]) -> String {
    let first = |name: &str| sent.values(&format!("{family}-{name}")).first().copied().unwrap_or_default();
    sign::webhook(key, first("id"), first("timestamp"), sent.body)
}
