//! Refusals as vendors word them, and the class of each.

use http::HeaderMap;

use super::*;

fn read(source: Source, status: u16, body: &str) -> Failure {
    classify(source, Some(status), &HeaderMap::new(), body.as_bytes(), None)
}

fn check(source: Source, cases: &[(u16, &str, Class)]) {
    for (status, body, class) in cases {
        assert_eq!(read(source, *status, body).class, *class, "{source:?} {status} {body}");
    }
}

fn with_header(source: Source, status: u16, name: &'static str, value: &'static str, body: &str) -> Failure {
    let headers = [(name.parse().unwrap(), value.parse().unwrap())].into_iter().collect();
    classify(source, Some(status), &headers, body.as_bytes(), None)
}

/// A refusal of Microsoft's token endpoint.
fn aadsts(error: &str, number: u32) -> String {
    format!(
        r#"{{"error":"{error}","error_description":"AADSTS{number}: Text. Trace ID: x","error_codes":[{number}]}}"#
    )
}

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
fn m14_a_number_of_microsofts_says_whose_fault_it_is() {
    for number in [70_008, 700_082, 700_084, 50_173, 50_076, 50_079, 50_078, 65_001, 70_000, 50_057, 53_003] {
        let body = aadsts("invalid_grant", number);
        let failure = read(Source::MicrosoftOauth, 400, &body);
        assert_eq!((failure.class, failure.reason), (Class::NeedsReauth, Some(format!("AADSTS{number}"))));
    }
    for (error, number) in [
        ("invalid_client", 7_000_215),
        ("invalid_client", 7_000_222),
        ("unauthorized_client", 700_016),
        ("invalid_request", 50_011),
        ("invalid_scope", 70_011),
        ("invalid_request", 90_002),
    ] {
        let failure = read(Source::MicrosoftOauth, 401, &aadsts(error, number));
        assert_eq!(failure.class, Class::ConfigFault, "{error} {number}");
    }
    assert_eq!(read(Source::MicrosoftOauth, 400, &aadsts("invalid_grant", 9_002_313)).class, Class::Invalid);
    assert_eq!(read(Source::MicrosoftOauth, 400, &aadsts("invalid_request", 900_144)).class, Class::Invalid);
    assert_eq!(read(Source::MicrosoftOauth, 400, &aadsts("invalid_grant", 50_196)).class, Class::Throttle);
    assert_eq!(read(Source::MicrosoftOauth, 400, &aadsts("server_error", 90_033)).class, Class::Transient);
}

