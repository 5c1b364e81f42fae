//! Work that may wait for a disk.

use std::io;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::{JoinError, JoinHandle, spawn_blocking};

/// How many calls of each kind may be under way. One that hangs keeps its thread, and the runtime has 512 of them for
/// everybody, name resolution included.
const READS: usize = 64;
const WRITES: usize = 64;
const PUBLISHES: usize = 16;

/// The blocking threads that one storage may take, in three lanes: neither a hit nor a running fill may wait until files
/// are published. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Threads {
    pub(crate) reads: Lane,
    pub(crate) writes: Lane,
    /// For what syncs a file.
    pub(crate) publishes: Lane,
}

#[derive(Clone, Debug)]
pub(crate) struct Lane(Arc<Semaphore>);

impl Threads {
    pub(crate) fn new() -> Self {
        let [reads, writes, publishes] =
            [READS, WRITES, PUBLISHES].map(|places| Lane(Arc::new(Semaphore::new(places))));
        Self {
            reads,
            writes,
            publishes,
        }
    }
}

impl Lane {
    /// # Cancel safety
    ///
    /// Work that has begun goes on to its end; its result is dropped.
    pub(crate) async fn run<T, F>(&self, work: F) -> io::Result<T>
    where
        F: FnOnce() -> io::Result<T> + Send + 'static,
        T: Send + 'static,
    {
        joined(self.start(work).await?.await)
    }

    /// Returns once a thread has been found.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, the work has not begun.
    pub(crate) async fn start<T, F>(&self, work: F) -> io::Result<JoinHandle<io::Result<T>>>
    where
        F: FnOnce() -> io::Result<T> + Send + 'static,
        T: Send + 'static,
    {
        let place = Arc::clone(&self.0).acquire_owned().await;
        let place = place.map_err(io::Error::other)?;
        Ok(spawn_blocking(move || {
            let _place = place;
            work()
        }))
    }
}

/// Work that panics has failed.
pub(crate) fn joined<T>(done: Result<io::Result<T>, JoinError>) -> io::Result<T> {
    done.map_err(io::Error::other)?
}
