//! The questions that are at the source: each once, however many ask.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use super::shown::Shown;
use crate::access::value::Access;
use crate::lock::lock;
use crate::source::Tasks;

/// Lives in the layer, since axum calls `layer()` once per route.
#[derive(Debug)]
pub(super) struct Flights {
    running: Mutex<Running>,
    /// All tasks of the layer.
    pub(super) tasks: Tasks,
}

/// The path of a question, and with whose credentials the source is asked: what it says to one pair of user and password is no
/// answer for another, also where the owner is the same.
type FlightKey = (Arc<str>, Option<Access>);

type Running = HashMap<FlightKey, Arc<watch::Sender<Stage>>>;

/// How far a question is.
#[derive(Clone, Debug)]
pub(super) enum Stage {
    Waiting,
    /// Something earlier, in place of the answer of a source that is slow, or has failed.
    Stale(Shown),
    Answered(Shown),
}

/// A running question. Leaves the table when it is dropped, however it ends; its clients see that.
#[derive(Debug)]
pub(super) struct Flight {
    table: Arc<Flights>,
    key: FlightKey,
    stage: Arc<watch::Sender<Stage>>,
}

impl Flights {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            running: Mutex::default(),
            tasks: Tasks::new(),
        })
    }

    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let aborted = self.tasks.aborted.clone();
        let task = Box::pin(task);
        let task = async move { aborted.run_until_cancelled(task).await };
        drop(self.tasks.spawn(task));
    }

    /// Joins the running question, or makes a flight for a new one.
    pub(super) fn join(
        self: &Arc<Self>,
        path: &Arc<str>,
        by: &Option<Access>,
    ) -> (watch::Receiver<Stage>, Option<Flight>) {
        let key = (Arc::clone(path), by.clone());
        let mut running = lock(&self.running);
        if let Some(stage) = running.get(&key) {
            return (stage.subscribe(), None);
        }
        let (stage, client) = watch::channel(Stage::Waiting);
        let stage = Arc::new(stage);
        running.insert(key.clone(), Arc::clone(&stage));
        let flight = Flight {
            table: Arc::clone(self),
            key,
            stage,
        };
        (client, Some(flight))
    }
}

impl Flight {
    /// With an answer the flight has landed: what it does after that nobody joins.
    pub(super) fn reach(&self, stage: Stage) {
        let has_landed = matches!(stage, Stage::Answered(_));
        self.stage.send_replace(stage);
        if has_landed {
            self.leave(&mut lock(&self.table.running));
        }
    }

    /// Returns once no client waits any more. None can join after that.
    ///
    /// # Cancel safety
    ///
    /// Waits only.
    pub(super) async fn deserted(&self) {
        loop {
            self.stage.closed().await;
            let mut running = lock(&self.table.running);
            if self.stage.receiver_count() == 0 {
                self.leave(&mut running);
                return;
            }
        }
    }

    fn leave(&self, running: &mut Running) {
        // A later flight may have taken the place of one that was deserted.
        let found = running.get(&self.key);
        if found.is_some_and(|found| Arc::ptr_eq(found, &self.stage)) {
            running.remove(&self.key);
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.leave(&mut lock(&self.table.running));
    }
}
