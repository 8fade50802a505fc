//! Everything at once: the world outside, DynamoDB, KMS, SQS and the gateway, with the real functions behind it.

use std::{
    collections::BTreeMap,
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use functions::{Edge, Function};
use jiff::Timestamp;
use serde_json::Value;
use shared::{app::App, aws::Aws, clock::Clock, config::Config, http::Http, random};
use tokio::task::JoinSet;

use crate::{
    aws::{
        Dynamo, Kms, Sqs,
        permissions::{self, Roles},
    },
    control, fixtures, foreign,
    gateway::{self, Gateway, Invoke, Invoked, Template},
    loops::Schedule,
    settings::settings,
    world::{self, World, counters::Counters, faults::Faults},
};

/// The template that deploys; the local gateway serves its routes.
pub const TEMPLATE: &str = include_str!("../../template.yaml");

/// Where the front end of the local stage would be; a connect returns to it.
pub const FRONTEND: &str = "http://localhost:3001/settings";

/// How a stack is started.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The gateway's port; 0 picks a free one.
    pub port: u16,
    /// Keeps tables and key in this folder; in memory without.
    pub data: Option<PathBuf>,
    /// Settings that replace the stack's own, such as a real provider's client id.
    pub settings: BTreeMap<String, String>,
    /// Which clock.
    pub time: Time,
}

/// Which clock a stack lives by.
#[derive(Clone, Copy, Debug, Default)]
pub enum Time {
    /// The system's.
    #[default]
    Real,
    /// Starts at an instant and runs on.
    From(Timestamp),
    /// Stands at an instant until it is moved.
    Fixed(Timestamp),
}

/// A running stack; it stops when this is dropped.
pub struct Stack {
    /// Microsoft, Google, Clerk and VAPI.
    pub world: world::Running,
    /// The functions' own view: settings, clock, clients.
    pub app: App,
    /// The embedded tables.
    pub dynamo: Arc<Dynamo>,
    /// The embedded keys.
    pub kms: Arc<Kms>,
    /// The embedded rescue queue.
    pub sqs: Arc<Sqs>,
    /// The settings that the functions were started with.
    pub settings: BTreeMap<String, String>,
    parts: Parts,
    gateway: Gateway,
    _folder: Option<Folder>,
}

/// The folder of `--data`; nobody else has it until this is dropped or the process ends.
struct Folder {
    path: PathBuf,
    _lock: File,
}

/// What control routes and functions share; filled once everything runs.
#[derive(Clone)]
pub struct Parts {
    /// Microsoft, Google, Clerk and VAPI.
    pub world: World,
    /// The functions' own view.
    pub app: App,
    /// The functions.
    pub edge: Arc<Edge>,
    /// The embedded tables.
    pub dynamo: Arc<Dynamo>,
    /// The embedded rescue queue.
    pub sqs: Arc<Sqs>,
    /// The template that is served.
    pub template: Arc<Template>,
    /// Where the gateway listens, as browsers write it.
    pub base_url: String,
}

impl Stack {
    /// Starts everything on 127.0.0.1. The error is one sentence for a person.
    pub async fn start(mut options: Options) -> Result<Self, String> {
        let clock = clock(&options)?;
        let (counters, faults) = (Counters::default(), Faults::default());
        let folder = options.data.as_deref().map(Folder::take).transpose()?;
        let file = |name: &str| folder.as_ref().map(|folder| folder.path.join(name));
        let world_options = world::Options {
            counters: counters.clone(),
            faults: faults.clone(),
            ..world::Options::default()
        };
        let world = World::start(clock.clone(), world_options).await.map_err(|error| error.to_string())?;
        let dynamo =
            Dynamo::start(file("tables.sqlite").as_deref(), counters.clone(), faults.clone(), clock.clone())
                .await;
        let dynamo =
            Arc::new(dynamo.map_err(|error| format!("the embedded DynamoDB did not start: {error}"))?);
        let sqs = Sqs::start(counters.clone(), faults.clone(), clock.clone()).await;
        let sqs = Arc::new(sqs.map_err(|error| format!("the embedded SQS did not start: {error}"))?);
        let kms = Kms::start(file("key").as_deref(), counters, faults).await;
        let kms = Arc::new(kms.map_err(|error| format!("the embedded KMS did not start: {error}"))?);
        let mut template =
            template_for(options.settings.get("FRONTEND_RETURN_URLS").map_or(FRONTEND, String::as_str))?;
        dynamo.create_tables(&template).map_err(|error| error.to_string())?;
        foreign::prepare(&mut options.settings, &mut template).await?;

        // The functions need the gateway's address, and the gateway needs the functions: the cell breaks the ring.
        let parts: Arc<OnceLock<Parts>> = Arc::default();
        let gateway_options = gateway::Options {
            port: options.port,
            extra: Some(control::routes(parts.clone())),
            ..Default::default()
        };
        let gateway = Gateway::start(template.clone(), invoke(parts.clone()), clock.clone(), gateway_options)
            .await
            .map_err(|error| {
                format!("port {} cannot be used: {error}; --port picks another", options.port)
            })?;
        let base_url = gateway.base_url().replace("127.0.0.1", "localhost");
        let settings = settings(&options, &template, &world, (&dynamo, &kms, &sqs), &base_url)?;
        let config = Config::read(|name| settings.get(name).cloned()).map_err(|error| error.to_string())?;
        let roles = Roles::of(&template, &config.kms_key_id);
        let aws = Aws::new(&config.aws, None).over(permissions::held(roles));
        let app = App::over(config, clock, Http::new(None)?, aws).map_err(|error| error.to_string())?;
        let edge = Arc::new(Edge::new(app.clone()));
        let part = Parts {
            world: World::clone(&world),
            app: app.clone(),
            edge,
            dynamo: dynamo.clone(),
            sqs: sqs.clone(),
            template: Arc::new(template),
            base_url,
        };
        if parts.set(part.clone()).is_err() {
            return Err("the stack was started twice".to_owned());
        }
        fixtures::seed(&app).await.map_err(|error| error.to_string())?;
        world.counters().reset();
        Ok(Self { world, app, dynamo, kms, sqs, settings, parts: part, gateway, _folder: folder })
    }

