//! KMS with two symmetric keys: data keys bound to their encryption context, as AWS's JSON 1.1 protocol speaks.
//!
//! <https://docs.aws.amazon.com/kms/latest/APIReference/Welcome.html>. Not here: aliases, grants, rotation, Encrypt.

mod keys;

use std::{
    fs::OpenOptions,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use axum::{
    Router,
    extract::{Request, State},
    response::Response,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Value, json};
use shared::random;

pub(crate) use self::keys::Keys;
use super::{
    ACCOUNT, REGION,
    context::Context,
    wire::{self, Gate},
};
use crate::{
    loopback::{Door, Server},
    world::{
        counters::Counters,
        faults::{Fault, Faults},
    },
};

/// The configured key's id, always the same, so that a configuration written ahead stays valid.
const KEY_ID: &str = "00000000-0000-4000-8000-000000000000";

/// The first byte of every blob.
const BLOB_VERSION: u8 = 1;

/// A running KMS; it stops when this is dropped.
pub struct Kms {
    keys: Arc<Keys>,
    server: Server,
}

struct Key {
    id: &'static str,
    arn: String,
    wrapping: RandomizedNonceKey,
    disabled: AtomicBool,
}

/// An error as KMS names it, and its text.
type Refused = (&'static str, String);

impl Kms {
    /// Starts it on a free port; the key lives in `key_file`, made with mode 0600, or in memory only.
    pub async fn start(key_file: Option<&Path>, counters: Counters, faults: Faults) -> io::Result<Self> {
        let secret = key_file.map_or_else(|| Ok(random::bytes()), kept)?;
        let keys = Arc::new(Keys::new(&secret)?);
        let door = Door::open(0).await?;
        let gate = Gate { system: "kms", counters, faults, stopped: door.stopped() };
        let router = Router::new().fallback(answered).with_state((gate, Arc::clone(&keys)));
        Ok(Self { keys, server: door.serve(router) })
    }

    /// The value for `AWS_ENDPOINT_URL_KMS`.
    pub fn url(&self) -> &str {
        self.server.url()
    }

    /// The value for `KMS_KEY_ID`.
    pub fn key_arn(&self) -> &str {
        &self.keys.current.arn
    }

    /// A key that stands for the one before it.
    pub fn previous_key_arn(&self) -> &str {
        &self.keys.previous.arn
    }

    /// Disables the configured key: everything but `DescribeKey` is refused from here on.
    pub fn disable(&self) {
        self.keys.current.disabled.store(true, Ordering::Relaxed);
    }

    /// Enables the key again.
    pub fn enable(&self) {
        self.keys.current.disabled.store(false, Ordering::Relaxed);
    }
}

/// The key of a file; made if there is none.
fn kept(path: &Path) -> io::Result<[u8; 32]> {
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match opened {
        Ok(mut file) => {
            let secret: [u8; 32] = random::bytes();
            file.write_all(STANDARD.encode(secret).as_bytes())?;
            file.sync_all()?;
            Ok(secret)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let text = std::fs::read_to_string(path)?;
            let secret = STANDARD.decode(text.trim()).map_err(io::Error::other)?;
            secret.try_into().map_err(|_| io::Error::other("the key file does not hold 32 bytes"))
        }
        Err(error) => Err(error),
    }
}

async fn answered(State((gate, keys)): State<(Gate, Arc<Keys>)>, request: Request) -> Response {
    let (parts, body) = wire::whole(request).await;
    let operation = wire::operation(&parts.headers);
    let act = async {
        match keys.act(operation, &body) {
            Ok(body) => wire::answer(200, &body),
            Err((name, message)) => wire::error(400, name, &message),
        }
    };
    gate.pass(operation, refusal, act).await
}

/// A fault in KMS's own words. Its value names an error (as text or under `error`), or gives a status alone.
fn refusal(fault: &Fault) -> Response {
    let value = fault.value.as_ref();
    let named = value.and_then(|value| value.as_str().or_else(|| value.get("error")?.as_str()));
    let by_status = if fault.status() < 500 { "ThrottlingException" } else { "KMSInternalException" };
    let name = named.unwrap_or(by_status);
    let status = if name == "KMSInternalException" { 500 } else { 400 };
    wire::error(status, name, "The stand-in was told to refuse this.")
}

fn read<T: for<'a> Deserialize<'a>>(body: &[u8]) -> Result<T, Refused> {
    serde_json::from_slice(body).map_err(|error| ("SerializationException", error.to_string()))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GenerateDataKey {
    key_id: String,
    key_spec: Option<String>,
    number_of_bytes: Option<usize>,
    #[serde(default)]
    encryption_context: Context,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Decrypt {
    ciphertext_blob: String,
    key_id: Option<String>,
    #[serde(default)]
    encryption_context: Context,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DescribeKey {
    key_id: String,
}

impl Key {
    fn new(id: &'static str, secret: &[u8; 32]) -> io::Result<Self> {
        Ok(Self {
            id,
            arn: format!("arn:aws:kms:{REGION}:{ACCOUNT}:key/{id}"),
            wrapping: RandomizedNonceKey::new(&AES_256_GCM, secret).map_err(io::Error::other)?,
            disabled: AtomicBool::new(false),
        })
    }

    fn generate(&self, asked: &GenerateDataKey) -> Result<Value, Refused> {
        self.usable(&asked.key_id)?;
        let length = match (asked.key_spec.as_deref(), asked.number_of_bytes) {
            (Some("AES_256"), None) => 32,
            (Some("AES_128"), None) => 16,
            (None, Some(bytes @ 1..=1024)) => bytes,
            _ => return Err(invalid("Specify either KeySpec or NumberOfBytes, from 1 to 1024.")),
        };
        let plaintext = random::bytes::<1024>().into_iter().take(length).collect::<Vec<_>>();
        let blob = self.seal(plaintext.clone(), &asked.encryption_context)?;
        Ok(json!({
            "KeyId": self.arn, "Plaintext": STANDARD.encode(plaintext), "CiphertextBlob": STANDARD.encode(blob),
        }))
    }

    fn describe(&self, asked: &DescribeKey) -> Result<Value, Refused> {
        self.known(&asked.key_id)?;
        let enabled = !self.disabled.load(Ordering::Relaxed);
        Ok(json!({ "KeyMetadata": {
            "AWSAccountId": ACCOUNT, "KeyId": self.id, "Arn": self.arn, "Enabled": enabled,
            "KeyState": if enabled { "Enabled" } else { "Disabled" }, "KeyUsage": "ENCRYPT_DECRYPT",
            "KeySpec": "SYMMETRIC_DEFAULT", "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
            "KeyManager": "CUSTOMER", "Origin": "AWS_KMS", "MultiRegion": false,
        } }))
    }

    fn known(&self, key_id: &str) -> Result<(), Refused> {
        if key_id == self.id || key_id == self.arn {
            return Ok(());
        }
        Err(("NotFoundException", format!("Key '{key_id}' does not exist")))
    }

    fn usable(&self, key_id: &str) -> Result<(), Refused> {
        self.known(key_id)?;
        if self.disabled.load(Ordering::Relaxed) {
            return Err(("DisabledException", format!("{} is disabled.", self.arn)));
        }
        Ok(())
    }

    /// Version, key id, nonce, then ciphertext with its tag.
    fn seal(&self, mut bytes: Vec<u8>, context: &Context) -> Result<Vec<u8>, Refused> {
        let nonce = self
            .wrapping
            .seal_in_place_append_tag(Aad::from(context.canonical()), &mut bytes)
            .map_err(|_| ("KMSInternalException", String::new()))?;
        let mut blob = vec![BLOB_VERSION];
        blob.extend_from_slice(self.id.as_bytes());
        blob.extend_from_slice(nonce.as_ref());
        blob.append(&mut bytes);
        Ok(blob)
    }

    fn open(&self, blob: &[u8], context: &Context) -> Result<Vec<u8>, Refused> {
        let (version, rest) = blob.split_first().ok_or_else(unreadable)?;
        let (key_id, rest) = rest.split_at_checked(KEY_ID.len()).ok_or_else(unreadable)?;
        let (nonce, sealed) = rest.split_first_chunk::<12>().ok_or_else(unreadable)?;
        if *version != BLOB_VERSION {
            return Err(unreadable());
        }
        self.usable(&String::from_utf8_lossy(key_id))?;
        let mut bytes = sealed.to_vec();
        let opened = self
            .wrapping
            .open_in_place(Nonce::from(nonce), Aad::from(context.canonical()), &mut bytes)
            .map_err(|_| unreadable())?;
        Ok(opened.to_vec())
    }
}

fn invalid(message: &str) -> Refused {
    ("ValidationException", message.to_owned())
}

/// KMS says the same to a broken blob and to a wrong context, and gives no text.
fn unreadable() -> Refused {
    ("InvalidCiphertextException", String::new())
}

#[cfg(test)]
mod tests;
