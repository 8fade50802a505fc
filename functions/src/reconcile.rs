//! `reconcile`: finishes what bookings left unfinished, only ever forward. No HTTP: a schedule calls it.

use std::time::Instant;

use lambda_runtime::Error;
use serde_json::json;
use shared::{app::App, booking};
use tracing::Instrument as _;

use crate::{
    Function,
    metrics::{self, Metric},
    token_refresh::Ran,
};

/// One run over the work that is due.
pub(crate) async fn run(app: &App, request_id: &str) -> Result<Ran, Error> {
    // Of the highest level, so that whatever is logged inside carries it.
    let span = tracing::error_span!("run", request_id, function = Function::Reconcile.as_str());
    async {
        let begun = Instant::now();
        let done =
            booking::reconcile(app).await.inspect_err(|error| tracing::error!("the run failed: {error}"))?;
        let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let answer = json!({
            "task": "reconcile", "looked_at": done.looked_at, "finished": done.finished,
            "waiting": done.waiting, "failed": done.failed, "more": done.more,
        });
        tracing::info!(duration_ms, summary = %answer, "run done");
        let measured = [
            Metric::count("BookingsFinished", done.finished),
            Metric::count("BookingsWaiting", done.waiting),
            Metric::count("ReconcileFailures", done.failed),
            // Whether, not how many: the index is not read to its end to count them.
            Metric::count("BookingsDueLeft", usize::from(done.more)),
            Metric::milliseconds("Duration", duration_ms),
        ];
        let stage = app.config.stage.as_str();
        let metrics = metrics::line(app.clock.now(), stage, Function::Reconcile, &measured);
        Ok(Ran { answer, metrics })
    }
    .instrument(span.clone())
    .await
}
