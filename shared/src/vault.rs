//! Envelope encryption of tokens (SECURITY.md S2): a data key for each connection, wrapped by KMS, cached warm.
//!
//! The vault knows keys and ciphertext; rows are the store's business. There is no plaintext mode.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use aws_sdk_kms::{
    Client,
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
    primitives::Blob,
    types::DataKeySpec,
};
use jiff::SignedDuration;
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use crate::{
    aws::Aws,
    cache::Cache,
    clock::Clock,
    error::{Error, Result},
    ids::{ConnectionId, OwnerId, Provider},
    seal::{self, Context, Key},
};

/// How long an unwrapped key stays in memory: a warm voice path makes no KMS call, a deleted connection's key soon goes.
const CACHED_FOR: SignedDuration = SignedDuration::from_mins(5);

/// How many unwrapped keys stay in memory.
const CACHED_KEYS: usize = 256;

/// A data key is replaced after so many seals …
pub const MOST_SEALS: u32 = 100;
/// … or so long, whichever comes first.
pub const LONGEST_USE: SignedDuration = SignedDuration::from_hours(24 * 30);

/// Whose token it is: bound into KMS's encryption context and into every sealed value.
#[derive(Clone, Debug)]
pub struct Scope {
    /// Owner of the connection.
    pub owner: OwnerId,
    /// Its provider.
    pub provider: Provider,
    /// The connection.
    pub connection: ConnectionId,
    /// SHA-256 of the account key, hexadecimal.
    pub account_hash: String,
}

/// Which token a sealed value holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// The access token.
    Access,
    /// The refresh token.
    Refresh,
}

impl TokenKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Refresh => "refresh",
        }
    }
}

/// An unwrapped data key.
#[derive(Clone)]
pub struct DataKey {
    /// Its id in the `keys` table.
    pub id: String,
    key: Arc<Key>,
}

/// A fresh data key, to be stored before anything is sealed with it.
pub struct FreshKey {
    /// The key, ready for use.
    pub key: DataKey,
    /// The same, wrapped by KMS.
    pub wrapped: Vec<u8>,
    /// The KMS key that wrapped it.
    pub kms_key: Option<String>,
}

/// Makes, unwraps and caches data keys.
#[derive(Clone)]
pub struct Vault(Arc<Inner>);

struct Inner {
    aws: Aws,
    clock: Clock,
    stage: String,
    kms_key_id: String,
    client: OnceLock<Client>,
    /// Keys wipe themselves when the last clone is dropped.
    cache: Cache<String, DataKey>,
}

impl Vault {
    /// A vault that calls KMS at first need.
    pub fn new(aws: Aws, clock: Clock, stage: &str, kms_key_id: &str) -> Self {
        Self(Arc::new(Inner {
            aws,
            clock,
            stage: stage.to_owned(),
            kms_key_id: kms_key_id.to_owned(),
            client: OnceLock::new(),
            cache: Cache::new(CACHED_FOR, CACHED_KEYS),
        }))
    }

    /// A new data key from KMS (`GenerateDataKey`).
    pub async fn generate(&self, scope: &Scope) -> Result<FreshKey> {
        let answer = self
            .client()
            .generate_data_key()
            .key_id(&self.0.kms_key_id)
            .key_spec(DataKeySpec::Aes256)
            .set_encryption_context(Some(encryption_context(scope)))
            .send()
            .await
            .map_err(kms_error)?;
        let (Some(plain), Some(wrapped)) = (answer.plaintext, answer.ciphertext_blob) else {
            return Err(Error::internal("KMS answered without a key"));
        };
        let key = DataKey { id: crate::random::id(), key: Arc::new(key_of(plain.into_inner())?) };
        self.remember(&key);
        Ok(FreshKey { key, wrapped: wrapped.into_inner(), kms_key: answer.key_id })
    }

    /// The data key if it is in memory.
    pub fn cached(&self, id: &str) -> Option<DataKey> {
        self.0.cache.get(&id.to_owned(), self.0.clock.now())
    }

    /// Unwraps a stored data key (`Decrypt`) with the KMS key that wrapped it; none means the one that is configured.
    pub async fn unwrap(
        &self,
        scope: &Scope,
        id: &str,
        wrapped: Vec<u8>,
        kms_key: Option<&str>,
    ) -> Result<DataKey> {
        let answer = self
            .client()
            .decrypt()
            .key_id(kms_key.unwrap_or(&self.0.kms_key_id))
            .ciphertext_blob(Blob::new(wrapped))
            .set_encryption_context(Some(encryption_context(scope)))
            .send()
            .await
            .map_err(kms_error)?;
        let plain = answer.plaintext.ok_or_else(|| Error::internal("KMS answered without a key"))?;
        let key = DataKey { id: id.to_owned(), key: Arc::new(key_of(plain.into_inner())?) };
        self.remember(&key);
        Ok(key)
    }

