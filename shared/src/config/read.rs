//! Interprets the variables one by one and collects what is wrong with them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use secrecy::SecretString;
use url::Url;

use super::{
    Activation, AwsSettings, ClerkSettings, Config, ConfigError, EndpointOverrides, ProviderSettings,
    SecretSettings, Stage, Tables,
};
use crate::ids::Provider;

/// Variables of older set-ups that mean nothing here.
const IGNORED: [&str; 5] = [
    "DATABASE_URL",
    "WEBHOOK_SERVER_URL",
    "WEBHOOK_SERVER_API_KEY",
    "DATABASE_SERVER_URL",
    "DATABASE_SERVER_API_KEY",
];

/// Bookings are kept two years unless said otherwise.
const DEFAULT_RETENTION_DAYS: u16 = 730;

pub(super) struct Reader<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    wrong: Vec<String>,
    warnings: Vec<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { lookup, wrong: Vec::new(), warnings: Vec::new() }
    }

    pub(super) fn config(mut self) -> Result<Config, ConfigError> {
        let stage = self.stage();
        let local = stage == Stage::Local;
        let config = Config {
            public_base_url: self.public_base_url(local),
            frontend_return_urls: self.return_urls(local),
            providers: self.providers(local),
            clerk: self.clerk(local),
            activation: self.activation(),
            tables: self.tables(&stage),
            kms_key_id: self
                .text("KMS_KEY_ID")
                .unwrap_or_else(|| format!("alias/slotline-{}", stage.as_str())),
            secrets: self.secrets(local),
            aws: self.aws(local),
            booking_retention_days: self.retention(),
            now: self.now(local),
            extra_roots: self.text("SSL_CERT_FILE").or_else(|| self.text("AWS_CA_BUNDLE")),
            stage,
            warnings: Vec::new(),
        };
        for name in IGNORED {
            if self.text(name).is_some() {
                self.warnings.push(format!("{name} is set and ignored: Slotline keeps its data in DynamoDB"));
            }
        }
        if !self.wrong.is_empty() {
            return Err(ConfigError(self.wrong));
        }
        Ok(Config { warnings: self.warnings, ..config })
    }

    /// A variable's value; empty means unset.
    fn text(&self, name: &str) -> Option<String> {
        (self.lookup)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    fn list(&self, name: &str) -> Vec<String> {
        let text = self.text(name).unwrap_or_default();
        text.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
    }

    fn wrong(&mut self, name: &str, must: &str) {
        self.wrong.push(format!("{name} {must}"));
    }

    fn stage(&mut self) -> Stage {
        match self.text("STAGE") {
            Some(name) if name == "local" => Stage::Local,
            Some(name) => Stage::Deployed(name),
            None => {
                self.wrong("STAGE", "must be set: local, dev or prod");
                Stage::Local
            }
        }
    }

    fn public_base_url(&mut self, local: bool) -> String {
        let Some(text) = self.text("PUBLIC_BASE_URL").or_else(|| self.text("BACKEND_URL")) else {
            self.wrong("PUBLIC_BASE_URL", "must be set to the address under which this API is reached");
            return String::new();
        };
        match Url::parse(&text) {
            Ok(url) if url.scheme() == "https" || (local && url.scheme() == "http") => {}
            _ => self.wrong("PUBLIC_BASE_URL", "must be an https URL"),
        }
        text.trim_end_matches('/').to_owned()
    }

    fn return_urls(&mut self, local: bool) -> Vec<Url> {
        let mut urls = Vec::new();
        for text in self.list("FRONTEND_RETURN_URLS") {
            match Url::parse(&text) {
                Ok(url)
                    if url.fragment().is_none()
                        && (url.scheme() == "https" || (local && url.scheme() == "http")) =>
                {
                    urls.push(url);
                }
                _ => self.wrong(
                    "FRONTEND_RETURN_URLS",
                    "must be https URLs without a fragment, separated by commas",
                ),
            }
        }
        if urls.is_empty() && self.text("FRONTEND_RETURN_URLS").is_none() {
            self.wrong("FRONTEND_RETURN_URLS", "must name at least one URL of the front end");
        }
        urls
    }

    fn providers(&mut self, local: bool) -> BTreeMap<Provider, ProviderSettings> {
        let enabled = self.list("PROVIDERS_ENABLED");
        let mut wanted = Vec::new();
        for name in &enabled {
            match name.parse::<Provider>() {
                Ok(provider) => wanted.push(provider),
                Err(_) => self.wrong("PROVIDERS_ENABLED", "must list providers: microsoft, google"),
            }
        }
        let mut providers = BTreeMap::new();
        for provider in Provider::ALL {
            if !enabled.is_empty() && !wanted.contains(&provider) {
                continue;
            }
            let prefix = provider.as_str().to_ascii_uppercase();
            let name = format!("{prefix}_CLIENT_ID");
            match self.text(&name) {
                Some(client_id) => {
                    let overrides = self.overrides(provider, &prefix, local);
                    providers.insert(provider, ProviderSettings { client_id, overrides });
                }
                None if wanted.contains(&provider) => {
                    self.wrong(&name, "must be set, because PROVIDERS_ENABLED names its provider");
                }
                None => {}
            }
        }
        providers
    }

    fn overrides(&mut self, provider: Provider, prefix: &str, local: bool) -> EndpointOverrides {
        let api = match provider {
            Provider::Microsoft => "MICROSOFT_GRAPH_URL",
            Provider::Google => "GOOGLE_CALENDAR_URL",
        };
        EndpointOverrides {
            authorize_url: self.local_url(&format!("{prefix}_AUTHORIZE_URL"), local),
            token_url: self.local_url(&format!("{prefix}_TOKEN_URL"), local),
            revoke_url: self.local_url(&format!("{prefix}_REVOKE_URL"), local),
            api_url: self.local_url(api, local),
        }
    }

    /// A base URL that only the local stage may set: elsewhere it could send codes and tokens to a stranger.
    fn local_url(&mut self, name: &str, local: bool) -> Option<String> {
        let text = self.text(name)?;
        if !local {
            self.wrong(name, "may be set in the local stage only");
        } else if Url::parse(&text).is_err() {
            self.wrong(name, "must be a URL");
        }
        Some(text.trim_end_matches('/').to_owned())
    }

    fn clerk(&mut self, local: bool) -> ClerkSettings {
        let issuer = self.text("CLERK_ISSUER").or_else(|| {
            let key = self.text("CLERK_PUBLISHABLE_KEY")?;
            issuer_of(&key)
        });
        let issuer = issuer.unwrap_or_else(|| {
            self.wrong(
                "CLERK_ISSUER",
                "must be set to the Clerk instance's front-end API URL (or set CLERK_PUBLISHABLE_KEY)",
            );
            String::new()
        });
        if !issuer.is_empty() && !issuer.starts_with("https://") && !local {
            self.wrong("CLERK_ISSUER", "must be an https URL");
        }
        let authorized_parties = self.list("CLERK_AUTHORIZED_PARTIES");
        if authorized_parties.is_empty() {
            self.warnings.push(
                "CLERK_AUTHORIZED_PARTIES is empty: session tokens of any origin of the Clerk instance are accepted".into(),
            );
        }
        ClerkSettings {
            jwt_key: self.text("CLERK_JWT_KEY"),
            jwks_url: self
                .text("CLERK_JWKS_URL")
                .unwrap_or_else(|| format!("{issuer}/.well-known/jwks.json")),
            issuer,
            authorized_parties,
            audience: self.text("CLERK_AUDIENCE"),
        }
    }

    fn activation(&mut self) -> Activation {
        if let Some(finish) = self.text("CONNECT_FINISH")
            && finish != "frontend"
        {
            self.wrong("CONNECT_FINISH", "must be frontend");
        }
        match self.text("CONNECT_ACTIVATION").as_deref() {
            None | Some("proof") => Activation::Proof,
            Some("first_link") => {
                self.warnings.push(
                    "CONNECT_ACTIVATION=first_link is insecure: whoever starts a connect for a user without a link gets it".into(),
                );
                Activation::FirstLink
            }
            Some(_) => {
                self.wrong("CONNECT_ACTIVATION", "must be proof or first_link");
                Activation::Proof
            }
        }
    }

    fn tables(&mut self, stage: &Stage) -> Tables {
        let name = |variable: &str, table: &str| {
            self.text(variable).unwrap_or_else(|| format!("slotline-{}-{table}", stage.as_str()))
        };
        Tables {
            directory: name("TABLE_DIRECTORY", "directory"),
            connections: name("TABLE_CONNECTIONS", "connections"),
            flows: name("TABLE_FLOWS", "flows"),
            keys: name("TABLE_KEYS", "keys"),
            bookings: name("TABLE_BOOKINGS", "bookings"),
        }
    }

    fn secrets(&mut self, local: bool) -> SecretSettings {
        let mut arns = BTreeMap::new();
        for (name, variable) in [
            ("flow-root", "SECRET_FLOW_ROOT"),
            ("clerk", "SECRET_CLERK"),
            ("vapi", "SECRET_VAPI"),
            ("microsoft", "SECRET_MICROSOFT"),
            ("google", "SECRET_GOOGLE"),
        ] {
            if let Some(arn) = self.text(variable) {
                arns.insert(name, arn);
            }
        }
        let mut values = BTreeMap::new();
        for (name, field, variable) in [
            ("flow-root", "root", "FLOW_ROOT"),
            ("clerk", "webhook_secret", "CLERK_WEBHOOK_SECRET"),
            ("vapi", "root", "VAPI_ROOT"),
            ("microsoft", "client_secret", "MICROSOFT_CLIENT_SECRET"),
            ("google", "client_secret", "GOOGLE_CLIENT_SECRET"),
        ] {
            match self.text(variable) {
                Some(value) if local => {
                    values.insert((name, field), SecretString::from(value));
                }
                Some(_) => self.wrong(
                    variable,
                    "may be set in the local stage only; deployed, it lives in Secrets Manager",
                ),
                None => {}
            }
        }
        SecretSettings { arns, local: values }
    }

    fn aws(&mut self, local: bool) -> AwsSettings {
        AwsSettings {
            region: self.text("AWS_REGION").unwrap_or_else(|| "us-east-1".into()),
            access_key_id: self.text("AWS_ACCESS_KEY_ID").unwrap_or_else(|| "local".into()),
            secret_access_key: self.text("AWS_SECRET_ACCESS_KEY").unwrap_or_else(|| "local".into()).into(),
            session_token: self.text("AWS_SESSION_TOKEN").map(SecretString::from),
            dynamodb_url: self.local_url("AWS_ENDPOINT_URL_DYNAMODB", local),
            kms_url: self.local_url("AWS_ENDPOINT_URL_KMS", local),
            secrets_url: self.local_url("AWS_ENDPOINT_URL_SECRETS_MANAGER", local),
        }
    }

    fn retention(&mut self) -> u16 {
        match self.text("BOOKING_RETENTION_DAYS").map(|text| text.parse::<u16>()) {
            None => DEFAULT_RETENTION_DAYS,
            Some(Ok(days)) if days > 0 => days,
            Some(_) => {
                self.wrong("BOOKING_RETENTION_DAYS", "must be a number of days from 1 to 65535");
                DEFAULT_RETENTION_DAYS
            }
        }
    }

    fn now(&mut self, local: bool) -> Option<Timestamp> {
        let text = self.text("SLOTLINE_NOW")?;
        if !local {
            self.wrong("SLOTLINE_NOW", "may be set in the local stage only");
        }
        match text.parse() {
            Ok(now) => Some(now),
            Err(_) => {
                self.wrong("SLOTLINE_NOW", "must be an RFC 3339 instant such as 2026-01-05T12:00:00Z");
                None
            }
        }
    }
}

