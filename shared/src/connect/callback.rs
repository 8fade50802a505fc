//! Coming back from the provider, and completing what came back.

use jiff::SignedDuration;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::{
    cookie_name, flow_id, handle,
    link::{Linked, link},
    may_link, parse_handle,
};
use crate::{
    access::Caller,
    app::App,
    config::Activation,
    error::{Error, Result},
    ids::Provider,
    providers::spec::Endpoints,
    random,
    store::flows::{Dead, Flow},
};

/// How long a sealed code waits for its owner: providers' codes live five to ten minutes.
const PROOF_LIFE: SignedDuration = SignedDuration::from_secs(300);

/// What the provider and the browser sent.
#[derive(Default)]
pub struct Callback<'a> {
    /// The provider whose callback this is.
    pub provider: Option<Provider>,
    /// `state`.
    pub state: Option<&'a str>,
    /// `code`.
    pub code: Option<SecretString>,
    /// `error` (RFC 6749, section 4.1.2.1).
    pub error: Option<&'a str>,
    /// `iss` (RFC 9207).
    pub iss: Option<&'a str>,
    /// The request's cookies by name.
    pub cookies: Vec<(&'a str, &'a str)>,
    /// A Clerk session token sent as `Authorization: Bearer`.
    pub bearer: Option<&'a str>,
}

/// How a callback ended well.
#[derive(Debug)]
pub enum Outcome {
    /// The owner was proved; the link is active.
    Linked {
        /// What was linked.
        linked: Linked,
        /// Where the browser goes.
        return_to: String,
    },
    /// The owner has yet to prove himself with this handle.
    Confirm {
        /// For `complete`, within five minutes.
        handle: SecretString,
        /// Where the browser goes.
        return_to: String,
    },
}

/// How a callback ended badly.
#[derive(Debug)]
pub struct Failed {
    /// Why.
    pub error: Error,
    /// Where the browser goes: the flow's own target, or the default one while no flow is known.
    pub return_to: String,
    /// The cookie is missing: another browser, or one inside an app. A page says so instead of a redirect.
    pub lost_cookie: bool,
}

/// Takes what came back. The state is burned first, whatever else is wrong.
pub async fn callback(app: &App, back: &Callback<'_>) -> Result<Outcome, Failed> {
    let fallback = app.config.frontend_return_urls.first().map(Url::to_string).unwrap_or_default();
    let failed = |error| Failed { error, return_to: fallback.clone(), lost_cookie: false };
    let state = back.state.filter(|state| !state.is_empty());
    let state = state.ok_or_else(|| failed(refused("state_missing", "The provider sent no state.")))?;
    let burned = app.store.burn_flow(&flow_id(state), app.clock.now()).await.map_err(failed)?;
    let flow = burned.map_err(|dead| failed(dead_flow(dead)))?;
    let return_to = flow.return_to.clone();
    let on_return = |error| Failed { error, return_to: return_to.clone(), lost_cookie: false };

    match cookie_holds(app, back, &flow) {
        Some(true) => {}
        Some(false) => {
            return Err(on_return(refused("cookie_mismatch", "This is not the browser that started.")));
        }
        None => {
            let error = refused(
                "cookie_missing",
                "This browser did not start the connection, or it lost its cookie.",
            );
            return Err(Failed { lost_cookie: true, ..on_return(error) });
        }
    }
    check_origin(app, back, &flow).map_err(on_return)?;
    let code = code_of(back).map_err(on_return)?;
    if is_proved(app, back, &flow).await.map_err(on_return)? {
        let linked = link(app, &flow, &code).await.map_err(on_return)?;
        return Ok(Outcome::Linked { linked, return_to });
    }
    let handle = await_proof(app, &flow, &code).await.map_err(on_return)?;
    Ok(Outcome::Confirm { handle, return_to })
}

/// Completes a flow by its handle and the owner's own session; only now is the code redeemed.
pub async fn complete(app: &App, caller: &Caller, handle: &str) -> Result<Linked> {
    let (id, secret) =
        parse_handle(handle).ok_or_else(|| Error::invalid("handle", "is not a handle of a connect flow"))?;
    let hash = random::hex(&random::sha256(secret.as_bytes()));
    // Taking it burns it, for the wrong person as well: nothing was redeemed, so there is nothing to revoke.
    let flow = app.store.take_flow(id, &hash, app.clock.now()).await?.ok_or_else(|| {
        refused("handle_expired", "This handle was used before, or its five minutes are over. Connect again.")
    })?;
    if !may_link(app, &flow, &caller.id, &caller.orgs).await? {
        tracing::warn!(owner = %flow.owner, provider = %flow.provider, "somebody else tried to complete a connection");
        return Err(Error::Forbidden {
            code: "wrong_person",
            reason: "This connection was started for somebody else.",
        });
    }
    let sealed = flow.sealed_code.as_ref().ok_or_else(|| Error::internal("a flow without its code"))?;
    let code = app.flow_key().await?.open_code(&flow.id, &sealed.0)?;
    link(app, &flow, &code).await
}

