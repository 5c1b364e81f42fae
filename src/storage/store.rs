use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::try_join;
use object_store::memory::InMemory;
use object_store::{GetRange, ObjectStore};

use super::backend::{Answer, Backend, Found};
use super::disk::Disk;
use super::error::{StorageError, caught};
use super::key::Key;
use super::object::Object;
use super::records::REMOVED;
use super::sink::Sink;
use super::small_files::{MAX_BYTES, SmallFiles};
use crate::files::{MAX_TOTAL, Scratch, Threads};

/// Where the files of modules are kept. Cheap to clone; clones are the same storage.
///
/// See the [module docs](super) for the layout and for what holds for each file.
///
/// ```
/// use tower_goproxy::Storage;
///
/// # fn main() -> std::io::Result<()> {
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path().join("modules");
/// let on_disk = Storage::disk(folder)?;
/// let in_memory = Storage::memory();
/// let in_a_bucket = Storage::new(object_store::memory::InMemory::new());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Storage {
    pub(super) backend: Arc<dyn Backend>,
    pub(super) small: Arc<SmallFiles>,
    scratch: Scratch,
}

/// What a storage says of a file.
pub(crate) enum LookUp {
    Found(Found),
    Absent,
    /// Somebody has removed it, and said why.
    Removed(String),
}

impl Storage {
    /// A folder, made if it is not there. Files that an earlier process has staged and not finished are removed; those of a
    /// process that still runs stay.
    ///
    /// Reads the folder for staged files on the calling thread.
    ///
    /// # Errors
    ///
    /// The folder cannot be made, read or written to.
    pub fn disk(folder: impl AsRef<Path>) -> io::Result<Self> {
        let folder = folder.as_ref();
        let disk = Disk::open(folder).map_err(|error| {
            let text = format!("cannot use {} as a storage: {error}", folder.display());
            io::Error::new(error.kind(), text)
        })?;
        let scratch = disk.scratch();
        Ok(Self::with(Arc::new(disk), scratch))
    }

    /// Keeps everything in memory, without a bound, except for the local files of running fills. For tests and small
    /// set-ups.
    #[must_use]
    pub fn memory() -> Self {
        Self::new(InMemory::new())
    }

    /// Any store: S3, GCS, Azure, or one of yours; an `Arc<dyn ObjectStore>` too.
    ///
    /// Small files go there by one conditional put, large ones by a multipart upload that follows the fill and completes
    /// only once the file has been checked. Wrap the store in [`PrefixStore`](object_store::prefix::PrefixStore) for a
    /// folder of a bucket.
    ///
    /// Until a large file is stored it lies in a local folder: see [`local_folder`](Self::local_folder).
    ///
    /// For a folder prefer [`disk`](Self::disk): object_store's `LocalFileSystem` reads in small steps, and what a killed
    /// process had staged stays.
    #[must_use]
    pub fn new(store: impl ObjectStore) -> Self {
        let scratch = Scratch::new(std::env::temp_dir(), MAX_TOTAL, Threads::new());
        Self::with(Arc::new(Object::new(Arc::new(store))), scratch)
    }

    fn with(backend: Arc<dyn Backend>, scratch: Scratch) -> Self {
        Self {
            backend,
            small: Arc::new(SmallFiles::new(MAX_BYTES)),
            scratch,
        }
    }

    /// Where the local files of running fills lie while they are uploaded, and how many bytes all of them may take. Makes
    /// the folder if it is not there. Default: the system's folder for temporary files, which is often in memory, and
    /// 4 GiB. A [`disk`](Self::disk) needs none for files that it stores.
    ///
    /// A fill that finds no room is passed through and not stored.
    ///
    /// ```
    /// use tower_goproxy::Storage;
    ///
    /// # fn main() -> std::io::Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path().join("uploads");
    /// let bucket = object_store::memory::InMemory::new();
    /// let storage = Storage::new(bucket).local_folder(folder, 20 << 30)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The folder takes no file.
    pub fn local_folder(mut self, folder: impl AsRef<Path>, max_bytes: u64) -> io::Result<Self> {
        let folder = folder.as_ref();
        std::fs::create_dir_all(folder)?;
        tempfile::tempfile_in(folder)?;
        let threads = self.scratch.threads().clone();
        self.scratch = Scratch::new(folder.to_owned(), max_bytes, threads);
        Ok(self)
    }

