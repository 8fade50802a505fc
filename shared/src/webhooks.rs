//! Signatures of inbound webhooks: Standard Webhooks (as Svix sends them for Clerk), and VAPI's HMAC.
//!
//! Both cover the raw bytes; nothing is parsed before the signature holds.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::HeaderMap;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};

use crate::random;

/// A message may be this old or this far ahead (Standard Webhooks, "Verifying webhook authenticity").
const TOLERANCE_SECONDS: i64 = 300;

/// More signatures than any rotation leaves behind.
const MOST_SIGNATURES: usize = 64;

/// Why a message is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A header is missing or cannot be read.
    #[error("a header is missing")]
    Headers,
    /// The timestamp is no number of seconds.
    #[error("the timestamp is odd")]
    Timestamp,
    /// Longer ago than the tolerance.
    #[error("too old")]
    TooOld,
    /// Further ahead than the tolerance.
    #[error("from the future")]
    TooNew,
    /// No signature holds under any secret.
    #[error("no signature holds")]
    Signature,
}

/// The id of a message that is believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageId(String);

impl MessageId {
    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Verifies a message by any of several secrets and any of several signatures. Headers are `svix-…` or `webhook-…`.
pub fn verify(
    secrets: &[SecretString],
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
) -> Result<MessageId, Refused> {
    let family = |prefix: &str| {
        let get = |name: &str| headers.get(format!("{prefix}-{name}"))?.to_str().ok();
        Some((get("id")?, get("timestamp")?, get("signature")?))
    };
    let (id, timestamp, signatures) = family("svix").or_else(|| family("webhook")).ok_or(Refused::Headers)?;
    if id.is_empty() || signatures.is_empty() {
        return Err(Refused::Headers);
    }
    let sent_at = whole_seconds(timestamp).ok_or(Refused::Timestamp)?;
    in_time(sent_at, now)?;
    let mut message = format!("{id}.{sent_at}.").into_bytes();
    message.extend_from_slice(body);
    let holds = secrets.iter().filter_map(key).any(|key| {
        let expected = random::hmac_sha256(&key, &message);
        signatures
            .split(' ')
            .take(MOST_SIGNATURES)
            .filter_map(|signature| signature.strip_prefix("v1,"))
            .filter_map(|signature| STANDARD.decode(signature).ok())
            .any(|signature| random::same(&expected, &signature))
    });
    if holds { Ok(MessageId(id.to_owned())) } else { Err(Refused::Signature) }
}

/// `whsec_` and base64; the prefix may be missing. An empty key signs nothing.
fn key(secret: &SecretString) -> Option<Vec<u8>> {
    let text = secret.expose_secret();
    let key = STANDARD.decode(text.strip_prefix("whsec_").unwrap_or(text)).ok()?;
    (!key.is_empty()).then_some(key)
}

/// Decimal digits alone: no sign, no fraction, no space.
fn whole_seconds(text: &str) -> Option<i64> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| plain)
}

fn in_time(sent_at: i64, now: Timestamp) -> Result<(), Refused> {
    let age = now.as_second().saturating_sub(sent_at);
    match age {
        age if age > TOLERANCE_SECONDS => Err(Refused::TooOld),
        age if age < -TOLERANCE_SECONDS => Err(Refused::TooNew),
        _ => Ok(()),
    }
}

/// How VAPI signs (its dashboard lets every part be chosen).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HmacSpec {
    /// Header of the signature, in hexadecimal.
    pub signature_header: String,
    /// Header of the timestamp, in seconds or milliseconds.
    pub timestamp_header: String,
    /// What is signed: `{timestamp}` and `{body}` are filled in.
    pub payload: String,
}

impl Default for HmacSpec {
    fn default() -> Self {
        Self {
            signature_header: "x-signature".to_owned(),
            timestamp_header: "x-timestamp".to_owned(),
            payload: "{timestamp}.{body}".to_owned(),
        }
    }
}

/// Verifies VAPI's HMAC, or the Standard Webhooks form under the same key.
pub fn verify_hmac(
    key: &SecretString,
    spec: &HmacSpec,
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
) -> Result<(), Refused> {
    let get = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(signature) = get(&spec.signature_header) else {
        let as_standard = SecretString::from(STANDARD.encode(key.expose_secret()));
        return verify(&[as_standard], headers, body, now).map(drop);
    };
    let timestamp = get(&spec.timestamp_header).ok_or(Refused::Headers)?;
    let sent_at = whole_seconds(timestamp).ok_or(Refused::Timestamp)?;
    // Thirteen digits are milliseconds until the year 2286.
    in_time(if timestamp.len() >= 13 { sent_at / 1000 } else { sent_at }, now)?;
    let signature = signature.strip_prefix("sha256=").unwrap_or(signature);
    let expected =
        random::hex(&random::hmac_sha256(key.expose_secret().as_bytes(), &payload(spec, timestamp, body)));
    let given = signature.to_ascii_lowercase();
    if random::same(expected.as_bytes(), given.as_bytes()) { Ok(()) } else { Err(Refused::Signature) }
}

