//! The end of an exchange, and the pauses between attempts.

use std::time::Duration;

use tokio::time::Instant;

use super::error::{Kind, Limit, UpstreamError};

/// The end of the time that a whole exchange has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    limit: Option<(Instant, Duration)>,
}

impl Deadline {
    /// `limit` from now. One too far away to be a time is none.
    pub(super) fn after(limit: Option<Duration>) -> Self {
        Self {
            limit: limit.and_then(|limit| Some((Instant::now().checked_add(limit)?, limit))),
        }
    }

    /// Runs `future` until the deadline.
    pub(super) async fn run<T>(
        self,
        future: impl Future<Output = Result<T, UpstreamError>>,
    ) -> Result<T, UpstreamError> {
        match self.limit {
            None => future.await,
            Some((at, limit)) => match tokio::time::timeout_at(at, future).await {
                Ok(output) => output,
                Err(_) => Err(UpstreamError::new(Kind::Timeout(Limit::Total, limit))),
            },
        }
    }
}

/// The pause before attempt number `attempt`, counted from 0: 100 ms, doubled each time up to 2 s, and of that a
/// random part between a half and the whole, so that many who failed together do not come back together.
pub(super) fn backoff(attempt: u32) -> Duration {
    let whole = Duration::from_millis(100)
        .saturating_mul(1 << attempt.min(5))
        .min(Duration::from_secs(2));
    whole.mul_f64(0.5 + fastrand::f64() / 2.0)
}
