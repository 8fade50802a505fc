//! One world for one test, and what tests do in it again and again.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::{SignedDuration, Timestamp};
use local::{
    logs,
    stack::{Options, Stack, Time},
    visitor,
    world::{
        self, Credential, DEFAULT_EMAIL, EventView, PhoneCall, Provider, SIGNING_SECRET, ToolCall, UserEvent,
        Webhook, counters::Counters, faults::Fault, tool_result,
    },
};
use reqwest::{Client, Method};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use shared::{
    ids::OwnerId,
    random,
    range::Interval,
    store::{
        directory::{CredentialKind, Route},
        ledger::Entry,
    },
    voice,
};

/// A Monday noon in winter: New York is five hours behind.
pub(crate) const NOW: &str = "2026-01-05T12:00:00Z";
pub(crate) const USER: &str = "user_2TestOwner";
pub(crate) const OTHER: &str = "user_2SomebodyElse";
pub(crate) const CALLER: &str = "+15550100123";

/// A stack on a clock that stands still.
pub(crate) struct Town {
    pub(crate) stack: Stack,
    pub(crate) client: Client,
}

/// What the API answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Value,
    pub(crate) text: String,
}

impl Town {
    pub(crate) async fn new() -> Self {
        Self::with(&[]).await
    }

    /// With settings of its own.
    pub(crate) async fn with(settings: &[(&str, &str)]) -> Self {
        logs::install(false);
        let given = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let settings = foreign().into_iter().chain(given).collect();
        let options = Options { settings, time: Time::Fixed(at(NOW)), ..Options::default() };
        let stack = Stack::start(options).await.unwrap();
        Self { stack, client: world::client().unwrap() }
    }

    /// With both calendars connected.
    pub(crate) async fn connected() -> Self {
        let town = Self::new().await;
        town.connect("microsoft").await;
        town.connect("google").await;
        town
    }

    /// Connects a provider for the usual user and returns the connection's id.
    pub(crate) async fn connect(&self, provider: &str) -> String {
        visitor::connect(&self.stack.world, self.base(), USER, provider, DEFAULT_EMAIL).await.unwrap()
    }

    pub(crate) fn base(&self) -> &str {
        self.stack.base_url()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.stack.app.clock.now()
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.stack.app.clock.advance(SignedDuration::from_secs(seconds));
    }

    pub(crate) fn counters(&self) -> &Counters {
        self.stack.world.counters()
    }

    pub(crate) fn arm(&self, fault: Fault) {
        if ["dynamodb", "kms"].contains(&fault.system.as_str()) {
            embedded();
        }
        self.stack.world.faults().arm(fault);
    }

    pub(crate) fn session(&self, user: &str) -> String {
        self.stack.world.session_token(user, &json!({}))
    }

