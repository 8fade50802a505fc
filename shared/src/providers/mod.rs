//! The calendar providers: a table of facts, one OAuth implementation, and a file for each provider's wire.

pub mod failure;

use jiff::SignedDuration;
use secrecy::SecretString;

use crate::http::Http;

/// What one call to a provider's calendar API needs.
#[derive(Clone, Copy)]
pub struct Session<'a> {
    /// The client.
    pub http: &'a Http,
    /// Base URL of the API, without a slash at the end: `https://graph.microsoft.com/v1.0`.
    pub base_url: &'a str,
    /// A live access token.
    pub access_token: &'a SecretString,
    /// The longest one call may take.
    pub limit: SignedDuration,
}
