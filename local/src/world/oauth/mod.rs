//! The authorization servers of Google and Microsoft: one machine, with each one's rules where they differ.

mod authorize;
mod page;
mod refuse;
mod token;

use axum::{
    Router,
    extract::State as Shared,
    routing::{get, post},
};
use jiff::{SignedDuration, Timestamp};

use super::{
    World,
    accounts::{Account, Provider},
    wire::Asked,
};

/// Microsoft's authorize endpoint, after its tenant.
pub(super) const MICROSOFT_AUTHORIZE: &str = "/microsoft/common/oauth2/v2.0/authorize";
/// Microsoft's token endpoint.
pub(super) const MICROSOFT_TOKEN: &str = "/microsoft/common/oauth2/v2.0/token";
/// Google's authorize endpoint.
pub(super) const GOOGLE_AUTHORIZE: &str = "/google/o/oauth2/v2/auth";
/// Google's token endpoint.
pub(super) const GOOGLE_TOKEN: &str = "/google/token";
/// Google's revocation endpoint; Microsoft has none.
pub(super) const GOOGLE_REVOKE: &str = "/google/revoke";

/// Both let a code live this long.
const CODE_LIFETIME: SignedDuration = SignedDuration::from_mins(10);

/// An authorization code.
#[derive(Clone, Debug)]
pub(super) struct Code {
    provider: Provider,
    email: String,
    redirect_uri: String,
    challenge: String,
    /// As granted.
    scopes: Vec<String>,
    /// Whether its exchange gives a refresh token.
    offline: bool,
    nonce: Option<String>,
    issued: Timestamp,
    /// The grant that its exchange made.
    spent: Option<usize>,
}

pub(super) fn routes() -> Router<World> {
    let at = |router: Router<World>, provider: Provider, authorize: &str, token: &str| {
        router
            .route(
                authorize,
                get(async move |Shared(world): Shared<World>, asked: Asked| {
                    authorize::show(&world, provider, &asked)
                }),
            )
            .route(
                &format!("{authorize}/consent"),
                post(async move |Shared(world): Shared<World>, asked: Asked| {
                    authorize::decide(&world, provider, &asked)
                }),
            )
            .route(
                token,
                post(async move |Shared(world): Shared<World>, asked: Asked| {
                    token::answer(&world, provider, asked).await
                }),
            )
    };
    let router = at(Router::new(), Provider::Google, GOOGLE_AUTHORIZE, GOOGLE_TOKEN);
    let router = at(router, Provider::Microsoft, MICROSOFT_AUTHORIZE, MICROSOFT_TOKEN);
    router.route(
        GOOGLE_REVOKE,
        post(async move |Shared(world): Shared<World>, asked: Asked| token::revoke(&world, asked).await),
    )
}

/// Google answers two short scopes by their long names.
fn spelled(provider: Provider, scope: &str) -> String {
    match (provider, scope) {
        (Provider::Google, "email") => "https://www.googleapis.com/auth/userinfo.email".to_owned(),
        (Provider::Google, "profile") => "https://www.googleapis.com/auth/userinfo.profile".to_owned(),
        // Microsoft takes a scope with or without Graph's name before it.
        (Provider::Microsoft, _) => {
            scope.strip_prefix("https://graph.microsoft.com/").unwrap_or(scope).to_owned()
        }
        (Provider::Google, _) => scope.to_owned(),
    }
}

/// Whether a scope belongs to signing in, which nobody can untick.
fn is_identity(scope: &str) -> bool {
    let names = ["openid", "email", "profile", "offline_access", "User.Read"];
    names.iter().any(|name| name.eq_ignore_ascii_case(scope)) || scope.contains("/auth/userinfo.")
}

/// The claims of an id token, by the account's provider.
fn identity(account: &Account, nonce: Option<&str>, now: i64) -> serde_json::Value {
    let mut claims = serde_json::json!({
        "aud": account.provider.client_id(), "sub": account.subject, "email": account.email,
        "name": account.name, "iat": now, "exp": now + 3600,
    });
    match account.provider {
        Provider::Google => {
            claims["iss"] = "https://accounts.google.com".into();
            claims["azp"] = account.provider.client_id().into();
            claims["email_verified"] = account.email_verified.into();
            if let Some(domain) = &account.hosted_domain {
                claims["hd"] = domain.as_str().into();
            }
        }
        Provider::Microsoft => {
            claims["iss"] = format!("https://login.microsoftonline.com/{}/v2.0", account.tenant).into();
            // Microsoft's `sub` differs from client to client; the person is `tid` and `oid`.
            claims["sub"] =
                shared::random::base64url(&shared::random::sha256(account.subject.as_bytes())).into();
            claims["tid"] = account.tenant.as_str().into();
            claims["oid"] = account.subject.as_str().into();
            claims["preferred_username"] = account.email.as_str().into();
            claims["nbf"] = now.into();
            claims["ver"] = "2.0".into();
        }
    }
    if let Some(nonce) = nonce {
        claims["nonce"] = nonce.into();
    }
    claims
}