/// The issuer that a publishable key names: `pk_test_` and then base64 of the host with a dollar sign at its end.
fn issuer_of(publishable_key: &str) -> Option<String> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let encoded =
        publishable_key.strip_prefix("pk_test_").or_else(|| publishable_key.strip_prefix("pk_live_"))?;
    let host = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    Some(format!("https://{}", host.strip_suffix('$')?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let map: BTreeMap<String, String> =
            pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Config::read(|name| map.get(name).cloned())
    }

    const DEPLOYED: [(&str, &str); 5] = [
        ("STAGE", "prod"),
        ("PUBLIC_BASE_URL", "https://api.example.com/"),
        ("FRONTEND_RETURN_URLS", "https://app.example.com,https://app.example.com/settings?tab=calendar"),
        ("CLERK_ISSUER", "https://clerk.example.com"),
        ("MICROSOFT_CLIENT_ID", "00000000-0000-0000-0000-000000000000"),
    ];

    #[test]
    fn a_deployed_configuration_reads() {
        let config = read(&DEPLOYED).unwrap();
        assert_eq!(config.public_base_url, "https://api.example.com");
        assert_eq!(config.providers.keys().collect::<Vec<_>>(), [&Provider::Microsoft]);
        assert_eq!(config.tables.keys, "slotline-prod-keys");
        assert!(config.return_url(Some("https://app.example.com")).is_some());
        assert!(config.return_url(Some("https://app.example.com/other")).is_none());
        assert_eq!(config.return_url(None).unwrap().as_str(), "https://app.example.com/");
    }

    #[test]
    fn one_error_names_every_wrong_variable() {
        let error = read(&[
            ("STAGE", "prod"),
            ("PUBLIC_BASE_URL", "http://api.example.com"),
            ("GOOGLE_TOKEN_URL", "http://127.0.0.1:1/token"),
            ("GOOGLE_CLIENT_ID", "EXAMPLE"),
            ("SLOTLINE_NOW", "yesterday"),
            ("CONNECT_ACTIVATION", "never"),
            ("CLERK_WEBHOOK_SECRET", "whsec_EXAMPLE"),
        ])
        .unwrap_err()
        .to_string();
        for name in [
            "PUBLIC_BASE_URL",
            "FRONTEND_RETURN_URLS",
            "GOOGLE_TOKEN_URL",
            "SLOTLINE_NOW",
            "CONNECT_ACTIVATION",
            "CLERK_WEBHOOK_SECRET",
            "CLERK_ISSUER",
        ] {
            assert!(error.contains(name), "{name} is missing in: {error}");
        }
    }

    #[test]
    fn an_empty_variable_is_unset_and_ignored_ones_warn() {
        let mut pairs = DEPLOYED.to_vec();
        pairs.extend([("GOOGLE_CLIENT_ID", " "), ("DATABASE_URL", "postgres://example")]);
        let config = read(&pairs).unwrap();
        assert!(!config.providers.contains_key(&Provider::Google));
        assert!(config.warnings.iter().any(|warning| warning.contains("DATABASE_URL")));
    }

    #[test]
    fn the_issuer_can_come_from_the_publishable_key() {
        assert_eq!(
            issuer_of("pk_test_Y2xlcmsuZXhhbXBsZS5jb20k").as_deref(),
            Some("https://clerk.example.com")
        );
        assert_eq!(issuer_of("sk_test_x"), None);
    }
}