fn refused(code: &'static str, reason: &'static str) -> Error {
    Error::ConnectFailed { code, reason }
}

fn dead_flow(dead: Dead) -> Error {
    match dead {
        Dead::Unknown => refused("state_unknown", "This connection attempt is not known. Start again."),
        Dead::Used => refused("state_used", "This connection attempt was used before. Start again."),
        Dead::Expired => {
            refused("state_expired", "This connection attempt took longer than ten minutes. Start again.")
        }
    }
}

/// Whether the browser is the one that started; none when it sent no cookie of this flow.
fn cookie_holds(app: &App, back: &Callback<'_>, flow: &Flow) -> Option<bool> {
    let name = cookie_name(&app.config, &flow.id);
    let (_, value) = back.cookies.iter().find(|(cookie, _)| *cookie == name)?;
    let hash = random::hex(&random::sha256(value.as_bytes()));
    Some(random::same(hash.as_bytes(), flow.cookie_hash.as_bytes()))
}

/// The callback belongs to the provider that was asked (mix-up, RFC 9700, section 4.4).
fn check_origin(app: &App, back: &Callback<'_>, flow: &Flow) -> Result<()> {
    let mismatch =
        || refused("provider_mismatch", "The answer came from another provider than the one that was asked.");
    if back.provider != Some(flow.provider) {
        return Err(mismatch());
    }
    let Some(iss) = back.iss else { return Ok(()) };
    let origin = |url: &str| Url::parse(url).map(|url| url.origin()).map_err(|_| mismatch());
    // The provider's own name, also where another server stands in for it.
    let known = [&app.endpoints(flow.provider)?.authorize_url, &Endpoints::real(flow.provider).authorize_url];
    for url in known {
        if origin(url)? == origin(iss)? {
            return Ok(());
        }
    }
    Err(mismatch())
}

/// The authorization code, or the provider's error as a code of ours; its text is never passed on.
fn code_of(back: &Callback<'_>) -> Result<SecretString> {
    match back.error {
        None => {}
        Some("access_denied" | "consent_required" | "user_cancelled") => {
            return Err(refused(
                "access_denied",
                "The calendar was not connected because access was declined.",
            ));
        }
        Some("temporarily_unavailable" | "server_error") => {
            return Err(refused(
                "provider_unavailable",
                "The provider could not answer. Try again in a minute.",
            ));
        }
        Some(_) => return Err(refused("provider_error", "The provider refused to connect the calendar.")),
    }
    let code = back.code.clone().filter(|code| !code.expose_secret().is_empty());
    code.ok_or_else(|| refused("code_missing", "The provider sent no authorization code."))
}

/// Whether somebody proved to be the owner: at the start, by a session cookie or bearer that came along, or because
/// `first_link` asks for no proof of an owner without links.
async fn is_proved(app: &App, back: &Callback<'_>, flow: &Flow) -> Result<bool> {
    if let Some(clerk_id) = &flow.proved_by
        && may_link(app, flow, clerk_id, &[]).await?
    {
        return Ok(true);
    }
    let session_cookie = back.cookies.iter().find(|(name, _)| *name == "__session").map(|(_, value)| *value);
    for token in [back.bearer, session_cookie].into_iter().flatten() {
        let Ok(session) = app.clerk_session(token).await else { continue };
        let orgs: Vec<_> = session.org.into_iter().map(|org| org.id).collect();
        if may_link(app, flow, &session.sub, &orgs).await? {
            return Ok(true);
        }
    }
    match app.config.activation {
        Activation::Proof => Ok(false),
        // A tenant has members, so that somebody can always be proved.
        Activation::FirstLink if flow.owner.is_tenant() => Ok(false),
        Activation::FirstLink => Ok(app.store.owner_rows(&flow.owner).await?.connections.is_empty()),
    }
}

async fn await_proof(app: &App, flow: &Flow, code: &SecretString) -> Result<SecretString> {
    let secret = random::token();
    let hash = random::hex(&random::sha256(secret.as_bytes()));
    let sealed = app.flow_key().await?.seal_code(&flow.id, code)?;
    let until =
        app.clock.now().saturating_add(PROOF_LIFE).map_err(|error| Error::internal(error.to_string()))?;
    app.store.await_proof(&flow.id, &hash, sealed, until).await?;
    Ok(SecretString::from(handle(&flow.id, &secret)))
}
