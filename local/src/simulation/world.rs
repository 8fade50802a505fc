//! One seed's world: tables, keys, queue and authorization server, and the processes that live in it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use aws_lc_rs::digest;
use dynoxide::Database;
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde_json::{Value, json};
use shared::{
    app::App,
    aws::Aws,
    clock::Clock,
    config::Config,
    http::Http,
    ids::{ConnectionId, OwnerId, Provider},
    providers::{oauth::Tokens, spec::Rotation},
    schedule::Schedule,
    store::{
        Transaction,
        connections::{Connection, Status},
        keys,
    },
    tokens,
    vault::Scope,
};

use super::{
    bookings::{books::Books, calendar::Calendar},
    gate::Gate,
    grants::{Grants, LIFE},
    process::Process,
    wires::{self, held},
};
use crate::{
    aws::{kms::Keys, tables::make_tables},
    gateway::Template,
};

/// A Monday morning.
const BASE: &str = "2026-01-05T09:00:00Z";

/// Whose connection it is.
const OWNER: &str = "user_2EXAMPLE";

/// What a run of many seeds makes once.
#[derive(Clone)]
pub(super) struct Setting {
    template: Arc<Template>,
    config: Config,
    http: Http,
}

/// What is the same for every process.
pub(super) struct Systems {
    pub(super) database: Database,
    pub(super) kms: Keys,
    queue: Mutex<Vec<String>>,
    grants: Mutex<Grants>,
    calendar: Mutex<Calendar>,
    books: Mutex<Books>,
    /// Marks while the person's grant lived.
    pub(super) false_marks: AtomicU64,
}

#[derive(Clone)]
pub(super) struct World {
    pub(super) gate: Gate,
    pub(super) systems: Arc<Systems>,
    setting: Setting,
    rule: Rotation,
    provider: Provider,
}

impl Setting {
    /// The one of this program.
    pub(super) fn once() -> Result<&'static Self, String> {
        static ONCE: OnceLock<Result<Setting, String>> = OnceLock::new();
        ONCE.get_or_init(Self::new).as_ref().map_err(Clone::clone)
    }

    fn new() -> Result<Self, String> {
        let template = crate::stack::template()?;
        let mut variables = template.variables.clone();
        let own = [
            ("STAGE", "local"),
            ("PUBLIC_BASE_URL", "http://localhost:3000"),
            ("FRONTEND_RETURN_URLS", crate::stack::FRONTEND),
            ("CLERK_ISSUER", "https://clerk.example.com"),
            ("MICROSOFT_CLIENT_ID", "client-EXAMPLE"),
            ("MICROSOFT_CLIENT_SECRET", "secret-EXAMPLE"),
            ("MICROSOFT_TOKEN_URL", "http://localhost/token"),
            ("MICROSOFT_GRAPH_URL", "http://localhost/api"),
            ("GOOGLE_CLIENT_ID", "client-EXAMPLE"),
            ("GOOGLE_CLIENT_SECRET", "secret-EXAMPLE"),
            ("GOOGLE_TOKEN_URL", "http://localhost/token"),
            ("GOOGLE_CALENDAR_URL", "http://localhost/google"),
            ("AWS_ENDPOINT_URL_DYNAMODB", "http://localhost/dynamodb"),
            ("AWS_ENDPOINT_URL_KMS", "http://localhost/kms"),
            ("AWS_ENDPOINT_URL_SQS", "http://localhost/sqs"),
            ("RESCUE_QUEUE_URL", "http://localhost/sqs/rescue"),
            ("KMS_KEY_ID", Keys::ID),
        ];
        variables.extend(own.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let config = Config::read(|name| variables.get(name).cloned()).map_err(|error| error.to_string())?;
        Ok(Self { template: Arc::new(template), config, http: Http::new(None)? })
    }
}

impl World {
    pub(super) fn new(setting: &Setting, seed: u64, rule: Rotation) -> Result<Self, String> {
        Self::at(setting, seed, rule, Provider::Microsoft, BASE)
    }

    /// One that begins at another moment, with an account of this provider's.
    pub(super) fn at(
        setting: &Setting,
        seed: u64,
        rule: Rotation,
        provider: Provider,
        base: &str,
    ) -> Result<Self, String> {
        let mut setting = setting.clone();
        if let Some(settings) = setting.config.providers.get_mut(&provider) {
            settings.overrides.rotation = Some(rule);
        }
        let database = Database::memory().map_err(|error| error.to_string())?;
        make_tables(&database, &setting.template).map_err(|error| error.to_string())?;
        let base: Timestamp = base.parse().map_err(|error| format!("{error}"))?;
        let systems = Systems {
            database,
            kms: Keys::fresh().map_err(|error| error.to_string())?,
            queue: Mutex::default(),
            grants: Mutex::new(Grants::new(rule)),
            calendar: Mutex::default(),
            books: Mutex::default(),
            false_marks: AtomicU64::new(0),
        };
        Ok(Self { gate: Gate::new(seed, base), systems: Arc::new(systems), setting, rule, provider })
    }

