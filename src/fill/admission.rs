//! How many requests may be at a source at once: in two lanes, so that slow zips hold up nothing that is small.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use http::StatusCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::failure::Failure;

/// How many fills that no client waits for may wait for a place.
const BACKGROUND: usize = 1024;

/// A place at the source. Free again when it is dropped.
pub(super) type Place = OwnedSemaphorePermit;

#[derive(Debug)]
pub(super) struct Lane {
    size: usize,
    places: Arc<Semaphore>,
    /// How many wait for whom a client waits.
    clients: watch::Sender<usize>,
}

impl Lane {
    pub(super) fn new(places: usize) -> Arc<Self> {
        let size = places.min(Semaphore::MAX_PERMITS);
        Arc::new(Self {
            size,
            places: Arc::new(Semaphore::new(size)),
            clients: watch::Sender::new(0),
        })
    }

    /// Whether another fill without a client would wait in vain, where so many fills run or wait.
    pub(super) fn is_full(&self, fills: usize) -> bool {
        fills > self.size.saturating_add(BACKGROUND)
    }

    /// Waits for a place: one that no client waits for, unless a client waits for this one. `None` never comes: nobody
    /// closes the lane.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, the place is free for others.
    pub(super) async fn place(&self, for_client: bool) -> Option<Place> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Some(place);
        }
        if for_client {
            let _waiting = Waiting::new(&self.clients);
            return Arc::clone(&self.places).acquire_owned().await.ok();
        }
        let mut clients = self.clients.subscribe();
        loop {
            // The lane has the sender.
            let _ = clients.wait_for(|waiting| *waiting == 0).await;
            let come = pin!(clients.wait_for(|waiting| *waiting > 0));
            let place = pin!(Arc::clone(&self.places).acquire_owned());
            // Looked at in this order: a place that came together with a client is the client's.
            match select(come, place).await {
                Either::Left(_) => {}
                Either::Right((place, _)) => return place.ok(),
            }
        }
    }
}

struct Waiting<'a>(&'a watch::Sender<usize>);

impl<'a> Waiting<'a> {
    fn new(clients: &'a watch::Sender<usize>) -> Self {
        clients.send_modify(|waiting| *waiting += 1);
        Self(clients)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|waiting| *waiting -= 1);
    }
}

pub(super) fn too_many(wait: Duration) -> Failure {
    let text = "too many requests are waiting for the source, try again later";
    Failure::new(StatusCode::SERVICE_UNAVAILABLE, text).retry_after(wait.as_secs())
}
