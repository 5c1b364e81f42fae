use std::sync::Arc;

use tokio::sync::{Semaphore, watch};

/// Holds an upstream back between the parts of a body, and tells how far it is. Clones share the gate.
///
/// It is closed at first. The first part passes by itself: a gate stands *between* parts.
#[derive(Clone, Debug)]
pub struct Gate {
    permits: Arc<Semaphore>,
    sent: watch::Sender<usize>,
}

impl Gate {
    pub fn closed() -> Self {
        Self {
            permits: Arc::new(Semaphore::new(0)),
            sent: watch::Sender::new(0),
        }
    }

    /// Lets `parts` more parts pass.
    pub fn allow(&self, parts: usize) {
        self.permits.add_permits(parts);
    }

    /// Lets everything pass from now on.
    pub fn open(&self) {
        self.permits.close();
    }

    /// Waits until `parts` parts, counted over all answers, have been given to the connection.
    pub async fn sent(&self, parts: usize) {
        self.sent
            .subscribe()
            .wait_for(|sent| *sent >= parts)
            .await
            .expect("the sender lives as long as this gate");
    }

    /// How many parts have been given to the connection.
    pub fn sent_so_far(&self) -> usize {
        *self.sent.borrow()
    }

    pub(super) async fn pass(&self) {
        // A closed semaphore is an open gate.
        if let Ok(permit) = self.permits.acquire().await {
            permit.forget();
        }
    }

    pub(super) fn note_sent(&self) {
        self.sent.send_modify(|sent| *sent += 1);
    }
}
