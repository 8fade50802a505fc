//! Every error as HTTP: status, headers and body.

use shared::{error::Alternative, ids::Provider, range::Interval};

use super::*;

async fn rendered(error: Error) -> (u16, http::HeaderMap, Value) {
    let problem = Problem::from(error);
    let response = problem.render(Face::Calendar, "req-1", StatusCode::OK.into_response());
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    (parts.status.as_u16(), parts.headers, serde_json::from_slice(&bytes).unwrap())
}

fn minute() -> SignedDuration {
    SignedDuration::from_secs(60)
}

#[tokio::test]
async fn every_error_has_its_status_and_code() {
    let table = [
        (Error::Malformed("x".into()), 400, "malformed_request"),
        (Error::invalid("to", "must be later"), 422, "invalid_field"),
        (Error::Unauthenticated { code: "token_expired" }, 401, "token_expired"),
        (Error::Forbidden { code: "wrong_person", reason: "No." }, 403, "wrong_person"),
        (Error::NotFound("event"), 404, "not_found"),
        (Error::conflict("in_progress", "Wait."), 409, "in_progress"),
        (Error::SlotTaken { alternatives: vec![] }, 409, "slot_taken"),
        (Error::Unsupported { provider: Provider::Google, what: "this" }, 409, "unsupported"),
        (Error::PreconditionFailed, 412, "precondition_failed"),
        (Error::ConnectFailed { code: "state_used", reason: "Again." }, 400, "state_used"),
        (Error::TooManyRequests { retry_after: minute() }, 429, "too_many_requests"),
        (Error::Unavailable { system: "dynamodb", retry_after: minute() }, 503, "unavailable"),
        (Error::Upstream { system: "google", code: "config_fault" }, 502, "config_fault"),
        (Error::internal("a row without a key"), 500, "internal"),
    ];
    for (error, status, code) in table {
        let text = error.to_string();
        let (got, headers, body) = rendered(error).await;
        assert_eq!(got, status, "{text}");
        assert_eq!(body["code"], code, "{text}");
        assert_eq!(body["request_id"], "req-1", "{text}");
        assert_eq!(headers["content-type"], "application/problem+json");
        assert_eq!(headers.contains_key("retry-after"), matches!(status, 429 | 503), "{text}");
        if status < 500 {
            assert_eq!(body["status"], status, "{text}");
            assert!(body["detail"].is_string() && body["title"].is_string(), "{text}");
        }
    }
}

#[tokio::test]
async fn a_fault_of_ours_says_nothing_but_code_and_request_id() {
    for error in [
        Error::internal("secret text"),
        Error::Upstream { system: "google", code: "permission" },
        Error::Unavailable { system: "kms", retry_after: minute() },
    ] {
        let (_, _, body) = rendered(error).await;
        let names: Vec<_> = body.as_object().unwrap().keys().collect();
        assert_eq!(names, ["code", "request_id"]);
    }
}

#[tokio::test]
async fn what_a_caller_can_act_on_comes_along() {
    let (_, _, body) = rendered(Error::invalid("to", "must be after from")).await;
    assert_eq!((&body["field"], &body["detail"]), (&json!("to"), &json!("to must be after from")));

    let error = Error::NeedsConnection {
        code: "no_connection",
        reason: "Connect first.".into(),
        reconnect_url: "https://api.example.com/calendar/auth/start".into(),
    };
    let (status, _, body) = rendered(error).await;
    assert_eq!((status, &body["code"]), (409, &json!("no_connection")));
    assert_eq!(body["reconnect_url"], "https://api.example.com/calendar/auth/start");

    let slot =
        Interval::new("2026-01-05T14:00:00Z".parse().unwrap(), "2026-01-05T14:30:00Z".parse().unwrap());
    let offered = Alternative { interval: slot, slot: Some("EXAMPLE".into()) };
    let (_, _, body) = rendered(Error::SlotTaken { alternatives: vec![offered] }).await;
    let expected =
        json!([{"start": "2026-01-05T14:00:00Z", "end": "2026-01-05T14:30:00Z", "slot": "EXAMPLE"}]);
    assert_eq!(body["alternatives"], expected);

    let (_, headers, _) = rendered(Error::TooManyRequests { retry_after: minute() }).await;
    assert_eq!(headers["retry-after"], "60");
}
