//! Where every outside request passes: how long it takes, and what becomes of it and of who sent it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep, sleep_until},
};

use super::{dice::Dice, process::Process};

/// DynamoDB's operation that others' transactions can keep from happening.
const TRANSACTION: &str = "TransactWriteItems";

/// How bad the world is, in thousandths of all requests.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Weather {
    /// Refused before anything happens: throttled, or broken.
    pub(super) refused: u64,
    /// Done, and the answer lost.
    pub(super) lost: u64,
    /// Slow beyond every time-out.
    pub(super) slow: u64,
    /// The sender dies before it is sent, or after it was done.
    pub(super) crash: u64,
    /// The sender freezes for a while after it was done.
    pub(super) freeze: u64,
    /// DynamoDB is out of order for a while from here on.
    pub(super) outage: u64,
    /// Another transaction holds a row that this one is about; of DynamoDB's transactions alone.
    pub(super) contended: u64,
}

/// What a request meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Fine,
    Throttled,
    Broken,
    Contended,
    Lost,
    CrashBefore,
    CrashAfter,
    Freeze,
}

/// The end of a request, as its sender sees it.
pub(super) enum Met<T> {
    Answer(T),
    Throttled,
    Broken,
    Contended,
    Lost,
}

/// A crash at a set request, instead of by the dice.
#[derive(Clone, Copy, Debug)]
pub(super) struct Planned {
    /// Which request, counted from the moment it is set.
    pub(super) at: u64,
    /// Before it is sent, or after it was done.
    pub(super) before: bool,
}

#[derive(Clone)]
pub(super) struct Gate(Arc<Mutex<Inner>>);

struct Inner {
    dice: Dice,
    weather: Weather,
    planned: Option<Planned>,
    requests: u64,
    outage_until: Option<Instant>,
    base: Timestamp,
    begun: Instant,
    injected: BTreeMap<&'static str, u64>,
    trace: Vec<String>,
    /// Whether tokens were given to somebody who never heard it.
    lost_tokens: bool,
    /// Whether an ask ended without an answer that says for certain what became of it.
    unheard: bool,
}

