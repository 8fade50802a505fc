//! Beginning a flow: one small row, one cookie, and a redirect to the provider.

use jiff::SignedDuration;
use secrecy::SecretString;
use url::Url;

use super::{cookie_name, flow_id, redirect_uri};
use crate::{
    app::App,
    error::{Error, Result},
    ids::OwnerId,
    providers::oauth,
    random,
    store::flows::{Counter, Flow},
};

/// How long a person has for the provider's pages.
pub const FLOW_LIFE: SignedDuration = SignedDuration::from_secs(600);

/// The most starts for one owner from one address in ten minutes: a person who tries often stays far below.
const MOST_FOR_OWNER: u32 = 20;

/// The most starts from one address in ten minutes: an office shares one.
const MOST_FOR_ADDRESS: u32 = 200;

/// A visit to the start URL.
pub struct Start<'a> {
    /// `user_id`: the person whose calendar it is.
    pub user_id: Option<&'a str>,
    /// `owner`: a tenant of which the person who completes the flow is a member.
    pub owner: Option<&'a str>,
    /// `provider`; the usual one when it is not said.
    pub provider: Option<&'a str>,
    /// `return_to`; the first allowed URL when it is not said.
    pub return_to: Option<&'a str>,
    /// `replace=true`: the new link takes the place of the owner's others of that provider.
    pub replace: bool,
    /// Clerk's `__session` cookie, where the front end shares our host.
    pub session_cookie: Option<&'a str>,
    /// The visitor's address.
    pub address: &'a str,
}

/// What the browser gets.
pub struct Started {
    /// Where it goes.
    pub authorize_url: Url,
    /// The cookie's name.
    pub cookie_name: String,
    /// The cookie's value.
    pub cookie: SecretString,
    /// Whether the cookie carries `Secure`; only the local stage on plain HTTP does without.
    pub secure: bool,
}

/// Begins a flow. Unknown users are fine: the Clerk webhook may be late. Writes one row and its counters in one
/// transaction, and never calls KMS.
pub async fn start(app: &App, visit: &Start<'_>) -> Result<Started> {
    let owner = owner(visit)?;
    let provider = visit.provider.map_or_else(|| Ok(app.config.usual_provider()), str::parse)?;
    let endpoints = app.endpoints(provider)?;
    let return_to = app.config.return_url(visit.return_to).ok_or_else(|| {
        Error::invalid("return_to", "must be one of the allowed front-end URLs (FRONTEND_RETURN_URLS)")
    })?;

    let (state, cookie) = (random::token(), random::token());
    let id = flow_id(&state);
    let verifier = app.flow_key().await?.pkce_verifier(&id);
    let redirect_uri = redirect_uri(&app.config.public_base_url, provider);
    let client_id = app.config.providers.get(&provider).map_or("", |settings| settings.client_id.as_str());
    let authorize_url =
        oauth::authorize_url(provider, endpoints, client_id, &redirect_uri, &state, &verifier, None)
            .map_err(|_| Error::Upstream { system: provider.as_str(), code: "config_fault" })?;

    let now = app.clock.now();
    let flow = Flow {
        id: id.clone(),
        proved_by: proof_by_cookie(app, visit.session_cookie).await,
        owner,
        provider,
        redirect_uri,
        return_to: return_to.to_string(),
        cookie_hash: random::hex(&random::sha256(cookie.as_bytes())),
        replace: visit.replace,
        ttl: now.saturating_add(FLOW_LIFE).map_err(|error| Error::internal(error.to_string()))?,
        burned_at: None,
        handle_hash: None,
        sealed_code: None,
    };
    // The address is hashed: counters need not know it.
    let address = random::hex(&random::sha256(visit.address.as_bytes())[..16]);
    let counters = [
        // Together with the address: a stranger must not be able to close the door for somebody else.
        Counter { who: format!("{}|{address}", flow.owner), most: MOST_FOR_OWNER },
        Counter { who: format!("address:{address}"), most: MOST_FOR_ADDRESS },
    ];
    if !app.store.start_flow(flow, &counters, now).await? {
        return Err(Error::TooManyRequests { retry_after: FLOW_LIFE });
    }
    Ok(Started {
        authorize_url,
        cookie_name: cookie_name(&app.config, &id),
        cookie: SecretString::from(cookie),
        secure: !app.config.is_plain_http(),
    })
}

/// For whom the calendar is connected. A user who is named beside a tenant does not matter: whoever completes the flow
/// proves that he is a member.
fn owner(visit: &Start<'_>) -> Result<OwnerId> {
    match (visit.owner, visit.user_id) {
        (Some(owner), _) => owner.parse(),
        (None, Some(user_id)) => OwnerId::user(user_id),
        (None, None) => Err(Error::invalid("user_id", "is missing")),
    }
}

/// Clerk's session cookie lives 60 s, so it is checked here and who it names is remembered in the flow; whether he may
/// is asked at the end. One that does not hold is no error: the person proves himself then.
async fn proof_by_cookie(app: &App, cookie: Option<&str>) -> Option<String> {
    Some(app.clerk_session(cookie?).await.ok()?.sub)
}

/// The verifier of a flow, made again at the exchange.
pub(super) async fn verifier(app: &App, flow_id: &str) -> Result<SecretString> {
    Ok(app.flow_key().await?.pkce_verifier(flow_id))
}
