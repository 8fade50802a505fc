//! HMAC signatures on VAPI's requests, as its credential settings describe them (`HMACAuthenticationPlan`).
//!
//! SHA-256 and hexadecimal only; the Standard Webhooks form is taken as well.

use http::HeaderMap;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    error::Error,
    random,
    webhooks::{self, Refused},
};

/// Timestamps from here on count milliseconds: as seconds they would lie in the year 5138.
const FIRST_MILLISECONDS: i64 = 100_000_000_000;

/// How VAPI was told to sign. The default is VAPI's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HmacSpec {
    signature_header: String,
    timestamp_header: String,
    template: String,
}

impl Default for HmacSpec {
    fn default() -> Self {
        Self {
            signature_header: "x-signature".to_owned(),
            timestamp_header: "x-timestamp".to_owned(),
            template: "{timestamp}.{body}".to_owned(),
        }
    }
}

impl HmacSpec {
    /// A spec of the operator's. The template must sign the time and the body: without the time, what was
    /// heard once could be replayed for ever.
    pub fn new(signature_header: &str, timestamp_header: &str, template: &str) -> Result<Self, Error> {
        for (field, name) in [("signature_header", signature_header), ("timestamp_header", timestamp_header)]
        {
            if name.parse::<http::HeaderName>().is_err() {
                return Err(Error::invalid(field, "must be a header name"));
            }
        }
        for part in ["{timestamp}", "{body}"] {
            if template.matches(part).count() != 1 {
                return Err(Error::invalid("template", "must contain {timestamp} and {body} once"));
            }
        }
        Ok(Self {
            signature_header: signature_header.to_ascii_lowercase(),
            timestamp_header: timestamp_header.to_ascii_lowercase(),
            template: template.to_owned(),
        })
    }

    /// The bytes that are signed. The template is filled before the body goes in, so that a body cannot be
    /// taken for a placeholder.
    fn message(&self, timestamp: &str, body: &[u8]) -> Vec<u8> {
        let (before, after) = self.template.split_once("{body}").unwrap_or((&self.template, ""));
        let mut message = before.replace("{timestamp}", timestamp).into_bytes();
        message.extend_from_slice(body);
        message.extend_from_slice(after.replace("{timestamp}", timestamp).as_bytes());
        message
    }
}

/// Verifies a request: by the spec, or, when its header is absent, in the Standard Webhooks form.
pub fn verify(
    key: &SecretString,
    spec: &HmacSpec,
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
) -> Result<(), Refused> {
    if !headers.contains_key(&spec.signature_header) {
        return match webhooks::verify(std::slice::from_ref(key), headers, body, now) {
            Ok(_) => Ok(()),
            // A key that is no base64 is one for the other form; the request is at fault, not the key.
            Err(Refused::Secret) => Err(Refused::Signature),
            Err(refused) => Err(refused),
        };
    }
    if key.expose_secret().is_empty() {
        return Err(Refused::Secret);
    }
    let given = webhooks::single(headers, &spec.signature_header)?;
    let timestamp = webhooks::single(headers, &spec.timestamp_header)?;
    let sent_at = webhooks::unix_seconds(timestamp)?;
    webhooks::check_age(if sent_at >= FIRST_MILLISECONDS { sent_at / 1000 } else { sent_at }, now)?;
    let given = given.strip_prefix("sha256=").unwrap_or(given).to_ascii_lowercase();
    if random::same(given.as_bytes(), sign(key, spec, timestamp, body).as_bytes()) {
        Ok(())
    } else {
        Err(Refused::Signature)
    }
}