    /// A process that has done nothing yet; its clock is wrong by up to two seconds.
    pub(super) fn process(&self, name: &str) -> Result<(Arc<Process>, App), String> {
        let wrong = self.gate.dice(|dice| dice.between(0, 4_000));
        let skew = SignedDuration::from_millis(i64::try_from(wrong).unwrap_or_default() - 2_000);
        let process = Process::new(name.to_owned(), Clock::led(self.gate.now()), skew);
        self.gate.tell_time(&process);
        let http = self.setting.http.over(wires::provider(self, &process));
        let aws = Aws::new(&self.setting.config.aws, None).over(wires::aws(self, &process));
        let app = App::over(self.setting.config.clone(), process.clock.clone(), http, aws)
            .map_err(|error| error.to_string())?;
        Ok((process, app))
    }

    /// Links the person's account, as a finished consent does. Call it in fine weather.
    pub(super) async fn link(&self, app: &App) -> Result<Connection, String> {
        let told = |error: shared::error::Error| error.to_string();
        let now = app.clock.now();
        let (access, refresh) = self.systems.grants().first(self.gate.now());
        let granted = Tokens {
            access_token: SecretString::from(access),
            refresh_token: Some(SecretString::from(refresh)),
            expires_in: LIFE,
            refresh_expires_in: None,
            scopes: vec!["calendar".to_owned()],
            id_token: None,
        };
        let owner = OwnerId::user(OWNER).map_err(told)?;
        let id = ConnectionId::derived("EXAMPLE");
        let scope = Scope {
            owner: owner.clone(),
            provider: self.provider,
            connection: id.clone(),
            account_hash: "EXAMPLE".to_owned(),
        };
        let (sealed, wrapped) = tokens::seal_first(app, &scope, 1, &granted).await.map_err(told)?;
        let row = Connection {
            owner,
            provider: scope.provider,
            account_hash: scope.account_hash,
            account_email: None,
            scopes: granted.scopes,
            status: Status::Active,
            cause: None,
            token_version: sealed.token_version,
            access: sealed.access,
            refresh: sealed.refresh,
            data_key_id: sealed.data_key_id,
            seals: sealed.seals,
            key_since: sealed.key_since,
            expires_at: sealed.expires_at,
            refresh_at: sealed.refresh_at,
            lease_id: None,
            lease_until: None,
            asks: Default::default(),
            unheard_at: None,
            retry_at: None,
            granted_at: now,
            refreshed_at: sealed.refreshed_at,
            refresh_dies_at: None,
            dead_since: None,
            warned_at: None,
            due_shard: Some(keys::due_shard(&id)),
            due_at: Some(sealed.due_at),
            busy_calendars: Vec::new(),
            write_calendar: None,
            created_at: now,
            last_used_at: now,
            id,
        };
        let actions = vec![
            app.store.put_connection(&row, None).map_err(told)?,
            app.store.put_data_key_action(&row.id, wrapped).map_err(told)?,
        ];
        // Somebody who is always open, so that the keeper has something to do.
        app.store.set_schedule(&row.owner, &always_open()?).await.map_err(told)?;
        match app.store.transact(actions).await.map_err(told)? {
            Transaction::Done => Ok(row),
            other => Err(format!("the link was refused: {other:?}")),
        }
    }

    /// Every row of a table, past every gate.
    pub(super) fn rows(&self, table: &str) -> Vec<Value> {
        let name = &self.setting.config.tables;
        let table = if table == "outbox" { &name.outbox } else { &name.connections };
        let asked = serde_json::from_value(json!({"TableName": table}));
        let page = asked.ok().and_then(|asked| self.systems.database.scan(asked).ok());
        let page = page.and_then(|page| serde_json::to_value(page).ok()).unwrap_or_default();
        page["Items"].as_array().cloned().unwrap_or_default()
    }

    pub(super) fn rule(&self) -> Rotation {
        self.rule
    }

    pub(super) fn injected(&self) -> BTreeMap<&'static str, u64> {
        self.gate.injected()
    }
}

impl Systems {
    pub(super) fn grants(&self) -> std::sync::MutexGuard<'_, Grants> {
        held(&self.grants)
    }

    /// The person's calendar at the provider.
    pub(super) fn calendar(&self) -> std::sync::MutexGuard<'_, Calendar> {
        held(&self.calendar)
    }

    /// What DynamoDB was told about bookings.
    pub(super) fn books(&self) -> std::sync::MutexGuard<'_, Books> {
        held(&self.books)
    }

    /// What waits in the rescue queue; it stays there until it was applied.
    pub(super) fn queued(&self) -> Vec<String> {
        held(&self.queue).clone()
    }

    pub(super) fn applied(&self, message: &str) {
        held(&self.queue).retain(|kept| kept != message);
    }

    /// SQS's `SendMessage`.
    pub(super) fn enqueue(&self, body: &[u8]) -> (u16, Vec<u8>) {
        let asked: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = asked["MessageBody"].as_str().unwrap_or_default().to_owned();
        let id = shared::random::hex(&digest::digest(&digest::SHA256, text.as_bytes()).as_ref()[..8]);
        held(&self.queue).push(text);
        (200, json!({"MessageId": id}).to_string().into_bytes())
    }

    /// A connection was given up.
    pub(super) fn marked(&self) {
        if self.grants().is_live() {
            self.false_marks.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Every hour of the week.
fn always_open() -> Result<Schedule, String> {
    let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let schedule = json!({
        "time_zone": "UTC", "weekly": [{"days": days, "start": "00:00", "end": "24:00"}],
    });
    serde_json::from_value(schedule).map_err(|error| error.to_string())
}
