use bytes::Bytes;

use super::writing::Writing;
use crate::observe;
use crate::storage::{Commit, Staged, StorageError};

/// Where the bytes of a spool are kept until the file is whole, and what becomes of them then.
pub(super) struct Keep {
    commit: Commit,
    staged: Option<Staged>,
}

impl Keep {
    pub(super) fn new(commit: Commit) -> Self {
        let staged = None;
        Self { commit, staged }
    }

    /// Whether there will be a stored file.
    pub(super) fn stores(&self) -> bool {
        self.commit.stores()
    }

    /// Whether there are bytes in a file.
    pub(super) fn is_staged(&self) -> bool {
        self.staged.is_some()
    }

    /// The file has this many bytes now.
    pub(super) fn advance(&mut self, written: u64) {
        if let Some(staged) = &self.staged {
            self.commit.advance(staged, written);
        }
    }

    /// Stores the file: the staged one, or that in memory if nothing was staged.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, the file is stored as a whole or not at all.
    pub(super) async fn finish(self, len: u64, memory: Vec<Bytes>) -> Result<(), StorageError> {
        match self.staged {
            Some(staged) => self.commit.finish_staged(staged, len).await,
            None => self.commit.finish_memory(memory).await,
        }
    }

    /// Returns when nothing of the file is left anywhere.
    ///
    /// # Cancel safety
    ///
    /// It is thrown away all the same.
    pub(super) async fn abort(self) {
        if let Some(staged) = self.staged {
            staged.discard().await;
        }
        self.commit.abort().await;
    }

    /// Begins to put these bytes at this offset of the staged file.
    ///
    /// # Cancel safety
    ///
    /// Bytes beyond those that are known to be written may be there or not.
    pub(super) async fn write(
        &mut self,
        offset: u64,
        pieces: Vec<Bytes>,
    ) -> Result<Writing, StorageError> {
        let staged = match &self.staged {
            Some(staged) => staged,
            None => {
                let staged = self.stage().await?;
                self.staged.insert(staged)
            }
        };
        let writing = Writing::begin(staged.file().clone(), offset, pieces).await;
        writing.map_err(|error| StorageError::new("write", self.commit.key(), error))
    }

    /// A storage that takes no file must not cost the readers of this one their shared fill: it
    /// is then spooled elsewhere, and let go.
    async fn stage(&mut self) -> Result<Staged, StorageError> {
        match self.commit.stage().await {
            Err(error) if self.commit.stores() => {
                observe::storage_failed(&error);
                self.commit.give_up();
                self.commit.stage().await
            }
            staged => staged,
        }
    }
}
