//! `redrive`: dead letters of the rescue queue go back into it.

use std::time::Duration;

use shared::{app::App, queue::Move};

use super::told;

/// How often the move is asked how far it is.
const AGAIN: Duration = Duration::from_secs(2);

pub(super) async fn run(app: &App, say: &mut impl FnMut(&str)) -> Result<(), String> {
    let queue = &app.rescue_queue;
    let dead_letters = queue.dead_letters().await.map_err(told)?;
    let dead_letters = dead_letters.ok_or("the queue at RESCUE_QUEUE_URL has no dead letters")?;
    let under_way = queue.latest_move(&dead_letters).await.map_err(told)?.filter(Move::runs);
    if under_way.is_none() {
        queue.redrive(&dead_letters).await.map_err(told)?;
    }
    loop {
        // SQS may not show a move yet that it has taken.
        let latest = queue.latest_move(&dead_letters).await.map_err(told)?;
        match latest {
            Some(done) if !done.runs() => return ended(&done, say),
            Some(running) => say(&format!("{} moved so far", count(&running))),
            None => say("SQS has taken the move"),
        }
        tokio::time::sleep(AGAIN).await;
    }
}

fn ended(done: &Move, say: &mut impl FnMut(&str)) -> Result<(), String> {
    if done.status != "COMPLETED" {
        let why = done.failure.as_deref().unwrap_or("SQS does not say why");
        return Err(format!("the move ended as {} after {}: {why}", done.status, count(done)));
    }
    say(&format!("{} moved back", count(done)));
    say(
        "token-refresh takes them from the queue. What cannot be written comes back here after ten hours; its log says why.",
    );
    Ok(())
}

fn count(of: &Move) -> String {
    match of.of {
        Some(all) => format!("{} of {all} dead letters", of.moved),
        None => format!("{} dead letters", of.moved),
    }
}
