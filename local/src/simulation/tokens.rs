//! Tokens of one connection over some hours in bad weather: kept, or lost only where nothing could have kept them.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use jiff::SignedDuration;
use shared::{
    app::App,
    error::{Error, Result as AppResult},
    http::Answer,
    providers::{
        failure::{Class, Failure},
        spec::Rotation,
    },
    store::connections::Connection,
    tokens::{self, Patience, with_token},
};
use tokio::{task::JoinSet, time::sleep};

use super::{
    gate::{Planned, Weather},
    process::{Ended, Process},
    wires::held,
    world::{Setting, World},
};

/// How one seed ended.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// What was wrong; empty when everything held.
    pub violations: Vec<String>,
    /// What the world did to it.
    pub injected: BTreeMap<&'static str, u64>,
    /// Calls to the token endpoint.
    pub token_calls: u64,
    /// Whether tokens were lost where nothing could have kept them.
    pub rotation_lost: bool,
    /// Everything that happened, in order.
    pub trace: Vec<String>,
}

/// The rules that seeds take turns with.
pub const RULES: [Rotation; 3] = [Rotation::KeepsOld, Rotation::Replaces, Rotation::SingleUse];

/// Plays one seed.
pub fn play(seed: u64) -> Result<Verdict, String> {
    let rule = RULES[usize::try_from(seed % 3).unwrap_or_default()];
    runtime()?.block_on(async {
        let world = World::new(Setting::once()?, seed, rule)?;
        let town = Town::new(world).await?;
        town.hours().await?;
        town.verdict().await
    })
}

/// Plays a plain refresh in fine weather, with a crash at one request; none when there are fewer requests.
pub fn crash_at(rule: Rotation, at: u64, before: bool) -> Result<Option<Verdict>, String> {
    runtime()?.block_on(async {
        let town = Town::new(World::new(Setting::once()?, at, rule)?).await?;
        sleep(Duration::from_secs(3_700)).await;
        town.world.gate.plan(Planned { at, before });
        town.use_once("first", Patience::Request).await?;
        if !town.world.gate.is_past_plan() {
            return Ok(None);
        }
        town.verdict().await.map(Some)
    })
}

/// One thread whose time is virtual, and the dice of the SDK's own retries.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, String> {
    fastrand::seed(1);
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time().start_paused(true).build().map_err(|error| error.to_string())
}

pub(super) struct Town {
    pub(super) world: World,
    pub(super) connection: Connection,
    pub(super) violations: Arc<Mutex<Vec<String>>>,
    /// Whether the provider's answer was lost where nothing could have kept it.
    pub(super) window: Arc<AtomicBool>,
}

impl Town {
    async fn new(world: World) -> Result<Self, String> {
        let (_, app) = world.process("linking")?;
        let connection = world.link(&app).await?;
        Ok(Self { world, connection, violations: Arc::default(), window: Arc::default() })
    }

    /// A few hours: everybody comes at once, then nobody for a while.
    async fn hours(&self) -> Result<(), String> {
        let gate = self.world.gate.clone();
        let weather = gate.dice(|dice| {
            let mut some = |most: u64| if dice.permille(600) { dice.between(0, most) } else { 0 };
            Weather {
                refused: some(80),
                lost: some(60),
                slow: some(60),
                crash: some(30),
                freeze: some(15),
                outage: some(20),
                contended: 0,
            }
        });
        let queue = tokio::spawn(self.clone().deliveries());
        for _ in 0..gate.dice(|dice| dice.between(2, 4)) {
            // Before, in and after the last quarter of the tokens' life.
            sleep(gate.dice(|dice| dice.millis(20 * 60_000, 75 * 60_000))).await;
            if gate.dice(|dice| dice.permille(40)) {
                self.world.systems.grants().revoke();
                gate.trace("the person takes the consent back".to_owned());
            }
            gate.set_weather(weather);
            self.rush(gate.dice(|dice| dice.between(1, 5))).await?;
        }
        queue.abort();
        Ok(())
    }

    /// SQS hands messages over until they are applied, each time after their visibility time-out.
    async fn deliveries(self) {
        for number in 0.. {
            sleep(Duration::from_secs(90)).await;
            if self.world.systems.queued().is_empty() {
                continue;
            }
            match self.world.process(&format!("q{number}")) {
                Ok((process, app)) => self.rescue(&process, &app).await,
                Err(error) => self.fault(error),
            }
        }
    }

