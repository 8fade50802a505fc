//! The authorize endpoint: checks the request, shows the consent page, and sends the browser back with a code.
//!
//! A request whose client or redirect is wrong is never redirected: it ends on a page.

use axum::response::Response;
use url::{Host, Url};

use super::{Code, is_identity, page, spelled};
use crate::world::{
    World,
    accounts::{Account, Provider},
    wire::{self, Asked, Pairs},
};

/// An authorization request that may be shown to a person.
pub(super) struct Request {
    pub(super) redirect: Url,
    pub(super) scopes: Vec<String>,
    state: String,
    challenge: String,
    offline: bool,
    /// Whether the person is asked although they consented before.
    forced: bool,
    silent: bool,
    pub(super) login_hint: Option<String>,
    nonce: Option<String>,
}

/// What is wrong with an authorization request.
enum Wrong {
    /// Nowhere safe to send the browser.
    Stays(String),
    /// The client is told, at this address.
    Told(String),
}

/// Shows the consent page.
pub(super) fn show(world: &World, provider: Provider, asked: &Asked) -> Response {
    match read(world, provider, &asked.query) {
        Ok(request) if request.silent => {
            back(&request.redirect, &[("error", "interaction_required"), ("state", &request.state)])
        }
        Ok(request) => {
            let state = world.locked();
            let accounts: Vec<&Account> = state.accounts.iter().filter(|a| a.provider == provider).collect();
            page::consent(provider, &request, &accounts, &asked.query)
        }
        Err(wrong) => refuse(wrong),
    }
}

/// Takes the decision that the page posts.
pub(super) fn decide(world: &World, provider: Provider, asked: &Asked) -> Response {
    let form = asked.form();
    let request = match read(world, provider, &form) {
        Ok(request) => request,
        Err(wrong) => return refuse(wrong),
    };
    if form.get("decision") != Some("approve") {
        let mut answer = vec![("error", "access_denied"), ("state", request.state.as_str())];
        if provider == Provider::Microsoft {
            answer.push(("error_description", "AADSTS65004: User declined to consent to access the app."));
        }
        return back(&request.redirect, &answer);
    }
    let now = world.clock().now();
    let mut state = world.locked();
    let Some(account) = state.account(provider, form.get("account").unwrap_or_default()).cloned() else {
        return page::refused(400, "That account does not exist.");
    };
    let ticked: Vec<&str> = form.all("ticked").collect();
    let granted: Vec<String> = request
        .scopes
        .iter()
        .filter(|scope| {
            is_identity(scope) || provider == Provider::Microsoft || ticked.contains(&scope.as_str())
        })
        .filter(|scope| !account.unticked.contains(*scope))
        .cloned()
        .collect();
    let first = state.consented.insert((provider, account.email.clone()));
    // PROVIDERS.md: Google gives a refresh token only at the first consent, or when consent is forced.
    let offline = request.offline && (provider == Provider::Microsoft || first || request.forced);
    let code = match provider {
        Provider::Google => format!("4/0A{}", shared::random::token()),
        Provider::Microsoft => format!("1.A{}{}", shared::random::token(), shared::random::token()),
    };
    let kept = Code {
        provider,
        email: account.email,
        redirect_uri: form.get("redirect_uri").unwrap_or_default().to_owned(),
        challenge: request.challenge,
        scopes: granted.clone(),
        offline,
        nonce: request.nonce,
        issued: now,
        spent: None,
    };
    state.codes.insert(code.clone(), kept);
    let session = shared::random::id();
    let scope = granted.join(" ");
    let mut answer = vec![("code", code.as_str()), ("state", request.state.as_str())];
    match provider {
        Provider::Google => answer.extend([
            ("iss", "https://accounts.google.com"),
            ("scope", scope.as_str()),
            ("authuser", "0"),
            ("prompt", "consent"),
        ]),
        Provider::Microsoft => answer.push(("session_state", session.as_str())),
    }
    back(&request.redirect, &answer)
}

fn back(redirect: &Url, answer: &[(&str, &str)]) -> Response {
    wire::redirect(&target(redirect, answer.iter().copied()))
}

fn target<'a>(redirect: &Url, answer: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut to = redirect.clone();
    to.query_pairs_mut().extend_pairs(answer);
    to.into()
}

fn refuse(wrong: Wrong) -> Response {
    match wrong {
        Wrong::Stays(text) => page::refused(400, &text),
        Wrong::Told(to) => wire::redirect(&to),
    }
}

fn read(world: &World, provider: Provider, given: &Pairs) -> Result<Request, Wrong> {
    if given.get("client_id") != Some(provider.client_id()) {
        return Err(Wrong::Stays(match provider {
            Provider::Google => "Error 401: invalid_client. The OAuth client was not found.".to_owned(),
            Provider::Microsoft => "AADSTS700016: Application was not found in the directory.".to_owned(),
        }));
    }
    let redirect = given.get("redirect_uri").and_then(|uri| Url::parse(uri).ok());
    let Some(redirect) = redirect.filter(|uri| is_registered(world, uri)) else {
        return Err(Wrong::Stays(match provider {
            Provider::Google => "Error 400: redirect_uri_mismatch".to_owned(),
            Provider::Microsoft => {
                "AADSTS50011: The redirect URI does not match those configured.".to_owned()
            }
        }));
    };
    let state = given.get("state").map(str::to_owned);
    let wrong = |error, text: &str| match provider {
        Provider::Google => Wrong::Stays(format!("Error 400: {error}. {text}")),
        Provider::Microsoft => {
            let description = format!("AADSTS900144: {text}");
            let answer = [("error", error), ("error_description", description.as_str())];
            let state = state.as_deref().map(|state| ("state", state));
            Wrong::Told(target(&redirect, answer.into_iter().chain(state)))
        }
    };
    if given.get("response_type") != Some("code") {
        return Err(wrong("unsupported_response_type", "response_type must be code."));
    }
    let missing = |name| wrong("invalid_request", &format!("Required parameter is missing: {name}"));
    let text = |name| given.get(name).map(str::to_owned).ok_or_else(|| missing(name));
    let scopes: Vec<String> = text("scope")?.split_whitespace().map(|s| spelled(provider, s)).collect();
    if given.get("code_challenge_method") != Some("S256") {
        return Err(wrong("invalid_request", "code_challenge_method must be S256."));
    }
    let challenge = text("code_challenge")?;
    if challenge.len() != 43 {
        return Err(wrong("invalid_request", "code_challenge is malformed."));
    }
    let prompt = given.get("prompt").unwrap_or_default();
    Ok(Request {
        offline: match provider {
            Provider::Google => given.get("access_type") == Some("offline"),
            Provider::Microsoft => scopes.iter().any(|scope| scope == "offline_access"),
        },
        forced: prompt.split_whitespace().any(|word| word == "consent"),
        silent: prompt == "none",
        state: text("state")?,
        login_hint: given.get("login_hint").map(str::to_owned),
        nonce: given.get("nonce").map(str::to_owned),
        challenge,
        scopes,
        redirect,
    })
}

/// Loopback by http, as both allow for development, and the bases that the world was started with.
fn is_registered(world: &World, uri: &Url) -> bool {
    let loopback = match uri.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let based = |base: &String| Url::parse(base).is_ok_and(|base| base.origin() == uri.origin());
    uri.fragment().is_none()
        && match uri.scheme() {
            "http" | "https" => loopback || world.0.options.redirect_bases.iter().any(based),
            _ => false,
        }
}
