//! `credential`, `service-token`, `withdraw`: what lets VAPI and servers in. A secret is shown once and kept nowhere.

use jiff::SignedDuration;
use secrecy::ExposeSecret as _;
use shared::{
    access,
    app::App,
    ids::OwnerId,
    store::directory::{CredentialKind, Route},
    voice,
};

use super::{command::Issued, told};

/// Makes a VAPI credential and the route of its calls.
pub(super) async fn credential(
    app: &App,
    tenant: &OwnerId,
    kind: CredentialKind,
    route: Route,
    say: &mut impl FnMut(&str),
) -> Result<(), String> {
    let calls = format!("{} → {}", route.match_on, route.owner);
    let before = app.store.routes(tenant).await.map_err(told)?;
    // The credential first: where it cannot be made, calls go on to whom they went.
    let (id, secret) = voice::issue_credential(app, tenant.clone(), kind).await.map_err(told)?;
    let routed = app.store.put_route(tenant, route.clone()).await;
    routed.map_err(|error| format!("{}; {id} was made, and brings no calls: withdraw it", told(error)))?;
    let url = format!("{}/vapi/webhook", app.config.public_base_url);
    say(&format!("{id} of {tenant}; calls: {calls}"));
    for old in before.iter().filter(|old| old.match_on == route.match_on && old.owner != route.owner) {
        say(&format!(
            "these calls went to {} before; other credentials of {tenant} have the same routes",
            old.owner
        ));
    }
    let secret = secret.expose_secret();
    say(&match kind {
        CredentialKind::Secret => format!("Server URL {url}, header X-Vapi-Secret: {secret}"),
        CredentialKind::Bearer => format!("Server URL {url}, header Authorization: Bearer {secret}"),
        CredentialKind::Hmac => format!("Server URL {url}/{id}, HMAC SHA-256 (hex) with the key {secret}"),
    });
    say("It is shown this once.");
    Ok(())
}

/// Makes a service token.
pub(super) async fn service_token(
    app: &App,
    tenant: &OwnerId,
    scopes: &[String],
    days: u32,
    say: &mut impl FnMut(&str),
) -> Result<(), String> {
    let ends = app.clock.now().saturating_add(SignedDuration::from_hours(24 * i64::from(days)));
    let ends = ends.map_err(|error| error.to_string())?;
    let token =
        access::issue_service_token(app, tenant.clone(), scopes.to_vec(), Some(ends)).await.map_err(told)?;
    say(&format!("for {tenant}, {}, until {}", scopes.join(" "), ends.strftime("%Y-%m-%d")));
    let token = token.expose_secret();
    say(&format!("Authorization: Bearer {token}"));
    let id = token.trim_start_matches("slk_").split('_').next().unwrap_or_default();
    say(&format!("It is shown this once; `withdraw stk_{id}` ends it."));
    Ok(())
}

/// Ends one of them. Instances that have seen it lately believe it for another minute.
pub(super) async fn withdraw(app: &App, what: &Issued, say: &mut impl FnMut(&str)) -> Result<(), String> {
    let (id, was_there) = match what {
        Issued::Credential(id) => (id.to_string(), app.store.delete_credential(id).await),
        Issued::ServiceToken(id) => (id.to_string(), app.store.delete_service_token(id).await),
    };
    if !was_there.map_err(told)? {
        return Err(format!("{id} is not there"));
    }
    say(&format!("{id} is withdrawn; nobody is let in with it after 60 seconds"));
    Ok(())
}
