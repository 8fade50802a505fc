//! Clerk session tokens: whether one is good at a given instant, and who it speaks for (SECURITY.md S4).
//!
//! The signature is checked by `jsonwebtoken`; times are checked here, because it reads the system's clock and its
//! defaults forgive a minute. Nothing is accepted that Clerk's own `verifyToken` refuses.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, Validation};
use serde_json::{Map, Value};

use super::keys::KeySet;
use crate::error::Error;

/// Far above any session token (Clerk keeps them below a cookie's 4 KB).
const LONGEST_TOKEN: usize = 16 << 10;

/// `cat` in the header of Clerk's machine-to-machine tokens: same keys, but no session.
const MACHINE_CATEGORY: &str = "cl_B7d4PD333AAA";

/// What a token must satisfy beside its signature.
#[derive(Clone, Debug)]
pub struct SessionRules {
    /// The exact `iss`; none leaves it unchecked (tests and the judge only).
    pub issuer: Option<String>,
    /// Allowed `azp` values; an empty list leaves it unchecked.
    pub authorized_parties: Vec<String>,
    /// Lets a token without `azp` pass although there is a list.
    pub allow_missing_azp: bool,
    /// When not empty, `aud` must be there and name one of them.
    pub audience: Vec<String>,
    /// How far clocks may differ.
    pub leeway: SignedDuration,
}

impl Default for SessionRules {
    /// No issuer, no lists, 5 s leeway as in Clerk's library.
    fn default() -> Self {
        Self {
            issuer: None,
            authorized_parties: Vec::new(),
            allow_missing_azp: false,
            audience: Vec::new(),
            leeway: SignedDuration::from_secs(5),
        }
    }
}

/// A verified session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The Clerk user id; never empty.
    pub sub: String,
    /// The session id; tokens from JWT templates have none.
    pub sid: Option<String>,
    /// The origin that the token was issued to.
    pub azp: Option<String>,
    /// When it expires, in Unix seconds; handlers check it again (the authorizer's verdict may be cached).
    pub exp: i64,
    /// The active organization.
    pub org: Option<Org>,
}

/// The organization that is active in a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Org {
    /// `org_…`.
    pub id: String,
    /// With the `org:` in front, also where version 2 tokens leave it out.
    pub role: Option<String>,
    /// The organization's slug.
    pub slug: Option<String>,
}

/// Why a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Not three base64url parts of JSON, or a claim is missing or of the wrong type.
    Malformed,
    /// The header names another algorithm than RS256.
    Algorithm,
    /// The header's `typ` or `cat` is that of another kind of token.
    Type,
    /// No key has the header's `kid`.
    UnknownKid,
    /// The signature does not match.
    Signature,
    /// `exp` has passed.
    Expired,
    /// `nbf` lies ahead.
    NotActiveYet,
    /// `iat` lies ahead.
    IssuedInFuture,
    /// `iss` is another instance.
    Issuer,
    /// `azp` is not on the list.
    AuthorizedParty,
    /// `aud` names somebody else.
    Audience,
    /// The person has session tasks left to do (`sts` is not `active`).
    Pending,
}

impl Refused {
    /// The stable code that callers see.
    pub fn code(self) -> &'static str {
        match self {
            Self::Malformed => "token_malformed",
            Self::Algorithm => "token_invalid_algorithm",
            Self::Type => "token_invalid_type",
            Self::UnknownKid => "token_unknown_kid",
            Self::Signature => "token_invalid_signature",
            Self::Expired => "token_expired",
            Self::NotActiveYet => "token_not_active_yet",
            Self::IssuedInFuture => "token_iat_in_the_future",
            Self::Issuer => "token_invalid_issuer",
            Self::AuthorizedParty => "token_invalid_authorized_party",
            Self::Audience => "token_invalid_audience",
            Self::Pending => "session_pending",
        }
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::Unauthenticated { code: refused.code() }
    }
}

/// Verifies a session token at `now`.
pub fn verify(token: &str, keys: &KeySet, rules: &SessionRules, now: Timestamp) -> Result<Session, Refused> {
    let header = Header::read(token)?;
    let key = keys.find(header.kid.as_deref()).ok_or(Refused::UnknownKid)?;
    let claims = signed_claims(token, key)?;
    let sub = text(&claims, "sub").filter(|sub| !sub.is_empty()).ok_or(Refused::Malformed)?;
    let exp = check_times(&claims, rules.leeway, now)?;
    check_issuer(&claims, rules)?;
    let azp = check_authorized_party(&claims, rules)?;
    check_audience(&claims, &rules.audience)?;
    if claims.get("sts").is_some_and(|status| !status.is_null() && status != "active") {
        return Err(Refused::Pending);
    }
    Ok(Session { sub, sid: text(&claims, "sid"), azp, exp, org: org(&claims) })
}

/// The parts of a token's header that matter, read before any key is looked for.
pub(crate) struct Header {
    pub(crate) kid: Option<String>,
}

