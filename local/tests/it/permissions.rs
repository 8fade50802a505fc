//! What each function may do: docs/SECURITY.md says it, the template grants it, and no test's call is outside of it.
//!
//! Every other test holds the last part: the stack refuses what a role does not allow, and fails the invocation.

use std::collections::{BTreeMap, BTreeSet};

use functions::Function;
use local::{
    aws::permissions::{self, Roles},
    stack,
};
use serde_json::{Value, json};
use shared::{error::Error, ids::OwnerId, store::directory::Route};

use crate::harness::{Town, USER};

/// A row of the table: what is in each column, as words.
type Row = BTreeMap<String, BTreeSet<String>>;

const DOCUMENT: &str = include_str!("../../../docs/SECURITY.md");

/// The table under "Permissions".
fn documented() -> BTreeMap<String, Row> {
    let (_, section) = DOCUMENT.split_once("### Permissions").unwrap();
    let mut lines =
        section.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    let columns: Vec<_> = cells(lines.next().unwrap()).collect();
    lines.skip(1).map(|line| row(&columns, &cells(line).collect::<Vec<_>>())).collect()
}

fn cells(line: &str) -> impl Iterator<Item = String> {
    line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned())
}

fn row(columns: &[String], cells: &[String]) -> (String, Row) {
    let named = columns.iter().zip(cells).skip(1).filter(|(_, cell)| !cell.is_empty());
    (cells[0].clone(), named.map(|(column, cell)| (column.clone(), words(column, cell))).collect())
}

fn words(column: &str, cell: &str) -> BTreeSet<String> {
    let split = |text: &str, by: &str| text.split(by).map(|word| word.trim().to_owned()).collect();
    match column {
        "rescue queue" | "token key" | "secrets" => split(cell, ","),
        _ => match cell.strip_suffix(", Q of the index") {
            Some(own) => split(own, " ").into_iter().chain(["Q of the index".to_owned()]).collect(),
            None => split(cell, " "),
        },
    }
}

/// The same from the template's roles.
fn granted() -> BTreeMap<String, Row> {
    let template = stack::template().unwrap();
    let functions = template.functions.iter();
    functions
        .map(|function| {
            let mut row = Row::new();
            for grant in &function.grants {
                for (action, resource) in grant
                    .actions
                    .iter()
                    .flat_map(|a| grant.resources.iter().map(move |r| (a.as_str(), r.as_str())))
                {
                    if let Some((column, word)) = named(&function.logical_id, action, resource) {
                        row.entry(column).or_default().insert(word);
                    }
                }
            }
            (function.handler.clone(), row)
        })
        .collect()
}

/// The column and the word of a grant; none for what every function may do, and for the parts of a word.
fn named(function: &str, action: &str, resource: &str) -> Option<(String, String)> {
    let own_logs = function.replace("Function", "Logs");
    let word = match (action, resource) {
        ("logs:CreateLogStream" | "logs:PutLogEvents", logs) if logs == own_logs => return None,
        ("sqs:SendMessage", "RescueQueue") => ("rescue queue", "send"),
        ("sqs:ReceiveMessage", "RescueQueue") => ("rescue queue", "receive"),
        // SQS as a source of events needs the three of them.
        ("sqs:DeleteMessage" | "sqs:GetQueueAttributes", "RescueQueue") => return None,
        // The document says in a sentence that whoever opens may open with the key before.
        ("kms:Decrypt" | "kms:ReEncryptFrom", "PreviousTokenKeyArn") => return None,
        ("kms:Decrypt", "TokenKey") => ("token key", "decrypt"),
        ("kms:GenerateDataKey", "TokenKey") => ("token key", "generate"),
        ("kms:ReEncryptTo", "TokenKey") => ("token key", "re-encrypt"),
        ("kms:DescribeKey", "TokenKey") => ("token key", "describe"),
        ("secretsmanager:GetSecretValue", "FlowRootSecret") => ("secrets", "flow root"),
        ("secretsmanager:GetSecretValue", secret) => {
            return Some(("secrets".to_owned(), secret.strip_suffix("Secret").unwrap().to_lowercase()));
        }
        (action, table) => return Some(on_table(action, table)),
    };
    Some((word.0.to_owned(), word.1.to_owned()))
}

fn on_table(action: &str, resource: &str) -> (String, String) {
    let (table, index) = resource.split_once("/index/").unwrap_or((resource, ""));
    let column =
        table.strip_suffix("Table").unwrap_or_else(|| panic!("{action} on {resource} has no column"));
    let letter = match (action.strip_prefix("dynamodb:"), index) {
        (Some("Query"), index) if !index.is_empty() => "Q of the index",
        (Some("GetItem"), "") => "G",
        (Some("Query"), "") => "Q",
        (Some("PutItem"), "") => "P",
        (Some("UpdateItem"), "") => "U",
        (Some("DeleteItem"), "") => "D",
        (Some("ConditionCheckItem"), "") => "C",
        _ => panic!("{action} on {resource} has no letter"),
    };
    (column.to_lowercase(), letter.to_owned())
}

