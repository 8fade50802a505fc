//! Who is asking (SECURITY.md S4): every route that needs a session, with every kind of wrong one.

use local::{
    stack,
    world::faults::{Fault, Kind},
};
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use shared::{access, random};

use crate::harness::{Answer, OTHER, Town, USER, signed};

/// Every route of the template that asks the authorizer.
fn guarded() -> Vec<(Method, String)> {
    let template = stack::template().unwrap();
    let routes = template.functions.iter().flat_map(|function| &function.routes);
    let guarded = routes.filter(|route| route.authorizer.is_some());
    let found: Vec<_> =
        guarded.map(|route| (route.method.parse().unwrap(), route.path.replace("{id}", "EXAMPLE"))).collect();
    assert!(found.len() >= 16, "{found:?}");
    found
}

/// Those that act for an owner: the rest are about the person alone, or name a business in their own way.
fn of_an_owner() -> impl Iterator<Item = (Method, String)> {
    let alone = |path: &str| path == "/users/me" || path == "/calendar/auth/complete";
    guarded().into_iter().filter(move |(_, path)| !alone(path) && !is_business(path))
}

/// Those that servers may call for a business.
fn is_business(path: &str) -> bool {
    path.starts_with("/api/v1/")
}

async fn with(town: &Town, token: &str, (method, path): &(Method, String)) -> Answer {
    town.call_as(token, method.clone(), path, None).await
}

fn is_gateways(answer: &Answer, status: u16, message: &str) {
    assert_eq!((answer.status, &answer.body), (status, &json!({ "message": message })), "{}", answer.text);
}

/// A token's parts with another header, claims or signature.
fn forged(header: &Value, claims: &Value, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let message = [header, claims].map(|part| random::base64url(part.to_string().as_bytes())).join(".");
    let signature = random::base64url(&sign(message.as_bytes()));
    format!("{message}.{signature}")
}

fn part(token: &str, index: usize) -> Value {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test]
async fn s4_no_route_answers_without_a_session() {
    let town = Town::new().await;
    for (method, path) in guarded() {
        let answer = town.answer(town.plain(method, &path)).await;
        is_gateways(&answer, 401, "Unauthorized");
    }
}

#[tokio::test]
async fn s4_no_route_answers_to_a_token_that_is_not_good() {
    let town = Town::new().await;
    let now = town.now().as_second();
    let extra = |extra: Value| town.stack.world.session_token(USER, &extra);
    let good = town.session(USER);
    let (head, claims) = (part(&good, 0), part(&good, 1));
    let jwks =
        town.client.get(&town.stack.settings["CLERK_JWKS_URL"]).send().await.unwrap().text().await.unwrap();
    let mut stranger = claims.clone();
    stranger["sub"] = json!(OTHER);
    let signature = good.rsplit('.').next().unwrap().to_owned();
    let swapped = format!("{}.{signature}", forged(&head, &stranger, |_| vec![]).trim_end_matches('.'));
    let headed = |alg: &str| json!({"alg": alg, "kid": head["kid"], "typ": "JWT"});
    let bad = [
        ("garbage", "EXAMPLE".to_owned()),
        ("three odd parts", "a.b.c".to_owned()),
        ("a service token that never was", format!("slk_EXAMPLE_{}", random::token())),
        ("expired", extra(json!({"exp": now - 6, "iat": now - 66}))),
        ("not yet valid", extra(json!({"nbf": now + 6}))),
        ("another instance", extra(json!({"iss": "https://clerk.evil.example"}))),
        ("another front end", extra(json!({"azp": "https://evil.example"}))),
        ("no front end", extra(json!({"azp": null}))),
        ("no person", extra(json!({"sub": null}))),
        ("pending", extra(json!({"sts": "pending"}))),
        ("alg none", forged(&headed("none"), &claims, |_| vec![])),
        (
            "alg HS256 under the public key",
            forged(&headed("HS256"), &claims, |message| {
                random::hmac_sha256(jwks.as_bytes(), message).to_vec()
            }),
        ),
        ("somebody else's claims", swapped),
    ];
    let (status, route) = (town.get("/calendar/auth/status").await.status, &guarded()[1]);
    assert_eq!(status, 200);
    for (what, token) in &bad {
        let answer = with(&town, token, route).await;
        assert_eq!((answer.status, &answer.body), (403, &json!({"message": "Forbidden"})), "{what}");
    }
    for route in guarded() {
        for (_, token) in [&bad[0], &bad[3], &bad[12]] {
            is_gateways(&with(&town, token, &route).await, 403, "Forbidden");
        }
    }
    let basic = town.plain(Method::GET, "/users/me").header("authorization", format!("Basic {good}"));
    is_gateways(&town.answer(basic).await, 403, "Forbidden");
}

#[tokio::test]
async fn s4_a_token_that_ends_within_the_authorizers_memory_is_refused_by_the_handlers() {
    let town = Town::new().await;
    let late = town.stack.world.session_token(USER, &json!({"exp": town.now().as_second() + 30}));
    assert_eq!(town.call_as(&late, Method::GET, "/calendar/auth/status", None).await.status, 200);
    town.advance(30);
    for route in guarded() {
        let answer = with(&town, &late, &route).await;
        assert_eq!((answer.status, answer.code()), (401, "token_expired"), "{route:?}");
        assert!(answer.body["request_id"].is_string());
    }
}

