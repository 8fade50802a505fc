//! The generated document: every operation answers, and no two share an id.

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;

fn json() -> Value {
    serde_json::to_value(document()).unwrap()
}

/// Every operation with its path and method.
fn each(document: &Value) -> Vec<(String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().iter();
        methods.map(move |(method, operation)| (format!("{} {path}", method.to_uppercase()), operation))
    });
    operations.collect()
}

#[test]
fn the_document_holds_exactly_the_routes_of_the_functions() {
    let document = json();
    assert_eq!(document["openapi"], "3.1.0");
    let routes: Vec<_> = each(&document).into_iter().map(|(route, _)| route).collect();
    let mut expected = vec![
        "DELETE /api/v1/bookings/{id}",
        "GET /api/v1/bookings",
        "GET /api/v1/bookings/{id}",
        "GET /api/v1/businesses/{id}",
        "GET /api/v1/calendar/availability",
        "GET /api/v1/calendars",
        "PATCH /api/v1/bookings/{id}",
        "PATCH /api/v1/businesses/{id}",
        "POST /api/v1/bookings",
        "POST /api/v1/businesses",
        "DELETE /calendar/auth/disconnect",
        "DELETE /calendar/connections/{id}",
        "DELETE /calendar/events/{id}",
        "DELETE /calendar/holds/{id}",
        "DELETE /calendar/services/{id}",
        "GET /",
        "GET /calendar/auth/callback",
        "GET /calendar/auth/callback/{provider}",
        "GET /calendar/auth/start",
        "GET /calendar/auth/status",
        "GET /calendar/availability",
        "GET /calendar/bookings",
        "GET /calendar/bookings/{id}",
        "GET /calendar/calendars",
        "GET /calendar/connections",
        "GET /calendar/events",
        "GET /calendar/events/{id}",
        "GET /calendar/free-busy",
        "GET /calendar/schedule",
        "GET /calendar/services",
        "GET /calendar/services/{id}",
        "GET /docs",
        "GET /health",
        "GET /openapi.json",
        "GET /ready",
        "GET /users/me",
        "PATCH /calendar/events/{id}",
        "POST /calendar/auth/complete",
        "POST /calendar/bookings",
        "POST /calendar/bookings/{id}/cancel",
        "POST /calendar/bookings/{id}/reschedule",
        "POST /calendar/connections/{id}/default",
        "POST /calendar/connections/{id}/verify",
        "POST /calendar/events",
        "POST /calendar/holds",
        "POST /vapi/webhook",
        "POST /vapi/webhook/{credential}",
        "POST /webhooks/clerk",
        "PUT /calendar/calendars/selection",
        "PUT /calendar/schedule",
        "PUT /calendar/services/{id}",
    ];
    let mut sorted = routes.clone();
    sorted.sort();
    expected.sort_unstable();
    assert_eq!(sorted, expected);
}

#[test]
fn every_operation_is_whole() {
    let document = json();
    let (mut ids, mut count) = (BTreeSet::new(), 0);
    for (route, operation) in each(&document) {
        count += 1;
        ids.insert(
            operation["operationId"].as_str().unwrap_or_else(|| panic!("{route} has no id")).to_owned(),
        );
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.keys().any(|status| status.starts_with(['2', '3'])), "{route}");
        assert!(responses.contains_key("500") && responses.contains_key("429"), "{route}");
        assert!(!operation["summary"].as_str().unwrap_or_default().is_empty(), "{route}");
        let tag = operation["tags"][0].as_str().unwrap();
        assert!(TAGS.iter().any(|(name, _)| *name == tag), "{route} {tag}");
        let named: BTreeSet<_> = route.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect();
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let declared = parameters.iter().filter(|parameter| parameter["in"] == "path");
        let declared: BTreeSet<_> = declared.map(|parameter| parameter["name"].as_str().unwrap()).collect();
        assert_eq!(named, declared, "{route}");
        if operation.get("security").is_some() {
            for status in ["401", "403", "404"] {
                assert!(responses.contains_key(status), "{route} {status}");
            }
        }
    }
    assert_eq!(ids.len(), count, "an operationId is used twice");
}

