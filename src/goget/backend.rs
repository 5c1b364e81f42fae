//! What all clones of a service share, and the way from a job to its result.

use std::collections::HashSet;
use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::future::{Either, select};
use tokio::task::spawn_blocking;

use super::cache::Cached;
use super::clean::How;
use super::cleaning::Cleaning;
use super::config::Config;
use super::error::{GoGetError, Kind};
use super::flights::Flights;
use super::job::{Asked, Job};
use super::run::Unwanted;
use super::runner::{Failed, Runner, nonsense};
use super::tools::Tools;
use super::{clean, download, held, observe, query, ready};
use crate::access::value::Access;
use crate::module::path::ModulePath;
use crate::module::version::Version;

/// An answer that is no file, or nothing where the result is in the module cache.
pub(super) type Done = Result<Bytes, GoGetError>;

#[derive(Debug)]
pub(super) struct Backend {
    pub(super) config: Arc<Config>,
    pub(super) flights: Arc<Flights<Job, Done>>,
    /// Who asks whether commands can run, at the same time.
    looks: Arc<Flights<(), Result<(), GoGetError>>>,
    /// Whether they could, at the last look.
    is_ready: Arc<AtomicBool>,
    /// The module caches in which no killed command has left anything.
    whole: Mutex<HashSet<PathBuf>>,
    cleaning: Arc<Cleaning>,
}

impl Backend {
    pub(super) fn new(config: Config) -> Self {
        let flights = Flights::new();
        Self {
            config: Arc::new(config),
            looks: Arc::new(flights.beside()),
            flights: Arc::new(flights),
            is_ready: Arc::default(),
            whole: Mutex::default(),
            cleaning: Arc::default(),
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
        if let Err(Failed::Error(error)) = &result {
            self.cleaning.failed(error);
            if error.kind() == Kind::Setup {
                self.is_ready.store(false, Ordering::Relaxed);
            }
        }
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
        let _place = held::place(&self.config, &mut unwanted).await?;
        self.ready(&mut unwanted).await?;
        let lock = held::lock(&self.config, &mut unwanted).await?;
        let modules = self.config.modules_of(job.access.as_ref());
        let config = Arc::new(self.config.for_job(job));
        let tools = Tools::open(config, modules.clone(), lock).await?;
        // Of servers that were killed.
        if !self.whole().contains(&modules) && tools.mend().await {
            self.whole().insert(modules.clone());
        }
        let mut runner = Runner::new(&tools, job, unwanted);
        let mut done = self.run(&mut runner).await;
        if let Err(Failed::Error(error)) = &done
            && error.kind() == Kind::Broken
            && tools.heal(error.to_string()).await
        {
            observe::discarded(error);
            done = self.run(&mut runner).await;
        }
        if runner.was_killed() {
            self.whole().remove(&modules);
            if tools.mend().await {
                self.whole().insert(modules);
            }
        }
        tools.close().await;
        done
    }

    fn whole(&self) -> MutexGuard<'_, HashSet<PathBuf>> {
        self.whole.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run(&self, runner: &mut Runner<'_>) -> Result<Bytes, Failed> {
        let job = runner.job();
        match &job.asked {
            Asked::Files(version) => download::download(runner, version).await?,
            Asked::Info(version) => query::stat(runner, version).await?,
            Asked::Query(query) => return query::resolve(runner, query).await,
            Asked::List => return query::list(runner).await,
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
            Asked::Files(version) => cached(version).has_all().await,
            Asked::Info(version) => cached(version).has_info().await,
            Asked::Query(_) | Asked::List => false,
        }
    }

    /// Cleans in the background, if that was long ago.
    fn clean_if_due(&self) {
        if let Some(how) = self.cleaning.begin(&self.config) {
            let (clean, cleaning) = (self.clean(how), Arc::clone(&self.cleaning));
            tokio::spawn(async move {
                let result = clean.await;
                cleaning.ended(&result);
                observe::cleaned(&result);
            });
        }
    }

    /// Removes from the module cache what is beyond its bounds.
    ///
    /// # Cancel safety
    ///
    /// It goes on to its end.
    pub(super) fn clean(&self, how: How) -> impl Future<Output = io::Result<u64>> + Send + use<> {
        let (folder, bounds) = (self.config.cache.clone(), self.config.bounds);
        async move {
            spawn_blocking(move || clean::clean(&folder, bounds, how))
                .await
                .map_err(io::Error::other)?
        }
    }

    /// Looks whether commands can run. Who asks at the same time waits for the same look.
    ///
    /// # Errors
    ///
    /// If they cannot.
    ///
    /// # Cancel safety
    ///
    /// The command that it runs goes on as long as another one waits for it, else it is killed.
    pub(super) async fn look(&self) -> Result<(), GoGetError> {
        let (config, is_ready) = (Arc::clone(&self.config), Arc::clone(&self.is_ready));
        let flight = self.looks.join((), move |unwanted| async move {
            let result = match ready::look(config, unwanted).await {
                Ok(()) => Ok(()),
                Err(Failed::Error(error)) => Err(error),
                Err(Failed::Unwanted) => return None,
            };
            is_ready.store(result.is_ok(), Ordering::Relaxed);
            Some(result)
        });
        match flight.wait().await {
            Some(result) => result,
            None => Err(GoGetError::new(
                Kind::Local,
                "a look at the go command broke off",
            )),
        }
    }

    /// Looks, unless it is known that commands can run.
    async fn ready(&self, unwanted: &mut Unwanted) -> Result<(), Failed> {
        if self.is_ready.load(Ordering::Relaxed) {
            return Ok(());
        }
        match select(pin!(self.look()), unwanted).await {
            Either::Left((result, _)) => Ok(result?),
            Either::Right(_) => Err(Failed::Unwanted),
        }
    }
}
