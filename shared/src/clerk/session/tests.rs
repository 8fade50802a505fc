//! Session tokens that must be accepted, and every kind that must not.

use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::json;

use super::{
    super::test_keys::{TestKey, base64url},
    *,
};

const NOW: i64 = 1_800_000_000;

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

fn keys() -> KeySet {
    let jwks = json!({"keys": [TestKey::instance().jwk("ins_1", &json!({"use": "sig", "alg": "RS256"}))]});
    KeySet::from_jwks(jwks.to_string().as_bytes()).unwrap()
}

fn rules() -> SessionRules {
    SessionRules {
        issuer: Some("https://clerk.example.com".to_owned()),
        authorized_parties: vec!["https://app.example.com".to_owned(), "http://localhost:3000".to_owned()],
        ..SessionRules::default()
    }
}

fn claims() -> Value {
    json!({
        "sub": "user_2abc", "sid": "sess_1", "iss": "https://clerk.example.com", "azp": "https://app.example.com",
        "iat": NOW - 10, "nbf": NOW - 20, "exp": NOW + 50, "fva": [3, -1], "v": 2, "sts": "active",
    })
}

/// The usual claims with some replaced; `null` takes one away.
fn claims_with(change: &Value) -> Value {
    let mut claims = claims();
    for (name, value) in change.as_object().unwrap() {
        let claims = claims.as_object_mut().unwrap();
        if value.is_null() {
            claims.remove(name);
        } else {
            claims.insert(name.clone(), value.clone());
        }
    }
    claims
}

fn judge(change: &Value, rules: &SessionRules) -> Result<Session, Refused> {
    verify(&TestKey::instance().token("ins_1", &claims_with(change)), &keys(), rules, now())
}

fn check(change: &Value, expected: Result<(), Refused>) {
    assert_eq!(judge(change, &rules()).map(drop), expected, "{change}");
}

#[test]
fn s4_a_good_token_says_who_is_asking() {
    let expected = Session {
        sub: "user_2abc".to_owned(),
        sid: Some("sess_1".to_owned()),
        azp: Some("https://app.example.com".to_owned()),
        exp: NOW + 50,
        org: None,
    };
    assert_eq!(judge(&json!({}), &rules()), Ok(expected));
}

#[test]
fn s4_times_have_five_seconds_of_leeway_and_no_more() {
    check(&json!({"exp": NOW - 4}), Ok(()));
    check(&json!({"exp": NOW - 5}), Err(Refused::Expired));
    check(&json!({"exp": NOW - 50}), Err(Refused::Expired));
    check(&json!({"nbf": NOW + 5}), Ok(()));
    check(&json!({"nbf": NOW + 6}), Err(Refused::NotActiveYet));
    check(&json!({"iat": NOW + 5}), Ok(()));
    check(&json!({"iat": NOW + 6}), Err(Refused::IssuedInFuture));
    check(&json!({"iat": null}), Ok(()));
    let token = TestKey::instance().token("ins_1", &claims_with(&json!({"exp": NOW})));
    let at = |now: &str| verify(&token, &keys(), &rules(), now.parse().unwrap()).map(drop);
    assert_eq!(at("2027-01-15T08:00:04.999Z"), Ok(()));
    assert_eq!(at("2027-01-15T08:00:05Z"), Err(Refused::Expired));
}

#[test]
fn s4_times_that_are_no_whole_seconds_are_refused() {
    for name in ["exp", "nbf", "iat"] {
        for odd in [
            json!("1800000050"),
            json!(1_799_999_999.5),
            json!(1e300),
            json!(u64::MAX),
            json!(i64::MAX),
            json!(i64::MIN),
            json!(NOW * 1000),
            json!([NOW]),
            json!({}),
            json!(true),
        ] {
            check(&json!({ name: odd }), Err(Refused::Malformed));
        }
    }
    let mut claims = claims();
    claims["exp"] = Value::Null;
    let token = TestKey::instance().token("ins_1", &claims);
    assert_eq!(verify(&token, &keys(), &rules(), now()), Err(Refused::Malformed));
}

