//! What every local stack knows from the start, so that the recorded events in `events/` find what they name.

use shared::{
    app::App,
    error::Result,
    ids::OwnerId,
    random,
    store::directory::{Credential, CredentialKind, Route},
};

/// The local stage's root of flow keys.
pub const FLOW_ROOT: &str = "EXAMPLE-flow-root-0000000000000000000000000000000000000000000000";

/// The local stage's root of VAPI HMAC keys.
pub const VAPI_ROOT: &str = "EXAMPLE-vapi-root-0000000000000000000000000000000000000000000000";

/// The user of the recorded events.
pub const USER: &str = "user_2EXAMPLE";

/// The VAPI credential of the recorded events, as a caller presents it.
pub const VAPI_SECRET: &str = "slv_0000000000000000000example_EXAMPLEsecretEXAMPLEsecretEXAMPLEsecretEXA0";

/// Writes the credential of the recorded events and a route to their user.
pub async fn seed(app: &App) -> Result<()> {
    let (id, secret) = VAPI_SECRET.trim_start_matches("slv_").split_once('_').unwrap_or_default();
    let owner = OwnerId::user(USER)?;
    let credential = Credential {
        id: format!("vcr_{id}").parse()?,
        tenant: owner.clone(),
        credential_kind: CredentialKind::Secret,
        secret_hash: Some(random::hex(&random::sha256(secret.as_bytes()))),
        version: 1,
    };
    app.store.put_credential(credential).await?;
    app.store.put_route(&owner, Route { match_on: "default".to_owned(), owner: owner.clone() }).await
}
