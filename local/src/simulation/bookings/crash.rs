//! A crash at a set request of every verb, and of the reconciler at work on what an earlier crash left; then a restart,
//! and everything must be right all the same.

use std::{sync::Arc, time::Duration};

use jiff::SignedDuration;
use shared::{app::App, ids::Provider, providers::spec::Rotation};
use tokio::time::sleep;

use super::{
    Verdict,
    calendar::Span,
    day::set_zone,
    town::{Town, Wish},
};
use crate::simulation::{
    gate::{Planned, Weather},
    process::Process,
    tokens::runtime,
    wires::held,
    world::{Setting, World},
};

/// What is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// A booking.
    Book,
    /// A booking that a hold was made for.
    BookWithHold,
    /// A booking whose time the owner takes between the question and the event.
    Contested,
    /// A booking while the calendar takes no events.
    Pending,
    /// A hold.
    Hold,
    /// The end of a hold.
    LetGo,
    /// A move.
    Move,
    /// A cancellation.
    Cancel,
}

/// All of them.
pub const VERBS: [Verb; 8] = [
    Verb::Book,
    Verb::BookWithHold,
    Verb::Contested,
    Verb::Pending,
    Verb::Hold,
    Verb::LetGo,
    Verb::Move,
    Verb::Cancel,
];

const BASE: &str = "2026-03-28T16:00:00Z";

/// Midnight in UTC, two hours before the clocks in Berlin change.
const MIDNIGHT: i64 = 1_774_742_400;

/// Cuts a verb off at one request, before it is sent or after it was done; none when it has fewer requests.
pub fn crash_at(provider: Provider, verb: Verb, at: u64, before: bool) -> Result<Option<Verdict>, String> {
    runtime()?.block_on(async {
        let scene = Scene::new(provider, verb).await?;
        if !scene.cut(Planned { at, before }).await? {
            return Ok(None);
        }
        scene.town.verdict().await.map(Some)
    })
}

/// Cuts the reconciler off while it finishes what a crash after a verb's request left; none when it has fewer requests.
pub fn crash_twice(provider: Provider, verb: Verb, at: u64, again: Again) -> Result<Option<Verdict>, String> {
    runtime()?.block_on(async {
        let scene = Scene::new(provider, verb).await?;
        if !scene.cut(Planned { at, before: false }).await? {
            return Ok(None);
        }
        // Longer than any request, and than the row says that it waits.
        sleep(Duration::from_secs(125)).await;
        let (process, app) = scene.town.world.process("second")?;
        scene.town.world.gate.plan(Planned { at: again.at, before: again.before });
        scene.town.reconcile(&process, &app).await;
        if !scene.town.world.gate.is_past_plan() {
            return Ok(None);
        }
        scene.town.verdict().await.map(Some)
    })
}

/// Where the reconciler is cut off.
#[derive(Clone, Copy, Debug)]
pub struct Again {
    /// At which request.
    pub at: u64,
    /// Before it is sent, or after it was done.
    pub before: bool,
}

/// The requests of a verb after which a crash leaves work, each in another state than the one before it.
pub fn unfinished(provider: Provider, verb: Verb) -> Result<Vec<u64>, String> {
    let (mut found, mut last) = (Vec::new(), String::new());
    for at in 1.. {
        let left = runtime()?.block_on(async {
            let scene = Scene::new(provider, verb).await?;
            let cut = scene.cut(Planned { at, before: false }).await?;
            Ok::<_, String>(cut.then(|| scene.left()))
        })?;
        match left {
            None => break,
            Some(Some(left)) if left != last => {
                found.push(at);
                last = left;
            }
            Some(_) => {}
        }
    }
    Ok(found)
}

/// A town in fine weather in which a verb can be used.
struct Scene {
    town: Town,
    verb: Verb,
}

impl Scene {
    async fn new(provider: Provider, verb: Verb) -> Result<Self, String> {
        let world = World::at(Setting::once()?, 7, Rotation::KeepsOld, provider, BASE)?;
        let town = Town::new(world).await?;
        let (process, app) = town.world.process("setting")?;
        set_zone(&town, &app, "Europe/Berlin").await?;
        let scene = Self { town, verb };
        let wish = scene.wish();
        held(&scene.town.wishes).push(wish.clone());
        match verb {
            Verb::BookWithHold | Verb::LetGo => drop(scene.town.hold(&process, &app, &wish).await),
            Verb::Move | Verb::Cancel => drop(scene.town.book(&process, &app, &wish).await),
            Verb::Book | Verb::Contested | Verb::Pending | Verb::Hold => {}
        }
        Ok(scene)
    }

    /// Over midnight, with buffers on both sides.
    fn wish(&self) -> Wish {
        let span = Span { start: MIDNIGHT - 900, end: MIDNIGHT + 1_800 };
        let names = vec!["call".to_owned(), "slot".to_owned()];
        Wish { title: "wish 0".to_owned(), span, before: 600, after: 1_200, names, hold: None }
    }

    /// Uses the verb until it is cut off; whether it was.
    async fn cut(&self, planned: Planned) -> Result<bool, String> {
        let (process, app) = self.town.world.process("first")?;
        if self.verb == Verb::Contested {
            self.town.world.systems.calendar().lie_in_wait("own".to_owned());
        }
        if self.verb == Verb::Pending {
            let until = self.town.world.gate.now() + SignedDuration::from_secs(60);
            self.town.world.systems.calendar().mute(until);
        }
        self.town.world.gate.plan(planned);
        self.used(&process, &app).await;
        let cut = self.town.world.gate.is_past_plan();
        self.town.world.gate.set_weather(Weather::default());
        Ok(cut)
    }

    async fn used(&self, process: &Arc<Process>, app: &App) {
        let hold = held(&self.town.holds).first().map(|(_, hold)| hold.clone());
        let id = self.town.world.systems.books().bookings.keys().next().cloned().unwrap_or_default();
        match (self.verb, hold) {
            (Verb::BookWithHold, hold) => {
                let wish = Wish { hold, ..self.wish() };
                if let Some(known) = held(&self.town.wishes).first_mut() {
                    *known = wish.clone();
                }
                self.town.book(process, app, &wish).await;
            }
            (Verb::LetGo, Some(hold)) => drop(self.town.let_go(process, app, &hold).await),
            (Verb::Book | Verb::Contested | Verb::Pending, _) => {
                self.town.book(process, app, &self.wish()).await;
            }
            (Verb::Hold | Verb::LetGo, _) => drop(self.town.hold(process, app, &self.wish()).await),
            (Verb::Move, _) => {
                let to = Span { start: MIDNIGHT - 3_600, end: MIDNIGHT - 900 };
                self.town.shift(process, app, &id, to).await;
            }
            (Verb::Cancel, _) => drop(self.town.cancel(process, app, &id).await),
        }
    }

    /// How things stand, where something is left to do.
    fn left(&self) -> Option<String> {
        let books = self.town.world.systems.books();
        let due: Vec<_> = books.bookings.values().filter(|booking| booking.work_at.is_some()).collect();
        let events = &self.town.world.systems.calendar().shown;
        let row = due.first()?;
        Some(format!("{} {} {} {}", row.status, row.sync, row.version, events.len()))
    }
}
