use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt;
use http::StatusCode;
use tokio::time::{Instant, timeout};

use super::failure::Failure;
use super::shared::Shared;

/// Over this time a source must keep to the least rate.
const WINDOW: Duration = Duration::from_secs(60);

/// How long a source may still take. Counts only the time that is waited for it.
#[derive(Debug)]
pub(super) struct Pace {
    max_silence: Duration,
    min_rate: u64,
    left: Duration,
    silent: Duration,
    /// Time and bytes since the rate was looked at; none before the head.
    window: Option<(Duration, u64)>,
}

impl Pace {
    pub(super) fn new(shared: &Shared) -> Self {
        Self {
            max_silence: shared.source_timeout,
            min_rate: shared.min_rate,
            left: shared.fill_timeout,
            silent: Duration::ZERO,
            window: None,
        }
    }

    /// From here on the rate counts.
    pub(super) fn begin(&mut self) {
        self.silent = Duration::ZERO;
        self.window = Some((Duration::ZERO, 0));
    }

    pub(super) fn got(&mut self, bytes: usize) {
        self.silent = Duration::ZERO;
        if let Some((_, got)) = &mut self.window {
            *got += bytes as u64;
        }
    }

    /// # Errors
    ///
    /// The source is silent for too long, too slow, or takes longer than the total limit.
    ///
    /// # Cancel safety
    ///
    /// As that of the work.
    pub(super) async fn wait<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Failure> {
        let mut work = pin!(work);
        // What is there at once takes no time.
        if let Some(done) = work.as_mut().now_or_never() {
            return Ok(done);
        }
        loop {
            let silence = self.max_silence.saturating_sub(self.silent);
            let window = self.window;
            let window = window.map_or(Duration::MAX, |(time, _)| WINDOW.saturating_sub(time));
            let begun = Instant::now();
            let done = timeout(silence.min(window).min(self.left), work.as_mut()).await;
            let waited = begun.elapsed();
            self.left = self.left.saturating_sub(waited);
            self.silent += waited;
            if let Some((window, _)) = &mut self.window {
                *window += waited;
            }
            match done {
                Ok(done) => return Ok(done),
                Err(_) => self.check()?,
            }
        }
    }

    fn check(&mut self) -> Result<(), Failure> {
        let too_slow = |text| Err(Failure::new(StatusCode::GATEWAY_TIMEOUT, text));
        if self.silent >= self.max_silence {
            return too_slow("the source was silent for too long");
        }
        if self.left.is_zero() {
            return too_slow("the source took too long for the whole file");
        }
        if let Some((time, got)) = self.window
            && time >= WINDOW
        {
            if got < self.min_rate.saturating_mul(WINDOW.as_secs()) {
                return too_slow("the source was too slow");
            }
            self.window = Some((Duration::ZERO, 0));
        }
        Ok(())
    }
}
