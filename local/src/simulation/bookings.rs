//! Bookings of one owner over an evening in bad weather: nothing booked twice, nothing left behind, every word kept.

pub(super) mod asked;
pub(super) mod books;
pub(super) mod calendar;
pub mod crash;
mod day;
mod google;
mod graph;
mod hand;
mod rest;
mod row;
pub mod schedules;
mod seen;
mod told;
mod town;
mod words;

use std::{collections::BTreeMap, time::Duration};

use tokio::time::sleep;

use self::{
    rest::Evidence,
    told::{Act, Told},
    town::{Town, Wish},
};
use super::{gate::Weather, tokens::runtime, wires::held};

/// The reconciler's runs until nothing is due; a booking that it cannot finish comes back within an hour.
const MOST_RUNS: u32 = 60;

/// How one seed ended.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// What was wrong; empty when everything held.
    pub violations: Vec<String>,
    /// What the world did to it.
    pub injected: BTreeMap<&'static str, u64>,
    /// What callers were told, and what the reconciler did.
    pub outcomes: BTreeMap<&'static str, u64>,
    /// Everything that happened, in order.
    pub trace: Vec<String>,
}

/// Plays one seed.
pub fn play(seed: u64) -> Result<Verdict, String> {
    runtime()?.block_on(async {
        let (town, night) = day::town_of(seed).await?;
        town.evening(night).await?;
        town.verdict().await
    })
}

impl Town {
    /// The weather clears, whoever got no answer asks again, the reconciler runs until nothing is due; and then
    /// everything must be right.
    async fn verdict(&self) -> Result<Verdict, String> {
        let gate = &self.world.gate;
        gate.set_weather(Weather::default());
        // Requests on their way arrive, and nobody counts as being at it any more.
        sleep(Duration::from_secs(120)).await;
        self.ask_again().await?;
        self.rest().await?;
        let (books, calendar) = (self.world.systems.books(), self.world.systems.calendar());
        let attempts = held(&self.attempts);
        let evidence =
            Evidence { books: &books, calendar: &calendar, attempts: &attempts, limit: self.limit.clone() };
        let mut violations = held(&self.faults).clone();
        violations.extend(evidence.at_rest());
        violations.extend(evidence.words());
        violations.extend(evidence.unseen());
        violations = violations.iter().map(|fault| books.plain(fault)).collect();
        violations.sort();
        violations.dedup();
        let (injected, outcomes) = (gate.injected(), held(&self.outcomes).clone());
        Ok(Verdict { violations, injected, outcomes, trace: gate.lines() })
    }

    /// Every request that has a name is made once more: it gets the answer that was given before, or one at all.
    async fn ask_again(&self) -> Result<(), String> {
        let (process, app) = self.world.process("again")?;
        let wishes: Vec<Wish> =
            held(&self.wishes).iter().filter(|wish| !wish.names.is_empty()).cloned().collect();
        for wish in wishes {
            let earlier =
                held(&self.attempts).iter().find_map(|attempt| match (&attempt.act, &attempt.told) {
                    (Act::Book { title, .. }, Told::Done { id, .. }) if *title == wish.title => {
                        Some(id.clone())
                    }
                    _ => None,
                });
            let again = self.book(&process, &app, &wish).await;
            match (&earlier, &again) {
                (Some(told), Told::Done { id, .. }) if id == told => {}
                // Whether it may be is looked at in the end.
                (Some(told), _) if self.has_failed(told) => {}
                (Some(told), _) => {
                    self.fault(format!("{} was told as {told}, and again as {again:?}", wish.title))
                }
                (None, Told::Unsure(code)) => {
                    self.fault(format!("{} gets no answer in fine weather: {code}", wish.title));
                }
                (None, _) => {}
            }
        }
        Ok(())
    }

    fn has_failed(&self, id: &str) -> bool {
        self.world.systems.books().bookings.get(id).is_some_and(|booking| booking.status == "failed")
    }

    /// Time goes on until no work is left.
    async fn rest(&self) -> Result<(), String> {
        let (process, app) = self.world.process("last")?;
        for _ in 0..MOST_RUNS {
            let next =
                self.world.systems.books().bookings.values().filter_map(|booking| booking.work_at).min();
            let Some(next) = next else {
                // Holds end, and whatever is left in the ledger shows.
                sleep(Duration::from_secs(400)).await;
                return Ok(());
            };
            let wait = next - self.world.gate.now().as_second();
            sleep(Duration::from_secs(u64::try_from(wait).unwrap_or_default() + 5)).await;
            self.reconcile(&process, &app).await;
        }
        self.fault("the reconciler never comes to an end".to_owned());
        Ok(())
    }
}
