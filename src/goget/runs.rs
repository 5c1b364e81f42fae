//! Runs under way: who requests the same thing at the same time waits for the same run. And what they have brought, for a
//! moment.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep};

use super::process::Unwanted;
use crate::span::in_current_span;

/// The table of what is under way, by what it is about.
#[derive(Debug)]
pub(super) struct Flights<K, V> {
    table: Mutex<HashMap<K, Weak<Flight<V>>>>,
    running: watch::Sender<usize>,
}

/// A task under way, held by each who waits for it. When the last one lets go, the task is told.
#[derive(Debug)]
pub(super) struct Flight<V> {
    result: watch::Receiver<Option<V>>,
    _wanted: oneshot::Sender<Infallible>,
}

impl<K, V> Flights<K, V>
where
    K: Eq + Hash,
    V: Clone + Send + Sync + 'static,
{
    pub(super) fn new() -> Self {
        Self {
            table: Mutex::default(),
            running: watch::Sender::new(0),
        }
    }

    /// How many tasks there are; it counts those that nobody waits for and that have not yet ended.
    pub(super) fn running(&self) -> watch::Receiver<usize> {
        self.running.subscribe()
    }

    /// Whether there is a flight for this key that has no result yet.
    pub(super) fn has(&self, key: &K) -> bool {
        let found = lock(&self.table).get(key).and_then(Weak::upgrade);
        found.is_some_and(|flight| !flight.is_over())
    }

    /// Attaches to the flight for this key, or starts one.
    ///
    /// The task runs on by itself; it is given the means to learn that nobody wants it any more.
    pub(super) fn join<F>(&self, key: K, task: impl FnOnce(Unwanted) -> F) -> Arc<Flight<V>>
    where
        F: Future<Output = Option<V>> + Send + 'static,
    {
        let mut table = lock(&self.table);
        if let Some(flight) = table.get(&key).and_then(Weak::upgrade)
            && !flight.is_over()
        {
            return flight;
        }
        let (sender, result) = watch::channel(None);
        let (wanted, unwanted) = oneshot::channel();
        let flight = Arc::new(Flight {
            result,
            _wanted: wanted,
        });
        table.retain(|_, flight| flight.strong_count() > 0);
        table.insert(key, Arc::downgrade(&flight));
        drop(table);
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
}

fn lock<T>(table: &Mutex<T>) -> MutexGuard<'_, T> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<V: Clone + Send + Sync> Flight<V> {
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

/// Results that stay for a while after their run, oldest first where there are too many bytes.
#[derive(Debug)]
pub(super) struct Kept<K, V> {
    table: Mutex<HashMap<K, Entry<V>>>,
    most: u64,
    time: Duration,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    bytes: u64,
    since: Instant,
}

impl<K, V> Kept<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// At most so many bytes, for so long.
    pub(super) fn new(most: u64, time: Duration) -> Self {
        Self {
            table: Mutex::default(),
            most,
            time,
        }
    }

    pub(super) fn get(&self, key: &K) -> Option<V> {
        let table = lock(&self.table);
        let entry = table.get(key)?;
        (entry.since.elapsed() < self.time).then(|| entry.value.clone())
    }

    /// Takes the place of what was there.
    pub(super) fn put(self: &Arc<Self>, key: K, value: V, bytes: u64) {
        let since = Instant::now();
        let entry = Entry {
            value,
            bytes,
            since,
        };
        let mut table = lock(&self.table);
        table.insert(key, entry);
        let mut total: u64 = table.values().map(|entry| entry.bytes).sum();
        while total > self.most {
            let Some(oldest) = table.iter().min_by_key(|(_, entry)| entry.since) else {
                break;
            };
            total -= oldest.1.bytes;
            let oldest = oldest.0.clone();
            table.remove(&oldest);
        }
        drop(table);
        let (kept, time) = (Arc::downgrade(self), self.time);
        tokio::spawn(async move {
            sleep(time).await;
            if let Some(kept) = kept.upgrade() {
                lock(&kept.table).retain(|_, entry| entry.since.elapsed() < time);
            }
        });
    }
}

/// A view of the runs of a [`GoGet`](super::GoGet): how many, and when there are none. For a graceful shutdown, and
/// for tests.
///
/// A run that nobody waits for any more is killed; it counts until its processes are gone.
#[derive(Clone, Debug)]
pub struct Runs {
    running: watch::Receiver<usize>,
}

impl Runs {
    pub(super) fn new(running: watch::Receiver<usize>) -> Self {
        Self { running }
    }

    /// How many runs there are, including those that wait for a run slot.
    #[must_use]
    pub fn running(&self) -> usize {
        *self.running.borrow()
    }

    /// Returns once nothing is running, which may be at once.
    ///
    /// Does not keep new runs from starting; stop accepting requests first.
    ///
    /// # Cancel safety
    ///
    /// Only waits, so it can be dropped at any time, for example by a time limit around it.
    pub async fn idle(&self) {
        // The sender is gone only when all services are, and each run has one of its own.
        let _ = self.running.clone().wait_for(|running| *running == 0).await;
    }
}
