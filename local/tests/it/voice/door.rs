//! Who may call, and whose calendar is meant (SECURITY.md S4).

use local::world::{Credential, ToolCall};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use shared::{
    ids::OwnerId,
    store::directory::{CredentialKind, Route},
    vapi::signature::{HmacSpec, sign},
};

use super::{FREE_DAY, NOT_SET_UP, booking, check, free_day, phone, post, sent, written};
use crate::harness::{OTHER, Town, USER};

#[tokio::test]
async fn s4_a_secret_and_a_bearer_open_the_line_in_their_headers() {
    let town = Town::connected().await;
    for kind in [CredentialKind::Secret, CredentialKind::Bearer] {
        let (id, secret) = town.phone_line(kind).await;
        for line in [Credential::Secret(secret.clone()), Credential::Bearer(secret.clone())] {
            assert_eq!(town.say(&phone(), &line, &free_day()).await.unwrap(), FREE_DAY);
        }
        let message = phone().tool_calls(&[free_day()], town.now()).to_string();
        let path = format!("/vapi/webhook/{id}");
        assert_eq!(post(&town, &path, &[("x-vapi-secret", &secret)], message.clone()).await.status, 200);
        let (other, _) = town.phone_line(kind).await;
        let path = format!("/vapi/webhook/{other}");
        assert_eq!(
            post(&town, &path, &[("x-vapi-secret", &secret)], message).await.status,
            401,
            "the path is another's"
        );
    }
}

#[tokio::test]
async fn s4_a_signature_opens_the_line_of_its_path_in_seconds_and_milliseconds() {
    let town = Town::connected().await;
    let (id, key) = town.phone_line(CredentialKind::Hmac).await;
    let (path, key) = (format!("/vapi/webhook/{id}"), SecretString::from(key));
    let body = booking().to_string();
    let signed =
        |key: &SecretString, timestamp: &str| sign(key, &HmacSpec::default(), timestamp, body.as_bytes());
    let now = town.now();
    let (seconds, millis) = (now.as_second().to_string(), now.as_millisecond().to_string());
    let old = (now.as_second() - 301).to_string();
    let ahead = (now.as_second() + 301).to_string();
    let other = SecretString::from(town.phone_line(CredentialKind::Hmac).await.1);
    let good = signed(&key, &seconds);
    for (what, path, timestamp, signature, body) in [
        ("tampered", path.as_str(), &seconds, good.clone(), body.replace("Caller", "Other")),
        ("old", &path, &old, signed(&key, &old), body.clone()),
        ("ahead", &path, &ahead, signed(&key, &ahead), body.clone()),
        ("another time", &path, &millis, good.clone(), body.clone()),
        ("wrong key", &path, &seconds, signed(&other, &seconds), body.clone()),
        ("empty", &path, &seconds, String::new(), body.clone()),
        ("no path", "/vapi/webhook", &seconds, good.clone(), body.clone()),
    ] {
        let answer =
            post(&town, path, &[("x-timestamp", timestamp), ("x-signature", &signature)], body).await;
        assert_eq!((answer.status, answer.code()), (401, "vapi_credential"), "{what}: {}", answer.text);
    }
    assert_eq!(
        post(&town, &path, &[("x-signature", &good)], body.clone()).await.status,
        401,
        "without a time"
    );
    assert_eq!(written(&town).await, (0, 0));
    for timestamp in [&seconds, &millis] {
        let headers = [("x-timestamp", timestamp.as_str()), ("x-signature", &signed(&key, timestamp))];
        let answer = post(&town, &path, &headers, body.clone()).await;
        assert!(answer.text.contains("You're booked"), "{}", answer.text);
    }
    assert_eq!(written(&town).await, (1, 1), "the second is a repeat of the first");
}

