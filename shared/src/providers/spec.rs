//! What differs between the providers' OAuth, as one const table; `oauth.rs` is driven by it.

use jiff::SignedDuration;

use super::classify::Source;
use crate::ids::Provider;

/// What a provider does with the refresh token when it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// The answer carries none: keep the stored one.
    KeepsOld,
    /// The answer carries the next one: store it in place of the old, which goes on working for a while.
    Replaces,
    /// The answer carries the next one, and the old is dead at once; where reuse is watched for, using it again ends
    /// the grant (RFC 9700, section 4.14.2). Calendly and Cal.com work so.
    SingleUse,
}

/// The rule of every server that we know, also of those whose calendars nobody can connect yet.
pub const fn rotation_of(server: Source) -> Rotation {
    match server {
        Source::GoogleOauth | Source::Google => Rotation::KeepsOld,
        Source::MicrosoftOauth | Source::Graph => Rotation::Replaces,
        Source::CalendlyOauth | Source::Calendly | Source::CalcomOauth | Source::Calcom => {
            Rotation::SingleUse
        }
    }
}

/// The facts of one provider.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// Where the person consents.
    pub authorize_url: &'static str,
    /// Where codes and refresh tokens are exchanged.
    pub token_url: &'static str,
    /// Where a grant is ended (RFC 7009), if anywhere.
    pub revoke_url: Option<&'static str>,
    /// Base URL of the calendar API, without a slash at the end.
    pub api_url: &'static str,
    /// What is asked for.
    pub scopes: &'static [&'static str],
    /// Sets of scopes that make a connection `active`: every scope of any one set must be granted.
    pub enough: &'static [&'static [&'static str]],
    /// Further parameters of the authorization request.
    pub authorize_parameters: &'static [(&'static str, &'static str)],
    /// The rule for refresh tokens.
    pub rotation: Rotation,
    /// How long an unused refresh token lives.
    pub idle_lifetime: SignedDuration,
    /// Who may have issued an ID token: its `iss` starts with one of these.
    pub issuers: &'static [&'static str],
}

/// Prefix of Graph's scopes when they are written as URIs.
pub(super) const GRAPH_RESOURCE: &str = "https://graph.microsoft.com/";

const DAY: SignedDuration = SignedDuration::from_hours(24);

// PROVIDERS.md M1, M2, M3.
const MICROSOFT: Spec = Spec {
    authorize_url: "https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
    token_url: "https://login.microsoftonline.com/common/oauth2/v2.0/token",
    revoke_url: None,
    api_url: "https://graph.microsoft.com/v1.0",
    scopes: &[
        "openid",
        "email",
        "profile",
        "offline_access",
        "User.Read",
        "Calendars.ReadWrite",
        "MailboxSettings.Read",
    ],
    enough: &[&["Calendars.ReadWrite"]],
    authorize_parameters: &[("prompt", "select_account"), ("response_mode", "query")],
    rotation: rotation_of(Source::MicrosoftOauth),
    idle_lifetime: SignedDuration::from_secs(90 * DAY.as_secs()),
    issuers: &["https://login.microsoftonline.com/"],
};

const GOOGLE_CALENDAR: &str = "https://www.googleapis.com/auth/calendar";
const GOOGLE_EVENTS: &str = "https://www.googleapis.com/auth/calendar.events";
const GOOGLE_READONLY: &str = "https://www.googleapis.com/auth/calendar.readonly";

// PROVIDERS.md G1, G2, G3.
const GOOGLE: Spec = Spec {
    authorize_url: "https://accounts.google.com/o/oauth2/v2/auth",
    token_url: "https://oauth2.googleapis.com/token",
    revoke_url: Some("https://oauth2.googleapis.com/revoke"),
    api_url: "https://www.googleapis.com/calendar/v3",
    scopes: &["openid", "email", GOOGLE_EVENTS, GOOGLE_READONLY],
    enough: &[&[GOOGLE_EVENTS, GOOGLE_READONLY], &[GOOGLE_CALENDAR]],
    authorize_parameters: &[
        ("access_type", "offline"),
        ("prompt", "consent select_account"),
        ("include_granted_scopes", "false"),
    ],
    rotation: rotation_of(Source::GoogleOauth),
    idle_lifetime: SignedDuration::from_secs(180 * DAY.as_secs()),
    issuers: &["https://accounts.google.com", "accounts.google.com"],
};

/// The facts of a provider.
pub fn spec(provider: Provider) -> &'static Spec {
    match provider {
        Provider::Microsoft => &MICROSOFT,
        Provider::Google => &GOOGLE,
    }
}

