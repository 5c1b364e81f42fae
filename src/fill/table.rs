//! The running fills.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use headers::ETag;
use http::Response;
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::admission::Slot;
use super::failure::Failure;
use super::pace::Pace;
use super::service::SourceBody;
use super::spool::Spool;
use crate::access::value::Access;
use crate::etag::tag;
use crate::lock::lock;
use crate::source::Tasks;
use crate::storage::Key;

/// How finely it is noticed that a file was stored.
const SLOTS: usize = 256;

/// Over this time a fill must keep to the least rate once slow ones are aborted.
const LAST_WINDOW: Duration = Duration::from_secs(5);

/// Lives in the layer, since axum calls `layer()` once per route.
#[derive(Debug)]
pub(super) struct Table {
    running: Mutex<HashMap<FillKey, Arc<Running>>>,
    /// How often a file of each slot was stored.
    stored: [AtomicU32; SLOTS],
    hasher: RandomState,
    /// Fills that run or wait, until all that they leave is cleaned up.
    pub(super) tasks: Tasks,
}

/// The file, and with whose credentials the source is asked for it. What the source says to one pair of user and password
/// is no answer for another, also where the file is the same owner's.
pub(super) type FillKey = (Key, Option<Access>);

/// What one fill and its clients share.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) spool: Spool,
    /// While it runs the bytes have this tag: nobody has seen others with it.
    pub(super) tag: ETag,
    stage: watch::Sender<Stage>,
    pub(super) clients: watch::Sender<usize>,
    /// A response that cannot be shared, for one of the clients.
    pub(super) handed: Mutex<Option<Handed>>,
}

/// A response of the source, the slot in which it was asked, and the time that is left.
pub(super) type Handed = (Response<SourceBody>, Slot, Pace);

/// How far a fill is.
#[derive(Clone, Debug)]
pub(super) enum Stage {
    /// It waits for a slot, or for the source.
    Waiting,
    /// The first bytes can be shown.
    Streaming(File),
    /// All bytes are there and are right.
    Checked(File),
    /// So far as storing goes, all has been done that clients wait for.
    Settled(File),
    Failed(Failure),
}

/// What is known of the file of a running fill.
#[derive(Clone, Copy, Debug)]
pub(super) struct File {
    pub(super) len: Option<u64>,
    /// Whether it will be stored, as far as is known.
    pub(super) stores: bool,
    /// Whether the source has said that it is for no shared cache.
    pub(super) private: bool,
}

/// One who wants a fill to go on: a client that waits or reads, or the fill itself where it runs for the storage's sake.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) running: Arc<Running>,
}

/// A running fill in the table and in the count. Leaves both with the fill, however that ends.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) table: Arc<Table>,
    pub(super) key: FillKey,
    pub(super) running: Arc<Running>,
    pub(super) counted: Arc<TaskTrackerToken>,
}

impl Table {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            running: Mutex::default(),
            stored: [const { AtomicU32::new(0) }; SLOTS],
            hasher: RandomState::new(),
            tasks: Tasks::new(),
        })
    }

    /// How often files like this had been stored at this moment, to be given to [`join`](Self::join) after a look into the
    /// storage.
    pub(super) fn stored(&self, key: &FillKey) -> u32 {
        self.slot(key).load(Ordering::Acquire)
    }

    pub(super) fn attach(&self, key: &FillKey) -> Option<Client> {
        lock(&self.running).get(key).map(Client::new)
    }

    /// Attaches to the running fill of this file, or makes an entry for a new one. `None` if the file may have been stored
    /// since the storage was looked into: look again.
    pub(super) fn join(
        self: &Arc<Self>,
        key: &FillKey,
        stored: u32,
    ) -> Option<(Client, Option<Entry>)> {
        let mut running = lock(&self.running);
        if let Some(found) = running.get(key) {
            return Some((Client::new(found), None));
        }
        if self.stored(key) != stored {
            return None;
        }
        let new = Arc::new(Running {
            spool: Spool::new(),
            tag: random_tag(),
            stage: watch::Sender::new(Stage::Waiting),
            clients: watch::Sender::new(0),
            handed: Mutex::default(),
        });
        running.insert(key.clone(), Arc::clone(&new));
        drop(running);
        let client = Client::new(&new);
        let entry = Entry {
            table: Arc::clone(self),
            key: key.clone(),
            running: new,
            counted: Arc::new(self.tasks.token()),
        };
        Some((client, Some(entry)))
    }

    fn slot(&self, (file, _): &FillKey) -> &AtomicU32 {
        // A remainder by the number of slots is an index.
        &self.stored[(self.hasher.hash_one(file) % SLOTS as u64) as usize]
    }
}

