//! A person with a browser: follows redirects by hand, keeps cookies, consents, and completes with his own session.

use reqwest::{Client, Response, header};
use serde_json::{Value, json};
use url::Url;

use crate::world::{self, Choice, World};

/// One browser with its cookies for our host.
pub struct Visitor {
    client: Client,
    cookies: Vec<(String, String)>,
    base_url: String,
}

/// Where a connect ended, as the front end sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landed {
    /// The whole address.
    pub url: Url,
    /// `auth`: `success`, `confirm` or `error`.
    pub auth: String,
    /// `code` of an error.
    pub code: Option<String>,
    /// The handle in the fragment.
    pub handle: Option<String>,
}

impl Visitor {
    /// A fresh browser that visits a gateway.
    pub fn new(base_url: &str) -> Result<Self, String> {
        Ok(Self { client: world::client()?, cookies: Vec::new(), base_url: base_url.to_owned() })
    }

    /// Puts a cookie into the jar, such as Clerk's `__session`.
    pub fn set_cookie(&mut self, name: &str, value: &str) {
        self.cookies.retain(|(known, _)| known != name);
        self.cookies.push((name.to_owned(), value.to_owned()));
    }

    /// Loses every cookie.
    pub fn forget_cookies(&mut self) {
        self.cookies.clear();
    }

    /// The `Cookie` header for our host.
    pub fn cookie_header(&self) -> String {
        let pairs: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }

    /// Visits an address without following its redirect; cookies go only to our own host.
    pub async fn visit(&mut self, url: &str) -> Result<Response, String> {
        self.visit_accepting(url, "text/html").await
    }

    /// The same, asking for another media type.
    pub async fn visit_accepting(&mut self, url: &str, accept: &str) -> Result<Response, String> {
        let mut request = self.client.get(url).header(header::ACCEPT, accept);
        if url.starts_with(&self.base_url) && !self.cookies.is_empty() {
            request = request.header(header::COOKIE, self.cookie_header());
        }
        let response = request.send().await.map_err(|error| error.to_string())?;
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            self.keep(cookie.to_str().unwrap_or_default());
        }
        Ok(response)
    }

    fn keep(&mut self, cookie: &str) {
        let pair = cookie.split(';').next().unwrap_or_default();
        let Some((name, value)) = pair.split_once('=') else { return };
        self.cookies.retain(|(known, _)| known != name);
        if !cookie.contains("Max-Age=0") {
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
    }

    /// Starts a connect for a user or a tenant (`business:…`) and returns the provider's address.
    pub async fn start(&mut self, whom: &str, provider: &str) -> Result<String, String> {
        let name = if whom.contains(':') { "owner" } else { "user_id" };
        let url = format!("{}/calendar/auth/start?{name}={whom}&provider={provider}", self.base_url);
        let response = self.visit(&url).await?;
        if response.status() != 307 {
            return Err(format!("start answered {}", response.status()));
        }
        location(&response)
    }

    /// Consents at the provider and returns the address of our callback.
    pub async fn consent(&self, authorize_url: &str, choice: &Choice) -> Result<Url, String> {
        world::consent(&self.client, authorize_url, choice).await
    }

    /// Comes back to our callback and returns where that sends the browser.
    pub async fn come_back(&mut self, callback: &Url) -> Result<Landed, String> {
        let response = self.visit(callback.as_str()).await?;
        if response.status() != 303 {
            return Err(format!("the callback answered {}", response.status()));
        }
        landed(&location(&response)?)
    }

    /// The whole way up to the front end.
    pub async fn connect(&mut self, whom: &str, provider: &str, choice: &Choice) -> Result<Landed, String> {
        let authorize_url = self.start(whom, provider).await?;
        let callback = self.consent(&authorize_url, choice).await?;
        self.come_back(&callback).await
    }

    /// The connection that was made last.
    async fn newest_connection(&self, session: &str) -> Result<String, String> {
        let url = format!("{}/calendar/auth/status", self.base_url);
        let response =
            self.client.get(url).bearer_auth(session).send().await.map_err(|error| error.to_string())?;
        let status: Value = response.json().await.map_err(|error| error.to_string())?;
        let newest =
            status["connections"].as_array().and_then(|all| all.last()?["id"].as_str().map(str::to_owned));
        newest.ok_or_else(|| "no connection was made".to_owned())
    }

    /// Completes with a handle and a session token.
    pub async fn complete(&self, session: &str, handle: &str) -> Result<(u16, Value), String> {
        let url = format!("{}/calendar/auth/complete", self.base_url);
        let request = self.client.post(url).bearer_auth(session).json(&json!({ "handle": handle }));
        let response = request.send().await.map_err(|error| error.to_string())?;
        let status = response.status().as_u16();
        Ok((status, response.json().await.unwrap_or_default()))
    }
}

/// A user connects an account as a person would, and his connection's id.
pub async fn connect(
    world: &World,
    base_url: &str,
    user_id: &str,
    provider: &str,
    email: &str,
) -> Result<String, String> {
    connect_for(world, base_url, user_id, user_id, provider, email).await
}

/// A user connects an account for himself or for a tenant of which he is a member.
pub async fn connect_for(
    world: &World,
    base_url: &str,
    whom: &str,
    user_id: &str,
    provider: &str,
    email: &str,
) -> Result<String, String> {
    let mut visitor = Visitor::new(base_url)?;
    let landed = visitor.connect(whom, provider, &Choice::approve(email)).await?;
    let session = world.session_token(user_id, &json!({}));
    match landed.handle {
        Some(handle) => {
            let (status, answer) = visitor.complete(&session, &handle).await?;
            let id = answer["connection_id"].as_str().filter(|_| status == 200);
            id.map(str::to_owned).ok_or_else(|| format!("complete answered {status}: {answer}"))
        }
        // Without proof (`first_link`) the callback itself completes.
        None if landed.auth == "success" => visitor.newest_connection(&session).await,
        None => Err(format!("no handle came back: {}", landed.url)),
    }
}

fn location(response: &Response) -> Result<String, String> {
    let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
    location.map(str::to_owned).ok_or_else(|| "a redirect without a location".to_owned())
}

fn landed(url: &str) -> Result<Landed, String> {
    let url = Url::parse(url).map_err(|error| error.to_string())?;
    let get =
        |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let handle = url.fragment().and_then(|fragment| fragment.strip_prefix("handle=")).map(str::to_owned);
    Ok(Landed { auth: get("auth").unwrap_or_default(), code: get("code"), handle, url })
}
