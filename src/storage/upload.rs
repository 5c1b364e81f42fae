//! A multipart upload that follows a file while it is written, at its own pace.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::{Either, select};
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, Result};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tower::BoxError;

use super::error::{MAX_STEP, caught};
use super::object::{create, is_stored};
use super::sink::Publish;
use crate::files::SharedFile;

/// The least that stores take as a part. One of them is in memory.
const PART: u64 = 5 * 1024 * 1024;

/// How long a store may take to begin an upload.
const BEGIN: Duration = Duration::from_secs(30);

/// How long a store may take to throw an upload away before it is left to its own rules.
const ABORT: Duration = Duration::from_secs(10);

/// The file of a sink on its way into a store: a multipart upload that follows it, or one put at its end if it is small.
/// Dropped before [`commit`](Publish::commit) has returned, it throws away what it has sent.
pub(super) struct Upload {
    /// How many bytes the file has, and whether that is all.
    progress: watch::Sender<(u64, bool)>,
    task: JoinHandle<Result<bool>>,
}

impl Upload {
    /// Is `counted` until nothing of it is left, however it ends.
    pub(super) fn start(
        store: Arc<dyn ObjectStore>,
        path: Path,
        file: SharedFile,
        counted: Arc<TaskTrackerToken>,
    ) -> Self {
        let (progress, written) = watch::channel((0, false));
        let task = tokio::spawn(async move {
            let _counted = counted;
            let sent = run(&*store, &path, &file, written.clone()).await;
            let is_there = in_time(MAX_STEP, is_stored(&*store, &path));
            match sent {
                // The answer may have been lost on its way, or another writer was faster.
                Err(_) if unless_dropped(written, is_there).await? => Ok(false),
                sent => sent,
            }
        });
        Self { progress, task }
    }
}

#[async_trait]
impl Publish for Upload {
    fn advance(&mut self, written: u64) {
        self.progress.send_replace((written, false));
    }

    async fn commit(self: Box<Self>, _: SharedFile, len: u64) -> Result<bool, BoxError> {
        self.progress.send_replace((len, true));
        Ok(self.task.await??)
    }

    async fn abort(self: Box<Self>) {
        drop(self.progress);
        // Its outcome is in nobody's interest any more.
        let _ = self.task.await;
    }
}

async fn run(
    store: &dyn ObjectStore,
    path: &Path,
    file: &SharedFile,
    mut progress: watch::Receiver<(u64, bool)>,
) -> Result<bool> {
    let begun = progress.wait_for(|(written, is_all)| *is_all || *written >= PART);
    let Ok((written, _)) = begun.await.map(|now| *now) else {
        return Ok(false);
    };
    if written < PART {
        let content = file.read_range(0, written).await.map_err(broken)?;
        let create = in_time(MAX_STEP, create(store, path, content.into()));
        return unless_dropped(progress, create).await;
    }
    // Not given up half way, else nobody knew what there is to abort.
    let mut upload = in_time(BEGIN, store.put_multipart(path)).await?;
    let send = send(store, path, file, &mut *upload, progress.clone());
    let sent = unless_dropped(progress, send).await;
    if let Ok(true) = sent {
        return sent;
    }
    let aborted = in_time(ABORT, upload.abort()).await;
    // The first error is the cause; that of the clean-up counts only where there was none.
    sent.and(aborted.map(|()| false))
}

/// Whether the upload was completed. If not, nobody waits for it any more, or the file is there already.
async fn send(
    store: &dyn ObjectStore,
    path: &Path,
    file: &SharedFile,
    upload: &mut dyn MultipartUpload,
    mut progress: watch::Receiver<(u64, bool)>,
) -> Result<bool> {
    let mut sent = 0;
    loop {
        let next = progress.wait_for(|(written, is_all)| *is_all || *written >= sent + PART);
        let Ok((written, _)) = next.await.map(|now| *now) else {
            return Ok(false);
        };
        let len = (written - sent).min(PART);
        if len > 0 {
            let part = file.read_range(sent, len).await.map_err(broken)?;
            in_time(MAX_STEP, upload.put_part(part.into())).await?;
            sent += len;
        } else if in_time(MAX_STEP, is_stored(store, path)).await? {
            // A multipart upload cannot be told to replace nothing. This narrows it down.
            return Ok(false);
        } else {
            return in_time(MAX_STEP, upload.complete()).await.map(|_| true);
        }
    }
}

/// False once nobody waits for it any more: a store that hangs would keep the fill for hours.
async fn unless_dropped(
    mut progress: watch::Receiver<(u64, bool)>,
    work: impl Future<Output = Result<bool>>,
) -> Result<bool> {
    match select(pin!(caught(work)), pin!(progress.wait_for(|_| false))).await {
        Either::Left((done, _)) => done.unwrap_or_else(|panicked| Err(broken(panicked))),
        Either::Right(_) => Ok(false),
    }
}

async fn in_time<T>(limit: Duration, work: impl Future<Output = Result<T>>) -> Result<T> {
    let done = timeout(limit, work).await;
    done.unwrap_or_else(|elapsed| Err(broken(elapsed)))
}

fn broken(source: impl Into<BoxError>) -> object_store::Error {
    object_store::Error::Generic {
        store: "upload",
        source: source.into(),
    }
}
