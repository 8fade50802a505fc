//! `credential`, `service-token`, `withdraw`: what lets VAPI and servers in. A secret is shown once and kept nowhere.

use jiff::SignedDuration;
use secrecy::ExposeSecret as _;
use shared::{
    access,
    app::App,
    ids::OwnerId,
    store::{
        connections::OwnerRows,
        directory::{CredentialKind, Route},
    },
    voice,
};

use super::{command::Issued, told};

/// Makes a VAPI credential. Routes are the tenant's, so that a second credential brings the same calls: they change only
/// when it is wanted, or when there are none.
pub(super) async fn credential(
    app: &App,
    tenant: &OwnerId,
    kind: CredentialKind,
    wanted: Option<&Route>,
    yes: bool,
    say: &mut impl FnMut(&str),
) -> Result<(), String> {
    let before = app.store.routes(tenant).await.map_err(told)?;
    let first = || Route { match_on: "default".to_owned(), owner: tenant.clone() };
    let route = wanted.cloned().or_else(|| before.is_empty().then(first));
    let replaced = route
        .as_ref()
        .and_then(|new| before.iter().find(|old| old.match_on == new.match_on && old.owner != new.owner));
    if let Some(old) = replaced.filter(|_| !yes) {
        return Err(format!(
            "{} → {} stands for every credential of {tenant}; nothing was made. --yes replaces it; without --calls the \
             new credential gets the same routes",
            old.match_on, old.owner
        ));
    }
    let owner = route.as_ref().map(|route| &route.owner);
    for whom in [tenant].into_iter().chain(owner.filter(|owner| *owner != tenant)) {
        let has_routes = whom == tenant && !before.is_empty();
        if !is_known(app, whom).await? && !has_routes {
            say(&format!(
                "warning: nothing is known of {whom}, neither a calendar nor settings; is the id right?"
            ));
        }
    }
    // The credential first: where it cannot be made, calls go on to whom they went.
    let (id, secret) = voice::issue_credential(app, tenant.clone(), kind).await.map_err(told)?;
    if let Some(route) = route.as_ref().filter(|route| !before.contains(route)) {
        let routed = app.store.put_route(tenant, route.clone()).await;
        routed
            .map_err(|error| format!("{}; {id} was made, and its route was not: withdraw it", told(error)))?;
    }
    let kept = before.iter().filter(|old| route.as_ref().is_none_or(|new| new.match_on != old.match_on));
    let calls = kept.chain(&route).map(|route| format!("{} → {}", route.match_on, route.owner));
    say(&format!("{id} of {tenant}; calls: {}", calls.collect::<Vec<_>>().join(", ")));
    if let Some(old) = replaced {
        say(&format!("{} went to {} before, from every credential of {tenant}", old.match_on, old.owner));
    }
    let url = format!("{}/vapi/webhook", app.config.public_base_url);
    let secret = secret.expose_secret();
    say(&match kind {
        CredentialKind::Secret => format!("Server URL {url}, header X-Vapi-Secret: {secret}"),
        CredentialKind::Bearer => format!("Server URL {url}, header Authorization: Bearer {secret}"),
        CredentialKind::Hmac => format!("Server URL {url}/{id}, HMAC SHA-256 (hex) with the key {secret}"),
    });
    say("It is shown this once.");
    Ok(())
}

/// Whether anything is here of an owner; the error says that he was deleted. The members of an organisation are not
/// looked for: they are found by person alone.
async fn is_known(app: &App, owner: &OwnerId) -> Result<bool, String> {
    let rows = app.store.owner_rows(owner).await.map_err(told)?;
    let has_rows = rows != OwnerRows::default();
    if owner.is_tenant() {
        return Ok(has_rows);
    }
    let (person, memberships) = app.store.user_and_memberships(owner.id()).await.map_err(told)?;
    match person {
        Some(person) if person.deleted => Err(format!("{owner} was deleted; nothing was made")),
        person => Ok(person.is_some() || has_rows || !memberships.is_empty()),
    }
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
