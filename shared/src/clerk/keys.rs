//! The public keys of a Clerk instance: one from a PEM setting, or many from a JWKS by their `kid`.

use std::collections::BTreeMap;

use aws_lc_rs::rsa::PublicKey;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jsonwebtoken::DecodingKey;
use serde_json::Value;

use crate::error::Error;

/// The keys that session tokens may be signed with.
#[derive(Clone)]
pub struct KeySet(Keys);

#[derive(Clone)]
enum Keys {
    /// The operator named the key, so a token's `kid` says nothing.
    Named(DecodingKey),
    ByKid(BTreeMap<String, DecodingKey>),
}

impl KeySet {
    /// Reads `CLERK_JWT_KEY`: an RSA public key as PEM. Takes what environment files do to it: literal `\n`,
    /// no line breaks,
    /// no header.
    pub fn from_pem(text: &str) -> Result<Self, Error> {
        let refused = || Error::invalid("jwt_key", "must be an RSA public key in PEM");
        let text = text.replace("\\r", "").replace("\\n", "\n");
        let body = strip_armour(text.trim().trim_matches('"')).ok_or_else(refused)?;
        let body: String = body.split_whitespace().collect();
        let der = STANDARD.decode(body).map_err(|_| refused())?;
        let key = PublicKey::from_der(&der).map_err(|_| refused())?;
        Ok(Self(Keys::Named(DecodingKey::from_rsa_der(key.as_ref()))))
    }

    /// Reads a JWK set (RFC 7517). Keys that cannot have signed an RS256 token are left out; none left is an
    /// error.
    pub fn from_jwks(text: &[u8]) -> Result<Self, Error> {
        let set: Value = serde_json::from_slice(text).map_err(|_| Error::invalid("jwks", "must be JSON"))?;
        let keys = set["keys"].as_array().ok_or_else(|| Error::invalid("jwks", "must have keys"))?;
        let keys: BTreeMap<_, _> = keys.iter().filter_map(signing_key).collect();
        if keys.is_empty() {
            return Err(Error::invalid("jwks", "must have an RSA signing key with a kid"));
        }
        Ok(Self(Keys::ByKid(keys)))
    }

    /// The key for a token whose header names `kid`.
    pub fn find(&self, kid: Option<&str>) -> Option<&DecodingKey> {
        match &self.0 {
            Keys::Named(key) => Some(key),
            Keys::ByKid(keys) => keys.get(kid?),
        }
    }
}

/// The base64 between the `-----BEGIN …-----` and `-----END …-----` lines; the text itself when there are none.
fn strip_armour(text: &str) -> Option<&str> {
    let Some(text) = text.strip_prefix("-----BEGIN") else { return Some(text) };
    let (label, rest) = text.split_once("-----")?;
    // A private key or a certificate in this setting is a mistake to be heard of.
    if !matches!(label.trim(), "PUBLIC KEY" | "RSA PUBLIC KEY") {
        return None;
    }
    Some(rest.split_once("-----END")?.0)
}

/// `(kid, key)` of a JWK that may sign RS256 tokens.
fn signing_key(jwk: &Value) -> Option<(String, DecodingKey)> {
    let says = |name: &str, wanted: &str| jwk.get(name).is_none_or(|value| value == wanted);
    let verifies = jwk.get("key_ops").is_none_or(|operations| {
        operations.as_array().is_some_and(|all| all.iter().any(|one| one == "verify"))
    });
    // `d` makes it a private key: whoever published it, nothing that it signed can be trusted.
    if jwk["kty"] != "RSA"
        || !says("use", "sig")
        || !says("alg", "RS256")
        || !verifies
        || jwk.get("d").is_some()
    {
        return None;
    }
    let kid = jwk["kid"].as_str()?;
    let key = DecodingKey::from_rsa_components(jwk["n"].as_str()?, jwk["e"].as_str()?).ok()?;
    Some((kid.to_owned(), key))
}