#[test]
fn every_reference_leads_somewhere() {
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    match (name.as_str(), member.as_str()) {
                        ("$ref", Some(target)) => {
                            found.insert(target.to_owned());
                        }
                        _ => references(member, found),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let document = json();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(found.len() > 10);
    for target in found {
        let pointer = target.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{target}");
    }
}

#[test]
fn a_guarded_route_names_its_scheme_and_a_public_one_has_none() {
    let document = json();
    for (route, operation) in each(&document) {
        let public = ["/calendar/auth/start", "/calendar/auth/callback", "/webhooks/", "/vapi/webhook"];
        let public = public.iter().any(|path| route.contains(path))
            || ["GET /", "GET /health", "GET /ready", "GET /docs", "GET /openapi.json"]
                .contains(&route.as_str());
        assert_eq!(operation.get("security").is_none(), public, "{route}");
    }
    assert_eq!(document["components"]["securitySchemes"]["clerk_session"]["scheme"], "bearer");
}

#[test]
fn a_refusal_has_the_content_type_of_its_face_and_the_gateways_own_is_told_beside_it() {
    let document = json();
    let types = |route: (&str, &str), status: &str| -> Vec<String> {
        let content = &document["paths"][route.0][route.1]["responses"][status]["content"];
        content.as_object().unwrap().keys().cloned().collect()
    };
    let (problem, plain) = ("application/problem+json", "application/json");
    assert_eq!(types(("/calendar/events/{id}", "patch"), "412"), [problem]);
    assert_eq!(types(("/calendar/bookings", "post"), "409"), [problem]);
    assert_eq!(types(("/vapi/webhook", "post"), "401"), [problem]);
    assert_eq!(types(("/vapi/webhook/{credential}", "post"), "404"), [problem]);
    assert_eq!(types(("/calendar/auth/callback/{provider}", "get"), "404"), [problem]);
    assert_eq!(types(("/calendar/events", "get"), "401"), [plain, problem]);
    assert_eq!(types(("/calendar/events", "get"), "403"), [plain, problem]);
    assert_eq!(types(("/api/v1/bookings", "post"), "409"), [plain]);
    let either =
        &document["paths"]["/api/v1/bookings"]["get"]["responses"]["401"]["content"][plain]["schema"];
    assert_eq!(either["oneOf"].as_array().map(Vec::len), Some(2), "{either}");
}

#[test]
fn a_booking_asks_for_a_name_and_an_event_for_an_address() {
    let document = json();
    let attendee = |body: &str, path: &str| {
        let found = document["components"]["schemas"][body].pointer(path).and_then(Value::as_str);
        let name = found.unwrap_or_else(|| panic!("{body}")).rsplit('/').next().unwrap_or_default();
        document["components"]["schemas"][name].clone()
    };
    for body in ["BookingBody", "NewBusinessBooking"] {
        let guest = attendee(body, "/allOf/1/properties/attendee/oneOf/0/$ref");
        assert_eq!(guest["required"], serde_json::json!(["name"]), "{body} {guest}");
    }
    let invited = attendee("EventBody", "/properties/attendees/items/$ref");
    assert_eq!(invited["oneOf"].as_array().map(Vec::len), Some(2), "{invited}");
}

#[test]
fn every_status_of_a_booking_is_told() {
    let document = json();
    let shown = document["components"]["schemas"]["Booking"]["properties"]["status"]["description"].clone();
    let mut told = vec![shown];
    for path in ["/calendar/bookings", "/api/v1/bookings"] {
        let parameters = document["paths"][path]["get"]["parameters"].as_array().unwrap().iter();
        let status = parameters.filter(|parameter| parameter["name"] == "status");
        told.extend(status.map(|parameter| parameter["description"].clone()));
    }
    assert_eq!(told.len(), 3, "{told:?}");
    for (text, status) in
        told.iter().flat_map(|text| ["creating", "confirmed", "cancelled", "failed"].map(|one| (text, one)))
    {
        assert!(text.as_str().unwrap().contains(&format!("`{status}`")), "{status}: {text}");
    }
}

/// The bounds stand in attributes, which take no constant.
#[test]
fn a_length_has_the_bounds_that_are_held() {
    fn lengths(value: &Value, found: &mut Vec<(Value, Value)>) {
        let named = value["name"] == "duration_minutes";
        let bounds = |schema: &Value| (schema["minimum"].clone(), schema["maximum"].clone());
        match value {
            Value::Object(_) if named => found.push(bounds(&value["schema"])),
            Value::Object(members) => {
                found.extend(members.get("duration_minutes").filter(|schema| schema.is_object()).map(bounds));
                members.values().for_each(|member| lengths(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| lengths(item, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut found = Vec::new();
    lengths(&json(), &mut found);
    assert!(found.len() >= 6, "{found:?}");
    for bounds in found {
        let (least, most) = shared::service::LENGTHS.into_inner();
        assert_eq!(bounds, (least.into(), most.into()));
    }
}
