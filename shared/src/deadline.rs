//! How much time is left: Lambda ends an invocation at a set moment, whatever stands half done.

use std::{future::Future, time::Duration};

use tokio::time::Instant;

/// What a call has without a Lambda around it: API Gateway ends an integration after 30 s.
const OUTSIDE_LAMBDA: Duration = Duration::from_secs(29);

tokio::task_local! {
    static END: Instant;
}

/// Runs a future that knows when its invocation ends.
pub async fn within<F: Future>(left: Duration, future: F) -> F::Output {
    END.scope(Instant::now() + left, future).await
}

/// How much of the invocation is left.
pub fn left() -> Duration {
    END.try_with(|end| end.saturating_duration_since(Instant::now())).unwrap_or(OUTSIDE_LAMBDA)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_invocation_knows_its_end_and_anything_else_has_the_gateways() {
        assert_eq!(left(), OUTSIDE_LAMBDA);
        within(Duration::from_secs(5), async {
            assert!(left() <= Duration::from_secs(5) && left() > Duration::from_secs(4));
        })
        .await;
        within(Duration::ZERO, async { assert_eq!(left(), Duration::ZERO) }).await;
    }
}
