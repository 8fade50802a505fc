//! Clerk: session tokens, the keys that verify them, and webhooks about users, signed by Svix.

use axum::{Router, extract::State as Shared, routing::get};
use serde_json::{Map, Value, json};
use shared::random;

use super::{
    World,
    gate::Entry,
    keys,
    webhook::{Answered, Webhook},
    wire,
    wire::Asked,
};

/// The webhook endpoint's secret: base64 of an example text.
pub const SIGNING_SECRET: &str = "whsec_RVhBTVBMRSBjbGVyayB3ZWJob29rIHNlY3JldA==";
/// The front end that session tokens are made for.
pub(super) const AUTHORIZED_PARTY: &str = "http://localhost:3001";
/// The path of the key set.
pub(super) const JWKS: &str = "/clerk/.well-known/jwks.json";
/// Session tokens live this many seconds.
const LIFETIME: i64 = 60;
const INSTANCE: &str = "ins_EXAMPLE00000000000000000000";

/// What happened to a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserEvent {
    /// They signed up.
    Created,
    /// Something about them changed.
    Updated,
    /// They are gone; the message holds only their id.
    Deleted,
}

impl UserEvent {
    /// The message's type.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "user.created",
            Self::Updated => "user.updated",
            Self::Deleted => "user.deleted",
        }
    }
}

pub(super) fn routes() -> Router<World> {
    Router::new().route(
        JWKS,
        get(async move |Shared(world): Shared<World>, _asked: Asked| {
            let entry = Entry {
                system: "clerk",
                operation: "jwks",
                token: None,
                refusal: &|fault| wire::json(fault.status(), &json!({"errors": [{"code": "unavailable"}]})),
                reuse: None,
            };
            world.enter(entry, || wire::json(200, &keys::key().jwks())).await
        }),
    )
}

impl World {
    /// Clerk's front-end API URL: the issuer of session tokens.
    pub fn clerk_issuer(&self) -> String {
        format!("{}/clerk", self.base_url())
    }

    /// The key of session tokens, as `CLERK_JWT_KEY` wants it.
    pub fn clerk_pem(&self) -> String {
        keys::key().pem()
    }

    /// A session token of version 2 as Clerk's front end hands it out; `extra` claims replace the usual ones,
    /// and `null` removes one.
    pub fn session_token(&self, user_id: &str, extra: &Value) -> String {
        let now = self.clock().unix();
        let session = random::hex(&random::sha256(user_id.as_bytes()));
        let mut claims = json!({
            "azp": AUTHORIZED_PARTY, "iss": self.clerk_issuer(), "sub": user_id, "sid": format!("sess_{}", &session[..27]),
            "iat": now, "nbf": now - 10, "exp": now + LIFETIME, "jti": random::hex(&random::bytes::<10>()),
            "sts": "active", "fva": [0, -1], "v": 2,
        });
        for (name, value) in extra.as_object().into_iter().flatten() {
            match (claims.as_object_mut(), value) {
                (Some(claims), Value::Null) => drop(claims.remove(name)),
                (Some(claims), value) => drop(claims.insert(name.clone(), value.clone())),
                (None, _) => {}
            }
        }
        keys::key().sign(&claims)
    }

    /// A signed message about a user, in Clerk's shape, and a change of the user here.
    pub fn user_webhook(&self, event: UserEvent, user_id: &str, email: Option<&str>) -> Webhook {
        let now = self.clock().now();
        let mut state = self.locked();
        let created = state.users.get(user_id).and_then(|user| user["created_at"].as_i64());
        let data = match event {
            UserEvent::Created | UserEvent::Updated => {
                let user =
                    user(user_id, email, created.unwrap_or(now.as_millisecond()), now.as_millisecond());
                state.users.insert(user_id.to_owned(), user.clone());
                user
            }
            UserEvent::Deleted => {
                state.users.remove(user_id);
                json!({"object": "user", "id": user_id, "deleted": true})
            }
        };
        let body = json!({
            "object": "event", "type": event.as_str(), "data": data, "instance_id": INSTANCE,
            "timestamp": now.as_millisecond(),
            "event_attributes": {"http_request": {"client_ip": "192.0.2.10", "user_agent": "Mozilla/5.0"}},
        });
        let id = format!("msg_{}", random::id());
        Webhook::bare(body.to_string()).signed(SIGNING_SECRET, &id, now.as_second())
    }

    /// Sends a message and remembers what came back.
    pub async fn deliver(
        &self,
        client: &reqwest::Client,
        webhook: &Webhook,
        url: &str,
    ) -> Result<Answered, String> {
        self.counters().count("clerk", "webhook");
        let answered = webhook.deliver(client, url).await;
        let id = webhook.headers.iter().find(|(name, _)| name == "svix-id").map(|(_, id)| id.clone());
        let status = answered.as_ref().map(|answered| answered.status).ok();
        self.locked().deliveries.push(json!({"id": id, "url": url, "status": status}));
        answered
    }
}

/// A user as Clerk describes one (the 2025-04-15 webhook contract).
fn user(id: &str, email: Option<&str>, created: i64, updated: i64) -> Value {
    let email_id = format!("idn_{}", id.trim_start_matches("user_"));
    let addresses: Vec<Value> = email
        .map(|email| {
            json!({
                "object": "email_address", "id": email_id, "email_address": email, "reserved": false,
                "verification": {"object": "verification_otp", "status": "verified", "strategy": "email_code",
                    "attempts": 1, "expire_at": created + 600_000},
                "linked_to": [], "matches_sso_connection": false, "created_at": created, "updated_at": updated,
            })
        })
        .into_iter()
        .collect();
    let image = "https://img.clerk.com/EXAMPLE";
    let mut user = json!({
        "object": "user", "id": id, "external_id": null, "username": null, "first_name": null, "last_name": null,
        "primary_email_address_id": if addresses.is_empty() { Value::Null } else { email_id.into() },
        "email_addresses": addresses, "profile_image_url": image, "image_url": image, "created_at": created,
        "updated_at": updated, "last_sign_in_at": created, "last_active_at": created, "legal_accepted_at": null,
        "password_enabled": true, "delete_self_enabled": true, "create_organization_enabled": true,
        "create_organizations_limit": null, "verification_attempts_remaining": 100,
    });
    let fields = user.as_object_mut().map(std::mem::take).unwrap_or_default();
    let nulls = [
        "primary_phone_number_id",
        "primary_web3_wallet_id",
        "mfa_enabled_at",
        "mfa_disabled_at",
        "lockout_expires_in_seconds",
    ];
    let lists = [
        "phone_numbers",
        "web3_wallets",
        "passkeys",
        "external_accounts",
        "saml_accounts",
        "enterprise_accounts",
    ];
    let maps = ["public_metadata", "private_metadata", "unsafe_metadata"];
    let flags =
        ["has_image", "two_factor_enabled", "totp_enabled", "backup_code_enabled", "banned", "locked"];
    let rest = nulls.into_iter().map(|name| (name, Value::Null));
    let rest = rest.chain(lists.into_iter().map(|name| (name, json!([]))));
    let rest = rest.chain(maps.into_iter().map(|name| (name, json!({}))));
    let rest = rest.chain(flags.into_iter().map(|name| (name, json!(false))));
    let all: Map<_, _> =
        fields.into_iter().chain(rest.map(|(name, value)| (name.to_owned(), value))).collect();
    Value::Object(all)
}
