//! What every verb gets: settings, the clock, and one client for each outside system, made at first need.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::SignedDuration;
use secrecy::SecretString;

use crate::{
    aws::Aws,
    cache::Cache,
    clerk::session::{Session as ClerkSession, SessionRules},
    clock::Clock,
    config::Config,
    deadline,
    error::{Error, Result},
    flowkey::FlowKey,
    http::{Http, LONGEST_CALL},
    ids::{CredentialId, Provider},
    jwks::{Jwks, KeySource},
    providers::{Session, oauth::Client, spec::Endpoints},
    queue::Queue,
    secrets::{SecretName, Secrets},
    slottoken::SlotKey,
    store::{Store, directory::Door},
    vault::Vault,
};

/// A VAPI credential's revocation takes at most this long, as a service token's does at the gateway.
const DOOR_LIFE: SignedDuration = SignedDuration::from_secs(60);
const MOST_DOORS: usize = 256;

/// What is left of an invocation after its last call to a calendar: the ledger hears of it, and the caller.
const AFTER_CALL: Duration = Duration::from_secs(3);

/// Built once, cloned freely.
#[derive(Clone)]
pub struct App {
    /// Settings.
    pub config: Arc<Config>,
    /// What time it is.
    pub clock: Clock,
    /// Providers and Clerk.
    pub http: Http,
    /// DynamoDB.
    pub store: Store,
    /// KMS and the data keys.
    pub vault: Vault,
    /// Secrets Manager.
    pub secrets: Secrets,
    /// Tokens on their way to DynamoDB.
    pub rescue_queue: Queue,
    /// Clerk's keys.
    jwks: Jwks,
    session_rules: Arc<SessionRules>,
    /// VAPI credentials and routes that were read lately.
    pub doors: Cache<CredentialId, Door>,
    endpoints: Arc<BTreeMap<Provider, Endpoints>>,
}

impl App {
    /// Everything from the settings; calls nothing. `extra_roots` is the PEM text of `SSL_CERT_FILE`.
    pub fn new(config: Config, clock: Clock, extra_roots: Option<Vec<u8>>) -> Result<Self> {
        let http = Http::new(extra_roots.as_deref()).map_err(Error::internal)?;
        let aws = Aws::new(&config.aws, extra_roots);
        Self::over(config, clock, http, aws)
    }

    /// The same over other clients.
    pub fn over(config: Config, clock: Clock, http: Http, aws: Aws) -> Result<Self> {
        let keys = match &config.clerk.jwt_key {
            Some(pem) => KeySource::Pem(pem.clone()),
            None => KeySource::Url(config.clerk.jwks_url.clone()),
        };
        let rules = SessionRules {
            issuer: Some(config.clerk.issuer.clone()),
            authorized_parties: config.clerk.authorized_parties.clone(),
            audience: config.clerk.audience.clone().into_iter().collect(),
            ..SessionRules::default()
        };
        let jwks = Jwks::new(keys, http.clone())?;
        let retention = SignedDuration::from_hours(24 * i64::from(config.booking_retention_days));
        let endpoints = config.providers.iter().map(|(provider, settings)| {
            let real = Endpoints::real(*provider);
            let set = settings.overrides.clone();
            let endpoints = Endpoints {
                authorize_url: set.authorize_url.unwrap_or(real.authorize_url),
                token_url: set.token_url.unwrap_or(real.token_url),
                revoke_url: set.revoke_url.or(real.revoke_url),
                api_url: set.api_url.unwrap_or(real.api_url),
                rotation: set.rotation.unwrap_or(real.rotation),
            };
            (*provider, endpoints)
        });
        Ok(Self {
            endpoints: Arc::new(endpoints.collect()),
            store: Store::new(aws.clone(), config.tables.clone(), retention),
            vault: Vault::new(aws.clone(), clock.clone(), config.stage.as_str(), &config.kms_key_id),
            rescue_queue: Queue::new(aws.clone(), config.rescue_queue_url.clone()),
            secrets: Secrets::new(aws, clock.clone(), config.secrets.clone()),
            jwks,
            session_rules: Arc::new(rules),
            doors: Cache::new(DOOR_LIFE, MOST_DOORS),
            http,
            clock,
            config: Arc::new(config),
        })
    }

    /// A provider's endpoints; an error names the field when it is not configured here.
    pub fn endpoints(&self, provider: Provider) -> Result<&Endpoints> {
        self.endpoints
            .get(&provider)
            .ok_or_else(|| Error::invalid("provider", format!("{provider} is not configured here")))
    }

    /// Our OAuth client at a provider, with its secret.
    pub async fn client(&self, provider: Provider) -> Result<Client> {
        let settings = self.config.providers.get(&provider);
        let settings = settings
            .ok_or_else(|| Error::invalid("provider", format!("{provider} is not configured here")))?;
        let secret = self.secrets.get(secret_of(provider)).await?;
        Ok(Client { id: settings.client_id.clone(), secret })
    }

    /// Reads the client's secret again at the next need: the provider refused the one that is in memory.
    pub fn forget_client(&self, provider: Provider) {
        self.secrets.forget(secret_of(provider));
    }

    /// The key of connect flows.
    pub async fn flow_key(&self) -> Result<FlowKey> {
        Ok(FlowKey::new(&self.secrets.get(SecretName::FlowRoot).await?))
    }

    /// The key of slot tokens.
    pub async fn slot_key(&self) -> Result<SlotKey> {
        Ok(self.flow_key().await?.slot_key())
    }

    /// Verifies a Clerk session token.
    pub async fn clerk_session(&self, token: &str) -> Result<ClerkSession> {
        self.jwks.session(token, &self.session_rules, self.clock.now()).await
    }

    /// What a call to a provider's calendar API needs. It is given up while there is time to say what came of it.
    pub fn session<'a>(&'a self, base_url: &'a str, access_token: &'a SecretString) -> Session<'a> {
        Session { http: &self.http, base_url, access_token, limit: longest_call(deadline::left()) }
    }

    /// Where a person connects a calendar (again): a visit to our own start URL, which takes the usual provider when
    /// none is named.
    pub fn connect_url(&self, owner: &crate::ids::OwnerId, provider: Option<Provider>) -> String {
        let whom =
            if owner.is_tenant() { format!("owner={owner}") } else { format!("user_id={}", owner.id()) };
        let start = format!("{}/calendar/auth/start?{whom}", self.config.public_base_url);
        match provider {
            Some(provider) => format!("{start}&provider={provider}"),
            None => start,
        }
    }
}

/// How long a call may take of an invocation of which this much is left.
fn longest_call(left: Duration) -> SignedDuration {
    let left = left.saturating_sub(AFTER_CALL);
    SignedDuration::try_from(left).unwrap_or(LONGEST_CALL).min(LONGEST_CALL)
}

fn secret_of(provider: Provider) -> SecretName {
    match provider {
        Provider::Microsoft => SecretName::Microsoft,
        Provider::Google => SecretName::Google,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_call_of_an_invocation_leaves_time_to_tell_of_it() {
        let seconds = |left| longest_call(Duration::from_secs(left)).as_secs();
        assert_eq!([seconds(29), seconds(13), seconds(9), seconds(3), seconds(1)], [10, 10, 6, 0, 0]);
        assert_eq!(longest_call(Duration::MAX), LONGEST_CALL);
    }
}
