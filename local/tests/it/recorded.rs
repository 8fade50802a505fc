//! The events of `events/`: what `sam local invoke` takes is what the functions answer.

use std::{collections::BTreeMap, fs, path::PathBuf};

use functions::Function;
use local::stack::{Options, Stack, Time};
use serde_json::{Value, json};

use crate::harness::at;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../events")
}

fn read(name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(folder().join(name)).unwrap()).unwrap()
}

/// A stack with the recorded Clerk settings and the recorded clock.
async fn recorded_stack() -> Stack {
    let env = read("env.json");
    let parameters = env["Parameters"].as_object().unwrap();
    let clerk = parameters.iter().filter(|(name, _)| name.starts_with("CLERK_"));
    let settings: BTreeMap<String, String> =
        clerk.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect();
    let now = at(parameters["SLOTLINE_NOW"].as_str().unwrap());
    Stack::start(Options { settings, time: Time::Fixed(now), ..Options::default() }).await.unwrap()
}

#[tokio::test]
async fn every_recorded_event_gets_its_answer() {
    let stack = recorded_stack().await;
    let edge = functions::Edge::new(stack.app.clone());
    for (function, expected) in [
        (Function::Authorizer, json!(true)),
        (Function::AuthStart, json!(307)),
        (Function::AuthCallback, json!(303)),
        (Function::AuthStatus, json!(200)),
        (Function::Connections, json!(409)),
        (Function::Events, json!(409)),
        (Function::Bookings, json!(200)),
        (Function::Users, json!(200)),
        (Function::ClerkWebhook, json!(200)),
        (Function::VapiWebhook, json!(200)),
        (Function::TokenRefresh, json!("keep")),
        (Function::Reconcile, json!("reconcile")),
        (Function::Docs, json!(200)),
    ] {
        let name = function.as_str();
        let answer = edge.invoke(function, read(&format!("{name}.json")), "recorded").await.unwrap();
        let got = match function {
            Function::Authorizer => &answer["isAuthorized"],
            Function::TokenRefresh | Function::Reconcile => &answer["task"],
            Function::AuthStart
            | Function::AuthCallback
            | Function::AuthStatus
            | Function::Connections
            | Function::Events
            | Function::Bookings
            | Function::Users
            | Function::ClerkWebhook
            | Function::VapiWebhook
            | Function::Docs => &answer["statusCode"],
        };
        assert_eq!(*got, expected, "{name}: {answer}");
    }
}

#[tokio::test]
async fn the_recorded_message_of_the_rescue_queue_is_done_with_because_its_connection_is_gone() {
    let stack = recorded_stack().await;
    let batch = read("token-rescue.json");
    let answer = functions::invoke(Function::TokenRefresh, &stack.app, batch, "recorded").await.unwrap();
    assert_eq!(answer, json!({"batchItemFailures": []}));
}

#[test]
fn the_recorded_schedule_is_what_the_template_sends() {
    let sent = format!("Input: '{}'", read("token-refresh.json"));
    assert!(local::stack::TEMPLATE.contains(&sent), "{sent}");
}

#[test]
fn there_is_one_event_for_every_function_and_one_for_the_queue() {
    for function in Function::ALL {
        assert!(folder().join(format!("{}.json", function.as_str())).exists(), "{function:?}");
    }
    let others = ["env.json", "token-rescue.json"];
    let files = fs::read_dir(folder()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    assert_eq!(files.filter(|file| !others.contains(&file.as_str())).count(), Function::ALL.len());
}

#[test]
fn the_recorded_settings_are_those_that_the_template_declares() {
    let declared = local::stack::TEMPLATE;
    for name in read("env.json")["Parameters"].as_object().unwrap().keys() {
        assert!(
            declared.contains(&format!("{name}:")),
            "{name} is not declared, so sam local would not set it"
        );
    }
}
