//! The commands of the local stack, and their settings.

use std::{
    collections::BTreeMap,
    io::{self, BufRead as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use serde_json::json;

use crate::{
    demo, envfile, judge, logs, operator, recorded,
    simulation::command::{self, Wanted},
    stack::{Options, Stack, Time},
};

const USAGE: &str = "\
usage: cargo run                       play one whole day and stay up
       cargo run -- demo [--once] [--port 3000]
                                       the same; with --once exit then (0 only if every step held)
       cargo run -- serve [--port 3000] [--data DIR] [--env-file .env] [--now RFC3339] [--ready-json]
       cargo run -- judge < cases.jsonl > verdicts.jsonl
       cargo run --release -- simulate tokens | bookings [--seeds 10000] [--from 1]
       cargo run --release -- simulate schedules [--seeds 1000] [--from 1] | refreshers [--at-once 64] [--rounds 200]
       cargo run --release -- operator --help
       cargo run -- events             write the signed parts of events/ anew";

/// The port when none is said.
const PORT: u16 = 3000;

/// Runs a command line.
pub async fn run(arguments: Vec<String>) -> ExitCode {
    let mut arguments = arguments.into_iter();
    let command = arguments.next().unwrap_or_else(|| "run".to_owned());
    let rest: Vec<String> = arguments.collect();
    let helps = rest.iter().any(|word| ["--help", "-h"].contains(&word.as_str()));
    let ended = match command.as_str() {
        command if helps && command != "operator" => {
            say(&mut io::stdout(), USAGE);
            Ok(())
        }
        "run" | "demo" => play(&rest).await,
        "serve" => serve(&rest).await,
        "judge" if rest.is_empty() => judge_lines(),
        "simulate" => simulated(&rest),
        "operator" => {
            logs::install(false);
            operator::run(&rest, &mut |line| say(&mut io::stdout(), line)).await
        }
        "events" => recorded::write(Path::new("events")).await,
        "help" | "--help" | "-h" => {
            say(&mut io::stdout(), USAGE);
            Ok(())
        }
        _ => Err(USAGE.to_owned()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            say(&mut io::stderr(), &sentence);
            ExitCode::FAILURE
        }
    }
}

/// Plays seeds; an error when something did not hold.
fn simulated(words: &[String]) -> Result<(), String> {
    let wanted = Wanted::read(words)?;
    // It brings a runtime of its own, whose time is virtual.
    let played = std::thread::spawn(move || command::run(&wanted, &mut io::stdout()));
    match played.join().map_err(|_| "the simulation broke off")?? {
        true => Ok(()),
        false => Err("something did not hold".to_owned()),
    }
}

/// A line for a person; a closed pipe is no reason to fail.
fn say(to: &mut impl io::Write, line: &str) {
    if writeln!(to, "{line}").and_then(|()| to.flush()).is_err() {
        tracing::debug!("nobody reads the output any more");
    }
}

/// What `serve` and `demo` are told.
#[derive(Default)]
struct Flags {
    options: Options,
    once: bool,
    ready_json: bool,
    port_said: bool,
}

impl Flags {
    fn parse(arguments: &[String]) -> Result<Self, String> {
        let mut flags = Self { options: Options { port: PORT, ..Options::default() }, ..Self::default() };
        let mut arguments = arguments.iter();
        while let Some(flag) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{flag} wants a value\n{USAGE}"));
            match flag.as_str() {
                "--once" => flags.once = true,
                "--ready-json" => flags.ready_json = true,
                "--port" => {
                    flags.port_said = true;
                    flags.options.port = value()?.parse().map_err(|_| "--port wants a number up to 65535")?;
                }
                "--data" => flags.options.data = Some(PathBuf::from(value()?)),
                "--env-file" => flags.options.settings = envfile::read(value()?)?,
                "--now" => {
                    let now = value()?
                        .parse()
                        .map_err(|_| "--now wants an instant such as 2026-01-05T12:00:00Z")?;
                    flags.options.time = Time::From(now);
                }
                _ => return Err(format!("{flag} is not known\n{USAGE}")),
            }
        }
        Ok(flags)
    }
}

/// Plays the demo. Without `--once` the stack stays up until Ctrl-C.
async fn play(arguments: &[String]) -> Result<(), String> {
    let mut flags = Flags::parse(arguments)?;
    if flags.once && !flags.port_said {
        // A demo that only runs through takes any port, so that it never meets one that is taken.
        flags.options.port = 0;
    }
    logs::install(false);
    let stack = Stack::start(flags.options).await?;
    let mut out = io::stdout();
    let held = demo::play(&stack, &mut |line| say(&mut out, line)).await;
    if flags.once {
        return held;
    }
    if let Err(sentence) = held {
        say(&mut io::stderr(), &sentence);
    }
    let base = stack.base_url();
    say(
        &mut io::stdout(),
        &format!(
            "\nThe stack stays up:\n  console   {base}/_local/console\n  API docs  {base}/docs\n  health    {base}/health\n  its time  {}, which the demo moved\nCtrl-C ends it.",
            stack.app.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        ),
    );
    let _schedule = stack.schedule();
    until_stopped().await;
    Ok(())
}

/// Serves until it is stopped.
async fn serve(arguments: &[String]) -> Result<(), String> {
    let flags = Flags::parse(arguments)?;
    logs::install(true);
    let given = flags.options.settings.clone();
    let stack = Stack::start(flags.options).await?;
    for warning in &stack.app.config.warnings {
        tracing::warn!("{warning}");
    }
    let mut out = io::stdout();
    if flags.ready_json {
        let ready = format!(
            r#"{{"base_url":{},"control_url":{},"env":{}}}"#,
            json!(stack.base_url()),
            json!(format!("{}/_local", stack.address())),
            json!(shown(&stack.settings, &given))
        );
        say(&mut out, &ready);
    } else {
        say(
            &mut out,
            &format!(
                "Slotline listens on {}; the console is {}/_local/console",
                stack.address(),
                stack.base_url()
            ),
        );
    }
    let _schedule = stack.schedule();
    until_stopped().await;
    Ok(())
}

/// The settings for whoever started the stack; secrets of an env file are not shown.
fn shown(settings: &BTreeMap<String, String>, given: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let is_secret = |name: &str| ["SECRET", "ROOT", "TOKEN"].iter().any(|word| name.contains(word));
    let shown = |(name, value): (&String, &String)| {
        let hidden = given.contains_key(name) && is_secret(name);
        (name.clone(), if hidden { "***".to_owned() } else { value.clone() })
    };
    settings.iter().map(shown).collect()
}

async fn until_stopped() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

/// One JSON object a line in, one out, in order. A line that is no JSON is told as an error in its place; the command
/// fails at the end because of it.
fn judge_lines() -> Result<(), String> {
    let (stdin, mut out) = (io::stdin().lock(), io::stdout().lock());
    let mut odd = None;
    for (at, line) in stdin.split(b'\n').enumerate() {
        let line = line.map_err(|error| format!("the input cannot be read: {error}"))?;
        if line.trim_ascii().is_empty() {
            continue;
        }
        let verdict = serde_json::from_slice(&line).map_or_else(
            |error| {
                odd.get_or_insert(format!("line {} is not JSON: {error}", at + 1));
                json!({"id": null, "error": format!("not JSON: {error}")})
            },
            |case| judge::verdict(&case),
        );
        writeln!(out, "{verdict}").map_err(|error| error.to_string())?;
    }
    odd.map_or(Ok(()), Err)
}
