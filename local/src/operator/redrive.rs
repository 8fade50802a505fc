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
    let before = queue.latest_move(&dead_letters).await.map_err(told)?;
    if !before.as_ref().is_some_and(Move::runs) {
        queue.redrive(&dead_letters).await.map_err(told)?;
    }
    loop {
        let latest = queue.latest_move(&dead_letters).await.map_err(told)?;
        match latest.filter(|latest| is_ours(latest, before.as_ref())) {
            Some(done) if !done.runs() => return ended(&done, say),
            Some(running) => say(&format!("{} moved so far", count(&running))),
            None => say("SQS has taken the move"),
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// Whether a move is the one to follow: SQS may show the one before for a while after it has taken another.
fn is_ours(latest: &Move, before: Option<&Move>) -> bool {
    before.is_none_or(|before| before.runs() || before.started != latest.started)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_move_that_ended_before_is_not_taken_for_the_new_one() {
        let of = |started, status: &str| Move {
            started,
            status: status.to_owned(),
            moved: 0,
            of: None,
            failure: None,
        };
        let old = of(1, "COMPLETED");
        assert!(!is_ours(&old, Some(&old)), "SQS does not show the new one yet");
        assert!(is_ours(&of(2, "COMPLETED"), Some(&old)));
        assert!(is_ours(&old, None));
        assert!(is_ours(&old, Some(&of(1, "RUNNING"))), "one that ran already is followed to its end");
    }
}
