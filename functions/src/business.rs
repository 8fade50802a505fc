//! The business face, `/api/v1/*`: businesses, their calendars, whether a time is free, and bookings. Each route sits in
//! the function of its verb; what they share is here.

pub(crate) mod availability;
pub(crate) mod bookings;
pub(crate) mod businesses;
mod when;

use axum::extract::{FromRef, FromRequestParts};
use http::{Method, request::Parts};
use serde::Deserialize;
use shared::{
    access::{CallerKind, Need, business_for, scoped},
    app::App,
    error::{Error, Result},
    ids::OwnerId,
};
use tracing::Span;

use crate::{
    extract::{Asking, Query},
    problem::Problem,
};

/// Which business a request is about.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// The business; a service token that is bound to one need not say it.
    #[param(example = "biz_0123456789abcdefghijklmnop")]
    business_id: Option<String>,
}

/// The business that `?business_id=` names, for a member of it or a service token.
pub(crate) struct Acting(pub(crate) OwnerId);

impl<S: Send + Sync> FromRequestParts<S> for Acting
where
    App: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let asking = Asking::from_request_parts(parts, state).await?;
        let Query(which) = Query::<Which>::from_request_parts(parts, state).await?;
        let need = if parts.method == Method::GET { Need::Read } else { Need::Write };
        let owner = acting(&App::from_ref(state), &asking, which.business_id.as_deref(), need).await?;
        Ok(Self(owner))
    }
}

/// Somebody who may write for some business, which the body names: what a token may do is looked at before the body.
pub(crate) struct Writer(pub(crate) Asking);

impl<S: Send + Sync> FromRequestParts<S> for Writer
where
    App: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let asking = Asking::from_request_parts(parts, state).await?;
        match asking.0.kind {
            CallerKind::User => {}
            CallerKind::Service => scoped(&asking.0, Need::Write)?,
        }
        Ok(Self(asking))
    }
}

/// The business that somebody acts for.
async fn acting(app: &App, asking: &Asking, id: Option<&str>, need: Need) -> Result<OwnerId> {
    let owner = business_for(app, &asking.0, id, need).await?;
    Span::current().record("owner", owner.kind().as_str());
    Ok(owner)
}

/// The same mistake under the name that this face has for the field.
fn renamed(error: Error) -> Error {
    match error {
        Error::Invalid { field, reason } => {
            let field = match field.as_ref() {
                "start" => "start_time".into(),
                "end" => "end_time".into(),
                _ => field,
            };
            Error::Invalid { field, reason }
        }
        error => error,
    }
}
