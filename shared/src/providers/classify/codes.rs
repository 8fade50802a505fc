//! From codes to classes, and the codes of token endpoints; those of the APIs are in `api.rs`.

use super::{
    Source,
    api::{CALCOM_TEXTS, CALENDLY_TEXTS, COMMON, GOOGLE, GOOGLE_TEXTS, GRAPH, GRAPH_TEXTS},
    said::Said,
};
use crate::providers::failure::Class;

/// A class and the codes (as the vendor spells them) that mean it.
pub(super) type Rule = (Class, &'static [&'static str]);

/// The class that the codes of a refusal give, and the code that gave it.
pub(super) fn class(source: Source, status: Option<u16>, said: &Said) -> Option<(Class, String)> {
    match source {
        Source::MicrosoftOauth => aadsts(said),
        Source::GoogleOauth | Source::CalendlyOauth => listed(OAUTH, said),
        Source::CalcomOauth => listed(OAUTH, said).or_else(|| phrased(CALCOM_OAUTH_TEXTS, status, said)),
        Source::Google => phrased(GOOGLE_TEXTS, status, said).or_else(|| listed(GOOGLE, said)),
        Source::Graph => phrased(GRAPH_TEXTS, status, said).or_else(|| listed(GRAPH, said)),
        Source::Calendly => listed(COMMON, said).or_else(|| phrased(CALENDLY_TEXTS, status, said)),
        Source::Calcom => listed(COMMON, said).or_else(|| phrased(CALCOM_TEXTS, status, said)),
    }
}

/// The first rule that any of the codes fits: rules are ordered from the telling to the vague.
fn listed(rules: &[Rule], said: &Said) -> Option<(Class, String)> {
    rules.iter().find_map(|(class, codes)| {
        let code = codes.iter().find(|code| said.codes.iter().any(|said| said.eq_ignore_ascii_case(code)))?;
        Some((*class, (*code).to_owned()))
    })
}

/// Refusals that have no code: a status and a phrase, and the reason that we give them.
pub(super) type Phrase = (u16, &'static str, Class, &'static str);

fn phrased(phrases: &[Phrase], status: Option<u16>, said: &Said) -> Option<(Class, String)> {
    let fits = |phrase: &&Phrase| Some(phrase.0) == status && said.mentions(phrase.1);
    phrases.iter().find(fits).map(|phrase| (phrase.2, phrase.3.to_owned()))
}

/// Microsoft's numbers (learn.microsoft.com/entra/identity-platform/reference-error-codes), else its `error`.
fn aadsts(said: &Said) -> Option<(Class, String)> {
    let known = |&number: &u32| Some((class_of_number(number)?, format!("AADSTS{number}")));
    said.aadsts.iter().find_map(known).or_else(|| {
        let (class, code) = listed(OAUTH, said)?;
        Some((class, said.aadsts.first().map_or(code, |number| format!("AADSTS{number}"))))
    })
}

fn class_of_number(number: u32) -> Option<Class> {
    Some(match number {
        // PROVIDERS.md M14: these also say `invalid_grant` or `invalid_request`, but the request was ours.
        9_002_313 | 70_003 | 90_014 | 90_100 | 900_144 | 900_561 | 501_481 | 50_148 | 90_023 => {
            Class::Invalid
        }
        // Application, secret, redirect, scope, tenant: our registration.
        7_000_215 | 7_000_222 | 7_000_216 | 7_000_218 | 7_000_112 | 7_000_113 | 7_000_114 | 7_000_229 => {
            Class::ConfigFault
        }
        700_016 | 700_025 | 700_027 | 700_030 | 700_022 | 700_023 | 700_051 | 700_054 => Class::ConfigFault,
        50_011 | 500_111 | 500_113 | 900_971 | 500_011 | 50_001 | 50_012 | 50_194 => Class::ConfigFault,
        65_005 | 70_001 | 70_002 | 70_011 | 650_053 | 650_056 | 650_057 | 90_002 => Class::ConfigFault,
        9_002_325..=9_002_327 => Class::ConfigFault,
        // Their side.
        50_196 | 90_055 => Class::Throttle,
        50_000 | 50_087 | 90_006 | 90_012 | 90_020 | 90_024 | 90_025 | 90_033 | 90_051 => Class::Transient,
        // Their organization does not have the service at all.
        650_052 => Class::Permission,
        // Unused, revoked, password changed, another factor, consent: the person can mend it.
        70_000 | 70_007 | 70_008 | 70_043 | 70_044 | 700_003 | 700_005 | 700_007 => Class::NeedsReauth,
        700_081 | 700_082 | 700_084 | 54_005 | 65_001 | 65_004 => Class::NeedsReauth,
        50_020 | 50_034 | 50_053 | 50_055..=50_058 | 50_072 | 50_074 | 50_076 | 50_078 | 50_079 => {
            Class::NeedsReauth
        }
        50_085 | 50_089 | 50_097 | 50_105 | 50_125..=50_127 | 50_129 | 50_131..=50_133 | 50_135 => {
            Class::NeedsReauth
        }
        50_136 | 50_140 | 50_143 | 50_144 | 50_155 | 50_158 | 50_173 | 50_177 | 50_199 => Class::NeedsReauth,
        50_013 | 51_004 | 53_000..=53_011 | 530_000..=530_039 | 500_121 | 500_133 => Class::NeedsReauth,
        81_010 | 81_012 | 90_072 | 90_094 | 90_095 | 160_021 | 240_001 | 240_002 => Class::NeedsReauth,
        _ => return None,
    })
}

/// RFC 6749, section 5.2, OpenID Connect Core 3.1.2.6, RFC 8628, and what Google and Microsoft add.
const OAUTH: &[Rule] = &[
    (
        Class::ConfigFault,
        &[
            "invalid_client",
            "unauthorized_client",
            "invalid_scope",
            "redirect_uri_mismatch",
            "deleted_client",
            "disabled_client",
            "restricted_client",
            "client_mismatch",
            "org_internal",
            "invalid_resource",
            "invalid_target",
        ],
    ),
    (Class::Permission, &["admin_policy_enforced", "access_denied"]),
    (
        Class::NeedsReauth,
        &[
            "invalid_rapt",
            "invalid_grant",
            "interaction_required",
            "consent_required",
            "login_required",
            "account_selection_required",
            "expired_token",
            "invalid_token",
            "token_expired",
            "bad_token",
        ],
    ),
    (Class::Throttle, &["slow_down", "rate_limit_exceeded", "rateLimitExceeded", "quota_exceeded"]),
    (Class::Transient, &["temporarily_unavailable", "server_error", "internal_failure", "backend_error"]),
    (
        Class::Invalid,
        &[
            "invalid_request",
            "unsupported_grant_type",
            "unsupported_response_type",
            "unsupported_token_type",
            "disallowed_useragent",
        ],
    ),
];

const CALCOM_OAUTH_TEXTS: &[Phrase] = &[
    (400, "refresh token", Class::NeedsReauth, "refresh_token"),
    (401, "refresh token", Class::NeedsReauth, "refresh_token"),
    (404, "refresh token", Class::NeedsReauth, "refresh_token"),
];
