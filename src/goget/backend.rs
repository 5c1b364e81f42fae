//! What all clones of a service share, and the way from a job to its result.

use std::fs::File;
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, select};
use tokio::sync::{OnceCell, OwnedSemaphorePermit};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout};

use super::cache::Cached;
use super::config::Config;
use super::error::{GoGetError, Kind};
use super::flights::Flights;
use super::job::{Asked, Job};
use super::ready::{NotReady, Ready, not_run, setup};
use super::run::{Stop, Unwanted, run};
use super::{classify, clean, download, observe, query, show};
use crate::module::path::ModulePath;
use crate::module::version::Version;

/// The time between two clean-ups of the module cache, at least.
const PAUSE: Duration = Duration::from_secs(10 * 60);

/// An answer that is no file, or nothing where the result is in the module cache.
pub(super) type Done = Result<Bytes, GoGetError>;

#[derive(Debug)]
pub(super) struct Backend {
    pub(super) config: Arc<Config>,
    pub(super) flights: Arc<Flights<Job, Done>>,
    ready: OnceCell<Ready>,
    cleaned: Mutex<Option<Instant>>,
}

/// Why a job has no result.
pub(super) enum Failed {
    /// Everybody has left.
    Unwanted,
    Error(GoGetError),
}

impl From<GoGetError> for Failed {
    fn from(error: GoGetError) -> Self {
        Self::Error(error)
    }
}

impl From<NotReady> for Failed {
    fn from(error: NotReady) -> Self {
        match error {
            NotReady::Unwanted => Self::Unwanted,
            NotReady::Error(error) => Self::Error(error),
        }
    }
}

impl Backend {
    pub(super) fn new(config: Config) -> Self {
        Self {
            config: Arc::new(config),
            flights: Arc::new(Flights::new()),
            ready: OnceCell::new(),
            cleaned: Mutex::new(None),
        }
    }

    pub(super) fn cached(&self, module: &ModulePath<'_>, version: &Version<'_>) -> Cached {
        Cached::new(&self.config.cache, module, version)
    }

    /// Does a job, or waits for the one that does it already.
    ///
    /// # Errors
    ///
    /// Those of the job.
    ///
    /// # Cancel safety
    ///
    /// The commands go on as long as another one waits for them, else they are killed.
    pub(super) async fn done(self: &Arc<Self>, job: Job) -> Done {
        let backend = Arc::clone(self);
        let flight = self
            .flights
            .join(job.clone(), move |unwanted| backend.fly(job, unwanted));
        match flight.wait().await {
            Some(done) => done,
            None => Err(GoGetError::new(Kind::Local, "a job broke off")),
        }
    }

    async fn fly(self: Arc<Self>, job: Job, unwanted: Unwanted) -> Option<Done> {
        let result = Runner::work(&self, &job, unwanted).await;
        self.clean_if_due();
        match result {
            Ok(done) => Some(Ok(done)),
            Err(Failed::Error(error)) => Some(Err(error)),
            Err(Failed::Unwanted) => {
                observe::abandoned();
                None
            }
        }
    }

    /// Cleans in the background, if that was long ago.
    fn clean_if_due(&self) {
        let mut cleaned = self.cleaned.lock().unwrap_or_else(PoisonError::into_inner);
        if cleaned.is_none_or(|at| at.elapsed() >= PAUSE) {
            *cleaned = Some(Instant::now());
            drop(cleaned);
            let clean = self.clean();
            tokio::spawn(async move { observe::cleaned(&clean.await) });
        }
    }

    /// Removes from the module cache what is beyond its bounds.
    ///
    /// # Cancel safety
    ///
    /// It goes on to its end.
    pub(super) fn clean(&self) -> impl Future<Output = io::Result<u64>> + Send + use<> {
        let (folder, bounds) = (self.config.cache.clone(), self.config.bounds);
        async move {
            spawn_blocking(move || clean::clean(&folder, bounds))
                .await
                .map_err(io::Error::other)?
        }
    }

    /// Whether commands can run.
    ///
    /// # Errors
    ///
    /// If they cannot.
    ///
    /// # Cancel safety
    ///
    /// A command that runs is killed.
    pub(super) async fn ready(&self, unwanted: &mut Unwanted) -> Result<&Ready, NotReady> {
        let config = Arc::clone(&self.config);
        self.ready
            .get_or_try_init(|| Ready::new(config, unwanted))
            .await
    }
}

/// One job at work: it holds a place.
pub(super) struct Runner<'a> {
    ready: &'a Ready,
    job: &'a Job,
    unwanted: Unwanted,
    _place: OwnedSemaphorePermit,
    _lock: File,
}