#[test]
fn s4_required_claims_must_be_there() {
    check(&json!({"exp": null}), Err(Refused::Malformed));
    check(&json!({"nbf": null}), Err(Refused::Malformed));
    check(&json!({"iss": null}), Err(Refused::Issuer));
    for sub in [json!(null), json!(""), json!(7), json!(["user_2abc"])] {
        check(&json!({ "sub": sub }), Err(Refused::Malformed));
    }
}

#[test]
fn s4_issuer_is_compared_exactly() {
    for iss in [
        json!("https://clerk.example.com/"),
        json!("https://clerk.example.com.evil.example"),
        json!("HTTPS://clerk.example.com"),
        json!(["https://clerk.example.com"]),
        json!(""),
    ] {
        check(&json!({ "iss": iss }), Err(Refused::Issuer));
    }
    assert!(judge(&json!({"iss": "https://other.example"}), &SessionRules::default()).is_ok());
}

#[test]
fn s4_authorized_party_must_be_on_the_list() {
    check(&json!({"azp": "http://localhost:3000"}), Ok(()));
    for azp in [
        json!(null),
        json!(""),
        json!("https://app.example.com/"),
        json!("https://evil.example"),
        json!(["https://app.example.com"]),
        json!(1),
    ] {
        check(&json!({ "azp": azp }), Err(Refused::AuthorizedParty));
    }
    let lenient = SessionRules { allow_missing_azp: true, ..rules() };
    assert!(judge(&json!({"azp": null}), &lenient).is_ok());
    assert_eq!(judge(&json!({"azp": ""}), &lenient), Err(Refused::AuthorizedParty));
    assert_eq!(judge(&json!({"azp": 1}), &lenient), Err(Refused::AuthorizedParty));
    let open = SessionRules { authorized_parties: Vec::new(), ..rules() };
    assert!(judge(&json!({"azp": "https://evil.example"}), &open).is_ok());
}

#[test]
fn s4_audience_is_checked_when_one_is_configured() {
    let rules = SessionRules { audience: vec!["api".to_owned(), "web".to_owned()], ..rules() };
    for (aud, is_good) in [
        (json!("api"), true),
        (json!(["x", "web"]), true),
        (json!("apis"), false),
        (json!(["x"]), false),
        (json!([]), false),
        (json!(["api", 1]), false),
        (json!({"api": true}), false),
        (json!(null), false),
    ] {
        let expected = if is_good { Ok(()) } else { Err(Refused::Audience) };
        assert_eq!(judge(&json!({ "aud": aud }), &rules).map(drop), expected, "{aud}");
    }
    check(&json!({"aud": "anything"}), Ok(()));
}

#[test]
fn s4_a_pending_session_is_refused() {
    check(&json!({"sts": "pending"}), Err(Refused::Pending));
    check(&json!({"sts": "unheard-of"}), Err(Refused::Pending));
    check(&json!({"sts": null}), Ok(()));
    let mut claims = claims();
    claims["sts"] = Value::Null;
    let token = TestKey::instance().token("ins_1", &claims);
    assert!(verify(&token, &keys(), &rules(), now()).is_ok());
}

#[test]
fn s4_the_algorithm_is_rs256_and_nothing_else() {
    let instance = TestKey::instance();
    let header = |alg: &str| json!({"alg": alg, "kid": "ins_1", "typ": "JWT"});
    for (alg, signed_with) in
        [("RS384", Algorithm::RS384), ("RS512", Algorithm::RS512), ("PS256", Algorithm::PS256)]
    {
        let token = instance.token_with(&header(alg), &claims(), signed_with);
        assert_eq!(verify(&token, &keys(), &rules(), now()), Err(Refused::Algorithm), "{alg}");
        let lying = instance.token_with(&header("RS256"), &claims(), signed_with);
        assert_eq!(verify(&lying, &keys(), &rules(), now()), Err(Refused::Signature), "{alg}");
    }
    for alg in ["none", "None", "NONE", "", "rs256", "ES256"] {
        let unsigned = format!("{}.{}.", base64url(&header(alg)), base64url(&claims()));
        assert_eq!(verify(&unsigned, &keys(), &rules(), now()), Err(Refused::Algorithm), "{alg}");
    }
    let unsigned = format!("{}.{}.", base64url(&header("RS256")), base64url(&claims()));
    assert_eq!(verify(&unsigned, &keys(), &rules(), now()), Err(Refused::Signature));
}

