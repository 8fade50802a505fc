//! Signatures of inbound webhooks in the Standard Webhooks form, which Svix and so Clerk use.
//!
//! Nothing is accepted that the `svix` and `standardwebhooks` libraries refuse. The rules are those of the
//! Standard Webhooks specification.

use base64::{Engine as _, alphabet, engine};
use http::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use crate::{error::Error, random};

/// How far the sender's clock, or a delivery's delay, may be off.
pub const TOLERANCE: SignedDuration = SignedDuration::from_secs(300);

/// Secrets are handed out with and without padding.
const SECRET_BASE64: engine::GeneralPurpose = engine::GeneralPurpose::new(
    &alphabet::STANDARD,
    engine::GeneralPurposeConfig::new().with_decode_padding_mode(engine::DecodePaddingMode::Indifferent),
);

/// The sender's id of a message, the same at every retry. Verified with the body.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WebhookId(String);

impl WebhookId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a webhook is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// A header is missing, empty or there twice.
    Headers,
    /// The timestamp is not a whole number.
    Timestamp,
    /// Sent too long ago.
    TooOld,
    /// Sent in the future.
    TooNew,
    /// No signature matches.
    Signature,
    /// No secret of ours can be read.
    Secret,
}

impl Refused {
    /// The stable code that goes to the log and the caller.
    pub fn code(self) -> &'static str {
        match self {
            Self::Headers => "webhook_headers_missing",
            Self::Timestamp => "webhook_timestamp_invalid",
            Self::TooOld => "webhook_timestamp_too_old",
            Self::TooNew => "webhook_timestamp_too_new",
            Self::Signature => "webhook_signature_invalid",
            Self::Secret => "webhook_secret_unreadable",
        }
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Secret => Self::internal("no webhook secret can be read"),
            Refused::Headers
            | Refused::Timestamp
            | Refused::TooOld
            | Refused::TooNew
            | Refused::Signature => Self::Unauthenticated { code: refused.code() },
        }
    }
}

/// Verifies a message against any of several secrets: two overlap while one is rotated.
pub fn verify(
    secrets: &[SecretString],
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
) -> Result<WebhookId, Refused> {
    // One family for all three headers: mixing them would let a stranger's header speak for a signed one.
    let family =
        if headers.keys().any(|name| name.as_str().starts_with("svix-")) { "svix" } else { "webhook" };
    let id = single(headers, &format!("{family}-id"))?;
    let sent_at = single(headers, &format!("{family}-timestamp"))?;
    let signatures = headers.get_all(format!("{family}-signature"));
    if signatures.iter().all(http::HeaderValue::is_empty) {
        return Err(Refused::Headers);
    }
    let sent_at = unix_seconds(sent_at)?;
    check_age(sent_at, now)?;
    let keys: Vec<_> = secrets.iter().filter_map(key).collect();
    if keys.is_empty() {
        return Err(Refused::Secret);
    }
    let expected: Vec<_> = keys.iter().map(|key| signature(key, id, sent_at, body)).collect();
    let is_ours = |given: &str| {
        // No short cut: every secret is compared.
        expected.iter().fold(false, |found, ours| random::same(given.as_bytes(), ours.as_bytes()) | found)
    };
    let given = signatures.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(' '));
    if given.filter_map(version_1).any(is_ours) {
        Ok(WebhookId(id.to_owned()))
    } else {
        Err(Refused::Signature)
    }
}

/// Signs a message as `verify` wants it: the value of the signature header.
pub fn sign(secret: &SecretString, id: &str, sent_at: Timestamp, body: &[u8]) -> Result<String, Refused> {
    let key = key(secret).ok_or(Refused::Secret)?;
    Ok(format!("v1,{}", signature(&key, id, sent_at.as_second(), body)))
}

/// The bytes of a secret: base64, with or without `whsec_` in front. None when it cannot be read or is empty.
pub fn key(secret: &SecretString) -> Option<Zeroizing<Vec<u8>>> {
    let text = secret.expose_secret();
    let bytes = SECRET_BASE64.decode(text.strip_prefix("whsec_").unwrap_or(text)).ok()?;
    (!bytes.is_empty()).then(|| Zeroizing::new(bytes))
}

/// Refuses a message from before or after the [`TOLERANCE`], in whole seconds as the libraries count.
pub(crate) fn check_age(sent_at: i64, now: Timestamp) -> Result<(), Refused> {
    let age = now.as_second().saturating_sub(sent_at);
    if age > TOLERANCE.as_secs() {
        return Err(Refused::TooOld);
    }
    if age < -TOLERANCE.as_secs() {
        return Err(Refused::TooNew);
    }
    Ok(())
}

/// A header that is there once and not empty.
pub(crate) fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, Refused> {
    let mut values = headers.get_all(name).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Err(Refused::Headers) };
    value.to_str().ok().filter(|text| !text.is_empty()).ok_or(Refused::Headers)
}

/// Decimal digits only: no sign, no spaces, no fraction.
pub(crate) fn unix_seconds(text: &str) -> Result<i64, Refused> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Refused::Timestamp);
    }
    text.parse().map_err(|_| Refused::Timestamp)
}

fn signature(key: &[u8], id: &str, sent_at: i64, body: &[u8]) -> String {
    let mut message = format!("{id}.{sent_at}.").into_bytes();
    message.extend_from_slice(body);
    engine::general_purpose::STANDARD.encode(random::hmac_sha256(key, &message))
}

/// The base64 of a `v1,…` entry; other versions (`v1a` is asymmetric) are not ours to check.
fn version_1(entry: &str) -> Option<&str> {
    // A gateway joins repeated headers with commas; what follows a second one is another entry's.
    let (version, signature) = entry.split_once(',')?;
    (version == "v1").then(|| signature.split_once(',').map_or(signature, |(first, _)| first))
}

#[cfg(test)]
mod tests;