    /// How many bytes of memory the small stored files may take that are requested most: those of up to 128 KiB, which are
    /// nearly all `.info` and `.mod` and many a `.zip`. 0 turns this off. Default: 32 MiB.
    ///
    /// A file that somebody else removes from an object store may be a hit for another minute; from a folder on a
    /// local disk it is gone at once.
    #[must_use]
    pub fn max_memory(mut self, bytes: u64) -> Self {
        self.small = Arc::new(SmallFiles::new(bytes));
        self
    }

    /// A small file that was read not long ago.
    pub(crate) fn in_memory(&self, key: &Key) -> Option<Found> {
        let is_current = |version| self.backend.is_current(key.path(), version);
        self.small.get(key.path(), is_current)
    }

    /// # Cancel safety
    ///
    /// Reads only.
    pub(crate) async fn look_up(
        &self,
        key: &Key,
        is_head: bool,
        range: Option<GetRange>,
    ) -> Result<LookUp, StorageError> {
        if let Some(found) = self.get(key, is_head, range.clone()).await? {
            return Ok(LookUp::Found(found));
        }
        let private = async {
            match key.is_plain() {
                true => self.get(&key.to_private(), is_head, range).await,
                false => Ok(None),
            }
        };
        let (private, removed) = try_join(private, self.record(REMOVED, key.file())).await?;
        Ok(match (private, removed) {
            (_, Some(reason)) => {
                LookUp::Removed(String::from_utf8_lossy(&reason).trim_end().to_owned())
            }
            (Some(found), None) => LookUp::Found(Found {
                private: true,
                ..found
            }),
            (None, None) => LookUp::Absent,
        })
    }

    /// Whether the plain layout has this file of another area.
    ///
    /// # Cancel safety
    ///
    /// Reads only.
    pub(crate) async fn has_in_plain_layout(&self, key: &Key) -> bool {
        let head = self.backend.get(key.file().into(), true, None);
        matches!(guard("look up", key, head).await, Ok(Some(_)))
    }

    async fn get(
        &self,
        key: &Key,
        is_head: bool,
        range: Option<GetRange>,
    ) -> Result<Option<Found>, StorageError> {
        if let Some(found) = self.in_memory(key) {
            return Ok(Some(found));
        }
        let removed = self.small.removed();
        let get = self.backend.get(Arc::clone(key.path()), is_head, range);
        let found = guard("look up", key, get).await?;
        if let Some(found) = &found {
            self.small.put(key.path(), found, removed);
        }
        Ok(found)
    }

    /// Stores a small file in one step. A file that is already stored is not an error.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, either the whole file is stored or nothing of it.
    pub(crate) async fn put(&self, key: &Key, content: Vec<Bytes>) -> Result<(), StorageError> {
        let put = self.backend.put(Arc::clone(key.path()), content, false);
        guard("commit", key, put).await
    }

    /// A file of this length, as far as it is known, which is stored in the end or not. Nothing of it is visible before the
    /// sink's commit.
    ///
    /// # Errors
    ///
    /// There is no room for it.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, nothing is left.
    pub(crate) async fn sink(
        &self,
        key: &Key,
        len: Option<u64>,
        stores: bool,
    ) -> Result<Sink, StorageError> {
        let path = Arc::clone(key.path());
        let scratch = self.scratch.clone();
        let open: Answer<'_, Sink> = match stores {
            true => self.backend.sink(path, len, &scratch),
            false => Box::pin(async move {
                let file = scratch.file(len).await?;
                Ok(Sink::new(path, file, len, None).await?)
            }),
        };
        guard("stage", key, open).await
    }
}

/// A store is somebody else's code: its panic is a failure like others.
pub(super) async fn guard<T>(
    step: &'static str,
    path: impl fmt::Display,
    work: Answer<'_, T>,
) -> Result<T, StorageError> {
    let done = caught(work).await.and_then(|done| done);
    done.map_err(|error| StorageError::new(step, path, error))
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Storage").field(&self.backend).finish()
    }
}
