use std::fs::File;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use tokio::time::timeout;

use super::failure::Failure;
use super::state::{HELD_BACK, MEMORY, Phase, Spool};
use crate::observe;
use crate::storage::{Commit, Key, Staged, StorageError};

/// The one who fills a spool. Dropped before it has said an end, the fill has failed.
pub(in crate::fill) struct Writer {
    spool: Arc<Spool>,
    key: Key,
    /// Gone once the file cannot be kept.
    keep: Option<Keep>,
    /// How long the staged file may take for a write.
    patience: Duration,
}

struct Keep {
    commit: Commit,
    staged: Option<Staged>,
}

/// All bytes of a spool that is whole.
pub(in crate::fill) enum Content {
    Memory(Vec<Bytes>),
    File(Arc<File>),
    /// They went by and are gone.
    Lost,
}

impl Writer {
    pub(in crate::fill) fn new(
        spool: Arc<Spool>,
        key: Key,
        commit: Commit,
        patience: Duration,
    ) -> Self {
        let keep = Some(Keep {
            commit,
            staged: None,
        });
        Self {
            spool,
            key,
            keep,
            patience,
        }
    }

    /// The source has answered, and has declared this length.
    pub(in crate::fill) fn begin(&mut self, len: Option<u64>) {
        let mut state = self.spool.lock();
        state.phase = Phase::Filling;
        state.len = len;
        state.wake_readers();
    }

    /// Takes bytes and shows them to the readers, up to what is held back.
    pub(in crate::fill) fn push(&mut self, bytes: Bytes) {
        if bytes.is_empty() {
            return;
        }
        let mut state = self.spool.lock();
        state.written += bytes.len() as u64;
        state.buffer.push_back(bytes);
        state.visible = match state.len {
            Some(len) => state.written.min(len.saturating_sub(HELD_BACK)),
            None => state.written,
        };
        state.wake_readers();
    }

    /// Whether the whole file can still be read back.
    pub(in crate::fill) fn keeps(&self) -> bool {
        self.keep.is_some()
    }

    /// Whether the file will be stored once it is whole.
    pub(in crate::fill) fn stores(&self) -> bool {
        self.keep.as_ref().is_some_and(|keep| keep.commit.stores())
    }

    /// Writes to the staged file what no longer fits into memory.
    pub(in crate::fill) async fn spill(&mut self) {
        self.write_out(MEMORY).await;
    }

    /// Gives up keeping the file. Present readers get the rest of it all the same.
    pub(in crate::fill) fn stop_keeping(&mut self) {
        self.keep = None;
        let mut state = self.spool.lock();
        state.lossy = true;
        state.wake_readers();
    }

    /// All bytes are in: gives them out to be checked.
    pub(in crate::fill) async fn content(&mut self) -> Content {
        if self.keep.as_ref().is_some_and(|keep| keep.staged.is_some()) {
            self.write_out(0).await;
        }
        let state = self.spool.lock();
        match &state.file {
            _ if state.lossy => Content::Lost,
            Some(file) => Content::File(Arc::clone(file)),
            None => Content::Memory(state.buffer.iter().cloned().collect()),
        }
    }

    /// The file is right: the readers get what was held back.
    pub(in crate::fill) fn check_passed(&mut self) -> u64 {
        let mut state = self.spool.lock();
        state.phase = Phase::Checked;
        state.len = Some(state.written);
        state.visible = state.written;
        state.wake_readers();
        state.written
    }

    /// Stores the file, if it can be stored within this time.
    pub(in crate::fill) async fn settle(mut self, limit: Duration) -> bool {
        let kept = match self.keep.take() {
            Some(keep) if keep.commit.stores() => {
                let commit = timeout(limit, self.commit(keep)).await;
                let commit = commit.unwrap_or_else(|elapsed| {
                    Err(StorageError::new("commit in time", &self.key, elapsed))
                });
                commit
                    .inspect_err(|error| observe::storage_failed(error))
                    .is_ok()
            }
            _ => false,
        };
        let mut state = self.spool.lock();
        state.phase = Phase::Settled;
        state.wake_readers();
        kept
    }