#[test]
fn s4_the_table_of_permissions_is_what_the_template_grants() {
    let (documented, granted) = (documented(), granted());
    let functions: BTreeSet<_> = Function::ALL.iter().map(|function| function.as_str().to_owned()).collect();
    assert_eq!(granted.keys().cloned().collect::<BTreeSet<_>>(), functions);
    assert_eq!(documented.keys().cloned().collect::<BTreeSet<_>>(), functions);
    for function in &functions {
        assert_eq!(
            documented[function], granted[function],
            "{function}: docs/SECURITY.md, then template.yaml"
        );
    }
}

fn refusal(function: Function, target: &str, body: &Value) -> Option<String> {
    let template = stack::template().unwrap();
    Roles::of(&template, "the-key").refusal(function, target, body)
}

#[test]
fn s4_a_role_allows_its_own_and_nothing_beside_it() {
    let on = |table: &str| json!({ "TableName": table });
    let token = json!({ "KeyId": "the-key", "EncryptionContext": { "purpose": "token" } });
    let other = json!({ "KeyId": "the-key", "EncryptionContext": { "purpose": "report" } });
    let rewrap = |from: &str, to: &str| {
        json!({ "SourceKeyId": from, "SourceEncryptionContext": { "purpose": "token" },
            "DestinationKeyId": to, "DestinationEncryptionContext": { "purpose": "token" } })
    };
    let index = json!({ "TableName": "connections", "IndexName": "due" });
    let both = json!({ "TransactItems": [{ "Put": on("outbox") }, { "ConditionCheck": on("keys") }] });
    for (function, target, body, allowed) in [
        (Function::AuthStatus, "DynamoDB_20120810.Query", on("connections"), true),
        (Function::AuthStatus, "DynamoDB_20120810.PutItem", on("connections"), false),
        (Function::AuthStatus, "DynamoDB_20120810.Query", on("bookings"), false),
        (Function::AuthStatus, "DynamoDB_20120810.Scan", on("connections"), false),
        (Function::AuthStatus, "DynamoDB_20120810.Query", index.clone(), false),
        (Function::TokenRefresh, "DynamoDB_20120810.Query", index, true),
        (Function::Events, "TrentService.Decrypt", token.clone(), true),
        (Function::Events, "TrentService.Decrypt", other, false),
        (Function::Events, "TrentService.DescribeKey", token.clone(), false),
        (Function::Users, "TrentService.Decrypt", token, false),
        (Function::TokenRefresh, "TrentService.ReEncrypt", rewrap("the-key-before", "the-key"), true),
        (Function::TokenRefresh, "TrentService.ReEncrypt", rewrap("the-key", "the-key-before"), false),
        (Function::Events, "TrentService.ReEncrypt", rewrap("the-key-before", "the-key"), false),
        (Function::Events, "AmazonSQS.SendMessage", Value::Null, true),
        (Function::Events, "AmazonSQS.ReceiveMessage", Value::Null, false),
        (Function::Bookings, "DynamoDB_20120810.TransactWriteItems", both, false),
        (Function::Events, "secretsmanager.GetSecretValue", json!({ "SecretId": "x" }), false),
    ] {
        let refused = refusal(function, target, &body);
        assert_eq!(refused.is_none(), allowed, "{function:?} {target} {body}: {refused:?}");
    }
}

#[tokio::test]
async fn s4_what_a_role_does_not_allow_is_not_done_and_fails_the_invocation() {
    let town = Town::new().await;
    let app = &town.stack.app;
    let owner = OwnerId::user(USER).unwrap();
    let before = town.rows("directory").len();
    let route = || Route { match_on: "default".to_owned(), owner: owner.clone() };
    // As in a function that passes over the refusal.
    let answer = permissions::acting(Function::AuthStatus, async {
        let refused = app.store.put_route(&owner, route()).await;
        assert!(matches!(refused, Err(Error::Internal(_))), "{refused:?}");
        Ok(())
    });
    let answer = answer.await.unwrap_err();
    assert_eq!(answer, "the role of auth-status does not allow dynamodb:PutItem on DirectoryTable");
    assert_eq!(town.rows("directory").len(), before);
    app.store.put_route(&owner, route()).await.unwrap();
    assert_eq!(town.rows("directory").len(), before + 1, "the operator may");
}
