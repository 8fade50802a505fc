//! The owner's own hand: events added, moved and deleted in the calendar, clocks set to another zone, and a calendar that
//! cannot be read for a while.

use jiff::SignedDuration;
use tokio::time::sleep;

use super::{
    day::{NIGHTS, Night, set_zone},
    town::{REQUEST, Town},
};
use crate::simulation::process::Ended;

impl Town {
    /// The owner adds, moves and deletes what he likes, may change his zone, and his calendar may be closed for a while.
    pub(super) async fn hand(self, night: Night) -> Result<(), String> {
        let gate = &self.world.gate;
        for number in 0..gate.dice(|dice| dice.between(0, 6)) {
            sleep(gate.dice(|dice| dice.millis(0, 90_000))).await;
            let now = gate.now();
            let wish = gate.dice(|dice| night.wish(dice, 0));
            let choice = gate.dice(|dice| dice.between(0, 99));
            if (10..=19).contains(&choice) {
                self.moves(number).await?;
                continue;
            }
            let mut calendar = self.world.systems.calendar();
            let there: Vec<usize> =
                (0..calendar.events.len()).filter(|event| !calendar.events[*event].deleted).collect();
            match (choice, self.one_of(&there)) {
                (0..=9, _) => {
                    let until = now + SignedDuration::from_secs(20 + i64::from(wish.before > 0) * 100);
                    if choice < 5 {
                        calendar.close(until);
                        gate.note("calendar unreadable for a while");
                    } else {
                        calendar.mute(until);
                        gate.note("calendar takes nothing for a while");
                    }
                }
                (20..=34, Some(event)) => {
                    calendar.events[event].by_hand = true;
                    calendar.shift(event, wish.span, now);
                    gate.note("event moved by hand");
                }
                (35..=49, Some(event)) => {
                    calendar.events[event].by_hand = true;
                    calendar.delete(event, now);
                    gate.note("event deleted by hand");
                }
                (50..=64, _) => {
                    calendar.lie_in_wait(format!("own{number}"));
                    gate.note("owner waits for a time to take");
                }
                _ => {
                    let place = calendar.insert(&format!("own{number}"), None, wish.span, now);
                    calendar.events[place].busy = choice < 90;
                    gate.note("event added by hand");
                }
            }
        }
        Ok(())
    }

    /// The owner's clocks are another zone's from here on.
    async fn moves(&self, number: u64) -> Result<(), String> {
        let zone =
            self.world.gate.dice(|dice| NIGHTS[usize::try_from(dice.between(0, 7)).unwrap_or_default()].0);
        let (process, app) = self.world.process(&format!("owner{number}"))?;
        if let Ended::With(Ok(())) = process.invoke(REQUEST, set_zone(self, &app, zone)).await {
            self.world.gate.note("zone changed");
        }
        Ok(())
    }
}
