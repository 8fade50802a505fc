//! SDK clients without `aws-config`: region, credentials and endpoints come from our own settings, and all
//! clients share one HTTPS client with Amazon's roots compiled in.

use std::{sync::OnceLock, time::Duration};

use aws_sdk_dynamodb::config::{
    BehaviorVersion, Credentials, Region, SharedHttpClient, StalledStreamProtectionConfig,
    retry::{RetryPartition, TokenBucket},
    timeout::TimeoutConfig,
};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use secrecy::ExposeSecret as _;

/// Amazon Trust Services and Starfield: the roots that AWS endpoints chain to ("Amazon Trust Services: Repository").
const ROOTS: &[u8] = include_bytes!("aws/roots.pem");

/// One attempt of one AWS call; the SDK makes up to three.
const ATTEMPT: Duration = Duration::from_secs(3);

/// Region, credentials and endpoints, as plain values.
#[derive(Clone, Debug)]
pub struct Aws {
    /// `us-east-1` and so on.
    pub region: String,
    /// The role's or the local stack's credentials.
    pub credentials: Credentials,
    /// PEM roots trusted beside the embedded ones.
    pub extra_roots: Option<Vec<u8>>,
    /// Where DynamoDB is, when not at AWS.
    pub dynamodb_url: Option<String>,
    /// Where KMS is, when not at AWS.
    pub kms_url: Option<String>,
    /// Where Secrets Manager is, when not at AWS.
    pub secrets_url: Option<String>,
    /// Where SQS is, when not at AWS.
    pub sqs_url: Option<String>,
    /// The budget of the SDK's own repeats, where it is not the process's.
    retries: Option<RetryPartition>,
    /// Made at first need and shared by all clients.
    http: std::sync::Arc<OnceLock<SharedHttpClient>>,
}

/// Every SDK's configuration has the same builder methods, and no common trait.
macro_rules! client {
    ($self:expr, $sdk:ident, $url:expr) => {{
        let mut config = $sdk::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new($self.region.clone()))
            .credentials_provider($self.credentials.clone())
            .http_client($self.http().clone())
            .timeout_config(timeouts());
        if let Some(budget) = &$self.retries {
            // It watches a stream by the system's clock, which says nothing about virtual time.
            let unwatched = StalledStreamProtectionConfig::disabled();
            config = config.retry_partition(budget.clone()).stalled_stream_protection(unwatched);
        }
        if let Some(url) = $url {
            config = config.endpoint_url(url);
        }
        $sdk::Client::from_conf(config.build())
    }};
}

impl Aws {
    /// Takes the settings as they were read.
    pub fn new(settings: &crate::config::AwsSettings, extra_roots: Option<Vec<u8>>) -> Self {
        let credentials = Credentials::new(
            settings.access_key_id.clone(),
            settings.secret_access_key.expose_secret(),
            settings.session_token.as_ref().map(|token| token.expose_secret().to_owned()),
            None,
            "environment",
        );
        Self {
            region: settings.region.clone(),
            credentials,
            extra_roots,
            dynamodb_url: settings.dynamodb_url.clone(),
            kms_url: settings.kms_url.clone(),
            secrets_url: settings.secrets_url.clone(),
            sqs_url: settings.sqs_url.clone(),
            retries: None,
            http: std::sync::Arc::default(),
        }
    }

    /// The same over another HTTP client: what the simulation puts in the network's place. Many simulated processes
    /// live in one, so that each has a budget of repeats of its own.
    pub fn over(self, http: SharedHttpClient) -> Self {
        let budget = RetryPartition::custom("inside").token_bucket(TokenBucket::default()).build();
        Self { retries: Some(budget), http: std::sync::Arc::new(OnceLock::from(http)), ..self }
    }

    /// A DynamoDB client.
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        client!(self, aws_sdk_dynamodb, &self.dynamodb_url)
    }

    /// A KMS client.
    pub fn kms(&self) -> aws_sdk_kms::Client {
        client!(self, aws_sdk_kms, &self.kms_url)
    }

    /// A Secrets Manager client.
    pub fn secrets(&self) -> aws_sdk_secretsmanager::Client {
        client!(self, aws_sdk_secretsmanager, &self.secrets_url)
    }

    /// An SQS client.
    pub fn sqs(&self) -> aws_sdk_sqs::Client {
        client!(self, aws_sdk_sqs, &self.sqs_url)
    }

    fn http(&self) -> &SharedHttpClient {
        self.http.get_or_init(|| {
            let mut roots = TrustStore::empty().with_pem_certificate(ROOTS);
            if let Some(extra) = &self.extra_roots {
                roots = roots.with_pem_certificate(extra.clone());
            }
            let builder = Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
            match TlsContext::builder().with_trust_store(roots).build() {
                Ok(context) => builder.tls_context(context).build_https(),
                // Not reached with readable roots; the default context then refuses every server instead of none.
                Err(_) => builder.build_https(),
            }
        })
    }
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(ATTEMPT)
        .build()
}
