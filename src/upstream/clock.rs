//! Limits of time while a body is read, and the pauses between attempts.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep, sleep_until};

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

/// Watches the wait for the next part of a body.
///
/// Only waiting counts: time in which nobody asks for a part is the reader's, not the upstream's.
#[derive(Debug)]
pub(super) struct Watch {
    idle: Duration,
    /// Kept between waits, to be set anew.
    timer: Option<Pin<Box<Sleep>>>,
    waiting: bool,
    deadline: Deadline,
    total: Option<Pin<Box<Sleep>>>,
}

impl Watch {
    pub(super) fn new(idle: Duration, deadline: Deadline) -> Self {
        Self {
            idle,
            timer: None,
            waiting: false,
            deadline,
            total: None,
        }
    }

    /// A part has come.
    pub(super) fn rest(&mut self) {
        self.waiting = false;
    }

    /// Ready when the wait for a part is too long.
    pub(super) fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<UpstreamError> {
        let idle = self.idle;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(idle)));
        if !self.waiting {
            timer.set(sleep(idle));
            self.waiting = true;
        }
        timer
            .as_mut()
            .poll(cx)
            .map(|()| UpstreamError::new(Kind::Timeout(Limit::Idle, idle)))
    }

    /// Ready when the whole takes too long.
    pub(super) fn poll_total(&mut self, cx: &mut Context<'_>) -> Poll<UpstreamError> {
        let Some((at, limit)) = self.deadline.limit else {
            return Poll::Pending;
        };
        let total = self.total.get_or_insert_with(|| Box::pin(sleep_until(at)));
        total
            .as_mut()
            .poll(cx)
            .map(|()| UpstreamError::new(Kind::Timeout(Limit::Total, limit)))
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