/// Signs a request as `verify` wants it by the spec: lower-case hexadecimal.
pub fn sign(key: &SecretString, spec: &HmacSpec, timestamp: &str, body: &[u8]) -> String {
    random::hex(&random::hmac_sha256(key.expose_secret().as_bytes(), &spec.message(timestamp, body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"message":{"type":"hang","note":"{timestamp}"}}"#;

    fn key() -> SecretString {
        SecretString::from("EXAMPLE-hmac-key")
    }

    fn now() -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap()
    }

    fn check(spec: &HmacSpec, headers: &[(&'static str, &str)], body: &[u8]) -> Result<(), Refused> {
        let headers =
            headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        verify(&key(), spec, &headers, body, now())
    }

    #[test]
    fn the_default_form_matches_an_hmac_computed_by_openssl() {
        let spec = HmacSpec::default();
        assert_eq!(
            sign(&SecretString::from("EXAMPLE"), &spec, "1800000000", b"{}"),
            "af227bcc863d0a8ce4d36fcfa066f7c04928ffcb6a53361c433b6124aae5a2ec"
        );
    }

    #[test]
    fn seconds_milliseconds_prefix_and_upper_case_are_taken() {
        let spec = HmacSpec::default();
        for timestamp in ["1800000000", "1800000000123", "1799999700", "1800000300"] {
            let hex = sign(&key(), &spec, timestamp, BODY);
            for given in [hex.clone(), format!("sha256={hex}"), hex.to_uppercase()] {
                assert_eq!(
                    check(&spec, &[("x-signature", &given), ("x-timestamp", timestamp)], BODY),
                    Ok(())
                );
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let spec = HmacSpec::default();
        let at = |timestamp: &str| sign(&key(), &spec, timestamp, BODY);
        let now = "1800000000";
        let table: [(&[(&'static str, &str)], Refused); 8] = [
            (&[("x-signature", &at(now))], Refused::Headers),
            (&[("x-timestamp", now)], Refused::Headers),
            (&[("x-signature", ""), ("x-timestamp", now)], Refused::Headers),
            (&[("x-signature", &at("1799999699")), ("x-timestamp", "1799999699")], Refused::TooOld),
            (&[("x-signature", &at("1800000301")), ("x-timestamp", "1800000301")], Refused::TooNew),
            (&[("x-signature", &at("-1")), ("x-timestamp", "-1")], Refused::Timestamp),
            (&[("x-signature", &at(now)), ("x-timestamp", "1800000001")], Refused::Signature),
            (&[("x-signature", &at(now)[..63]), ("x-timestamp", now)], Refused::Signature),
        ];
        for (headers, expected) in table {
            assert_eq!(check(&spec, headers, BODY), Err(expected), "{headers:?}");
        }
        assert_eq!(
            check(&spec, &[("x-signature", &at(now)), ("x-timestamp", now)], b"{}"),
            Err(Refused::Signature)
        );
    }

    #[test]
    fn headers_and_template_can_be_chosen_but_must_sign_time_and_body() {
        let spec = HmacSpec::new("X-Hub-Signature", "X-Sent", "v0:{timestamp}:{body}").unwrap();
        let hex = sign(&key(), &spec, "1800000000", BODY);
        assert_eq!(check(&spec, &[("x-hub-signature", &hex), ("x-sent", "1800000000")], BODY), Ok(()));
        for template in ["{body}", "{timestamp}", "{timestamp}{body}{body}", ""] {
            assert!(HmacSpec::new("a", "b", template).is_err(), "{template}");
        }
        assert!(HmacSpec::new("not a header", "b", "{timestamp}.{body}").is_err());
    }

    #[test]
    fn the_standard_webhooks_form_is_taken_when_the_key_is_base64() {
        let key = SecretString::from("whsec_RVhBTVBMRS1rZXk=");
        let signature = webhooks::sign(&key, "msg_1", now(), BODY).unwrap();
        let headers: HeaderMap =
            [("webhook-id", "msg_1"), ("webhook-timestamp", "1800000000"), ("webhook-signature", &signature)]
                .into_iter()
                .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
                .collect();
        assert_eq!(verify(&key, &HmacSpec::default(), &headers, BODY, now()), Ok(()));
        assert_eq!(verify(&key, &HmacSpec::default(), &headers, b"{}", now()), Err(Refused::Signature));
    }
}
