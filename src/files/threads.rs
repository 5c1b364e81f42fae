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
    pub(crate) reads: Arc<Semaphore>,
    pub(crate) writes: Arc<Semaphore>,
    /// For what syncs a file.
    pub(crate) publishes: Arc<Semaphore>,
}

impl Threads {
    pub(crate) fn new() -> Self {
        let [reads, writes, publishes] =
            [READS, WRITES, PUBLISHES].map(|places| Arc::new(Semaphore::new(places)));
        Self {
            reads,
            writes,
            publishes,
        }
    }
}

/// Runs this on a blocking thread of the lane.
///
/// # Cancel safety
///
/// Work that has begun goes on to its end; its result is dropped.
pub(crate) async fn blocking<T, F>(lane: &Arc<Semaphore>, work: F) -> io::Result<T>
where
    F: FnOnce() -> io::Result<T> + Send + 'static,
    T: Send + 'static,
{
    joined(begin(lane, work).await?.await)
}

/// Returns once a thread has been found.
///
/// # Cancel safety
///
/// Dropped early, the work has not begun.
pub(crate) async fn begin<T, F>(
    lane: &Arc<Semaphore>,
    work: F,
) -> io::Result<JoinHandle<io::Result<T>>>
where
    F: FnOnce() -> io::Result<T> + Send + 'static,
    T: Send + 'static,
{
    let place = Arc::clone(lane).acquire_owned().await;
    let place = place.map_err(io::Error::other)?;
    Ok(spawn_blocking(move || {
        let _place = place;
        work()
    }))
}

/// Work that panics has failed.
pub(crate) fn joined<T>(done: Result<io::Result<T>, JoinError>) -> io::Result<T> {
    done.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::{PUBLISHES, Threads, blocking};

    #[tokio::test]
    async fn work_that_nobody_waits_for_any_more_keeps_its_place_until_it_has_ended() {
        let lane = Threads::new().publishes;
        let (sender, ends) = mpsc::channel::<()>();
        let hangs = async {
            let work = blocking(&lane, move || Ok(ends.recv().ok()));
            tokio::select! {
                biased;
                _ = work => panic!("it hangs"),
                () = tokio::task::yield_now() => {}
            }
        };
        hangs.await;
        assert_eq!(lane.available_permits(), PUBLISHES - 1);
        drop(sender);
        let all = lane.acquire_many(PUBLISHES as u32).await;
        assert!(all.is_ok(), "it is free again");
    }
}
