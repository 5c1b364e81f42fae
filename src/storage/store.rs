use std::fmt;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use object_store::ObjectStore;
use object_store::memory::InMemory;

use super::body::StoredBody;
use super::commit::Commit;
use super::disk::{Disk, Opened};
use super::error::StorageError;
use super::key::Key;
use super::object;

/// Where the files of modules are kept. Cheap to clone; clones are the same storage.
///
/// See the [module docs](super) for the layout and for what holds for each file.
///
/// ```
/// use std::sync::Arc;
///
/// use tower_goproxy::Storage;
///
/// # fn main() -> std::io::Result<()> {
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path().join("modules");
/// let on_disk = Storage::disk(folder)?;
/// let in_memory = Storage::memory();
/// let in_a_bucket = Storage::new(Arc::new(object_store::memory::InMemory::new()));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Storage {
    backend: Backend,
}

#[derive(Clone)]
enum Backend {
    Disk(Arc<Disk>),
    Object(Arc<dyn ObjectStore>),
}

/// The largest file, in bytes, that is read in one go. What is sent of it is one frame.
pub(super) const SMALL: u64 = 128 * 1024;

/// A file that is there.
pub(crate) enum Found {
    /// All of a small one.
    Whole(Bytes),
    /// The bytes that were asked for, of a file of this size.
    Part { size: u64, body: StoredBody },
}

impl Storage {
    /// A folder, made if it is not there. Files that an earlier process has staged and not
    /// finished are removed; those of a process that still runs stay.
    ///
    /// Reads the folder for staged files on the calling thread.
    ///
    /// # Errors
    ///
    /// The folder cannot be made, read or written to.
    pub fn disk(folder: impl AsRef<Path>) -> io::Result<Self> {
        let folder = folder.as_ref();
        Disk::open(folder).map(Self::from).map_err(|error| {
            io::Error::new(
                error.kind(),
                format!("cannot use {} as a storage: {error}", folder.display()),
            )
        })
    }

    /// Nothing on disk but the spools of running fills. For tests and small set-ups: it has no
    /// bound of its own.
    #[must_use]
    pub fn memory() -> Self {
        Self::new(Arc::new(InMemory::new()))
    }

    /// Any store: S3, GCS, Azure, or one of yours.
    ///
    /// Small files go there by one conditional put, large ones by a multipart upload that
    /// follows the fill and completes only once the file has been checked. Wrap the store in
    /// [`PrefixStore`](object_store::prefix::PrefixStore) for a folder of a bucket.
    ///
    /// For a folder prefer [`disk`](Self::disk): object_store's `LocalFileSystem` reads in small
    /// steps, and what a killed process had staged stays.
    #[must_use]
    pub fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self {
            backend: Backend::Object(store),
        }
    }

    /// # Cancel safety
    ///
    /// Reads only.
    pub(crate) async fn size(&self, key: &Key) -> Result<Option<u64>, StorageError> {
        match &self.backend {
            Backend::Disk(disk) => Arc::clone(disk)
                .size(key.clone())
                .await
                .map_err(|error| StorageError::new("look up", key, error)),
            Backend::Object(store) => object::size(&**store, key)
                .await
                .map_err(|error| StorageError::new("look up", key, error)),
        }
    }

    /// The file, or a range of it that lies inside its size.
    ///
    /// # Cancel safety
    ///
    /// Reads only.
    pub(crate) async fn read(
        &self,
        key: &Key,
        range: Option<Range<u64>>,
    ) -> Result<Option<Found>, StorageError> {
        match &self.backend {
            Backend::Disk(disk) => {
                let opened = Arc::clone(disk).read(key.clone(), range).await;
                let opened = opened.map_err(|error| StorageError::new("open", key, error))?;
                Ok(opened.map(|opened| match opened {
                    Opened::Whole(content) => Found::Whole(content),
                    Opened::Part {
                        size,
                        range,
                        reader,
                    } => Found::Part {
                        size,
                        body: StoredBody::file(reader, range.end),
                    },
                }))
            }
            Backend::Object(store) => {
                let got = object::read(&**store, key, range.clone()).await;
                let Some(got) = got.map_err(|error| StorageError::new("open", key, error))? else {
                    return Ok(None);
                };
                if let Some(range) = &range
                    && *range != got.range
                {
                    let error = "it gave another range than the one asked for";
                    return Err(StorageError::new("open", key, error));
                }
                let size = got.size;
                if range.is_none() && size <= SMALL {
                    let content = object::collect(got.stream, size).await;
                    let content = content.map_err(|error| StorageError::new("read", key, error))?;
                    return Ok(Some(Found::Whole(content)));
                }
                let body = StoredBody::stream(got.stream, got.range.end - got.range.start);
                Ok(Some(Found::Part { size, body }))
            }
        }
    }

    /// Begins to store a file. Nothing of it is visible before the commit is finished.
    pub(crate) fn commit(&self, key: Key) -> Commit {
        match &self.backend {
            Backend::Disk(disk) => Commit::disk(Arc::clone(disk), key),
            Backend::Object(store) => Commit::object(Arc::clone(store), key),
        }
    }
}

impl From<Disk> for Storage {
    fn from(disk: Disk) -> Self {
        Self {
            backend: Backend::Disk(Arc::new(disk)),
        }
    }
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.backend {
            Backend::Disk(disk) => f.debug_tuple("Storage").field(disk).finish(),
            Backend::Object(store) => f
                .debug_tuple("Storage")
                .field(&format_args!("{store}"))
                .finish(),
        }
    }
}
