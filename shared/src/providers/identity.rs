//! Who consented, read from the ID token that came straight from the token endpoint.
//!
//! OpenID Connect Core 3.1.3.7 (6) lets TLS to the token endpoint stand for the signature; an ID token from
//! anywhere else must never be given to this.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde::Deserialize;

use super::{
    failure::{Class, Failure},
    oauth::Tokens,
    spec::{Endpoints, spec},
};
use crate::ids::Provider;

/// How far the provider's clock may be off.
const LEEWAY_SECONDS: i64 = 60;

/// The account that consented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The provider's lasting key of the account; never an e-mail address.
    pub account_key: String,
    /// Address to show.
    pub email: Option<String>,
    /// Whether the provider vouches that the address belongs to the account.
    pub email_is_authoritative: bool,
}

/// Reads the account out of what a token endpoint gave for a code.
pub fn identity(
    provider: Provider,
    endpoints: &Endpoints,
    client_id: &str,
    now: Timestamp,
    tokens: &Tokens,
) -> Result<Identity, Failure> {
    let refused = |reason| Failure::ours(Class::Invalid, reason);
    let token = tokens.id_token.as_ref().ok_or_else(|| refused("id_token_missing"))?;
    let claims = claims(token.expose_secret()).ok_or_else(|| refused("id_token_unreadable"))?;
    if !claims.aud.as_ref().is_some_and(|aud| aud.names(client_id)) {
        return Err(refused("id_token_audience"));
    }
    if claims.exp.is_none_or(|exp| exp.saturating_add(LEEWAY_SECONDS) <= now.as_second()) {
        return Err(refused("id_token_expired"));
    }
    let stands_in = *endpoints != Endpoints::real(provider);
    if !stands_in && !claims.is_issued_by(provider) {
        return Err(refused("id_token_issuer"));
    }
    claims.identity(provider).ok_or_else(|| refused("id_token_account"))
}

fn claims(token: &str) -> Option<Claims> {
    let payload = token.split('.').nth(1)?;
    let json = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&json).ok()
}

#[derive(Deserialize)]
struct Claims {
    iss: Option<String>,
    aud: Option<Audience>,
    exp: Option<i64>,
    sub: Option<String>,
    tid: Option<String>,
    oid: Option<String>,
    email: Option<String>,
    preferred_username: Option<String>,
    hd: Option<String>,
    email_verified: Option<Flag>,
    xms_edov: Option<Flag>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    fn names(&self, client_id: &str) -> bool {
        match self {
            Self::One(one) => one == client_id,
            Self::Many(many) => many.iter().any(|one| one == client_id),
        }
    }
}

/// A truth value as providers write it: `true`, `"true"`, `1`, `"1"`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Flag {
    Bool(bool),
    Number(i64),
    Text(String),
}

impl Flag {
    fn is_set(flag: Option<&Self>) -> bool {
        match flag {
            None => false,
            Some(Self::Bool(value)) => *value,
            Some(Self::Number(value)) => *value == 1,
            Some(Self::Text(text)) => text == "1" || text.eq_ignore_ascii_case("true"),
        }
    }
}

impl Claims {
    fn is_issued_by(&self, provider: Provider) -> bool {
        let Some(issuer) = &self.iss else { return false };
        match provider {
            Provider::Google => spec(provider).issuers.contains(&issuer.as_str()),
            // One issuer a tenant: https://login.microsoftonline.com/{tid}/v2.0.
            Provider::Microsoft => self.tid.as_ref().is_some_and(|tid| {
                spec(provider).issuers.iter().any(|base| *issuer == format!("{base}{tid}/v2.0"))
            }),
        }
    }

    fn identity(self, provider: Provider) -> Option<Identity> {
        let (account_key, email_is_authoritative) = match provider {
            // PROVIDERS.md M5: `oid` is unique only within its tenant.
            Provider::Microsoft => {
                (format!("{}:{}", filled(self.tid)?, filled(self.oid)?), Flag::is_set(self.xms_edov.as_ref()))
            }
            // PROVIDERS.md G4: a verified foreign address may have changed hands since.
            Provider::Google => {
                let own = self.email.as_deref().is_some_and(|email| {
                    email.to_ascii_lowercase().ends_with("@gmail.com") || filled(self.hd.clone()).is_some()
                });
                (filled(self.sub)?, own && Flag::is_set(self.email_verified.as_ref()))
            }
        };
        let vouched = filled(self.email);
        let email_is_authoritative = email_is_authoritative && vouched.is_some();
        let email = vouched.or_else(|| filled(self.preferred_username));
        Some(Identity { account_key, email, email_is_authoritative })
    }
}

fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use secrecy::SecretString;
    use serde_json::{Value, json};

    use super::*;

    const CLIENT: &str = "client-EXAMPLE";
    const TENANT: &str = "9188040d-6c67-4b1c-b112-36a304b66dad";

    fn read(provider: Provider, claims: Value) -> Result<Identity, Failure> {
        let payload = crate::random::base64url(claims.to_string().as_bytes());
        let tokens = Tokens {
            access_token: SecretString::from("at_EXAMPLE"),
            refresh_token: None,
            refresh_expires_in: None,
            expires_in: SignedDuration::from_hours(1),
            scopes: vec![],
            id_token: Some(SecretString::from(format!("e30.{payload}.sig"))),
        };
        let now = Timestamp::from_second(1_000_000).unwrap();
        identity(provider, &Endpoints::real(provider), CLIENT, now, &tokens)
    }

    fn google(extra: Value) -> Value {
        with(
            json!({"iss": "https://accounts.google.com", "aud": CLIENT, "exp": 1_003_600, "sub": "117"}),
            extra,
        )
    }

    fn microsoft(extra: Value) -> Value {
        let iss = format!("https://login.microsoftonline.com/{TENANT}/v2.0");
        with(
            json!({"iss": iss, "aud": CLIENT, "exp": 1_003_600, "sub": "s", "tid": TENANT, "oid": "o-1"}),
            extra,
        )
    }

    fn with(mut base: Value, extra: Value) -> Value {
        for (name, value) in extra.as_object().unwrap() {
            base[name] = value.clone();
        }
        base
    }

    #[test]
    fn the_account_key_is_never_an_address() {
        let email = json!({"email": "ada@example.com", "preferred_username": "ada@example.com"});
        assert_eq!(read(Provider::Google, google(email.clone())).unwrap().account_key, "117");
        let account = read(Provider::Microsoft, microsoft(email)).unwrap();
        assert_eq!(account.account_key, format!("{TENANT}:o-1"));
    }

    #[test]
    fn an_address_counts_only_when_the_provider_owns_it() {
        let check = |provider, claims, expected| {
            assert_eq!(read(provider, claims).unwrap().email_is_authoritative, expected);
        };
        let (gmail, foreign) = ("ada@GMAIL.com", "ada@example.com");
        check(Provider::Google, google(json!({"email": gmail, "email_verified": true})), true);
        check(Provider::Google, google(json!({"email": gmail, "email_verified": "true"})), true);
        check(Provider::Google, google(json!({"email": gmail, "email_verified": false})), false);
        check(Provider::Google, google(json!({"email": foreign, "email_verified": true})), false);
        let hosted = json!({"email": foreign, "email_verified": true, "hd": "example.com"});
        check(Provider::Google, google(hosted), true);
        check(Provider::Microsoft, microsoft(json!({"email": foreign})), false);
        check(Provider::Microsoft, microsoft(json!({"email": foreign, "xms_edov": true})), true);
        check(Provider::Microsoft, microsoft(json!({"email": foreign, "xms_edov": "1"})), true);
        check(Provider::Microsoft, microsoft(json!({"email": foreign, "xms_edov": 0})), false);
        check(Provider::Microsoft, microsoft(json!({"preferred_username": foreign, "xms_edov": 1})), false);
    }

    #[test]
    fn a_token_for_another_client_or_time_or_issuer_is_refused() {
        let check = |provider, claims, reason: &str| {
            assert_eq!(read(provider, claims).unwrap_err().reason.as_deref(), Some(reason));
        };
        check(Provider::Google, google(json!({"aud": "other"})), "id_token_audience");
        check(Provider::Google, google(json!({"exp": 999_940})), "id_token_expired");
        check(Provider::Google, google(json!({"iss": "https://example.com"})), "id_token_issuer");
        check(Provider::Google, google(json!({"sub": ""})), "id_token_account");
        check(Provider::Microsoft, microsoft(json!({"tid": "another"})), "id_token_issuer");
        check(Provider::Microsoft, microsoft(json!({"oid": null})), "id_token_account");
        assert!(read(Provider::Google, google(json!({"aud": [CLIENT, "other"]}))).is_ok());
    }

    #[test]
    fn a_stand_in_may_issue_under_its_own_name() {
        let claims = google(json!({"iss": "http://localhost:1"}));
        let payload = crate::random::base64url(claims.to_string().as_bytes());
        let tokens = Tokens {
            access_token: SecretString::from("at_EXAMPLE"),
            refresh_token: None,
            refresh_expires_in: None,
            expires_in: SignedDuration::from_hours(1),
            scopes: vec![],
            id_token: Some(SecretString::from(format!("e30.{payload}.sig"))),
        };
        let mut endpoints = Endpoints::real(Provider::Google);
        endpoints.token_url = "http://localhost:1/token".to_owned();
        let now = Timestamp::from_second(1_000_000).unwrap();
        assert!(identity(Provider::Google, &endpoints, CLIENT, now, &tokens).is_ok());
    }
}
