//! Who is asking, and for whom he may ask (SECURITY.md S4).

use jiff::Timestamp;
use secrecy::SecretString;

use crate::{
    app::App,
    error::{Error, Result},
    ids::{OwnerId, OwnerKind, ServiceTokenId},
    random,
    store::directory::ServiceToken,
};

/// What kind of caller was proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallerKind {
    /// A person with a Clerk session.
    User,
    /// A server with a service token.
    Service,
}

/// What the authorizer proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Person or server.
    pub kind: CallerKind,
    /// Clerk user id, or the service token's id.
    pub id: String,
    /// The tenant a service token is bound to.
    pub tenant: Option<OwnerId>,
    /// What a service token may do.
    pub scopes: Vec<String>,
    /// The Clerk organisation that is active in the session.
    pub orgs: Vec<String>,
    /// When the proof ends; handlers check it again, because API Gateway caches verdicts.
    pub expires_at: Timestamp,
}

/// A service token without an end is believed for a day at a time.
const ENDLESS: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

/// Checks an `Authorization` header: a Clerk session token, or a service token `slk_<id>_<secret>`.
pub async fn authenticate(app: &App, authorization: &str) -> Result<Caller> {
    let token = bearer(authorization).ok_or(Error::Unauthenticated { code: "bearer_missing" })?;
    if let Some(rest) = token.strip_prefix("slk_") {
        return service(app, rest).await;
    }
    let session = app.clerk_session(token).await?;
    let expires_at = Timestamp::from_second(session.exp)
        .map_err(|_| Error::Unauthenticated { code: "token_malformed" })?;
    Ok(Caller {
        kind: CallerKind::User,
        id: session.sub,
        tenant: None,
        scopes: Vec::new(),
        orgs: session.org.into_iter().map(|org| org.id).collect(),
        expires_at,
    })
}

/// The token of a `Bearer` header (RFC 6750, section 2.1; the scheme's case does not matter).
pub fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.trim().split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && !token.contains(' ')).then_some(token)
}

async fn service(app: &App, rest: &str) -> Result<Caller> {
    let refused = || Error::Unauthenticated { code: "service_token_invalid" };
    let (id, secret) = rest.split_once('_').ok_or_else(refused)?;
    let id: ServiceTokenId = format!("stk_{id}").parse().map_err(|_| refused())?;
    let token = app.store.service_token(&id).await?.ok_or_else(refused)?;
    let hash = random::hex(&random::sha256(secret.as_bytes()));
    if !random::same(hash.as_bytes(), token.secret_hash.as_bytes()) {
        return Err(refused());
    }
    let now = app.clock.now();
    let expires_at =
        token.expires_at.unwrap_or_else(|| now.saturating_add(ENDLESS).unwrap_or(Timestamp::MAX));
    if expires_at <= now {
        return Err(Error::Unauthenticated { code: "token_expired" });
    }
    Ok(Caller {
        kind: CallerKind::Service,
        id: id.to_string(),
        tenant: Some(token.tenant),
        scopes: token.scopes,
        orgs: Vec::new(),
        expires_at,
    })
}

/// Makes a service token and returns its text, which is shown once.
pub async fn issue_service_token(
    app: &App,
    tenant: OwnerId,
    scopes: Vec<String>,
    expires_at: Option<Timestamp>,
) -> Result<SecretString> {
    let (id, secret) = (ServiceTokenId::random(), random::token());
    let text = format!("slk_{}_{secret}", id.as_str().trim_start_matches("stk_"));
    let secret_hash = random::hex(&random::sha256(secret.as_bytes()));
    app.store.put_service_token(ServiceToken { id, tenant, scopes, secret_hash, expires_at }).await?;
    Ok(SecretString::from(text))
}

