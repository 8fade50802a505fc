//! Signatures that hold and those that do not.

use super::*;

const NOW: i64 = 1_800_000_000;
const BODY: &[u8] = br#"{"type":"user.created"}"#;
/// "EXAMPLE-webhook-secret-1" and "-2".
const SECRET: &str = "whsec_RVhBTVBMRS13ZWJob29rLXNlY3JldC0x";
const OTHER: &str = "whsec_RVhBTVBMRS13ZWJob29rLXNlY3JldC0y";

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

fn signed(secret: &str, sent_at: i64) -> String {
    sign(&SecretString::from(secret), "msg_1", Timestamp::from_second(sent_at).unwrap(), BODY).unwrap()
}

fn header_map(headers: &[(&str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap());
    }
    map
}

fn judge(secrets: &[&str], headers: &[(&str, &str)], body: &[u8]) -> Result<WebhookId, Refused> {
    let secrets: Vec<_> = secrets.iter().map(|secret| SecretString::from(*secret)).collect();
    verify(&secrets, &header_map(headers), body, now())
}

/// Checks one set of id, timestamp and signature, under both families of names.
fn check(id: &str, timestamp: &str, signature: &str, expected: Result<(), Refused>) {
    for family in ["svix", "webhook", "Webhook"] {
        let names = ["id", "timestamp", "signature"].map(|name| format!("{family}-{name}"));
        let headers = [(&*names[0], id), (&*names[1], timestamp), (&*names[2], signature)];
        assert_eq!(
            judge(&[SECRET], &headers, BODY).map(drop),
            expected,
            "{family} {id} {timestamp} {signature}"
        );
    }
}

#[test]
fn a_signature_matches_one_computed_by_openssl() {
    assert_eq!(signed(SECRET, NOW), "v1,JkHSK89SzJf/lTrNrpfoFYpMegcvKUyGWXbcw3VSNZw=");
    check("msg_1", "1800000000", "v1,JkHSK89SzJf/lTrNrpfoFYpMegcvKUyGWXbcw3VSNZw=", Ok(()));
}

#[test]
fn the_id_comes_back() {
    let headers =
        [("svix-id", "msg_1"), ("svix-timestamp", "1800000000"), ("svix-signature", &*signed(SECRET, NOW))];
    assert_eq!(judge(&[SECRET], &headers, BODY).unwrap().as_str(), "msg_1");
    assert_eq!(judge(&[SECRET], &headers, b"{}"), Err(Refused::Signature));
}

#[test]
fn any_of_several_signatures_and_secrets_will_do() {
    let (ours, other) = (signed(SECRET, NOW), signed(OTHER, NOW));
    let bare = ours.strip_prefix("v1,").unwrap();
    for list in [
        format!("{other} {ours}"),
        format!("{ours} {other}"),
        format!("v1a,AAAA v2,{bare} {ours}"),
        format!("v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= {ours}"),
        format!("{other},{ours}, {ours}"),
        format!("rubbish ,,,  {ours}"),
    ] {
        check("msg_1", "1800000000", &list, Ok(()));
    }
    let headers =
        [("webhook-id", "msg_1"), ("webhook-timestamp", "1800000000"), ("webhook-signature", &*other)];
    assert!(judge(&[SECRET, OTHER], &headers, BODY).is_ok());
    assert!(judge(&["not base64!", OTHER], &headers, BODY).is_ok());
    assert_eq!(judge(&[SECRET], &headers, BODY), Err(Refused::Signature));
}

#[test]
fn signatures_of_other_versions_or_forms_do_not_count() {
    let ours = signed(SECRET, NOW);
    let bare = ours.strip_prefix("v1,").unwrap();
    for list in [
        bare.to_owned(),
        format!("v1a,{bare}"),
        format!("v2,{bare}"),
        format!("V1,{bare}"),
        format!("v1:{bare}"),
        format!("v1, {bare}"),
        "v1,".to_owned(),
        "v1".to_owned(),
        ",".to_owned(),
        format!("v1,{}", bare.trim_end_matches('=')),
        format!("v1,{bare}="),
        format!("v1,{}", bare.to_lowercase()),
        format!("v1,{}", &bare[..20]),
        "v1,invalid_base64!!".to_owned(),
    ] {
        check("msg_1", "1800000000", &list, Err(Refused::Signature));
    }
}