#[test]
fn s4_the_public_key_is_no_shared_secret() {
    let pem = &TestKey::instance().public_pem;
    let named = KeySet::from_pem(pem).unwrap();
    let secret = EncodingKey::from_secret(pem.as_bytes());
    for alg in ["HS256", "RS256"] {
        let message = format!("{}.{}", base64url(&json!({"alg": alg, "kid": "ins_1"})), base64url(&claims()));
        let mac = jsonwebtoken::crypto::sign(message.as_bytes(), &secret, Algorithm::HS256).unwrap();
        let token = format!("{message}.{mac}");
        assert!(verify(&token, &named, &rules(), now()).is_err());
        assert!(verify(&token, &keys(), &rules(), now()).is_err());
    }
}

#[test]
fn s4_the_kid_must_be_known_unless_the_key_was_named() {
    let instance = TestKey::instance();
    let named = KeySet::from_pem(&instance.public_pem).unwrap();
    for header in [
        json!({"alg": "RS256"}),
        json!({"alg": "RS256", "kid": "ins_2"}),
        json!({"alg": "RS256", "kid": ""}),
        json!({"alg": "RS256", "kid": "INS_1"}),
    ] {
        let token = instance.token_with(&header, &claims(), Algorithm::RS256);
        assert_eq!(verify(&token, &keys(), &rules(), now()), Err(Refused::UnknownKid), "{header}");
        assert!(verify(&token, &named, &rules(), now()).is_ok(), "{header}");
    }
    let forged = TestKey::stranger().token("ins_1", &claims());
    assert_eq!(verify(&forged, &keys(), &rules(), now()), Err(Refused::Signature));
    assert_eq!(verify(&forged, &named, &rules(), now()), Err(Refused::Signature));
}

#[test]
fn s4_other_kinds_of_token_and_unknown_extensions_are_refused() {
    for (extra, expected) in [
        (json!({"typ": "JWT"}), Ok(())),
        (json!({"cat": "cl_B7d4PD111AAA"}), Ok(())),
        (json!({"typ": "at+jwt"}), Err(Refused::Type)),
        (json!({"typ": "jwt"}), Err(Refused::Type)),
        (json!({"typ": null}), Err(Refused::Type)),
        (json!({"cat": MACHINE_CATEGORY}), Err(Refused::Type)),
        (json!({"crit": ["b64"], "b64": false}), Err(Refused::Malformed)),
        (json!({"crit": []}), Err(Refused::Malformed)),
        (json!({"jku": "https://evil.example/jwks", "x5u": "https://evil.example"}), Ok(())),
    ] {
        let mut header = json!({"alg": "RS256", "kid": "ins_1"});
        header.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let token = TestKey::instance().token_with(&header, &claims(), Algorithm::RS256);
        assert_eq!(verify(&token, &keys(), &rules(), now()).map(drop), expected, "{extra}");
    }
}

#[test]
fn s4_no_single_changed_bit_gets_through() {
    let token = TestKey::instance().token("ins_1", &claims());
    let keys = keys();
    for position in 0..token.len() {
        for bit in [1_u8, 2, 4, 8, 16, 32, 64] {
            let mut bytes = token.clone().into_bytes();
            bytes[position] ^= bit;
            let Ok(changed) = String::from_utf8(bytes) else { continue };
            assert!(verify(&changed, &keys, &rules(), now()).is_err(), "bit {bit} at {position}");
        }
    }
}

