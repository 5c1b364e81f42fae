use std::io::{self, Write};
use std::sync::Arc;

use bytes::Bytes;
use object_store::ObjectStore;
use tempfile::TempPath;
use tokio::runtime::Handle;
use tower::BoxError;

use super::chunk::SharedFile;
use super::disk::Disk;
use super::error::StorageError;
use super::key::Key;
use super::object;
use super::threads::Threads;
use super::upload::{PART, Upload, read_part};

/// A file on its way into a storage. Dropped, it leaves nothing behind.
pub(crate) struct Commit {
    key: Key,
    to: To,
}

enum To {
    Nowhere,
    Disk(Arc<Disk>),
    Object {
        store: Arc<dyn ObjectStore>,
        upload: Option<Upload>,
    },
}

/// A file that waits outside of a storage for its commit. Goes away when it is dropped.
pub(crate) struct Staged {
    file: SharedFile,
    /// Where it lies on the storage's own file system; else it has no name at all.
    path: Option<TempPath>,
}

impl Staged {
    /// Removes the file. Without this it goes away a moment after it has been dropped.
    ///
    /// # Cancel safety
    ///
    /// It goes away all the same.
    pub(crate) async fn discard(mut self) {
        if let Some(path) = self.path.take() {
            // What cannot be removed now is removed by the next start.
            let _ = self.file.blocking(move |_| path.close()).await;
        }
    }

    pub(crate) fn file(&self) -> &SharedFile {
        &self.file
    }
}

/// To free the blocks of a large file takes a while, and on a disk that hangs for ever.
impl Drop for Staged {
    fn drop(&mut self) {
        if let (Some(path), Ok(runtime)) = (self.path.take(), Handle::try_current()) {
            runtime.spawn_blocking(move || drop(path));
        }
    }
}

impl Commit {
    /// For a file that is spooled and then let go.
    pub(crate) fn nowhere(key: Key) -> Self {
        Self {
            key,
            to: To::Nowhere,
        }
    }

    pub(crate) fn key(&self) -> &Key {
        &self.key
    }

    /// Whether there will be a stored file once this is finished.
    pub(crate) fn stores(&self) -> bool {
        !matches!(self.to, To::Nowhere)
    }

    pub(super) fn disk(disk: Arc<Disk>, key: Key) -> Self {
        Self {
            key,
            to: To::Disk(disk),
        }
    }

    pub(super) fn object(store: Arc<dyn ObjectStore>, key: Key) -> Self {
        let upload = None;
        Self {
            key,
            to: To::Object { store, upload },
        }
    }

    /// Lets the file go: what has been sent to a store is thrown away.
    pub(crate) fn give_up(&mut self) {
        self.to = To::Nowhere;
    }

    /// Lets the file go, and returns when a store has thrown away what it got.
    ///
    /// # Cancel safety
    ///
    /// The store is told all the same.
    pub(crate) async fn abort(self) {
        if let To::Object {
            upload: Some(upload),
            ..
        } = self.to
        {
            upload.abort().await;
        }
    }

    /// A new file to write into, on the storage's own file system where it has one.
    ///
    /// # Cancel safety
    ///
    /// A file that nobody gets goes away.
    pub(crate) async fn stage(&self) -> Result<Staged, StorageError> {
        let (disk, threads) = match &self.to {
            To::Disk(disk) => (Some(Arc::clone(disk)), disk.threads().clone()),
            To::Nowhere | To::Object { .. } => (None, Threads::temporary()),
        };
        let staged = threads.run(move || match disk {
            Some(disk) => disk.stage().map(|(file, path)| (file, Some(path))),
            None => tempfile::tempfile().map(|file| (file, None)),
        });
        staged
            .await
            .map(|(file, path)| Staged {
                file: SharedFile::new(file, threads.clone()).with_shared_blocks(),
                path,
            })
            .map_err(|error| StorageError::new("stage", &self.key, error))
    }

    /// The staged file has this many bytes now: a store may begin to take them.
    pub(crate) fn advance(&mut self, staged: &Staged, written: u64) {
        let To::Object { store, upload } = &mut self.to else {
            return;
        };
        if upload.is_none() && written >= PART {
            // A key that is no path for a store fails when it is finished.
            *upload = object::path(&self.key)
                .ok()
                .map(|path| Upload::start(Arc::clone(store), path, staged.file.clone()));
        }
        if let Some(upload) = upload {
            upload.advance(written);
        }
    }

    /// Publishes a file that was small enough to stay in memory.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, either the whole file is there or nothing of it.
    pub(crate) async fn finish_memory(self, content: Vec<Bytes>) -> Result<(), StorageError> {
        let Self { key, to } = self;
        let commit = match to {
            To::Nowhere => Ok(()),
            To::Disk(disk) => {
                let key = key.clone();
                let threads = disk.threads().clone();
                let work = move || {
                    let (mut file, path) = disk.stage()?;
                    for bytes in content {
                        file.write_all(&bytes)?;
                    }
                    disk.publish(&key, &file, path)
                };
                threads.run(work).await.map_err(Into::into)
            }
            To::Object { store, .. } => object::put(&*store, &key, content.into_iter().collect())
                .await
                .map_err(Into::<BoxError>::into),
        };
        commit.map_err(|error| StorageError::new("commit", &key, error))
    }

    /// Publishes a staged file, whose `len` bytes are whole and checked.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, either the whole file is there or nothing of it.
    pub(crate) async fn finish_staged(self, staged: Staged, len: u64) -> Result<(), StorageError> {
        let Self { key, to } = self;
        let commit = match to {
            To::Nowhere => Ok(()),
            To::Disk(disk) => publish(disk, key.clone(), staged)
                .await
                .map_err(Into::<BoxError>::into),
            To::Object { store, upload } => finish_object(&*store, &key, upload, staged, len)
                .await
                .map_err(Into::into),
        };
        commit.map_err(|error| StorageError::new("commit", &key, error))
    }
}

async fn publish(disk: Arc<Disk>, key: Key, mut staged: Staged) -> io::Result<()> {
    let path = staged.path.take();
    let publish = staged.file.blocking(move |file| match path {
        Some(path) => disk.publish(&key, file, path),
        None => Err(io::Error::other("the file was not staged for a disk")),
    });
    publish.await
}

async fn finish_object(
    store: &dyn ObjectStore,
    key: &Key,
    upload: Option<Upload>,
    staged: Staged,
    len: u64,
) -> object_store::Result<()> {
    match upload {
        Some(upload) => upload.finish(len).await,
        None => {
            let content = read_part(&staged.file, 0, len).await?;
            object::put(store, key, content.into()).await
        }
    }
}
