//! Around every handler: the request's span, the last word on a refusal, the headers of every response, one log line.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderName, HeaderValue, header};
use tracing::Instrument as _;

use crate::{
    Function, extract,
    problem::{Face, Problem},
};

/// What every response carries.
const HEADERS: [(HeaderName, HeaderValue); 3] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
];

/// Runs a handler and finishes its response.
pub(crate) async fn finish(State(function): State<Function>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let request_id = extract::request_id(request.extensions());
    let face = Face::of(request.uri().path());
    // The pattern, not the path: ids and codes do not belong into the log.
    let route = request.extensions().get::<MatchedPath>().map_or("-", MatchedPath::as_str);
    // Of the highest level, so that whatever is logged inside carries it.
    let span = tracing::error_span!(
        "request",
        request_id,
        function = function.as_str(),
        method = %request.method(),
        route,
        caller = "public",
        owner = tracing::field::Empty,
    );
    async {
        let mut response = next.run(request).await;
        let problem = response.extensions_mut().remove::<Problem>();
        if let Some(problem) = &problem {
            response = problem.render(face, &request_id, response);
        }
        for (name, value) in HEADERS {
            response.headers_mut().entry(name).or_insert(value);
        }
        let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let told = response.extensions_mut().remove::<Told>();
        match problem.or(told.map(|Told(problem)| problem)) {
            Some(problem) => problem.log(face, Some(duration_ms)),
            None => tracing::info!(status = response.status().as_u16(), duration_ms, "request done"),
        }
        response
    }
    .instrument(span.clone())
    .await
}

/// Goes with a response that tells a problem in its own way (a redirect, a page), for the log line.
#[derive(Clone)]
pub(crate) struct Told(pub(crate) Problem);

/// Answers a path that this function does not have.
pub(crate) async fn no_route() -> Problem {
    Problem::NO_ROUTE
}

/// Answers a method that the path does not have.
pub(crate) async fn wrong_method() -> Problem {
    Problem::WRONG_METHOD
}