impl<'a> Runner<'a> {
    async fn work(
        backend: &'a Backend,
        job: &'a Job,
        mut unwanted: Unwanted,
    ) -> Result<Bytes, Failed> {
        // Another job may have had the same result while this one was about to start.
        match &job.asked {
            Asked::Files(version) if backend.cached(&job.module, version).is_complete().await => {
                return Ok(Bytes::new());
            }
            Asked::Info(version) if backend.cached(&job.module, version).is_known().await => {
                return Ok(Bytes::new());
            }
            _ => {}
        }
        let place = place(&backend.config, &mut unwanted).await?;
        let ready = backend.ready(&mut unwanted).await?;
        let lock = lock(&backend.config, &mut unwanted).await?;
        let mut runner = Self {
            ready,
            job,
            unwanted,
            _place: place,
            _lock: lock,
        };
        match &job.asked {
            Asked::Files(version) => {
                download::download(&mut runner, version).await?;
                if !backend.cached(&job.module, version).is_complete().await {
                    return Err(nonsense("it has left no files").into());
                }
                Ok(Bytes::new())
            }
            Asked::Info(version) => {
                query::stat(&mut runner, version).await?;
                if !backend.cached(&job.module, version).is_known().await {
                    return Err(nonsense("it has left no info").into());
                }
                Ok(Bytes::new())
            }
            Asked::Query(query) => query::resolve(&mut runner, query).await,
            Asked::List => query::list(&mut runner).await,
        }
    }

    pub(super) fn job(&self) -> &'a Job {
        self.job
    }

    /// Runs the go command, and returns what it writes and its messages.
    pub(super) async fn go(&mut self, args: &[&str]) -> Result<(Vec<u8>, String), Failed> {
        observe::running(args);
        let config = self.ready.config();
        match run(self.ready.go(args), config.time_limit, &mut self.unwanted).await {
            Ok(output) => Ok((output.stdout, output.stderr)),
            Err(Stop::Unwanted) => Err(Failed::Unwanted),
            Err(stop) => Err(not_run(&config.go, &stop).into()),
        }
    }

    /// The error that a message means.
    pub(super) fn error(&self, message: &str, stderr: &str) -> GoGetError {
        let text = if message.trim().is_empty() {
            stderr
        } else {
            message
        };
        let text = show::redacted(self.ready.config(), text);
        let shown = show::line(&text);
        let module = self.job.module.unescaped();
        let kind = classify::classify(&text, &[&module, &self.job.name()]);
        let no_git = !self.ready.git && matches!(kind, Kind::Unknown | Kind::Setup);
        if no_git || stderr.contains("missing Git command") {
            return setup(format!("there is no git command: {text}"))
                .showing("it has no git command");
        }
        // git asks for others when those that it has sent are wrong.
        let kind = match kind {
            Kind::NoCredentials if self.ready.config().knows_host_in(&text) => Kind::Credentials,
            kind => kind,
        };
        GoGetError::new(kind, text).showing(shown)
    }
}

/// The go command has not said what it should.
pub(super) fn nonsense(what: &str) -> GoGetError {
    GoGetError::new(Kind::Nonsense, format!("the go command: {what}"))
}

/// Waits for one of the places. One that nobody wants any more leaves the queue.
async fn place(config: &Config, unwanted: &mut Unwanted) -> Result<OwnedSemaphorePermit, Failed> {
    let place = timeout(config.max_wait, Arc::clone(&config.places).acquire_owned());
    match select(pin!(place), unwanted).await {
        Either::Left((Ok(Ok(place)), _)) => Ok(place),
        // A semaphore that its owner has closed has no places either.
        Either::Left(_) => Err(GoGetError::new(Kind::Busy(config.max_wait), "").into()),
        Either::Right(_) => Err(Failed::Unwanted),
    }
}

/// Keeps clean-ups away. A thread waits on even if nobody wants the job any more.
async fn lock(config: &Config, unwanted: &mut Unwanted) -> Result<File, Failed> {
    let folder = config.cache.clone();
    let lock = spawn_blocking(move || clean::lock_for_job(&folder));
    match select(lock, unwanted).await {
        Either::Left((lock, _)) => lock
            .map_err(io::Error::other)
            .and_then(|lock| lock)
            .map_err(|error| {
                GoGetError::new(
                    Kind::Local,
                    format!("the lock of the module cache: {error}"),
                )
                .into()
            }),
        Either::Right(_) => Err(Failed::Unwanted),
    }
}
