//! Clerk session tokens, judged against keys and rules at a given instant (SECURITY.md S4).
//!
//! `jsonwebtoken` checks the signature only: its own checks of time use the system's clock, and its defaults let through
//! tokens that are late, early or without an issuer.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// Clocks differ by this much at most ("Clerk: Manual JWT verification" allows the same).
const LEEWAY_SECONDS: i64 = 5;

/// Longer than any session token; what is longer is not looked at.
const LONGEST_TOKEN: usize = 16 * 1024;

/// Whom a session token proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The Clerk user.
    pub sub: String,
    /// The session.
    pub sid: Option<String>,
    /// The origin that asked for the token.
    pub azp: Option<String>,
    /// When it expires, in seconds since the epoch.
    pub exp: i64,
    /// The organisation that is active in the session.
    pub org: Option<Org>,
}

/// An active organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Org {
    /// Its id.
    pub id: String,
    /// The user's role there.
    pub role: Option<String>,
    /// Its slug.
    pub slug: Option<String>,
}

/// What a token must say.
#[derive(Clone, Debug, Default)]
pub struct SessionRules {
    /// Exact issuer; one that is not given is not checked.
    pub issuer: Option<String>,
    /// Allowed `azp`; an empty list allows any.
    pub authorized_parties: Vec<String>,
    /// Required audience; tokens of a default instance carry none.
    pub audience: Vec<String>,
    /// Accepts tokens without `azp` although a list is set.
    pub allow_missing_azp: bool,
    /// Replaces the five seconds of leeway.
    pub leeway_seconds: Option<i64>,
}

/// Why a token proves nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.code())]
pub enum Refused {
    /// Not a JWT, or its claims have the wrong types.
    Malformed,
    /// Not RS256.
    Algorithm,
    /// Signed by a key that nobody knows.
    UnknownKey,
    /// The signature does not hold.
    Signature,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYet,
    /// A required claim is missing.
    MissingClaim,
    /// Another instance's.
    Issuer,
    /// Another front end's.
    AuthorizedParty,
    /// For somebody else.
    Audience,
    /// The user has yet to do something before he is signed in.
    Pending,
}

impl Refused {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Malformed => "token_malformed",
            Self::Algorithm => "token_algorithm",
            Self::UnknownKey => "token_unknown_key",
            Self::Signature => "token_signature",
            Self::Expired => "token_expired",
            Self::NotYet => "token_not_yet_valid",
            Self::MissingClaim => "token_claim_missing",
            Self::Issuer => "token_issuer",
            Self::AuthorizedParty => "token_authorized_party",
            Self::Audience => "token_audience",
            Self::Pending => "session_pending",
        }
    }
}

/// The keys of a Clerk instance.
pub enum KeySet {
    /// One key, whatever the token's `kid` (`CLERK_JWT_KEY`).
    Pem(DecodingKey),
    /// Keys by their `kid`.
    Jwks(BTreeMap<String, DecodingKey>),
}

impl KeySet {
    /// Reads a public key in PEM; line breaks may be written `\n`, and header and footer may be missing.
    pub fn from_pem(text: &str) -> Result<Self, String> {
        let text = text.replace("\\n", "\n");
        let body: String = text.lines().filter(|line| !line.starts_with("-----")).collect();
        let body: String =
            body.replace("-----BEGIN PUBLIC KEY-----", "").replace("-----END PUBLIC KEY-----", "");
        let body: String = body.split_whitespace().collect();
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n");
        DecodingKey::from_rsa_pem(pem.as_bytes())
            .map(Self::Pem)
            .map_err(|_| "not an RSA public key in PEM".to_owned())
    }

    /// Reads a JWK Set (RFC 7517); keys of other kinds are passed over.
    pub fn from_jwks(json: &[u8]) -> Result<Self, String> {
        let set: JwkSet = serde_json::from_slice(json).map_err(|_| "not a JWK Set".to_owned())?;
        let keys = set.keys.iter().filter_map(|jwk| {
            let rsa = matches!(jwk.algorithm, jsonwebtoken::jwk::AlgorithmParameters::RSA(_));
            let key = DecodingKey::from_jwk(jwk).ok().filter(|_| rsa)?;
            Some((jwk.common.key_id.clone()?, key))
        });
        Ok(Self::Jwks(keys.collect()))
    }

    /// The key that a token names.
    fn key(&self, kid: Option<&str>) -> Option<&DecodingKey> {
        match self {
            Self::Pem(key) => Some(key),
            Self::Jwks(keys) => keys.get(kid?),
        }
    }

    /// Whether it has a key of this name.
    pub fn knows(&self, kid: Option<&str>) -> bool {
        self.key(kid).is_some()
    }
}

#[derive(Deserialize)]
struct Claims {
    sub: Option<String>,
    iss: Option<String>,
    #[serde(default, deserialize_with = "seconds")]
    exp: Option<i64>,
    #[serde(default, deserialize_with = "seconds")]
    nbf: Option<i64>,
    #[serde(default, deserialize_with = "seconds")]
    iat: Option<i64>,
    azp: Option<String>,
    sid: Option<String>,
    sts: Option<String>,
    aud: Option<Value>,
    o: Option<OrgV2>,
    org_id: Option<String>,
    org_role: Option<String>,
    org_slug: Option<String>,
}

