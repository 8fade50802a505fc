//! One run of the keeper: refreshes what is due before anybody needs it.

use crate::{app::App, error::Result};

/// What one run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Connections that were due.
    pub looked_at: usize,
    /// Those with new tokens.
    pub refreshed: usize,
    /// Those that are tried again later.
    pub postponed: usize,
    /// Those whose owner was told that they end soon.
    pub warned: usize,
    /// Those that ended and need their owner.
    pub ended: usize,
    /// Those that failed for another reason.
    pub failed: usize,
    /// Whether more are due than this run had time for.
    pub more: bool,
}

/// Looks at what is due.
pub async fn keep(_app: &App) -> Result<Kept> {
    Ok(Kept::default())
}
