//! `auth-start`: a visit that begins to connect a calendar (SECURITY.md S1.3).

use axum::{extract::State, response::IntoResponse};
use http::{HeaderMap, StatusCode, header};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use shared::{
    app::App,
    connect::{self, Start, Started},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    extract::{Address, Query, cookies, flag},
    problem::Problem,
};

/// The routes of this function.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(start_connecting))
}

/// What a link to the start says.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Visit {
    /// The Clerk user whose calendar it is; needed unless `owner` is said.
    #[param(example = "user_2abcDEF")]
    user_id: Option<String>,
    /// A tenant whose calendar it is, `business:…` or `subaccount:…`; a member of it completes the connection.
    #[param(example = "business:org_2abc")]
    owner: Option<String>,
    /// `microsoft` or `google`; Microsoft when it is not said, unless only Google is enabled.
    provider: Option<String>,
    /// One of the allowed front-end URLs; the first of them when it is not said.
    return_to: Option<String>,
    /// The new account takes the place of the others of this provider.
    #[param(value_type = Option<bool>)]
    replace: Option<String>,
}

/// Begins to connect a calendar: goes on to the provider's consent page.
#[utoipa::path(get, path = "/calendar/auth/start", tag = "connect", params(Visit), responses(
    (status = 307, description = "To the provider's consent page; sets the flow's cookie",
     headers(("Location" = String), ("Set-Cookie" = String)))))]
async fn start_connecting(
    State(app): State<App>,
    Query(visit): Query<Visit>,
    Address(address): Address,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    let session_cookie = cookies(&headers).into_iter().find(|(name, _)| *name == "__session");
    let start = Start {
        user_id: visit.user_id.as_deref(),
        owner: visit.owner.as_deref(),
        provider: visit.provider.as_deref(),
        return_to: visit.return_to.as_deref(),
        replace: flag("replace", visit.replace.as_deref())?,
        session_cookie: session_cookie.map(|(_, value)| value),
        address: &address,
    };
    let started = connect::start(&app, &start).await?;
    let location = started.authorize_url.to_string();
    Ok((
        StatusCode::TEMPORARY_REDIRECT,
        [(header::LOCATION, location), (header::SET_COOKIE, flow_cookie(&started))],
    ))
}

fn flow_cookie(started: &Started) -> String {
    let secure = if started.secure { "; Secure" } else { "" };
    let (name, value) = (&started.cookie_name, started.cookie.expose_secret());
    let life = connect::start::FLOW_LIFE.as_secs();
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={life}{secure}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s1_3_the_flow_cookie_has_its_attributes() {
        let started = |secure, name: &str| Started {
            authorize_url: "https://login.example.com/".parse().unwrap(),
            cookie_name: name.into(),
            cookie: secrecy::SecretString::from("value"),
            secure,
        };
        assert_eq!(
            flow_cookie(&started(true, "__Host-slk_flow_0a0a0a0a")),
            "__Host-slk_flow_0a0a0a0a=value; Path=/; HttpOnly; SameSite=Lax; Max-Age=600; Secure"
        );
        assert!(!flow_cookie(&started(false, "slk_flow_0a0a0a0a")).contains("Secure"));
    }
}
