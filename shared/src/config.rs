//! Every setting, read once at start from a lookup and checked whole: one error names every wrong variable.
//!
//! Reading the process's environment happens in `functions/src/bootstrap.rs`; this file only interprets it.

mod read;

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use jiff::Timestamp;
use secrecy::SecretString;
use url::Url;

use crate::{ids::Provider, providers::spec::Rotation};

/// Where the software runs. Only `local` may override endpoints, fix the clock and hold secrets in variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The loopback stack.
    Local,
    /// A deployed stage, by its name.
    Deployed(String),
}

impl Stage {
    /// Its name, as bound into every sealed token.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Local => "local",
            Self::Deployed(name) => name,
        }
    }
}

/// What makes a new link active (SECURITY.md S1.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// The owner's own session proves it.
    Proof,
    /// Insecure: the first link of an owner is activated without proof.
    FirstLink,
}

/// All settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// `STAGE`.
    pub stage: Stage,
    /// `PUBLIC_BASE_URL`, without a slash at the end.
    pub public_base_url: String,
    /// `FRONTEND_RETURN_URLS`: the exact URLs that a connect may return to; the first is the default.
    pub frontend_return_urls: Vec<Url>,
    /// The providers that are enabled and have a client id.
    pub providers: BTreeMap<Provider, ProviderSettings>,
    /// Clerk.
    pub clerk: ClerkSettings,
    /// `CONNECT_ACTIVATION`.
    pub activation: Activation,
    /// `TABLE_…`.
    pub tables: Tables,
    /// `KMS_KEY_ID`: id, ARN or alias of the key that wraps data keys.
    pub kms_key_id: String,
    /// `RESCUE_QUEUE_URL`: where tokens go that DynamoDB would not take; only functions that refresh need it.
    pub rescue_queue_url: Option<String>,
    /// `SECRET_…`: where the secrets are.
    pub secrets: SecretSettings,
    /// Region, credentials and endpoints.
    pub aws: AwsSettings,
    /// `BOOKING_RETENTION_DAYS`.
    pub booking_retention_days: u16,
    /// `SLOTLINE_NOW`: a fixed clock, in the local stage only.
    pub now: Option<Timestamp>,
    /// `SSL_CERT_FILE` or `AWS_CA_BUNDLE`: a PEM file of roots that are trusted beside the embedded ones.
    pub extra_roots: Option<String>,
    /// What an operator should know; logged at start and told by `/health`.
    pub warnings: Vec<String>,
}

/// One provider's OAuth client.
#[derive(Clone, Debug)]
pub struct ProviderSettings {
    /// `<PROVIDER>_CLIENT_ID`.
    pub client_id: String,
    /// Endpoints that replace the provider's own, in the local stage.
    pub overrides: EndpointOverrides,
}

/// Endpoints set by configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndpointOverrides {
    /// `<PROVIDER>_AUTHORIZE_URL`.
    pub authorize_url: Option<String>,
    /// `<PROVIDER>_TOKEN_URL`.
    pub token_url: Option<String>,
    /// `<PROVIDER>_REVOKE_URL`.
    pub revoke_url: Option<String>,
    /// `MICROSOFT_GRAPH_URL`, `GOOGLE_CALENDAR_URL`.
    pub api_url: Option<String>,
    /// The rule for refresh tokens, when the server behind these endpoints has another; set by code, not by a variable.
    pub rotation: Option<Rotation>,
}

/// Clerk's instance.
#[derive(Clone, Debug)]
pub struct ClerkSettings {
    /// `CLERK_ISSUER`: the instance's front-end API URL.
    pub issuer: String,
    /// `CLERK_JWT_KEY` (PEM), which needs no network.
    pub jwt_key: Option<String>,
    /// `CLERK_JWKS_URL`, by default below the issuer.
    pub jwks_url: String,
    /// `CLERK_AUTHORIZED_PARTIES`: origins allowed in `azp`.
    pub authorized_parties: Vec<String>,
    /// `CLERK_AUDIENCE`, when session tokens carry one.
    pub audience: Option<String>,
}

