//! What all clones of a service share, and the way from a job to its result.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::clones::{Clones, Lent};
use super::error::{GoGetError, Kind};
use super::files::{Asked, Files, Found, Job};
use super::folder;
use super::go::{Go, Probes};
use super::observe::{event, left_over};
use super::prepare::{logins, look, read_files};
use super::process::Stop;
use super::runs::{Flights, Kept, Key, Place, Places};
use super::sandbox::{Sandbox, sweep};
use super::secrets::{Grant, Held, grant};
use super::settings::Settings;
use crate::lock::lock;
use crate::module::version::Version;
use crate::span::with_current_span;

#[derive(Debug)]
pub(super) struct Worker {
    pub(super) settings: Settings,
    pub(super) flights: Flights,
    kept: Arc<Kept>,
    places: Places,
    clones: Clones,
    probes: Probes,
    /// Whether commands could run when that was looked at last.
    is_ready: AtomicBool,
}

impl Worker {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            flights: Flights::new(),
            kept: Kept::new(settings.max_kept_size),
            places: Places::new(&settings),
            clones: Clones::default(),
            probes: Probes::default(),
            is_ready: AtomicBool::new(false),
            settings,
        }
    }

    /// Does a job, or waits for the run that does it already.
    ///
    /// # Errors
    ///
    /// Those of the job.
    ///
    /// # Cancel safety
    ///
    /// The commands go on as long as another one waits for them, else they are killed.
    pub(super) async fn done(self: &Arc<Self>, job: Job) -> Result<Found, GoGetError> {
        if let Asked::Query(name) = &job.asked
            && lock(&self.probes).remove(name)
        {
            return Err(GoGetError::new(Kind::NotFound, "this server asks itself"));
        }
        let (worker, of_run) = (Arc::clone(self), job.clone());
        let run = |left| async move { worker.work(of_run, &left).await };
        self.flights.join(&job, run).await
    }

    async fn work(
        self: &Arc<Self>,
        job: Job,
        left: &CancellationToken,
    ) -> Result<Found, GoGetError> {
        if let Some(files) = self.kept(&job) {
            return Ok(Found::Version(files));
        }
        let ready = left.run_until_cancelled(self.ready(&job)).await;
        let (place, held) = ready.ok_or_else(|| GoGetError::new(Kind::Abandoned, ""))??;
        let (worker, of_run) = (Arc::clone(self), job.clone());
        let run = move |stop: &_| worker.run(&of_run, held, stop);
        let result = on_thread(left, run).await;
        drop(place);
        let is_full = |error: &GoGetError| error.kind() == Kind::Full;
        let (worker, is_full) = (Arc::clone(self), result.as_ref().is_err_and(is_full));
        spawn_blocking(with_current_span(move || worker.clean(is_full)));
        let found = result?;
        if let Found::Version(files) = &found {
            self.kept.put(self.key(&job, &files.version), files)?;
        }
        Ok(found)
    }

    /// What a run has brought lately that does this job.
    fn kept(&self, job: &Job) -> Option<Arc<Files>> {
        let (version, needs_zip) = match &job.asked {
            Asked::Files(version) => (version, true),
            Asked::LookUp(version) => (version, false),
            Asked::Query(_) | Asked::List => return None,
        };
        let files = self.kept.get(&self.key(job, version))?;
        (files.zip.is_some() || !needs_zip).then_some(files)
    }

    fn key(&self, job: &Job, version: &Version<'static>) -> Key {
        let access = job.access.clone().filter(|_| !self.settings.shared);
        (job.module.clone(), version.clone(), access)
    }

    /// Waits for a run slot, and for credentials.
    async fn ready(&self, job: &Job) -> Result<(Place, Held), GoGetError> {
        let wait = self.settings.max_wait;
        let owner = job.access.as_ref().map(|one| one.owner_name().as_str());
        let place = timeout(wait, self.places.take(job.host(), owner)).await;
        let place = place.map_err(|_elapsed| GoGetError::new(Kind::Busy(wait), ""))?;
        Ok((place, logins(&self.settings, job).await?))
    }

    fn run(&self, job: &Job, held: Held, stop: &Arc<Stop>) -> Result<Found, GoGetError> {
        self.in_sandbox(job, held, stop).map_err(|error| {
            if error.kind() == Kind::Setup {
                self.is_ready.store(false, Relaxed);
            }
            // Where the file system cannot tell, the error says what is wrong.
            match folder::is_full(&self.settings.folder) {
                Ok(true) => GoGetError::new(Kind::Full, error.to_string()),
                _ => error,
            }
        })
    }

    fn in_sandbox(&self, job: &Job, held: Held, stop: &Arc<Stop>) -> Result<Found, GoGetError> {
        let held = read_files(&self.settings, held)?;
        let grant = grant(&held, self.settings.private_patterns(), &job.module);
        let owner = job.access.as_ref().filter(|_| !self.settings.shared);
        let owner = owner.map(|access| access.owner_name().as_str());
        let mut sandbox = self.sandbox(owner, grant, stop)?;
        if !self.is_ready.load(Relaxed) {
            self.look(&sandbox, false)?;
        }
        let run = |sandbox: &_| {
            let go = Go {
                settings: &self.settings,
                sandbox,
                job,
                probes: &self.probes,
                limit: self.settings.time_limit,
                to_any_proxy: false,
            };
            go.run()
        };
        let mut result = run(&sandbox);
        // A clone can be the reason of all others, whatever the command said.
        if let Err(error) = &result
            && !matches!(
                error.kind(),
                Kind::TimeLimit | Kind::Setup | Kind::Loop | Kind::Abandoned
            )
            && self.clones.may_retry(&sandbox.lent)
        {
            event!(warn, "trying once more with a new clone", error);
            let begun = sandbox.start_afresh();
            begun.map_err(|error| GoGetError::local("the folder of a run", error))?;
            result = run(&sandbox);
        }
        sandbox.end(result.is_ok());
        result
    }

    /// A folder for a run with clones of an owner.
    fn sandbox(
        &self,
        owner: Option<&str>,
        grant: Grant,
        stop: &Arc<Stop>,
    ) -> Result<Sandbox, GoGetError> {
        let lent = Lent::new(&self.settings, owner);
        let made = lent.and_then(|lent| Sandbox::new(&self.settings, grant, lent, stop));
        made.map_err(|error| {
            let text = format!("{}: {error}", self.settings.folder.display());
            GoGetError::setup(text, "its folder for modules cannot be used")
        })
    }

    /// Looks whether commands can run. What was left of servers that are gone ends here.
    fn look(&self, sandbox: &Sandbox, needs_git: bool) -> Result<(), GoGetError> {
        let swept = sweep(&self.settings.folder);
        left_over("the folders of servers that are gone", swept);
        self.is_ready.store(false, Relaxed);
        look(&self.settings, sandbox, needs_git)?;
        self.is_ready.store(true, Relaxed);
        Ok(())
    }

    /// Removes clones, and what others have left that have the same folder and are gone.
    fn clean(&self, is_full: bool) {
        let cleaned = self.clones.clean_if_due(&self.settings, is_full);
        let cleaned = cleaned.and_then(|bytes| match bytes {
            Some(bytes) => {
                if bytes > 0 {
                    event!(info, "clones removed", bytes);
                }
                sweep(&self.settings.folder)
            }
            None => Ok(()),
        });
        left_over("clones that are too old or too many", cleaned);
    }

    /// Looks whether commands can run.
    ///
    /// # Errors
    ///
    /// If they cannot.
    pub(super) async fn check(self: &Arc<Self>) -> Result<(), GoGetError> {
        let worker = Arc::clone(self);
        let look = move |stop: &_| {
            let sandbox = worker.sandbox(None, Grant::default(), stop)?;
            let looked = worker.look(&sandbox, true);
            sandbox.end(false);
            looked
        };
        on_thread(&CancellationToken::new(), look).await
    }
}

/// Stops what a thread runs when nobody waits for it any more.
struct Wanted(Arc<Stop>);

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// Does work on a thread that may block, which goes on until its processes are gone.
///
/// # Cancel safety
///
/// The command that it runs is killed.
async fn on_thread<T: Send + 'static>(
    left: &CancellationToken,
    work: impl FnOnce(&Arc<Stop>) -> Result<T, GoGetError> + Send + 'static,
) -> Result<T, GoGetError> {
    let stop = Arc::default();
    let wanted = Wanted(Arc::clone(&stop));
    let mut thread = spawn_blocking(with_current_span(move || work(&stop)));
    let done = match left.run_until_cancelled(&mut thread).await {
        Some(done) => done,
        None => {
            event!(debug, "command killed: every client has left");
            drop(wanted);
            thread.await
        }
    };
    done.unwrap_or_else(|error| Err(GoGetError::local("a run broke off", error)))
}
