//! Keys of connect flows and of slot tokens, derived from one root secret, so that an unauthenticated request never costs a KMS call.

use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use crate::{
    error::Result,
    random,
    seal::{self, Context, Key},
    slottoken::SlotKey,
};

/// Derives what a flow needs from the `flow-root` secret.
pub struct FlowKey(Key);

impl FlowKey {
    /// From the root secret.
    pub fn new(root: &SecretString) -> Self {
        Self(Zeroizing::new(random::hmac_sha256(root.expose_secret().as_bytes(), b"slotline flow key 1")))
    }

    /// The PKCE code verifier of a flow (RFC 7636, section 4.1): 43 characters, never stored.
    pub fn pkce_verifier(&self, flow_id: &str) -> SecretString {
        SecretString::from(random::base64url(&self.derive("pkce", flow_id)))
    }

    /// Seals an authorization code until its owner proves himself.
    pub fn seal_code(&self, flow_id: &str, code: &SecretString) -> Result<Vec<u8>> {
        let key = Zeroizing::new(self.derive("code", flow_id));
        seal::seal(&key, Context { parts: &["code", flow_id] }, code.expose_secret().as_bytes())
    }

    /// Opens a code that [`FlowKey::seal_code`] sealed for the same flow.
    pub fn open_code(&self, flow_id: &str, sealed: &[u8]) -> Result<SecretString> {
        let key = Zeroizing::new(self.derive("code", flow_id));
        let plain = seal::open(&key, Context { parts: &["code", flow_id] }, sealed)?;
        Ok(SecretString::from(String::from_utf8_lossy(&plain).into_owned()))
    }

    /// The key under which free slots are offered.
    pub fn slot_key(&self) -> SlotKey {
        SlotKey::new(Zeroizing::new(self.derive("slot token", "1")))
    }

    fn derive(&self, purpose: &str, flow_id: &str) -> [u8; 32] {
        random::hmac_sha256(self.0.as_slice(), format!("{purpose}\n{flow_id}").as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifier_is_the_same_each_time_and_fits_rfc_7636() {
        let key = FlowKey::new(&SecretString::from("EXAMPLE-root"));
        let verifier = key.pkce_verifier("flow");
        assert_eq!(verifier.expose_secret(), key.pkce_verifier("flow").expose_secret());
        assert_ne!(verifier.expose_secret(), key.pkce_verifier("other").expose_secret());
        assert_eq!(verifier.expose_secret().len(), 43);
    }

    #[test]
    fn a_code_opens_for_its_own_flow_only() {
        let key = FlowKey::new(&SecretString::from("EXAMPLE-root"));
        let sealed = key.seal_code("flow", &SecretString::from("EXAMPLE-code")).unwrap();
        assert_eq!(key.open_code("flow", &sealed).unwrap().expose_secret(), "EXAMPLE-code");
        assert!(key.open_code("other", &sealed).is_err());
    }
}
