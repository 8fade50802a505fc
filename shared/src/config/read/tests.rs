//! Configurations that read, and all that is wrong with one in a single error.

use std::collections::BTreeMap;

use super::{parties::issuer_of, *};
use crate::ids::Provider;

fn read(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let map: BTreeMap<String, String> =
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Config::read(|name| map.get(name).cloned())
}

const DEPLOYED: [(&str, &str); 5] = [
    ("STAGE", "prod"),
    ("PUBLIC_BASE_URL", "https://api.example.com/"),
    ("FRONTEND_RETURN_URLS", "https://app.example.com,https://app.example.com/settings?tab=calendar"),
    ("CLERK_ISSUER", "https://clerk.example.com"),
    ("MICROSOFT_CLIENT_ID", "00000000-0000-0000-0000-000000000000"),
];

#[test]
fn a_deployed_configuration_reads() {
    let config = read(&DEPLOYED).unwrap();
    assert_eq!(config.public_base_url, "https://api.example.com");
    assert_eq!(config.providers.keys().collect::<Vec<_>>(), [&Provider::Microsoft]);
    assert_eq!(config.tables.keys, "slotline-prod-keys");
    assert!(config.return_url(Some("https://app.example.com")).is_some());
    assert!(config.return_url(Some("https://app.example.com/other")).is_none());
    assert_eq!(config.return_url(None).unwrap().as_str(), "https://app.example.com/");
}

#[test]
fn one_error_names_every_wrong_variable() {
    let error = read(&[
        ("STAGE", "prod"),
        ("PUBLIC_BASE_URL", "http://api.example.com"),
        ("GOOGLE_TOKEN_URL", "http://127.0.0.1:1/token"),
        ("GOOGLE_CLIENT_ID", "EXAMPLE"),
        ("SLOTLINE_NOW", "yesterday"),
        ("CONNECT_ACTIVATION", "never"),
        ("CLERK_WEBHOOK_SECRET", "whsec_EXAMPLE"),
    ])
    .unwrap_err()
    .to_string();
    for name in [
        "PUBLIC_BASE_URL",
        "FRONTEND_RETURN_URLS",
        "GOOGLE_TOKEN_URL",
        "SLOTLINE_NOW",
        "CONNECT_ACTIVATION",
        "CLERK_WEBHOOK_SECRET",
        "CLERK_ISSUER",
    ] {
        assert!(error.contains(name), "{name} is missing in: {error}");
    }
}

#[test]
fn an_empty_variable_is_unset_and_ignored_ones_warn() {
    let mut pairs = DEPLOYED.to_vec();
    pairs.extend([("GOOGLE_CLIENT_ID", " "), ("DATABASE_URL", "postgres://example")]);
    let config = read(&pairs).unwrap();
    assert!(!config.providers.contains_key(&Provider::Google));
    assert!(config.warnings.iter().any(|warning| warning.contains("DATABASE_URL")));
}

#[test]
fn the_issuer_can_come_from_the_publishable_key() {
    assert_eq!(issuer_of("pk_test_Y2xlcmsuZXhhbXBsZS5jb20k").as_deref(), Some("https://clerk.example.com"));
    assert_eq!(issuer_of("sk_test_x"), None);
}