#[test]
fn s4_anything_but_three_clean_parts_is_malformed() {
    let token = TestKey::instance().token("ins_1", &claims());
    let (message, signature) = token.rsplit_once('.').unwrap();
    let (header, payload) = message.split_once('.').unwrap();
    for odd in [
        String::new(),
        "..".to_owned(),
        "a.b.c".to_owned(),
        message.to_owned(),
        format!("{token}."),
        format!("{token}.x"),
        format!(".{token}"),
        format!(" {token}"),
        format!("{token}\n"),
        format!("{token}="),
        format!("{header}=.{payload}.{signature}"),
        format!("{header}.{payload}==.{signature}"),
        format!("{message}.{signature}A"),
        format!("{header}..{signature}"),
        format!("{message}.{}", "A".repeat(LONGEST_TOKEN)),
        format!("{}.{payload}.{signature}", crate::random::base64url(b"[]")),
        format!(
            "{}.{payload}.{signature}",
            crate::random::base64url(b"{\"alg\":\"RS256\",\"alg\":\"none\"}")
        ),
        "é.é.é".to_owned(),
    ] {
        assert!(verify(&odd, &keys(), &rules(), now()).is_err(), "{odd}");
    }
}

#[test]
fn claims_that_are_no_object_are_malformed_even_when_signed() {
    for odd in [json!([]), json!(null), json!("x"), json!(1)] {
        let token = TestKey::instance().token("ins_1", &odd);
        assert_eq!(verify(&token, &keys(), &rules(), now()), Err(Refused::Malformed), "{odd}");
    }
}

#[test]
fn organizations_read_the_same_from_both_versions_of_the_token() {
    let expected =
        Org { id: "org_1".to_owned(), role: Some("org:admin".to_owned()), slug: Some("acme".to_owned()) };
    for change in [
        json!({"o": {"id": "org_1", "rol": "admin", "slg": "acme", "per": "", "fpm": ""}}),
        json!({"v": 1, "org_id": "org_1", "org_role": "org:admin", "org_slug": "acme"}),
    ] {
        assert_eq!(judge(&change, &rules()).unwrap().org.as_ref(), Some(&expected), "{change}");
    }
    assert_eq!(judge(&json!({"o": "org_1"}), &rules()).unwrap().org, None);
}

#[test]
fn a_pem_key_is_read_however_an_environment_file_mangled_it() {
    let pem = &TestKey::instance().public_pem;
    let token = TestKey::instance().token("any", &claims());
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    for text in [
        pem.clone(),
        pem.replace('\n', "\\n"),
        pem.replace('\n', "\r\n"),
        pem.replace('\n', ""),
        pem.replace('\n', " "),
        format!("\"{}\"", pem.trim().replace('\n', "\\n")),
        body.clone(),
    ] {
        assert!(verify(&token, &KeySet::from_pem(&text).unwrap(), &rules(), now()).is_ok(), "{text}");
    }
    for text in ["", "-----BEGIN PUBLIC KEY-----", "EXAMPLE", &body[1..], &pem.replace("PUBLIC", "PRIVATE")] {
        assert!(matches!(KeySet::from_pem(text), Err(Error::Invalid { .. })), "{text}");
    }
}

#[test]
fn only_rsa_signing_keys_are_taken_from_a_set() {
    let key = TestKey::instance();
    for (more, is_taken) in [
        (json!({}), true),
        (json!({"use": "sig", "alg": "RS256", "key_ops": ["verify"]}), true),
        (json!({"use": "enc"}), false),
        (json!({"alg": "RS512"}), false),
        (json!({"key_ops": ["encrypt"]}), false),
        (json!({"kty": "EC"}), false),
        (json!({"kty": "oct", "k": "RVhBTVBMRQ"}), false),
        (json!({"d": "RVhBTVBMRQ"}), false),
        (json!({"kid": 1}), false),
        (json!({"n": "!"}), false),
    ] {
        let set = json!({"keys": [key.jwk("ins_1", &more)]}).to_string();
        assert_eq!(KeySet::from_jwks(set.as_bytes()).is_ok(), is_taken, "{more}");
    }
    for odd in ["", "[]", "{}", "{\"keys\":{}}", "{\"keys\":[]}", "{\"keys\":[1,null]}"] {
        assert!(KeySet::from_jwks(odd.as_bytes()).is_err(), "{odd}");
    }
}
