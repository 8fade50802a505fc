//! Log lines of the local stage: kept in memory, so that `/_local/world` can show them and tests can search them.

use std::{
    collections::VecDeque,
    io,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{
    filter::Targets,
    fmt::{self, MakeWriter},
    layer::SubscriberExt as _,
};

/// More than any one test or demo writes.
const MOST_LINES: usize = 20_000;

static LINES: Mutex<VecDeque<String>> = Mutex::new(VecDeque::new());

/// Starts keeping log lines, and prints them on standard error when `print` says so. Later calls change nothing.
pub fn install(print: bool) {
    let ours = Targets::new()
        .with_target("shared", LevelFilter::INFO)
        .with_target("functions", LevelFilter::INFO)
        .with_target("local", LevelFilter::INFO)
        .with_default(LevelFilter::WARN);
    let lines = fmt::layer().json().flatten_event(true).with_writer(Tee { print });
    let subscriber = tracing_subscriber::registry().with(ours).with(lines);
    // Another test of the same process was first.
    if tracing::subscriber::set_global_default(subscriber).is_err() {
        tracing::debug!("log lines are kept already");
    }
}

/// The lines since the last [`clear`].
pub fn lines() -> Vec<String> {
    kept().iter().cloned().collect()
}

/// Forgets every line.
pub fn clear() {
    kept().clear();
}

fn kept() -> MutexGuard<'static, VecDeque<String>> {
    // Lines are pushed whole, so a poisoned lock still holds sound ones.
    LINES.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Tee {
    print: bool,
}

impl<'a> MakeWriter<'a> for Tee {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line { print: self.print }
    }
}

struct Line {
    print: bool,
}

impl io::Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut lines = kept();
        if lines.len() >= MOST_LINES {
            lines.pop_front();
        }
        lines.push_back(String::from_utf8_lossy(bytes).trim_end().to_owned());
        drop(lines);
        if self.print {
            io::Write::write_all(&mut io::stderr(), bytes)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