/// Names of the tables, cut by blast radius.
#[derive(Clone, Debug)]
pub struct Tables {
    /// Users, tenants, memberships, service tokens, VAPI credentials and routes.
    pub directory: String,
    /// Connections, schedules, services.
    pub connections: String,
    /// Flows, handles, idempotency, webhook ids, rate counters.
    pub flows: String,
    /// Wrapped data keys.
    pub keys: String,
    /// Day ledger and bookings.
    pub bookings: String,
    /// What others must be told.
    pub outbox: String,
}

/// Where secrets come from: Secrets Manager when deployed, variables in the local stage.
#[derive(Clone, Debug, Default)]
pub struct SecretSettings {
    /// Secret name → ARN in Secrets Manager.
    pub arns: BTreeMap<&'static str, String>,
    /// Secret name → field → value; filled in the local stage only.
    pub local: BTreeMap<(&'static str, &'static str), SecretString>,
}

/// What the SDK clients are built from; the functions bring no credential chain of their own.
#[derive(Clone, Debug)]
pub struct AwsSettings {
    /// `AWS_REGION`.
    pub region: String,
    /// `AWS_ACCESS_KEY_ID`.
    pub access_key_id: String,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret_access_key: SecretString,
    /// `AWS_SESSION_TOKEN`.
    pub session_token: Option<SecretString>,
    /// `AWS_ENDPOINT_URL_DYNAMODB`.
    pub dynamodb_url: Option<String>,
    /// `AWS_ENDPOINT_URL_KMS`.
    pub kms_url: Option<String>,
    /// `AWS_ENDPOINT_URL_SECRETS_MANAGER`.
    pub secrets_url: Option<String>,
    /// `AWS_ENDPOINT_URL_SQS`.
    pub sqs_url: Option<String>,
}

/// Everything that is wrong with the settings, a sentence each.
#[derive(Debug, thiserror::Error)]
#[error("configuration: {}", .0.join("; "))]
pub struct ConfigError(pub Vec<String>);

impl Config {
    /// Reads all settings; `lookup` gives a variable's value. An empty value means unset.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        read::Reader::new(&lookup).config()
    }

    /// The provider that is meant where none is said: the first that is enabled, which is Microsoft where both are.
    pub fn usual_provider(&self) -> Provider {
        let enabled = |provider: &Provider| self.providers.contains_key(provider);
        Provider::ALL.into_iter().find(enabled).unwrap_or(Provider::Microsoft)
    }

    /// The names of all variables that [`Config::read`] asks for.
    pub fn names() -> BTreeSet<String> {
        let asked = RefCell::new(BTreeSet::new());
        let lookup = |name: &str| {
            asked.borrow_mut().insert(name.to_owned());
            // A provider without a client is not asked for its URLs; of two names the second is asked for where the
            // first has no value.
            name.ends_with("_CLIENT_ID").then(|| "any".to_owned())
        };
        // What is wrong with them is of no interest here.
        drop(Self::read(lookup));
        asked.into_inner()
    }

    /// Whether browsers reach us without TLS, which only the local stage allows.
    pub fn is_plain_http(&self) -> bool {
        self.stage == Stage::Local && self.public_base_url.starts_with("http://")
    }

    /// The return URL to use: `wanted` if it is on the allow-list (exactly), else none; the first one when nothing is wanted.
    pub fn return_url(&self, wanted: Option<&str>) -> Option<&Url> {
        match wanted {
            None => self.frontend_return_urls.first(),
            Some(wanted) => self
                .frontend_return_urls
                .iter()
                .find(|url| url.as_str() == wanted || without_slash(url) == wanted),
        }
    }
}

/// `Url` writes `https://app.example` as `https://app.example/`; people do not.
fn without_slash(url: &Url) -> &str {
    url.as_str().strip_suffix('/').unwrap_or(url.as_str())
}
