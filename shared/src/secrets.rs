//! Secrets by name and field: from Secrets Manager when deployed, from the local stage's own variables there.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, OnceLock},
};

use aws_sdk_secretsmanager::Client;
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use tokio::sync::Mutex;

use crate::{
    aws::Aws,
    clock::Clock,
    config::SecretSettings,
    error::{Error, Result},
};

/// How long a value is used before it is read again, so that a rotated secret takes effect without a deploy.
const CACHED_FOR: SignedDuration = SignedDuration::from_mins(10);

/// The secrets' names; each is one entry in Secrets Manager, a JSON object of fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SecretName {
    /// `{"root"}`: the key from which flow keys are derived. The template generates it.
    FlowRoot,
    /// `{"webhook_secret"}`: Clerk's signing secrets, separated by commas while one is being rotated.
    Clerk,
    /// `{"root"}`: the key from which VAPI HMAC keys are derived. The template generates it.
    Vapi,
    /// `{"client_secret"}` of the Microsoft app registration.
    Microsoft,
    /// `{"client_secret"}` of the Google OAuth client.
    Google,
}

impl SecretName {
    /// The name in configuration, and the field that holds the value.
    fn parts(self) -> (&'static str, &'static str) {
        match self {
            Self::FlowRoot => ("flow-root", "root"),
            Self::Clerk => ("clerk", "webhook_secret"),
            Self::Vapi => ("vapi", "root"),
            Self::Microsoft => ("microsoft", "client_secret"),
            Self::Google => ("google", "client_secret"),
        }
    }
}

/// Reads secrets at first need and keeps them for ten minutes.
#[derive(Clone)]
pub struct Secrets(Arc<Inner>);

struct Inner {
    aws: Aws,
    clock: Clock,
    settings: SecretSettings,
    client: OnceLock<Client>,
    cache: Mutex<HashMap<SecretName, (Timestamp, SecretString)>>,
}

impl Secrets {
    /// Reads nothing yet.
    pub fn new(aws: Aws, clock: Clock, settings: SecretSettings) -> Self {
        Self(Arc::new(Inner { aws, clock, settings, client: OnceLock::new(), cache: Mutex::default() }))
    }

    /// A secret's value.
    pub async fn get(&self, name: SecretName) -> Result<SecretString> {
        let parts = name.parts();
        if let Some(value) = self.0.settings.local.get(&parts) {
            return Ok(value.clone());
        }
        let mut cache = self.0.cache.lock().await;
        let now = self.0.clock.now();
        if let Some((read_at, value)) = cache.get(&name)
            && now.duration_since(*read_at) < CACHED_FOR
        {
            return Ok(value.clone());
        }
        let value = self.read(parts).await?;
        cache.insert(name, (now, value.clone()));
        Ok(value)
    }

    /// Reads a secret again at the next need.
    pub fn forget(&self, name: SecretName) {
        // Held only while another reads it, which is as good.
        if let Ok(mut cache) = self.0.cache.try_lock() {
            cache.remove(&name);
        }
    }

    async fn read(&self, (name, field): (&'static str, &'static str)) -> Result<SecretString> {
        let missing =
            || Error::internal(format!("the secret {name} is not configured, or has no field {field}"));
        let arn = self.0.settings.arns.get(name).ok_or_else(missing)?;
        let client = self.0.client.get_or_init(|| self.0.aws.secrets());
        let answer = client.get_secret_value().secret_id(arn).send().await.map_err(|error| {
            tracing::error!(
                secret = name,
                code = aws_sdk_secretsmanager::error::ProvideErrorMetadata::code(&error),
                "secret unreadable"
            );
            Error::Unavailable { system: "secretsmanager", retry_after: SignedDuration::from_secs(2) }
        })?;
        let fields: BTreeMap<String, SecretString> =
            serde_json::from_str(answer.secret_string().unwrap_or_default()).map_err(|_| missing())?;
        use secrecy::ExposeSecret as _;
        fields.get(field).filter(|value| !value.expose_secret().is_empty()).cloned().ok_or_else(missing)
    }
}
