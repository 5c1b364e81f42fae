//! What all clones of a service share, and the way from a job to its result.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::sync::{Mutex, oneshot};
use tokio::time::timeout;

use super::clones::{Clones, Lent};
use super::error::{GoGetError, Kind};
use super::folder::{self, blocking};
use super::go::Go;
use super::held::held;
use super::job::{Asked, Failed, Files, Found, Job, Release, bad_folder, setup};
use super::observe::{self, left};
use super::places::{Place, Places};
use super::process::Unwanted;
use super::ready::look;
use super::runs::{Flights, Kept};
use super::sandbox::Sandbox;
use super::secrets::grant;
use super::settings::Settings;
use crate::access::value::Access;
use crate::module::path::ModulePath;
use crate::module::version::Version;

/// How long what a run has brought stays, so that the files of a version come out of one run.
const KEPT: Duration = Duration::from_secs(60);

/// What a zip counts at least while it is kept: it is an open file, and there are not many of them.
const LEAST_ZIP: u64 = 4 << 20;

/// A version, and for whom.
type Key = (ModulePath<'static>, Version<'static>, Option<Access>);

#[derive(Debug)]
pub(super) struct Worker {
    pub(super) settings: Settings,
    pub(super) flights: Arc<Flights<Job, Result<Found, GoGetError>>>,
    kept: Arc<Kept<Key, Arc<Files>>>,
    places: Places,
    clones: Arc<Clones>,
    /// The go command, if commands could run when that was looked at last.
    found: Mutex<Option<Release>>,
}

