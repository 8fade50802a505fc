//! What a token endpoint gives, read more tolerantly than the crate `oauth2` does by itself.

use jiff::SignedDuration;
use oauth2::{AccessToken, RefreshToken, Scope, basic::BasicTokenType};
use secrecy::SecretString;
use serde::{Deserialize, Deserializer, Serialize};

/// What an access token lives when the provider does not say (RFC 6749, section 5.1, only recommends it).
const DEFAULT_LIFETIME: SignedDuration = SignedDuration::from_hours(1);

/// Ten years in seconds: no provider means a longer life, and instants stay within DynamoDB's numbers.
const LONGEST_LIFETIME: i64 = 10 * 366 * 24 * 3600;

/// What a token endpoint gave.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// For the calendar API.
    pub access_token: SecretString,
    /// The next refresh token; none means: keep the stored one.
    pub refresh_token: Option<SecretString>,
    /// How long the access token lives from the moment of the answer.
    pub expires_in: SignedDuration,
    /// How long the refresh token lives from the moment of the answer, where the provider says so: Google does for
    /// apps in testing and for access that a person gave for a while (Google: "Using OAuth 2.0 for Web Server
    /// Applications").
    pub refresh_expires_in: Option<SignedDuration>,
    /// What was granted. Never empty after an exchange; empty after a refresh that does not say (unchanged).
    pub scopes: Vec<String>,
    /// Who consented; see `identity`.
    pub id_token: Option<SecretString>,
}

/// A token endpoint's success.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct TokenAnswer {
    access_token: AccessToken,
    #[serde(skip, default = "bearer")]
    token_type: BasicTokenType,
    #[serde(default, deserialize_with = "seconds")]
    expires_in: Option<u64>,
    #[serde(default)]
    refresh_token: Option<RefreshToken>,
    #[serde(default, deserialize_with = "seconds")]
    refresh_token_expires_in: Option<u64>,
    #[serde(default)]
    scope: Option<String>,
    /// In the crate's token type because that does not show itself in `Debug`.
    #[serde(default)]
    id_token: Option<AccessToken>,
}

fn bearer() -> BasicTokenType {
    BasicTokenType::Bearer
}

/// Seconds as a number or as text; anything else counts as not said.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Said {
        Whole(u64),
        Text(String),
        Other(serde::de::IgnoredAny),
    }
    Ok(match Said::deserialize(deserializer)? {
        Said::Whole(seconds) => Some(seconds),
        Said::Text(text) => text.parse().ok(),
        Said::Other(_) => None,
    })
}

impl oauth2::TokenResponse for TokenAnswer {
    type TokenType = BasicTokenType;

    fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    fn token_type(&self) -> &BasicTokenType {
        &self.token_type
    }

    fn expires_in(&self) -> Option<std::time::Duration> {
        self.expires_in.map(std::time::Duration::from_secs)
    }

    fn refresh_token(&self) -> Option<&RefreshToken> {
        self.refresh_token.as_ref()
    }

    fn scopes(&self) -> Option<&Vec<Scope>> {
        None
    }
}

impl From<TokenAnswer> for Tokens {
    fn from(answer: TokenAnswer) -> Self {
        let refresh_token = answer.refresh_token.map(RefreshToken::into_secret);
        let life = |seconds: Option<u64>| {
            let seconds = seconds.and_then(|seconds| i64::try_from(seconds).ok());
            seconds.map(|seconds| SignedDuration::from_secs(seconds.min(LONGEST_LIFETIME)))
        };
        Self {
            access_token: answer.access_token.into_secret().into(),
            refresh_token: refresh_token.filter(|token| !token.is_empty()).map(SecretString::from),
            expires_in: life(answer.expires_in).unwrap_or(DEFAULT_LIFETIME),
            // No token is born dead: zero says nothing.
            refresh_expires_in: life(answer.refresh_token_expires_in).filter(|life| !life.is_zero()),
            scopes: answer.scope.iter().flat_map(|all| all.split_whitespace()).map(str::to_owned).collect(),
            id_token: answer.id_token.map(|token| token.into_secret().into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn read(body: &str) -> Tokens {
        serde_json::from_str::<TokenAnswer>(body).unwrap().into()
    }

    #[test]
    fn g2_an_answer_without_a_refresh_token_means_keep_the_old_one() {
        assert!(read(r#"{"access_token":"at_EXAMPLE","expires_in":3599}"#).refresh_token.is_none());
        assert!(read(r#"{"access_token":"at_EXAMPLE","refresh_token":null}"#).refresh_token.is_none());
        assert!(read(r#"{"access_token":"at_EXAMPLE","refresh_token":""}"#).refresh_token.is_none());
        let next =
            read(r#"{"access_token":"at_EXAMPLE","refresh_token":"rt_EXAMPLE"}"#).refresh_token.unwrap();
        assert_eq!(next.expose_secret(), "rt_EXAMPLE");
    }

    #[test]
    fn a_lifetime_may_be_a_number_or_text_or_missing() {
        for (said, seconds) in [
            (r#","expires_in":3599"#, 3599),
            (r#","expires_in":"5400""#, 5400),
            (r#","expires_in":null"#, 3600),
            (r#","expires_in":-1"#, 3600),
            ("", 3600),
        ] {
            let tokens = read(&format!(r#"{{"access_token":"at_EXAMPLE"{said}}}"#));
            assert_eq!(tokens.expires_in, SignedDuration::from_secs(seconds), "{said}");
        }
    }

    #[test]
    fn scopes_are_words_and_secrets_do_not_show() {
        let body = r#"{"access_token":"at_EXAMPLE","scope":"openid  email","id_token":"h.c.s","token_type":"bearer","ext_expires_in":1}"#;
        assert_eq!(read(body).scopes, ["openid", "email"]);
        let shown = format!("{:?}", serde_json::from_str::<TokenAnswer>(body).unwrap());
        assert!(!shown.contains("at_EXAMPLE") && !shown.contains("h.c.s"), "{shown}");
        let shown = format!("{:?}", read(body));
        assert!(!shown.contains("at_EXAMPLE") && !shown.contains("h.c.s"), "{shown}");
    }
}
