use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Semaphore, SemaphorePermit};

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
    fills: Semaphore,
    waiting: AtomicUsize,
    commits: Semaphore,
    waiting_commits: Semaphore,
    checks: Semaphore,
}

/// A place in the queue. Given back when it is dropped, by whomever leaves it.
struct Waiting<'a>(&'a AtomicUsize);

impl Places {
    pub(super) fn new(fills: usize) -> Self {
        Self {
            fills: Semaphore::new(fills.min(Semaphore::MAX_PERMITS)),
            waiting: AtomicUsize::new(0),
            commits: Semaphore::new(COMMITS),
            waiting_commits: Semaphore::new(COMMITS + WAITING_COMMITS),
            checks: Semaphore::new(CHECKS),
        }
    }

    /// Whether so many fills wait that another one would wait in vain.
    pub(super) fn queue_is_full(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) >= QUEUE
    }

    /// Waits for a place for a fill. `None` never comes: nobody closes the semaphore.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, it has left the queue.
    pub(super) async fn fill(&self) -> Option<SemaphorePermit<'_>> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waiting = Waiting(&self.waiting);
        self.fills.acquire().await.ok()
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

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
