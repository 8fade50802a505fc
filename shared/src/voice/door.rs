//! Who calls: the credential names the tenant, and the tenant's routes name the owner.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::HeaderMap;
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    access::bearer,
    app::App,
    error::{Error, Result},
    ids::{CredentialId, OwnerId},
    random,
    secrets::SecretName,
    store::directory::{Credential, CredentialKind, Door, Route},
    vapi::{
        message::VapiMessage,
        signature::{self, HmacSpec},
    },
};

/// Whose call it is: by phone number id, called number, assistant id, then the tenant's default, in that order.
pub(super) fn owner(door: &Door, message: &VapiMessage) -> Option<OwnerId> {
    let values = [&message.phone_number_id, &message.called_number, &message.assistant_id];
    let named =
        Route::BY.into_iter().zip(values).filter_map(|(by, value)| Some(format!("{by}{}", value.as_ref()?)));
    let route = |wanted: String| door.routes.iter().find(|route| route.match_on == wanted);
    named.chain(["default".to_owned()]).find_map(route).map(|route| route.owner.clone())
}

/// The assistant that the tenant's routes name, for calls that come without one.
pub(super) fn assistant(door: &Door) -> Option<String> {
    door.routes.iter().find_map(|route| route.match_on.strip_prefix("assistant:")).map(str::to_owned)
}

/// Checks the credential of a request: `X-Vapi-Secret`, `Authorization: Bearer`, or a signature when the path names
/// the credential, because a signature names no tenant.
pub(super) async fn enter(app: &App, path: Option<&str>, headers: &HeaderMap, body: &[u8]) -> Result<Door> {
    let presented = presented(headers);
    let id = match (path, &presented) {
        (Some(path), _) => path.parse::<CredentialId>().map_err(|_| refused())?,
        (None, Some((id, _))) => id.clone(),
        (None, None) => return Err(refused()),
    };
    let door = door(app, &id).await?;
    let holds = match door.credential.credential_kind {
        CredentialKind::Secret | CredentialKind::Bearer => {
            let expected = door.credential.secret_hash.as_deref().unwrap_or_default();
            presented.is_some_and(|(named, secret)| {
                let hash = random::hex(&random::sha256(secret.expose_secret().as_bytes()));
                named == id && random::same(hash.as_bytes(), expected.as_bytes())
            })
        }
        CredentialKind::Hmac => {
            let key = hmac_key(app, &door.credential.id, door.credential.version).await?;
            signature::verify(&key, &HmacSpec::default(), headers, body, app.clock.now()).is_ok()
        }
    };
    if holds { Ok(door) } else { Err(refused()) }
}

fn refused() -> Error {
    Error::Unauthenticated { code: "vapi_credential" }
}

/// The id and secret out of `slv_<id>_<secret>`.
fn presented(headers: &HeaderMap) -> Option<(CredentialId, SecretString)> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let text = header("x-vapi-secret").or_else(|| bearer(header("authorization")?))?;
    let (id, secret) = text.strip_prefix("slv_")?.split_once('_')?;
    Some((format!("vcr_{id}").parse().ok()?, SecretString::from(secret.to_owned())))
}

async fn door(app: &App, id: &CredentialId) -> Result<Door> {
    let now = app.clock.now();
    if let Some(door) = app.doors.get(id, now) {
        return Ok(door);
    }
    let credential = app.store.credential(id).await?.ok_or_else(refused)?;
    let routes = app.store.routes(&credential.tenant).await?;
    let door = Door { credential, routes };
    app.doors.put(id.clone(), door.clone(), now);
    Ok(door)
}

/// The key of an HMAC credential: derived, never stored (SECURITY.md S4).
async fn hmac_key(app: &App, id: &CredentialId, version: u32) -> Result<SecretString> {
    let root = app.secrets.get(SecretName::Vapi).await?;
    let key =
        random::hmac_sha256(root.expose_secret().as_bytes(), format!("vapi\n{id}\n{version}").as_bytes());
    // `whsec_` and base64: VAPI's plain form signs with the text, its Standard Webhooks form with the bytes.
    Ok(SecretString::from(format!("whsec_{}", STANDARD.encode(key))))
}

/// Makes a credential for a tenant and returns its id and what the caller presents or signs with, shown once.
pub async fn issue_credential(
    app: &App,
    tenant: OwnerId,
    kind: CredentialKind,
) -> Result<(CredentialId, SecretString)> {
    let (id, version) = (CredentialId::random(), 1);
    let (secret, secret_hash) = match kind {
        CredentialKind::Secret | CredentialKind::Bearer => {
            let secret = random::token();
            let hash = random::hex(&random::sha256(secret.as_bytes()));
            (
                SecretString::from(format!("slv_{}_{secret}", id.as_str().trim_start_matches("vcr_"))),
                Some(hash),
            )
        }
        CredentialKind::Hmac => (hmac_key(app, &id, version).await?, None),
    };
    let credential = Credential { id: id.clone(), tenant, credential_kind: kind, secret_hash, version };
    app.store.put_credential(credential).await?;
    Ok((id, secret))
}
