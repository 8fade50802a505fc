//! Random schedules, services and zones in fine weather, with many callers at once: offers are true, and nothing is booked
//! over anything else.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde_json::{Value, json};
use shared::{
    app::App,
    availability::{Query, free_slots},
    calendars::{schedule_of, set_schedule},
    ids::Provider,
    providers::spec::Rotation,
    range::Interval,
    tokens::Patience,
};
use tokio::{task::JoinSet, time::sleep};

use super::{
    Verdict,
    books::SKEW,
    calendar::Span,
    day::NIGHTS,
    rest::DayLimit,
    row::Entry,
    told::{Act, Told},
    town::{Town, Wish},
};
use crate::simulation::{
    dice::Dice,
    process::Process,
    tokens::runtime,
    wires::held,
    world::{Setting, World},
};

/// Starts are looked for so far ahead.
const AHEAD: SignedDuration = SignedDuration::from_hours(60);

/// Plays one seed: a schedule, and callers who book, hold, move and call off what they are offered.
pub fn play(seed: u64) -> Result<Verdict, String> {
    runtime()?.block_on(async {
        let (zone, middle) = NIGHTS[usize::try_from(seed % 8).unwrap_or_default()];
        let middle: Timestamp = middle.parse().map_err(|error| format!("{error}"))?;
        let provider = if seed.is_multiple_of(3) { Provider::Microsoft } else { Provider::Google };
        let base = (middle - SignedDuration::from_hours(20)).to_string();
        let world = World::at(Setting::once()?, seed, Rotation::KeepsOld, provider, &base)?;
        let mut town = Town::new(world).await?;
        let (process, app) = town.world.process("owner")?;
        let schedule = town.world.gate.dice(|dice| schedule(dice, zone));
        let most = schedule["daily_limit"].as_u64().and_then(|most| usize::try_from(most).ok());
        town.limit = most.and_then(|most| Some(DayLimit { most, zone: TimeZone::get(zone).ok()? }));
        let read = serde_json::from_value(schedule).map_err(|error| error.to_string())?;
        set_schedule(&app, &town.owner, read).await.map_err(|error| error.to_string())?;
        town.fills(middle.as_second());
        // One after the other, and then all at once.
        for _ in 0..town.world.gate.dice(|dice| dice.between(1, 4)) {
            town.alone(&process, &app).await?;
        }
        for _ in 0..town.world.gate.dice(|dice| dice.between(1, 3)) {
            town.crowd().await?;
        }
        town.keeps_to_limit();
        town.verdict().await
    })
}

/// One of the dice's: hours, breaks, days off, buffers, starts, limits.
fn schedule(dice: &mut Dice, zone: &str) -> Value {
    const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let mut pick = |of: &[u64]| of[usize::try_from(dice.between(0, of.len() as u64 - 1)).unwrap_or_default()];
    let (from, to) = (pick(&[0, 0, 7, 9, 13]), pick(&[17, 20, 23, 24, 24]));
    let hours = |from: u64, to: u64| json!({"days": DAYS, "start": format!("{from:02}:{}", "00"), "end": format!("{to:02}:00")});
    let mut schedule = json!({
        "time_zone": zone,
        "weekly": [hours(from, to)],
        "buffer_before_minutes": pick(&[0, 0, 5, 30]),
        "buffer_after_minutes": pick(&[0, 0, 10, 90]),
        "slot_interval_minutes": pick(&[5, 15, 20, 30, 45, 60]),
        "start_alignment": if pick(&[0, 1]) == 0 { "clock" } else { "opening" },
        "min_notice_minutes": pick(&[0, 0, 60, 240]),
        "horizon_days": pick(&[1, 2, 30]),
    });
    if pick(&[0, 1, 2]) == 0 {
        schedule["breaks"] = json!([hours(14, 15)]);
    }
    if pick(&[0, 1, 2]) == 0 {
        schedule["daily_limit"] = json!(pick(&[1, 2, 5]));
    }
    schedule
}

impl Town {
    /// What the owner has in his calendar already.
    fn fills(&self, middle: i64) {
        let now = self.world.gate.now();
        for number in 0..self.world.gate.dice(|dice| dice.between(0, 8)) {
            let (quarter, length, busy) =
                self.world.gate.dice(|dice| (dice.between(0, 240), dice.between(1, 12), dice.permille(850)));
            let start = middle + (i64::try_from(quarter).unwrap_or_default() - 80) * 900;
            let span = Span { start, end: start + i64::try_from(length).unwrap_or_default() * 600 };
            let mut calendar = self.world.systems.calendar();
            let place = calendar.insert(&format!("own{number}"), None, span, now);
            calendar.events[place].busy = busy;
        }
    }

    /// A service of the dice's, and what is offered for it.
    async fn offers(&self, app: &App) -> Result<(Wish, Vec<Interval>), String> {
        let told = |error: shared::error::Error| error.to_string();
        let rows = app.store.owner_rows(&self.owner).await.map_err(told)?;
        let schedule = schedule_of(app, &self.owner, &rows, Patience::Request).await.map_err(told)?;
        let number = held(&self.wishes).len();
        let (length, before, after) = self.world.gate.dice(|dice| {
            let minutes = |value: u64| i64::try_from(value).unwrap_or_default();
            (
                minutes(5 * dice.between(1, 24)),
                minutes(5 * dice.between(0, 6)),
                minutes(15 * dice.between(0, 4)),
            )
        });
        // Some services say nothing of their own.
        let usual = schedule.buffers();
        let own = self.world.gate.dice(|dice| dice.permille(500));
        let (before, after) =
            if own { (before * 60, after * 60) } else { (usual.before.as_secs(), usual.after.as_secs()) };
        let nothing = Span { start: 0, end: 0 };
        let title = format!("wish {number}");
        let wish = Wish { title, span: nothing, before, after, names: Vec::new(), hold: None };
        held(&self.wishes).push(wish.clone());
        let now = app.clock.now();
        let query = Query {
            window: Interval::new(now, now + AHEAD),
            duration: SignedDuration::from_mins(length),
            buffers: wish.buffers(),
            hours: None,
            time_zone: None,
            patience: Patience::Request,
        };
        let found = Box::pin(free_slots(app, &self.owner, &rows, &schedule, &query)).await.map_err(told)?;
        Ok((wish, found.slots))
    }

