//! What the stand-ins do, by the names under which the gates count it: a fault armed for another name waits for ever.

use super::faults::{ANY, Fault, Kind};

/// Every system that can be spoiled, and its operations. DynamoDB's are those that the software asks for.
pub const SYSTEMS: [(&str, &[&str]); 6] = [
    (
        "microsoft",
        &[
            "token",
            "me",
            "mailboxSettings",
            "calendars",
            "calendarView",
            "events.list",
            "events.get",
            "events.create",
            "events.update",
            "events.delete",
        ],
    ),
    (
        "google",
        &[
            "token",
            "revoke",
            "calendarList.list",
            "calendars.get",
            "freebusy.query",
            "events.list",
            "events.get",
            "events.insert",
            "events.patch",
            "events.update",
            "events.delete",
        ],
    ),
    ("clerk", &["jwks"]),
    ("dynamodb", &["GetItem", "Query", "PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"]),
    ("kms", &["GenerateDataKey", "Decrypt", "DescribeKey", "ReEncrypt"]),
    ("sqs", &["SendMessage", "GetQueueAttributes", "StartMessageMoveTask", "ListMessageMoveTasks"]),
];

/// The operation that takes refresh tokens.
const TOKEN: &str = "token";

/// A fault at the only operation that it can be at: at another, a reuse would be spent without a trace.
pub(crate) fn aimed(fault: Fault) -> Fault {
    match (fault.kind, &*fault.operation) {
        (Kind::ReuseDetected, ANY) => Fault { operation: TOKEN.to_owned(), ..fault },
        _ => fault,
    }
}

/// Why a fault would not do what it says, in a sentence.
pub(crate) fn useless(fault: &Fault) -> Option<String> {
    let Some((system, operations)) = SYSTEMS.iter().find(|(system, _)| *system == fault.system) else {
        return Some(format!("system must be one of {}", SYSTEMS.map(|(system, _)| system).join(", ")));
    };
    if fault.operation != ANY && !operations.contains(&&*fault.operation) {
        return Some(format!("operation must be {ANY} or one of {system}'s: {}", operations.join(", ")));
    }
    if fault.times == 0 {
        return Some("times must be 1 or more".to_owned());
    }
    match fault.kind {
        Kind::Revoke if !operations.contains(&TOKEN) => {
            Some(format!("kind: {system} has no grants to revoke"))
        }
        Kind::ReuseDetected if !operations.contains(&TOKEN) || fault.operation != TOKEN => {
            Some(format!("kind: reuse is detected at the operation {TOKEN} of microsoft and google"))
        }
        Kind::Delay
        | Kind::Status
        | Kind::DropAfterCommit
        | Kind::Hang
        | Kind::HangAfterCommit
        | Kind::Revoke
        | Kind::ReuseDetected => fault.mistake().map(str::to_owned),
    }
}
