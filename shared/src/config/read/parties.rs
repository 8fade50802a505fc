//! The settings of the parties outside: calendar providers, Clerk, Secrets Manager, AWS.

use std::collections::BTreeMap;

use secrecy::SecretString;
use url::Url;

use super::Reader;
use crate::{
    clerk::keys::KeySet,
    config::{AwsSettings, ClerkSettings, EndpointOverrides, ProviderSettings, SecretSettings},
    ids::Provider,
};

impl Reader<'_> {
    pub(super) fn providers(&mut self, local: bool) -> BTreeMap<Provider, ProviderSettings> {
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

    pub(super) fn overrides(&mut self, provider: Provider, prefix: &str, local: bool) -> EndpointOverrides {
        let api = match provider {
            Provider::Microsoft => "MICROSOFT_GRAPH_URL",
            Provider::Google => "GOOGLE_CALENDAR_URL",
        };
        EndpointOverrides {
            authorize_url: self.local_url(&format!("{prefix}_AUTHORIZE_URL"), local),
            token_url: self.local_url(&format!("{prefix}_TOKEN_URL"), local),
            revoke_url: self.local_url(&format!("{prefix}_REVOKE_URL"), local),
            api_url: self.local_url(api, local),
            rotation: None,
        }
    }

    pub(super) fn clerk(&mut self, local: bool) -> ClerkSettings {
        let issuer = match (self.text("CLERK_ISSUER"), self.text("CLERK_PUBLISHABLE_KEY")) {
            (Some(issuer), _) => issuer,
            (None, Some(key)) => issuer_of(&key).unwrap_or_else(|| {
                self.wrong(
                    "CLERK_PUBLISHABLE_KEY",
                    "must be whole, as Clerk shows it: pk_test_ or pk_live_ and what names the instance",
                );
                String::new()
            }),
            (None, None) => {
                self.wrong(
                    "CLERK_ISSUER",
                    "must be set to the Clerk instance's front-end API URL (or set CLERK_PUBLISHABLE_KEY)",
                );
                String::new()
            }
        };
        if !issuer.is_empty() && !issuer.starts_with("https://") && !local {
            self.wrong("CLERK_ISSUER", "must be an https URL");
        }
        let authorized_parties = self.list("CLERK_AUTHORIZED_PARTIES");
        if authorized_parties.is_empty() {
            self.warnings.push(
                "CLERK_AUTHORIZED_PARTIES is empty: session tokens of any origin of the Clerk instance are accepted".into(),
            );
        }
        let jwt_key = self.text("CLERK_JWT_KEY");
        if jwt_key.as_ref().is_some_and(|pem| KeySet::from_pem(pem).is_err()) {
            self.wrong("CLERK_JWT_KEY", "must be the instance's RSA public key in PEM");
        }
        if Url::parse(&issuer).is_err() && !issuer.is_empty() {
            self.wrong("CLERK_ISSUER", "must be a URL");
        }
        ClerkSettings {
            jwt_key,
            jwks_url: self
                .text("CLERK_JWKS_URL")
                .unwrap_or_else(|| format!("{issuer}/.well-known/jwks.json")),
            issuer,
            authorized_parties,
            audience: self.text("CLERK_AUDIENCE"),
        }
    }

    pub(super) fn secrets(&mut self, local: bool) -> SecretSettings {
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

    pub(super) fn aws(&mut self, local: bool) -> AwsSettings {
        AwsSettings {
            region: self.text("AWS_REGION").unwrap_or_else(|| "us-east-1".into()),
            access_key_id: self.text("AWS_ACCESS_KEY_ID").unwrap_or_else(|| "local".into()),
            secret_access_key: self.text("AWS_SECRET_ACCESS_KEY").unwrap_or_else(|| "local".into()).into(),
            session_token: self.text("AWS_SESSION_TOKEN").map(SecretString::from),
            dynamodb_url: self.local_url("AWS_ENDPOINT_URL_DYNAMODB", local),
            kms_url: self.local_url("AWS_ENDPOINT_URL_KMS", local),
            secrets_url: self.local_url("AWS_ENDPOINT_URL_SECRETS_MANAGER", local),
            sqs_url: self.local_url("AWS_ENDPOINT_URL_SQS", local),
        }
    }
}

/// The issuer that a publishable key names: `pk_test_` and then base64 of the host with a dollar sign at its end.
pub(super) fn issuer_of(publishable_key: &str) -> Option<String> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let encoded =
        publishable_key.strip_prefix("pk_test_").or_else(|| publishable_key.strip_prefix("pk_live_"))?;
    let host = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    Some(format!("https://{}", host.strip_suffix('$')?)).filter(|issuer| Url::parse(issuer).is_ok())
}
