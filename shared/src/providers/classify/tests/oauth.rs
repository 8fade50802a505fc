//! What Microsoft's and Google's token endpoints say.

use super::*;

/// A refusal of Microsoft's token endpoint.
fn aadsts(error: &str, number: u32) -> String {
    format!(
        r#"{{"error":"{error}","error_description":"AADSTS{number}: Text. Trace ID: x","error_codes":[{number}]}}"#
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
            (400, &error("invalid_token"), Class::NeedsReauth),
            (400, &error("admin_policy_enforced"), Class::Permission),
            (400, &error("invalid_request"), Class::Invalid),
            (400, &error("unsupported_grant_type"), Class::Invalid),
            (500, r#"{"error":"internal_failure"}"#, Class::Transient),
            (403, r#"{"error":"rate_limit_exceeded"}"#, Class::Throttle),
            (502, "<!DOCTYPE html>", Class::Transient),
        ],
    );
}
