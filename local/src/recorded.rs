//! The recorded events of `events/`, and how their tokens and signatures are made to hold at `SLOTLINE_NOW`.
//!
//! The key that signs them is made anew each time and thrown away; only its public half is written.

use std::{fs, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::SecretString;
use serde_json::{Value, json};
use shared::{clock::Clock, webhooks};

use crate::{
    fixtures,
    world::{self, World},
};

/// Writes the signed parts of the events in a folder anew.
pub async fn write(folder: &Path) -> Result<(), String> {
    let env = read(folder, "env.json")?;
    let setting = |name: &str| env["Parameters"][name].as_str().unwrap_or_default().to_owned();
    let now = setting("SLOTLINE_NOW").parse().map_err(|_| "SLOTLINE_NOW is no instant")?;
    let world = World::start(Clock::fixed(now), world::Options::default())
        .await
        .map_err(|error| error.to_string())?;

    replace(
        folder,
        "env.json",
        &field("CLERK_JWT_KEY", &setting("CLERK_JWT_KEY")),
        &field("CLERK_JWT_KEY", &world.clerk_pem()),
    )?;
    let claims = json!({"iss": setting("CLERK_ISSUER"), "azp": setting("CLERK_AUTHORIZED_PARTIES")});
    let token = format!("Bearer {}", world.session_token(fixtures::USER, &claims));
    let authorizer = read(folder, "authorizer.json")?;
    let old = authorizer["identitySource"][0].as_str().ok_or("authorizer.json has no identitySource")?;
    replace(folder, "authorizer.json", old, &token)?;

    let webhook = read(folder, "clerk-webhook.json")?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let secret = SecretString::from(setting("CLERK_WEBHOOK_SECRET"));
    let (id, body) = (text(&webhook["headers"]["svix-id"]), text(&webhook["body"]));
    let signature = webhooks::sign(&secret, &id, now, body.as_bytes()).map_err(|refused| refused.code())?;
    replace(folder, "clerk-webhook.json", &text(&webhook["headers"]["svix-signature"]), &signature)?;

    let call = read(folder, "vapi-webhook.json")?;
    replace(folder, "vapi-webhook.json", &text(&call["headers"]["x-vapi-secret"]), fixtures::VAPI_SECRET)
}

fn read(folder: &Path, name: &str) -> Result<Value, String> {
    let text =
        fs::read_to_string(folder.join(name)).map_err(|error| format!("{name} cannot be read: {error}"))?;
    serde_json::from_str(&text).map_err(|error| format!("{name} is no JSON: {error}"))
}

/// A member as it stands in the file.
fn field(name: &str, value: &str) -> String {
    format!("\"{name}\": {}", json!(value))
}

/// Changes text in a file and leaves the rest, its order and its spaces, as it is.
fn replace(folder: &Path, name: &str, old: &str, new: &str) -> Result<(), String> {
    let path = folder.join(name);
    let text = fs::read_to_string(&path).map_err(|error| format!("{name} cannot be read: {error}"))?;
    if !text.contains(old) {
        return Err(format!("{name} does not hold what is to be replaced"));
    }
    fs::write(&path, text.replace(old, new)).map_err(|error| format!("{name} cannot be written: {error}"))
}

/// A DER public key as PEM text (RFC 7468).
pub(crate) fn pem(der: &[u8]) -> String {
    let encoded = STANDARD.encode(der);
    let lines: Vec<_> = encoded.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
}
