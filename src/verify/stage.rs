//! All checks of a layer, one after the other.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use quick_cache::sync::Cache;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use super::dirhash::Dirhash;
use super::go_module_files::GoModuleFiles;
use super::traits::{Verified, Verify, Verifying};
use super::whole_file::WholeFile;
use crate::observe;
use crate::span::in_current_span;
use crate::target::Target;

/// How many files that are not in memory are read at once by a check that needs the file.
const LARGE: usize = 8;

/// How long it is remembered that a file was refused, and of how many files.
const REMEMBERED: Duration = Duration::from_secs(300);
const MAX_REMEMBERED: usize = 1024;

const TOO_SLOW: &str = "the file could not be checked in time";

/// The checks that every new file must pass.
#[derive(Clone)]
pub(crate) struct Stage {
    checks: Vec<Arc<dyn Verify>>,
    large: Arc<Semaphore>,
    keeps_unknown: bool,
    refused: Arc<Cache<String, Instant>>,
}

/// Why a file has not passed, for clients.
#[derive(Debug)]
pub(crate) struct Refusal(pub(crate) String);

impl Stage {
    /// The built-in check alone.
    pub(crate) fn new() -> Self {
        Self {
            checks: vec![Arc::new(GoModuleFiles::new())],
            large: Arc::new(Semaphore::new(LARGE)),
            keeps_unknown: false,
            refused: Arc::new(Cache::new(MAX_REMEMBERED)),
        }
    }

    pub(crate) fn push(&mut self, check: impl Verify) {
        self.checks.push(Arc::new(check));
    }

    /// Passes files of which a check cannot tell whether they are right.
    pub(crate) fn keep_unknown(&mut self) {
        self.keeps_unknown = true;
    }

    /// A stored file was found for a client.
    pub(crate) fn hit(&self, target: &Target<'_>) {
        for check in &self.checks {
            // It is served all the same.
            let hit = catch_unwind(AssertUnwindSafe(|| check.hit(target)));
            if hit.is_err() {
                observe::check_failed(target, &"it panicked at a hit");
            }
        }
    }

    /// Whether a zip can be checked that is stored nowhere.
    pub(crate) fn follows_stream(&self) -> bool {
        self.checks.iter().all(|check| check.follows_stream())
    }

    /// Whether a file was refused a short time ago: its next client waits until it is checked, and can be told why not.
    pub(crate) fn is_suspect(&self, target: &Target<'_>) -> bool {
        let refused = self.refused.get(target.as_str());
        refused.is_some_and(|refused| refused.elapsed() < REMEMBERED)
    }

    pub(crate) fn start(&self, target: &Target<'_>) -> Checks {
        let start = |check: &Arc<dyn Verify>| Running {
            check: check.start(target),
            needs_file: !check.follows_stream(),
        };
        Checks {
            running: self.checks.iter().map(start).collect(),
            target: target.clone().into_owned(),
            stage: self.clone(),
        }
    }
}

/// The running checks of one file.
pub(crate) struct Checks {
    running: Vec<Running>,
    target: Target<'static>,
    stage: Stage,
}

struct Running {
    check: Box<dyn Verifying>,
    needs_file: bool,
}

impl Checks {
    pub(crate) fn update(&mut self, bytes: &Bytes) {
        for running in &mut self.running {
            running.check.update(bytes);
        }
    }

    /// For a file that is stored nowhere: waits until all have room for more.
    ///
    /// # Cancel safety
    ///
    /// Waits only.
    pub(crate) async fn ready(&mut self) {
        for running in &mut self.running {
            running.check.ready().await;
        }
    }

    /// Decides about a whole file. `is_large`: it is not in memory.
    ///
    /// # Cancel safety
    ///
    /// The checks go on, and keep their places until they have ended, also where they take longer than `limit`.
    pub(crate) async fn finish(
        self,
        file: WholeFile,
        is_large: bool,
        limit: Duration,
    ) -> Result<Dirhash, Refusal> {
        let dirhash = file.dirhash().clone();
        let finish = move |check: Box<dyn Verifying>| check.finish(file.clone());
        self.decide(finish, is_large, limit).await?;
        Ok(dirhash)
    }

    /// Decides about a zip that is stored nowhere.
    ///
    /// # Cancel safety
    ///
    /// Like [`finish`](Self::finish).
    pub(crate) async fn finish_stream(self, limit: Duration) -> Result<(), Refusal> {
        let dirhash = Dirhash::default();
        let finish = move |check: Box<dyn Verifying>| check.finish_stream(dirhash.clone());
        self.decide(finish, false, limit).await
    }

    async fn decide<F: Future<Output = Verified> + Send>(
        self,
        finish: impl Fn(Box<dyn Verifying>) -> F + Send + 'static,
        is_large: bool,
        limit: Duration,
    ) -> Result<(), Refusal> {
        let Self {
            running,
            target,
            stage,
        } = self;
        let (keeps_unknown, large) = (stage.keeps_unknown, Arc::clone(&stage.large));
        let file = target.clone();
        let decide = async move {
            for (number, Running { check, needs_file }) in running.into_iter().enumerate() {
                let check = finish(check);
                let verified = match is_large && needs_file {
                    true => match timeout(limit, large.acquire()).await {
                        Ok(_place) => Ok(check.await),
                        Err(elapsed) => Err(elapsed),
                    },
                    // It has no place to keep.
                    false => timeout(limit, check).await,
                };
                match verified.unwrap_or_else(|_| Verified::Unknown(TOO_SLOW.to_owned())) {
                    Verified::Passed => {}
                    // The built-in check, which is the first one, can tell of every file that it can read.
                    Verified::Unknown(reason) if keeps_unknown && number > 0 => {
                        observe::check_failed(&file, &reason);
                    }
                    failed => return failed,
                }
            }
            Verified::Passed
        };
        let decided = tokio::spawn(in_current_span(decide));
        let unknown = match timeout(limit, decided).await {
            Ok(Ok(Verified::Passed)) => return Ok(()),
            Ok(Ok(Verified::Rejected(reason))) => {
                observe::rejected(&target, &reason);
                let file = target.as_str().to_owned();
                stage.refused.insert(file, Instant::now());
                return Err(Refusal(reason));
            }
            Ok(Ok(Verified::Unknown(reason))) => reason,
            Ok(Err(panicked)) => panicked.to_string(),
            Err(_elapsed) => return Err(Refusal(TOO_SLOW.to_owned())),
        };
        observe::check_failed(&target, &unknown);
        Err(Refusal("the file could not be checked".to_owned()))
    }
}