impl Gate {
    pub(super) fn new(seed: u64, base: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            dice: Dice::new(seed),
            weather: Weather::default(),
            planned: None,
            requests: 0,
            outage_until: None,
            base,
            begun: Instant::now(),
            injected: BTreeMap::new(),
            trace: Vec::new(),
            lost_tokens: false,
            unheard: false,
        })))
    }

    pub(super) fn dice<T>(&self, roll: impl FnOnce(&mut Dice) -> T) -> T {
        roll(&mut self.inner().dice)
    }

    pub(super) fn set_weather(&self, weather: Weather) {
        let mut inner = self.inner();
        inner.weather = weather;
        inner.outage_until = None;
        inner.planned = None;
    }

    /// Plans a crash, counted from here.
    pub(super) fn plan(&self, planned: Planned) {
        let mut inner = self.inner();
        (inner.planned, inner.requests) = (Some(planned), 0);
    }

    /// Whether the planned crash has happened.
    pub(super) fn is_past_plan(&self) -> bool {
        self.inner().planned.is_none()
    }

    /// The world's own time.
    pub(super) fn now(&self) -> Timestamp {
        let inner = self.inner();
        inner.base + SignedDuration::try_from(inner.begun.elapsed()).unwrap_or_default()
    }

    pub(super) fn note(&self, what: &'static str) {
        *self.inner().injected.entry(what).or_default() += 1;
    }

    pub(super) fn trace(&self, line: String) {
        let mut inner = self.inner();
        let at = inner.begun.elapsed().as_millis();
        inner.trace.push(format!("{at:>9} {line}"));
    }

    pub(super) fn lost_tokens(&self) -> bool {
        self.inner().lost_tokens
    }

    pub(super) fn unheard(&self) -> bool {
        self.inner().unheard
    }

    pub(super) fn injected(&self) -> BTreeMap<&'static str, u64> {
        self.inner().injected.clone()
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.inner().trace.clone()
    }

    /// Sends a request: it is done by the world itself, whatever becomes of its sender.
    pub(super) async fn pass<T: Send + 'static>(
        &self,
        process: &Arc<Process>,
        what: String,
        is_dynamodb: bool,
        act: impl FnOnce() -> T + Send + 'static,
    ) -> Met<T> {
        let (fate, there, back) = self.decide(is_dynamodb, what.starts_with(TRANSACTION));
        self.trace(format!("{} {what} {fate:?}", process.name));
        if fate == Fate::CrashBefore {
            self.note("crash before a request");
            return process.die().await;
        }
        let (answer, answered) = oneshot::channel();
        let (gate, sender) = (self.clone(), process.clone());
        tokio::spawn(async move {
            sleep(there).await;
            let met = match fate {
                Fate::Throttled => Met::Throttled,
                Fate::Broken => Met::Broken,
                Fate::Contended => Met::Contended,
                Fate::Lost => {
                    act();
                    Met::Lost
                }
                Fate::Fine | Fate::CrashBefore | Fate::CrashAfter | Fate::Freeze => Met::Answer(act()),
            };
            gate.trace(format!("{} {what} done", sender.name));
            if fate == Fate::CrashAfter {
                sender.end();
            }
            if fate == Fate::Freeze {
                let nap = gate.dice(|dice| dice.millis(20_000, 90_000));
                sender.freeze(Instant::now() + nap);
            }
            sleep(back).await;
            // A sender that gave up or died does not listen.
            let heard = !matches!(met, Met::Lost) && !sender.is_dead();
            let listened = answer.send(met).is_ok() && heard && fate != Fate::Freeze;
            if what == "token" {
                let mut inner = gate.inner();
                inner.lost_tokens |= !listened;
                inner.unheard |= !listened || fate != Fate::Fine;
            }
        });
        let met = answered.await;
        if let Some(until) = process.frozen_until() {
            sleep_until(until).await;
        }
        self.tell_time(process);
        met.unwrap_or(Met::Lost)
    }

    /// Sets a process's clock to the world's time, as wrong as that clock is.
    pub(super) fn tell_time(&self, process: &Process) {
        process.clock.set(self.now() + process.skew);
    }

    fn decide(&self, is_dynamodb: bool, is_transaction: bool) -> (Fate, Duration, Duration) {
        let mut inner = self.inner();
        inner.requests += 1;
        let fate = inner.fate(is_dynamodb, is_transaction);
        let weather = inner.weather;
        let dice = &mut inner.dice;
        let there = match dice.permille(weather.slow) {
            true if dice.permille(300) => dice.millis(12_000, 45_000),
            true => dice.millis(1_000, 12_000),
            false => dice.millis(1, 40),
        };
        let back = dice.millis(1, 40);
        if there > Duration::from_millis(40) {
            *inner.injected.entry("slow").or_default() += 1;
        }
        (fate, there, back)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics while it is held but a failed test, whose seed is told anyway.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn fate(&mut self, is_dynamodb: bool, is_transaction: bool) -> Fate {
        if let Some(planned) = self.planned {
            if planned.at != self.requests {
                return Fate::Fine;
            }
            self.planned = None;
            return if planned.before { Fate::CrashBefore } else { Fate::CrashAfter };
        }
        let weather = self.weather;
        if is_dynamodb {
            if self.outage_until.is_some_and(|until| until > Instant::now()) {
                return Fate::Broken;
            }
            if self.dice.permille(weather.outage) {
                self.outage_until = Some(Instant::now() + self.dice.millis(1_000, 40_000));
                *self.injected.entry("outage of DynamoDB").or_default() += 1;
            }
        }
        let (fate, name) = if is_transaction && self.dice.permille(weather.contended) {
            (Fate::Contended, "transaction conflict")
        } else if self.dice.permille(weather.refused) {
            if self.dice.permille(500) { (Fate::Throttled, "throttled") } else { (Fate::Broken, "5xx") }
        } else if self.dice.permille(weather.lost) {
            (Fate::Lost, "lost answer")
        } else if self.dice.permille(weather.crash) {
            if self.dice.permille(500) {
                return Fate::CrashBefore;
            }
            (Fate::CrashAfter, "crash after a request")
        } else if self.dice.permille(weather.freeze) {
            (Fate::Freeze, "freeze")
        } else {
            return Fate::Fine;
        };
        *self.injected.entry(name).or_default() += 1;
        fate
    }
}
