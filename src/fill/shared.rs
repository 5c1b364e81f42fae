//! What all services of one layer share: its settings, its storage, its running fills and their slots.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::admission::Lane;
use super::config::{OnDisconnect, OnMiss};
use super::table::Table;
use crate::observe::{Once, OnceEach};
use crate::shared_caches::SharedCaches;
use crate::storage::Storage;
use crate::target::Resource;
use crate::verify::Stage;

/// How many zips, and how many small things, may be at the source at once.
const ZIPS: usize = 64;
const SMALL: usize = 128;

/// How many files may be on their way into the storage at once, beside the running fills: each in memory, or in a local file.
const COMMITS: usize = 1024;

const MIB: u64 = 1024 * 1024;

#[derive(Clone)]
pub(super) struct Shared {
    pub(super) storage: Storage,
    pub(super) table: Arc<Table>,
    pub(super) zips: Arc<Lane>,
    pub(super) small: Arc<Lane>,
    pub(super) commits: Arc<Semaphore>,
    /// Whether the storage has taken the last file that it was given.
    pub(super) takes_files: Arc<AtomicBool>,
    pub(super) verify: Stage,
    pub(super) owners_share: bool,
    pub(super) offline: bool,
    pub(super) on_miss: OnMiss,
    pub(super) on_disconnect: OnDisconnect,
    pub(super) shared_caches: SharedCaches,
    pub(super) ignore_cache_control: bool,
    pub(super) max_wait: Duration,
    pub(super) max_zip: u64,
    pub(super) max_mod: u64,
    pub(super) max_info: u64,
    pub(super) source_timeout: Duration,
    pub(super) fill_timeout: Duration,
    pub(super) min_rate: u64,
    pub(super) commit_timeout: Duration,
    pub(super) no_store: Arc<OnceEach>,
    pub(super) plain_twin: Arc<Once>,
}

impl Shared {
    pub(super) fn new(storage: Storage) -> Self {
        Self {
            storage,
            table: Table::new(),
            zips: Lane::new(ZIPS),
            small: Lane::new(SMALL),
            commits: Arc::new(Semaphore::new(COMMITS)),
            takes_files: Arc::new(AtomicBool::new(true)),
            verify: Stage::new(),
            owners_share: false,
            offline: false,
            on_miss: OnMiss::default(),
            on_disconnect: OnDisconnect::default(),
            shared_caches: SharedCaches::default(),
            ignore_cache_control: false,
            max_wait: Duration::from_secs(300),
            max_zip: 500 * MIB,
            max_mod: 16 * MIB,
            max_info: MIB,
            source_timeout: Duration::from_secs(300),
            fill_timeout: Duration::from_secs(2 * 60 * 60),
            min_rate: 1024,
            commit_timeout: Duration::from_secs(300),
            no_store: Arc::default(),
            plain_twin: Arc::default(),
        }
    }

    pub(super) fn lane(&self, resource: Resource) -> &Arc<Lane> {
        match resource {
            Resource::Zip => &self.zips,
            _ => &self.small,
        }
    }

    /// The most bytes that a file of this kind may have.
    pub(super) fn max_size(&self, resource: Resource) -> u64 {
        match resource {
            Resource::Zip => self.max_zip,
            Resource::Mod => self.max_mod,
            _ => self.max_info,
        }
    }

    pub(super) fn waits(&self) -> bool {
        matches!(self.on_miss, OnMiss::Wait)
    }
}
