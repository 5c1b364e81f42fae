//! What all clones of a service share, and the way from a job to its result.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::clones::{Clones, Lent};
use super::error::{GoGetError, Kind};
use super::files::{Asked, Files, Found, Job};
use super::folder::{self, blocking};
use super::go::{Go, Probes};
use super::observe::{self, left_over};
use super::prepare::{held, look};
use super::runs::{Flights, Kept, Key, Place, Places};
use super::sandbox::{Sandbox, sweep};
use super::secrets::{Grant, grant};
use super::settings::Settings;
use crate::module::version::Version;

/// How long what a run has brought stays, so that the files of a version come out of one run.
const KEPT: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Worker {
    pub(super) settings: Settings,
    pub(super) flights: Flights,
    kept: Arc<Kept>,
    places: Places,
    clones: Arc<Clones>,
    probes: Probes,
    /// Whether commands could run when that was looked at last.
    is_ready: Mutex<bool>,
}

/// Does a part of a run as long as somebody waits for the run.
async fn unless_left<T>(
    left: &CancellationToken,
    part: impl Future<Output = T>,
) -> Result<T, GoGetError> {
    let done = left.run_until_cancelled(part).await;
    done.ok_or_else(|| GoGetError::new(Kind::Abandoned, ""))
}

impl Worker {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            flights: Flights::default(),
            kept: Arc::new(Kept::new(settings.max_kept_size, KEPT)),
            places: Places::new(&settings),
            clones: Arc::new(Clones::new(&settings)),
            probes: Probes::default(),
            is_ready: Mutex::default(),
            settings,
        }
    }

    /// What a run has brought of a version lately.
    pub(super) fn kept(&self, job: &Job, version: &Version<'static>) -> Option<Arc<Files>> {
        self.kept.get(&self.key(job, version))
    }

    fn key(&self, job: &Job, version: &Version<'static>) -> Key {
        let access = job.access.clone().filter(|_| !self.settings.shared);
        (job.module.clone(), version.clone(), access)
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
            && self.probes.end(name)
        {
            return Err(GoGetError::new(Kind::NotFound, "this server asks itself"));
        }
        let (worker, of_run) = (Arc::clone(self), job.clone());
        let run = |left| async move {
            let done = worker.work(&of_run, &left).await;
            done.inspect_err(|error| {
                if error.kind() == Kind::Abandoned {
                    observe::abandoned();
                }
            })
        };
        self.flights.join(&job, run).await
    }

    async fn work(&self, job: &Job, left: &CancellationToken) -> Result<Found, GoGetError> {
        // Another run may have brought it while this one was about to start.
        if let Asked::Files(version) | Asked::LookUp(version) = &job.asked
            && let Some(files) = self.kept(job, version)
            && (files.zip.is_some() || matches!(job.asked, Asked::LookUp(_)))
        {
            return Ok(Found::Version(files));
        }
        let place = unless_left(left, self.place(job)).await??;
        let result = self.run(job, left).await;
        let result = self.judged(result).await;
        drop(place);
        let found = result?;
        if let Found::Version(files) = &found {
            self.keep(job, files)?;
        }
        Ok(found)
    }

    /// Waits for a run slot.
    async fn place(&self, job: &Job) -> Result<Place, GoGetError> {
        let wait = self.settings.max_wait;
        let owner = job
            .access
            .as_ref()
            .map(|access| access.owner_name().as_str());
        let place = timeout(wait, self.places.take(job.host(), owner)).await;
        place.map_err(|_elapsed| GoGetError::new(Kind::Busy(wait), ""))
    }

    async fn run(&self, job: &Job, left: &CancellationToken) -> Result<Found, GoGetError> {
        let mut is_ready = unless_left(left, self.is_ready.lock()).await?;
        if !*is_ready {
            self.look(left).await?;
            *is_ready = true;
        }
        drop(is_ready);
        let held = unless_left(left, held(&self.settings, job)).await??;
        let grant = grant(&held, self.settings.private_patterns(), &job.module);
        let owner = job.access.as_ref().filter(|_| !self.settings.shared);
        let owner = owner.map(|access| access.owner_name().as_str().to_owned());
        let (sandbox, lent, grant) = self.sandbox(owner, grant, left).await?;
        let go = Go {
            sandbox: &sandbox,
            grant: &grant,
            job,
            probes: &self.probes,
            proxies: &self.settings.go_vars["GOPROXY"],
            limit: self.settings.time_limit,
            to_any_proxy: false,
        };
        let mut result = go.run().await;
        if let Err(error) = &result
            && error.may_be_of_clone()
            && self.clones.may_retry(&lent)
        {
            observe::retried(error);
            result = self.run_afresh(go, &lent).await;
        }
        if result.is_ok() {
            let marked = blocking(move || lent.mark()).await;
            left_over("the time of a clone's last use", marked);
        }
        close(sandbox).await;
        result
    }

    /// A folder for a run with clones of an owner.
    async fn sandbox(
        &self,
        owner: Option<String>,
        grant: Grant,
        left: &CancellationToken,
    ) -> Result<(Sandbox, Arc<Lent>, Grant), GoGetError> {
        let (settings, clones, left) = (
            self.settings.clone(),
            Arc::clone(&self.clones),
            left.clone(),
        );
        let made = blocking(move || {
            let lent = clones.lend(owner.as_deref())?;
            let sandbox = Sandbox::new(&settings, &grant, lent.folder(), left)?;
            Ok((sandbox, Arc::new(lent), grant))
        });
        made.await.map_err(|error| {
            let text = format!("{}: {error}", self.settings.folder.display());
            GoGetError::setup(text, "its folder for modules cannot be used")
        })
    }

    /// Once more with empty clones. If that helps, they take the place of those that were there.
    async fn run_afresh(&self, go: Go<'_>, lent: &Arc<Lent>) -> Result<Found, GoGetError> {
        let begun = go.sandbox.start_afresh();
        begun.map_err(|error| GoGetError::local("the folder of a run", error))?;
        let result = go.run().await;
        if result.is_ok() {
            let (lent, fresh) = (Arc::clone(lent), go.sandbox.clones());
            let folder = self.settings.folder.clone();
            let adopted = blocking(move || lent.adopt(&fresh, &folder)).await;
            left_over("a broken clone", adopted);
        }
        result
    }

    /// What a failure means for later runs, and for the clones.
    async fn judged(&self, mut result: Result<Found, GoGetError>) -> Result<Found, GoGetError> {
        let mut is_full = false;
        if let Err(error) = &mut result {
            if error.kind() == Kind::Setup {
                *self.is_ready.lock().await = false;
            }
            let folder = self.settings.folder.clone();
            // Where the file system cannot tell, the error says what is wrong.
            let asked = blocking(move || folder::is_full(&folder)).await;
            is_full = asked.unwrap_or(false);
            if is_full {
                *error = error.clone().of_kind(Kind::Full);
            }
        }
        let clones = Arc::clone(&self.clones);
        tokio::spawn(async move {
            match blocking(move || clones.clean_if_due(is_full)).await {
                Ok(0) => {}
                Ok(bytes) => observe::cleaned(bytes),
                Err(error) => left_over("clones that are too old or too many", Err(error)),
            }
        });
        result
    }

    /// Keeps files for those who request the others of the same version.
    ///
    /// # Errors
    ///
    /// If they are of another commit than those of a moment ago.
    fn keep(&self, job: &Job, files: &Arc<Files>) -> Result<(), GoGetError> {
        let key = self.key(job, &files.version);
        if let Some(before) = self.kept.get(&key) {
            if let (Some(one), Some(other)) = (&before.commit, &files.commit)
                && one != other
            {
                let version = &files.version;
                let text = format!("{version} was commit {one} a moment ago, and is {other} now");
                return Err(GoGetError::new(Kind::Moved, text).showing(""));
            }
            if before.zip.is_some() && files.zip.is_none() {
                return Ok(());
            }
        }
        self.kept.put(key, Arc::clone(files));
        Ok(())
    }

    /// Looks whether commands can run, and whether there is git. What was left of servers that are gone ends here.
    async fn look(&self, left: &CancellationToken) -> Result<bool, GoGetError> {
        let (sandbox, ..) = self.sandbox(None, Grant::default(), left).await?;
        let folder = self.settings.folder.clone();
        let swept = blocking(move || sweep(&folder)).await;
        left_over("the folders of servers that are gone", swept);
        let looked = look(&self.settings, &sandbox).await;
        let has_git = sandbox.git().is_some();
        close(sandbox).await;
        looked.map(|()| has_git)
    }

    /// Looks whether commands can run.
    ///
    /// # Errors
    ///
    /// If they cannot.
    pub(super) async fn check(&self) -> Result<(), GoGetError> {
        let mut is_ready = self.is_ready.lock().await;
        *is_ready = false;
        let has_git = self.look(&CancellationToken::new()).await?;
        *is_ready = true;
        let text = "there is no git command on the PATH";
        let error = GoGetError::setup(text, "it has no git command");
        has_git.then_some(()).ok_or(error)
    }
}

async fn close(sandbox: Sandbox) {
    let closed = blocking(move || sandbox.close()).await;
    left_over("the folder of a run, with credentials", closed);
}
