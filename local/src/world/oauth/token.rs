//! The token endpoints (RFC 6749, RFC 7636), and Google's revocation.

use axum::response::Response;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::SignedDuration;
use serde_json::{Value, json};
use shared::random;

use super::{CODE_LIFETIME, identity, refuse, refuse::Trouble, spelled};
use crate::world::{
    World,
    accounts::Provider,
    gate::Entry,
    keys,
    state::{Access, Grant, State, TokenCall},
    wire::{self, Asked, Pairs},
};

/// Microsoft's rolling 90 days and Google's six months without use.
const fn idle_limit(provider: Provider) -> SignedDuration {
    match provider {
        Provider::Google => SignedDuration::from_hours(183 * 24),
        Provider::Microsoft => SignedDuration::from_hours(90 * 24),
    }
}

/// A token request, answered.
pub(super) async fn answer(world: &World, provider: Provider, asked: Asked) -> Response {
    let form = asked.form();
    let entry = Entry {
        system: provider.as_str(),
        operation: "token",
        token: form.get("refresh_token"),
        refusal: &|fault| refuse::fault(world, provider, fault),
        reuse: Some(&|| {
            log(world, provider, &form, "invalid_grant");
            Trouble::Revoked.answer(world, provider).0
        }),
    };
    let act = || match grant(world, provider, &asked, &form) {
        Ok(tokens) => {
            log(world, provider, &form, "ok");
            let mut response = wire::json(200, &tokens);
            wire::set(&mut response, "cache-control", "no-store");
            response
        }
        Err(trouble) => {
            let (response, error) = trouble.answer(world, provider);
            log(world, provider, &form, error);
            response
        }
    };
    world.enter(entry, act).await
}

/// Google's revocation: an access or refresh token ends the person's whole grant for the client.
pub(super) async fn revoke(world: &World, asked: Asked) -> Response {
    let form = asked.form();
    let token = form.get("token").or(asked.query.get("token"));
    let entry = Entry {
        system: Provider::Google.as_str(),
        operation: "revoke",
        token,
        refusal: &|fault| refuse::fault(world, Provider::Google, fault),
        reuse: None,
    };
    let act = || {
        let mut state = world.locked();
        let of = token.and_then(|token| state.account_of_live_token(token));
        match of.filter(|(provider, _)| *provider == Provider::Google) {
            Some((provider, email)) => {
                state.end_grants(provider, &email);
                wire::json(200, &json!({}))
            }
            None => wire::json(
                400,
                &json!({"error": "invalid_token", "error_description": "Token expired or revoked"}),
            ),
        }
    };
    world.enter(entry, act).await
}

fn log(world: &World, provider: Provider, form: &Pairs, outcome: &str) {
    let grant_type = form.get("grant_type").unwrap_or_default().to_owned();
    let call = TokenCall { provider, grant_type, outcome: outcome.to_owned(), at: world.clock().now() };
    world.locked().token_calls.push(call);
}

fn grant(world: &World, provider: Provider, asked: &Asked, form: &Pairs) -> Result<Value, Trouble> {
    let grant_type = form.get("grant_type").ok_or(Trouble::MissingParameter("grant_type"))?;
    authenticate(provider, asked, form)?;
    match grant_type {
        "authorization_code" => exchange(world, provider, form),
        "refresh_token" => renew(world, provider, form),
        _ => Err(Trouble::UnknownGrantType),
    }
}

/// The client by its secret: in the body, or by HTTP Basic (RFC 6749, section 2.3.1).
fn authenticate(provider: Provider, asked: &Asked, form: &Pairs) -> Result<(), Trouble> {
    let basic =
        asked.header("authorization").and_then(|value| value.strip_prefix("Basic ")).and_then(|text| {
            let plain = String::from_utf8(STANDARD.decode(text).ok()?).ok()?;
            let (id, secret) = plain.split_once(':')?;
            Some((decoded(id), decoded(secret)))
        });
    let (id, secret) = match basic {
        Some(pair) => pair,
        None => (
            form.get("client_id").ok_or(Trouble::MissingParameter("client_id"))?.to_owned(),
            form.get("client_secret").unwrap_or_default().to_owned(),
        ),
    };
    if id != provider.client_id() {
        return Err(Trouble::UnknownClient);
    }
    if secret != provider.client_secret() {
        return Err(Trouble::WrongSecret);
    }
    Ok(())
}

fn decoded(text: &str) -> String {
    url::form_urlencoded::parse(format!("={text}").as_bytes()).map(|(_, value)| value.into_owned()).collect()
}

