use std::error::Error;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::timeout;
use tower::BoxError;

/// A storage operation failed: which one, on which file, and why.
#[derive(Debug)]
pub struct StorageError {
    step: &'static str,
    path: String,
    source: BoxError,
}

impl StorageError {
    pub(crate) fn new(
        step: &'static str,
        path: impl fmt::Display,
        source: impl Into<BoxError>,
    ) -> Self {
        Self {
            step,
            path: path.to_string(),
            source: source.into(),
        }
    }
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { step, path, source } = self;
        write!(f, "storage cannot {step} {path}: {source}")
    }
}

impl Error for StorageError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}

/// How long a step of a commit may take: a small file, a part of a large one, or the completion of all parts. There is no
/// limit for all steps together: a slow upload that was given up would only begin anew.
pub(super) const MAX_STEP: Duration = Duration::from_secs(12 * 60 * 60);

/// One step of a storage.
///
/// # Errors
///
/// Those of the work, its panic, and one if it takes longer than this: then the work is dropped.
pub(super) async fn guard<T>(
    step: &'static str,
    path: impl fmt::Display,
    limit: Duration,
    work: impl Future<Output = Result<T, BoxError>>,
) -> Result<T, StorageError> {
    let done = match timeout(limit, caught(work)).await {
        Ok(done) => done.flatten(),
        Err(elapsed) => Err(elapsed.into()),
    };
    done.map_err(|error| StorageError::new(step, path, error))
}

/// Work of a store, which is somebody else's code: its panic must cost neither a client its response nor an upload its
/// abort. Whatever the panic has left half done is the store's own.
pub(super) async fn caught<T>(work: impl Future<Output = T>) -> Result<T, BoxError> {
    let done = AssertUnwindSafe(work).catch_unwind().await;
    done.map_err(|_message| "the store panicked".into())
}