    /// A call to the API as the usual user.
    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.call_as(&self.session(USER), method, path, body).await
    }

    pub(crate) async fn call_as(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let mut request = self.client.request(method, format!("{}{path}", self.base())).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        self.answer(request).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    /// Sends a request as it is.
    pub(crate) async fn answer(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        Answer { status, headers, body: serde_json::from_str(&text).unwrap_or_default(), text }
    }

    /// A request without a session.
    pub(crate) fn plain(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base()))
    }

    /// A webhook of Clerk's about a user, and the status it was answered with.
    pub(crate) async fn clerk(&self, event: UserEvent, user: &str, email: Option<&str>) -> u16 {
        let webhook = self.stack.world.user_webhook(event, user, email);
        let url = format!("{}/webhooks/clerk", self.base());
        self.stack.world.deliver(&self.client, &webhook, &url).await.unwrap().status
    }

    /// Delivers a message of Clerk's, and the API's answer.
    pub(crate) async fn webhook(&self, webhook: &Webhook) -> Answer {
        let request = self.plain(Method::POST, "/webhooks/clerk").body(webhook.body.clone());
        let headers = webhook.headers.iter();
        self.answer(headers.fold(request, |request, (name, value)| request.header(name, value))).await
    }

    /// Every row of a table, without being counted.
    pub(crate) fn rows(&self, table: &str) -> Vec<Value> {
        embedded();
        let request = serde_json::from_value(json!({"TableName": table})).unwrap();
        let page = self.stack.dynamo.database().scan(request).unwrap();
        let page = serde_json::to_value(page).unwrap();
        page["Items"].as_array().cloned().unwrap_or_default()
    }

    /// A VAPI credential whose calls are the usual user's.
    pub(crate) async fn phone_line(&self, kind: CredentialKind) -> (String, String) {
        let app = &self.stack.app;
        let owner = OwnerId::user(USER).unwrap();
        let (id, secret) = voice::issue_credential(app, owner.clone(), kind).await.unwrap();
        let route = Route { match_on: "default".to_owned(), owner: owner.clone() };
        app.store.put_route(&owner, route).await.unwrap();
        (id.to_string(), secret.expose_secret().to_owned())
    }

    /// A line with a secret, ready for calls.
    pub(crate) async fn line(&self) -> Credential {
        Credential::Secret(self.phone_line(CredentialKind::Secret).await.1)
    }

    /// What the usual user's ledger holds, from a month ago on.
    pub(crate) async fn ledger(&self) -> Vec<Entry> {
        let month = SignedDuration::from_hours(31 * 24);
        let span = Interval::new(self.now() - month, self.now() + month * 6);
        let days = self.stack.app.store.days(&OwnerId::user(USER).unwrap(), span).await.unwrap();
        days.entries(self.now()).into_iter().cloned().collect()
    }

    /// The events of both default accounts that a booking made.
    pub(crate) fn appointments(&self) -> Vec<(Provider, EventView)> {
        let of = |provider| {
            self.stack.world.events(provider, DEFAULT_EMAIL).into_iter().map(move |event| (provider, event))
        };
        let all = of(Provider::Google).chain(of(Provider::Microsoft));
        all.filter(|(_, event)| event.subject.starts_with("Appointment")).collect()
    }

    /// One tool call of a phone call, and the line that comes back.
    pub(crate) async fn say(
        &self,
        call: &PhoneCall,
        line: &Credential,
        tool: &ToolCall,
    ) -> Result<String, String> {
        let message = call.tool_calls(std::slice::from_ref(tool), self.now());
        let url = format!("{}/vapi/webhook", self.base());
        let answered = self.stack.world.vapi_message(&self.client, &url, line, &message).await.unwrap();
        tool_result(&answered, tool)
    }
}

/// Other servers in the place of the embedded DynamoDB and KMS, which `./check moto` names.
#[expect(clippy::disallowed_methods, reason = "a test has no settings file")]
fn foreign() -> Vec<(String, String)> {
    ["DYNAMODB", "KMS"]
        .into_iter()
        .filter_map(|name| {
            let url = std::env::var(format!("SLOTLINE_TEST_{name}_URL")).ok()?;
            Some((format!("AWS_ENDPOINT_URL_{name}"), url))
        })
        .collect()
}

/// Stops a test that needs to look into the embedded DynamoDB or KMS where another is used.
fn embedded() {
    assert!(foreign().is_empty(), "looks into the embedded database");
}

impl Answer {
    /// The stable code of an error.
    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

/// A message signed with Clerk's endpoint secret as Svix does, in any shape.
pub(crate) fn signed(id: &str, unix: i64, body: &str) -> Webhook {
    let key = STANDARD.decode(SIGNING_SECRET.trim_start_matches("whsec_")).unwrap();
    let signature = STANDARD.encode(random::hmac_sha256(&key, format!("{id}.{unix}.{body}").as_bytes()));
    let headers = [
        ("svix-id", id),
        ("svix-timestamp", &unix.to_string()),
        ("svix-signature", &format!("v1,{signature}")),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    Webhook { headers, body: body.to_owned() }
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}
