//! An evening of one owner's by the dice: callers, the owner's own hand, and the reconciler every minute.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use shared::{app::App, calendars::set_schedule, ids::Provider};
use tokio::{task::JoinSet, time::sleep};

use super::{
    calendar::Span,
    told::Told,
    town::{Town, Wish},
};
use crate::simulation::{
    dice::Dice,
    gate::Weather,
    process::Process,
    wires::held,
    world::{Setting, World},
};

/// Zones, and a night in each of them at which something happens to the clocks or a day ends.
pub(super) const NIGHTS: [(&str, &str); 8] = [
    ("Europe/Berlin", "2026-03-29T00:00:00Z"),
    ("Europe/Berlin", "2026-10-25T00:00:00Z"),
    ("America/New_York", "2026-03-08T06:00:00Z"),
    ("America/New_York", "2026-11-01T05:00:00Z"),
    ("Australia/Lord_Howe", "2026-04-04T15:00:00Z"),
    ("UTC", "2026-01-06T00:00:00Z"),
    ("Asia/Kathmandu", "2026-01-05T18:15:00Z"),
    ("Pacific/Kiritimati", "2026-01-06T00:00:00Z"),
];

/// Everybody comes this long before the night.
const EARLIER: SignedDuration = SignedDuration::from_hours(8);

const QUARTER: i64 = 15 * 60;

/// What is kept free before and after, in minutes; of the last a whole day.
const BUFFERS: [(i64, i64); 12] = [
    (0, 0),
    (0, 0),
    (0, 0),
    (0, 0),
    (0, 0),
    (15, 0),
    (0, 15),
    (10, 20),
    (30, 30),
    (0, 45),
    (60, 0),
    (0, 1_440),
];

/// When all of it takes place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Night {
    pub(super) middle: i64,
}

impl Night {
    /// A wish for somewhere around the middle of the night.
    pub(super) fn wish(self, dice: &mut Dice, number: usize) -> Wish {
        let quarter = i64::try_from(dice.between(0, 24)).unwrap_or_default() - 12;
        let start = self.middle + quarter * QUARTER;
        let length = [30, 30, 45, 60, 90][usize::try_from(dice.between(0, 4)).unwrap_or_default()];
        let few = if dice.permille(50) { 11 } else { 10 };
        let (before, after) = BUFFERS[usize::try_from(dice.between(0, few)).unwrap_or_default()];
        let names = match dice.between(0, 9) {
            0..=3 => Vec::new(),
            4..=7 => vec![format!("key{number}")],
            _ => vec![format!("call{number}"), format!("slot{number}")],
        };
        Wish {
            title: format!("wish {number}"),
            span: Span { start, end: start + length * 60 },
            before: before * 60,
            after: after * 60,
            names,
            hold: None,
        }
    }
}

/// The town of a seed, before anything has happened.
pub(super) async fn town_of(seed: u64) -> Result<(Town, Night), String> {
    let (zone, middle) = NIGHTS[usize::try_from(seed % 8).unwrap_or_default()];
    let middle: Timestamp = middle.parse().map_err(|error| format!("{error}"))?;
    let provider = if (seed / 8).is_multiple_of(3) { Provider::Microsoft } else { Provider::Google };
    let rule = shared::providers::spec::Rotation::KeepsOld;
    let base = (middle - EARLIER).to_string();
    let world = World::at(Setting::once()?, seed, rule, provider, &base)?;
    let town = Town::new(world).await?;
    let (_, app) = town.world.process("setting")?;
    set_zone(&town, &app, zone).await?;
    Ok((town, Night { middle: middle.as_second() }))
}

pub(super) async fn set_zone(town: &Town, app: &App, zone: &str) -> Result<(), String> {
    let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let schedule = json!({
        "time_zone": zone, "min_notice_minutes": 0, "slot_interval_minutes": 15,
        "weekly": [{"days": days, "start": "00:00", "end": "24:00"}],
    });
    let schedule = serde_json::from_value(schedule).map_err(|error| error.to_string())?;
    set_schedule(app, &town.owner, schedule).await.map(drop).map_err(|error| error.to_string())
}

impl Town {
    /// Everybody at once, in weather of the dice's.
    pub(super) async fn evening(&self, night: Night) -> Result<(), String> {
        let gate = &self.world.gate;
        let weather = gate.dice(|dice| {
            let mut some = |most: u64| if dice.permille(600) { dice.between(0, most) } else { 0 };
            Weather {
                refused: some(60),
                lost: some(60),
                slow: some(50),
                crash: some(25),
                freeze: some(12),
                outage: some(6),
                contended: some(120),
            }
        });
        gate.set_weather(weather);
        let over = Arc::new(AtomicBool::new(false));
        let reconciler = tokio::spawn(self.clone().minutes(over.clone()));
        let owner = tokio::spawn(self.clone().hand(night));
        let mut callers = JoinSet::new();
        for number in 0..gate.dice(|dice| dice.between(1, 5)) {
            let town = self.clone();
            callers.spawn(async move { town.caller(night, number).await });
        }
        while let Some(done) = callers.join_next().await {
            done.map_err(|error| error.to_string())??;
        }
        owner.await.map_err(|error| error.to_string())??;
        over.store(true, Ordering::Relaxed);
        reconciler.await.map_err(|error| error.to_string())?
    }

