//! What a refusal means: one function for every provider's token endpoint and API.
//!
//! The body's codes decide first (see `codes.rs` and `api.rs`), the status where they say nothing. No text of the
//! provider's leaves this folder: a [`Failure`]'s reason is one of the identifiers listed there.

mod api;
mod codes;
mod retry;
mod said;

use http::HeaderMap;

use self::said::Said;
use super::failure::{Class, Failure};
use crate::ids::Provider;

/// Which endpoint refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Google's token and revocation endpoints.
    GoogleOauth,
    /// Google Calendar.
    Google,
    /// Microsoft's token endpoint.
    MicrosoftOauth,
    /// Microsoft Graph.
    Graph,
    /// Calendly's token endpoint.
    CalendlyOauth,
    /// Calendly's API.
    Calendly,
    /// Cal.com's token endpoints.
    CalcomOauth,
    /// Cal.com's API.
    Calcom,
}

impl Source {
    /// The token endpoint of a provider.
    pub fn oauth(provider: Provider) -> Self {
        match provider {
            Provider::Microsoft => Self::MicrosoftOauth,
            Provider::Google => Self::GoogleOauth,
        }
    }

    /// The source of a name as the judge's cases spell it.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().replace(['_', ' '], "-").as_str() {
            "google-oauth" | "google-token" => Self::GoogleOauth,
            "google" | "google-calendar" => Self::Google,
            "microsoft-oauth" | "microsoft-token" | "entra" => Self::MicrosoftOauth,
            "graph" | "microsoft" | "microsoft-graph" => Self::Graph,
            "calendly-oauth" | "calendly-token" => Self::CalendlyOauth,
            "calendly" => Self::Calendly,
            "calcom-oauth" | "cal.com-oauth" | "cal-oauth" | "calcom-token" => Self::CalcomOauth,
            "calcom" | "cal.com" | "cal" => Self::Calcom,
            _ => return None,
        })
    }

    fn is_oauth(self) -> bool {
        match self {
            Self::GoogleOauth | Self::MicrosoftOauth | Self::CalendlyOauth | Self::CalcomOauth => true,
            Self::Google | Self::Graph | Self::Calendly | Self::Calcom => false,
        }
    }
}

/// What a refusal means. No status means that no answer came. `operation` is a name such as `events.delete`.
pub fn classify(
    source: Source,
    status: Option<u16>,
    headers: &HeaderMap,
    body: &[u8],
    operation: Option<&str>,
) -> Failure {
    let retry_after = retry::after(headers);
    let said = Said::read(headers, body);
    let told = codes::class(source, status, &said);
    let operation = operation.unwrap_or_default();
    let class = match (status, &told) {
        (None, _) => Class::Transient,
        (Some(429), _) => Class::Throttle,
        (Some(401), Some((class, _))) if !source.is_oauth() => unauthorized(*class),
        (_, Some((class, _))) => *class,
        (Some(status), None) => by_status(source, status, operation, retry_after.is_some()),
    };
    // An overloaded server that says for how long is a throttle, whatever it calls itself.
    let class = if class == Class::Transient && status == Some(503) && retry_after.is_some() {
        Class::Throttle
    } else {
        class
    };
    Failure { class, status, retry_after, reason: told.map(|(_, reason)| reason) }
}

/// The class of a status whose body says nothing that we know.
fn by_status(source: Source, status: u16, operation: &str, waits: bool) -> Class {
    if source.is_oauth() {
        return match status {
            // RFC 6749, section 5.2: 401 is a failed authentication of the client.
            401 => Class::ConfigFault,
            403 => Class::Permission,
            404 | 405 => Class::ConfigFault,
            408 | 425 => Class::Transient,
            503 if waits => Class::Throttle,
            500.. | 0..=399 => Class::Transient,
            _ => Class::Invalid,
        };
    }
    match status {
        // 498 is Cal.com's expired token.
        401 | 498 => Class::RefreshAndRetry,
        402 | 403 | 451 => Class::Permission,
        404 => Class::NotFound,
        408 | 423 | 424 | 425 => Class::Transient,
        409 if exists(source, operation) => Class::Duplicate,
        410 if is_sync(operation) => Class::Resync,
        410 => Class::Gone,
        409 | 412 => Class::Conflict,
        503 if waits => Class::Throttle,
        509 => Class::Throttle,
        500.. | 0..=399 => Class::Transient,
        _ => Class::Invalid,
    }
}

/// 401 is about the token, unless its code tells what no other token mends.
fn unauthorized(told: Class) -> Class {
    let is_told = matches!(told, Class::InsufficientScope | Class::NoMailbox | Class::ConfigFault);
    if is_told { told } else { Class::RefreshAndRetry }
}

/// Whether 409 means that what is to be created exists. Elsewhere it means that something stands against it.
fn exists(source: Source, operation: &str) -> bool {
    let creates = || {
        let operation = operation.to_ascii_lowercase();
        ["create", "insert", "import", "post"].iter().any(|word| operation.contains(word))
    };
    match source {
        Source::Google | Source::Calendly => true,
        Source::Graph => creates(),
        Source::Calcom | Source::CalcomOauth => false,
        Source::GoogleOauth | Source::MicrosoftOauth | Source::CalendlyOauth => false,
    }
}

/// Whether an operation reads what changed since a token, so that 410 means that the token has expired.
fn is_sync(operation: &str) -> bool {
    let operation = operation.to_ascii_lowercase();
    ["sync", "delta", "list", "calendarview", "changes"].iter().any(|word| operation.contains(word))
}

#[cfg(test)]
mod tests;
