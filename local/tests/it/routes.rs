//! What is documented, what deploys and what is served are the same routes.

use std::collections::BTreeSet;

use functions::Function;
use local::gateway::Template;
use reqwest::Method;
use serde_json::Value;

use crate::harness::Town;

/// `GET /path` of everything in the OpenAPI document.
fn documented() -> BTreeSet<String> {
    let document: Value = serde_json::from_str(&functions::document().to_json().unwrap()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let of = |(path, item): (&String, &Value)| {
        let methods = item.as_object().unwrap().keys().filter(|key| key.parse::<Method>().is_ok());
        methods.map(|method| format!("{} {path}", method.to_uppercase())).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of).collect()
}

fn template() -> Template {
    local::stack::template().unwrap()
}

#[test]
fn every_documented_route_deploys_and_every_deployed_route_is_documented() {
    let template = template();
    let routes = template.functions.iter().flat_map(|function| &function.routes);
    let deployed: BTreeSet<_> = routes.map(|route| format!("{} {}", route.method, route.path)).collect();
    assert_eq!(documented(), deployed);
}

#[test]
fn every_function_of_the_executable_deploys_and_no_other() {
    let deployed: BTreeSet<_> =
        template().functions.iter().map(|function| function.handler.clone()).collect();
    let known: BTreeSet<_> = Function::ALL.iter().map(|function| function.as_str().to_owned()).collect();
    assert_eq!(deployed, known);
}

#[tokio::test]
async fn every_deployed_route_is_served_by_its_function() {
    let town = Town::new().await;
    for function in &template().functions {
        for route in &function.routes {
            let path = route
                .path
                .replace("{provider}", "google")
                .replace("{credential}", "vcr_x")
                .replace("{id}", "x");
            let answer = town.call(route.method.parse().unwrap(), &path, None).await;
            let unserved =
                answer.body["detail"] == "There is no such route." || answer.code() == "method_not_allowed";
            assert!(!unserved && answer.status != 500, "{} {path}: {}", route.method, answer.text);
            assert_ne!(answer.body["message"], "Not Found", "{} {path} is not in the gateway", route.method);
        }
    }
}

#[tokio::test]
async fn what_is_public_is_what_proves_itself_otherwise() {
    let public: BTreeSet<_> = template()
        .functions
        .iter()
        .flat_map(|function| &function.routes)
        .filter(|route| route.authorizer.is_none())
        .map(|route| format!("{} {}", route.method, route.path))
        .collect();
    let expected = [
        "GET /",
        "GET /health",
        "GET /ready",
        "GET /docs",
        "GET /openapi.json",
        "GET /calendar/auth/start",
        "GET /calendar/auth/callback",
        "GET /calendar/auth/callback/{provider}",
        "POST /webhooks/clerk",
        "POST /vapi/webhook",
        "POST /vapi/webhook/{credential}",
    ];
    assert_eq!(public, expected.map(str::to_owned).into());
}

#[tokio::test]
async fn the_public_pages_answer_without_any_call_outside_but_ready_which_reads_once() {
    let town = Town::new().await;
    town.counters().reset();
    for path in ["/", "/health", "/docs", "/openapi.json"] {
        assert_eq!(town.answer(town.plain(Method::GET, path)).await.status, 200, "{path}");
    }
    let calls: u64 = town.counters().snapshot().values().flat_map(|operations| operations.values()).sum();
    assert_eq!(calls, 0, "{:?}", town.counters().snapshot());
    for _ in 0..3 {
        assert_eq!(town.answer(town.plain(Method::GET, "/ready")).await.status, 200);
    }
    assert_eq!((town.counters().of("dynamodb", "GetItem"), town.counters().of("kms", "DescribeKey")), (1, 1));
}

#[tokio::test]
async fn the_docs_page_needs_nothing_from_elsewhere() {
    let town = Town::new().await;
    let page = town.answer(town.plain(Method::GET, "/docs")).await;
    for outside in ["src=\"http", "href=\"http", "@import", "url(http"] {
        assert!(!page.text.contains(outside), "{outside}");
    }
    assert!(page.text.contains("/calendar/availability"));
}

#[tokio::test]
async fn the_frontends_origin_is_allowed_and_no_other() {
    let town = Town::new().await;
    let ask = |origin: &str| {
        let request = town.plain(Method::OPTIONS, "/calendar/auth/status").header("origin", origin);
        town.answer(request.header("access-control-request-method", "GET"))
    };
    assert_eq!(
        ask("http://localhost:3001").await.headers["access-control-allow-origin"],
        "http://localhost:3001"
    );
    assert!(!ask("https://evil.example").await.headers.contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn a_question_mark_within_an_id_is_part_of_the_id() {
    let town = Town::new().await;
    for path in ["/calendar/bookings/odd%3Fid/cancel", "/calendar/connections/odd%3Fid/verify"] {
        let answer = town.call(Method::POST, path, None).await;
        assert_eq!((answer.status, answer.code()), (404, "not_found"), "{path} {}", answer.text);
    }
}
