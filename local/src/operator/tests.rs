//! What an operator types, and what he is told when it is wrong.

use std::collections::BTreeMap;

use shared::{
    ids::{ConnectionId, OwnerId},
    store::directory::{CredentialKind, Route},
};

use super::*;

fn read(line: &str) -> Result<(Command, String), String> {
    Command::read(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
}

#[test]
fn commands_are_read_with_their_words_in_any_order() {
    let owner = || OwnerId::user("user_2EXAMPLE").unwrap();
    let id = ConnectionId::derived("EXAMPLE");
    for (line, expected) in [
        ("explain user_2EXAMPLE", Command::Explain { owner: owner(), connection: None }),
        ("explain user:user_2EXAMPLE", Command::Explain { owner: owner(), connection: None }),
        (
            &format!("explain business:acme {id}"),
            Command::Explain { owner: "business:acme".parse().unwrap(), connection: Some(id.clone()) },
        ),
        ("erase user_2EXAMPLE", Command::Erase { user: owner(), yes: false }),
        ("--yes erase user_2EXAMPLE", Command::Erase { user: owner(), yes: true }),
        ("rewrap", Command::Rewrap { from: None }),
        ("rewrap --from 3", Command::Rewrap { from: Some("3".to_owned()) }),
        ("redrive", Command::Redrive),
        (
            "withdraw slk_00000000000000000000000000_EXAMPLE_secret",
            Command::Withdraw(Issued::ServiceToken("stk_00000000000000000000000000".parse().unwrap())),
        ),
        (
            "credential business:acme",
            Command::Credential {
                tenant: "business:acme".parse().unwrap(),
                kind: CredentialKind::Secret,
                route: None,
                yes: false,
            },
        ),
        (
            "credential business:acme --calls default --yes",
            Command::Credential {
                tenant: "business:acme".parse().unwrap(),
                kind: CredentialKind::Secret,
                route: Some(Route {
                    match_on: "default".to_owned(),
                    owner: "business:acme".parse().unwrap(),
                }),
                yes: true,
            },
        ),
        (
            "credential business:acme --kind hmac --calls assistant:17 --for user_2EXAMPLE",
            Command::Credential {
                tenant: "business:acme".parse().unwrap(),
                kind: CredentialKind::Hmac,
                route: Some(Route { match_on: "assistant:17".to_owned(), owner: owner() }),
                yes: false,
            },
        ),
        (
            "service-token business:acme --scopes business:read,business:write --days 30",
            Command::ServiceToken {
                tenant: "business:acme".parse().unwrap(),
                scopes: vec!["business:read".to_owned(), "business:write".to_owned()],
                days: 30,
            },
        ),
    ] {
        let read = read(&format!("{line} --env-file prod.env")).unwrap();
        assert_eq!(read, (expected, "prod.env".to_owned()), "{line}");
    }
}

#[test]
fn whatever_is_not_understood_is_named() {
    for (line, named) in [
        ("", "usage:"),
        ("frobnicate --env-file x", "frobnicate is not known"),
        ("rewrap --env-file x --hard", "--hard wants a value"),
        ("rewrap", "--env-file is missing"),
        ("rewrap --env-file", "--env-file wants a value"),
        ("rewrap now --env-file x", "takes other words"),
        ("redrive --from 3 --env-file x", "--from is not known to redrive"),
        ("redrive --yes --env-file x", "--yes is not known to redrive"),
        ("explain ada --env-file x", "ada is no owner"),
        ("explain tribe:acme --env-file x", "tribe:acme is no owner"),
        ("explain user_2EXAMPLE 17 --env-file x", "CONNECTION must be"),
        ("rewrap --from 1 --from 2 --env-file x", "--from is there twice"),
        ("credential business:acme --kind none --env-file x", "--kind must be"),
        ("credential business:acme --calls assistant: --env-file x", "--calls must be"),
        ("credential business:acme --for user_2EXAMPLE --env-file x", "--for wants --calls"),
        ("service-token business:acme --env-file x", "--scopes must name"),
        ("service-token business:acme --scopes all --env-file x", "--scopes must name"),
        ("service-token business:acme --scopes business:* --days 0 --env-file x", "--days must be"),
        ("withdraw con_17 --env-file x", "ID must be"),
        ("erase business:acme --yes --env-file x", "user_id must be"),
    ] {
        let told = read(line).unwrap_err();
        assert!(told.contains(named), "{line}: {told}");
    }
}

#[test]
fn the_environment_says_who_asks_and_nothing_of_the_stage() {
    let file = |names: &[&str]| -> BTreeMap<String, String> {
        let all = [
            ("STAGE", "dev"),
            ("PUBLIC_BASE_URL", "https://api.example.com"),
            ("FRONTEND_RETURN_URLS", "https://app.example.com/settings"),
            ("CLERK_ISSUER", "https://example.clerk.accounts.dev"),
            ("GOOGLE_CLIENT_ID", "example.apps.googleusercontent.com"),
        ];
        let kept = all.into_iter().filter(|(name, _)| names.is_empty() || names.contains(name));
        kept.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    };
    let environment = |name: &str| match name {
        "AWS_REGION" => Some("eu-central-1".to_owned()),
        "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("EXAMPLE".to_owned()),
        "STAGE" | "TABLE_CONNECTIONS" => Some("prod".to_owned()),
        _ => None,
    };
    let app = settings::from(&file(&[]), environment).unwrap();
    assert_eq!((app.config.stage.as_str(), app.config.aws.region.as_str()), ("dev", "eu-central-1"));
    assert_eq!(app.config.tables.connections, "slotline-dev-connections");

    let mut elsewhere = file(&[]);
    elsewhere.insert("KMS_KEY_ID".to_owned(), "arn:aws:kms:us-east-1:123456789012:key/EXAMPLE".to_owned());
    let told = settings::from(&elsewhere, environment).err().unwrap();
    assert!(told.contains("export AWS_REGION=us-east-1"), "{told}");

    let told = settings::from(&file(&[]), |_| None).err().unwrap();
    assert!(told.starts_with("AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY is not set"), "{told}");
    let told = settings::from(&file(&["PUBLIC_BASE_URL"]), environment).err().unwrap();
    assert!(told.contains("STAGE"), "{told}");
}
