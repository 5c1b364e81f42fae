//! Runs under way: who asks for the same thing at the same time waits for the same run.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::{oneshot, watch};

use super::run::Unwanted;
use crate::span::in_current_span;

/// The table of what is under way, by what it is about.
#[derive(Debug)]
pub(super) struct Flights<K: Eq + Hash, V> {
    table: Mutex<Table<K, V>>,
    running: watch::Sender<usize>,
}

#[derive(Debug)]
struct Table<K: Eq + Hash, V> {
    next: u64,
    flights: HashMap<K, (u64, Weak<Flight<K, V>>)>,
}

/// A task under way, held by each who waits for it. When the last one lets go, the task is told.
#[derive(Debug)]
pub(super) struct Flight<K: Eq + Hash, V> {
    key: K,
    id: u64,
    home: Weak<Flights<K, V>>,
    result: watch::Receiver<Option<V>>,
    _wanted: oneshot::Sender<Infallible>,
}

impl<K, V> Flights<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    pub(super) fn new() -> Self {
        Self {
            table: Mutex::new(Table {
                next: 0,
                flights: HashMap::new(),
            }),
            running: watch::Sender::new(0),
        }
    }

    /// Another table, whose tasks count with those of this one.
    pub(super) fn beside<L: Eq + Hash, W>(&self) -> Flights<L, W> {
        Flights {
            table: Mutex::new(Table {
                next: 0,
                flights: HashMap::new(),
            }),
            running: self.running.clone(),
        }
    }

    /// How many tasks there are; it counts those that nobody waits for and that have not yet ended.
    pub(super) fn running(&self) -> watch::Receiver<usize> {
        self.running.subscribe()
    }

    /// The flight for this key that is under way and has no result yet.
    pub(super) fn find(&self, key: &K) -> Option<Arc<Flight<K, V>>> {
        let found = self.lock().get(key);
        // Let go of outside of the lock: it may be the last to hold it.
        found.filter(|flight| !flight.is_over())
    }

    /// Attaches to the flight for this key, or starts one.
    ///
    /// The task runs on by itself; it is given the means to learn that nobody wants it any more.
    pub(super) fn join<F>(
        self: &Arc<Self>,
        key: K,
        task: impl FnOnce(Unwanted) -> F,
    ) -> Arc<Flight<K, V>>
    where
        F: Future<Output = Option<V>> + Send + 'static,
    {
        let mut table = self.lock();
        let over = match table.get(&key) {
            Some(flight) if !flight.is_over() => return flight,
            over => over,
        };
        let (sender, result) = watch::channel(None);
        let (wanted, unwanted) = oneshot::channel();
        let id = table.next;
        table.next += 1;
        let flight = Arc::new(Flight {
            key: key.clone(),
            id,
            home: Arc::downgrade(self),
            result,
            _wanted: wanted,
        });
        table.flights.insert(key, (id, Arc::downgrade(&flight)));
        drop(table);
        // This locks the table if it was the last.
        drop(over);
        let count = Count::new(self.running.clone());
        let task = task(unwanted);
        tokio::spawn(in_current_span(async move {
            let value = task.await;
            // Whoever has the result must find the task gone.
            drop(count);
            sender.send_replace(value);
        }));
        flight
    }

    fn lock(&self) -> MutexGuard<'_, Table<K, V>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash, V> Table<K, V> {
    fn get(&self, key: &K) -> Option<Arc<Flight<K, V>>> {
        self.flights
            .get(key)
            .and_then(|(_, flight)| flight.upgrade())
    }
}

impl<K, V> Flight<K, V>
where
    K: Eq + Hash + Send + Sync,
    V: Clone + Send + Sync,
{
    fn is_over(&self) -> bool {
        self.result.has_changed().is_err() || self.result.borrow().is_some()
    }

    /// Waits for the result. `None` if the task has ended without one.
    ///
    /// # Cancel safety
    ///
    /// The task goes on as long as another one waits.
    pub(super) async fn wait(self: Arc<Self>) -> Option<V> {
        let mut result = self.result.clone();
        let value = result.wait_for(Option::is_some).await.ok()?;
        value.clone()
    }
}

impl<K: Eq + Hash, V> Drop for Flight<K, V> {
    fn drop(&mut self) {
        let Some(home) = self.home.upgrade() else {
            return;
        };
        let mut table = home.table.lock().unwrap_or_else(PoisonError::into_inner);
        // A later flight may have taken the entry.
        if table
            .flights
            .get(&self.key)
            .is_some_and(|(id, _)| *id == self.id)
        {
            table.flights.remove(&self.key);
        }
    }
}

/// One task in the count, however it ends.
#[derive(Debug)]
struct Count(watch::Sender<usize>);

impl Count {
    fn new(running: watch::Sender<usize>) -> Self {
        running.send_modify(|running| *running += 1);
        Self(running)
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        self.0.send_modify(|running| *running -= 1);
    }
}
