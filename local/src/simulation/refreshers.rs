//! Many who need a new token at the same moment: one asks, all get it.

use std::{collections::BTreeSet, time::Duration};

use secrecy::ExposeSecret as _;
use shared::{
    app::App,
    providers::spec::Rotation,
    store::connections::Connection,
    tokens::{Patience, with_token},
};
use tokio::{task::JoinSet, time::sleep};

use super::{
    tokens::runtime,
    world::{Setting, World},
};

/// Processes that they live in.
const PROCESSES: usize = 4;

/// What the rounds showed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rounds {
    /// Calls to the token endpoint, all rounds together.
    pub token_calls: u64,
    /// The most in one round.
    pub most_calls: u64,
    /// Refreshers that got the new token of their round.
    pub served: u64,
    /// Refreshers that got an older one, or none.
    pub failed: u64,
}

/// Lets `refreshers` need a token at once, `rounds` times, each time after the last one has died.
pub fn play(rule: Rotation, refreshers: usize, rounds: u64) -> Result<Rounds, String> {
    runtime()?.block_on(async {
        let world = World::new(Setting::once()?, 64, rule)?;
        let processes: Vec<_> =
            (0..PROCESSES).map(|number| world.process(&format!("p{number}"))).collect::<Result<_, _>>()?;
        let connection = world.link(&processes[0].1).await?;
        let mut all = Rounds::default();
        let mut seen = BTreeSet::new();
        for _ in 0..rounds {
            sleep(Duration::from_secs(3_700)).await;
            processes.iter().for_each(|(process, _)| world.gate.tell_time(process));
            let before = world.systems.grants().calls;
            let mut tasks = JoinSet::new();
            for number in 0..refreshers {
                let (_, app) = processes[number % PROCESSES].clone();
                let connection = connection.clone();
                tasks.spawn(async move { token(&app, &connection).await });
            }
            let got = tasks.join_all().await;
            let calls = world.systems.grants().calls - before;
            all.token_calls += calls;
            all.most_calls = all.most_calls.max(calls);
            let tokens: BTreeSet<_> = got.iter().flatten().cloned().collect();
            let fresh = tokens.len() == 1 && tokens.is_disjoint(&seen);
            let served = if fresh { got.iter().flatten().count() } else { 0 };
            all.served += u64::try_from(served).unwrap_or_default();
            all.failed += u64::try_from(refreshers - served).unwrap_or_default();
            seen.extend(tokens);
        }
        Ok(all)
    })
}

async fn token(app: &App, of: &Connection) -> Option<String> {
    let row = app.store.connection(&of.owner, &of.id).await.ok()??;
    let got =
        with_token(app, &row, Patience::Request, |token| async move { Ok(token.expose_secret().to_owned()) });
    got.await.ok()
}