#[test]
fn m14_the_text_stands_in_for_a_list_that_is_missing_and_the_error_for_a_number_that_is_unknown() {
    check(
        Source::MicrosoftOauth,
        &[
            (
                400,
                r#"{"error":"invalid_grant","error_description":"AADSTS9002313: Malformed."}"#,
                Class::Invalid,
            ),
            (
                400,
                r#"{"error":"invalid_grant","error_description":"AADSTS700082: Old."}"#,
                Class::NeedsReauth,
            ),
            (400, &aadsts("invalid_grant", 123_456), Class::NeedsReauth),
            (400, r#"{"error":"interaction_required","suberror":"basic_action"}"#, Class::NeedsReauth),
            (400, r#"{"error":"invalid_grant","suberror":"client_mismatch"}"#, Class::ConfigFault),
            (400, r#"{"error":"invalid_request","error_description":"AADSTS: ?"}"#, Class::Invalid),
            (503, r#"{"error":"temporarily_unavailable"}"#, Class::Transient),
            (429, "", Class::Throttle),
            (500, "<html>", Class::Transient),
        ],
    );
    let unknown = read(Source::MicrosoftOauth, 400, &aadsts("invalid_grant", 123_456));
    assert_eq!(unknown.reason.as_deref(), Some("AADSTS123456"));
}

#[test]
fn googles_token_endpoint() {
    let error = |code: &str| format!(r#"{{"error":"{code}","error_description":"Bad Request"}}"#);
    check(
        Source::GoogleOauth,
        &[
            (400, &error("invalid_grant"), Class::NeedsReauth),
            (400, r#"{"error":"invalid_grant","error_subtype":"invalid_rapt"}"#, Class::NeedsReauth),
            (401, &error("invalid_client"), Class::ConfigFault),
            (401, &error("deleted_client"), Class::ConfigFault),
            (401, &error("unauthorized_client"), Class::ConfigFault),
            (400, &error("redirect_uri_mismatch"), Class::ConfigFault),
            (400, &error("invalid_scope"), Class::ConfigFault),
            (403, &error("org_internal"), Class::ConfigFault),
            (400, &error("admin_policy_enforced"), Class::Permission),
            (400, &error("invalid_request"), Class::Invalid),
            (400, &error("unsupported_grant_type"), Class::Invalid),
            (500, r#"{"error":"internal_failure"}"#, Class::Transient),
            (403, r#"{"error":"rate_limit_exceeded"}"#, Class::Throttle),
            (502, "<!DOCTYPE html>", Class::Transient),
        ],
    );
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

#[test]
fn a_challenge_may_be_the_only_word_about_a_scope() {
    let challenge = r#"Bearer realm="x", error="insufficient_scope""#;
    for source in [Source::Google, Source::Graph, Source::Calendly, Source::Calcom] {
        let failure = with_header(source, 403, "www-authenticate", challenge, "");
        assert_eq!(failure.class, Class::InsufficientScope, "{source:?}");
    }
}

#[test]
fn calendlys_refusals() {
    check(
        Source::CalendlyOauth,
        &[
            (
                400,
                r#"{"error":"invalid_grant","error_description":"The provided grant is invalid."}"#,
                Class::NeedsReauth,
            ),
            (401, r#"{"error":"invalid_client"}"#, Class::ConfigFault),
            (401, "", Class::ConfigFault),
            (500, "", Class::Transient),
        ],
    );
    check(
        Source::Calendly,
        &[
            (
                401,
                r#"{"title":"Unauthenticated","message":"The access token expired"}"#,
                Class::RefreshAndRetry,
            ),
            (
                403,
                r#"{"title":"Permission Denied","message":"Please upgrade your account"}"#,
                Class::Permission,
            ),
            (
                403,
                r#"{"title":"Permission Denied","message":"Missing scope: availability:read"}"#,
                Class::InsufficientScope,
            ),
            (
                404,
                r#"{"title":"Resource Not Found","message":"The server could not find it."}"#,
                Class::NotFound,
            ),
            (400, r#"{"title":"Invalid Argument","details":[{"parameter":"start_time"}]}"#, Class::Invalid),
            (429, "", Class::Throttle),
        ],
    );
}

#[test]
fn calcoms_refusals() {
    let error = |code: &str, message: &str| {
        format!(r#"{{"status":"error","path":"/v2/x","error":{{"code":"{code}","message":"{message}"}}}}"#)
    };
    check(
        Source::CalcomOauth,
        &[
            (400, r#"{"error":"invalid_grant"}"#, Class::NeedsReauth),
            (401, &error("UnauthorizedException", "Invalid refresh token"), Class::NeedsReauth),
            (400, &error("BadRequestException", "invalid_grant"), Class::NeedsReauth),
            (401, &error("UnauthorizedException", "invalid_client"), Class::ConfigFault),
            (400, &error("BadRequestException", "Validation failed"), Class::Invalid),
        ],
    );
    check(
        Source::Calcom,
        &[
            (401, &error("UNAUTHORIZED", "Invalid Access Token."), Class::RefreshAndRetry),
            (498, &error("TokenExpiredException", "ACCESS_TOKEN_IS_EXPIRED"), Class::RefreshAndRetry),
            (403, &error("ForbiddenException", "Forbidden resource"), Class::Permission),
            (404, &error("NotFoundException", "Booking not found"), Class::NotFound),
            (400, &error("BadRequestException", "start must be a date"), Class::Invalid),
            (409, &error("ConflictException", "Taken"), Class::Conflict),
            (500, &error("INTERNAL_SERVER_ERROR", "Oops"), Class::Transient),
        ],
    );
}

#[test]
fn no_answer_is_transient_and_no_body_is_harmless() {
    let sources = [
        "google-oauth",
        "google",
        "microsoft-oauth",
        "graph",
        "calendly-oauth",
        "calendly",
        "calcom-oauth",
        "cal.com",
    ];
    for name in sources {
        let source = Source::named(name).unwrap();
        let lost = classify(source, None, &HeaderMap::new(), b"", None);
        assert_eq!((lost.class, lost.status), (Class::Transient, None));
        for body in ["", "null", "[]", "\"text\"", "{\"error\":null}", "\u{feff}{}", "<html>"] {
            assert_eq!(read(source, 500, body).class, Class::Transient, "{name} {body}");
        }
    }
    assert_eq!(Source::named("yahoo"), None);
}

#[test]
fn a_reason_is_never_the_providers_text() {
    for body in [
        r#"{"error":"ada@example.com","error_description":"ada@example.com"}"#,
        r#"{"error":{"code":"ada@example.com","message":"ada@example.com"}}"#,
    ] {
        for source in
            [Source::GoogleOauth, Source::MicrosoftOauth, Source::Google, Source::Graph, Source::Calcom]
        {
            assert_eq!(read(source, 400, body).reason, None);
        }
    }
}
