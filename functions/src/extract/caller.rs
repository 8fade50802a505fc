//! Who is asking, from the authorizer's verdict, and for whom. A verdict is cached, so its end is checked again.

use std::collections::HashMap;

use axum::extract::{FromRef, FromRequestParts};
use http::request::Parts;
use jiff::Timestamp;
use lambda_http::request::RequestContext;
use serde::Deserialize;
use serde_json::Value;
use shared::{
    access::{Caller, CallerKind, owner_for},
    app::App,
    error::{Error, Result},
    ids::OwnerId,
};
use tracing::Span;

use super::query;
use crate::problem::Problem;

/// Somebody whom the authorizer knows.
pub(crate) struct Asking(pub(crate) Caller);

impl<S: Send + Sync> FromRequestParts<S> for Asking
where
    App: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let RequestContext::ApiGatewayV2(context) = parts.extensions.get().ok_or_else(nobody)? else {
            return Err(nobody().into());
        };
        let fields = &context.authorizer.as_ref().ok_or_else(nobody)?.fields;
        let caller = caller_of(fields, App::from_ref(state).clock.now())?;
        Span::current().record("caller", kind_name(caller.kind));
        Ok(Self(caller))
    }
}

/// A signed-in person: [`Caller::id`] is his Clerk id.
pub(crate) struct Person(pub(crate) Caller);

impl<S: Send + Sync> FromRequestParts<S> for Person
where
    App: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Asking(caller) = Asking::from_request_parts(parts, state).await?;
        match caller.kind {
            CallerKind::User => Ok(Self(caller)),
            CallerKind::Service => Err(Error::Forbidden {
                code: "user_session_required",
                reason: "This route needs a signed-in user.",
            }
            .into()),
        }
    }
}

/// The owner for whom a person acts: himself, or `?owner=` of which he is a member.
pub(crate) struct Acting(pub(crate) OwnerId);

/// What every calendar route takes beside its own parameters.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ForWhom {
    /// Acts for a tenant of which the caller is a member: `business:…` or `subaccount:…`.
    #[param(example = "business:org_2abc")]
    owner: Option<String>,
    /// If sent, it must be the caller.
    user_id: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Acting
where
    App: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Asking(caller) = Asking::from_request_parts(parts, state).await?;
        let wanted: ForWhom = query(parts)?;
        let app = App::from_ref(state);
        let owner = owner_for(&app, &caller, wanted.owner.as_deref(), wanted.user_id.as_deref()).await?;
        Span::current().record("owner", owner.kind().as_str());
        Ok(Self(owner))
    }
}

fn nobody() -> Error {
    Error::Unauthenticated { code: "unauthenticated" }
}

fn kind_name(kind: CallerKind) -> &'static str {
    match kind {
        CallerKind::User => "user",
        CallerKind::Service => "service",
    }
}

/// The names of the authorizer's context, in which every value is a string.
pub(crate) fn context_of(caller: &Caller) -> Value {
    serde_json::json!({
        "kind": kind_name(caller.kind),
        "id": caller.id,
        "tenant": caller.tenant.as_ref().map(ToString::to_string).unwrap_or_default(),
        "scopes": caller.scopes.join(" "),
        "orgs": caller.orgs.join(" "),
        "exp": caller.expires_at.as_second().to_string(),
    })
}

/// Reads the authorizer's context back.
fn caller_of(fields: &HashMap<String, Value>, now: Timestamp) -> Result<Caller> {
    let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
    let words = |name: &str| text(name).split_whitespace().map(str::to_owned).collect();
    let kind = match text("kind") {
        "user" => CallerKind::User,
        "service" => CallerKind::Service,
        _ => return Err(nobody()),
    };
    let id = Some(text("id").to_owned()).filter(|id| !id.is_empty()).ok_or_else(nobody)?;
    let expires_at = text("exp").parse().ok().and_then(|second| Timestamp::from_second(second).ok());
    let expires_at = expires_at.ok_or_else(nobody)?;
    if expires_at <= now {
        return Err(Error::Unauthenticated { code: "token_expired" });
    }
    let tenant = match text("tenant") {
        "" => None,
        tenant => Some(tenant.parse().map_err(|_| nobody())?),
    };
    Ok(Caller { kind, id, tenant, scopes: words("scopes"), orgs: words("orgs"), expires_at })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn fields(caller: &Caller) -> HashMap<String, Value> {
        serde_json::from_value(context_of(caller)).unwrap()
    }

    fn service() -> Caller {
        Caller {
            kind: CallerKind::Service,
            id: "stk_1".into(),
            tenant: Some("business:org_1".parse().unwrap()),
            scopes: vec!["users:read".into(), "users:write".into()],
            orgs: vec![],
            expires_at: at(1000),
        }
    }

    #[test]
    fn a_caller_survives_the_way_through_the_gateway() {
        let user = Caller {
            kind: CallerKind::User,
            id: "user_2abc".into(),
            tenant: None,
            scopes: vec![],
            orgs: vec!["org_1".into()],
            expires_at: at(1000),
        };
        for caller in [user, service()] {
            assert!(fields(&caller).values().all(Value::is_string));
            assert_eq!(caller_of(&fields(&caller), at(999)).unwrap(), caller);
        }
    }

    #[test]
    fn a_verdict_ends_with_its_token() {
        let error = caller_of(&fields(&service()), at(1000)).unwrap_err();
        assert_eq!(error.code(), "token_expired");
    }

    #[test]
    fn an_incomplete_verdict_proves_nobody() {
        assert_eq!(caller_of(&HashMap::new(), at(0)).unwrap_err().code(), "unauthenticated");
        for name in ["kind", "id", "exp"] {
            let mut broken = fields(&service());
            broken.remove(name);
            assert_eq!(caller_of(&broken, at(0)).unwrap_err().code(), "unauthenticated", "{name}");
        }
    }
}
