use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::StatusCode;
use tokio::sync::{Mutex, Semaphore};

use super::absent::Pending;
use super::complete::Complete;
use super::flight::Flights;
use super::memory::{MAX_BYTES, Memory};
use crate::shared_caches::SharedCaches;
use crate::storage::Storage;

/// How many questions are at the source at once, unless told otherwise. Each answer may take half a MiB on its way here.
const QUESTIONS: usize = 16;

/// How many versions are completed at once; of further ones what was asked for is stored.
const COMPLETIONS: usize = 64;

/// How many KiB may wait to be written down. What finds no room is written when it is heard the next time.
const UNWRITTEN: usize = 2 * 1024;

/// What all services of one layer share, and its settings. Clones share the answers too.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) storage: Storage,
    pub(super) memory: Arc<Memory>,
    pub(super) flights: Arc<Flights>,
    pub(super) pending: Arc<Pending>,
    /// The source has let a client wait for too long, and nothing has been heard of it since.
    pub(super) silent: Arc<AtomicBool>,
    pub(super) slots: Arc<Semaphore>,
    /// For answers that take much memory.
    pub(super) long: Arc<Mutex<Vec<u8>>>,
    /// For what takes much time.
    pub(super) sorting: Arc<Semaphore>,
    pub(super) unwritten: Arc<Semaphore>,
    pub(super) recording: Arc<Semaphore>,
    pub(super) completions: Arc<Semaphore>,
    pub(super) complete: Complete,
    pub(super) owners_share: bool,
    pub(super) offline: bool,
    pub(super) ignore_cache_control: bool,
    pub(super) shared_caches: SharedCaches,
    pub(super) fresh: Duration,
    pub(super) stale: Duration,
    pub(super) not_found: Duration,
    pub(super) refused: Duration,
    pub(super) patience: Duration,
}

impl Shared {
    pub(super) fn new(storage: Storage) -> Self {
        Self {
            storage,
            memory: Arc::new(Memory::new(MAX_BYTES)),
            flights: Flights::new(),
            pending: Arc::default(),
            silent: Arc::default(),
            slots: Arc::new(Semaphore::new(QUESTIONS)),
            long: Arc::default(),
            sorting: Arc::new(Semaphore::new(1)),
            unwritten: Arc::new(Semaphore::new(UNWRITTEN)),
            recording: Arc::new(Semaphore::new(1)),
            completions: Arc::new(Semaphore::new(COMPLETIONS)),
            complete: Complete::default(),
            owners_share: false,
            offline: false,
            ignore_cache_control: false,
            shared_caches: SharedCaches::default(),
            fresh: Duration::from_secs(60),
            stale: Duration::from_secs(60),
            not_found: Duration::from_secs(60),
            refused: Duration::from_secs(60),
            patience: Duration::from_millis(750),
        }
    }

    /// For how long an answer is believed.
    pub(super) fn lifetime(&self, status: StatusCode) -> Duration {
        match status {
            StatusCode::OK => self.fresh,
            StatusCode::FORBIDDEN => self.refused,
            _ => self.not_found,
        }
    }

    pub(super) fn is_silent(&self) -> bool {
        self.silent.load(Ordering::Relaxed)
    }

    pub(super) fn set_silent(&self, silent: bool) {
        self.silent.store(silent, Ordering::Relaxed);
    }
}
