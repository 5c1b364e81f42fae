//! A multipart upload that follows a file while it is written, at its own pace.

use std::error::Error;
use std::fs::File;
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

use super::caught::caught;
use super::chunk::read_some;
use super::disk::blocking;

/// The least that stores take as a part. Two of them are in memory at most.
pub(super) const PART: u64 = 5 * 1024 * 1024;

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
    pub(super) fn start(store: Arc<dyn ObjectStore>, path: Path, file: Arc<File>) -> Self {
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

async fn run(
    store: Arc<dyn ObjectStore>,
    path: Path,
    file: Arc<File>,
    mut progress: watch::Receiver<Progress>,
) -> Result<()> {
    let mut upload = {
        let Some(upload) = unless_dropped(&progress, store.put_multipart(&path)).await else {
            return Ok(());
        };
        upload?
    };
    let mut sent = 0;
    let failed = loop {
        let Ok(Progress { written, complete }) = progress
            .wait_for(|now| now.complete || now.written >= sent + PART)
            .await
            .map(|now| *now)
        else {
            break None;
        };
        let len = (written - sent).min(PART);
        if len == 0 {
            debug_assert!(complete);
            match unless_dropped(&progress, upload.complete()).await {
                Some(Ok(_)) => return Ok(()),
                Some(Err(error)) => break Some(error),
                None => break None,
            }
        }
        let part = match read_part(&file, sent, len).await {
            Ok(part) => part,
            Err(error) => break Some(error),
        };
        match unless_dropped(&progress, async { upload.put_part(part.into()).await }).await {
            Some(Ok(())) => sent += len,
            Some(Err(error)) => break Some(error),
            None => break None,
        }
    };
    let abort = tokio::time::timeout(ABORT, abort(&mut *upload)).await;
    // The first error is the cause; that of the clean-up counts only where there was none.
    match failed {
        Some(error) => Err(error),
        None => abort.unwrap_or(Ok(())),
    }
}

async fn abort(upload: &mut dyn MultipartUpload) -> Result<()> {
    upload.abort().await
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
pub(super) async fn read_part(file: &Arc<File>, offset: u64, len: u64) -> Result<Vec<u8>> {
    let file = Arc::clone(file);
    blocking(move || {
        // A part is far below the address space.
        let len = usize::try_from(len).map_err(io::Error::other)?;
        let mut part = Vec::with_capacity(len);
        while part.len() < len {
            let block = read_some(&file, offset + part.len() as u64, len - part.len())?;
            part.extend_from_slice(&block);
        }
        Ok(part)
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
