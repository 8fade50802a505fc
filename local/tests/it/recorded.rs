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
        (Function::Users, json!(200)),
        (Function::ClerkWebhook, json!(200)),
        (Function::VapiWebhook, json!(200)),
        (Function::Docs, json!(200)),
    ] {
        let name = function.as_str();
        let answer = edge.invoke(function, read(&format!("{name}.json")), "recorded").await.unwrap();
        let got =
            if function == Function::Authorizer { &answer["isAuthorized"] } else { &answer["statusCode"] };
        assert_eq!(*got, expected, "{name}: {answer}");
    }
}

#[test]
fn there_is_one_event_for_every_function() {
    for function in Function::ALL {
        assert!(folder().join(format!("{}.json", function.as_str())).exists(), "{function:?}");
    }
    let files =
        fs::read_dir(folder()).unwrap().filter(|file| file.as_ref().unwrap().file_name() != "env.json");
    assert_eq!(files.count(), Function::ALL.len());
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
