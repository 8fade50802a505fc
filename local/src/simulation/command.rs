//! `cargo run --release -- simulate`: many seeds, and what they showed.

use std::{collections::BTreeMap, io::Write, time::Instant};

use super::{bookings, refreshers, tokens};

/// How many seeds are played when nothing is said.
const USUAL_SEEDS: u64 = 10_000;

/// How many schedules.
const USUAL_SCHEDULES: u64 = 1_000;

/// Lines of a failed seed's story.
const TOLD_LINES: usize = 4_000;

/// What is to be simulated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Tokens in bad weather, from a seed on.
    Tokens {
        /// How many.
        seeds: u64,
        /// The first.
        from: u64,
    },
    /// Bookings in bad weather, from a seed on.
    Bookings {
        /// How many.
        seeds: u64,
        /// The first.
        from: u64,
    },
    /// Random schedules in fine weather, from a seed on.
    Schedules {
        /// How many.
        seeds: u64,
        /// The first.
        from: u64,
    },
    /// Many refreshers at once.
    Refreshers {
        /// How many at once.
        refreshers: usize,
        /// How often.
        rounds: u64,
    },
}

impl Wanted {
    /// Reads the words behind `simulate`.
    pub fn read(words: &[String]) -> Result<Self, String> {
        let known = ["--seeds", "--from", "--at-once", "--rounds"];
        for pair in words.get(1..).unwrap_or_default().chunks(2) {
            if !known.contains(&pair[0].as_str()) {
                return Err(format!("{} means nothing here; there are {}", pair[0], known.join(", ")));
            }
        }
        let number = |name: &str, usual: u64| match words.iter().position(|word| word == name) {
            None => Ok(usual),
            Some(at) => {
                let value = words.get(at + 1).and_then(|value| value.parse().ok());
                value.ok_or_else(|| format!("{name} needs a number"))
            }
        };
        match words.first().map(String::as_str) {
            Some("tokens") => {
                Ok(Self::Tokens { seeds: number("--seeds", USUAL_SEEDS)?, from: number("--from", 1)? })
            }
            Some("bookings") => {
                Ok(Self::Bookings { seeds: number("--seeds", USUAL_SEEDS)?, from: number("--from", 1)? })
            }
            Some("schedules") => {
                Ok(Self::Schedules { seeds: number("--seeds", USUAL_SCHEDULES)?, from: number("--from", 1)? })
            }
            Some("refreshers") => Ok(Self::Refreshers {
                refreshers: usize::try_from(number("--at-once", 64)?).map_err(|error| error.to_string())?,
                rounds: number("--rounds", 200)?,
            }),
            _ => Err("simulate what? tokens or bookings [--seeds 10000] [--from 1], schedules [--seeds 1000] [--from 1], or refreshers [--at-once 64] [--rounds 200]".to_owned()),
        }
    }
}

/// Runs it; `false` when something did not hold.
pub fn run(wanted: &Wanted, out: &mut impl Write) -> Result<bool, String> {
    let begun = Instant::now();
    let held = match wanted {
        Wanted::Tokens { seeds, from } => seeds_of_tokens(*seeds, *from, out)?,
        Wanted::Bookings { seeds, from } => {
            seeds_of_bookings("bookings", bookings::play, *seeds, *from, out)?
        }
        Wanted::Schedules { seeds, from } => {
            seeds_of_bookings("schedules", bookings::schedules::play, *seeds, *from, out)?
        }
        Wanted::Refreshers { refreshers, rounds } => rounds_of(*refreshers, *rounds, out)?,
    };
    say(out, &format!("{:.1} s", begun.elapsed().as_secs_f64()))?;
    Ok(held)
}

fn rounds_of(refreshers: usize, rounds: u64, out: &mut impl Write) -> Result<bool, String> {
    let mut held = true;
    say(out, "rule        rounds  token calls  most a round  served  failed")?;
    for rule in tokens::RULES {
        let showed = refreshers::play(rule, refreshers, rounds)?;
        let refreshers::Rounds { token_calls, most_calls, served, failed } = showed;
        let rule = format!("{rule:?}");
        say(
            out,
            &format!("{rule:<10} {rounds:>7} {token_calls:>12} {most_calls:>13} {served:>7} {failed:>7}"),
        )?;
        held &= token_calls == rounds && most_calls == 1 && failed == 0;
    }
    Ok(held)
}

fn seeds_of_tokens(seeds: u64, from: u64, out: &mut impl Write) -> Result<bool, String> {
    let mut injected = BTreeMap::new();
    let (mut calls, mut lost, mut failed) = (0, 0, 0_u64);
    for seed in from..from.saturating_add(seeds) {
        let verdict = tokens::play(seed)?;
        calls += verdict.token_calls;
        lost += u64::from(verdict.rotation_lost);
        for (name, count) in &verdict.injected {
            *injected.entry(*name).or_insert(0) += count;
        }
        if !verdict.violations.is_empty() {
            failed += 1;
            tell("tokens", seed, &verdict.violations, &verdict.trace, out)?;
        }
    }
    say(out, &format!("{seeds} seeds from {from}: {failed} violated, {calls} token calls"))?;
    say(
        out,
        &format!("{lost} rotations lost where nothing could have kept them, each shown as rotation_lost"),
    )?;
    for (name, count) in injected {
        say(out, &format!("{count:>9} {name}"))?;
    }
    Ok(failed == 0)
}

fn seeds_of_bookings(
    what: &str,
    play: impl Fn(u64) -> Result<bookings::Verdict, String>,
    seeds: u64,
    from: u64,
    out: &mut impl Write,
) -> Result<bool, String> {
    let (mut injected, mut outcomes) = (BTreeMap::new(), BTreeMap::new());
    let mut failed = 0_u64;
    for seed in from..from.saturating_add(seeds) {
        let verdict = play(seed)?;
        for (all, some) in [(&mut injected, &verdict.injected), (&mut outcomes, &verdict.outcomes)] {
            for (name, count) in some {
                *all.entry(*name).or_insert(0) += count;
            }
        }
        if !verdict.violations.is_empty() {
            failed += 1;
            tell(what, seed, &verdict.violations, &verdict.trace, out)?;
        }
    }
    say(out, &format!("{seeds} seeds from {from}: {failed} violated"))?;
    for (name, counts) in [("what came of it", outcomes), ("what the world did", injected)] {
        say(out, name)?;
        for (name, count) in counts {
            say(out, &format!("{count:>9} {name}"))?;
        }
    }
    Ok(failed == 0)
}

fn tell(
    what: &str,
    seed: u64,
    violations: &[String],
    trace: &[String],
    out: &mut impl Write,
) -> Result<(), String> {
    say(out, &format!("seed {seed}: {}", violations.join("; ")))?;
    let skipped = trace.len().saturating_sub(TOLD_LINES);
    for line in &trace[skipped..] {
        say(out, &format!("    {line}"))?;
    }
    say(out, &format!("again: cargo run --release -- simulate {what} --seeds 1 --from {seed}"))
}

fn say(out: &mut impl Write, line: &str) -> Result<(), String> {
    writeln!(out, "{line}").map_err(|error| error.to_string())
}
