//! Work that may wait for a disk.

use std::io;
use std::sync::{Arc, LazyLock};

use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, spawn_blocking};

/// How many calls to one disk may be under way. One that hangs keeps its thread for ever, and the
/// runtime has 512 of them for everybody, name resolution included.
const PLACES: usize = 128;

/// The threads that one disk may take. Cheap to clone; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Threads(Arc<Semaphore>);

impl Threads {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(PLACES)))
    }

    /// Those for the disk with the system's temporary files.
    pub(super) fn temporary() -> Self {
        static TEMPORARY: LazyLock<Threads> = LazyLock::new(Threads::new);
        TEMPORARY.clone()
    }

    /// Runs this on a thread that may block.
    ///
    /// # Errors
    ///
    /// Those of the work, and one if it panics.
    ///
    /// # Cancel safety
    ///
    /// Work that has begun goes on to its end; its result is dropped.
    pub(crate) async fn run<T, F>(&self, work: F) -> io::Result<T>
    where
        F: FnOnce() -> io::Result<T> + Send + 'static,
        T: Send + 'static,
    {
        let work = self.start(work).await?;
        work.await.map_err(io::Error::other)?
    }

    /// Starts this on a thread that may block, once there is one.
    ///
    /// # Errors
    ///
    /// None that are known.
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
