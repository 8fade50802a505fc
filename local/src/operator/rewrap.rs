//! `rewrap`: every data key under the configured KMS key.

use std::time::Duration;

use shared::{app::App, deadline, tokens};

use super::told;

/// A part of the work, after which it is told how far it is. The verb stops ten seconds before its end.
const PART: Duration = Duration::from_secs(15);

pub(super) async fn run(app: &App, from: Option<String>, say: &mut impl FnMut(&str)) -> Result<(), String> {
    let whole = from.is_none();
    let (mut cursor, mut looked_at, mut rewrapped) = (from, 0, 0);
    loop {
        let part = deadline::within(PART, tokens::rewrap(app, cursor.clone())).await;
        let part = part.map_err(|error| match &cursor {
            Some(cursor) => format!("{}; go on with --from '{cursor}'", told(error)),
            None => told(error),
        })?;
        looked_at += part.looked_at;
        rewrapped += part.rewrapped;
        cursor = part.cursor;
        match &cursor {
            Some(cursor) => say(&format!(
                "looked at {looked_at} connections, wrapped {rewrapped} keys again; at {cursor}"
            )),
            None => break,
        }
    }
    say(&format!("looked at {looked_at} connections, wrapped {rewrapped} keys again; this was the last"));
    say(match rewrapped {
        _ if !whole => "This was a part. Repeat without --from until such a run finds none.",
        0 => {
            "Nothing is left under another key but what connections keep that need their owner: PreviousTokenKeyArn can be emptied."
        }
        _ => "Repeat until a run finds none: what moved in the index meanwhile may have been passed over.",
    });
    Ok(())
}