impl Header {
    /// Reads the header of a token that has the right shape, type and algorithm.
    pub(crate) fn read(token: &str) -> Result<Self, Refused> {
        let mut parts = token.split('.');
        let (Some(header), Some(_), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Refused::Malformed);
        };
        if token.len() > LONGEST_TOKEN {
            return Err(Refused::Malformed);
        }
        let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| Refused::Malformed)?;
        let header: Map<String, Value> = serde_json::from_slice(&header).map_err(|_| Refused::Malformed)?;
        if header.get("alg").is_none_or(|alg| alg != "RS256") {
            return Err(Refused::Algorithm);
        }
        let is_session = header.get("typ").is_none_or(|typ| typ == "JWT")
            && header.get("cat").is_none_or(|category| category != MACHINE_CATEGORY);
        if !is_session {
            return Err(Refused::Type);
        }
        // RFC 7515, section 4.1.11: an extension that is not understood must be refused, and none is.
        if header.contains_key("crit") {
            return Err(Refused::Malformed);
        }
        Ok(Self { kid: text(&header, "kid") })
    }
}

fn signed_claims(token: &str, key: &jsonwebtoken::DecodingKey) -> Result<Map<String, Value>, Refused> {
    use jsonwebtoken::errors::ErrorKind;
    let mut signature_only = Validation::new(Algorithm::RS256);
    signature_only.required_spec_claims.clear();
    signature_only.validate_exp = false;
    signature_only.validate_nbf = false;
    signature_only.validate_aud = false;
    match jsonwebtoken::decode(token, key, &signature_only) {
        Ok(decoded) => Ok(decoded.claims),
        Err(error) if matches!(error.kind(), ErrorKind::InvalidSignature) => Err(Refused::Signature),
        Err(_) => Err(Refused::Malformed),
    }
}

/// Checks `exp`, `nbf` and `iat`; gives `exp`. The edges are those of Clerk's library: a token is dead at
/// `exp` + leeway.
fn check_times(claims: &Map<String, Value>, leeway: SignedDuration, now: Timestamp) -> Result<i64, Refused> {
    let (exp, expires_at) = instant(claims, "exp")?.ok_or(Refused::Malformed)?;
    let (_, not_before) = instant(claims, "nbf")?.ok_or(Refused::Malformed)?;
    let issued_at = instant(claims, "iat")?;
    if now.duration_since(expires_at) >= leeway {
        return Err(Refused::Expired);
    }
    if not_before.duration_since(now) > leeway {
        return Err(Refused::NotActiveYet);
    }
    if issued_at.is_some_and(|(_, issued_at)| issued_at.duration_since(now) > leeway) {
        return Err(Refused::IssuedInFuture);
    }
    Ok(exp)
}

/// A NumericDate in whole seconds within the years that exist; floats, strings and `null` are refused.
fn instant(claims: &Map<String, Value>, name: &str) -> Result<Option<(i64, Timestamp)>, Refused> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let seconds = value.as_i64().ok_or(Refused::Malformed)?;
    let instant = Timestamp::from_second(seconds).map_err(|_| Refused::Malformed)?;
    Ok(Some((seconds, instant)))
}

fn check_issuer(claims: &Map<String, Value>, rules: &SessionRules) -> Result<(), Refused> {
    match &rules.issuer {
        Some(issuer) if claims.get("iss").and_then(Value::as_str) != Some(issuer) => Err(Refused::Issuer),
        Some(_) | None => Ok(()),
    }
}

fn check_authorized_party(
    claims: &Map<String, Value>,
    rules: &SessionRules,
) -> Result<Option<String>, Refused> {
    let azp = text(claims, "azp");
    let allowed = match (&azp, claims.contains_key("azp")) {
        _ if rules.authorized_parties.is_empty() => true,
        (Some(azp), _) => !azp.is_empty() && rules.authorized_parties.contains(azp),
        (None, is_there) => rules.allow_missing_azp && !is_there,
    };
    if allowed { Ok(azp) } else { Err(Refused::AuthorizedParty) }
}

fn check_audience(claims: &Map<String, Value>, audience: &[String]) -> Result<(), Refused> {
    let is_ours = |value: &str| audience.iter().any(|ours| ours == value);
    let named = match claims.get("aud") {
        _ if audience.is_empty() => true,
        Some(Value::String(one)) => is_ours(one),
        Some(Value::Array(many)) => {
            many.iter().all(Value::is_string) && many.iter().filter_map(Value::as_str).any(is_ours)
        }
        Some(_) | None => false,
    };
    if named { Ok(()) } else { Err(Refused::Audience) }
}

/// The active organization: `o` in version 2 tokens, `org_id`, `org_role`, `org_slug` before.
fn org(claims: &Map<String, Value>) -> Option<Org> {
    if let Some(o) = claims.get("o").and_then(Value::as_object) {
        let role =
            text(o, "rol").map(|role| if role.starts_with("org:") { role } else { format!("org:{role}") });
        return Some(Org { id: text(o, "id")?, role, slug: text(o, "slg") });
    }
    Some(Org { id: text(claims, "org_id")?, role: text(claims, "org_role"), slug: text(claims, "org_slug") })
}

fn text(map: &Map<String, Value>, name: &str) -> Option<String> {
    map.get(name)?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests;
