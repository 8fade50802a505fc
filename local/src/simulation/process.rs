//! One warm Lambda process: its memory, its clock, and the ways in which it ends.

use std::{
    future::Future,
    sync::{Arc, Mutex, atomic::AtomicBool},
    time::Duration,
};

use super::wires::held;
use jiff::SignedDuration;
use shared::{clock::Clock, deadline};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

pub(super) struct Process {
    pub(super) name: String,
    pub(super) clock: Clock,
    /// How wrong its clock is.
    pub(super) skew: SignedDuration,
    /// Whether it has tokens of the provider's that are kept nowhere yet.
    pub(super) holding: AtomicBool,
    refusals: Mutex<Refusals>,
    ended: watch::Sender<bool>,
    frozen: Mutex<Option<Instant>>,
}

/// Who would not take what it holds.
#[derive(Clone, Copy, Debug, Default)]
struct Refusals {
    dynamodb: bool,
    queue: bool,
}

/// How an invocation ended.
#[derive(Debug)]
pub(super) enum Ended<T> {
    /// With a result.
    With(T),
    /// The process died under it.
    Crashed,
    /// Its time was over.
    Killed,
}

impl Process {
    pub(super) fn new(name: String, clock: Clock, skew: SignedDuration) -> Arc<Self> {
        let (ended, _) = watch::channel(false);
        Arc::new(Self {
            name,
            clock,
            skew,
            holding: AtomicBool::new(false),
            refusals: Mutex::default(),
            ended,
            frozen: Mutex::new(None),
        })
    }

    /// Dies here and now: nothing that runs in it goes on.
    pub(super) async fn die<T>(&self) -> T {
        self.end();
        std::future::pending().await
    }

    pub(super) fn end(&self) {
        self.ended.send_replace(true);
    }

    pub(super) fn is_dead(&self) -> bool {
        *self.ended.borrow()
    }

    /// DynamoDB or the queue would not take something, or did not say.
    pub(super) fn refused(&self, is_dynamodb: bool, operation: &str) {
        let mut refusals = held(&self.refusals);
        refusals.dynamodb |= is_dynamodb;
        refusals.queue |= operation == "SendMessage";
    }

    /// New tokens came: who refuses from here on counts.
    pub(super) fn forgive(&self) {
        *held(&self.refusals) = Refusals::default();
    }

    /// Whether nobody at all would take what it holds.
    pub(super) fn was_turned_away(&self) -> bool {
        let refusals = *held(&self.refusals);
        refusals.dynamodb && refusals.queue
    }

    pub(super) fn freeze(&self, until: Instant) {
        *held(&self.frozen) = Some(until);
    }

    pub(super) fn frozen_until(&self) -> Option<Instant> {
        let frozen = *held(&self.frozen);
        frozen.filter(|until| *until > Instant::now())
    }

    /// Runs one invocation, which Lambda ends after `limit`. A frozen process has no time-out until it wakes.
    pub(super) async fn invoke<F: Future>(&self, limit: Duration, work: F) -> Ended<F::Output> {
        let mut ended = self.ended.subscribe();
        let over = async {
            sleep(limit).await;
            while let Some(until) = self.frozen_until() {
                tokio::time::sleep_until(until).await;
            }
        };
        tokio::select! {
            biased;
            _ = ended.wait_for(|dead| *dead) => Ended::Crashed,
            result = deadline::within(limit, work) => Ended::With(result),
            () = over => Ended::Killed,
        }
    }
}
