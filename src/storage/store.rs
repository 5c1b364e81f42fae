use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::try_join;
use futures_util::stream::{self, StreamExt};
use object_store::memory::InMemory;
use object_store::{GetOptions, ObjectStore};
use tokio::time::timeout;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::backend::{Backend, Content, Found, Frames};
use super::disk::Disk;
use super::error::{MAX_STEP, StorageError, guard};
use super::key::Key;
use super::object::Object;
use super::records::REMOVED;
use super::sink::Sink;
use super::small_files::{MAX_BYTES, SmallFiles};
use crate::files::{MAX_TOTAL, Scratch, Threads};

/// How long a step may take, unless told otherwise.
const LIMIT: Duration = Duration::from_secs(10);

/// Where the files of modules are kept. Cheap to clone; clones are the same storage.
///
/// See the [module docs](super) for the layout and the guarantees for each file.
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
    /// For each step of a look-up or a staged file. Commits and removals have the limit of whoever waits for them.
    pub(crate) limit: Duration,
}

/// What a storage says of a file.
pub(crate) enum LookUp {
    Found(Found),
    /// The registry that it came from has said that no shared cache may keep it.
    Private(Found),
    Absent,
    /// Somebody has removed it, and said why.
    Removed(String),
}

impl Storage {
    /// A folder, created if it does not exist. Files that an earlier process has staged and not finished are removed; those
    /// of a process that still runs stay.
    ///
    /// Reads the folder of staged files on the calling thread.
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
        Ok(Self::with(disk))
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
    /// For a folder prefer [`disk`](Self::disk): object_store's `LocalFileSystem` reads in small steps, and leaves behind
    /// what a killed process had staged.
    #[must_use]
    pub fn new(store: impl ObjectStore) -> Self {
        let scratch = Scratch::new(std::env::temp_dir(), MAX_TOTAL, Threads::new());
        let store = Arc::new(store);
        Self::with(Object { store, scratch })
    }

    fn with(backend: impl Backend + 'static) -> Self {
        Self {
            backend: Arc::new(backend),
            small: Arc::new(SmallFiles::new(MAX_BYTES)),
            limit: LIMIT,
        }
    }

    /// The folder for local files of running fills while they are uploaded, and the total number of bytes that they may
    /// take. Creates the folder if it does not exist. Default: the system's folder for temporary files, which is often in
    /// memory, and 4 GiB. A [`disk`](Self::disk) keeps such files in its own folder and ignores this.
    ///
    /// A fill that finds no room is passed through and not stored. A file of undeclared length takes 16 MiB at a time; if
    /// there is no more room in the middle of it, the fill fails.
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
        let scratch = Scratch::new(folder.to_owned(), max_bytes, Threads::new());
        self.backend = self.backend.with_scratch(scratch);
        Ok(self)
    }

    /// How many bytes of memory the most requested small files may take: files of up to 128 KiB, which are nearly all
    /// `.info` and `.mod` and many `.zip`. 0 turns this off. Default: 32 MiB.
    ///
    /// A file that another program removes from an object store may be a hit for another minute; one in a folder on a local
    /// disk is gone at once.
    #[must_use]
    pub fn max_memory(mut self, bytes: u64) -> Self {
        self.small = Arc::new(SmallFiles::new(bytes));
        self
    }

    /// # Cancel safety
    ///
    /// Reads only.
    pub(crate) async fn look_up(
        &self,
        key: &Key,
        options: GetOptions,
    ) -> Result<LookUp, StorageError> {
        if let Some(found) = self.get(key, options.clone()).await? {
            return Ok(LookUp::Found(found));
        }
        let private = async {
            match key.is_plain() {
                true => self.get(&key.to_private(), options).await,
                false => Ok(None),
            }
        };
        let removed = format!("{REMOVED}/{}", key.file());
        let (private, removed) = try_join(private, self.record(&removed)).await?;
        let text = |reason: Bytes| String::from_utf8_lossy(&reason).trim_end().to_owned();
        Ok(match (private, removed) {
            (_, Some(reason)) => LookUp::Removed(text(reason)),
            (Some(found), None) => LookUp::Private(found),
            (None, None) => LookUp::Absent,
        })
    }

    /// Whether the plain layout has this file of another area.
    ///
    /// # Cancel safety
    ///
    /// Reads only.
    pub(crate) async fn has_in_plain_layout(&self, key: &Key) -> bool {
        let options = GetOptions::new().with_head(true);
        let head = self.backend.get(key.file(), options);
        matches!(guard("look up", key, self.limit, head).await, Ok(Some(_)))
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Option<Found>, StorageError> {
        let is_current = |version| self.backend.is_current(key.path(), version);
        if let Some(found) = self.small.get(key.path(), is_current) {
            return Ok(Some(found));
        }
        let removed = self.small.removed();
        let found = self.read(key.path(), options).await?;
        let keep = |found: &Found| self.small.put(key.path(), found, removed);
        Ok(found.inspect(keep))
    }

    /// A file as it is now, not as it is in memory.
    ///
    /// # Cancel safety
    ///
    /// Reads only.
    pub(crate) async fn read(
        &self,
        path: &Arc<str>,
        options: GetOptions,
    ) -> Result<Option<Found>, StorageError> {
        let get = self.backend.get(path, options);
        let mut found = guard("look up", path, self.limit, get).await?;
        if let Some(found) = &mut found
            && let Content::Part(_, frames) = &mut found.content
        {
            let untimed = std::mem::replace(frames, stream::empty().boxed());
            *frames = in_time(self.limit, Arc::clone(path), untimed);
        }
        Ok(found)
    }

    /// Stores a small file in one step. A file that is already stored is not an error. Returns whether this one is stored.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, either the whole file is stored or nothing of it.
    pub(crate) async fn put(&self, key: &Key, content: Vec<Bytes>) -> Result<bool, StorageError> {
        let put = self.backend.put(key.path(), content, false);
        guard("commit", key, MAX_STEP, put).await
    }

    /// A file of this length, as far as it is known, which is stored in the end, or lies beside the storage. Nothing of it
    /// is visible before the sink's commit. `stores` counts it until nothing of it is left, also where it was dropped.
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
        stores: Option<Arc<TaskTrackerToken>>,
    ) -> Result<Sink, StorageError> {
        let open = async {
            let (file, publish) = self.backend.stage(key.path(), stores).await?;
            Ok(Sink::new(Arc::clone(key.path()), file, len, publish, self.limit).await?)
        };
        guard("stage", key, self.limit, open).await
    }
}

/// Fails if the next frame takes longer than this.
fn in_time(limit: Duration, path: Arc<str>, frames: Frames) -> Frames {
    stream::unfold((frames, path), move |(mut frames, path)| async move {
        let next = timeout(limit, frames.next()).await;
        let frame = next.unwrap_or_else(|elapsed| Some(Err(elapsed.into())))?;
        let frame = frame.map_err(|error| StorageError::new("read", &path, error).into());
        Some((frame, (frames, path)))
    })
    .boxed()
}

/// Without the store: one in memory would show all its files.
impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Storage").finish_non_exhaustive()
    }
}
