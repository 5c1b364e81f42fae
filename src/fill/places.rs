use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

/// How many fills may wait for a place. With `OnMiss::Redirect` and `OnMiss::NotFound` no client waits
/// with them, so connections do not bound them.
const QUEUE: usize = 1024;

/// How many files may be on their way into the storage at once, and how many more may wait for that
/// with their bytes in memory or in a staged file.
const COMMITS: usize = 256;
const WAITING_COMMITS: usize = 1024;

/// How many large files are checked at once: the list of all files of a zip is in memory then.
const CHECKS: usize = 8;

/// What the fills of one layer share out among themselves.
#[derive(Debug)]
pub(super) struct Places {
    fills: Arc<Semaphore>,
    waiting: AtomicUsize,
    commits: Semaphore,
    waiting_commits: Semaphore,
    checks: Semaphore,
}

/// One who waits for a place for a fill, or is about to. Has left the queue when it is dropped.
#[derive(Debug)]
pub(super) struct Queued(Arc<Places>);

impl Places {
    pub(super) fn new(fills: usize) -> Self {
        Self {
            fills: Arc::new(Semaphore::new(fills.min(Semaphore::MAX_PERMITS))),
            waiting: AtomicUsize::new(0),
            commits: Semaphore::new(COMMITS),
            waiting_commits: Semaphore::new(COMMITS + WAITING_COMMITS),
            checks: Semaphore::new(CHECKS),
        }
    }

    /// Enters the queue. `None` if so many wait that another one would wait in vain.
    pub(super) fn queue(self: &Arc<Self>) -> Option<Queued> {
        let queued = Queued(Arc::clone(self));
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        (before < self.fills.available_permits().saturating_add(QUEUE)).then_some(queued)
    }

    /// Waits for a place for a commit. `None` if too many wait already: then the storage takes
    /// files more slowly than they come, for longer than memory and disk should bear.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, it has left the queue.
    pub(super) async fn commit(&self) -> Option<(SemaphorePermit<'_>, SemaphorePermit<'_>)> {
        let waiting = self.waiting_commits.try_acquire().ok()?;
        let commit = self.commits.acquire().await.ok()?;
        Some((waiting, commit))
    }

    /// Waits for a place for the check of a large file.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, it has left the queue.
    pub(super) async fn check(&self) -> Option<SemaphorePermit<'_>> {
        self.checks.acquire().await.ok()
    }
}

impl Queued {
    /// Waits for a place for a fill. `None` never comes: nobody closes the semaphore.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, it has left the queue.
    pub(super) async fn place(self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0.fills).acquire_owned().await.ok()
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}