/// The template filled in. The body is bytes, so it is not formatted into text.
fn payload(spec: &HmacSpec, timestamp: &str, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (at, part) in spec.payload.split("{body}").enumerate() {
        if at > 0 {
            out.extend_from_slice(body);
        }
        out.extend_from_slice(part.replace("{timestamp}", timestamp).as_bytes());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_RVhBTVBMRS1zZWNyZXQ=";
    const BODY: &[u8] = br#"{"type":"user.created"}"#;
    const SENT: i64 = 1_767_614_400;

    fn now(offset: i64) -> Timestamp {
        Timestamp::from_second(SENT + offset).unwrap()
    }

    fn signature() -> String {
        let message = format!("msg_1.{SENT}.{}", String::from_utf8_lossy(BODY));
        format!("v1,{}", STANDARD.encode(random::hmac_sha256(b"EXAMPLE-secret", message.as_bytes())))
    }

    fn headers(prefix: &str, timestamp: &str, signature: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in [("id", "msg_1"), ("timestamp", timestamp), ("signature", signature)] {
            let name = http::HeaderName::try_from(format!("{prefix}-{name}")).unwrap();
            headers.insert(name, value.parse().unwrap());
        }
        headers
    }

    fn check(headers: &HeaderMap, offset: i64) -> Result<MessageId, Refused> {
        verify(&[SecretString::from(SECRET)], headers, BODY, now(offset))
    }

    #[test]
    fn a_signed_message_is_believed_under_both_names_of_the_headers() {
        for prefix in ["svix", "webhook"] {
            assert_eq!(
                check(&headers(prefix, &SENT.to_string(), &signature()), 0).unwrap().as_str(),
                "msg_1"
            );
        }
    }

    #[test]
    fn one_of_several_signatures_and_secrets_is_enough() {
        let many = format!("v1a,AAAA v1,AAAA v2,{0} {0}", signature());
        let secrets = [SecretString::from("whsec_b3RoZXI="), SecretString::from(SECRET)];
        assert!(verify(&secrets, &headers("svix", &SENT.to_string(), &many), BODY, now(0)).is_ok());
    }

    #[test]
    fn s4_the_tolerance_is_five_minutes_on_both_sides() {
        let headers = headers("svix", &SENT.to_string(), &signature());
        assert!(check(&headers, 300).is_ok() && check(&headers, -300).is_ok());
        assert_eq!(check(&headers, 301), Err(Refused::TooOld));
        assert_eq!(check(&headers, -301), Err(Refused::TooNew));
    }

    #[test]
    fn odd_headers_bodies_and_secrets_are_refused() {
        let sent = SENT.to_string();
        assert_eq!(check(&HeaderMap::new(), 0), Err(Refused::Headers));
        for odd in ["", "soon", "1767614400.0", "+1767614400", " 1767614400", "-1"] {
            assert!(
                matches!(
                    check(&headers("svix", odd, &signature()), 0),
                    Err(Refused::Timestamp | Refused::Headers)
                ),
                "{odd}"
            );
        }
        for odd in ["v1,", "v1", "v2,AAAA", signature().trim_start_matches("v1,"), "v1,not base64"] {
            assert_eq!(check(&headers("svix", &sent, odd), 0), Err(Refused::Signature), "{odd}");
        }
        let good = headers("svix", &sent, &signature());
        assert_eq!(verify(&[SecretString::from(SECRET)], &good, b"{}", now(0)), Err(Refused::Signature));
        for odd in ["", "whsec_", "whsec_***"] {
            assert_eq!(
                verify(&[SecretString::from(odd)], &good, BODY, now(0)),
                Err(Refused::Signature),
                "{odd}"
            );
        }
    }

    #[test]
    fn vapi_signs_timestamp_and_body_in_seconds_or_milliseconds() {
        let key = SecretString::from("EXAMPLE-key");
        for timestamp in [SENT.to_string(), format!("{SENT}000")] {
            let signed = [timestamp.as_bytes(), b".", BODY].concat();
            let signature = random::hex(&random::hmac_sha256(b"EXAMPLE-key", &signed));
            let mut headers = HeaderMap::new();
            headers.insert("x-timestamp", timestamp.parse().unwrap());
            headers.insert("x-signature", signature.parse().unwrap());
            let spec = HmacSpec::default();
            assert_eq!(verify_hmac(&key, &spec, &headers, BODY, now(0)), Ok(()));
            assert_eq!(verify_hmac(&key, &spec, &headers, b"{}", now(0)), Err(Refused::Signature));
            assert_eq!(verify_hmac(&key, &spec, &headers, BODY, now(400)), Err(Refused::TooOld));
        }
    }
}
