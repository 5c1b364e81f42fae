//! The running fills.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use headers::ETag;
use tokio::sync::watch;

use super::failure::Failure;
use super::spool::Spool;
use crate::access::value::Access;
use crate::storage::Key;

/// How finely it is noticed that a file was stored.
const SLOTS: usize = 256;

/// Lives in the layer, since axum calls `layer()` once per route.
#[derive(Debug)]
pub(super) struct Table {
    running: Mutex<HashMap<FillKey, Arc<Running>>>,
    /// How often a file of each slot was stored.
    stored: [AtomicU32; SLOTS],
    hasher: RandomState,
    /// Fills that run or wait, and what they leave to be cleaned up.
    count: Arc<watch::Sender<usize>>,
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
    clients: watch::Sender<usize>,
}

/// How far a fill is.
#[derive(Clone, Debug)]
pub(super) enum Stage {
    /// It waits for a place, or for the source.
    Waiting,
    /// The first bytes can be shown.
    Streaming(File),
    /// All bytes are there and are right.
    Checked(File),
    /// So far as storing goes, all has been done that clients wait for.
    Settled(File),
    /// The file has turned out too large to be stored, so it goes only to clients that take it as it comes.
    Outgrown(File, Failure),
    Failed(Failure),
    /// Nothing here can be shared: each client asks the source, or fails like this if it wants a checked file.
    Unshared(Failure),
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
pub(super) struct Client(Arc<Running>);

/// A running fill in the table and in the count. Leaves both with the fill, however that ends.
#[derive(Debug)]
pub(super) struct Entry {
    table: Arc<Table>,
    key: FillKey,
    running: Arc<Running>,
    count: Arc<Counted>,
}

/// Keeps `Fills` from being idle.
#[derive(Debug)]
pub(super) struct Counted(Arc<watch::Sender<usize>>);

impl Table {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            running: Mutex::default(),
            stored: [const { AtomicU32::new(0) }; SLOTS],
            hasher: RandomState::new(),
            count: Arc::new(watch::Sender::new(0)),
        })
    }

    pub(super) fn count(&self) -> watch::Receiver<usize> {
        self.count.subscribe()
    }

    /// How often files like this had been stored at this moment, to be given to [`join`](Self::join) after a look into the
    /// storage.
    pub(super) fn stored(&self, key: &FillKey) -> u32 {
        self.slot(key).load(Ordering::Acquire)
    }

    pub(super) fn attach(&self, key: &FillKey) -> Option<Client> {
        self.lock().get(key).map(Client::new)
    }

    /// Attaches to the running fill of this file, or makes an entry for a new one. `None` if the file may have been stored
    /// since the storage was looked into: look again.
    pub(super) fn join(
        self: &Arc<Self>,
        key: &FillKey,
        stored: u32,
    ) -> Option<(Client, Option<Entry>)> {
        let mut running = self.lock();
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
        });
        running.insert(key.clone(), Arc::clone(&new));
        drop(running);
        let client = Client::new(&new);
        let entry = Entry {
            table: Arc::clone(self),
            key: key.clone(),
            running: new,
            count: Arc::new(Counted::new(&self.count)),
        };
        Some((client, Some(entry)))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<FillKey, Arc<Running>>> {
        // No change of the map stops half way.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn slot(&self, (file, _): &FillKey) -> &AtomicU32 {
        // A remainder by the number of slots is an index.
        &self.stored[(self.hasher.hash_one(file) % SLOTS as u64) as usize]
    }
}

fn random_tag() -> ETag {
    // Each state has keys of its own.
    let [a, b] = [0, 1].map(|n| RandomState::new().hash_one(n));
    let tag = format!("\"{a:016x}{b:016x}\"").parse();
    tag.expect("digits between quotes are an entity tag")
}

impl Running {
    pub(super) fn clients(&self) -> watch::Receiver<usize> {
        self.clients.subscribe()
    }

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
    fn new(running: &Arc<Running>) -> Self {
        running.clients.send_modify(|clients| *clients += 1);
        Self(Arc::clone(running))
    }

    pub(super) fn running(&self) -> &Running {
        &self.0
    }

    pub(super) fn is_checked(&self) -> bool {
        matches!(
            &*self.0.stage.borrow(),
            Stage::Checked(_) | Stage::Settled(_)
        )
    }

    /// Waits until there is enough for a response, with a length if one is needed, and checked and stored if the client
    /// `waits` for that.
    ///
    /// # Cancel safety
    ///
    /// Waits only.
    pub(super) async fn stage(&self, waits: bool, needs_len: bool) -> Stage {
        let mut stage = self.0.stage.subscribe();
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
        self.0.clients.send_modify(|clients| *clients -= 1);
    }
}

impl Entry {
    pub(super) fn key(&self) -> &Key {
        &self.key.0
    }

    pub(super) fn running(&self) -> &Running {
        &self.running
    }

    pub(super) fn client(&self) -> Client {
        Client::new(&self.running)
    }

    pub(super) fn counted(&self) -> Arc<Counted> {
        Arc::clone(&self.count)
    }

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
        let mut clients = self.running.clients();
        loop {
            // The sender lives as long as the entry.
            let _ = clients.wait_for(|clients| *clients == 0).await;
            let mut running = self.table.lock();
            if *self.running.clients.borrow() == 0 {
                return self.remove(&mut running);
            }
        }
    }

    /// Says that there is no file for those who still wait, and for nobody who comes: the next request starts anew. Who
    /// reads goes on.
    pub(super) fn refuse(&self, stage: Stage) {
        self.remove(&mut self.table.lock());
        self.running.reach(stage);
    }

    /// Says that there is no file.
    pub(super) fn fail(&self, failure: Failure) {
        self.refuse(Stage::Failed(failure.clone()));
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
        self.remove(&mut self.table.lock());
        let stage = self.running.stage.borrow().clone();
        match stage {
            // The bytes are right; only the storing has been cut short.
            Stage::Checked(file) => self.running.reach(Stage::Settled(file)),
            // If it has not said an end, its task has died. Only the first word counts.
            _ => self.fail(given_up()),
        }
    }
}

pub(super) fn given_up() -> Failure {
    Failure::bad_gateway("the fill of this file was given up")
}

impl Counted {
    fn new(count: &Arc<watch::Sender<usize>>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(Arc::clone(count))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}
