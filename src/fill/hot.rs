//! Small stored files that are asked for often, in memory: their hits neither open a file nor
//! leave the thread.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use headers::ETag;
use http::request::Parts;
use http::{Method, Response};
use quick_cache::sync::Cache;
use quick_cache::{Equivalent, Weighter};
use tokio::time::Instant;

use super::conditional::{Plan, is_plain, plan};
use super::head::{CacheStatus, etag, of_known};
use crate::storage::{Key, StoredBody};
use crate::target::{Resource, Target};

/// How many bytes all of them take, unless told otherwise.
const BYTES: u64 = 32 * 1024 * 1024;

/// For how long the storage is not asked again. A file never changes, but somebody may have removed
/// it.
const FRESH: Duration = Duration::from_secs(60);

/// What an entry takes beside its bytes and its key.
const OVERHEAD: u64 = 256;

/// How large the files are that the table is laid out for.
const USUAL: u64 = 8 * 1024;

/// The files in memory. Bounded: what is asked for less goes.
pub(super) struct Hot {
    files: Cache<Key, HotFile, Weight>,
}

/// A whole file. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct HotFile {
    pub(super) content: Bytes,
    pub(super) etag: Option<ETag>,
    read: Instant,
}

impl HotFile {
    fn len(&self) -> u64 {
        self.content.len() as u64
    }

    /// The answer to a `GET` or `HEAD`.
    pub(super) fn answer(self, resource: Resource, request: &Parts) -> Response<StoredBody> {
        let len = self.len();
        let get = request.method == Method::GET;
        let plan = match &self.etag {
            Some(etag) if !get || !is_plain(&request.headers) => plan(request, etag, len),
            _ => Plan::Whole,
        };
        let content = match &plan {
            Plan::Whole if get => self.content,
            // A plan's range lies inside the file, whose length is one of memory.
            Plan::Part(range) => self.content.slice(range.start as usize..range.end as usize),
            _ => Bytes::new(),
        };
        let mut response = of_known(resource, Some((len, self.etag)), &plan);
        CacheStatus::Hit.add_to(response.headers_mut());
        response.map(|()| StoredBody::memory(content))
    }
}

#[derive(Clone)]
struct Weight;

impl Weighter<Key, HotFile> for Weight {
    fn weight(&self, key: &Key, file: &HotFile) -> u64 {
        file.len() + key.as_str().len() as u64 + OVERHEAD
    }
}

/// A key by its text, so that a look needs no copy of it. Hashes as a [`Key`] does.
#[derive(Hash)]
struct Text<'a>(&'a str);

impl Equivalent<Key> for Text<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.0 == key.as_str()
    }
}

impl Hot {
    pub(super) fn with_capacity(bytes: u64) -> Self {
        let files = usize::try_from(bytes / USUAL).unwrap_or(usize::MAX);
        Self {
            files: Cache::with_weighter(files, bytes, Weight),
        }
    }

    /// The file with this text as its key, if it was read from the storage not long ago.
    pub(super) fn get(&self, key: &str) -> Option<HotFile> {
        let file = self.files.get(&Text(key))?;
        (file.read.elapsed() < FRESH).then_some(file)
    }

    /// The storage has just given this file.
    pub(super) fn put(&self, key: &Key, target: &Target<'_>, content: Bytes) {
        let file = HotFile {
            etag: etag(target, content.len() as u64),
            content,
            read: Instant::now(),
        };
        self.files.insert(key.clone(), file);
    }

    /// The storage has no such file any more.
    pub(super) fn remove(&self, key: &Key) {
        self.files.remove(&Text(key.as_str()));
    }
}

impl Default for Hot {
    fn default() -> Self {
        Self::with_capacity(BYTES)
    }
}

impl fmt::Debug for Hot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hot")
            .field("files", &self.files.len())
            .field("bytes", &self.files.weight())
            .finish()
    }
}
