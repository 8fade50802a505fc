//! Refusals as vendors word them, and the class of each.

mod api;
mod brokers;
mod oauth;

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

#[test]
fn a_challenge_may_be_the_only_word_about_a_scope() {
    let challenge = r#"Bearer realm="x", error="insufficient_scope""#;
    for source in [Source::Google, Source::Graph, Source::Calendly, Source::Calcom] {
        let failure = with_header(source, 403, "www-authenticate", challenge, "");
        assert_eq!(failure.class, Class::InsufficientScope, "{source:?}");
    }
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
