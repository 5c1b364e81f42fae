//! The way of a spool's bytes into its staged file.

use std::io;

use tokio::time::timeout;

use super::writer::Writer;
use crate::observe;
use crate::storage::StorageError;

impl Writer {
    /// Sends to the staged file what no longer fits into memory. Waits only if what was sent before is still
    /// being written.
    ///
    /// # Cancel safety
    ///
    /// What was not written stays in memory.
    pub(in crate::fill) async fn spill(&mut self) {
        let is_batch = self.spool.with(|state| state.is_batch());
        if let Some(writing) = &mut self.writing {
            match writing.now_or_never() {
                Some(written) => self.written(written).await,
                None if is_batch => self.wait_for_write().await,
                None => {}
            }
        }
        if is_batch {
            self.write().await;
        }
    }

    /// Begins to write what has not been sent to the staged file.
    ///
    /// # Cancel safety
    ///
    /// What was not written stays in memory, and is not sent again.
    pub(super) async fn write(&mut self) {
        // To stage the file may take a while.
        self.tell();
        let Some(keep) = &mut self.keep else { return };
        let (offset, pieces) = self.spool.with(|state| state.send());
        if pieces.is_empty() {
            return;
        }
        match timeout(self.patience, keep.write(offset, pieces)).await {
            Ok(Ok(writing)) => {
                let writing = self.writing.insert(writing);
                if let Some(written) = writing.now_or_never() {
                    self.written(written).await;
                }
            }
            Ok(Err(error)) => self.lose(error).await,
            Err(elapsed) => {
                let error = StorageError::new("stage in time", &self.key, elapsed);
                self.lose(error).await;
            }
        }
    }

    /// # Cancel safety
    ///
    /// The write goes on.
    pub(super) async fn wait_for_write(&mut self) {
        self.tell();
        let Some(writing) = &mut self.writing else {
            return;
        };
        match timeout(self.patience, writing.end()).await {
            Ok(written) => self.written(written).await,
            Err(elapsed) => {
                let error = StorageError::new("write in time", &self.key, elapsed);
                self.lose(error).await;
            }
        }
    }

    /// A write has ended.
    async fn written(&mut self, written: io::Result<u64>) {
        let (Some(writing), Some(keep)) = (self.writing.take(), &mut self.keep) else {
            return;
        };
        let end = match written {
            Ok(end) => end,
            Err(error) => {
                let error = StorageError::new("write", &self.key, error);
                return self.lose(error).await;
            }
        };
        let stores = keep.stores();
        self.spool.with(|state| {
            state.note_written(writing.file().clone(), end);
            // Nobody is to wait for a file that will not be there.
            state.detached &= stores;
        });
        keep.advance(end);
    }

    async fn lose(&mut self, error: StorageError) {
        observe::storage_failed(&error);
        self.stop_keeping().await;
    }
}
