//! A multipart upload that follows a file while it is written, at its own pace.

use std::error::Error;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, Result};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::caught::caught;
use super::chunk::SharedFile;
use super::read_at::{read_all, read_at};

/// The least that stores take as a part. Two of them are in memory at most.
pub(super) const PART: u64 = 5 * 1024 * 1024;

/// How long a store may take to begin an upload.
const BEGIN: Duration = Duration::from_secs(30);

/// How long a store may take to throw an upload away before it is left to its own rules.
const ABORT: Duration = Duration::from_secs(10);

/// A running upload. Dropped before [`finish`](Self::finish) has returned, it throws away what
/// it has sent.
pub(super) struct Upload {
    progress: watch::Sender<Progress>,
    task: JoinHandle<Result<()>>,
}

#[derive(Clone, Copy, Debug)]
struct Progress {
    written: u64,
    complete: bool,
}

impl Upload {
    pub(super) fn start(store: Arc<dyn ObjectStore>, path: Path, file: SharedFile) -> Self {
        let (progress, written) = watch::channel(Progress {
            written: 0,
            complete: false,
        });
        let task = tokio::spawn(run(store, path, file, written));
        Self { progress, task }
    }

    /// The file has this many bytes now.
    pub(super) fn advance(&self, written: u64) {
        self.progress
            .send_modify(|progress| progress.written = written);
    }

    /// The file is whole and checked: the upload may become visible.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, the upload is thrown away, if the store had not completed it yet.
    pub(super) async fn finish(mut self, len: u64) -> Result<()> {
        self.progress.send_replace(Progress {
            written: len,
            complete: true,
        });
        (&mut self.task)
            .await
            .unwrap_or_else(|error| Err(broken(error)))
    }
}

impl Upload {
    /// Returns when what has been sent is thrown away, or has been left to the store.
    ///
    /// # Cancel safety
    ///
    /// It is thrown away all the same.
    pub(super) async fn abort(self) {
        let Self { progress, task } = self;
        drop(progress);
        // Its outcome is in nobody's interest any more.
        let _ = task.await;
    }
}

async fn run(
    store: Arc<dyn ObjectStore>,
    path: Path,
    file: SharedFile,
    mut progress: watch::Receiver<Progress>,
) -> Result<()> {
    // Not given up half way, else nobody knew what there is to abort.
    let begin = timeout(BEGIN, store.put_multipart(&path)).await;
    let mut upload = begin.unwrap_or_else(|elapsed| Err(broken(elapsed)))?;
    let failed = match send(&*store, &path, &file, &mut *upload, &mut progress).await {
        Sent::Complete => return Ok(()),
        Sent::Dropped => None,
        Sent::Failed(error) => Some(error),
    };
    let abort = timeout(ABORT, upload.abort()).await;
    // The first error is the cause; that of the clean-up counts only where there was none.
    match failed {
        Some(error) => Err(error),
        None => abort.unwrap_or_else(|elapsed| Err(broken(elapsed))),
    }
}

enum Sent {
    Complete,
    /// Nobody waits for the upload any more; or the file is there already, by another writer.
    Dropped,
    Failed(object_store::Error),
}

async fn send(
    store: &dyn ObjectStore,
    path: &Path,
    file: &SharedFile,
    upload: &mut dyn MultipartUpload,
    progress: &mut watch::Receiver<Progress>,
) -> Sent {
    let mut sent = 0;
    loop {
        let now = progress
            .wait_for(|now| now.complete || now.written >= sent + PART)
            .await
            .map(|now| *now);
        let Ok(Progress { written, .. }) = now else {
            return Sent::Dropped;
        };
        let len = (written - sent).min(PART);
        let step = async {
            if len > 0 {
                let part = read_part(file, sent, len).await?;
                upload.put_part(part.into()).await.map(|()| None)
            } else if store.head(path).await.is_ok() {
                // A multipart upload cannot be told to replace nothing. This narrows it down.
                Ok(Some(Sent::Dropped))
            } else {
                upload.complete().await.map(|_| Some(Sent::Complete))
            }
        };
        match unless_dropped(progress, step).await {
            Some(Ok(None)) => sent += len,
            Some(Ok(Some(end))) => return end,
            Some(Err(error)) => return Sent::Failed(error),
            None => return Sent::Dropped,
        }
    }
}

/// `None` once nobody waits for the upload any more, however long the store takes.
async fn unless_dropped<T>(
    progress: &watch::Receiver<Progress>,
    work: impl Future<Output = Result<T>>,
) -> Option<Result<T>> {
    let mut progress = progress.clone();
    let dropped = pin!(progress.wait_for(|_| false));
    match select(pin!(caught(work)), dropped).await {
        Either::Left((done, _)) => Some(done.unwrap_or_else(|panicked| Err(broken(panicked)))),
        Either::Right(_) => None,
    }
}

/// These bytes of the file, which are there.
///
/// # Cancel safety
///
/// Reads only.
pub(super) async fn read_part(file: &SharedFile, offset: u64, len: u64) -> Result<Vec<u8>> {
    file.blocking(move |file| {
        // A part is far below the address space.
        let len = usize::try_from(len).map_err(io::Error::other)?;
        read_all(file, offset, len, read_at)
    })
    .await
    .map_err(broken)
}

fn broken(source: impl Into<Box<dyn Error + Send + Sync>>) -> object_store::Error {
    object_store::Error::Generic {
        store: "upload",
        source: source.into(),
    }
}
