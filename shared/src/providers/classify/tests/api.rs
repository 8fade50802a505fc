//! What Graph and Google Calendar say.

use super::*;

/// A refusal of Google Calendar.
fn google(code: u16, reason: &str) -> String {
    format!(
        r#"{{"error":{{"errors":[{{"domain":"global","reason":"{reason}","message":"Text of it"}}],"code":{code},"message":"Text of it"}}}}"#
    )
}

/// A refusal of Graph.
fn graph(code: &str) -> String {
    format!(
        r#"{{"error":{{"code":"{code}","message":"Text of it.","innerError":{{"date":"2026-01-05T09:00:00","request-id":"r"}}}}}}"#
    )
}

#[test]
fn g11_a_403_of_googles_is_told_by_its_reason() {
    for reason in ["rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded"] {
        assert_eq!(read(Source::Google, 403, &google(403, reason)).class, Class::Throttle, "{reason}");
    }
    let scope = r#"{"error":{"code":403,"message":"Request had insufficient authentication scopes.",
        "errors":[{"message":"Insufficient Permission","domain":"global","reason":"insufficientPermissions"}],
        "status":"PERMISSION_DENIED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo",
        "reason":"ACCESS_TOKEN_SCOPE_INSUFFICIENT","domain":"googleapis.com"}]}}"#;
    let disabled = r#"{"error":{"code":403,"message":"Google Calendar API has not been used in project 1 before.",
        "errors":[{"domain":"usageLimits","reason":"accessNotConfigured"}],"status":"PERMISSION_DENIED",
        "details":[{"reason":"SERVICE_DISABLED"}]}}"#;
    check(
        Source::Google,
        &[
            (403, scope, Class::InsufficientScope),
            (403, disabled, Class::ConfigFault),
            (403, &google(403, "forbidden"), Class::Permission),
            (403, &google(403, "forbiddenForNonOrganizer"), Class::Permission),
            (403, &google(403, "requiredAccessLevel"), Class::Permission),
            (403, &google(403, "notACalendarUser"), Class::NoMailbox),
            (403, "", Class::Permission),
        ],
    );
}

#[test]
fn googles_other_refusals() {
    check(
        Source::Google,
        &[
            (401, &google(401, "authError"), Class::RefreshAndRetry),
            (401, r#"{"error":{"code":401,"status":"UNAUTHENTICATED"}}"#, Class::RefreshAndRetry),
            (404, &google(404, "notFound"), Class::NotFound),
            (409, &google(409, "duplicate"), Class::Duplicate),
            (410, &google(410, "deleted"), Class::Gone),
            (410, &google(410, "fullSyncRequired"), Class::Resync),
            (410, &google(410, "updatedMinTooLongAgo"), Class::Resync),
            (410, "", Class::Gone),
            (412, &google(412, "conditionNotMet"), Class::Conflict),
            (429, &google(429, "rateLimitExceeded"), Class::Throttle),
            (400, &google(400, "invalid"), Class::Invalid),
            (400, &google(400, "timeRangeEmpty"), Class::Invalid),
            (500, &google(500, "backendError"), Class::Transient),
            (503, "", Class::Transient),
        ],
    );
    let listed = classify(Source::Google, Some(410), &HeaderMap::new(), b"", Some("events.list"));
    assert_eq!(listed.class, Class::Resync);
}

#[test]
fn graphs_refusals() {
    check(
        Source::Graph,
        &[
            (401, &graph("InvalidAuthenticationToken"), Class::RefreshAndRetry),
            (401, "", Class::RefreshAndRetry),
            (401, &graph("OrganizationFromTenantGuidNotFound"), Class::NoMailbox),
            (403, &graph("ErrorAccessDenied"), Class::Permission),
            (404, &graph("ErrorItemNotFound"), Class::NotFound),
            (404, &graph("MailboxNotEnabledForRESTAPI"), Class::NoMailbox),
            (404, &graph("MailboxNotSupportedForRESTAPI"), Class::NoMailbox),
            (
                404,
                r#"{"error":{"code":"ResourceNotFound","message":"Resource could not be discovered."}}"#,
                Class::NoMailbox,
            ),
            (
                404,
                r#"{"error":{"code":"ResourceNotFound","message":"The object was not found."}}"#,
                Class::NotFound,
            ),
            (409, &graph("ErrorIrresolvableConflict"), Class::Conflict),
            (410, &graph("syncStateNotFound"), Class::Resync),
            (410, &graph("resyncRequired"), Class::Resync),
            (412, &graph("ErrorIrresolvableConflict"), Class::Conflict),
            (429, &graph("ApplicationThrottled"), Class::Throttle),
            (400, &graph("ErrorInvalidIdMalformed"), Class::Invalid),
            (400, &graph("ErrorPropertyValidationFailure"), Class::Invalid),
            (500, &graph("ErrorInternalServerError"), Class::Transient),
            (503, &graph("ErrorServerBusy"), Class::Transient),
            (504, "", Class::Transient),
        ],
    );
}

#[test]
fn m10_an_overloaded_server_that_says_for_how_long_is_a_throttle() {
    let failure = with_header(Source::Graph, 503, "retry-after", "2.5", &graph("ErrorServerBusy"));
    let wait = Some(jiff::SignedDuration::from_millis(2500));
    assert_eq!((failure.class, failure.retry_after), (Class::Throttle, wait));
    assert_eq!(with_header(Source::MicrosoftOauth, 503, "retry-after", "1", "").class, Class::Throttle);
    assert_eq!(with_header(Source::Graph, 502, "retry-after", "1", "").class, Class::Transient);
}
