//! What each token endpoint says when it refuses, word for word.

use axum::response::Response;
use jiff::{Timestamp, fmt::strtime};
use serde_json::{Value, json};

use crate::world::{World, accounts::Provider, faults::Fault, wire};

/// Why a token request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    MissingParameter(&'static str),
    UnknownGrantType,
    UnknownClient,
    WrongSecret,
    /// A code that never was.
    MalformedCode,
    SpentCode,
    ExpiredCode,
    OtherRedirect,
    MissingVerifier,
    WrongVerifier,
    /// What was never the form of a refresh token.
    MalformedToken,
    /// A refresh token that nobody knows, as after a restart.
    UnknownToken,
    /// The person took the grant back.
    Revoked,
    /// The refresh token was not used for too long.
    Idle,
    /// A scope that the person did not grant.
    WiderScope,
}

impl Trouble {
    /// The refusal as the provider words it, and its `error`.
    pub(super) fn answer(self, world: &World, provider: Provider) -> (Response, &'static str) {
        match provider {
            Provider::Google => {
                let (status, error, description) = self.google();
                let body = json!({"error": error, "error_description": description});
                (wire::json(status, &body), error)
            }
            Provider::Microsoft => {
                let (status, error, code, text) = self.microsoft();
                (wire::json(status, &aadsts(world.clock().now(), error, code, &text)), error)
            }
        }
    }

    /// Google's status, error and description (developers.google.com/identity/protocols/oauth2).
    fn google(self) -> (u16, &'static str, String) {
        let text = |text: &str| text.to_owned();
        match self {
            Self::MissingParameter(name) => {
                (400, "invalid_request", format!("Missing required parameter: {name}"))
            }
            Self::UnknownGrantType => (400, "unsupported_grant_type", text("Invalid grant_type")),
            Self::UnknownClient => (401, "invalid_client", text("The OAuth client was not found.")),
            Self::WrongSecret => (401, "invalid_client", text("Unauthorized")),
            Self::MalformedCode => (400, "invalid_grant", text("Malformed auth code.")),
            Self::OtherRedirect => (400, "redirect_uri_mismatch", text("Bad Request")),
            Self::MissingVerifier => (400, "invalid_grant", text("Missing code verifier.")),
            Self::WrongVerifier => (400, "invalid_grant", text("Invalid code verifier.")),
            Self::SpentCode | Self::ExpiredCode | Self::MalformedToken | Self::UnknownToken => {
                (400, "invalid_grant", text("Bad Request"))
            }
            Self::Revoked | Self::Idle => (400, "invalid_grant", text("Token has been expired or revoked.")),
            Self::WiderScope => {
                (400, "invalid_scope", text("Some requested scopes were invalid or not granted."))
            }
        }
    }

    /// Microsoft's status, error, AADSTS code and text (learn.microsoft.com/entra/identity-platform/reference-error-codes).
    fn microsoft(self) -> (u16, &'static str, u32, String) {
        let text = |text: &str| text.to_owned();
        match self {
            Self::MissingParameter(name) => (
                400,
                "invalid_request",
                900_144,
                format!("The request body must contain the following parameter: '{name}'."),
            ),
            Self::UnknownGrantType => {
                (400, "unsupported_grant_type", 70_003, text("The app requested an unsupported grant type."))
            }
            Self::UnknownClient => {
                (400, "unauthorized_client", 700_016, text("Application was not found in the directory."))
            }
            Self::WrongSecret => (401, "invalid_client", 7_000_215, text("Invalid client secret provided.")),
            Self::MalformedCode | Self::MalformedToken => {
                (400, "invalid_grant", 9_002_313, text("Invalid request. Request is malformed or invalid."))
            }
            Self::UnknownToken => {
                (400, "invalid_grant", 70_000, text("Authentication failed. The refresh token is not valid."))
            }
            Self::SpentCode => (
                400,
                "invalid_grant",
                54_005,
                text(
                    "OAuth2 Authorization code was already redeemed, please retry with a new valid code \
            or use an existing refresh token.",
                ),
            ),
            Self::ExpiredCode => (
                400,
                "invalid_grant",
                70_008,
                text(
                    "The provided authorization code or refresh token has expired due to inactivity. \
            Send a new interactive authorization request for this user and resource.",
                ),
            ),
            Self::OtherRedirect => (
                400,
                "invalid_client",
                500_112,
                text(
                    "The reply address does not match the reply address provided when requesting \
            Authorization code.",
                ),
            ),
            Self::MissingVerifier | Self::WrongVerifier => (
                400,
                "invalid_grant",
                501_481,
                text(
                    "The Code_Verifier does not match the code_challenge supplied in the authorization \
            request.",
                ),
            ),
            Self::Revoked => (
                400,
                "invalid_grant",
                50_173,
                text(
                    "The provided grant has expired due to it being revoked, a fresh auth token is \
            needed. The user might have changed or reset their password.",
                ),
            ),
            Self::Idle => {
                (400, "invalid_grant", 700_082, text("The refresh token has expired due to inactivity."))
            }
            Self::WiderScope => (
                400,
                "invalid_grant",
                65_001,
                text(
                    "The user or administrator has not consented to use the application. Send an \
            interactive authorization request for this user and resource.",
                ),
            ),
        }
    }
}

/// A status that was armed as a fault, in the provider's shape.
pub(super) fn fault(world: &World, provider: Provider, fault: &Fault) -> Response {
    let status = fault.status();
    let body = match (provider, status) {
        (Provider::Google, 400) => json!({"error": "invalid_grant", "error_description": "Bad Request"}),
        (Provider::Google, 401) => json!({"error": "invalid_client", "error_description": "Unauthorized"}),
        (Provider::Google, 429) => {
            json!({"error": "rate_limit_exceeded", "error_description": "Rate Limit Exceeded"})
        }
        (Provider::Google, _) => json!({"error": "internal_failure", "error_description": "Backend Error"}),
        (Provider::Microsoft, _) => {
            let (error, code, text) = match status {
                400 => ("invalid_grant", 700_082, "The refresh token has expired due to inactivity."),
                401 => ("invalid_client", 7_000_215, "Invalid client secret provided."),
                429 => ("temporarily_unavailable", 90_055, "The tenant is throttled. Try again later."),
                _ => ("temporarily_unavailable", 90_033, "A transient error has occurred. Please try again."),
            };
            aadsts(world.clock().now(), error, code, text)
        }
    };
    wire::json(status, &body)
}

fn aadsts(now: Timestamp, error: &str, code: u32, text: &str) -> Value {
    let [trace, correlation] = [(); 2].map(|()| uuid());
    let at = strtime::format("%Y-%m-%d %H:%M:%SZ", now).unwrap_or_default();
    json!({
        "error": error,
        "error_description": format!(
            "AADSTS{code}: {text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {at}"
        ),
        "error_codes": [code],
        "timestamp": at,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": format!("https://login.microsoftonline.com/error?code={code}"),
    })
}

fn uuid() -> String {
    let h = shared::random::hex(&shared::random::bytes::<16>());
    format!("{}-{}-4{}-a{}-{}", &h[..8], &h[8..12], &h[13..16], &h[17..20], &h[20..])
}
