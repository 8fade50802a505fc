//! Signatures by the crypto library itself, so that a verifier is not checked against its own signing function.

use std::sync::LazyLock;

use aws_lc_rs::{
    encoding::{AsDer as _, PublicKeyX509Der},
    hmac,
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::{KeyPair as _, RSA_PKCS1_SHA256},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};

/// HMAC-SHA-256.
pub fn mac(key: &[u8], message: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message).as_ref().to_vec()
}

/// A Standard Webhooks signature without its version: base64.
pub fn webhook(key: &[u8], id: &str, timestamp: &str, body: &[u8]) -> String {
    STANDARD.encode(mac(key, &[format!("{id}.{timestamp}.").as_bytes(), body].concat()))
}

/// VAPI's own signature: lower-case hexadecimal.
pub fn vapi(key: &str, timestamp: &str, body: &[u8]) -> String {
    let mac = mac(key.as_bytes(), &[format!("{timestamp}.").as_bytes(), body].concat());
    mac.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A key pair that is made when the process starts, so that no private key is in the repository. Nothing that a
/// target finds depends on which one it is.
pub struct Key(KeyPair);

/// The instance's key.
pub static OURS: LazyLock<Key> = LazyLock::new(Key::generate);

/// A key that nobody trusts.
pub static STRANGERS: LazyLock<Key> = LazyLock::new(Key::generate);

impl Key {
    fn generate() -> Self {
        Self(KeyPair::generate(KeySize::Rsa2048).expect("aws-lc makes RSA keys"))
    }

    /// The signature of a token's first two parts by RS256, in base64url.
    pub fn signature(&self, message: &str) -> String {
        let mut signature = vec![0; self.0.public_modulus_len()];
        let made = self.0.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature);
        made.expect("a 2048-bit key signs any message");
        URL_SAFE_NO_PAD.encode(signature)
    }

    /// The public half as PEM.
    pub fn pem(&self) -> String {
        let der: PublicKeyX509Der<'_> = self.0.public_key().as_der().expect("an RSA key has a public half");
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der.as_ref()))
    }
}
