//! What all clones of a service share, and the way from a job to its result.

use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::cache::Cached;
use super::config::Config;
use super::error::{GoGetError, Kind};
use super::flights::Flights;
use super::job::{Asked, Job};
use super::ready::{NotReady, Ready};
use super::run::Unwanted;
use super::runner::{Failed, Runner, nonsense};
use super::{clean, download, held, observe, query};
use crate::access::value::Access;
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

impl Backend {
    pub(super) fn new(config: Config) -> Self {
        Self {
            config: Arc::new(config),
            flights: Arc::new(Flights::new()),
            ready: OnceCell::new(),
            cleaned: Mutex::new(None),
        }
    }

    /// Where the files of a version are for a request with this access, or with none.
    pub(super) fn cached(
        &self,
        access: Option<&Access>,
        module: &ModulePath<'_>,
        version: &Version<'_>,
    ) -> Cached {
        Cached::new(&self.config.modules_of(access), module, version)
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
        let result = self.work(&job, unwanted).await;
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

    async fn work(&self, job: &Job, mut unwanted: Unwanted) -> Result<Bytes, Failed> {
        // Another job may have had the same result while this one was about to start.
        if self.is_done(job).await {
            return Ok(Bytes::new());
        }
        let place = held::place(&self.config, &mut unwanted).await?;
        let ready = self.ready(&mut unwanted).await?;
        let lock = held::lock(&self.config, &mut unwanted).await?;
        let Some(access) = &job.access else {
            return self
                .run(Runner::new(ready, job, unwanted, (place, lock)))
                .await;
        };
        let own = ready.for_owner(access).await?;
        let done = self
            .run(Runner::new(&own, job, unwanted, (place, lock)))
            .await;
        if let Err(error) = own.remove().await {
            observe::home_stays(&error);
        }
        done
    }

    async fn run(&self, mut runner: Runner<'_>) -> Result<Bytes, Failed> {
        let job = runner.job();
        match &job.asked {
            Asked::Files(version) => download::download(&mut runner, version).await?,
            Asked::Info(version) => query::stat(&mut runner, version).await?,
            Asked::Query(query) => return query::resolve(&mut runner, query).await,
            Asked::List => return query::list(&mut runner).await,
        }
        if !self.is_done(job).await {
            return Err(nonsense("it has left no files").into());
        }
        Ok(Bytes::new())
    }

    /// Whether the result of a job is in the module cache.
    async fn is_done(&self, job: &Job) -> bool {
        let cached = |version| self.cached(job.access.as_ref(), &job.module, version);
        match &job.asked {
            Asked::Files(version) => cached(version).is_complete().await,
            Asked::Info(version) => cached(version).is_known().await,
            Asked::Query(_) | Asked::List => false,
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
