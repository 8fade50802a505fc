//! `/_local/…`: how demos, tests and outside checks drive the local stack. None of it exists anywhere else.

use std::sync::{Arc, OnceLock};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{FromRequest, Request, State},
    http::StatusCode,
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use functions::Function;
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use shared::{
    access,
    app::App,
    ids::{self, OwnerId},
    store::{
        Transaction,
        directory::{CredentialKind, Membership, Role, Route},
    },
    voice,
};

use crate::{
    fixtures, logs, loops,
    stack::{Parts, template},
    visitor,
    world::{self, Account, DEFAULT_EMAIL, Provider, UserEvent, World, faults::Fault, operations},
};

type Shared = Arc<OnceLock<Parts>>;

/// Who connects calendars of tenants here.
const OPERATOR: &str = "user_2LocalOperator";

/// The routes; they answer 503 until the stack has started.
pub(crate) fn routes(parts: Arc<OnceLock<Parts>>) -> Router {
    Router::new()
        .route("/_local/clock", post(clock))
        .route("/_local/users", post(users))
        .route("/_local/sessions", post(sessions))
        .route("/_local/service-tokens", post(service_tokens))
        .route("/_local/vapi-credentials", post(vapi_credentials))
        .route("/_local/connect", post(connect))
        .route("/_local/faults", post(faults))
        .route("/_local/hung", get(hung))
        .route("/_local/world", get(world_state))
        .route("/_local/counters", get(counters))
        .route("/_local/counters/reset", post(reset_counters))
        .route("/_local/run", post(run))
        .route("/_local/reset", post(reset))
        .route("/_local/console", get(console))
        .with_state(parts)
}

/// A mistake of whoever drives the stack, in a sentence.
struct Mistake(StatusCode, String);

impl IntoResponse for Mistake {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "error": self.1 }))).into_response()
    }
}

impl<E: std::fmt::Display> From<E> for Mistake {
    fn from(error: E) -> Self {
        Self(StatusCode::BAD_REQUEST, error.to_string())
    }
}

type Answer = Result<Json<Value>, Mistake>;