impl Worker {
    pub(super) fn new(settings: Settings) -> Self {
        let (size, age) = (settings.max_clones_size, settings.max_clones_age);
        Self {
            flights: Arc::new(Flights::new()),
            kept: Arc::new(Kept::new(settings.max_kept_size, KEPT)),
            places: Places::new(
                Arc::clone(&settings.runs),
                settings.runs_per_host,
                settings.runs_per_owner,
            ),
            clones: Arc::new(Clones::new(&settings.folder, size, age)),
            found: Mutex::default(),
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

    /// Does a job, or waits for the one that does it already.
    ///
    /// # Errors
    ///
    /// Those of the job.
    ///
    /// # Cancel safety
    ///
    /// The commands go on as long as another one waits for them, else they are killed.
    pub(super) async fn done(self: &Arc<Self>, job: Job) -> Result<Found, GoGetError> {
        let worker = Arc::clone(self);
        let flight = self.flights.join(job.clone(), move |unwanted| async move {
            match worker.work(&job, unwanted).await {
                Ok(found) => Some(Ok(found)),
                Err(Failed::Error(error) | Failed::Said(error)) => Some(Err(error)),
                Err(Failed::Unwanted) => {
                    observe::abandoned();
                    None
                }
            }
        });
        match flight.wait().await {
            Some(done) => done,
            None => Err(GoGetError::new(Kind::Local, "a run broke off")),
        }
    }

    async fn work(&self, job: &Job, mut unwanted: Unwanted) -> Result<Found, Failed> {
        // Another run may have brought it while this one was about to start.
        if let Asked::Files(version) | Asked::LookUp(version) = &job.asked
            && let Some(files) = self.kept(job, version)
            && (files.zip.is_some() || matches!(job.asked, Asked::LookUp(_)))
        {
            return Ok(Found::Files(version.clone(), files));
        }
        let place = self.place(job, &mut unwanted).await?;
        let result = self.run(job, &mut unwanted).await;
        let result = self.judged(result).await;
        drop(place);
        let found = result?;
        self.keep(job, &found)?;
        Ok(found)
    }

    /// Waits for a run slot. One that nobody wants any more leaves the queue.
    async fn place(&self, job: &Job, unwanted: &mut Unwanted) -> Result<Place, Failed> {
        let wait = self.settings.max_wait;
        let owner = job
            .access
            .as_ref()
            .map(|access| access.owner_name().as_str());
        let place = timeout(wait, self.places.take(job.host(), owner));
        match select(pin!(place), unwanted).await {
            Either::Left((Ok(Ok(place)), _)) => Ok(place),
            // A semaphore that its owner has closed has no slots either.
            Either::Left(_) => Err(GoGetError::new(Kind::Busy(wait), "").into()),
            Either::Right(_) => Err(Failed::Unwanted),
        }
    }

    async fn run(&self, job: &Job, unwanted: &mut Unwanted) -> Result<Found, Failed> {
        let release = self.ready(unwanted).await?;
        let grant = match select(pin!(held(&self.settings, job)), &mut *unwanted).await {
            Either::Left((held, _)) => grant(&held?, &self.settings.private, &job.module),
            Either::Right(_) => return Err(Failed::Unwanted),
        };
        let grant = Arc::new(grant);
        let owner = job.access.as_ref().filter(|_| !self.settings.shared);
        let owner = owner.map(|access| access.owner_name().as_str().to_owned());
        let (settings, clones) = (self.settings.clone(), Arc::clone(&self.clones));
        let (sandbox, lent) = {
            let grant = Arc::clone(&grant);
            blocking(move || {
                let lent = clones.lend(owner.as_deref())?;
                let sandbox = Sandbox::new(&settings, &grant, lent.folder())?;
                Ok((sandbox, Arc::new(lent)))
            })
            .await
            .map_err(|error| bad_folder(&format!("{}: {error}", self.settings.folder.display())))?
        };
        let go = Go {
            settings: &self.settings,
            sandbox: &sandbox,
            grant: &grant,
            job,
            release,
        };
        let mut result = go.run(unwanted).await;
        if let Err(Failed::Said(error)) = &result
            && self.clones.may_retry(&lent)
        {
            observe::retried(error);
            result = self.run_afresh(&go, &lent, unwanted).await;
        }
        if result.is_ok() {
            let marked = blocking(move || lent.mark()).await;
            left("the time of a clone's last use", marked);
        }
        let closed = blocking(move || sandbox.close()).await;
        left("the folder of a run, with credentials", closed);
        result
    }

    /// Once more with empty clones. If that helps, they take the place of those that were there.
    async fn run_afresh(
        &self,
        go: &Go<'_>,
        lent: &Arc<Lent>,
        unwanted: &mut Unwanted,
    ) -> Result<Found, Failed> {
        go.sandbox
            .start_afresh()
            .map_err(|error| bad_folder(&error))?;
        let result = go.run(unwanted).await;
        if result.is_ok() {
            let (lent, fresh) = (Arc::clone(lent), go.sandbox.clones());
            let folder = self.settings.folder.clone();
            let adopted = blocking(move || lent.adopt(&fresh, &folder)).await;
            left("a broken clone", adopted);
        }
        result
    }

    /// What a failure means for later runs, and for the clones.
    async fn judged(&self, result: Result<Found, Failed>) -> Result<Found, Failed> {
        let mut is_full = false;
        let result = match result {
            Err(Failed::Said(error) | Failed::Error(error)) => {
                if error.kind() == Kind::Setup {
                    *self.found.lock().await = None;
                }
                let folder = self.settings.folder.clone();
                // Where the file system cannot tell, the error says what is wrong.
                is_full = blocking(move || folder::is_full(&folder))
                    .await
                    .unwrap_or(false);
                Err(Failed::Error(match is_full {
                    true => error.of_kind(Kind::Full),
                    false => error,
                }))
            }
            result => result,
        };
        let clones = Arc::clone(&self.clones);
        tokio::spawn(async move {
            match blocking(move || clones.clean_if_due(is_full)).await {
                Ok(0) => {}
                Ok(bytes) => observe::cleaned(bytes),
                Err(error) => left("clones that are too old or too many", Err(error)),
            }
        });
        result
    }

    fn keep(&self, job: &Job, found: &Found) -> Result<(), GoGetError> {
        let (version, files) = match found {
            Found::Files(version, files) => (version, files),
            Found::Query(_, found) => return self.keep(job, found),
            Found::List(_) => return Ok(()),
        };
        let key = self.key(job, version);
        if let Some(before) = self.kept.get(&key) {
            if let (Some(one), Some(other)) = (&before.commit, &files.commit)
                && one != other
            {
                let text = format!("{version} was commit {one} a moment ago, and is {other} now");
                return Err(GoGetError::new(Kind::Moved, text).showing(""));
            }
            if before.zip.is_some() && files.zip.is_none() {
                return Ok(());
            }
        }
        let bytes = files.info.len() + files.go_mod.as_ref().map_or(0, |text| text.len());
        let zip = files.zip.as_ref().map_or(0, |zip| zip.len.max(LEAST_ZIP));
        self.kept.put(key, Arc::clone(files), zip + bytes as u64);
        Ok(())
    }

    /// Looks whether commands can run, unless that is known.
    async fn ready(&self, unwanted: &mut Unwanted) -> Result<Release, Failed> {
        let Either::Left((mut found, _)) = select(pin!(self.found.lock()), &mut *unwanted).await
        else {
            return Err(Failed::Unwanted);
        };
        if let Some(release) = *found {
            return Ok(release);
        }
        let (release, _) = look(&self.settings, &self.clones, unwanted).await?;
        Ok(*found.insert(release))
    }

    /// Looks whether commands can run.
    ///
    /// # Errors
    ///
    /// If they cannot.
    pub(super) async fn check(&self) -> Result<(), GoGetError> {
        let mut found = self.found.lock().await;
        *found = None;
        // While this is waited for, somebody wants it.
        let (_wanted, mut unwanted) = oneshot::channel();
        match look(&self.settings, &self.clones, &mut unwanted).await {
            Ok((release, has_git)) => {
                *found = Some(release);
                let error = setup("there is no git command on the PATH");
                let error = error.showing("it has no git command");
                has_git.then_some(()).ok_or(error)
            }
            Err(Failed::Error(error) | Failed::Said(error)) => Err(error),
            Err(Failed::Unwanted) => Err(GoGetError::new(Kind::Local, "a check broke off")),
        }
    }
}