#[tokio::test]
async fn s4_somebody_elses_calendar_is_not_found() {
    let town = Town::new().await;
    let token = town.session(USER);
    for (method, path) in of_an_owner() {
        for query in [
            format!("user_id={OTHER}"),
            format!("owner=user:{OTHER}"),
            "owner=business:org_2Theirs".to_owned(),
            "owner=subaccount:sub_1".to_owned(),
        ] {
            let route = (method.clone(), format!("{path}?{query}"));
            let answer = with(&town, &token, &route).await;
            assert_eq!((answer.status, answer.code()), (404, "not_found"), "{route:?} {}", answer.text);
            assert!(!answer.text.contains("Event") && !answer.text.contains("Connection"), "{}", answer.text);
        }
        let own = with(&town, &token, &(method, format!("{path}?user_id={USER}"))).await;
        assert!(!answer_hides_the_owner(&own), "{path} {}", own.text);
    }
}

/// Whether an answer says that the person or tenant it was asked for is not there.
fn answer_hides_the_owner(answer: &Answer) -> bool {
    let detail = answer.body["detail"].as_str().unwrap_or_default();
    [401, 403].contains(&answer.status) || detail == "Owner not found" || detail == "User not found"
}

async fn acts_for_the_tenant(town: &Town, token: &str) {
    for (method, path) in of_an_owner() {
        let route = (method, format!("{path}?owner=business:org_2Ours"));
        let answer = with(town, token, &route).await;
        assert!(!answer_hides_the_owner(&answer) && answer.status < 500, "{route:?} {}", answer.text);
    }
    let status =
        town.call_as(token, Method::GET, "/calendar/auth/status?owner=business:org_2Ours", None).await;
    assert_eq!((status.status, &status.body["user_id"]), (200, &json!("business:org_2Ours")));
}

#[tokio::test]
async fn s4_a_member_by_his_sessions_organisation_acts_for_the_tenant() {
    let town = Town::new().await;
    let claim = json!({"o": {"id": "org_2Ours", "rol": "member", "slg": "ours"}});
    acts_for_the_tenant(&town, &town.stack.world.session_token(USER, &claim)).await;
}

#[tokio::test]
async fn s4_a_member_by_clerks_webhook_acts_for_the_tenant_until_he_leaves() {
    let town = Town::new().await;
    let now = town.now().as_second();
    let event = |what: &str, updated: i64| {
        json!({"type": format!("organizationMembership.{what}"), "data": {"id": "orgmem_1", "role": "org:member",
            "organization": {"id": "org_2Ours"}, "public_user_data": {"user_id": USER}, "updated_at": updated * 1000}})
    };
    let joined = signed("msg_1", now, &event("created", now).to_string());
    assert_eq!(town.webhook(&joined).await.status, 200);
    acts_for_the_tenant(&town, &town.session(USER)).await;
    let me = town.get("/users/me").await;
    assert_eq!(me.body["memberships"], json!([{"tenant": "business:org_2Ours", "role": "member"}]));
    let stranger = (Method::GET, "/calendar/auth/status?owner=business:org_2Ours".to_owned());
    assert_eq!(with(&town, &town.session(OTHER), &stranger).await.status, 404);

    let left = signed("msg_2", now, &event("deleted", now + 1).to_string());
    assert_eq!(town.webhook(&left).await.status, 200);
    assert_eq!(with(&town, &town.session(USER), &stranger).await.status, 404);
}

#[tokio::test]
async fn s4_a_service_token_is_no_person() {
    let town = Town::new().await;
    let (app, tenant) = (&town.stack.app, "business:org_2Ours".parse().unwrap());
    let token = access::issue_service_token(app, tenant, vec!["users:read".into()], None).await.unwrap();
    for route in guarded() {
        let answer = with(&town, token.expose_secret(), &route).await;
        let code = if is_business(&route.1) { "insufficient_scope" } else { "user_session_required" };
        assert_eq!((answer.status, answer.code()), (403, code), "{route:?}");
    }
    let wrong = format!("{}x", token.expose_secret());
    is_gateways(&with(&town, &wrong, &guarded()[0]).await, 403, "Forbidden");
}

#[tokio::test]
async fn s4_a_service_token_ends_when_it_says() {
    let town = Town::new().await;
    let (app, tenant) = (&town.stack.app, "business:org_2Ours".parse().unwrap());
    let end = town.now() + jiff::SignedDuration::from_secs(30);
    let token = access::issue_service_token(app, tenant, vec![], Some(end)).await.unwrap();
    let route = (Method::GET, "/users/me".to_owned());
    assert_eq!(with(&town, token.expose_secret(), &route).await.code(), "user_session_required");
    town.advance(30);
    assert_eq!(with(&town, token.expose_secret(), &route).await.code(), "token_expired");
    town.advance(60);
    is_gateways(&with(&town, token.expose_secret(), &route).await, 403, "Forbidden");
}

#[tokio::test]
async fn s4_an_outage_of_clerk_is_not_told_as_a_bad_session() {
    let town = Town::new().await;
    town.arm(Fault::new("clerk", "jwks", Kind::Status).with(500).times(100));
    for _ in 0..3 {
        is_gateways(&town.get("/users/me").await, 500, "Internal Server Error");
    }
    town.stack.world.faults().clear();
    town.advance(61);
    assert_eq!(town.get("/users/me").await.status, 200);
}

#[tokio::test]
async fn s4_known_keys_outlive_an_outage_of_clerk() {
    let town = Town::new().await;
    assert_eq!(town.get("/users/me").await.status, 200);
    town.arm(Fault::new("clerk", "jwks", Kind::Status).with(500).times(100));
    town.advance(2 * 3600);
    assert_eq!(town.get("/users/me").await.status, 200);
}