/// A JSON body, whatever its content type says: people drive this by hand.
struct Asked<T>(T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Asked<T> {
    type Rejection = Mistake;

    async fn from_request(request: Request, state: &S) -> Result<Self, Mistake> {
        let body = Bytes::from_request(request, state).await?;
        Ok(Self(serde_json::from_slice(&body)?))
    }
}

fn ready(parts: &Shared) -> Result<&Parts, Mistake> {
    parts
        .get()
        .ok_or_else(|| Mistake(StatusCode::SERVICE_UNAVAILABLE, "the stack is still starting".to_owned()))
}

#[derive(Deserialize)]
struct Clock {
    now: Option<Timestamp>,
    advance_seconds: Option<i64>,
}

async fn clock(State(parts): State<Shared>, Asked(wanted): Asked<Clock>) -> Answer {
    let clock = &ready(&parts)?.app.clock;
    match (wanted.now, wanted.advance_seconds) {
        (Some(now), None) => clock.set(now),
        (None, Some(seconds)) => clock.advance(SignedDuration::from_secs(seconds)),
        _ => return Err("say either now or advance_seconds".into()),
    }
    Ok(Json(json!({ "now": clock.now().to_string() })))
}

#[derive(Deserialize)]
struct NewUser {
    user_id: String,
    email: Option<String>,
}

async fn users(State(parts): State<Shared>, Asked(user): Asked<NewUser>) -> Answer {
    let parts = ready(&parts)?;
    OwnerId::user(&user.user_id)?;
    let webhook = parts.world.user_webhook(UserEvent::Created, &user.user_id, user.email.as_deref());
    let url = format!("{}/webhooks/clerk", parts.base_url);
    let answered = parts.world.deliver(&world::client()?, &webhook, &url).await?;
    Ok(Json(json!({ "user_id": user.user_id, "webhook_status": answered.status })))
}

#[derive(Deserialize)]
struct NewSession {
    user_id: String,
    #[serde(default)]
    claims: Value,
}

async fn sessions(State(parts): State<Shared>, Asked(wanted): Asked<NewSession>) -> Answer {
    let token = ready(&parts)?.world.session_token(&wanted.user_id, &wanted.claims);
    Ok(Json(json!({ "token": token })))
}

#[derive(Deserialize)]
struct NewServiceToken {
    tenant: OwnerId,
    #[serde(default = "every_scope")]
    scopes: Vec<String>,
}

fn every_scope() -> Vec<String> {
    vec!["business:*".to_owned()]
}

async fn service_tokens(State(parts): State<Shared>, Asked(wanted): Asked<NewServiceToken>) -> Answer {
    let app = &ready(&parts)?.app;
    let token = access::issue_service_token(app, wanted.tenant, wanted.scopes, None).await?;
    Ok(Json(json!({ "token": token.expose_secret() })))
}

#[derive(Deserialize)]
struct NewCredential {
    tenant: OwnerId,
    kind: CredentialKind,
    assistant_id: Option<String>,
    owner: Option<OwnerId>,
}

async fn vapi_credentials(State(parts): State<Shared>, Asked(wanted): Asked<NewCredential>) -> Answer {
    let app = &ready(&parts)?.app;
    let (id, secret) = voice::issue_credential(app, wanted.tenant.clone(), wanted.kind).await?;
    let match_on = wanted.assistant_id.map_or_else(|| "default".to_owned(), |id| format!("assistant:{id}"));
    let owner = wanted.owner.unwrap_or_else(|| wanted.tenant.clone());
    app.store.put_route(&wanted.tenant, Route { match_on, owner }).await?;
    Ok(Json(json!({ "credential_id": id, "secret": secret.expose_secret() })))
}

#[derive(Deserialize)]
struct Connect {
    owner: OwnerId,
    provider: String,
    #[serde(default = "default_email")]
    account: String,
}

fn default_email() -> String {
    DEFAULT_EMAIL.to_owned()
}

async fn connect(State(parts): State<Shared>, Asked(wanted): Asked<Connect>) -> Answer {
    let parts = ready(&parts)?;
    let Connect { owner, provider, account } = wanted;
    let named: ids::Provider = provider.parse()?;
    if !parts.app.endpoints(named)?.authorize_url.starts_with("http://") {
        let start = parts.app.connect_url(&owner, Some(named));
        return Err(format!("{named} is the real one here; in a browser, open {start}").into());
    }
    know(&parts.world, named, &account);
    let (world, base_url) = (&parts.world, &parts.base_url);
    let id = if owner.is_tenant() {
        join(&parts.app, &owner).await?;
        let whom = owner.to_string();
        visitor::connect_for(world, base_url, &whom, OPERATOR, &provider, &account).await?
    } else {
        visitor::connect(world, base_url, owner.id(), &provider, &account).await?
    };
    Ok(Json(json!({ "connection_id": id })))
}

/// Makes the local operator a member of a tenant, so that somebody can connect its calendar.
async fn join(app: &App, tenant: &OwnerId) -> Result<(), Mistake> {
    let updated_ms = app.clock.now().as_millisecond();
    let part = Membership { tenant: tenant.clone(), role: Role::Member, updated_ms, ended: false };
    match app.store.transact(Vec::from(app.store.put_membership(OPERATOR, part)?)).await? {
        Transaction::Done => Ok(()),
        Transaction::Contended | Transaction::Refused(_) => Err("the tenant has a newer member".into()),
    }
}

/// An account that nobody has yet is made, so that any address can be connected.
fn know(world: &World, provider: ids::Provider, email: &str) {
    let (side, made) = match provider {
        ids::Provider::Microsoft => (Provider::Microsoft, Account::microsoft(email)),
        ids::Provider::Google => (Provider::Google, Account::google(email)),
    };
    if !world.accounts(side).iter().any(|account| account.email == email) {
        world.add_account(made);
    }
}

async fn faults(State(parts): State<Shared>, Asked(fault): Asked<Fault>) -> Answer {
    let fault = operations::aimed(fault);
    let faults = ready(&parts)?.world.faults();
    if let Some(why) = operations::useless(&fault) {
        return Err(why.into());
    }
    faults.arm(fault);
    Ok(Json(json!({ "armed": faults.waiting().len() })))
}

/// Answers once a call hangs.
async fn hung(State(parts): State<Shared>) -> Answer {
    ready(&parts)?.world.faults().hung().await;
    Ok(Json(json!({ "hung": true })))
}

async fn world_state(State(parts): State<Shared>) -> Answer {
    let parts = ready(&parts)?;
    let mut state = parts.world.state();
    state["outbox"] = json!(parts.dynamo.rows(&parts.app.config.tables.outbox)?);
    state["rescue_queue"] = json!(parts.sqs.waiting());
    state["logs"] = json!(logs::shown());
    Ok(Json(state))
}

async fn counters(State(parts): State<Shared>) -> Answer {
    Ok(Json(json!(ready(&parts)?.world.counters().snapshot())))
}

async fn reset_counters(State(parts): State<Shared>) -> Answer {
    ready(&parts)?.world.counters().reset();
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
struct Run {
    function: String,
    #[serde(default)]
    input: Value,
}

async fn run(State(parts): State<Shared>, Asked(wanted): Asked<Run>) -> Answer {
    match Function::from_handler(&wanted.function) {
        Some(Function::TokenRefresh) => Ok(Json(loops::keeper(ready(&parts)?, wanted.input).await?)),
        Some(Function::Reconcile) => {
            let result = ready(&parts)?.invoke(Function::Reconcile, json!({})).await?;
            Ok(Json(json!({ "result": result })))
        }
        _ => {
            let sentence =
                format!("function must be token-refresh or reconcile; nothing drives {}", wanted.function);
            Err(Mistake(StatusCode::NOT_FOUND, sentence))
        }
    }
}

async fn reset(State(parts): State<Shared>) -> Answer {
    let parts = ready(&parts)?;
    parts.world.reset();
    parts.dynamo.reset(&template()?)?;
    parts.sqs.clear();
    fixtures::seed(&parts.app).await?;
    parts.world.counters().reset();
    logs::hide();
    Ok(Json(json!({})))
}

async fn console(State(parts): State<Shared>) -> Result<Html<&'static str>, Mistake> {
    ready(&parts)?;
    Ok(Html(include_str!("console.html")))
}
