use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};

use super::fault::Fault;
use crate::span::in_current_span;

/// Work that many wait for and one does.
pub(super) struct Flights<T>(Arc<Mutex<HashMap<String, Flight<T>>>>);

type Flight<T> = Shared<BoxFuture<'static, Result<T, Fault>>>;

impl<T: Clone + Send + Sync + 'static> Flights<T> {
    pub(super) fn new() -> Self {
        Self(Arc::default())
    }

    /// Starts the work, unless it runs already.
    ///
    /// # Cancel safety
    ///
    /// Waits only: the work goes on.
    pub(super) fn join(
        &self,
        key: &str,
        work: impl Future<Output = Result<T, Fault>> + Send + 'static,
    ) -> Flight<T> {
        let mut running = lock(&self.0);
        if let Some(flight) = running.get(key) {
            return flight.clone();
        }
        // Taken out of the table however it ends. It cannot end before it is in it.
        let entry = Entry(Arc::clone(&self.0), key.to_owned());
        let task = tokio::spawn(in_current_span(async move {
            let _entry = entry;
            work.await
        }));
        let ended =
            task.map(|ended| ended.unwrap_or_else(|error| Err(Fault::Away(error.to_string()))));
        let flight = ended.boxed().shared();
        running.insert(key.to_owned(), flight.clone());
        flight
    }
}

struct Entry<T>(Arc<Mutex<HashMap<String, Flight<T>>>>, String);

impl<T> Drop for Entry<T> {
    fn drop(&mut self) {
        lock(&self.0).remove(&self.1);
    }
}

/// No change stops half way.
pub(super) fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}