    /// Some processes at once, each with a few invocations.
    async fn rush(&self, processes: u64) -> Result<(), String> {
        let mut tasks = JoinSet::new();
        for number in 0..processes {
            let town = self.clone();
            tasks.spawn(async move { town.shift(number).await });
        }
        while let Some(done) = tasks.join_next().await {
            done.map_err(|error| error.to_string())??;
        }
        Ok(())
    }

    async fn shift(&self, number: u64) -> Result<(), String> {
        let gate = &self.world.gate;
        let (mut process, mut app) = self.world.process(&format!("p{number}"))?;
        for turn in 0..gate.dice(|dice| dice.between(1, 4)) {
            sleep(gate.dice(|dice| dice.millis(0, 4_000))).await;
            if process.is_dead() {
                (process, app) = self.world.process(&format!("p{number}.{turn}"))?;
            }
            gate.tell_time(&process);
            match gate.dice(|dice| dice.between(0, 9)) {
                0 => self.rescue(&process, &app).await,
                1 => self.keep(&process, &app).await,
                2..=4 => self.call(&process, &app, Patience::Voice).await,
                _ => self.call(&process, &app, Patience::Request).await,
            }
        }
        Ok(())
    }

    async fn use_once(&self, name: &str, patience: Patience) -> Result<(), String> {
        let (process, app) = self.world.process(name)?;
        self.call(&process, &app, patience).await;
        Ok(())
    }

    /// One invocation that uses the connection.
    async fn call(&self, process: &Arc<Process>, app: &App, patience: Patience) {
        let limit = Duration::from_secs(self.world.gate.dice(|dice| dice.between(12, 29)));
        let ended = process.invoke(limit, used(app, &self.connection, patience)).await;
        self.after(process, &ended);
        self.world.gate.trace(format!("{} ended {}", process.name, told(&ended)));
    }

    /// One delivery of the rescue queue, perhaps a repeated one.
    async fn rescue(&self, process: &Arc<Process>, app: &App) {
        for message in self.world.systems.queued() {
            let ended = process.invoke(Duration::from_secs(60), tokens::rescue(app, &message)).await;
            let again = self.world.gate.dice(|dice| dice.permille(300));
            if matches!(ended, Ended::With(Ok(()))) && !again {
                self.world.systems.applied(&message);
            }
            self.after(process, &ended);
        }
    }

    async fn keep(&self, process: &Arc<Process>, app: &App) {
        let ended = process.invoke(Duration::from_secs(60), tokens::keep(app)).await;
        if let Ended::With(Ok(kept)) = &ended
            && kept.refreshed > 0
        {
            self.world.gate.note("refreshed by the keeper");
        }
        self.after(process, &ended);
    }

    /// What an invocation left in the process's hands.
    fn after<T>(&self, process: &Arc<Process>, ended: &Ended<T>) {
        let held = process.holding.swap(false, Ordering::Relaxed);
        match ended {
            Ended::With(_) if held && !process.was_turned_away() => {
                self.fault(format!("{} dropped tokens that could have been kept", process.name));
            }
            Ended::With(_) => {}
            Ended::Crashed => {}
            Ended::Killed => {
                self.world.gate.note("killed at the deadline");
                process.end();
            }
        }
        if held {
            self.window.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn fault(&self, text: String) {
        held(&self.violations).push(text);
    }
}

impl Clone for Town {
    fn clone(&self) -> Self {
        Self {
            world: self.world.clone(),
            connection: self.connection.clone(),
            violations: self.violations.clone(),
            window: self.window.clone(),
        }
    }
}

/// Reads the row as a handler does, and asks the API with its token.
pub(super) async fn used(app: &App, of: &Connection, patience: Patience) -> AppResult<()> {
    let row = app.store.connection(&of.owner, &of.id).await?;
    let row = row.ok_or(Error::NotFound("connection"))?;
    with_token(app, &row, patience, |token| async move {
        let call = app.http.call(http::Method::GET, "http://localhost/api").bearer(&token);
        read(&call.within(SignedDuration::from_secs(5)).send().await?)
    })
    .await
}

fn read(answer: &Answer) -> Result<(), Failure> {
    let class = match answer.status {
        200 => return Ok(()),
        401 => Class::RefreshAndRetry,
        429 => Class::Throttle,
        _ => Class::Transient,
    };
    Err(Failure { class, status: Some(answer.status), retry_after: None, reason: None })
}

fn told(ended: &Ended<AppResult<()>>) -> String {
    match ended {
        Ended::With(Ok(())) => "well".to_owned(),
        Ended::With(Err(error)) => error.to_string(),
        Ended::Crashed => "crashed".to_owned(),
        Ended::Killed => "killed".to_owned(),
    }
}
