//! What an operator does by hand, on the tables of a running stack.

use std::{collections::BTreeSet, path::PathBuf};

use futures_util::future::join;
use local::{
    operator::{self, Command, Issued},
    world::{
        DEFAULT_EMAIL, Provider,
        faults::{Fault, Kind},
    },
};
use reqwest::Method;
use serde_json::json;
use shared::{
    app::App,
    config::Config,
    ids::OwnerId,
    store::directory::{CredentialKind, Route},
};

use crate::harness::{CALLER, OTHER, Town, USER};

fn owner() -> OwnerId {
    OwnerId::user(USER).unwrap()
}

/// Runs a command and gives everything that it said; an error is what the command ended with.
async fn perform(town: &Town, command: Command) -> Result<String, String> {
    perform_on(&town.stack.app, command).await
}

async fn perform_on(app: &App, command: Command) -> Result<String, String> {
    let mut said = String::new();
    let ended = operator::perform(app, &command, &mut |line| said += &format!("{line}\n")).await;
    ended.map(|()| said)
}

/// The same, as an operator types it.
async fn typed(town: &Town, line: &str) -> Result<String, String> {
    let words: Vec<_> = format!("{line} --env-file EXAMPLE").split(' ').map(str::to_owned).collect();
    perform(town, Command::read(&words)?.0).await
}

/// The routes of a tenant's calls.
async fn routes(town: &Town, tenant: &str) -> Vec<String> {
    let routes = town.stack.app.store.routes(&tenant.parse().unwrap()).await.unwrap();
    routes.iter().map(|route| format!("{} → {}", route.match_on, route.owner)).collect()
}

async fn explained(town: &Town) -> String {
    perform(town, Command::Explain { owner: owner(), connection: None }).await.unwrap()
}

#[tokio::test]
async fn a_connection_is_explained_without_what_is_secret() {
    let town = Town::connected().await;
    let rows = town.stack.app.store.owner_rows(&owner()).await.unwrap();
    let said = explained(&town).await;
    for connection in &rows.connections {
        assert!(said.contains(connection.id.as_str()), "{said}");
    }
    for expected in [
        "stage local in us-east-1",
        "Google",
        "Microsoft",
        "state       active",
        "written 2026-01-05T12:00:00Z (now)",
        "with a refresh token",
        "nobody is at it",
        "wrapped by the configured KMS key",
    ] {
        assert!(said.contains(expected), "{expected} is missing: {said}");
    }
    assert_eq!(said.matches("the one that is written to").count(), 1, "{said}");
    assert!(!said.contains(DEFAULT_EMAIL) && !said.contains("what to do"), "{said}");

    let one = Command::Explain { owner: owner(), connection: Some(rows.connections[0].id.clone()) };
    let one = perform(&town, one).await.unwrap();
    assert!(!one.contains(rows.connections[1].id.as_str()), "{one}");
    let of_another = Command::Explain {
        owner: OwnerId::user(OTHER).unwrap(),
        connection: Some(rows.connections[0].id.clone()),
    };
    assert!(perform(&town, of_another).await.unwrap_err().contains("has no connection"));
}

#[tokio::test]
async fn a_dead_connection_is_explained_with_what_mends_it() {
    let town = Town::new().await;
    town.connect("google").await;
    town.stack.world.revoke_account(Provider::Google, DEFAULT_EMAIL);
    town.advance(2 * 3600);
    assert_eq!(town.get("/calendar/events").await.code(), "reauth_required");
    let said = explained(&town).await;
    for expected in [
        "state       reauth_required, because of revoked",
        "what to do  Connect again.",
        "auth/start?user_id=",
        "has nothing to do",
    ] {
        assert!(said.contains(expected), "{expected} is missing: {said}");
    }
}