    /// A caller whom nobody disturbs: all that he is offered is free, and he gets what he takes.
    async fn alone(&self, process: &Arc<Process>, app: &App) -> Result<(), String> {
        self.world.gate.tell_time(process);
        let (wish, offered) = self.offers(app).await?;
        for slot in &offered {
            if let Some(clash) = self.clash(span_of(*slot), &wish) {
                self.fault(format!("{:?} is offered, and {clash} is there", span_of(*slot)));
            }
        }
        let Some(slot) = self.one_of(&offered) else { return Ok(()) };
        let wish = Wish { span: span_of(slot), ..wish };
        let told = self.book(process, app, &wish).await;
        if !matches!(told, Told::Done { .. }) {
            self.fault(format!("{:?} was offered to one alone, and then {told:?}", wish.span));
        }
        Ok(())
    }

    /// What stands in the way of a wish at a time, by the rows and the calendar.
    fn clash(&self, span: Span, wish: &Wish) -> Option<String> {
        let wanted = Entry { of: String::new(), span, before: wish.before, after: wish.after, expires: None };
        let now = self.world.gate.now().as_second();
        let (books, calendar) = (self.world.systems.books(), self.world.systems.calendar());
        let lives = |entry: &Entry| entry.expires.is_none_or(|ends| ends > now + SKEW);
        let taken = books.entries().into_iter().find(|entry| lives(entry) && !entry.is_clear_of(&wanted));
        let guarded = span.widened(wish.before, wish.after);
        let busy =
            calendar.within(guarded).into_iter().find(|event| event.busy).map(|event| event.id.clone());
        taken.map(|entry| entry.of).or(busy)
    }

    /// Callers who are offered the same at the same moment.
    async fn crowd(&self) -> Result<(), String> {
        let mut callers = JoinSet::new();
        for number in 0..self.world.gate.dice(|dice| dice.between(2, 7)) {
            let town = self.clone();
            callers.spawn(async move { town.one_in_a_crowd(number).await });
        }
        while let Some(done) = callers.join_next().await {
            done.map_err(|error| error.to_string())??;
        }
        Ok(())
    }

    async fn one_in_a_crowd(&self, number: u64) -> Result<(), String> {
        let gate = &self.world.gate;
        let (process, app) = self.world.process(&format!("c{number}"))?;
        for _ in 0..gate.dice(|dice| dice.between(1, 3)) {
            sleep(gate.dice(|dice| dice.millis(0, 200))).await;
            let (wish, offered) = self.offers(&app).await?;
            // Everybody wants the first ones.
            let few = offered.len().min(4);
            let Some(slot) = self.one_of(&offered[..few]) else { continue };
            let wish = Wish { span: span_of(slot), ..wish };
            let known: Vec<String> = self.world.systems.books().bookings.keys().cloned().collect();
            match (gate.dice(|dice| dice.between(0, 9)), self.told_of(&known)) {
                (0 | 1, Some(id)) => drop(self.cancel(&process, &app, &id).await),
                (2 | 3, Some(id)) => drop(self.shift(&process, &app, &id, wish.span).await),
                (4, _) => {
                    if let Told::Done { .. } = self.hold(&process, &app, &wish).await {
                        sleep(Duration::from_millis(500)).await;
                        let hold = held(&self.holds).iter().find(|(of, _)| of.title == wish.title).cloned();
                        let wish = Wish { hold: hold.map(|(_, hold)| hold), ..wish };
                        self.book(&process, &app, &wish).await;
                    }
                }
                _ => drop(self.book(&process, &app, &wish).await),
            }
        }
        Ok(())
    }

    /// One of the bookings that somebody was told of.
    fn told_of(&self, known: &[String]) -> Option<String> {
        let told: Vec<String> = held(&self.attempts)
            .iter()
            .filter_map(|attempt| match (&attempt.act, &attempt.told) {
                (Act::Book { .. }, Told::Done { id, .. }) if known.contains(id) => Some(id.clone()),
                _ => None,
            })
            .collect();
        self.one_of(&told)
    }

    /// No local day has more appointments than the owner wants.
    fn keeps_to_limit(&self) {
        let Some(limit) = &self.limit else { return };
        let mut days = BTreeMap::new();
        let books = self.world.systems.books();
        for booking in books.bookings.values().filter(|booking| booking.takes_time()) {
            *days.entry(limit.day(booking.span.start)).or_insert(0) += 1;
        }
        for (day, count) in days.into_iter().filter(|(_, count)| *count > limit.most) {
            self.fault(format!("{count} appointments on {day}, where {} are wanted", limit.most));
        }
    }
}

fn span_of(slot: Interval) -> Span {
    Span { start: slot.start.as_second(), end: slot.end.as_second() }
}
