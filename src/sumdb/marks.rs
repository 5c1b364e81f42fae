//! Stored files that the database has not confirmed yet.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::settings::SumDb;
use super::verify::Said;
use crate::lock::lock;
use crate::observe;
use crate::span::in_current_span;
use crate::storage::{Storage, StorageError};
use crate::target::Target;

const FOLDER: &str = "unverified";
/// How often the database is asked again for one file.
const PAUSE: Duration = Duration::from_secs(3600);
/// More are not looked up again.
const MAX: usize = 100_000;

/// When each file may be looked up again, by its name.
#[derive(Debug, Default)]
pub(super) struct Marks {
    files: Mutex<HashMap<String, Instant>>,
    loaded: OnceCell<()>,
    loading: AtomicBool,
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
        let is_marked = lock(&self.files).remove(target.as_str()).is_some();
        if is_marked && let Some(storage) = sumdb.storage_of_files() {
            let mark = sumdb.database.record(&name(target));
            observe::found(storage.delete(&mark).await);
        }
    }

    fn keep(&self, file: &str, next: Instant) {
        let mut files = lock(&self.files);
        if files.len() < MAX {
            files.entry(file.to_owned()).or_insert(next);
        }
    }

    /// A stored file was served: asks again behind it, if it is time.
    pub(super) fn hit(&self, sumdb: &SumDb, target: &Target<'_>) {
        let is_loaded = self.loaded.initialized();
        if is_loaded {
            let now = Instant::now();
            match lock(&self.files).get_mut(target.as_str()) {
                Some(next) if *next <= now => *next = now + PAUSE,
                _ => return,
            }
        } else if self.loading.swap(true, Ordering::AcqRel) {
            return;
        }
        let Some(storage) = sumdb.storage_of_files().cloned() else {
            return;
        };
        let (sumdb, target) = (sumdb.clone(), target.clone().into_owned());
        tokio::spawn(in_current_span(async move {
            let marks = &sumdb.marks;
            if is_loaded {
                again(&sumdb, &storage, &target).await;
            } else {
                // The first hit reads what the process before has left.
                observe::found(marks.load(&sumdb, &storage).await);
                marks.loading.store(false, Ordering::Release);
            }
        }));
    }

    async fn load(&self, sumdb: &SumDb, storage: &Storage) -> Result<(), StorageError> {
        let load = async || {
            let folder = sumdb.database.record(FOLDER);
            for path in storage.list(&folder).await? {
                let file = path.strip_prefix(&*folder).unwrap_or_default();
                self.keep(file.trim_start_matches('/'), Instant::now());
            }
            Ok(())
        };
        self.loaded.get_or_try_init(load).await.copied()
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
            if let Err(error) = storage.delete_copies(target).await {
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
