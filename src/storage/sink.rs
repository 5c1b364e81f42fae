//! One file on its way into a storage.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::task::JoinHandle;
use tower::BoxError;

use super::error::{StorageError, guard};
use crate::files::{SharedFile, begin, blocking, joined, write_all_at};

/// How much space is reserved at once for a file whose length is not known.
const STEP: u64 = 16 * 1024 * 1024;

/// A file on its way into a storage. Its bytes are in a local file, written once from front to back, which can be read
/// back at the same time.
///
/// It ends with [`commit`](Self::commit) or [`abort`](Self::abort). Dropped, it stores nothing.
pub(crate) struct Sink {
    path: Arc<str>,
    pub(crate) file: SharedFile,
    reserved: u64,
    /// Where the next write begins.
    end: u64,
    /// Gives the new end.
    writing: Option<JoinHandle<io::Result<u64>>>,
    /// None where the file is not to be stored.
    publish: Option<Box<dyn Publish>>,
    /// For each write.
    limit: Duration,
}

/// What a storage does with the local file of a sink. Dropped, nothing of it is left in the storage.
#[async_trait]
pub(super) trait Publish: Send {
    /// The local file has this many bytes now.
    fn advance(&mut self, _written: u64) {}

    /// The file is whole and checked: makes it visible, in one step. Returns whether it is this one that is stored.
    async fn commit(self: Box<Self>, file: SharedFile, len: u64) -> Result<bool, BoxError>;

    /// Returns when nothing is left in the storage.
    async fn abort(self: Box<Self>);
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
        limit: Duration,
    ) -> io::Result<Self> {
        let reserved = len.unwrap_or(STEP);
        let new = file.clone();
        let reserve = move || new.reserve(0, reserved);
        blocking(&file.threads().writes, reserve).await?;
        Ok(Self {
            path,
            file,
            reserved,
            end: 0,
            writing: None,
            publish,
            limit,
        })
    }

    /// Begins to add these bytes at the end, once those of the call before are written. Returns how many bytes the file
    /// has by then: those of this call are still on their way.
    ///
    /// # Errors
    ///
    /// The disk is full, failed, or is too slow: the sink can then only be aborted.
    ///
    /// # Cancel safety
    ///
    /// None: a sink that was dropped in the middle of a write can only be aborted.
    pub(crate) async fn write(&mut self, pieces: Vec<Bytes>) -> Result<u64, StorageError> {
        let (path, limit) = (Arc::clone(&self.path), self.limit);
        let write = async {
            let start = self.written().await?;
            let len: usize = pieces.iter().map(Bytes::len).sum();
            let (end, reserved) = (start + len as u64, self.reserved);
            let missing = end.saturating_sub(reserved).next_multiple_of(STEP);
            self.reserved += missing;
            let file = self.file.clone();
            let write = move || {
                file.reserve(reserved, missing)?;
                pieces.iter().try_fold(start, |at, piece| {
                    write_all_at(file.get()?, piece, at)?;
                    Ok(at + piece.len() as u64)
                })
            };
            self.writing = Some(begin(&self.file.threads().writes, write).await?);
            Ok(start)
        };
        guard("write", path, limit, write).await
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
        let (path, limit) = (Arc::clone(&self.path), self.limit);
        guard("write", path, limit, self.written()).await
    }

    async fn written(&mut self) -> Result<u64, BoxError> {
        if let Some(writing) = &mut self.writing {
            let written = joined(writing.await);
            self.writing = None;
            self.end = written?;
            if let Some(publish) = &mut self.publish {
                publish.advance(self.end);
            }
        }
        Ok(self.end)
    }

    /// Stores the file, whose bytes are all written and checked. A file that is already stored is not an error. Returns
    /// whether this one is stored.
    ///
    /// # Errors
    ///
    /// The storage did not take it. Nothing of it is visible then.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, either the whole file is stored or nothing of it.
    pub(crate) async fn commit(self) -> Result<bool, StorageError> {
        let Some(publish) = self.publish else {
            return Ok(false);
        };
        let commit = publish.commit(self.file, self.end);
        guard("commit", self.path, Duration::MAX, commit).await
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