    /// Where the gateway listens, such as `http://localhost:3000`.
    pub fn base_url(&self) -> &str {
        &self.app.config.public_base_url
    }

    /// The same by its address, for programs that look up no names.
    pub fn address(&self) -> &str {
        self.gateway.base_url()
    }

    /// Runs the keeper once a minute while the answer is kept; none where the clock stands still.
    pub fn schedule(&self) -> Option<Schedule> {
        self.app.clock.runs().then(|| Schedule::start(self.parts.clone()))
    }
}

impl Parts {
    /// Calls a function as Lambda would, which ends it after the time-out of the template.
    pub(crate) async fn invoke(&self, function: Function, event: Value) -> Result<Value, String> {
        let name = function.as_str();
        let spec =
            self.template.function(name).ok_or_else(|| format!("the template has no function {name}"))?;
        let (edge, timeout) = (self.edge.clone(), spec.timeout);
        let request_id = format!("local-{}", random::id());
        // A task of its own, as a Lambda is a process of its own: polled inside the gateway's, it would stand on top of
        // the server's stack frames. The set ends it when nobody waits for it any more.
        let mut invocation = JoinSet::new();
        invocation.spawn(permissions::acting(function, async move {
            let answer = edge.invoke_within(timeout, function, event, &request_id).await;
            answer.map_err(|error| error.to_string())
        }));
        match tokio::time::timeout(timeout, invocation.join_next()).await {
            Ok(Some(Ok(answer))) => answer,
            Ok(Some(Err(_)) | None) => Err(format!("{name} broke off")),
            Err(_) => Err(format!("{name} timed out after {} seconds", spec.timeout.as_secs())),
        }
    }
}

/// The clock that was asked for; `SLOTLINE_NOW` stands still, as it does for the functions.
fn clock(options: &Options) -> Result<Clock, String> {
    match (options.time, options.settings.get("SLOTLINE_NOW")) {
        (Time::From(now), _) => Ok(Clock::starting_at(now)),
        (Time::Fixed(now), _) => Ok(Clock::fixed(now)),
        (Time::Real, None) => Ok(Clock::system()),
        (Time::Real, Some(now)) => {
            let now =
                now.parse().map_err(|_| "SLOTLINE_NOW must be an instant such as 2026-01-05T12:00:00Z")?;
            Ok(Clock::fixed(now))
        }
    }
}

/// The template as the local stage reads it.
pub fn template() -> Result<Template, String> {
    template_for(FRONTEND)
}

/// The same with the origins of these front-end URLs.
fn template_for(return_urls: &str) -> Result<Template, String> {
    let origins = origins(return_urls).join(",");
    Template::read(TEMPLATE, &BTreeMap::from([("FrontendOrigins".to_owned(), origins)]))
}

/// The origins of URLs that stand side by side.
pub(crate) fn origins(urls: &str) -> Vec<String> {
    let origin = |url: &str| url::Url::parse(url.trim()).ok().map(|url| url.origin().ascii_serialization());
    urls.split(',').filter_map(origin).collect()
}

impl Folder {
    /// Makes it where it is missing. Two stacks on one folder would each take the other's rows for its own.
    fn take(path: &Path) -> Result<Self, String> {
        let shown = path.display();
        fs::create_dir_all(path).map_err(|error| format!("{shown} cannot be made: {error}"))?;
        let lock =
            File::create(path.join("lock")).map_err(|error| format!("{shown} cannot be written: {error}"))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => {
                format!("{shown} is in use by another stack; --data names another folder")
            }
            TryLockError::Error(error) => format!("{shown} cannot be locked: {error}"),
        })?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }
}

fn invoke(parts: Arc<OnceLock<Parts>>) -> Invoke {
    Arc::new(move |handler: String, event| -> Invoked {
        let parts = parts.clone();
        Box::pin(async move {
            let parts = parts.get().ok_or("the stack is still starting")?;
            let function =
                Function::from_handler(&handler).ok_or_else(|| format!("no function {handler}"))?;
            parts.invoke(function, event).await
        })
    })
}
