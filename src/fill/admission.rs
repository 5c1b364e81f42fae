//! How many requests may be at a source at once: in two lanes, so that slow zips hold up nothing that is small.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use super::failure::Failure;
use crate::observe;
use crate::target::Target;

/// How many fills that no client waits for may wait for a slot.
const BACKGROUND: usize = 1024;

/// A slot at the source. Free again when it is dropped.
pub(super) type Slot = OwnedSemaphorePermit;

#[derive(Debug)]
pub(super) struct Lane {
    size: usize,
    slots: Arc<Semaphore>,
    /// Those who wait for a client.
    clients: TaskTracker,
}

impl Lane {
    pub(super) fn new(slots: usize) -> Arc<Self> {
        let size = slots.min(Semaphore::MAX_PERMITS);
        let clients = TaskTracker::new();
        // Else nobody could wait until it is empty.
        clients.close();
        Arc::new(Self {
            size,
            slots: Arc::new(Semaphore::new(size)),
            clients,
        })
    }

    /// Whether another fill without a client would wait in vain, where so many fills run or wait.
    pub(super) fn is_full(&self, fills: usize) -> bool {
        fills > self.size.saturating_add(BACKGROUND)
    }

    /// Waits for a slot: one that no client waits for, unless a client waits for this one.
    ///
    /// # Errors
    ///
    /// There was none within this time.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, the slot is free for others.
    pub(super) async fn slot(
        &self,
        file: &Target<'_>,
        wait: Duration,
        for_client: bool,
    ) -> Result<Slot, Failure> {
        let slot = timeout(wait, self.free_slot(for_client)).await;
        slot.ok().flatten().ok_or_else(|| refuse(file, wait))
    }

    /// `None` never comes: nobody closes the lane.
    async fn free_slot(&self, for_client: bool) -> Option<Slot> {
        if let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() {
            return Some(slot);
        }
        let _waiting = for_client.then(|| self.clients.token());
        loop {
            let slot = Arc::clone(&self.slots).acquire_owned().await.ok()?;
            if for_client || self.clients.is_empty() {
                return Some(slot);
            }
            // It goes on to the next in line, and so to a client.
            drop(slot);
            self.clients.wait().await;
        }
    }
}

/// There was no slot within this time.
pub(super) fn refuse(file: &Target<'_>, wait: Duration) -> Failure {
    observe::refused(file);
    Failure::busy(wait)
}
