//! OAuth 2.0 with PKCE (RFC 6749, RFC 7636) for every provider, driven by the table in `spec.rs`.
//!
//! The crate `oauth2` builds requests and reads answers; its errors lose status and headers, so refusals are
//! read from the kept answer by `classify`.

use std::sync::{Mutex, PoisonError};

use http::Method;
use jiff::SignedDuration;
use oauth2::{
    AccessToken, AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet,
    EndpointSet, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken, Scope, TokenUrl,
    basic::{
        BasicClient, BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse,
        BasicTokenType,
    },
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer, Serialize};
use url::Url;

use super::{
    classify::{Source, classify},
    failure::{Class, Failure},
    spec::{Endpoints, spec},
};
use crate::{
    http::{Answer, Http, Lost},
    ids::Provider,
};

/// What an access token lives when the provider does not say (RFC 6749, section 5.1, only recommends it).
const DEFAULT_LIFETIME: SignedDuration = SignedDuration::from_hours(1);

/// Our registration with a provider.
#[derive(Clone, Debug)]
pub struct Client {
    /// Client id.
    pub id: String,
    /// Client secret, sent in the request body.
    pub secret: SecretString,
}

/// What a token endpoint gave.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// For the calendar API.
    pub access_token: SecretString,
    /// The next refresh token; none means: keep the stored one.
    pub refresh_token: Option<SecretString>,
    /// How long the access token lives from the moment of the answer.
    pub expires_in: SignedDuration,
    /// What was granted. Never empty after an exchange; empty after a refresh that does not say (unchanged).
    pub scopes: Vec<String>,
    /// Who consented; see `identity`.
    pub id_token: Option<SecretString>,
}

/// The address at which the person consents. The verifier has 43–128 characters (RFC 7636, section 4.1).
pub fn authorize_url(
    provider: Provider,
    endpoints: &Endpoints,
    client_id: &str,
    redirect_uri: &str,
    state: &str,
    pkce_verifier: &SecretString,
    login_hint: Option<&str>,
) -> Result<Url, Failure> {
    let spec = spec(provider);
    let client = BasicClient::new(ClientId::new(client_id.to_owned()))
        .set_auth_uri(AuthUrl::new(endpoints.authorize_url.clone()).map_err(|_| misconfigured())?)
        .set_redirect_uri(redirect(redirect_uri)?);
    let mut request = client
        .authorize_url(|| CsrfToken::new(state.to_owned()))
        .add_scopes(spec.scopes.iter().map(|&scope| Scope::new(scope.to_owned())))
        .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier(pkce_verifier)?));
    for &(name, value) in spec.authorize_parameters {
        request = request.add_extra_param(name, value);
    }
    if let Some(hint) = login_hint {
        request = request.add_extra_param("login_hint", hint);
    }
    Ok(request.url().0)
}

/// Exchanges a code for tokens. A code works once: a lost answer means that the person starts again.
#[expect(clippy::too_many_arguments, reason = "the parts of RFC 6749, section 4.1.3, each of another origin")]
pub async fn exchange_code(
    http: &Http,
    provider: Provider,
    endpoints: &Endpoints,
    client: &Client,
    redirect_uri: &str,
    code: &SecretString,
    pkce_verifier: &SecretString,
    limit: SignedDuration,
) -> Result<Tokens, Failure> {
    let oauth = token_client(endpoints, client)?.set_redirect_uri(redirect(redirect_uri)?);
    let request = oauth
        .exchange_code(AuthorizationCode::new(code.expose_secret().to_owned()))
        .set_pkce_verifier(verifier(pkce_verifier)?);
    let kept = Kept::default();
    let granted = request.request_async(&|request| kept.send(http, request, limit)).await.ok();
    let mut tokens = kept.tokens(provider, granted, "exchange")?;
    if tokens.scopes.is_empty() {
        // RFC 6749, section 5.1: no scope in the answer means that all was granted.
        tokens.scopes = spec(provider).scopes.iter().map(|&scope| scope.to_owned()).collect();
    }
    Ok(tokens)
}

/// Uses a refresh token. No automatic retry: whether to ask again is the caller's to decide, under its lease.
pub async fn refresh(
    http: &Http,
    provider: Provider,
    endpoints: &Endpoints,
    client: &Client,
    refresh_token: &SecretString,
    limit: SignedDuration,
) -> Result<Tokens, Failure> {
    let oauth = token_client(endpoints, client)?;
    let token = RefreshToken::new(refresh_token.expose_secret().to_owned());
    let kept = Kept::default();
    let request = oauth.exchange_refresh_token(&token);
    let granted = request.request_async(&|request| kept.send(http, request, limit)).await.ok();
    kept.tokens(provider, granted, "refresh")
}

/// Ends the grant at the provider. `false` means that the provider has no such endpoint.
///
/// At Google this ends the user's whole grant for our project: look for other owners of the account first.
pub async fn revoke(
    http: &Http,
    provider: Provider,
    endpoints: &Endpoints,
    token: &SecretString,
    limit: SignedDuration,
) -> Result<bool, Failure> {
    let Some(url) = &endpoints.revoke_url else { return Ok(false) };
    let call = http.call(Method::POST, url).form(&[("token", token.expose_secret())]).within(limit);
    let answer = call.send().await?;
    if answer.is_success() {
        return Ok(true);
    }
    let failure = refusal(provider, &answer, "revoke");
    match failure.class {
        // PROVIDERS.md G5: what is revoked already answers `invalid_token`.
        Class::NeedsReauth => Ok(true),
        _ => Err(failure),
    }
}