    async fn commit(&self, keep: Keep) -> Result<(), StorageError> {
        let (len, memory) = {
            let state = self.spool.lock();
            (state.written, state.buffer.iter().cloned().collect())
        };
        match keep.staged {
            Some(staged) => keep.commit.finish_staged(staged, len).await,
            None => keep.commit.finish_memory(memory).await,
        }
    }

    pub(in crate::fill) fn fail(self, failure: Failure) {
        let mut state = self.spool.lock();
        state.phase = Phase::Failed(failure);
        state.wake_readers();
    }

    /// The answer of the source cannot be shared.
    pub(in crate::fill) fn leave_alone(self) {
        let mut state = self.spool.lock();
        state.phase = Phase::Alone;
        state.wake_readers();
    }

    /// Returns once nobody wants the file any more. Nobody can join after that.
    ///
    /// # Cancel safety
    ///
    /// Waits only.
    pub(in crate::fill) async fn unwanted(&self) {
        poll_fn(|cx| {
            let mut state = self.spool.lock();
            if state.is_wanted() {
                state.wait_as_writer(cx);
                return Poll::Pending;
            }
            state.phase = Phase::Failed(vanished());
            Poll::Ready(())
        })
        .await;
    }

    /// Where no file takes the bytes: waits until the slowest reader has most of them.
    ///
    /// # Cancel safety
    ///
    /// Waits only.
    pub(in crate::fill) async fn wait_for_readers(&self) {
        poll_fn(|cx| {
            let mut state = self.spool.lock();
            state.drop_read();
            if state.written - state.buffered_from < MEMORY {
                return Poll::Ready(());
            }
            state.wait_as_writer(cx);
            Poll::Pending
        })
        .await;
    }

    /// Puts the buffer into the staged file once it holds more than this.
    async fn write_out(&mut self, most: u64) {
        let Some(keep) = &mut self.keep else { return };
        let (offset, pieces) = {
            let state = self.spool.lock();
            if state.written - state.buffered_from <= most {
                return;
            }
            let pieces: Vec<Bytes> = state.buffer.iter().cloned().collect();
            (state.buffered_from, pieces)
        };
        let count = pieces.len();
        let write = timeout(self.patience, keep.write(offset, pieces)).await;
        let write = write
            .unwrap_or_else(|elapsed| Err(StorageError::new("write in time", &self.key, elapsed)));
        let (file, end) = match write {
            Ok(written) => written,
            Err(error) => {
                observe::storage_failed(&error);
                return self.stop_keeping();
            }
        };
        let mut state = self.spool.lock();
        state.buffer.drain(..count);
        state.buffered_from = end;
        state.in_file = end;
        state.file = Some(file);
        drop(state);
        if let Keep {
            commit,
            staged: Some(staged),
        } = keep
        {
            commit.advance(staged, end);
        }
    }
}

impl Keep {
    /// Returns the file and where the written bytes end in it.
    async fn write(
        &mut self,
        offset: u64,
        pieces: Vec<Bytes>,
    ) -> Result<(Arc<File>, u64), StorageError> {
        let staged = match &self.staged {
            Some(staged) => staged,
            None => {
                let staged = self.stage().await?;
                self.staged.insert(staged)
            }
        };
        let file = Arc::clone(staged.file());
        let write = tokio::task::spawn_blocking(move || {
            let mut end = offset;
            for piece in &pieces {
                write_all_at(&file, piece, end)?;
                end += piece.len() as u64;
            }
            Ok((file, end))
        });
        write
            .await
            .unwrap_or_else(|error| Err(io::Error::other(error)))
            .map_err(|error| self.commit.error("write", error))
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

impl Drop for Writer {
    fn drop(&mut self) {
        let mut state = self.spool.lock();
        if matches!(state.phase, Phase::Asking | Phase::Filling | Phase::Checked) {
            state.phase = match state.phase {
                // The bytes are right; only the storing has been cut short.
                Phase::Checked => Phase::Settled,
                _ => Phase::Failed(vanished()),
            };
            state.wake_readers();
        }
    }
}

fn vanished() -> Failure {
    Failure::new(
        StatusCode::BAD_GATEWAY,
        "the fill of this file was given up",
    )
}

#[cfg(unix)]
fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

#[cfg(windows)]
fn write_all_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_write(file, bytes, offset)? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            n => {
                bytes = &bytes[n..];
                offset += n as u64;
            }
        }
    }
    Ok(())
}
