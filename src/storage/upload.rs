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
use tower::BoxError;

use super::error::caught;
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
    store: Arc<dyn ObjectStore>,
    path: Path,
    /// How many bytes the file has, and whether that is all.
    progress: watch::Sender<(u64, bool)>,
    task: JoinHandle<Result<()>>,
}

impl Upload {
    pub(super) fn start(store: Arc<dyn ObjectStore>, path: Path, file: SharedFile) -> Self {
        let (progress, written) = watch::channel((0, false));
        let task = tokio::spawn(run(Arc::clone(&store), path.clone(), file, written));
        Self {
            store,
            path,
            progress,
            task,
        }
    }
}

#[async_trait]
impl Publish for Upload {
    fn advance(&mut self, written: u64) {
        self.progress.send_replace((written, false));
    }

    async fn commit(mut self: Box<Self>, file: SharedFile, len: u64) -> Result<(), BoxError> {
        if len < PART {
            let content = file.read_range(0, len).await?;
            return Ok(create(&*self.store, &self.path, content.into()).await?);
        }
        self.progress.send_replace((len, true));
        match (&mut self.task).await? {
            // The answer may have been lost on its way, or another writer was faster.
            Err(_) if is_stored(&*self.store, &self.path).await? => Ok(()),
            sent => Ok(sent?),
        }
    }

    async fn abort(self: Box<Self>) {
        let Self { progress, task, .. } = *self;
        drop(progress);
        // Its outcome is in nobody's interest any more.
        let _ = task.await;
    }
}

async fn run(
    store: Arc<dyn ObjectStore>,
    path: Path,
    file: SharedFile,
    mut progress: watch::Receiver<(u64, bool)>,
) -> Result<()> {
    let Ok(_) = progress.wait_for(|(written, _)| *written >= PART).await else {
        return Ok(());
    };
    // Not given up half way, else nobody knew what there is to abort.
    let begin = timeout(BEGIN, store.put_multipart(&path)).await;
    let mut upload = begin.unwrap_or_else(|elapsed| Err(broken(elapsed)))?;
    let mut dropped = progress.clone();
    let send = caught(send(&*store, &path, &file, &mut *upload, progress));
    let sent = match select(pin!(send), pin!(dropped.wait_for(|_| false))).await {
        Either::Left((sent, _)) => sent.unwrap_or_else(|panicked| Err(broken(panicked))),
        Either::Right(_) => Ok(false),
    };
    if let Ok(true) = sent {
        return Ok(());
    }
    let abort = timeout(ABORT, upload.abort()).await;
    // The first error is the cause; that of the clean-up counts only where there was none.
    sent.and_then(|_| abort.unwrap_or_else(|elapsed| Err(broken(elapsed))))
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
            upload.put_part(part.into()).await?;
            sent += len;
        } else if is_stored(store, path).await? {
            // A multipart upload cannot be told to replace nothing. This narrows it down.
            return Ok(false);
        } else {
            return upload.complete().await.map(|_| true);
        }
    }
}

fn broken(source: impl Into<BoxError>) -> object_store::Error {
    object_store::Error::Generic {
        store: "upload",
        source: source.into(),
    }
}
