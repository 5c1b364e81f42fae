//! Small stored files that are requested often, in memory: their hits open no file.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use headers::ETag;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use tokio::time::Instant;

use super::backend::{Content, Found};

/// How many bytes all of them take, unless told otherwise: 32 MiB.
pub(super) const MAX_BYTES: u64 = 32 * 1024 * 1024;

/// For how long a store is not asked again: somebody else may have removed the file.
const FRESH: Duration = Duration::from_secs(60);

/// What an entry takes beside its bytes and its path.
const OVERHEAD: u64 = 256;

/// How large the files are that the table is laid out for.
const USUAL: u64 = 8 * 1024;

/// Bounded by weight: what is requested less often goes.
pub(super) struct SmallFiles {
    files: Cache<Arc<str>, SmallFile, Weight>,
    /// How many files were removed: what was read before is not put here after.
    removed: AtomicUsize,
}

#[derive(Clone)]
struct SmallFile {
    tag: ETag,
    version: [u64; 3],
    content: Bytes,
    read: Instant,
}

#[derive(Clone)]
struct Weight;

impl Weighter<Arc<str>, SmallFile> for Weight {
    fn weight(&self, path: &Arc<str>, file: &SmallFile) -> u64 {
        file.content.len() as u64 + path.len() as u64 + OVERHEAD
    }
}

impl SmallFiles {
    pub(super) fn new(max_bytes: u64) -> Self {
        let files = usize::try_from(max_bytes / USUAL).unwrap_or(usize::MAX);
        Self {
            files: Cache::with_weighter(files, max_bytes, Weight),
            removed: AtomicUsize::new(0),
        }
    }

    /// The file, unless it has another version by now, or was read too long ago to know.
    pub(super) fn get(
        &self,
        path: &str,
        is_current: impl FnOnce([u64; 3]) -> Option<bool>,
    ) -> Option<Found> {
        let file = self.files.get(path)?;
        let is_current = is_current(file.version).unwrap_or(file.read.elapsed() < FRESH);
        is_current.then_some(Found {
            size: file.content.len() as u64,
            tag: file.tag,
            version: file.version,
            content: Content::Whole(file.content),
        })
    }

    pub(super) fn removed(&self) -> usize {
        self.removed.load(Ordering::Acquire)
    }

    /// The storage has just given this file, if it is small. `removed` is from before it was asked.
    pub(super) fn put(&self, path: &Arc<str>, found: &Found, removed: usize) {
        let Content::Whole(content) = &found.content else {
            return;
        };
        let file = SmallFile {
            tag: found.tag.clone(),
            version: found.version,
            content: content.clone(),
            read: Instant::now(),
        };
        self.files.insert(Arc::clone(path), file);
        if self.removed() != removed {
            self.files.remove(path);
        }
    }

    pub(super) fn remove(&self, path: &str) {
        self.removed.fetch_add(1, Ordering::AcqRel);
        self.files.remove(path);
    }
}
