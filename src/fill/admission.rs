//! How many requests may be at a source at once: in two lanes, so that slow zips hold up nothing that is small.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

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
    /// How many wait for whom a client waits.
    clients: watch::Sender<usize>,
}

impl Lane {
    pub(super) fn new(slots: usize) -> Arc<Self> {
        let size = slots.min(Semaphore::MAX_PERMITS);
        Arc::new(Self {
            size,
            slots: Arc::new(Semaphore::new(size)),
            clients: watch::Sender::new(0),
        })
    }

    /// Whether another fill without a client would wait in vain, where so many fills run or wait.
    pub(super) fn is_full(&self, fills: usize) -> bool {
        fills > self.size.saturating_add(BACKGROUND)
    }

    /// Waits for a slot: one that no client waits for, unless a client waits for this one. `None` never comes: nobody
    /// closes the lane.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, the slot is free for others.
    pub(super) async fn slot(&self, for_client: bool) -> Option<Slot> {
        if let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() {
            return Some(slot);
        }
        if for_client {
            let _waiting = Counted::new(&self.clients);
            return Arc::clone(&self.slots).acquire_owned().await.ok();
        }
        let mut clients = self.clients.subscribe();
        loop {
            // The lane has the sender.
            let _ = clients.wait_for(|waiting| *waiting == 0).await;
            let come = pin!(clients.wait_for(|waiting| *waiting > 0));
            let slot = pin!(Arc::clone(&self.slots).acquire_owned());
            // Looked at in this order: a slot that came together with a client is the client's.
            match select(come, slot).await {
                Either::Left(_) => {}
                Either::Right((slot, _)) => return slot.ok(),
            }
        }
    }
}

/// One more, until it is dropped.
#[derive(Debug)]
pub(super) struct Counted(watch::Sender<usize>);

impl Counted {
    pub(super) fn new(count: &watch::Sender<usize>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(count.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

/// There was no slot within this time.
pub(super) fn refuse(file: &Target<'_>, wait: Duration) -> Failure {
    observe::refused(file);
    Failure::busy(wait)
}