#[test]
fn the_timestamp_may_be_five_minutes_off_and_is_signed() {
    for (sent_at, expected) in [
        (NOW - 300, Ok(())),
        (NOW + 300, Ok(())),
        (NOW - 301, Err(Refused::TooOld)),
        (NOW + 301, Err(Refused::TooNew)),
        (0, Err(Refused::TooOld)),
    ] {
        check("msg_1", &sent_at.to_string(), &signed(SECRET, sent_at), expected);
    }
    check("msg_1", "1800000001", &signed(SECRET, NOW), Err(Refused::Signature));
    check("msg_2", "1800000000", &signed(SECRET, NOW), Err(Refused::Signature));
}

#[test]
fn timestamps_that_are_no_whole_number_are_refused() {
    for odd in [
        "hello",
        "1800000000.0",
        "1800000000x",
        "+1800000000",
        "-1",
        "1.8e9",
        "0x6b49d200",
        "99999999999999999999",
        "1,8",
    ] {
        check("msg_1", odd, &signed(SECRET, NOW), Err(Refused::Timestamp));
    }
    // Milliseconds are not what the specification says.
    check("msg_1", "1800000000000", &signed(SECRET, NOW), Err(Refused::TooNew));
}

#[test]
fn missing_empty_and_repeated_headers_are_refused() {
    let signature = signed(SECRET, NOW);
    let all =
        [("webhook-id", "msg_1"), ("webhook-timestamp", "1800000000"), ("webhook-signature", &*signature)];
    assert!(judge(&[SECRET], &all, BODY).is_ok());
    for missing in 0..3 {
        let mut headers = all.to_vec();
        let (name, _) = headers.remove(missing);
        assert_eq!(judge(&[SECRET], &headers, BODY), Err(Refused::Headers), "without {name}");
        headers.push((name, ""));
        assert_eq!(judge(&[SECRET], &headers, BODY), Err(Refused::Headers), "{name} empty");
    }
    let twice = [all[0], ("webhook-id", "msg_2"), all[1], all[2]];
    assert_eq!(judge(&[SECRET], &twice, BODY), Err(Refused::Headers));
    let signatures = [all[0], all[1], ("webhook-signature", "v1,AAAA"), all[2]];
    assert!(judge(&[SECRET], &signatures, BODY).is_ok());
    assert_eq!(judge(&[SECRET], &[], BODY), Err(Refused::Headers));
}

#[test]
fn the_two_families_of_names_do_not_mix() {
    let signature = signed(SECRET, NOW);
    let mixed =
        [("svix-id", "msg_1"), ("webhook-timestamp", "1800000000"), ("webhook-signature", &*signature)];
    assert_eq!(judge(&[SECRET], &mixed, BODY), Err(Refused::Headers));
    let shadowed = [
        ("webhook-id", "msg_1"),
        ("webhook-timestamp", "1800000000"),
        ("webhook-signature", &*signature),
        ("svix-id", "msg_1"),
        ("svix-timestamp", "1800000000"),
        ("svix-signature", "v1,AAAA"),
    ];
    assert_eq!(judge(&[SECRET], &shadowed, BODY), Err(Refused::Signature));
}

#[test]
fn secrets_may_lack_prefix_and_padding_but_not_content() {
    let signature = signed("whsec_RVhBTVBMRS1rZXk=", NOW);
    let headers =
        [("webhook-id", "msg_1"), ("webhook-timestamp", "1800000000"), ("webhook-signature", &*signature)];
    for same in ["whsec_RVhBTVBMRS1rZXk=", "RVhBTVBMRS1rZXk=", "whsec_RVhBTVBMRS1rZXk", "RVhBTVBMRS1rZXk"] {
        assert!(judge(&[same], &headers, BODY).is_ok(), "{same}");
    }
    for odd in ["", "whsec_", "whsec_!", "whsec_whsec_RVhBTVBMRS1rZXk=", "RVhBTVBMRS1r ZXk="] {
        assert_eq!(judge(&[odd], &headers, BODY), Err(Refused::Secret), "{odd}");
    }
    assert_eq!(judge(&[], &headers, BODY), Err(Refused::Secret));
}
