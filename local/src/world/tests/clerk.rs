//! Clerk's stand-in: tokens that verify, webhooks that are signed.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};

use super::{
    super::{SIGNING_SECRET, UserEvent},
    *,
};

/// A user id as Clerk makes them.
const USER: &str = "user_EXAMPLE0000000000000000000";

#[tokio::test]
async fn a_session_token_verifies_by_the_published_keys_and_lives_a_minute() {
    let bench = Bench::start().await;
    let got = Got::read(bench.client.get(bench.setting("CLERK_JWKS_URL"))).await;
    let keys: JwkSet = serde_json::from_value(got.body).unwrap();
    let token =
        bench.world.session_token(USER, &json!({"o": {"id": "org_EXAMPLE", "rol": "admin"}, "azp": null}));
    let header = decode_header(&token).unwrap();
    assert_eq!(header.alg, Algorithm::RS256);
    let key = DecodingKey::from_jwk(keys.find(&header.kid.unwrap()).unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::RS256);
    validation.validate_exp = false;
    validation.set_issuer(&[bench.setting("CLERK_ISSUER")]);
    let claims = decode::<Value>(&token, &key, &validation).unwrap().claims;
    assert_eq!(
        (claims["sub"].as_str(), &claims["o"]["rol"], &claims["v"]),
        (Some(USER), &json!("admin"), &json!(2))
    );
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 60);
    assert_eq!(claims.get("azp"), None, "null removes a claim");
    let plain = super::claims(&bench.world.session_token(USER, &json!({})));
    assert_eq!(plain["azp"].as_str(), Some(bench.setting("CLERK_AUTHORIZED_PARTIES").as_str()));
}

#[tokio::test]
async fn a_user_webhook_is_signed_over_its_very_bytes() {
    let bench = Bench::start().await;
    let webhook = bench.world.user_webhook(UserEvent::Created, USER, Some("ada@example.com"));
    let header = |name: &str| webhook.headers.iter().find(|(key, _)| key == name).unwrap().1.clone();
    assert_eq!(header("svix-timestamp"), at(NOW).as_second().to_string());
    let key = STANDARD.decode(SIGNING_SECRET.strip_prefix("whsec_").unwrap()).unwrap();
    let signed = format!("{}.{}.{}", header("svix-id"), header("svix-timestamp"), webhook.body);
    let expected = STANDARD.encode(random::hmac_sha256(&key, signed.as_bytes()));
    assert_eq!(header("svix-signature"), format!("v1,{expected}"));
    let body: Value = serde_json::from_str(&webhook.body).unwrap();
    assert_eq!(body["type"], "user.created");
    let user = &body["data"];
    assert_eq!(user["primary_email_address_id"], user["email_addresses"][0]["id"]);
    assert_eq!(user["created_at"].as_i64(), Some(at(NOW).as_millisecond()));
}

#[tokio::test]
async fn a_deleted_user_is_only_an_id_and_one_without_an_address_has_no_primary() {
    let bench = Bench::start().await;
    let body = |event, email| -> Value {
        serde_json::from_str(&bench.world.user_webhook(event, USER, email).body).unwrap()
    };
    let updated = body(UserEvent::Updated, None);
    assert_eq!(updated["data"]["email_addresses"], json!([]));
    assert_eq!(updated["data"]["primary_email_address_id"], Value::Null);
    let deleted = body(UserEvent::Deleted, None);
    assert_eq!(deleted["data"], json!({"object": "user", "id": USER, "deleted": true}));
    assert_eq!(bench.world.state()["clerk"]["users"], json!([]));
}

#[tokio::test]
async fn a_webhook_is_delivered_and_its_answer_is_remembered() {
    let bench = Bench::start().await;
    let receiver = axum::Router::new().route(
        "/hook",
        axum::routing::post(async |headers: http::HeaderMap, body: String| {
            let known = headers.contains_key("svix-signature") && body.contains("user.updated");
            if known { http::StatusCode::OK } else { http::StatusCode::BAD_REQUEST }
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, receiver).into_future());
    let webhook = bench.world.user_webhook(UserEvent::Updated, USER, None);
    let answered = bench.world.deliver(&bench.client, &webhook, &url).await.unwrap();
    assert_eq!(answered.status, 200);
    assert_eq!(bench.world.state()["clerk"]["deliveries"][0]["status"], 200);
}
