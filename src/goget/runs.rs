//! A view of what is under way.

use tokio::sync::watch;

/// A view of the runs of a [`GoGet`](super::GoGet): how many, and when there are none. For a graceful shutdown, and
/// for tests.
///
/// A run that nobody waits for any more is killed; it counts until its processes are gone.
#[derive(Clone, Debug)]
pub struct Runs {
    running: watch::Receiver<usize>,
}

impl Runs {
    pub(super) fn new(running: watch::Receiver<usize>) -> Self {
        Self { running }
    }

    /// How many runs there are, those that wait for a place included.
    #[must_use]
    pub fn running(&self) -> usize {
        *self.running.borrow()
    }

    /// Returns once nothing is running: at once, if that is so now.
    ///
    /// Does not keep new runs from starting; stop accepting requests first.
    ///
    /// # Cancel safety
    ///
    /// Only waits, so it can be dropped at any time, for example by a time limit around it.
    pub async fn idle(&self) {
        // The sender is gone only when all services are, and each run has one of its own.
        let _ = self.running.clone().wait_for(|running| *running == 0).await;
    }
}
