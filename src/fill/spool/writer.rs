use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;

use super::failure::Failure;
use super::keep::Keep;
use super::pack::Pack;
use super::state::{Phase, Spool};
use super::writing::Writing;
use crate::fill::places::Places;
use crate::observe;
use crate::storage::{Commit, Key, SharedFile, StorageError};

/// So many bytes are shown to waiting readers also where more come at once.
const MUCH: usize = 128 * 1024;

/// The one who fills a spool. Dropped before it has said an end, the fill has failed.
pub(in crate::fill) struct Writer {
    pub(super) spool: Arc<Spool>,
    pub(super) key: Key,
    /// Gone once the file cannot be kept.
    pub(super) keep: Option<Keep>,
    pub(super) writing: Option<Writing>,
    pack: Pack,
    /// How many bytes were pushed since the readers were woken.
    untold: usize,
    /// How long the staged file may take for a write.
    pub(super) patience: Duration,
}

/// All bytes of a spool that is whole.
pub(in crate::fill) enum Content {
    Memory(Vec<Bytes>),
    File(SharedFile),
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
        Self {
            spool,
            key,
            keep: Some(Keep::new(commit)),
            writing: None,
            pack: Pack::default(),
            untold: 0,
            patience,
        }
    }

    /// The source has answered, and has declared this length.
    pub(in crate::fill) fn begin(&mut self, len: Option<u64>) {
        self.spool.with(|state| {
            state.phase = Phase::Filling;
            state.len = len;
            state.wake_readers();
        });
    }

    /// Takes bytes, which the readers may have up to what is held back. Those that wait hear of it when they are
    /// [told](Self::tell), or once there is much for them.
    pub(in crate::fill) fn push(&mut self, bytes: Bytes) {
        if bytes.is_empty() {
            return;
        }
        self.untold += bytes.len();
        let bytes = self.pack.pack(bytes);
        self.spool.with(|state| state.push(bytes));
        if self.untold >= MUCH {
            self.tell();
        }
    }

    /// Wakes the readers that wait for what has been pushed.
    pub(in crate::fill) fn tell(&mut self) {
        if std::mem::take(&mut self.untold) > 0 {
            self.spool.with(|state| state.wake_readers());
        }
    }

    /// Whether the whole file can still be read back.
    pub(in crate::fill) fn keeps(&self) -> bool {
        self.keep.is_some()
    }

    /// Whether the file will be stored once it is whole.
    pub(in crate::fill) fn stores(&self) -> bool {
        self.keep.as_ref().is_some_and(Keep::stores)
    }

    /// Gives up keeping the file. Present readers get the rest of it all the same.
    ///
    /// # Cancel safety
    ///
    /// What was kept is thrown away all the same.
    pub(in crate::fill) async fn stop_keeping(&mut self) {
        let Some(keep) = self.keep.take() else { return };
        self.writing = None;
        self.spool.with(|state| {
            state.lose();
            state.wake_readers();
        });
        // Readers are served meanwhile; a storage that hangs here must not keep them for long.
        let _ = timeout(self.patience, keep.abort()).await;
    }

    /// All bytes are in: gives them out to be checked.
    ///
    /// # Cancel safety
    ///
    /// What was not written stays in memory.
    pub(in crate::fill) async fn content(&mut self) -> Content {
        if self.keep.as_ref().is_some_and(Keep::is_staged) {
            self.wait_for_write().await;
            self.write().await;
            self.wait_for_write().await;
        }
        self.spool.with(|state| match &state.file {
            _ if state.lossy => Content::Lost,
            Some(file) => Content::File(file.clone()),
            None => Content::Memory(state.buffer.iter().cloned().collect()),
        })
    }

    /// The file is right: the readers get what was held back.
    pub(in crate::fill) fn check_passed(&mut self) -> u64 {
        self.spool.with(|state| {
            state.phase = Phase::Checked;
            state.len = Some(state.written);
            state.visible = state.written;
            state.wake_readers();
            state.written
        })
    }

    /// Stores the file, if it can be stored within this time.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, the file is stored as a whole or not at all.
    pub(in crate::fill) async fn settle(mut self, places: &Places, limit: Duration) -> bool {
        let kept = match self.keep.take() {
            Some(keep) if keep.stores() => timeout(limit, self.commit(keep, places))
                .await
                .unwrap_or_else(|elapsed| {
                    Err(StorageError::new("commit in time", &self.key, elapsed))
                })
                .inspect_err(|error| observe::storage_failed(error))
                .is_ok(),
            _ => false,
        };
        self.spool.with(|state| {
            state.phase = Phase::Settled;
            // Nothing new will come that readers could want at once.
            state.drop_written(0);
            state.wake_readers();
        });
        kept
    }

    async fn commit(&self, keep: Keep, places: &Places) -> Result<(), StorageError> {
        let Some(_place) = places.commit().await else {
            let error = "too many files wait for the storage";
            return Err(StorageError::new("take", &self.key, error));
        };
        let (len, memory) = self
            .spool
            .with(|state| (state.written, state.buffer.iter().cloned().collect()));
        keep.finish(len, memory).await
    }

    /// There is no file. Returns when nothing of it is left anywhere.
    ///
    /// # Cancel safety
    ///
    /// What is left is thrown away all the same.
    pub(in crate::fill) async fn fail(self, failure: Failure) {
        self.end(Phase::Failed(failure)).await;
    }

    /// The answer of the source cannot be shared. Returns when nothing of it is left anywhere.
    ///
    /// # Cancel safety
    ///
    /// What is left is thrown away all the same.
    pub(in crate::fill) async fn leave_alone(self) {
        self.end(Phase::Alone).await;
    }

    async fn end(mut self, phase: Phase) {
        self.spool.with(|state| {
            state.phase = phase;
            state.wake_readers();
        });
        self.writing = None;
        if let Some(keep) = self.keep.take() {
            // A storage that hangs here is left alone with it.
            let _ = timeout(self.patience, keep.abort()).await;
        }
    }

    /// Returns once nobody wants the file any more. Nobody can join after that.
    ///
    /// # Cancel safety
    ///
    /// Waits only.
    pub(in crate::fill) async fn unwanted(&self) {
        poll_fn(|cx| {
            self.spool.with(|state| {
                if state.is_wanted() {
                    state.wait_as_writer(cx);
                    return Poll::Pending;
                }
                state.phase = Phase::Failed(Failure::given_up());
                Poll::Ready(())
            })
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
            self.spool.with(|state| {
                state.drop_read();
                if state.has_room() {
                    return Poll::Ready(());
                }
                state.wait_as_writer(cx);
                Poll::Pending
            })
        })
        .await;
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.spool.with(|state| {
            state.phase = match &state.phase {
                Phase::Asking | Phase::Filling => Phase::Failed(Failure::given_up()),
                // The bytes are right; only the storing has been cut short.
                Phase::Checked => Phase::Settled,
                Phase::Settled | Phase::Failed(_) | Phase::Alone => return,
            };
            state.wake_readers();
        });
    }
}
