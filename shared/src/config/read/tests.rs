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
    // The last is "$" alone.
    for odd in ["sk_test_x", "pk_test_foo", "pk_test_Y2xlcms=", "pk_test_JA=="] {
        assert_eq!(issuer_of(odd), None, "{odd}");
    }
    let told = with(&[("CLERK_ISSUER", ""), ("CLERK_PUBLISHABLE_KEY", "pk_test_foo")]).unwrap_err();
    let [told] = &*told.0 else { panic!("{told}") };
    assert!(told.starts_with("CLERK_PUBLISHABLE_KEY must be"), "{told}");
}

/// The deployed configuration with some variables replaced.
fn with(others: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let mut pairs = DEPLOYED.to_vec();
    pairs.extend(others);
    read(&pairs)
}

#[test]
fn an_address_is_told_the_schemes_that_are_taken_there() {
    for (stage, expected) in [("local", "http or https"), ("prod", "https")] {
        for (name, article) in [("PUBLIC_BASE_URL", "an "), ("FRONTEND_RETURN_URLS", "")] {
            let told = with(&[("STAGE", stage), (name, "nope")]).unwrap_err();
            let [told] = &*told.0 else { panic!("{told}") };
            assert!(told.starts_with(&format!("{name} must be {article}{expected} URL")), "{told}");
        }
    }
}

#[test]
fn bookings_are_kept_as_long_as_the_template_allows() {
    for (days, kept) in [("1", 1), ("3650", 3_650), ("", 365)] {
        assert_eq!(with(&[("BOOKING_RETENTION_DAYS", days)]).unwrap().booking_retention_days, kept);
    }
    for odd in ["0", "3651", "-1", "1.5", "70000", "a year"] {
        let told = with(&[("BOOKING_RETENTION_DAYS", odd)]).unwrap_err().to_string();
        assert!(
            told.contains("BOOKING_RETENTION_DAYS must be a whole number of days from 1 to 3650"),
            "{told}"
        );
    }
}

#[test]
fn every_name_that_is_read_is_known_also_the_second_of_two() {
    let names = Config::names();
    for name in [
        "STAGE",
        "BACKEND_URL",
        "CLERK_PUBLISHABLE_KEY",
        "AWS_CA_BUNDLE",
        "GOOGLE_REVOKE_URL",
        "DATABASE_URL",
    ] {
        assert!(names.contains(name), "{name}");
    }
}
