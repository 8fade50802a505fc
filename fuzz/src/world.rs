//! The functions of production over a world that holds one of everything: a flow of each provider, a credential of each
//! kind, an owner with a schedule and without a calendar. No network, and a clock that stands still.

use std::sync::Arc;

use functions::{Edge, Function};
use jiff::Timestamp;
use serde_json::{Value, json};
use shared::{
    app::App,
    aws::Aws,
    clock::Clock,
    config::Config,
    http::{Http, Lost},
    ids::{OwnerId, Provider},
    random,
    store::directory::{Credential, CredentialKind, Door, Route},
};
use tokio::runtime::Runtime;

use crate::{sign, tables};

/// 2026-01-05T10:00:00Z, a Monday.
pub const NOW: i64 = 1_767_607_200;
/// Where connects return to.
pub const FRONT_END: &str = "http://localhost:5173/calendar";
/// Only texts of strangers hold it: where it comes out again, something was repeated that must not be.
pub const CANARY: &str = "canary";
/// The value of every flow's cookie.
pub const COOKIE: &str = "EXAMPLE-cookie";
/// The secret of the credentials that have one.
pub const SECRET: &str = "EXAMPLE-secret";
/// The credentials: by secret, by bearer token, by signature.
pub const CREDENTIALS: [&str; 3] =
    ["vcr_0000000000000000000000aaaa", "vcr_0000000000000000000000bbbb", "vcr_0000000000000000000000cccc"];
const VAPI_ROOT: &str = "EXAMPLE-vapi-root-EXAMPLE-vapi-root";
const OWNER: &str = "user:user_2EXAMPLE";

/// The functions, and what runs them.
pub struct World {
    edge: Edge,
    runtime: Runtime,
}

/// What a function answered.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u64,
    /// The whole answer as text, headers and cookies included.
    pub whole: String,
    /// The body, parsed where it is JSON.
    pub body: Value,
    /// `Location`.
    pub location: Option<String>,
    /// `Set-Cookie`.
    pub cookies: Vec<String>,
}

/// The state of the flow of a provider.
pub fn state(provider: Provider) -> String {
    format!("EXAMPLE-state-{provider}")
}

/// The name of the cookie of that flow.
pub fn cookie_name(provider: Provider) -> String {
    let id = random::hex(&random::sha256(state(provider).as_bytes()));
    format!("slk_flow_{}", id.get(..8).unwrap_or_default())
}

/// What a caller presents for one of the first two credentials.
pub fn presented(credential: &str) -> String {
    format!("slv_{}_{SECRET}", credential.trim_start_matches("vcr_"))
}

/// The key of the last credential, as text.
pub fn hmac_key() -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let key = sign::mac(VAPI_ROOT.as_bytes(), format!("vapi\n{}\n1", CREDENTIALS[2]).as_bytes());
    format!("whsec_{}", STANDARD.encode(key))
}

