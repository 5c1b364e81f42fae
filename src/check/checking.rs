use std::fmt;
use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::Either;
use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use tokio::time::Instant;

use super::file::{Checked, Summary};
use super::inspect::Inspect;
use super::point::{Point, RECORD};
use crate::observe;
use crate::storage::{Storage, StorageError};

/// How often it is written down how far the check is.
const SAVE: Duration = Duration::from_secs(5);

/// A running check, made by [`Check::start`](super::Check::start). It goes on while [`next`](Self::next) is awaited.
pub struct Checking {
    storage: Storage,
    files: BoxStream<'static, Result<Checked, StorageError>>,
    settings: String,
    point: Point,
    resumed: Option<Resumed>,
    saved: Instant,
    /// Whether there may be a record of this check.
    has_record: bool,
    /// Whether all paths have come in order: else no point divides the checked files from the others.
    is_ordered: bool,
    stopped: Arc<AtomicBool>,
}

/// Where an earlier check has stopped, which this one continues.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resumed {
    /// The last file that was checked.
    pub path: String,
    /// How long ago it was.
    pub ago: Duration,
}

impl Checking {
    pub(super) fn new(
        inspect: Arc<Inspect>,
        max_files: usize,
        settings: String,
        stopped: Option<(Point, Duration)>,
    ) -> Self {
        let resumed = stopped.as_ref().map(|(point, ago)| Resumed {
            path: point.path.clone(),
            ago: *ago,
        });
        let point = stopped.map(|(point, _)| point).unwrap_or_default();
        let storage = inspect.storage.clone();
        let stopped = Arc::<AtomicBool>::default();
        let is_stopped = Arc::clone(&stopped);
        let paths = storage.walk("", &point.path);
        let paths = paths.take_while(move |_| ready(!is_stopped.load(Ordering::Relaxed)));
        let mut before = point.path.clone();
        let files = paths.map(move |path| match path {
            Ok(path) => {
                let before = std::mem::replace(&mut before, path.clone());
                let inspect = Arc::clone(&inspect);
                Either::Left(
                    async move { Ok::<_, StorageError>(inspect.file(path, &before).await) },
                )
            }
            Err(error) => Either::Right(ready(Err(cannot_list(error)))),
        });
        Self {
            storage,
            files: files.buffered(max_files).boxed(),
            settings,
            point,
            has_record: resumed.is_some(),
            resumed,
            saved: Instant::now(),
            is_ordered: true,
            stopped,
        }
    }

    /// The earlier check that this one continues, if any.
    #[must_use]
    pub fn resumed(&self) -> Option<&Resumed> {
        self.resumed.as_ref()
    }

    /// What was found so far, by the earlier checks too that this one continues.
    #[must_use]
    pub fn summary(&self) -> &Summary {
        &self.point.summary
    }

    /// The path of the last file that was checked. Empty before the first.
    #[must_use]
    pub fn position(&self) -> &str {
        &self.point.path
    }

    /// How many files there are after [`position`](Self::position). Lists them all, so it may take a while: await it in a
    /// task of its own.
    ///
    /// # Errors
    ///
    /// The storage failed.
    ///
    /// # Cancel safety
    ///
    /// Reads only.
    pub fn count(&self) -> impl Future<Output = Result<u64, StorageError>> + Send + use<> {
        let paths = self.storage.walk("", &self.point.path);
        let count = paths.try_fold(0, |count, _| ready(Ok(count + 1)));
        async move { count.await.map_err(cannot_list) }
    }

    /// The next file, or `None` after the last one. Files come in the order of their paths.
    ///
    /// # Errors
    ///
    /// The files of the storage cannot be listed. The check has stopped then.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, no file is lost, and the running checks wait for the next call.
    pub async fn next(&mut self) -> Result<Option<Checked>, StorageError> {
        if self.saved.elapsed() >= SAVE {
            self.save().await;
        }
        match self.files.next().await {
            Some(Ok(file)) => {
                self.is_ordered &= file.path > self.point.path;
                self.point.path.clone_from(&file.path);
                self.point.summary.add(&file);
                Ok(Some(file))
            }
            Some(Err(error)) => {
                self.stop();
                self.files = stream::empty().boxed();
                Err(error)
            }
            None if self.stopped.load(Ordering::Relaxed) => {
                self.save().await;
                Ok(None)
            }
            None => {
                self.forget().await;
                Ok(None)
            }
        }
    }

    /// Begins with no further file. [`next`](Self::next) then returns those that are being checked, and `None` once it is
    /// written down where the next check can go on.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// A storage that cannot be written to can be checked all the same.
    async fn save(&mut self) {
        self.saved = Instant::now();
        if !self.is_ordered {
            return self.forget().await;
        }
        self.has_record = true;
        let record = self.point.write(&self.settings);
        if let Err(error) = self.storage.put_record(RECORD, record.into()).await {
            observe::storage_failed(&error);
        }
    }

    async fn forget(&mut self) {
        if self.has_record {
            match self.storage.delete(RECORD).await {
                Ok(()) => self.has_record = false,
                Err(error) => observe::storage_failed(&error),
            }
        }
    }
}

fn cannot_list(error: tower::BoxError) -> StorageError {
    StorageError::new("list", "its files", error)
}

impl fmt::Debug for Checking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checking")
            .field("storage", &self.storage)
            .field("point", &self.point)
            .finish_non_exhaustive()
    }
}
