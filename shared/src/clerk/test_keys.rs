//! RSA keys made at test time, so that no private key is in the repository.

use std::sync::OnceLock;

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der},
    rsa::{KeyPair, KeySize},
    signature::KeyPair as _,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, jwk::Jwk};
use serde_json::{Value, json};

/// A key pair in the forms that tests need.
pub(crate) struct TestKey {
    pub(crate) private: EncodingKey,
    pub(crate) public_pem: String,
    jwk: Value,
}

impl TestKey {
    /// The key that the instance signs with.
    pub(crate) fn instance() -> &'static Self {
        static KEY: OnceLock<TestKey> = OnceLock::new();
        KEY.get_or_init(Self::generate)
    }

    /// A key that nobody trusts.
    pub(crate) fn stranger() -> &'static Self {
        static KEY: OnceLock<TestKey> = OnceLock::new();
        KEY.get_or_init(Self::generate)
    }

    fn generate() -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let private: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        let private = EncodingKey::from_rsa_pem(pem("PRIVATE KEY", private.as_ref()).as_bytes()).unwrap();
        let jwk = serde_json::to_value(Jwk::from_encoding_key(&private, Algorithm::RS256).unwrap()).unwrap();
        Self { private, public_pem: pem("PUBLIC KEY", public.as_ref()), jwk }
    }

    /// The public key as a JWK with this `kid` and whatever else is given.
    pub(crate) fn jwk(&self, kid: &str, more: &Value) -> Value {
        let mut jwk = json!({"kty": "RSA", "kid": kid, "n": self.jwk["n"], "e": self.jwk["e"]});
        jwk.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        jwk
    }

    /// A token with any header and claims, signed with `algorithm` whatever the header says.
    pub(crate) fn token_with(&self, header: &Value, claims: &Value, algorithm: Algorithm) -> String {
        let message = format!("{}.{}", base64url(header), base64url(claims));
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &self.private, algorithm).unwrap();
        format!("{message}.{signature}")
    }

    /// A token as Clerk makes it.
    pub(crate) fn token(&self, kid: &str, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(kid.to_owned());
        jsonwebtoken::encode(&header, claims, &self.private).unwrap()
    }
}

pub(crate) fn base64url(value: &Value) -> String {
    crate::random::base64url(value.to_string().as_bytes())
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
