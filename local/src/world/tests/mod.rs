//! The stand-ins, asked over HTTP as the software asks them.

mod clerk;
mod faults;
mod google;
mod microsoft;
mod oauth;
mod tokens;
mod vapi;

use jiff::{SignedDuration, Timestamp};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use shared::{clock::Clock, random};
use url::Url;

use super::{Choice, DEFAULT_EMAIL, Options, Provider, Running, World, client, consent};

/// A Monday, before Europe's clocks go forward.
const NOW: &str = "2026-03-02T09:00:00Z";
const RETURN: &str = "http://localhost:3000/callback";
const GOOGLE_SCOPES: &str = "openid email https://www.googleapis.com/auth/calendar.events \
     https://www.googleapis.com/auth/calendar.readonly";
const MICROSOFT_SCOPES: &str =
    "openid email profile offline_access User.Read Calendars.ReadWrite MailboxSettings.Read";

/// A world and somebody who asks it.
struct Bench {
    world: Running,
    client: Client,
}

/// An answer read whole.
struct Got {
    status: u16,
    headers: http::HeaderMap,
    body: Value,
}

impl Bench {
    async fn start() -> Self {
        let clock = Clock::fixed(NOW.parse().unwrap());
        let world = World::start(clock, Options::default()).await.unwrap();
        Self { world, client: client().unwrap() }
    }

    fn setting(&self, name: &str) -> String {
        self.world.settings().into_iter().find(|(key, _)| *key == name).unwrap().1
    }

    fn advance(&self, seconds: i64) {
        self.world.clock().advance(SignedDuration::from_secs(seconds));
    }

    /// An authorize URL with some parameters replaced, or removed by an empty value.
    fn authorize_url(&self, provider: Provider, other: &[(&str, &str)]) -> String {
        let (setting, scopes) = match provider {
            Provider::Google => ("GOOGLE_AUTHORIZE_URL", GOOGLE_SCOPES),
            Provider::Microsoft => ("MICROSOFT_AUTHORIZE_URL", MICROSOFT_SCOPES),
        };
        let challenge = random::base64url(&random::sha256(b"EXAMPLE-verifier"));
        let mut pairs = vec![
            ("client_id", provider.client_id()),
            ("redirect_uri", RETURN),
            ("response_type", "code"),
            ("scope", scopes),
            ("state", "EXAMPLE-state"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("access_type", "offline"),
            ("prompt", "consent"),
        ];
        pairs.retain(|(name, _)| other.iter().all(|(replaced, _)| replaced != name));
        pairs.extend(other.iter().filter(|(_, value)| !value.is_empty()));
        Url::parse_with_params(&self.setting(setting), pairs).unwrap().into()
    }

    async fn approve(&self, provider: Provider, other: &[(&str, &str)]) -> Url {
        let url = self.authorize_url(provider, other);
        consent(&self.client, &url, &Choice::approve(DEFAULT_EMAIL)).await.unwrap()
    }

    async fn token(&self, provider: Provider, form: &[(&str, &str)]) -> Got {
        let setting = match provider {
            Provider::Google => "GOOGLE_TOKEN_URL",
            Provider::Microsoft => "MICROSOFT_TOKEN_URL",
        };
        let mut pairs =
            vec![("client_id", provider.client_id()), ("client_secret", provider.client_secret())];
        pairs.retain(|(name, _)| form.iter().all(|(replaced, _)| replaced != name));
        pairs.extend(form);
        Got::read(self.client.post(self.setting(setting)).form(&pairs)).await
    }

    async fn exchange(&self, provider: Provider, code: &str) -> Got {
        self.token(
            provider,
            &[
                ("grant_type", "authorization_code"),
                ("code", code),
                ("redirect_uri", RETURN),
                ("code_verifier", "EXAMPLE-verifier"),
            ],
        )
        .await
    }

    async fn refresh(&self, provider: Provider, token: &str) -> Got {
        self.token(provider, &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    /// Connects the default account; the token endpoint's answer.
    async fn connect(&self, provider: Provider) -> Value {
        let target = self.approve(provider, &[]).await;
        let got = self.exchange(provider, &param(&target, "code").unwrap()).await;
        assert_eq!(got.status, 200, "{}", got.body);
        got.body
    }

    async fn call(&self, method: Method, url: &str, token: &str, body: Option<&Value>) -> Got {
        self.call_with(method, url, token, body, &[]).await
    }

    async fn call_with(
        &self,
        method: Method,
        url: &str,
        token: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Got {
        let mut request = self.client.request(method, url).bearer_auth(token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        Got::read(request).await
    }
}

impl Got {
    async fn read(request: reqwest::RequestBuilder) -> Self {
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default();
        Self { status, headers, body }
    }

    /// A text of the body.
    fn text(&self, name: &str) -> &str {
        self.body[name].as_str().unwrap_or_default()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
}

fn param(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The claims of a JWT, unverified.
fn claims(token: &str) -> Value {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let middle = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(middle).unwrap()).unwrap()
}

/// An event of an hour in Google's JSON.
fn google_event(start: &str, end: &str) -> Value {
    json!({"summary": "Haircut", "start": {"dateTime": start}, "end": {"dateTime": end}})
}

/// An event in Graph's JSON, in London.
fn graph_event(start: &str, end: &str) -> Value {
    let zone = "GMT Standard Time";
    json!({"subject": "Haircut", "start": {"dateTime": start, "timeZone": zone}, "end": {"dateTime": end, "timeZone": zone}})
}