impl World {
    /// Everything, made once a process.
    pub fn new() -> Self {
        let config = Config::read(setting).expect("the settings are good");
        let now = Timestamp::from_second(NOW).expect("a year that exists");
        let http =
            Http::new(None).expect("a client").over(Arc::new(|_| Box::pin(async { Err(Lost::NotSent) })));
        let aws = Aws::new(&config.aws, None).over(tables::holding(rows()));
        let app = App::over(config, Clock::fixed(now), http, aws).expect("an app");
        for (id, kind) in
            CREDENTIALS.iter().zip([CredentialKind::Secret, CredentialKind::Bearer, CredentialKind::Hmac])
        {
            let door = door(id, kind);
            app.doors.put(door.credential.id.clone(), door, now);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        Self { edge: Edge::new(app), runtime }
    }

    /// Runs one request of API Gateway through a function. `target` is a path with its query.
    pub fn ask(
        &self,
        function: Function,
        method: &str,
        target: &str,
        headers: &[(String, String)],
        body: Option<&[u8]>,
    ) -> Answer {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let cookies = headers.iter().filter(|(name, _)| name == "cookie").map(|(_, value)| json!(value));
        let others = headers.iter().filter(|(name, _)| name != "cookie");
        let event = json!({
            "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query,
            "cookies": cookies.collect::<Vec<_>>(),
            "headers": others.map(|(name, value)| (name.clone(), json!(value))).collect::<serde_json::Map<_, _>>(),
            "requestContext": {
                "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"},
                "requestId": "req-1", "stage": "$default", "timeEpoch": 0
            },
            "body": body.map(|body| STANDARD.encode(body)), "isBase64Encoded": body.is_some(),
        });
        let answer = self.runtime.block_on(self.edge.invoke(function, event, "req-1"));
        Answer::of(&answer.expect("a request is answered, whatever it holds"))
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl Answer {
    fn of(answer: &Value) -> Self {
        let text = answer["body"].as_str().unwrap_or_default();
        let cookies = answer["cookies"].as_array().into_iter().flatten().filter_map(Value::as_str);
        Self {
            status: answer["statusCode"].as_u64().expect("an answer has a status"),
            whole: answer.to_string(),
            body: serde_json::from_str(text).unwrap_or_else(|_| json!(text)),
            location: answer["headers"]["location"].as_str().map(str::to_owned),
            cookies: cookies.map(str::to_owned).collect(),
        }
    }
}

fn setting(name: &str) -> Option<String> {
    let value = match name {
        "STAGE" => "local",
        "PUBLIC_BASE_URL" => "http://localhost:3000",
        "FRONTEND_RETURN_URLS" => FRONT_END,
        "CLERK_ISSUER" => "https://clerk.example.com",
        "CLERK_JWT_KEY" => return Some(sign::OURS.pem()),
        "MICROSOFT_CLIENT_ID" | "GOOGLE_CLIENT_ID" => "EXAMPLE-client-id",
        "MICROSOFT_CLIENT_SECRET" | "GOOGLE_CLIENT_SECRET" => "EXAMPLE-client-secret",
        "FLOW_ROOT" => "EXAMPLE-flow-root-EXAMPLE-flow-root",
        "VAPI_ROOT" => VAPI_ROOT,
        "AWS_REGION" => "us-east-1",
        "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => "EXAMPLE",
        "AWS_ENDPOINT_URL_DYNAMODB" | "AWS_ENDPOINT_URL_KMS" => "http://127.0.0.1:9",
        _ => return None,
    };
    Some(value.to_owned())
}

fn rows() -> Vec<Value> {
    let schedule = json!({
        "time_zone": "Europe/Berlin",
        "weekly": [{"days": ["monday", "tuesday", "wednesday", "thursday", "friday"], "start": "09:00", "end": "17:00"}],
        "breaks": [{"days": ["monday"], "start": "12:00", "end": "13:00"}],
    });
    let settings = json!({
        "pk": format!("OWNER#{OWNER}"), "sk": "SETTINGS", "kind": "settings", "v": 1,
        "schedule": schedule, "schedule_source": "set",
    });
    Provider::ALL.into_iter().map(flow).chain([settings]).collect()
}

fn flow(provider: Provider) -> Value {
    let id = random::hex(&random::sha256(state(provider).as_bytes()));
    json!({
        "pk": format!("FLOW#{id}"), "sk": "FLOW", "kind": "flow", "v": 1, "id": id, "owner": OWNER,
        "provider": provider, "redirect_uri": "http://localhost:3000/calendar/auth/callback", "return_to": FRONT_END,
        "cookie_hash": random::hex(&random::sha256(COOKIE.as_bytes())), "replace": false, "ttl": NOW + 600,
    })
}

fn door(id: &str, kind: CredentialKind) -> Door {
    let owner: OwnerId = OWNER.parse().expect("an owner");
    let secret_hash = match kind {
        CredentialKind::Secret | CredentialKind::Bearer => {
            Some(random::hex(&random::sha256(SECRET.as_bytes())))
        }
        CredentialKind::Hmac => None,
    };
    let tenant = "business:EXAMPLE".parse().expect("a tenant");
    let credential =
        Credential { id: id.parse().expect("an id"), tenant, credential_kind: kind, secret_hash, version: 1 };
    Door { credential, routes: vec![Route { match_on: "default".to_owned(), owner }] }
}
