use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use super::spool::Spool;
use super::table::Counted;
use crate::storage::{Key, Sink, Storage, StorageError, in_time};
use crate::verify::WholeFile;

/// The bytes of a running fill on their way into the storage: in memory, or in a sink. Dropped, they are thrown away by a
/// task that counts as a fill.
pub(super) struct Kept {
    storage: Storage,
    spool: Spool,
    /// How long the storage may take for each step.
    limit: Duration,
    sink: Option<Sink>,
    counted: Arc<Counted>,
}

impl Kept {
    pub(super) fn new(
        storage: Storage,
        spool: Spool,
        limit: Duration,
        counted: Arc<Counted>,
    ) -> Self {
        Self {
            storage,
            spool,
            limit,
            sink: None,
            counted,
        }
    }

    /// Takes room for a file that is too large for memory.
    pub(super) async fn open(
        &mut self,
        key: &Key,
        len: Option<u64>,
        stores: bool,
    ) -> Result<(), StorageError> {
        let open = self.storage.sink(key, len, stores);
        self.sink = Some(in_time(self.limit, "stage in time", key, open).await?);
        Ok(())
    }

    pub(super) fn is_open(&self) -> bool {
        self.sink.is_some()
    }

    /// Begins to write what the sink does not have yet, once it has what it got before.
    pub(super) async fn write(&mut self, key: &Key) -> Result<(), StorageError> {
        let Some(sink) = &mut self.sink else {
            return Ok(());
        };
        let write = sink.write(self.spool.unwritten());
        let written = in_time(self.limit, "write in time", key, write).await?;
        self.spool.moved_to_file(sink.file(), written);
        Ok(())
    }

    /// The file, once all of it can be read back.
    pub(super) async fn whole(&mut self, key: &Key) -> Result<WholeFile, StorageError> {
        self.write(key).await?;
        let Some(sink) = &mut self.sink else {
            return Ok(self.spool.pieces().into_iter().collect());
        };
        let len = in_time(self.limit, "write in time", key, sink.flush()).await?;
        self.spool.moved_to_file(sink.file(), len);
        Ok(sink.file().to_whole(len))
    }

    pub(super) async fn commit(mut self, key: Key) -> Result<(), StorageError> {
        match self.sink.take() {
            Some(sink) => sink.commit().await?,
            None => self.storage.put(&key, self.spool.pieces()).await?,
        }
        self.storage.keep_removed(&key).await
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let (sink, counted) = (self.sink.take(), Arc::clone(&self.counted));
        if let (Some(sink), Ok(runtime)) = (sink, Handle::try_current()) {
            runtime.spawn(async move {
                sink.abort().await;
                drop(counted);
            });
        }
    }
}