#[tokio::test]
async fn a_user_is_erased_only_when_the_operator_says_so() {
    let town = Town::connected().await;
    let booking = json!({
        "start": "2026-01-06T15:00:00Z", "duration_minutes": 30,
        "attendee": {"name": "Guest Example", "phone": CALLER},
    });
    assert_eq!(town.call(Method::POST, "/calendar/bookings", Some(booking)).await.status, 201);
    let said = perform(&town, Command::Erase { user: owner(), yes: false }).await.unwrap();
    assert!(said.contains("connections: 2") && said.contains("Nothing was deleted"), "{said}");
    assert_eq!(town.get("/calendar/auth/status").await.body["authorized"], true);

    let said = perform(&town, Command::Erase { user: owner(), yes: true }).await.unwrap();
    assert!(said.contains("looks once more in five minutes"), "{said}");
    let store = &town.stack.app.store;
    assert_eq!(store.owner_rows(&owner()).await.unwrap(), shared::store::connections::OwnerRows::default());
    assert!(store.everything_booked(&owner()).await.unwrap().is_empty());
    assert_eq!(town.rows("keys").len(), 0, "no wrapped key is left");
    assert_eq!(town.get("/api/v1/user/me").await.status, 404, "his session opens nothing");
    let start = format!("/calendar/auth/start?user_id={USER}&provider=google");
    town.plain(Method::GET, &start).send().await.unwrap();

    let again = perform(&town, Command::Erase { user: owner(), yes: true }).await.unwrap();
    let nobody = Command::Erase { user: OwnerId::user(OTHER).unwrap(), yes: true };
    assert!(perform(&town, nobody).await.unwrap_err().contains("nothing is known of"));
    assert!(again.contains("deleted before; connections: 0") && again.contains("Nothing is left"), "{again}");
}

#[tokio::test]
async fn dead_letters_go_back_and_are_written() {
    let town = Town::new().await;
    town.connect("google").await;
    let asked = town.counters().of("google", "token");
    town.advance(2 * 3600);
    // New tokens that DynamoDB does not take: they wait in the queue, and at last among the dead letters.
    town.arm(Fault::new("google", "token", Kind::Delay).with(400));
    let outage = async {
        while town.counters().of("google", "token") == asked {
            tokio::task::yield_now().await;
        }
        town.arm(Fault::new("dynamodb", "UpdateItem", Kind::Status).with(500).times(3));
    };
    let (answer, ()) = join(town.get("/calendar/events"), outage).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(town.stack.sqs.waiting(), 1);
    while town.stack.sqs.batch().is_some() {}
    assert_eq!((town.stack.sqs.waiting(), town.stack.sqs.dead()), (0, 1));

    let said = perform(&town, Command::Redrive).await.unwrap();
    assert!(said.contains("1 of 1 dead letters moved back"), "{said}");
    assert_eq!((town.stack.sqs.waiting(), town.stack.sqs.dead()), (1, 0));
    let ran = town.plain(Method::POST, "/_local/run").json(&json!({"function": "token-refresh"}));
    assert_eq!(town.answer(ran).await.status, 200);
    assert_eq!(town.stack.sqs.waiting(), 0);
    assert!(explained(&town).await.contains("written 2026-01-05T14:00:00Z (now)"));
    assert!(perform(&town, Command::Redrive).await.unwrap().contains("0 of 0 dead letters"));
}

#[tokio::test]
async fn keys_are_wrapped_again_with_progress_and_an_outage_says_where_to_go_on() {
    let town = Town::connected().await;
    let said = perform(&town, Command::Rewrap { from: None }).await.unwrap();
    assert!(said.contains("looked at 2 connections, wrapped 0 keys again; this was the last"), "{said}");
    town.arm(Fault::new("kms", "DescribeKey", Kind::Status).with(500).times(3));
    let refused = perform(&town, Command::Rewrap { from: Some("3".to_owned()) }).await.unwrap_err();
    assert!(refused.contains("kms does not answer") && refused.contains("--from '3'"), "{refused}");
    let odd = perform(&town, Command::Rewrap { from: Some("x".to_owned()) }).await.unwrap_err();
    assert!(odd.contains("cursor must be"), "{odd}");
    let part = perform(&town, Command::Rewrap { from: Some("7".to_owned()) }).await.unwrap();
    assert!(part.contains("This was a part") && !part.contains("can be emptied"), "{part}");
}

#[tokio::test]
async fn the_settings_of_a_running_stack_are_all_that_it_takes() {
    let town = Town::connected().await;
    let file =
        PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("operator-{}.json", std::process::id()));
    std::fs::write(&file, json!(town.stack.settings).to_string()).unwrap();
    let words = ["explain", USER, "--env-file", file.to_str().unwrap()].map(str::to_owned);
    let mut said = String::new();
    operator::run(&words, &mut |line| said += line).await.unwrap();
    std::fs::remove_file(file).unwrap();
    assert!(said.contains("Google") && said.contains("Microsoft"), "{said}");
    let mut help = String::new();
    operator::run(&["--help".to_owned()], &mut |line| help += line).await.unwrap();
    assert_eq!(help, operator::USAGE);
}