/// For whom a person acts: himself, or a tenant he is a member of (one read, none when his session's active
/// organisation is that tenant). Somebody else is not found, rather than forbidden.
pub async fn owner_for(
    app: &App,
    caller: &Caller,
    owner: Option<&str>,
    user_id: Option<&str>,
) -> Result<OwnerId> {
    if caller.kind != CallerKind::User {
        return Err(Error::Forbidden {
            code: "user_session_required",
            reason: "This route needs a signed-in user.",
        });
    }
    let own = OwnerId::user(&caller.id)?;
    if user_id.is_some_and(|user_id| user_id != caller.id) {
        return Err(Error::NotFound("user"));
    }
    let Some(owner) = owner else { return Ok(own) };
    let owner: OwnerId = owner.parse()?;
    if owner == own {
        return Ok(own);
    }
    if is_member(app, caller, &owner).await? { Ok(owner) } else { Err(Error::NotFound("owner")) }
}

async fn is_member(app: &App, caller: &Caller, tenant: &OwnerId) -> Result<bool> {
    belongs(app, &caller.id, &caller.orgs, tenant).await
}

/// Whether a Clerk user belongs to a tenant: by the organisation that is active in his session, or by a membership.
pub(crate) async fn belongs(app: &App, clerk_id: &str, orgs: &[String], tenant: &OwnerId) -> Result<bool> {
    match tenant.kind() {
        OwnerKind::User => Ok(false),
        // A Clerk organisation is a business of ours with the organisation's id.
        OwnerKind::Business if orgs.iter().any(|org| org == tenant.id()) => Ok(true),
        OwnerKind::Subaccount | OwnerKind::Business => {
            Ok(app.store.membership(clerk_id, tenant).await?.is_some())
        }
    }
}

/// What a service token needs to act for a business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// `business:read` or `business:*`.
    Read,
    /// `business:write` or `business:*`.
    Write,
}

/// The business that a caller acts for: a member, or a service token of the business or of the tenant whose token made
/// it, with the scope that is needed. Without an id it is the business that the token is bound to. Somebody else's is
/// not found.
pub async fn business_for(app: &App, caller: &Caller, id: Option<&str>, need: Need) -> Result<OwnerId> {
    let bound = caller.tenant.as_ref().filter(|tenant| tenant.kind() == OwnerKind::Business);
    let business = match (id, bound) {
        (Some(id), _) => OwnerId::tenant(OwnerKind::Business, id).map_err(|_| Error::NotFound("business"))?,
        (None, Some(bound)) => bound.clone(),
        (None, None) => return Err(Error::invalid("business_id", "is missing")),
    };
    let known = match caller.kind {
        CallerKind::User => is_member(app, caller, &business).await?,
        CallerKind::Service => {
            scoped(caller, need)?;
            caller.tenant.as_ref() == Some(&business) || is_managed(app, caller, &business).await?
        }
    };
    if known { Ok(business) } else { Err(Error::NotFound("business")) }
}

async fn is_managed(app: &App, caller: &Caller, business: &OwnerId) -> Result<bool> {
    let found = app.store.business(business).await?;
    Ok(found.is_some_and(|found| found.managed_by.is_some() && found.managed_by == caller.tenant))
}

const READ: &str = "business:read";
const WRITE: &str = "business:write";
const BOTH: &str = "business:*";

/// What a service token may be for.
pub const SCOPES: [&str; 3] = [READ, WRITE, BOTH];

/// Refuses a service token without the scope that is needed, which the refusal names.
pub fn scoped(caller: &Caller, need: Need) -> Result<()> {
    let (scope, reason) = match need {
        Need::Read => (READ, "This service token may not read here; that needs business:read or business:*."),
        Need::Write => {
            (WRITE, "This service token may not write here; that needs business:write or business:*.")
        }
    };
    if caller.scopes.iter().any(|own| own == scope || own == BOTH) {
        return Ok(());
    }
    Err(Error::Forbidden { code: "insufficient_scope", reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bearer_is_read_and_nothing_else() {
        assert_eq!(bearer("Bearer abc"), Some("abc"));
        assert_eq!(bearer("bearer  abc "), Some("abc"));
        for odd in ["", "Bearer", "Bearer ", "Basic abc", "abc", "Bearer a b"] {
            assert_eq!(bearer(odd), None, "{odd}");
        }
    }
}