    async fn minutes(self, over: Arc<AtomicBool>) -> Result<(), String> {
        let mut runs = JoinSet::new();
        let mut warm = self.world.process("r")?;
        for number in 0_u64.. {
            sleep(Duration::from_secs(60)).await;
            if over.load(Ordering::Relaxed) {
                break;
            }
            // A run that is not over when the next begins has a process of its own.
            if warm.0.is_dead() || !runs.is_empty() {
                warm = self.world.process(&format!("r{number}"))?;
            }
            let (town, (process, app)) = (self.clone(), warm.clone());
            runs.spawn(async move { town.reconcile(&process, &app).await });
            while runs.try_join_next().is_some() {}
        }
        runs.join_all().await;
        Ok(())
    }

    async fn caller(&self, night: Night, number: u64) -> Result<(), String> {
        let gate = &self.world.gate;
        let (mut process, mut app) = self.world.process(&format!("p{number}"))?;
        for turn in 0..gate.dice(|dice| dice.between(2, 7)) {
            let most = if gate.dice(|dice| dice.permille(200)) { 330_000 } else { 15_000 };
            sleep(gate.dice(|dice| dice.millis(0, most))).await;
            if process.is_dead() {
                (process, app) = self.world.process(&format!("p{number}.{turn}"))?;
            }
            self.turn(&process, &app, night).await;
        }
        Ok(())
    }

    async fn turn(&self, process: &Arc<Process>, app: &App, night: Night) {
        let gate = &self.world.gate;
        let choice = gate.dice(|dice| dice.between(0, 99));
        match choice {
            0..=39 => {
                let wish = self.new_wish(night);
                self.book(process, app, &wish).await;
            }
            // The same request again: perhaps while the first one is under way.
            40..=54 => {
                let known = |wish: &&Wish| !wish.names.is_empty();
                let wishes: Vec<Wish> = held(&self.wishes).iter().filter(known).cloned().collect();
                if let Some(wish) = self.one_of(&wishes) {
                    self.book(process, app, &wish).await;
                }
            }
            55..=64 => {
                let wish = self.new_wish(night);
                self.hold(process, app, &wish).await;
            }
            65..=72 => {
                let holds = held(&self.holds).clone();
                if let Some((wish, hold)) = self.one_of(&holds) {
                    let wish = Wish { hold: Some(hold), ..self.named_like(wish) };
                    held(&self.wishes).push(wish.clone());
                    self.book(process, app, &wish).await;
                }
            }
            73..=75 => {
                let holds = held(&self.holds).clone();
                if let Some((_, hold)) = self.one_of(&holds) {
                    self.let_go(process, app, &hold).await;
                }
            }
            76..=87 => {
                if let Some(id) = self.one_of(&self.booked()) {
                    let length = self
                        .world
                        .systems
                        .books()
                        .bookings
                        .get(&id)
                        .map_or(1_800, |booking| booking.span.end - booking.span.start);
                    let start = gate.dice(|dice| night.wish(dice, 0)).span.start;
                    self.shift(process, app, &id, Span { start, end: start + length }).await;
                }
            }
            _ => {
                if let Some(id) = self.one_of(&self.booked()) {
                    self.cancel(process, app, &id).await;
                }
            }
        }
    }

    fn new_wish(&self, night: Night) -> Wish {
        let mut wishes = held(&self.wishes);
        let number = wishes.len();
        let wish = self.world.gate.dice(|dice| night.wish(dice, number));
        wishes.push(wish.clone());
        wish
    }

    /// A booking with a hold is a request of its own.
    fn named_like(&self, wish: Wish) -> Wish {
        let number = held(&self.wishes).len();
        let names = if wish.names.is_empty() { Vec::new() } else { vec![format!("held{number}")] };
        Wish { title: format!("wish {number}"), names, ..wish }
    }

    /// The bookings that somebody was told of.
    fn booked(&self) -> Vec<String> {
        let attempts = held(&self.attempts);
        let mut known = Vec::new();
        for attempt in attempts.iter() {
            if let (super::told::Act::Book { .. }, Told::Done { id, .. }) = (&attempt.act, &attempt.told)
                && !known.contains(id)
            {
                known.push(id.clone());
            }
        }
        known
    }

    pub(super) fn one_of<T: Clone>(&self, all: &[T]) -> Option<T> {
        let last = u64::try_from(all.len().checked_sub(1)?).ok()?;
        all.get(usize::try_from(self.world.gate.dice(|dice| dice.between(0, last))).ok()?).cloned()
    }
}
