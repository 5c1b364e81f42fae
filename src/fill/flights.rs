use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::fills::Fills;
use super::places::{Places, Queued};
use super::spool::{Reader, Spool};
use crate::access::value::Access;
use crate::storage::Key;

/// Two requests meet in one lock only if they miss files of the same shard.
const SHARDS: usize = 16;

/// How many stored files a shard remembers: far more than are stored while one request looks into
/// the storage.
const RECENT: usize = 64;

/// How many fills run at once, unless told otherwise.
const PLACES: usize = 64;

/// The table of running fills. Lives in the layer, since axum calls `layer()` once per route.
#[derive(Debug)]
pub(super) struct Flights {
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
    places: Arc<Places>,
    /// Fills that run or wait, those that store their file included.
    running: Arc<watch::Sender<usize>>,
}

#[derive(Debug, Default)]
struct Shard {
    running: HashMap<FlightKey, Arc<Spool>>,
    /// How many files were stored, and which of them last.
    stored: u64,
    recent: VecDeque<Key>,
}

/// What a running fill is found by: the file, and with whose credentials the source is asked for it. What the source says
/// to one pair of user and password is no answer for another, also where the file is the same owner's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct FlightKey {
    file: Key,
    access: Option<Access>,
}

impl FlightKey {
    pub(super) fn new(file: Key, access: Option<Access>) -> Self {
        Self { file, access }
    }
}

/// How many files of a shard had been stored at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen(u64);

/// What a request that has missed finds.
pub(super) enum Joined {
    /// A fill is running; this reads from it.
    Attached(Reader),
    /// This request starts the fill.
    Started(Reader, Ticket, Queued),
    /// The file has been stored since the storage was looked into: look again.
    Look,
    /// So many fills wait for a place that this one would wait in vain.
    Full,
}

/// A running fill in the table and in the count. Goes away with the fill, however that ends.
#[derive(Debug)]
pub(super) struct Ticket {
    flights: Arc<Flights>,
    key: FlightKey,
    spool: Arc<Spool>,
    stored: bool,
}

impl Flights {
    pub(super) fn new() -> Self {
        Self::with(PLACES, Arc::new(watch::Sender::new(0)))
    }

    /// A new table with so many places for fills. The count goes on with those of this one.
    pub(super) fn with_places(&self, fills: usize) -> Self {
        Self::with(fills, Arc::clone(&self.running))
    }

    fn with(fills: usize, running: Arc<watch::Sender<usize>>) -> Self {
        Self {
            shards: Default::default(),
            hasher: RandomState::new(),
            places: Arc::new(Places::new(fills)),
            running,
        }
    }

    pub(super) fn fills(&self) -> Fills {
        Fills::new(self.running.subscribe())
    }

    /// To be taken before the storage is looked into, and given to [`join`](Self::join) after.
    pub(super) fn seen(&self, key: &FlightKey) -> Seen {
        Seen(self.shard(key).stored)
    }

    pub(super) fn join(self: &Arc<Self>, key: &FlightKey, seen: Seen) -> Joined {
        let mut shard = self.shard(key);
        if let Some(reader) = shard.running.get(key).and_then(Reader::join) {
            return Joined::Attached(reader);
        }
        // This very file may have been stored between the look and now.
        if shard.has_stored(&key.file, seen) {
            return Joined::Look;
        }
        let Some(queued) = self.places.queue() else {
            return Joined::Full;
        };
        let spool = Arc::new(Spool::new());
        // A new spool can be joined.
        let Some(reader) = Reader::join(&spool) else {
            return Joined::Look;
        };
        shard.running.insert(key.clone(), Arc::clone(&spool));
        drop(shard);
        self.running.send_modify(|running| *running += 1);
        let ticket = Ticket {
            flights: Arc::clone(self),
            key: key.clone(),
            spool,
            stored: false,
        };
        Joined::Started(reader, ticket, queued)
    }

    /// One for all fills of a file.
    fn shard(&self, key: &FlightKey) -> MutexGuard<'_, Shard> {
        // A remainder of a u64 by 16 fits.
        let index = (self.hasher.hash_one(&key.file) % SHARDS as u64) as usize;
        self.shards[index]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shard {
    fn note_stored(&mut self, key: Key) {
        self.stored += 1;
        self.recent.truncate(RECENT - 1);
        self.recent.push_front(key);
    }

    /// Whether this file was stored since then, as far as that is known.
    fn has_stored(&self, key: &Key, since: Seen) -> bool {
        match usize::try_from(self.stored - since.0) {
            Ok(count) if count <= self.recent.len() => {
                self.recent.iter().take(count).any(|stored| stored == key)
            }
            _ => true,
        }
    }
}

impl Ticket {
    pub(super) fn spool(&self) -> &Arc<Spool> {
        &self.spool
    }

    pub(super) fn key(&self) -> &Key {
        &self.key.file
    }

    pub(super) fn places(&self) -> &Arc<Places> {
        &self.flights.places
    }
}

impl Ticket {
    /// The storage has the file now.
    pub(super) fn stored(mut self) {
        self.stored = true;
    }

    /// Takes the fill out of the table, so that the next request starts anew. It still counts.
    pub(super) fn leave(&self) {
        let mut shard = self.flights.shard(&self.key);
        if self.stored {
            shard.note_stored(self.key.file.clone());
        }
        // A later fill may have taken the entry of one that had failed.
        if shard
            .running
            .get(&self.key)
            .is_some_and(|spool| Arc::ptr_eq(spool, &self.spool))
        {
            shard.running.remove(&self.key);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.leave();
        self.flights.running.send_modify(|running| *running -= 1);
    }
}
