//! `docs`: whether the service lives, whether it can work, and how it is used. Public.

mod page;

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use axum::{
    Extension, Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use shared::{
    app::App,
    error::{Error, Result},
    ids::Provider,
};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{openapi, pages, problem::Problem};

/// The routes of this function.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(get_root))
        .routes(routes!(get_health))
        .routes(routes!(get_ready))
        .routes(routes!(get_docs))
        .routes(routes!(get_openapi))
        .layer(Extension(Readiness::default()))
}

/// That the service lives.
#[derive(Serialize, ToSchema)]
struct Health {
    /// Always `ok`.
    status: &'static str,
    /// Always `slotline`.
    service: &'static str,
    /// The version that runs.
    #[schema(example = "0.1.0")]
    version: &'static str,
    /// The providers that are configured.
    #[schema(value_type = Vec<String>, example = json!(["microsoft", "google"]))]
    providers: Vec<Provider>,
    /// What an operator should know.
    warnings: Vec<String>,
    /// Where the documentation is.
    docs: String,
}

/// That the service can work.
#[derive(Serialize, ToSchema)]
struct Ready {
    /// Always `ready`.
    status: &'static str,
    /// When that was last seen.
    #[schema(value_type = String, format = DateTime)]
    checked_at: Timestamp,
}

/// How long a check is believed.
const BELIEVED_FOR: SignedDuration = SignedDuration::from_secs(30);

/// The last check: when, and whether table and key could be used.
#[derive(Clone, Default)]
struct Readiness(Arc<Mutex<Option<(Timestamp, bool)>>>);

/// Liveness, as at `/health`.
#[utoipa::path(get, path = "/", tag = "service", responses((status = 200, description = "It lives", body = Health)))]
async fn get_root(State(app): State<App>) -> Json<Health> {
    Json(health(&app))
}

/// Liveness, version and configured providers. Calls nothing.
#[utoipa::path(get, path = "/health", tag = "service", responses((status = 200, description = "It lives", body = Health)))]
async fn get_health(State(app): State<App>) -> Json<Health> {
    Json(health(&app))
}

/// Readiness: one cheap read of the table and the state of the key, believed for 30 seconds.
#[utoipa::path(get, path = "/ready", tag = "service",
    responses((status = 200, description = "It can work", body = Ready)))]
async fn get_ready(
    State(app): State<App>,
    Extension(readiness): Extension<Readiness>,
) -> Result<Json<Ready>, Problem> {
    let checked_at = readiness.check(&app).await?;
    Ok(Json(Ready { status: "ready", checked_at }))
}

/// This documentation as a page.
#[utoipa::path(get, path = "/docs", tag = "service",
    responses((status = 200, description = "A page without scripts", body = String, content_type = "text/html")))]
async fn get_docs() -> Response {
    static BODY: OnceLock<String> = OnceLock::new();
    pages::page(StatusCode::OK, "Slotline API", BODY.get_or_init(|| page::body(&openapi::document())))
}

/// This documentation for programs: OpenAPI 3.1.
#[utoipa::path(get, path = "/openapi.json", tag = "service",
    responses((status = 200, description = "The document", body = Object)))]
async fn get_openapi() -> Result<Response, Problem> {
    static TEXT: OnceLock<String> = OnceLock::new();
    let text = match TEXT.get() {
        Some(text) => text,
        None => {
            let text = openapi::document().to_json().map_err(|error| Error::internal(error.to_string()))?;
            TEXT.get_or_init(|| text)
        }
    };
    Ok(([(header::CONTENT_TYPE, "application/json")], text.as_str()).into_response())
}

fn health(app: &App) -> Health {
    Health {
        status: "ok",
        service: "slotline",
        version: env!("CARGO_PKG_VERSION"),
        providers: app.config.providers.keys().copied().collect(),
        warnings: app.config.warnings.clone(),
        docs: format!("{}/docs", app.config.public_base_url),
    }
}

impl Readiness {
    /// When the table was last read, now or at most 30 seconds ago; the error of one that cannot be read.
    async fn check(&self, app: &App) -> Result<Timestamp> {
        let now = app.clock.now();
        // Taken out at once: the lock is never held over the read.
        let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let believed = last.filter(|(at, _)| now.duration_since(*at).abs() < BELIEVED_FOR);
        let (at, ready) = match believed {
            Some(last) => last,
            None => {
                // Nobody has this id; a read that finds nothing is as good as any.
                let seen = tokio::try_join!(app.store.user("user_ready"), app.vault.check_key());
                *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, seen.is_ok()));
                seen?;
                (now, true)
            }
        };
        if ready { Ok(at) } else { Err(Error::Unavailable { system: "ready", retry_after: BELIEVED_FOR }) }
    }
}