#[derive(Deserialize)]
struct OrgV2 {
    id: Option<String>,
    rol: Option<String>,
    slg: Option<String>,
}

/// A NumericDate (RFC 7519, section 2): a JSON number, also with a fraction, never a text.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let Some(number) = Option::<serde_json::Number>::deserialize(deserializer)? else { return Ok(None) };
    let odd = || serde::de::Error::custom("not a date");
    match (number.as_i64(), number.as_f64()) {
        (Some(seconds), _) => Ok(Some(seconds)),
        (None, Some(seconds)) if seconds.abs() < 1e15 =>
        {
            #[expect(clippy::cast_possible_truncation, reason = "bounded just above; fractions are dropped")]
            Ok(Some(seconds.floor() as i64))
        }
        _ => Err(odd()),
    }
}

/// The `kid` of a token's header, when it has a header that can be read.
pub fn kid_of(token: &str) -> Option<String> {
    header(token).ok()?.get("kid")?.as_str().map(str::to_owned)
}

/// Judges a token.
pub fn verify(token: &str, keys: &KeySet, rules: &SessionRules, now: Timestamp) -> Result<Session, Refused> {
    let header = header(token)?;
    let text = |name: &str| header.get(name).and_then(Value::as_str);
    if text("alg") != Some("RS256") {
        return Err(Refused::Algorithm);
    }
    // RFC 7515, section 4.1.11: extensions that must be understood, and none is.
    if header.contains_key("crit") || header.get("typ").is_some_and(|typ| typ.as_str() != Some("JWT")) {
        return Err(Refused::Malformed);
    }
    let key = keys.key(text("kid")).ok_or(Refused::UnknownKey)?;
    let mut signature_only = Validation::new(Algorithm::RS256);
    signature_only.validate_exp = false;
    signature_only.validate_nbf = false;
    signature_only.validate_aud = false;
    signature_only.required_spec_claims.clear();
    let claims = jsonwebtoken::decode::<Claims>(token, key, &signature_only).map_err(|error| {
        use jsonwebtoken::errors::ErrorKind::{InvalidSignature, Json};
        match error.kind() {
            InvalidSignature => Refused::Signature,
            Json(_) => Refused::Malformed,
            _ => Refused::Malformed,
        }
    })?;
    check(claims.claims, rules, now)
}

/// The header as JSON; the token must have three parts of base64url without padding.
fn header(token: &str) -> Result<Map<String, Value>, Refused> {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    if token.len() > LONGEST_TOKEN || token.split('.').count() != 3 {
        return Err(Refused::Malformed);
    }
    let first = token.split('.').next().unwrap_or_default();
    let bytes = URL_SAFE_NO_PAD.decode(first).map_err(|_| Refused::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| Refused::Malformed)
}

fn check(claims: Claims, rules: &SessionRules, now: Timestamp) -> Result<Session, Refused> {
    let (now, leeway) = (now.as_second(), rules.leeway_seconds.unwrap_or(LEEWAY_SECONDS));
    let required = |claim: Option<String>| claim.filter(|text| !text.is_empty()).ok_or(Refused::MissingClaim);
    let (sub, iss) = (required(claims.sub)?, required(claims.iss)?);
    let exp = claims.exp.ok_or(Refused::MissingClaim)?;
    let nbf = claims.nbf.ok_or(Refused::MissingClaim)?;
    let iat = claims.iat.ok_or(Refused::MissingClaim)?;
    // Exactly `exp + leeway` is too late, as at Clerk's own verifier.
    if exp.saturating_add(leeway) <= now {
        return Err(Refused::Expired);
    }
    if nbf.saturating_sub(leeway) > now || iat.saturating_sub(leeway) > now {
        return Err(Refused::NotYet);
    }
    if rules.issuer.as_ref().is_some_and(|issuer| *issuer != iss) {
        return Err(Refused::Issuer);
    }
    if !party_is_allowed(claims.azp.as_deref(), rules) {
        return Err(Refused::AuthorizedParty);
    }
    if !audience_matches(claims.aud.as_ref(), &rules.audience) {
        return Err(Refused::Audience);
    }
    if claims.sts.as_deref() == Some("pending") {
        return Err(Refused::Pending);
    }
    let org = match (claims.o, claims.org_id) {
        (Some(OrgV2 { id: Some(id), rol, slg }), _) => Some(Org { id, role: rol, slug: slg }),
        (_, Some(id)) => Some(Org { id, role: claims.org_role, slug: claims.org_slug }),
        _ => None,
    };
    Ok(Session { sub, sid: claims.sid, azp: claims.azp, exp, org })
}

fn party_is_allowed(azp: Option<&str>, rules: &SessionRules) -> bool {
    match azp.filter(|azp| !azp.is_empty()) {
        _ if rules.authorized_parties.is_empty() => true,
        None => rules.allow_missing_azp,
        Some(azp) => rules.authorized_parties.iter().any(|allowed| allowed == azp),
    }
}

fn audience_matches(aud: Option<&Value>, wanted: &[String]) -> bool {
    let is_wanted =
        |text: &Value| text.as_str().is_some_and(|text| wanted.iter().any(|wanted| wanted == text));
    match aud {
        _ if wanted.is_empty() => true,
        Some(Value::Array(all)) => all.iter().any(is_wanted),
        Some(one) => is_wanted(one),
        None => false,
    }
}
