//! OAuth 2.0 with PKCE (RFC 6749, RFC 7636) for every provider, driven by the table in `spec.rs`.
//!
//! The crate `oauth2` builds requests and reads answers; its errors lose status and headers, so refusals are
//! read from the kept answer by `classify`.

use std::{
    pin::Pin,
    sync::{Mutex, PoisonError},
};

use http::Method;
use jiff::SignedDuration;
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken, Scope, TokenUrl,
    basic::{BasicClient, BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse},
};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

pub use super::tokens::Tokens;
use super::{
    classify::{Source, classify},
    failure::{Class, Failure},
    spec::{Endpoints, spec},
    tokens::TokenAnswer,
};
use crate::{
    http::{Answer, Http, Lost},
    ids::Provider,
};

/// Our registration with a provider.
#[derive(Clone, Debug)]
pub struct Client {
    /// Client id.
    pub id: String,
    /// Client secret, sent in the request body.
    pub secret: SecretString,
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
    let kept = Kept::new(http, limit);
    // The crate's error says less than the kept answer does.
    let granted = request.request_async(&kept).await.ok();
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
    let kept = Kept::new(http, limit);
    // The crate's error says less than the kept answer does.
    let granted = oauth.exchange_refresh_token(&token).request_async(&kept).await.ok();
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
    // PROVIDERS.md G5: what is revoked already answers `invalid_token`.
    if failure.class == Class::NeedsReauth { Ok(true) } else { Err(failure) }
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

/// Sends the one request, and keeps its answer beside what the crate makes of it.
struct Kept<'a> {
    http: &'a Http,
    limit: SignedDuration,
    answer: Mutex<Option<Result<Answer, Lost>>>,
}

/// A closure would do, but its future is not `Send` for every lifetime, as handlers need it.
impl<'c> oauth2::AsyncHttpClient<'c> for Kept<'_> {
    type Error = Lost;
    type Future = Pin<Box<dyn Future<Output = Result<oauth2::HttpResponse, Lost>> + Send + 'c>>;

    fn call(&'c self, request: oauth2::HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

impl<'a> Kept<'a> {
    fn new(http: &'a Http, limit: SignedDuration) -> Self {
        Self { http, limit, answer: Mutex::new(None) }
    }

    async fn send(&self, request: oauth2::HttpRequest) -> Result<oauth2::HttpResponse, Lost> {
        let (parts, body) = request.into_parts();
        let mut call = self.http.call(parts.method, &parts.uri.to_string());
        for (name, value) in &parts.headers {
            call = call.header(name.as_str(), value.to_str().unwrap_or_default());
        }
        let sent = call.body(body).within(self.limit).send().await;
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(sent.clone());
        let answer = sent?;
        // The crate takes no other success than 200. Its check of the content type is left out with the headers.
        let status = if answer.is_success() { http::StatusCode::OK } else { http::StatusCode::BAD_REQUEST };
        let mut response = http::Response::new(answer.body);
        *response.status_mut() = status;
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
        match self.answer.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(Ok(answer)) => Err(refusal(provider, &answer, operation)),
            Some(Err(lost)) => Err(lost.into()),
            None => Err(misconfigured()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

    fn url(provider: Provider, verifier: &str, hint: Option<&str>) -> Result<Url, Failure> {
        let endpoints = Endpoints::real(provider);
        let (redirect, verifier) = ("https://api.example.com/callback", SecretString::from(verifier));
        authorize_url(provider, &endpoints, "client-EXAMPLE", redirect, "state-EXAMPLE", &verifier, hint)
    }

    fn parameter(url: &Url, name: &str) -> Option<String> {
        let mut found = url.query_pairs().filter(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        let first = found.next();
        assert_eq!(found.next(), None, "{name} twice");
        first
    }

    #[test]
    fn s1_2_every_authorization_carries_state_and_a_hashed_verifier() {
        for provider in Provider::ALL {
            let url = url(provider, VERIFIER, None).unwrap();
            let has = |name: &str, value: &str| {
                assert_eq!(parameter(&url, name).as_deref(), Some(value), "{provider} {name}");
            };
            has("response_type", "code");
            has("client_id", "client-EXAMPLE");
            has("redirect_uri", "https://api.example.com/callback");
            has("state", "state-EXAMPLE");
            has("code_challenge_method", "S256");
            has("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
            has("scope", &spec(provider).scopes.join(" "));
            assert!(!url.as_str().contains(VERIFIER));
            assert_eq!(parameter(&url, "login_hint"), None);
        }
    }

    #[test]
    fn g1_m1_each_provider_is_asked_in_its_own_words() {
        let google = url(Provider::Google, VERIFIER, Some("ada@example.com")).unwrap();
        assert_eq!(parameter(&google, "access_type").as_deref(), Some("offline"));
        assert_eq!(parameter(&google, "prompt").as_deref(), Some("consent select_account"));
        assert_eq!(parameter(&google, "login_hint").as_deref(), Some("ada@example.com"));
        let microsoft = url(Provider::Microsoft, VERIFIER, None).unwrap();
        assert!(
            microsoft.as_str().starts_with("https://login.microsoftonline.com/common/oauth2/v2.0/authorize?")
        );
        assert_eq!(parameter(&microsoft, "prompt").as_deref(), Some("select_account"));
        assert_eq!(parameter(&microsoft, "response_mode").as_deref(), Some("query"));
    }

    #[test]
    fn a_verifier_that_is_too_short_is_refused() {
        assert_eq!(url(Provider::Google, "short", None).unwrap_err().class, Class::Invalid);
    }
}