type TokenClient = oauth2::Client<
    BasicErrorResponse,
    TokenAnswer,
    BasicTokenIntrospectionResponse,
    oauth2::StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

fn token_client(endpoints: &Endpoints, client: &Client) -> Result<TokenClient, Failure> {
    let url = TokenUrl::new(endpoints.token_url.clone()).map_err(|_| misconfigured())?;
    Ok(oauth2::Client::new(ClientId::new(client.id.clone()))
        .set_client_secret(ClientSecret::new(client.secret.expose_secret().to_owned()))
        .set_auth_type(AuthType::RequestBody)
        .set_token_uri(url))
}

fn redirect(uri: &str) -> Result<RedirectUrl, Failure> {
    RedirectUrl::new(uri.to_owned()).map_err(|_| misconfigured())
}

fn verifier(secret: &SecretString) -> Result<PkceCodeVerifier, Failure> {
    let text = secret.expose_secret();
    // The crate panics on other lengths.
    if !(43..=128).contains(&text.len()) {
        return Err(Failure::ours(Class::Invalid, "pkce_verifier"));
    }
    Ok(PkceCodeVerifier::new(text.to_owned()))
}

fn misconfigured() -> Failure {
    Failure::ours(Class::ConfigFault, "endpoint_url")
}

fn refusal(provider: Provider, answer: &Answer, operation: &str) -> Failure {
    classify(Source::oauth(provider), Some(answer.status), &answer.headers, &answer.body, Some(operation))
}

/// The answer to the one request that is made, kept beside what the crate makes of it.
#[derive(Default)]
struct Kept(Mutex<Option<Result<Answer, Lost>>>);

impl Kept {
    async fn send(
        &self,
        http: &Http,
        request: oauth2::HttpRequest,
        limit: SignedDuration,
    ) -> Result<oauth2::HttpResponse, Lost> {
        let (parts, body) = request.into_parts();
        let mut call = http.call(parts.method, &parts.uri.to_string());
        for (name, value) in &parts.headers {
            call = call.header(name.as_str(), value.to_str().unwrap_or_default());
        }
        let sent = call.body(body).within(limit).send().await;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(sent.clone());
        let answer = sent?;
        let mut response = http::Response::new(answer.body.clone());
        // The crate takes no other success than 200, and wants JSON to say so in its header: neither is sure.
        *response.status_mut() = match answer.is_success() {
            true => http::StatusCode::OK,
            false => http::StatusCode::BAD_REQUEST,
        };
        Ok(response)
    }

    fn tokens(
        self,
        provider: Provider,
        granted: Option<TokenAnswer>,
        operation: &str,
    ) -> Result<Tokens, Failure> {
        if let Some(granted) = granted {
            return Ok(granted.into());
        }
        match self.0.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(Ok(answer)) => Err(refusal(provider, &answer, operation)),
            Some(Err(lost)) => Err(lost.into()),
            None => Err(misconfigured()),
        }
    }
}

/// A token endpoint's success, read more tolerantly than the crate's own type does.
#[derive(Debug, Serialize, Deserialize)]
struct TokenAnswer {
    access_token: AccessToken,
    #[serde(skip, default = "bearer")]
    token_type: BasicTokenType,
    #[serde(default, deserialize_with = "seconds")]
    expires_in: Option<u64>,
    #[serde(default)]
    refresh_token: Option<RefreshToken>,
    #[serde(default)]
    scope: Option<String>,
    /// In the crate's token type because that does not show itself in `Debug`.
    #[serde(default)]
    id_token: Option<AccessToken>,
}

fn bearer() -> BasicTokenType {
    BasicTokenType::Bearer
}

/// Seconds as a number or as text; anything else counts as not said.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Said {
        Whole(u64),
        Text(String),
        Other(serde::de::IgnoredAny),
    }
    Ok(match Said::deserialize(deserializer)? {
        Said::Whole(seconds) => Some(seconds),
        Said::Text(text) => text.parse().ok(),
        Said::Other(_) => None,
    })
}

impl oauth2::TokenResponse for TokenAnswer {
    type TokenType = BasicTokenType;

    fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    fn token_type(&self) -> &BasicTokenType {
        &self.token_type
    }

    fn expires_in(&self) -> Option<std::time::Duration> {
        self.expires_in.map(std::time::Duration::from_secs)
    }

    fn refresh_token(&self) -> Option<&RefreshToken> {
        self.refresh_token.as_ref()
    }

    fn scopes(&self) -> Option<&Vec<Scope>> {
        None
    }
}

impl From<TokenAnswer> for Tokens {
    fn from(answer: TokenAnswer) -> Self {
        let refresh_token = answer.refresh_token.map(RefreshToken::into_secret);
        let lifetime = answer.expires_in.and_then(|seconds| i64::try_from(seconds).ok());
        Self {
            access_token: answer.access_token.into_secret().into(),
            refresh_token: refresh_token.filter(|token| !token.is_empty()).map(SecretString::from),
            expires_in: lifetime.map_or(DEFAULT_LIFETIME, SignedDuration::from_secs),
            scopes: answer.scope.iter().flat_map(|all| all.split_whitespace()).map(str::to_owned).collect(),
            id_token: answer.id_token.map(|token| token.into_secret().into()),
        }
    }
}
