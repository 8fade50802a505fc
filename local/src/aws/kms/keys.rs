//! Two keys: the configured one, and the one before it, which data keys are wrapped away from.

use std::io;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Value, json};
use shared::random;

use super::{Context, Decrypt, DescribeKey, GenerateDataKey, KEY_ID, Key, Refused, read, unreadable};

/// The other key's id, always the same, too.
const PREVIOUS_KEY_ID: &str = "00000000-0000-4000-8000-00000000000f";

/// The keys of this account.
pub(crate) struct Keys {
    pub(super) current: Key,
    pub(super) previous: Key,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ReEncrypt {
    ciphertext_blob: String,
    source_key_id: Option<String>,
    #[serde(default)]
    source_encryption_context: Context,
    destination_key_id: String,
    #[serde(default)]
    destination_encryption_context: Context,
}

impl Keys {
    /// Both keys from one secret, so that a key file keeps both.
    pub(super) fn new(secret: &[u8; 32]) -> io::Result<Self> {
        let previous = random::hmac_sha256(secret, PREVIOUS_KEY_ID.as_bytes());
        Ok(Self { current: Key::new(KEY_ID, secret)?, previous: Key::new(PREVIOUS_KEY_ID, &previous)? })
    }

    /// The key of an id or ARN.
    pub(super) fn named(&self, key_id: &str) -> Result<&Key, Refused> {
        if self.previous.known(key_id).is_ok() {
            return Ok(&self.previous);
        }
        self.current.known(key_id).map(|()| &self.current)
    }

    /// The key that wrapped a blob; when the caller names one, it must be that.
    pub(super) fn of_blob(&self, blob: &[u8], named: Option<&str>) -> Result<&Key, Refused> {
        let id = blob.get(1..=KEY_ID.len()).ok_or_else(unreadable)?;
        let own = self.named(&String::from_utf8_lossy(id)).map_err(|_| unreadable())?;
        match named {
            Some(named) if self.named(named)?.id != own.id => {
                Err(("IncorrectKeyException", "Another key wrapped this.".to_owned()))
            }
            Some(_) | None => Ok(own),
        }
    }

    pub(super) fn decrypt(&self, asked: &Decrypt) -> Result<Value, Refused> {
        let blob = STANDARD.decode(&asked.ciphertext_blob).map_err(|_| unreadable())?;
        let key = self.of_blob(&blob, asked.key_id.as_deref())?;
        let plaintext = key.open(&blob, &asked.encryption_context)?;
        Ok(json!({
            "KeyId": key.arn, "Plaintext": STANDARD.encode(plaintext), "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        }))
    }

    /// <https://docs.aws.amazon.com/kms/latest/APIReference/API_ReEncrypt.html>
    pub(super) fn re_encrypt(&self, body: &[u8]) -> Result<Value, Refused> {
        let asked: ReEncrypt = read(body)?;
        let blob = STANDARD.decode(&asked.ciphertext_blob).map_err(|_| unreadable())?;
        let source = self.of_blob(&blob, asked.source_key_id.as_deref())?;
        let destination = self.named(&asked.destination_key_id)?;
        destination.usable(&asked.destination_key_id)?;
        let plaintext = source.open(&blob, &asked.source_encryption_context)?;
        let blob = destination.seal(plaintext, &asked.destination_encryption_context)?;
        Ok(json!({
            "CiphertextBlob": STANDARD.encode(blob), "SourceKeyId": source.arn, "KeyId": destination.arn,
            "SourceEncryptionAlgorithm": "SYMMETRIC_DEFAULT", "DestinationEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        }))
    }
}

impl Keys {
    /// The key's id in requests.
    pub(crate) const ID: &str = KEY_ID;

    /// Keys that nobody had before.
    pub(crate) fn fresh() -> io::Result<Self> {
        Self::new(&random::bytes())
    }

    /// One call: status and body.
    pub(crate) fn answer(&self, operation: &str, body: &[u8]) -> (u16, Vec<u8>) {
        match self.act(operation, body) {
            Ok(body) => (200, body.to_string().into_bytes()),
            Err((name, message)) => {
                (400, json!({ "__type": name, "message": message }).to_string().into_bytes())
            }
        }
    }

    pub(super) fn act(&self, operation: &str, body: &[u8]) -> Result<Value, Refused> {
        match operation {
            "GenerateDataKey" => {
                read(body).and_then(|asked: GenerateDataKey| self.named(&asked.key_id)?.generate(&asked))
            }
            "Decrypt" => read(body).and_then(|asked| self.decrypt(&asked)),
            "DescribeKey" => {
                read(body).and_then(|asked: DescribeKey| self.named(&asked.key_id)?.describe(&asked))
            }
            "ReEncrypt" => self.re_encrypt(body),
            _ => Err(("UnknownOperationException", String::new())),
        }
    }
}
