//! Stored files that the database has not confirmed yet.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::fault::Fault;
use super::flights::lock;
use super::settings::SumDb;
use super::verify::Said;
use crate::observe;
use crate::span::in_current_span;
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
}

impl Marks {
    pub(super) async fn add(&self, sumdb: &SumDb, target: &Target<'_>, hash: &str) {
        let record = format!("{FOLDER}/{target}");
        sumdb.database.store(&record, hash.to_owned().into()).await;
        self.keep(target.as_str(), Instant::now() + PAUSE);
    }

    fn keep(&self, file: &str, next: Instant) {
        let mut files = lock(&self.files);
        if files.len() < MAX {
            files.insert(file.to_owned(), next);
        }
    }

    /// A stored file was served: asks again behind it, if it is time.
    pub(super) fn hit(&self, sumdb: &SumDb, target: &Target<'_>) {
        let now = Instant::now();
        if self.loaded.initialized() {
            let mut files = lock(&self.files);
            match files.get_mut(target.as_str()) {
                Some(next) if *next <= now => *next = now + PAUSE,
                _ => return,
            }
        }
        let (sumdb, target) = (sumdb.clone(), target.clone().into_owned());
        tokio::spawn(in_current_span(async move {
            match sumdb.marks.loaded.initialized() {
                true => again(&sumdb, &target).await,
                // The first hit reads what the process before has left.
                false => sumdb.marks.load(&sumdb).await,
            }
        }));
    }

    async fn load(&self, sumdb: &SumDb) {
        let load = async || {
            let folder = sumdb.database.record(FOLDER);
            let found = sumdb.database.storage.list(&folder).await;
            for path in found
                .inspect_err(|error| observe::storage_failed(error))
                .unwrap_or_default()
            {
                let file = path.strip_prefix(&*folder).unwrap_or_default();
                self.keep(file.trim_start_matches('/'), Instant::now());
            }
        };
        self.loaded.get_or_init(load).await;
    }
}

async fn again(sumdb: &SumDb, target: &Target<'_>) {
    let mark = format!("{FOLDER}/{target}");
    let hash = sumdb.database.stored(&mark).await.unwrap_or_default();
    let hash = String::from_utf8_lossy(&hash);
    let said = match sumdb.compare(target, &hash).await {
        Ok(Said::Same) => Ok(()),
        Ok(Said::Other(reason)) => Err(reason),
        // Maybe later.
        Err(Fault::Lies(_) | Fault::Missing(..) | Fault::Away(_)) => return,
    };
    let storage = &sumdb.database.storage;
    if let Err(reason) = said {
        observe::rejected(target, &reason);
        if let Err(error) = storage.delete_copies(target).await {
            return observe::storage_failed(&error);
        }
    }
    if let Err(error) = storage.delete(&sumdb.database.record(&mark)).await {
        observe::storage_failed(&error);
    }
    lock(&sumdb.marks.files).remove(target.as_str());
}