#[tokio::test]
async fn s4_without_a_good_credential_nothing_happens() {
    let town = Town::connected().await;
    let (id, secret) = town.phone_line(CredentialKind::Secret).await;
    let (hmac, _) = town.phone_line(CredentialKind::Hmac).await;
    let body = booking().to_string();
    let bearer = format!("Bearer {}", town.session(USER));
    let of_hmac = format!("slv_{}_EXAMPLE", hmac.trim_start_matches("vcr_"));
    let longer = format!("{secret}x");
    let own = format!("/vapi/webhook/{id}");
    for (path, headers) in [
        ("/vapi/webhook", vec![]),
        (own.as_str(), vec![]),
        ("/vapi/webhook/vcr_EXAMPLE", vec![]),
        ("/vapi/webhook/vcr_EXAMPLE", vec![("x-vapi-secret", secret.as_str())]),
        ("/vapi/webhook", vec![("x-vapi-secret", "")]),
        ("/vapi/webhook", vec![("x-vapi-secret", "slv_EXAMPLE_EXAMPLE")]),
        ("/vapi/webhook", vec![("x-vapi-secret", longer.as_str())]),
        ("/vapi/webhook", vec![("x-vapi-secret", &secret[..secret.len() - 1])]),
        ("/vapi/webhook", vec![("x-vapi-secret", of_hmac.as_str())]),
        ("/vapi/webhook", vec![("authorization", bearer.as_str())]),
    ] {
        let answer = post(&town, path, &headers, body.clone()).await;
        assert_eq!(answer.status, 401, "{path} {}: {}", headers.len(), answer.text);
        assert!(!answer.text.contains(USER));
    }
    assert_eq!(post(&town, "/vapi/webhook", &[], "not json").await.status, 401, "who is asking comes first");
    assert_eq!(written(&town).await, (0, 0));
}

#[tokio::test]
async fn the_number_id_decides_before_the_number_the_assistant_and_the_default() {
    let town = Town::connected().await;
    let tenant = OwnerId::user(USER).unwrap();
    let (_, secret) = town.phone_line(CredentialKind::Secret).await;
    let line = Credential::Secret(secret);
    let call = phone();
    let matches = [
        "default".to_owned(),
        format!("assistant:{}", call.assistant_id.clone().unwrap()),
        format!("number:{}", call.phone_number),
        format!("phone_number_id:{}", call.phone_number_id),
    ];
    // Only the owner's calendar is connected, so that the answer tells who was meant. Each match in its turn leads
    // to somebody else first and to the owner then.
    let routed = async |match_on: &str, owner: &str| {
        let route = Route { match_on: match_on.to_owned(), owner: OwnerId::user(owner).unwrap() };
        town.stack.app.store.put_route(&tenant, route).await.unwrap();
        // Routes are remembered for a minute.
        town.advance(61);
        let tool = check(json!({"date": "2026-01-13", "user_id": OTHER, "owner": format!("user:{OTHER}")}));
        town.say(&call, &line, &tool).await.unwrap() == FREE_DAY
    };
    for match_on in &matches {
        assert!(!routed(match_on, OTHER).await, "{match_on}");
        assert!(routed(match_on, USER).await, "{match_on}");
    }
    for match_on in matches.iter().take(3) {
        assert!(routed(match_on, OTHER).await, "{match_on} comes after the number's id");
    }
}

#[tokio::test]
async fn a_call_that_no_route_takes_is_told_so() {
    let town = Town::connected().await;
    let tenant = OwnerId::user(USER).unwrap();
    let (_, secret) =
        shared::voice::issue_credential(&town.stack.app, tenant, CredentialKind::Secret).await.unwrap();
    let line = Credential::Secret(secret.expose_secret().to_owned());
    let tool = check(json!({"date": "2026-01-13", "user_id": USER, "owner": USER}));
    assert_eq!(town.say(&phone(), &line, &tool).await.unwrap(), NOT_SET_UP);
    let answer = sent(&town, &line, &booking()).await;
    assert_eq!(answer.body["results"][0]["result"], NOT_SET_UP);
    let legacy = phone().function_call("get_availability", &json!({}), town.now());
    assert_eq!(sent(&town, &line, &legacy).await.body, json!({"result": NOT_SET_UP}));
    assert_eq!(written(&town).await, (0, 0));
}

#[tokio::test]
async fn what_the_model_says_about_who_is_meant_is_ignored() {
    let town = Town::connected().await;
    let line = town.line().await;
    let ids = json!({"user_id": OTHER, "owner": format!("user:{OTHER}"), "owner_id": OTHER, "tenant": OTHER, "connection_id": "con_EXAMPLE"});
    let mut arguments = json!({"start_time": "2026-01-13T10:00:00Z", "name": "Caller"});
    for (name, id) in ids.as_object().unwrap() {
        arguments[name] = id.clone();
    }
    let answer = town.say(&phone(), &line, &ToolCall::new("book_appointment", arguments)).await.unwrap();
    assert!(answer.starts_with("You're booked"), "{answer}");
    assert_eq!(written(&town).await, (1, 1));
}
