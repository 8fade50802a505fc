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

static KEPT: Mutex<Kept> = Mutex::new(Kept { lines: VecDeque::new(), hidden: 0 });

/// The lines of a process, whichever of its stacks wrote them.
struct Kept {
    lines: VecDeque<String>,
    /// So many of the oldest are from before a reset.
    hidden: usize,
}

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

/// Every line that is kept, whatever was reset meanwhile.
pub fn lines() -> Vec<String> {
    kept().lines.iter().cloned().collect()
}

/// The lines since the last [`hide`].
pub fn shown() -> Vec<String> {
    let kept = kept();
    kept.lines.iter().skip(kept.hidden).cloned().collect()
}

/// Shows no line any more that is there. They are kept: another stack of this process may look for its own.
pub fn hide() {
    let mut kept = kept();
    kept.hidden = kept.lines.len();
}

fn kept() -> MutexGuard<'static, Kept> {
    // Lines are pushed whole, so a poisoned lock still holds sound ones.
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
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
        let mut kept = kept();
        if kept.lines.len() >= MOST_LINES {
            kept.lines.pop_front();
            kept.hidden = kept.hidden.saturating_sub(1);
        }
        kept.lines.push_back(String::from_utf8_lossy(bytes).trim_end().to_owned());
        drop(kept);
        if self.print {
            io::Write::write_all(&mut io::stderr(), bytes)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
