//! What all checks of one kind may take together.

use std::sync::Arc;
use std::thread::available_parallelism;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;

use super::failed::Failed;

/// Memory is counted in these.
const UNIT: usize = 1024;

/// For what is kept of zips while they arrive, beside a few batches of bytes for each.
const FOLLOWING: usize = 16 * 1024 * UNIT;
/// For whole zips. More than the largest one needs.
const WHOLE: usize = 32 * 1024 * UNIT;

/// Threads and memory. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Bounds {
    threads: Arc<Semaphore>,
    following: Arc<Semaphore>,
    whole: Arc<Semaphore>,
}

impl Default for Bounds {
    fn default() -> Self {
        let threads = available_parallelism().map_or(1, usize::from);
        let [threads, following, whole] = [threads, FOLLOWING / UNIT, WHOLE / UNIT]
            .map(|permits| Arc::new(Semaphore::new(permits)));
        Self {
            threads,
            following,
            whole,
        }
    }
}

impl Bounds {
    /// Runs on a blocking thread, once one is free.
    ///
    /// # Cancel safety
    ///
    /// Once started, the work runs to its end and has its thread until then.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failed> {
        // Nobody closes it.
        let thread = Arc::clone(&self.threads).acquire_owned().await.ok();
        let work = move || {
            let _thread = thread;
            work()
        };
        spawn_blocking(work)
            .await
            .map_err(|error| match error.is_panic() {
                // A parser that panics on a file has not passed it.
                true => Failed::Rejected(error.to_string()),
                false => Failed::Unreadable(error.into()),
            })
    }

    /// A thread, if one is free now.
    pub(super) fn thread(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.threads).try_acquire_owned().ok()
    }

    /// Memory for more of what arrives, if there is some now.
    pub(super) fn follow(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let permits = permits(bytes);
        Arc::clone(&self.following)
            .try_acquire_many_owned(permits)
            .ok()
    }

    /// Memory for a whole zip, once there is enough.
    pub(super) async fn whole(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let permits = permits(bytes.min(WHOLE));
        Arc::clone(&self.whole)
            .acquire_many_owned(permits)
            .await
            .ok()
    }
}

fn permits(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX)
}
