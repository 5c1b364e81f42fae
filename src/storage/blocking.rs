//! Work that may wait for a disk.

use std::io;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// A call to a disk that hangs keeps its thread for ever. The runtime has 512 of them for everybody,
/// name resolution included; this is what is ours.
static THREADS: Semaphore = Semaphore::const_new(128);

/// Runs this on a thread that may block.
///
/// # Errors
///
/// Those of the work, and one if it panics.
///
/// # Cancel safety
///
/// Work that has begun goes on to its end; its result is dropped.
pub(crate) async fn blocking<T, F>(work: F) -> io::Result<T>
where
    F: FnOnce() -> io::Result<T> + Send + 'static,
    T: Send + 'static,
{
    let thread = THREADS.acquire().await.map_err(io::Error::other)?;
    let work = spawn_blocking(move || {
        let _thread = thread;
        work()
    });
    work.await.map_err(io::Error::other)?
}
