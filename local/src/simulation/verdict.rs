//! What must be true of a connection once the weather has cleared, whatever happened before.

use std::{sync::atomic::Ordering, time::Duration};

use serde_json::Value;
use shared::{
    error::{Error, Result as AppResult},
    providers::spec::Rotation,
    tokens::{self, Patience},
};
use tokio::time::sleep;

use super::{
    gate::Weather,
    tokens::{Town, Verdict, used},
    wires::held,
};

impl Town {
    /// The weather clears; whatever is left to do is done; and then everything must be right.
    pub(super) async fn verdict(&self) -> Result<Verdict, String> {
        let gate = &self.world.gate;
        gate.set_weather(Weather::default());
        // Leases, cooldowns and requests in flight end.
        sleep(Duration::from_secs(4_000)).await;
        let (process, app) = self.world.process("last")?;
        for _ in 0..2 {
            for message in self.world.systems.queued() {
                if let Err(error) = tokens::rescue(&app, &message).await {
                    self.fault(format!("a rescue message is refused: {error}"));
                }
            }
        }
        let kept = tokens::keep(&app).await.map_err(|error| error.to_string())?;
        gate.trace(format!("{kept:?}"));
        let mut outcomes = Vec::new();
        for _ in 0..2 {
            gate.tell_time(&process);
            outcomes.push(used(&app, &self.connection, Patience::Request).await);
            // Long enough for a token to die: the refresh token must live as well.
            sleep(Duration::from_secs(3_700)).await;
        }
        gate.tell_time(&process);
        outcomes.push(used(&app, &self.connection, Patience::Request).await);
        self.judge(&outcomes);
        let grants = self.world.systems.grants();
        Ok(Verdict {
            violations: held(&self.violations).clone(),
            injected: self.world.injected(),
            token_calls: grants.calls,
            rotation_lost: grants.reused,
            trace: gate.lines(),
        })
    }

    fn judge(&self, outcomes: &[AppResult<()>]) {
        let (live, revoked, reused) = {
            let grants = self.world.systems.grants();
            (grants.is_live(), grants.revoked, grants.reused)
        };
        let row = self.world.rows("connections").into_iter().find(|row| row["kind"]["S"] == "connection");
        let row = row.unwrap_or_default();
        let (status, cause) = (text(&row, "status"), text(&row, "cause"));
        let last = outcomes.last();
        if live {
            if outcomes.iter().any(Result::is_err) {
                self.fault(format!(
                    "the grant lives, and the connection does not: {status} {cause} {last:?}"
                ));
            }
        } else {
            if !matches!(last, Some(Err(Error::NeedsConnection { .. }))) || status != "reauth_required" {
                self.fault(format!("the grant is dead, and the connection is {status}: {last:?}"));
            }
            if reused && !revoked && cause != "rotation_lost" {
                self.fault(format!("a lost rotation shows as {cause}"));
            }
            if !reused && cause == "rotation_lost" && !self.was_uncertain() {
                self.fault("a revocation shows as rotation_lost".to_owned());
            }
        }
        if reused && (self.world.rule() != Rotation::SingleUse || !self.window_was_open()) {
            self.fault("a refresh token was used twice without need".to_owned());
        }
        if self.world.systems.false_marks.load(Ordering::Relaxed) > 0 {
            self.fault("a connection was given up while its grant lived".to_owned());
        }
        self.judge_events(&status);
    }

    /// Every end is told once, and every return after an end.
    fn judge_events(&self, status: &str) {
        let mut events = self.world.rows("outbox");
        events.sort_by_key(|event| text(event, "sk"));
        let told: Vec<_> = events.iter().map(|event| text(event, "type")).collect();
        let edges: Vec<_> = told.iter().filter(|kind| *kind != "connection.expiring").collect();
        let ends = edges.iter().filter(|kind| **kind == "connection.reauth_required").count();
        let returns = edges.len() - ends;
        let dead = usize::from(status == "reauth_required");
        if ends != returns + dead {
            self.fault(format!("the edges were told as {told:?}, and it is {status}"));
        }
    }

    /// Whether some ask may or may not have used the refresh token up, for all that anybody could know.
    fn was_uncertain(&self) -> bool {
        // A process that dies, or cannot say that it did not ask, leaves that open.
        let open = [
            "crash before a request",
            "crash after a request",
            "killed at the deadline",
            "freeze",
            "5xx",
            "throttled",
            "lost answer",
            "outage of DynamoDB",
        ];
        let injected = self.world.injected();
        self.world.gate.unheard() || open.iter().any(|name| injected.contains_key(name))
    }

    /// Whether an answer of the token endpoint was lost where nothing could have kept it.
    fn window_was_open(&self) -> bool {
        self.window.load(Ordering::Relaxed) || self.world.gate.lost_tokens()
    }
}

fn text(row: &Value, name: &str) -> String {
    row[name]["S"].as_str().unwrap_or_default().to_owned()
}