/// The addresses that are used: the real ones, or stand-ins that the local stage's configuration names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    /// Where the person consents.
    pub authorize_url: String,
    /// Where codes and refresh tokens are exchanged.
    pub token_url: String,
    /// Where a grant is ended, if anywhere.
    pub revoke_url: Option<String>,
    /// Base URL of the calendar API, without a slash at the end.
    pub api_url: String,
    /// The rule for refresh tokens; a server in the stand-in's place may have another than the provider.
    pub rotation: Rotation,
}

impl Endpoints {
    /// The provider's own addresses.
    pub fn real(provider: Provider) -> Self {
        let spec = spec(provider);
        Self {
            authorize_url: spec.authorize_url.to_owned(),
            token_url: spec.token_url.to_owned(),
            revoke_url: spec.revoke_url.map(str::to_owned),
            api_url: spec.api_url.to_owned(),
            rotation: spec.rotation,
        }
    }
}

/// Whether the granted scopes are enough for a connection to be active; scopes may have been unticked.
pub fn granted(provider: Provider, scopes: &[String]) -> bool {
    let has = |wanted: &str| {
        scopes.iter().any(|scope| match provider {
            // PROVIDERS.md M4: Microsoft writes scopes in any case, and as URIs of their resource.
            Provider::Microsoft => bare(scope).eq_ignore_ascii_case(wanted),
            Provider::Google => scope == wanted,
        })
    };
    spec(provider).enough.iter().any(|set| set.iter().all(|wanted| has(wanted)))
}

/// A Graph scope without its resource.
fn bare(scope: &str) -> &str {
    match scope.get(..GRAPH_RESOURCE.len()) {
        Some(prefix) if prefix.eq_ignore_ascii_case(GRAPH_RESOURCE) => &scope[GRAPH_RESOURCE.len()..],
        _ => scope,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_with_a_scope_unticked_is_not_enough() {
        let check = |provider, scopes: &str, expected| {
            let scopes: Vec<String> = scopes.split(' ').map(str::to_owned).collect();
            assert_eq!(granted(provider, &scopes), expected, "{scopes:?}");
        };
        check(Provider::Google, "openid email", false);
        check(Provider::Google, &format!("openid {GOOGLE_EVENTS}"), false);
        check(Provider::Google, &format!("{GOOGLE_READONLY} {GOOGLE_EVENTS}"), true);
        check(Provider::Google, &format!("email {GOOGLE_CALENDAR}"), true);
        check(Provider::Microsoft, "openid profile User.Read", false);
        check(Provider::Microsoft, "Calendars.Read", false);
        check(Provider::Microsoft, "calendars.readwrite User.Read", true);
        check(Provider::Microsoft, "https://graph.microsoft.com/Calendars.ReadWrite", true);
        check(Provider::Microsoft, "HTTPS://GRAPH.MICROSOFT.COM/calendars.readwrite", true);
        check(Provider::Microsoft, "https://graph.microsoft.com/Calendars.ReadWrite.Shared", false);
    }

    #[test]
    fn what_is_asked_for_is_enough_when_all_of_it_is_granted() {
        for provider in Provider::ALL {
            let all: Vec<String> = spec(provider).scopes.iter().map(|&scope| scope.to_owned()).collect();
            assert!(granted(provider, &all), "{provider}");
        }
    }

    #[test]
    fn microsoft_is_asked_for_a_refresh_token_and_google_for_offline_access() {
        // M1: without `offline_access` Microsoft gives no refresh token; G1: Google wants it as a parameter.
        assert!(MICROSOFT.scopes.contains(&"offline_access"));
        assert!(GOOGLE.authorize_parameters.contains(&("access_type", "offline")));
        assert!(GOOGLE.authorize_parameters.contains(&("include_granted_scopes", "false")));
    }

    #[test]
    fn refresh_tokens_follow_their_providers_rule() {
        // M2, M3, G2, G5.
        assert_eq!((MICROSOFT.rotation, GOOGLE.rotation), (Rotation::Replaces, Rotation::KeepsOld));
        for server in [Source::CalendlyOauth, Source::CalcomOauth] {
            assert_eq!(rotation_of(server), Rotation::SingleUse, "{server:?}");
        }
        assert!(Endpoints::real(Provider::Google).revoke_url.is_some());
        assert_eq!(Endpoints::real(Provider::Microsoft).revoke_url, None);
    }
}