#[tokio::test]
async fn a_credential_lets_calls_in_until_it_is_withdrawn() {
    let town = Town::new().await;
    town.connect("google").await;
    for (kind, header) in [(CredentialKind::Secret, "X-Vapi-Secret: "), (CredentialKind::Bearer, "Bearer ")] {
        let credential = Command::Credential { tenant: owner(), kind, route: None, yes: false };
        let said = perform(&town, credential).await.unwrap();
        let secret = said.split(header).nth(1).unwrap().lines().next().unwrap();
        let id = said.lines().nth(1).unwrap().split(' ').next().unwrap();
        assert_eq!(asked(&town, header, secret).await, 200, "{said}");
        let withdraw = || perform(&town, Command::Withdraw(Issued::Credential(id.parse().unwrap())));
        assert!(withdraw().await.unwrap().contains("is withdrawn"));
        town.advance(61);
        assert_eq!(asked(&town, header, secret).await, 401, "{said}");
        assert!(withdraw().await.unwrap_err().contains("is not there"));
    }
    let said = typed(&town, &format!("credential {USER} --kind hmac --calls assistant:17")).await.unwrap();
    assert!(said.contains("/vapi/webhook/vcr_") && said.contains("key whsec_"), "{said}");
    assert!(
        town.stack.app.store.routes(&owner()).await.unwrap().iter().any(|r| r.match_on == "assistant:17")
    );
}

#[tokio::test]
async fn a_second_credential_leaves_every_route_as_it_is() {
    let town = Town::new().await;
    let (user, other) = (owner(), OwnerId::user(OTHER).unwrap());
    for first in [format!("--calls default --for {user}"), format!("--calls assistant:17 --for {other}")] {
        typed(&town, &format!("credential business:acme {first}")).await.unwrap();
        let before = routes(&town, "business:acme").await;
        let said = typed(&town, "credential business:acme --kind bearer").await.unwrap();
        assert_eq!(routes(&town, "business:acme").await, before);
        assert!(before.iter().all(|route| said.contains(route)), "{before:?} {said}");
    }
    typed(&town, &format!("credential business:branch --calls assistant:17 --for {other}")).await.unwrap();
    typed(&town, "credential business:branch").await.unwrap();
    assert_eq!(routes(&town, "business:branch").await, [format!("assistant:17 → {other}")]);
    // Only a tenant without any route gets one unasked.
    typed(&town, "credential business:new").await.unwrap();
    assert_eq!(routes(&town, "business:new").await, ["default → business:new"]);
}

#[tokio::test]
async fn a_route_that_leads_elsewhere_is_replaced_only_when_the_operator_says_so() {
    let town = Town::new().await;
    let route = async |owner: &str, yes: &str| {
        typed(&town, &format!("credential business:acme --calls default --for {owner}{yes}")).await
    };
    route(USER, "").await.unwrap();
    let rows = town.rows("directory").len();
    let refused = route(OTHER, "").await.unwrap_err();
    assert!(refused.contains(&owner().to_string()) && refused.contains("--yes"), "{refused}");
    assert_eq!(town.rows("directory").len(), rows, "no credential was made");
    assert_eq!(routes(&town, "business:acme").await, [format!("default → {}", owner())]);
    route(USER, "").await.unwrap();
    let said = route(OTHER, " --yes").await.unwrap();
    assert!(said.contains(&format!("went to {}", owner())), "{said}");
    assert_eq!(routes(&town, "business:acme").await, [format!("default → user:{OTHER}")]);
}

#[tokio::test]
async fn whom_nobody_knows_is_warned_of_and_who_was_deleted_is_refused() {
    let town = Town::new().await;
    let said = typed(&town, "credential business:acme").await.unwrap();
    assert_eq!(said.matches("nothing is known of business:acme").count(), 1, "{said}");
    let said =
        typed(&town, &format!("credential business:acme --calls number:1 --for {OTHER}")).await.unwrap();
    assert!(said.contains(&format!("nothing is known of user:{OTHER}")), "{said}");
    town.connect("google").await;
    let said = typed(&town, &format!("credential {USER}")).await.unwrap();
    assert!(!said.contains("nothing is known"), "{said}");

    perform(&town, Command::Erase { user: owner(), yes: true }).await.unwrap();
    let rows = town.rows("directory").len();
    for line in
        [format!("credential {USER}"), format!("credential business:acme --calls number:2 --for {USER}")]
    {
        let refused = typed(&town, &line).await.unwrap_err();
        assert!(refused.contains("was deleted"), "{line}: {refused}");
    }
    assert_eq!(town.rows("directory").len(), rows, "neither credential nor route was made");
}