fn exchange(world: &World, provider: Provider, form: &Pairs) -> Result<Value, Trouble> {
    let now = world.clock().now();
    let code = form.get("code").ok_or(Trouble::MissingParameter("code"))?;
    let redirect_uri = form.get("redirect_uri").ok_or(Trouble::MissingParameter("redirect_uri"))?;
    let mut state = world.locked();
    let known = state.codes.get(code).filter(|known| known.provider == provider);
    let known = known.cloned().ok_or(Trouble::MalformedCode)?;
    if let Some(made) = known.spent {
        // RFC 6749, section 4.1.2: a code that comes twice may be stolen, so what it gave ends.
        if provider == Provider::Google {
            state.end_grant(made);
        }
        return Err(Trouble::SpentCode);
    }
    if now.duration_since(known.issued) >= CODE_LIFETIME {
        return Err(Trouble::ExpiredCode);
    }
    if redirect_uri != known.redirect_uri {
        return Err(Trouble::OtherRedirect);
    }
    let verifier = form.get("code_verifier").ok_or(Trouble::MissingVerifier)?;
    if random::base64url(&random::sha256(verifier.as_bytes())) != known.challenge {
        return Err(Trouble::WrongVerifier);
    }
    let made = state.grants.len();
    state.grants.push(Grant {
        provider,
        email: known.email.clone(),
        scopes: known.scopes.clone(),
        live: true,
    });
    if let Some(kept) = state.codes.get_mut(code) {
        kept.spent = Some(made);
    }
    let refresh = known.offline.then(|| new_refresh(provider));
    if let Some(token) = &refresh {
        state.keep_refresh(token.clone(), made, now);
    }
    Ok(tokens(world, &mut state, made, refresh, known.nonce.as_deref()))
}

fn renew(world: &World, provider: Provider, form: &Pairs) -> Result<Value, Trouble> {
    let now = world.clock().now();
    let token = form.get("refresh_token").ok_or(Trouble::MissingParameter("refresh_token"))?;
    let mut state = world.locked();
    let kept = state.refresh.iter().find(|kept| kept.token == token).cloned();
    let unknown = if token.starts_with(refresh_prefix(provider)) {
        Trouble::UnknownToken
    } else {
        Trouble::MalformedToken
    };
    let kept = kept.ok_or(unknown)?;
    let grant = state.grants.get(kept.grant).filter(|grant| grant.provider == provider).cloned();
    let grant = grant.ok_or(unknown)?;
    if !grant.live || !kept.live {
        return Err(Trouble::Revoked);
    }
    if now.duration_since(kept.used) >= idle_limit(provider) {
        return Err(Trouble::Idle);
    }
    let asks = form.get("scope").unwrap_or_default();
    let wider =
        |scope: &str| !grant.scopes.iter().any(|held| held.eq_ignore_ascii_case(&spelled(provider, scope)));
    if asks.split_whitespace().any(wider) {
        return Err(Trouble::WiderScope);
    }
    match provider {
        // PROVIDERS.md: Google keeps the refresh token and does not repeat it.
        Provider::Google => {
            if let Some(kept) = state.refresh.iter_mut().find(|kept| kept.token == token) {
                kept.used = now;
            }
            Ok(tokens(world, &mut state, kept.grant, None, None))
        }
        // PROVIDERS.md: Microsoft gives another at each use; the one used stays good for its own 90 days.
        Provider::Microsoft => {
            let next = new_refresh(provider);
            state.keep_refresh(next.clone(), kept.grant, now);
            Ok(tokens(world, &mut state, kept.grant, Some(next), None))
        }
    }
}

/// How a provider's refresh tokens begin.
const fn refresh_prefix(provider: Provider) -> &'static str {
    match provider {
        Provider::Google => "1//03",
        Provider::Microsoft => "1.AX",
    }
}

fn new_refresh(provider: Provider) -> String {
    let rest = match provider {
        Provider::Google => random::token(),
        Provider::Microsoft => format!("{}{}{}", random::token(), random::token(), random::token()),
    };
    format!("{}{rest}", refresh_prefix(provider))
}

/// The successful answer, and an access token to go with it.
fn tokens(
    world: &World,
    state: &mut State,
    grant: usize,
    refresh: Option<String>,
    nonce: Option<&str>,
) -> Value {
    let now = world.clock().now();
    let Some(Grant { provider, email, scopes, .. }) = state.grants.get(grant).cloned() else {
        return Value::Null;
    };
    let (access, seconds) = match provider {
        Provider::Google => (format!("ya29.a0{}", random::token()), 3599),
        // Microsoft's lifetimes vary at random between 60 and 90 minutes.
        Provider::Microsoft => {
            let [a, b] = random::bytes::<2>();
            // The hyphen keeps its beginning apart from base64, so that a search for it finds tokens alone.
            let token = format!("EwB-{}{}", random::token(), random::token());
            (token, 3600 + i64::from(u16::from_be_bytes([a, b]) % 1801))
        }
    };
    let expires_at = now.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(now);
    state.access.insert(access.clone(), Access { grant, expires_at });
    let mut answer = json!({"token_type": "Bearer", "expires_in": seconds, "access_token": access});
    answer["scope"] = match provider {
        Provider::Google => scopes.join(" ").into(),
        // Microsoft leaves offline_access out, and keeps no order.
        Provider::Microsoft => {
            answer["ext_expires_in"] = seconds.into();
            let named: Vec<_> = scopes.iter().rev().filter(|s| *s != "offline_access").cloned().collect();
            named.join(" ").into()
        }
    };
    if let Some(refresh) = refresh {
        answer["refresh_token"] = refresh.into();
    }
    if scopes.iter().any(|scope| scope == "openid")
        && let Some(account) = state.account(provider, &email)
    {
        answer["id_token"] = keys::key().sign(&identity(account, nonce, now.as_second())).into();
    }
    answer
}
