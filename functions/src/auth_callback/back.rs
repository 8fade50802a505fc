//! How a callback is answered: a redirect to the front end, JSON for who prefers it, or a page for a lost cookie.

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, StatusCode, header};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use shared::{
    access::bearer,
    app::App,
    connect::{self, Callback, Failed, Outcome, link::Linked},
    error::Error,
    ids::Provider,
};
use url::Url;
use utoipa::ToSchema;

use super::Sent;
use crate::{
    extract::{cookies, text},
    finish::Told,
    pages,
    problem::Problem,
};

/// A connection that was made, for who prefers JSON.
#[derive(Serialize, ToSchema)]
pub(super) struct Success {
    /// Always true.
    success: bool,
    /// The provider.
    #[schema(value_type = String, example = "microsoft")]
    provider: Provider,
    /// The account's address.
    account_email: Option<String>,
    /// The connection.
    connection_id: String,
}

/// Takes what came back and answers it; the flow's cookie goes in every case.
pub(super) async fn answer(
    app: &App,
    provider: Option<Provider>,
    sent: Sent,
    headers: &HeaderMap,
) -> Response {
    let authorization = text(headers, header::AUTHORIZATION.as_str());
    let back = Callback {
        provider,
        state: sent.state.as_deref(),
        code: sent.code.map(SecretString::from),
        error: sent.error.as_deref(),
        iss: sent.iss.as_deref(),
        cookies: cookies(headers),
        bearer: authorization.and_then(bearer),
    };
    let response = match connect::callback(app, &back).await {
        Ok(Outcome::Linked { linked, .. }) if prefers_json(headers) => {
            axum::Json(success(linked)).into_response()
        }
        Ok(Outcome::Linked { linked, return_to }) => redirect(
            &return_to,
            &[("auth", "success"), ("email", &linked.account_email.unwrap_or_default())],
            None,
        ),
        Ok(Outcome::Confirm { handle, return_to }) => {
            redirect(&return_to, &[("auth", "confirm")], Some(&format!("handle={}", handle.expose_secret())))
        }
        Err(failed) => refusal(failed, prefers_json(headers)),
    };
    without_cookie(app, sent.state.as_deref(), response)
}

fn success(linked: Linked) -> Success {
    Success {
        success: true,
        provider: linked.provider,
        account_email: linked.account_email,
        connection_id: linked.connection.to_string(),
    }
}

fn refusal(failed: Failed, json: bool) -> Response {
    let Failed { error, return_to, lost_cookie } = failed;
    let reason = match &error {
        Error::ConnectFailed { reason, .. } => reason,
        _ => "The calendar could not be connected.",
    };
    let problem = Problem::from(error);
    if json {
        return problem.into_response();
    }
    let mut response = match lost_cookie {
        true => pages::lost_cookie(reason, &return_to),
        false => redirect(&return_to, &[("auth", "error"), ("code", problem.code())], None),
    };
    response.extensions_mut().insert(Told(problem));
    response
}

/// Back to the front end, our parameters behind those that its URL has.
fn redirect(return_to: &str, parameters: &[(&str, &str)], fragment: Option<&str>) -> Response {
    let Ok(mut url) = Url::parse(return_to) else {
        return Problem::from(Error::internal("a return target that is no URL")).into_response();
    };
    url.query_pairs_mut().extend_pairs(parameters.iter().filter(|(_, value)| !value.is_empty()));
    url.set_fragment(fragment);
    (StatusCode::SEE_OTHER, [(header::LOCATION, url.to_string())]).into_response()
}

/// Clears the cookie of the flow that `state` names; it is burned.
fn without_cookie(app: &App, state: Option<&str>, response: Response) -> Response {
    let Some(state) = state.filter(|state| !state.is_empty()) else { return response };
    let name = connect::cookie_of_state(&app.config, state);
    let secure = if app.config.is_plain_http() { "" } else { "; Secure" };
    let clear = format!("{name}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0{secure}");
    let headers: [(HeaderName, String); 1] = [(header::SET_COOKIE, clear)];
    (axum::response::AppendHeaders(headers), response).into_response()
}

/// Whether `Accept` names JSON above HTML (RFC 9110, section 12.5.1); browsers name HTML first.
fn prefers_json(headers: &HeaderMap) -> bool {
    let accept = text(headers, header::ACCEPT.as_str()).unwrap_or_default();
    let weight = |wanted: &str| {
        let ranges = accept.split(',').map(|range| range.trim().split(';').map(str::trim));
        let weights = ranges.filter_map(|mut parts| {
            let named = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case(wanted));
            let q = parts.find_map(|part| part.strip_prefix("q=")).map_or(1.0, |q| q.parse().unwrap_or(0.0));
            named.then_some(q)
        });
        weights.fold(0.0_f32, f32::max)
    };
    weight("application/json") > weight("text/html")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(return_to: &str, parameters: &[(&str, &str)], fragment: Option<&str>) -> String {
        let response = redirect(return_to, parameters, fragment);
        assert_eq!(response.status(), 303);
        response.headers()[header::LOCATION].to_str().unwrap().to_owned()
    }

    #[test]
    fn our_parameters_go_behind_those_that_are_there() {
        assert_eq!(
            location(
                "https://app.example.com/c?tab=1",
                &[("auth", "success"), ("email", "ada+x@example.com")],
                None
            ),
            "https://app.example.com/c?tab=1&auth=success&email=ada%2Bx%40example.com"
        );
        assert_eq!(
            location("https://app.example.com/c", &[("auth", "confirm")], Some("handle=a.b")),
            "https://app.example.com/c?auth=confirm#handle=a.b"
        );
        assert_eq!(
            location("https://app.example.com/", &[("auth", "success"), ("email", "")], None),
            "https://app.example.com/?auth=success"
        );
    }

    #[test]
    fn a_browser_gets_a_redirect_and_a_program_gets_json() {
        let prefers = |accept: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, http::HeaderValue::from_static(accept));
            prefers_json(&headers)
        };
        assert!(prefers("application/json"));
        assert!(prefers("application/json, text/html;q=0.5"));
        assert!(!prefers("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"));
        assert!(!prefers("text/html, application/json"));
        assert!(!prefers("application/json;q=0, text/html"));
        assert!(!prefers("*/*"));
        assert!(!prefers_json(&HeaderMap::new()));
    }

    #[tokio::test]
    async fn a_failed_flow_tells_the_front_end_its_code_and_a_lost_cookie_gets_a_page() {
        let failed = |lost_cookie| Failed {
            error: Error::ConnectFailed { code: "cookie_missing", reason: "It lost its cookie." },
            return_to: "https://app.example.com/?a=1&b=<x>".into(),
            lost_cookie,
        };
        let response = refusal(failed(false), false);
        let location = response.headers()[header::LOCATION].to_str().unwrap();
        assert_eq!(location, "https://app.example.com/?a=1&b=%3Cx%3E&auth=error&code=cookie_missing");
        assert_eq!(refusal(failed(true), true).status(), 400);

        let page = refusal(failed(true), false);
        assert_eq!(page.status(), 400);
        assert!(
            page.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().contains("default-src 'none'")
        );
        let body = axum::body::to_bytes(page.into_body(), usize::MAX).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert!(body.contains("It lost its cookie.") && body.contains("href=\"https://app.example.com/"));
        assert!(!body.contains("<x>"), "{body}");
    }
}