#[tokio::test]
async fn a_credential_that_cannot_be_made_leaves_calls_where_they_went() {
    let town = Town::new().await;
    let of = |kind, owner| {
        let route = Some(Route { match_on: "default".to_owned(), owner });
        Command::Credential { tenant: "business:acme".parse().unwrap(), kind, route, yes: true }
    };
    perform(&town, of(CredentialKind::Secret, owner())).await.unwrap();
    // The settings of a function that is not told of the secret `vapi`.
    let mut settings = town.stack.settings.clone();
    settings.remove("VAPI_ROOT");
    let config = Config::read(|name| settings.get(name).cloned()).unwrap();
    let app = App::new(config, town.stack.app.clock.clone(), None).unwrap();
    let other = OwnerId::user(OTHER).unwrap();
    perform_on(&app, of(CredentialKind::Hmac, other)).await.unwrap_err();
    let routes = town.stack.app.store.routes(&"business:acme".parse().unwrap()).await.unwrap();
    assert_eq!(routes.iter().map(|route| route.owner.clone()).collect::<Vec<_>>(), [owner()]);
}

/// The status of a tool call under a credential.
async fn asked(town: &Town, header: &str, secret: &str) -> u16 {
    let body = json!({"message": {"type": "status-update", "status": "in-progress"}});
    let request = town.plain(Method::POST, "/vapi/webhook").json(&body);
    let request = match header {
        "Bearer " => request.bearer_auth(secret),
        _ => request.header("x-vapi-secret", secret),
    };
    town.answer(request).await.status
}

#[tokio::test]
async fn a_service_token_works_for_its_days_and_until_it_is_withdrawn() {
    let town = Town::new().await;
    let issue = || async {
        let scopes = vec!["business:read".to_owned(), "business:write".to_owned()];
        let tenant = "business:acme".parse().unwrap();
        let said = perform(&town, Command::ServiceToken { tenant, scopes, days: 2 }).await.unwrap();
        said.split("Bearer ").nth(1).unwrap().lines().next().unwrap().to_owned()
    };
    let token = issue().await;
    let asked = async |token: &str| town.call_as(token, Method::GET, "/api/v1/calendars", None).await.status;
    // Let in; there is nothing yet to list.
    assert_eq!(asked(&token).await, 409);
    let id = format!("stk_{}", token.trim_start_matches("slk_").split('_').next().unwrap());
    perform(&town, Command::Withdraw(Issued::ServiceToken(id.parse().unwrap()))).await.unwrap();
    town.advance(61);
    assert_eq!(asked(&token).await, 403, "withdrawn");
    let token = issue().await;
    town.advance(2 * 24 * 3600);
    assert_eq!(asked(&token).await, 403, "its days are over");
}

/// The calls of each command, as docs/OPERATIONS.md tells whoever writes the operator's role.
#[tokio::test]
async fn each_command_calls_what_the_operations_guide_says() {
    let guide = include_str!("../../../docs/OPERATIONS.md");
    let town = Town::connected().await;
    // The stage gets another key, so that there is something to wrap again.
    let mut settings = town.stack.settings.clone();
    settings.insert("KMS_KEY_ID".to_owned(), town.stack.kms.previous_key_arn().to_owned());
    let config = Config::read(|name| settings.get(name).cloned()).unwrap();
    let app = App::new(config, town.stack.app.clock.clone(), None).unwrap();
    let route = Some(Route { match_on: "default".to_owned(), owner: owner() });
    let credential = Command::Credential { tenant: owner(), kind: CredentialKind::Secret, route, yes: false };
    let said = perform(&town, credential.clone()).await.unwrap();
    let id = said.lines().nth(1).unwrap().split(' ').next().unwrap();
    for (name, command) in [
        ("explain", Command::Explain { owner: owner(), connection: None }),
        ("rewrap", Command::Rewrap { from: None }),
        ("redrive", Command::Redrive),
        ("credential", credential),
        ("service-token", Command::ServiceToken { tenant: owner(), scopes: Vec::new(), days: 1 }),
        ("withdraw", Command::Withdraw(Issued::Credential(id.parse().unwrap()))),
        ("erase", Command::Erase { user: owner(), yes: true }),
    ] {
        town.counters().reset();
        perform_on(&app, command).await.unwrap();
        let begin = format!("| `{name}");
        let row =
            guide.lines().find(|line| line.strip_prefix(&begin).is_some_and(|l| l.starts_with([' ', '`'])));
        let cells: Vec<_> = row.unwrap().split('|').map(str::trim).collect();
        for (system, cell) in ["dynamodb", "kms", "sqs"].into_iter().zip(&cells[3..]) {
            let called: BTreeSet<_> =
                town.counters().snapshot().remove(system).unwrap_or_default().into_keys().collect();
            let told = cell.split(", ").filter(|call| !call.is_empty()).map(str::to_owned).collect();
            assert_eq!(called, told, "{name}, {system}");
        }
    }
}