fn random_tag() -> ETag {
    // Each state has keys of its own.
    let [a, b] = [0, 1].map(|n| RandomState::new().hash_one(n));
    tag(&format!("{a:016x}{b:016x}"))
}

impl Running {
    /// Goes on to the next stage. None comes after an end.
    pub(super) fn reach(&self, next: Stage) {
        self.stage.send_if_modified(|stage| {
            let is_next = next.rank() > stage.rank();
            if is_next {
                *stage = next;
            }
            is_next
        });
    }
}

impl Stage {
    pub(super) fn is_checked(&self) -> bool {
        matches!(self, Self::Checked(_) | Self::Settled(_))
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Waiting => 0,
            Self::Streaming(_) => 1,
            Self::Checked(_) => 2,
            _ => 3,
        }
    }
}

impl Client {
    pub(super) fn new(running: &Arc<Running>) -> Self {
        running.clients.send_modify(|clients| *clients += 1);
        Self {
            running: Arc::clone(running),
        }
    }

    pub(super) fn is_checked(&self) -> bool {
        self.running.stage.borrow().is_checked()
    }

    /// Waits until there is enough for a response, with a length if one is needed, and checked and stored if the client
    /// `waits` for that.
    ///
    /// # Cancel safety
    ///
    /// Waits only.
    pub(super) async fn stage(&self, waits: bool, needs_len: bool) -> Stage {
        let mut stage = self.running.stage.subscribe();
        let reached = stage.wait_for(|stage| match stage {
            Stage::Waiting => false,
            Stage::Streaming(file) => !waits && (file.len.is_some() || !needs_len),
            Stage::Checked(_) => !waits,
            _ => true,
        });
        // The sender lives as long as this client.
        reached.await.map_or(Stage::Waiting, |stage| stage.clone())
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let clients = &self.running.clients;
        clients.send_modify(|clients| *clients -= 1);
    }
}

impl Entry {
    /// The storage has the file now: who looked before that must look again.
    pub(super) fn stored(&self) {
        self.table.slot(&self.key).fetch_add(1, Ordering::Release);
    }

    /// Returns once nobody wants the file. Nobody can join any more after that.
    ///
    /// # Cancel safety
    ///
    /// Waits only.
    pub(super) async fn deserted(&self) {
        let mut clients = self.running.clients.subscribe();
        loop {
            // The sender lives as long as the entry.
            let _ = clients.wait_for(|clients| *clients == 0).await;
            let mut running = lock(&self.table.running);
            if *self.running.clients.borrow() == 0 {
                return self.remove(&mut running);
            }
        }
    }

    /// Returns once slow fills are aborted and this one is slow, whatever it waits for.
    ///
    /// # Cancel safety
    ///
    /// Waits only.
    pub(super) async fn slow(&self, min_rate: u64) {
        self.table.tasks.slow_aborted.cancelled().await;
        let spool = &self.running.spool;
        let least = min_rate.saturating_mul(LAST_WINDOW.as_secs()).max(1);
        let mut wanted = 0;
        while spool.written() >= wanted {
            wanted = spool.written().saturating_add(least);
            sleep(LAST_WINDOW).await;
        }
    }

    /// Says that there is no file: neither for those who wait or read, nor for who comes, whose request starts anew. Only
    /// the first word counts.
    pub(super) fn fail(&self, failure: Failure) {
        self.remove(&mut lock(&self.table.running));
        self.running.reach(Stage::Failed(failure.clone()));
        self.running.spool.end(Err(Arc::new(failure)));
    }

    fn remove(&self, running: &mut HashMap<FillKey, Arc<Running>>) {
        // A later fill may have taken the place of one that had failed.
        let found = running.get(&self.key);
        if found.is_some_and(|found| Arc::ptr_eq(found, &self.running)) {
            running.remove(&self.key);
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.remove(&mut lock(&self.table.running));
        let stage = self.running.stage.borrow().clone();
        match stage {
            // The bytes are right; only the storing has been cut short.
            Stage::Checked(file) => {
                let stores = false;
                self.running.reach(Stage::Settled(File { stores, ..file }));
            }
            // If it has not said an end, its task has died. Only the first word counts.
            _ => self.fail(Failure::given_up()),
        }
    }
}
