//! The one RSA key of the stand-ins: it signs Clerk's session tokens and the providers' id tokens.
//!
//! Signed with aws-lc directly, so that the verifier under test is checked by something other than itself.

use std::sync::OnceLock;

use aws_lc_rs::{
    encoding::{AsDer as _, PublicKeyX509Der},
    rsa::{KeyPair, KeySize},
    signature::{KeyPair as _, RSA_PKCS1_SHA256},
};
use serde_json::{Value, json};
use shared::random;

/// A key pair and its name.
pub(super) struct Key {
    pair: KeyPair,
    kid: String,
}

/// The process's key; made once, because making one costs a tenth of a second.
#[expect(clippy::expect_used, reason = "a process that cannot make keys must not go on")]
pub(super) fn key() -> &'static Key {
    static KEY: OnceLock<Key> = OnceLock::new();
    KEY.get_or_init(|| {
        let pair = KeyPair::generate(KeySize::Rsa2048).expect("aws-lc makes RSA keys");
        let kid = format!("ins_{}", &random::hex(&random::sha256(pair.public_key().as_ref()))[..27]);
        Key { pair, kid }
    })
}

impl Key {
    /// A compact JWS (RFC 7515) over claims, by RS256.
    #[expect(clippy::expect_used, reason = "a 2048-bit key signs any message")]
    pub(super) fn sign(&self, claims: &Value) -> String {
        let header = json!({"alg": "RS256", "kid": self.kid, "typ": "JWT"});
        let message = [header.to_string(), claims.to_string()].map(|part| random::base64url(part.as_bytes()));
        let message = message.join(".");
        let mut signature = vec![0; self.pair.public_modulus_len()];
        let rng = aws_lc_rs::rand::SystemRandom::new();
        self.pair.sign(&RSA_PKCS1_SHA256, &rng, message.as_bytes(), &mut signature).expect("signs");
        format!("{message}.{}", random::base64url(&signature))
    }

    /// The public half in PEM, as `CLERK_JWT_KEY` wants it.
    #[expect(clippy::expect_used, reason = "an RSA key always has a SubjectPublicKeyInfo")]
    pub(super) fn pem(&self) -> String {
        let der: PublicKeyX509Der<'_> = self.pair.public_key().as_der().expect("encodes");
        crate::recorded::pem(der.as_ref())
    }

    /// The public half as a JWK set (RFC 7517).
    pub(super) fn jwks(&self) -> Value {
        let (modulus, exponent) = numbers(self.pair.public_key().as_ref()).unwrap_or_default();
        let [n, e] = [modulus, exponent].map(random::base64url);
        json!({"keys": [{"use": "sig", "kty": "RSA", "kid": self.kid, "alg": "RS256", "n": n, "e": e}]})
    }
}

/// Modulus and exponent of an RSAPublicKey (RFC 8017, appendix A.1.1): a sequence of two integers.
fn numbers(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (sequence, _) = element(der, 0x30)?;
    let (modulus, rest) = element(sequence, 0x02)?;
    let (exponent, _) = element(rest, 0x02)?;
    // A leading zero only keeps the number positive; JWK leaves it out.
    Some((modulus.strip_prefix(&[0]).unwrap_or(modulus), exponent))
}

/// The content of one DER element, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, first], rest) = der.split_first_chunk::<2>()?;
    let long = usize::from(first & 0x7f);
    let (length, rest) = match first {
        0..0x80 => (long, rest),
        _ => {
            let (bytes, rest) = rest.split_at_checked(long)?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
    };
    if found == tag { rest.split_at_checked(length) } else { None }
}