    /// Wraps a data key under the configured KMS key instead of the one that wrapped it (`ReEncrypt`): it never leaves
    /// KMS in the clear. Answers the new form and the name of the key.
    pub async fn rewrap(
        &self,
        scope: &Scope,
        wrapped: Vec<u8>,
        kms_key: &str,
    ) -> Result<(Vec<u8>, Option<String>)> {
        let context = encryption_context(scope);
        let answer = self
            .client()
            .re_encrypt()
            .ciphertext_blob(Blob::new(wrapped))
            .source_key_id(kms_key)
            .set_source_encryption_context(Some(context.clone()))
            .destination_key_id(&self.0.kms_key_id)
            .set_destination_encryption_context(Some(context))
            .send()
            .await
            .map_err(kms_error)?;
        let wrapped = answer.ciphertext_blob.ok_or_else(|| Error::internal("KMS answered without a blob"))?;
        Ok((wrapped.into_inner(), answer.key_id))
    }

    /// The configured key as KMS names it (`DescribeKey`).
    pub async fn key_name(&self) -> Result<String> {
        let answer =
            self.client().describe_key().key_id(&self.0.kms_key_id).send().await.map_err(kms_error)?;
        let named = answer.key_metadata.and_then(|key| key.arn);
        named.ok_or_else(|| Error::internal("KMS describes a key without a name"))
    }

    /// Whether the key that wraps data keys can be used (`DescribeKey`).
    pub async fn check_key(&self) -> Result<()> {
        let answer =
            self.client().describe_key().key_id(&self.0.kms_key_id).send().await.map_err(kms_error)?;
        match answer.key_metadata {
            Some(key) if key.enabled => Ok(()),
            _ => Err(Error::internal("the KMS key is disabled")),
        }
    }

    /// Drops a data key from memory, after its wrapped form was deleted.
    pub fn forget(&self, id: &str) {
        self.0.cache.remove(&id.to_owned());
    }

    /// Seals a token under its connection's key, for one version of it.
    pub fn seal(
        &self,
        key: &DataKey,
        scope: &Scope,
        kind: TokenKind,
        version: u64,
        token: &SecretString,
    ) -> Result<Vec<u8>> {
        self.bound(scope, kind, version, |context| {
            seal::seal(&key.key, context, token.expose_secret().as_bytes())
        })
    }

    /// Opens what [`Vault::seal`] sealed for the same connection, kind and version.
    pub fn open(
        &self,
        key: &DataKey,
        scope: &Scope,
        kind: TokenKind,
        version: u64,
        sealed: &[u8],
    ) -> Result<SecretString> {
        let plain = self.bound(scope, kind, version, |context| seal::open(&key.key, context, sealed))?;
        let text = std::str::from_utf8(&plain).map_err(|_| Error::internal("a sealed token is not text"))?;
        Ok(SecretString::from(text.to_owned()))
    }

    fn bound<T>(
        &self,
        scope: &Scope,
        kind: TokenKind,
        version: u64,
        with: impl FnOnce(Context<'_>) -> T,
    ) -> T {
        with(Context {
            parts: &[
                &self.0.stage,
                &scope.owner.to_string(),
                scope.provider.as_str(),
                scope.connection.as_str(),
                &scope.account_hash,
                kind.as_str(),
                &version.to_string(),
            ],
        })
    }

    fn client(&self) -> &Client {
        self.0.client.get_or_init(|| self.0.aws.kms())
    }

    fn remember(&self, key: &DataKey) {
        self.0.cache.put(key.id.clone(), key.clone(), self.0.clock.now());
    }
}

/// Plain text in CloudTrail, therefore ids only.
fn encryption_context(scope: &Scope) -> HashMap<String, String> {
    [
        ("app", "slotline".to_owned()),
        ("purpose", "token".to_owned()),
        ("owner", scope.owner.to_string()),
        ("connection", scope.connection.to_string()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

fn key_of(plain: Vec<u8>) -> Result<Key> {
    let plain = Zeroizing::new(plain);
    let bytes = <[u8; 32]>::try_from(plain.as_slice())
        .map_err(|_| Error::internal("KMS answered with an odd key"))?;
    Ok(Zeroizing::new(bytes))
}

/// What passes by itself is an outage; everything else is a fault of ours.
fn kms_error<E: ProvideErrorMetadata>(error: SdkError<E, HttpResponse>) -> Error {
    let outage = || Error::Unavailable { system: "kms", retry_after: SignedDuration::from_secs(1) };
    if error.raw_response().is_some_and(|response| response.status().is_server_error()) {
        return outage();
    }
    match error.code() {
        Some("ThrottlingException" | "KMSInternalException" | "DependencyTimeoutException") | None => {
            outage()
        }
        Some(code) => Error::internal(format!("KMS refused: {code}")),
    }
}
