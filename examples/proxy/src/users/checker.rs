//! Checks passwords, which is slow by design, on threads of its own and few at once.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// How many passwords are checked at once.
const AT_ONCE: usize = 2;
/// How many more wait for that.
const QUEUE: usize = 64;

#[derive(Debug)]
pub(super) struct Checker {
    slots: Arc<Semaphore>,
    places: Arc<Semaphore>,
}

impl Checker {
    pub(super) fn new() -> Self {
        Self {
            slots: Arc::new(Semaphore::new(AT_ONCE)),
            places: Arc::new(Semaphore::new(AT_ONCE + QUEUE)),
        }
    }

    /// `None` if too many wait. A check that has begun goes on without its client, and keeps its slot until it has ended.
    pub(super) async fn run(&self, check: impl FnOnce() -> bool + Send + 'static) -> Option<bool> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        let slot = Arc::clone(&self.slots).acquire_owned().await.ok()?;
        let checked = spawn_blocking(move || {
            let _held = (place, slot);
            check()
        });
        checked.await.ok()
    }
}
