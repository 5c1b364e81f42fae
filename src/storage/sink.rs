//! One file on its way into a storage.

use std::fs::File;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::task::JoinHandle;
use tower::BoxError;

use super::error::StorageError;
use crate::files::{SharedFile, joined, write_all_at};

/// How much space is reserved at once for a file whose length is not known.
const STEP: u64 = 16 * 1024 * 1024;

/// A file on its way into a storage. Its bytes are in a local file, written once from front to back, which can be read
/// back at the same time.
///
/// It ends with [`commit`](Self::commit) or [`abort`](Self::abort). Dropped, it stores nothing.
pub(crate) struct Sink {
    path: Arc<str>,
    file: SharedFile,
    reserved: u64,
    /// Where the next write begins.
    end: u64,
    writing: Option<JoinHandle<io::Result<()>>>,
    /// None where the file is not to be stored.
    publish: Option<Box<dyn Publish>>,
}

/// What a storage does with the local file of a sink.
pub(super) trait Publish: Send {
    /// The local file has this many bytes now.
    fn advance(&mut self, _file: &SharedFile, _written: u64) {}

    /// The file is whole and checked: makes it visible, in one step.
    fn commit(
        self: Box<Self>,
        file: SharedFile,
        len: u64,
    ) -> BoxFuture<'static, Result<(), BoxError>>;

    /// Returns when nothing is left in the storage.
    fn abort(self: Box<Self>) -> BoxFuture<'static, ()>;
}

impl Sink {
    /// Reserves space for `len` bytes, or for the first step.
    ///
    /// # Errors
    ///
    /// There is no room.
    pub(super) async fn new(
        path: Arc<str>,
        file: SharedFile,
        len: Option<u64>,
        publish: Option<Box<dyn Publish>>,
    ) -> io::Result<Self> {
        let reserved = len.unwrap_or(STEP);
        let new = file.clone();
        let reserve = move || reserve(new.get()?, 0, reserved);
        file.threads().writes.run(reserve).await?;
        Ok(Self {
            path,
            file,
            reserved,
            end: 0,
            writing: None,
            publish,
        })
    }

    pub(crate) fn file(&self) -> &SharedFile {
        &self.file
    }

    /// Begins to add these bytes at the end, once those of the call before are written. Returns how many bytes the file
    /// has by then: those of this call are still on their way.
    ///
    /// # Errors
    ///
    /// The disk is full, or failed: the sink can then only be aborted.
    ///
    /// # Cancel safety
    ///
    /// None: a sink that was dropped in the middle of a write can only be aborted.
    pub(crate) async fn write(&mut self, pieces: Vec<Bytes>) -> Result<u64, StorageError> {
        let start = self.flush().await?;
        let begin = self.begin(start, pieces).await;
        begin.map_err(|error| StorageError::new("write", &self.path, error))?;
        Ok(start)
    }

    async fn begin(&mut self, start: u64, pieces: Vec<Bytes>) -> io::Result<()> {
        let end = start + pieces.iter().map(|piece| piece.len() as u64).sum::<u64>();
        let reserved = self.reserved;
        let missing = end.saturating_sub(reserved).next_multiple_of(STEP);
        self.reserved += missing;
        let file = self.file.clone();
        let write = move || {
            let file = file.get()?;
            reserve(file, reserved, missing)?;
            let mut at = start;
            for piece in &pieces {
                write_all_at(file, piece, at)?;
                at += piece.len() as u64;
            }
            Ok(())
        };
        self.writing = Some(self.file.threads().writes.start(write).await?);
        self.end = end;
        Ok(())
    }

    /// Returns when all bytes are written, and how many they are.
    ///
    /// # Errors
    ///
    /// As for [`write`](Self::write).
    ///
    /// # Cancel safety
    ///
    /// Waits only.
    pub(crate) async fn flush(&mut self) -> Result<u64, StorageError> {
        if let Some(writing) = &mut self.writing {
            let written = joined(writing.await);
            self.writing = None;
            written.map_err(|error| StorageError::new("write", &self.path, error))?;
            if let Some(publish) = &mut self.publish {
                publish.advance(&self.file, self.end);
            }
        }
        Ok(self.end)
    }

    /// Stores the file, whose bytes are all written and checked. A file that is already stored is not an error.
    ///
    /// # Errors
    ///
    /// The storage did not take it. Nothing of it is visible then.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, either the whole file is stored or nothing of it.
    pub(crate) async fn commit(self) -> Result<(), StorageError> {
        let Some(publish) = self.publish else {
            return Ok(());
        };
        let commit = publish.commit(self.file, self.end).await;
        commit.map_err(|error| StorageError::new("commit", self.path, error))
    }

    /// Returns when nothing of the file is left in the storage.
    ///
    /// # Cancel safety
    ///
    /// What is left goes away all the same.
    pub(crate) async fn abort(self) {
        let Self { file, publish, .. } = self;
        drop(file);
        if let Some(publish) = publish {
            publish.abort().await;
        }
    }
}

/// Takes space on the disk, so that a full one is noticed before a client has got a byte.
#[cfg(target_os = "linux")]
fn reserve(file: &File, from: u64, bytes: u64) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};
    use rustix::io::Errno;

    if bytes == 0 {
        return Ok(());
    }
    match fallocate(file, FallocateFlags::KEEP_SIZE, from, bytes) {
        // Not every file system can; there a full disk is noticed by the write.
        Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => Ok(()),
        done => Ok(done?),
    }
}

#[cfg(not(target_os = "linux"))]
fn reserve(_: &File, _: u64, _: u64) -> io::Result<()> {
    Ok(())
}
