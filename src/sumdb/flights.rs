use std::collections::HashMap;
use std::sync::Mutex;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use tokio_util::task::AbortOnDropHandle;

use super::fault::Fault;
use crate::lock::lock;
use crate::span::in_current_span;

/// Work that many wait for and one does.
pub(super) struct Flights<T>(Mutex<HashMap<String, WeakShared<Work<T>>>>);

type Work<T> = BoxFuture<'static, Result<T, Fault>>;

impl<T: Clone + Send + Sync + 'static> Flights<T> {
    pub(super) fn new() -> Self {
        Self(Mutex::default())
    }

    /// Starts the work, unless it runs already.
    ///
    /// # Cancel safety
    ///
    /// The work goes on while somebody waits for it: what strangers want does not outlive them.
    pub(super) fn join(
        &self,
        key: &str,
        work: impl Future<Output = Result<T, Fault>> + Send + 'static,
    ) -> Shared<Work<T>> {
        let mut running = lock(&self.0);
        if running.len() == running.capacity() {
            // Seldom, so that each of very many costs little.
            running.retain(|_, flight| running_now(flight).is_some());
            let len = running.len();
            running.shrink_to(2 * len);
        }
        if let Some(flight) = running.get(key).and_then(running_now) {
            return flight;
        }
        let flight = async move {
            let task = AbortOnDropHandle::new(tokio::spawn(in_current_span(work)));
            task.await
                .unwrap_or_else(|error| Err(Fault::Away(error.to_string())))
        };
        let flight = flight.boxed().shared();
        // It cannot have ended yet.
        let weak = flight.downgrade();
        running.extend(weak.map(|weak| (key.to_owned(), weak)));
        flight
    }
}

fn running_now<T: Clone>(flight: &WeakShared<Work<T>>) -> Option<Shared<Work<T>>> {
    flight.upgrade().filter(|flight| flight.peek().is_none())
}
