//! Stored files that the database has not confirmed yet.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::TryStreamExt;
use quick_cache::UnitWeighter;
use quick_cache::sync::Cache;
use tokio::sync::{OnceCell, Semaphore};
use tokio::time::Instant;
use tower::BoxError;

use super::settings::SumDb;
use super::verify::Said;
use crate::observe;
use crate::span::in_current_span;
use crate::storage::{Storage, StorageError};
use crate::target::Target;

const FOLDER: &str = "unverified";
/// How often the database is asked again for one file.
const PAUSE: Duration = Duration::from_secs(3600);
/// How many files are known, and how many are asked about at once: new files are not to wait for these.
const MAX: usize = 100_000;
const AT_ONCE: usize = 4;

pub(super) struct Marks {
    /// When each file may be looked up again, by its name.
    next: Cache<String, Instant>,
    /// Whether a file that is not known has no mark. Else the storage has to say so.
    knows_all: AtomicBool,
    loaded: OnceCell<()>,
    places: Arc<Semaphore>,
}

impl Default for Marks {
    fn default() -> Self {
        Self {
            next: Cache::with_weighter(AT_ONCE, MAX as u64, UnitWeighter),
            knows_all: AtomicBool::new(false),
            loaded: OnceCell::new(),
            places: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }
}

impl Marks {
    /// Only a storage has files that can be looked up again.
    pub(super) async fn add(&self, sumdb: &SumDb, target: &Target<'_>, hash: &str) {
        if sumdb.storage_of_files().is_some() {
            let hash = hash.to_owned().into();
            sumdb.database.store(&name(target), hash).await;
            self.keep(target.as_str(), Instant::now() + PAUSE);
        }
    }

    /// A new file was confirmed: what was marked before was another one.
    pub(super) async fn remove(&self, sumdb: &SumDb, target: &Target<'_>) {
        let was_known = self.next.remove(target.as_str()).is_some();
        if (was_known || !self.knows_all.load(Ordering::Acquire))
            && let Some(storage) = sumdb.storage_of_files()
        {
            let mark = sumdb.database.record(&name(target));
            observe::found(storage.delete(&mark).await);
        }
    }

    fn keep(&self, file: &str, next: Instant) {
        self.next.insert(file.to_owned(), next);
        if self.has_too_many() {
            self.knows_all.store(false, Ordering::Release);
        }
    }

    /// The cache has several parts, one of which may be full before the others.
    fn has_too_many(&self) -> bool {
        self.next.len() > MAX / 2
    }

    /// A stored file was served: asks again behind it, if it is time.
    pub(super) fn hit(&self, sumdb: &SumDb, target: &Target<'_>) {
        let now = Instant::now();
        match self.next.get(target.as_str()) {
            Some(next) if now < next => return,
            None if self.knows_all.load(Ordering::Acquire) => return,
            _ => {}
        }
        let (Some(storage), Ok(place)) = (
            sumdb.storage_of_files().cloned(),
            Arc::clone(&self.places).try_acquire_owned(),
        ) else {
            return;
        };
        self.keep(target.as_str(), now + PAUSE);
        let (sumdb, target) = (sumdb.clone(), target.clone().into_owned());
        tokio::spawn(in_current_span(async move {
            let _place = place;
            observe::found(sumdb.marks.load(&sumdb, &storage).await);
            again(&sumdb, &storage, &target).await;
        }));
    }

    /// The first hit reads what the process before has left.
    async fn load(&self, sumdb: &SumDb, storage: &Storage) -> Result<(), StorageError> {
        let load = async || {
            let folder = sumdb.database.record(FOLDER);
            let mut marks = storage.walk(&folder, "");
            while !self.has_too_many() {
                let Some(path) = marks.try_next().await? else {
                    self.knows_all.store(true, Ordering::Release);
                    break;
                };
                let file = path.strip_prefix(&*folder).unwrap_or_default();
                let file = file.trim_start_matches('/');
                if !self.next.contains_key(file) {
                    self.next.insert(file.to_owned(), Instant::now());
                }
            }
            Ok::<_, BoxError>(())
        };
        let loaded = self.loaded.get_or_try_init(load).await.copied();
        loaded.map_err(|error| StorageError::new("list", "marks of unverified files", error))
    }
}

async fn again(sumdb: &SumDb, storage: &Storage, target: &Target<'_>) {
    // It may have become private since.
    if sumdb.excludes(&target.module().unescaped()) {
        return;
    }
    let Some(hash) = sumdb.database.stored(&name(target)).await else {
        return;
    };
    let hash = String::from_utf8_lossy(&hash);
    match sumdb.compare(target, &hash).await {
        Ok(Said::Same) => {}
        Ok(Said::Other(reason)) => {
            observe::rejected(target, &reason);
            if let Err(error) = storage.delete_copies(target, Some(&hash)).await {
                return observe::storage_failed(&error);
            }
        }
        // Maybe later.
        Err(_) => return,
    }
    sumdb.marks.remove(sumdb, target).await;
}

fn name(target: &Target<'_>) -> String {
    format!("{FOLDER}/{target}")
}
