//! Runs: who requests the same thing at the same time waits for the same one; what they have brought, for a moment; and how
//! many there may be, in all, for one host, and for one owner.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::error::{GoGetError, Kind};
use super::files::{Files, Found, Job};
use super::settings::Settings;
use crate::access::value::Access;
use crate::lock::lock;
use crate::module::path::ModulePath;
use crate::module::version::Version;
use crate::source::Tasks;

type Done = BoxFuture<'static, Result<Found, GoGetError>>;

/// A run that is held by each who waits for it. When the last one lets go, the run is told.
pub(super) type Flight = Shared<Done>;

type Table = HashMap<Job, WeakShared<Done>>;

/// The table of what is under way, by what it is about.
#[derive(Debug)]
pub(super) struct Flights {
    table: Mutex<Table>,
    /// Those that nobody waits for and that have not yet ended too.
    pub(super) runs: Tasks,
}

impl Flights {
    pub(super) fn new() -> Self {
        Self {
            table: Mutex::default(),
            runs: Tasks::new(),
        }
    }

    /// The flight for this job that has no result yet.
    pub(super) fn get(&self, job: &Job) -> Option<Flight> {
        find(&lock(&self.table), job)
    }

    /// Attaches to the flight for this job, or starts one.
    ///
    /// The run is a task of its own; its token is cancelled when nobody wants it any more.
    pub(super) fn join<F>(&self, job: &Job, run: impl FnOnce(CancellationToken) -> F) -> Flight
    where
        F: Future<Output = Result<Found, GoGetError>> + Send + 'static,
    {
        let mut table = lock(&self.table);
        if let Some(flight) = find(&table, job) {
            return flight;
        }
        let left = self.runs.aborted.child_token();
        let task = self.runs.spawn(run(left.clone()));
        let wanted = left.drop_guard();
        let done = async move {
            let done = task.await;
            drop(wanted);
            done.unwrap_or_else(|error| Err(GoGetError::local("a run broke off", error)))
        };
        let flight = done.boxed().shared();
        table.retain(|_, flight| flight.upgrade().is_some());
        table.extend(flight.downgrade().map(|weak| (job.clone(), weak)));
        flight
    }
}

fn find(table: &Table, job: &Job) -> Option<Flight> {
    let found = table.get(job).and_then(WeakShared::upgrade);
    found.filter(|flight| flight.peek().is_none())
}

/// A version, and for whom.
pub(super) type Key = (ModulePath<'static>, Version<'static>, Option<Access>);

/// What a zip counts at least while it is kept: it is an open file, and there are not many of them.
const LEAST_ZIP: u64 = 4 << 20;
/// How long files stay, so that those of a version come out of one run.
const KEPT: Duration = Duration::from_secs(60);

/// Files that stay for a while after their run, the latest ones where there are too many bytes.
#[derive(Debug)]
pub(super) struct Kept {
    table: Mutex<HashMap<Key, (Instant, Arc<Files>)>>,
    most: u64,
}

impl Kept {
    /// At most so many bytes.
    pub(super) fn new(most: u64) -> Arc<Self> {
        let table = Mutex::default();
        Arc::new(Self { table, most })
    }

    pub(super) fn get(&self, key: &Key) -> Option<Arc<Files>> {
        let table = lock(&self.table);
        let (since, files) = table.get(key)?;
        (since.elapsed() < KEPT).then(|| Arc::clone(files))
    }

    /// Keeps files for those who request the others of the same version.
    ///
    /// # Errors
    ///
    /// If they are of another commit than those of a moment ago.
    pub(super) fn put(self: &Arc<Self>, key: Key, files: &Arc<Files>) -> Result<(), GoGetError> {
        if let Some(before) = self.get(&key) {
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
        let bytes = |files: &Files| {
            let zip = files.zip.as_ref().map_or(0, |zip| zip.len.max(LEAST_ZIP));
            zip + (files.info.len() + files.go_mod.as_ref().map_or(0, |text| text.len())) as u64
        };
        let mut table = lock(&self.table);
        table.insert(key, (Instant::now(), Arc::clone(files)));
        let mut total: u64 = table.values().map(|(_, files)| bytes(files)).sum();
        while total > self.most
            && let Some((key, (_, files))) = table.iter().min_by_key(|(_, (since, _))| *since)
        {
            total -= bytes(files);
            let key = key.clone();
            table.remove(&key);
        }
        let kept = Arc::downgrade(self);
        tokio::spawn(async move {
            sleep(KEPT).await;
            if let Some(kept) = kept.upgrade() {
                lock(&kept.table).retain(|_, (since, _)| since.elapsed() < KEPT);
            }
        });
        Ok(())
    }
}

/// The run slots of a service.
#[derive(Debug)]
pub(super) struct Places {
    all: Arc<Semaphore>,
    per_host: usize,
    per_owner: usize,
    /// Semaphores that somebody holds or waits for, by the name of a host, which has a dot, or of an owner, which has none.
    shares: Mutex<HashMap<String, Weak<Semaphore>>>,
}

/// A run slot.
#[derive(Debug)]
pub(super) struct Place {
    _permits: [Option<OwnedSemaphorePermit>; 3],
}

impl Places {
    /// By default three quarters of all are for one host, and half of them for one owner.
    pub(super) fn new(settings: &Settings) -> Self {
        let all = settings.runs.min(Semaphore::MAX_PERMITS);
        let bounded = |runs: Option<usize>, default: usize| runs.unwrap_or(default.max(1)).min(all);
        Self {
            per_host: bounded(settings.runs_per_host, all - all / 4),
            per_owner: bounded(settings.runs_per_owner, all / 2),
            all: Arc::new(Semaphore::new(all)),
            shares: Mutex::default(),
        }
    }

    /// Waits for a slot.
    ///
    /// # Cancel safety
    ///
    /// Leaves the queue.
    pub(super) async fn take(&self, host: &str, owner: Option<&str>) -> Place {
        let owner = owner.map(|owner| self.share(owner, self.per_owner));
        let host = Some(self.share(host, self.per_host));
        let mut permits = [const { None }; 3];
        // That of all comes last: who waits for a share keeps nobody else from a place.
        let queues = [owner, host, Some(Arc::clone(&self.all))];
        for (permit, queue) in permits.iter_mut().zip(queues) {
            if let Some(queue) = queue {
                // It fails only if it is closed, which nobody does.
                *permit = queue.acquire_owned().await.ok();
            }
        }
        Place { _permits: permits }
    }

    fn share(&self, name: &str, places: usize) -> Arc<Semaphore> {
        let mut shares = lock(&self.shares);
        if let Some(share) = shares.get(name).and_then(Weak::upgrade) {
            return share;
        }
        shares.retain(|_, share| share.strong_count() > 0);
        let share = Arc::new(Semaphore::new(places));
        shares.insert(name.to_owned(), Arc::downgrade(&share));
        share
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::{Places, Settings};

    fn places(all: usize) -> Places {
        Places::new(&Settings::new("unused").max_runs(all))
    }

    #[test]
    fn one_host_leaves_places_to_others() {
        let places = places(8);
        let take = |host| places.take(host, None).now_or_never();
        let held: Vec<_> = (0..6).map(|_| take("dead.example").unwrap()).collect();
        assert!(take("dead.example").is_none());
        assert!(take("live.example").is_some());
        drop(held);
        assert!(take("dead.example").is_some());
    }

    #[test]
    fn one_owner_leaves_places_to_others_whatever_the_hosts() {
        let places = places(8);
        let take = |host: String, owner| places.take(&host, Some(owner)).now_or_never();
        let _held: Vec<_> = (0..4)
            .map(|i| take(format!("{i}.example"), "ann").unwrap())
            .collect();
        assert!(take("4.example".into(), "ann").is_none());
        assert!(take("0.example".into(), "bob").is_some());
        assert!(places.take("0.example", None).now_or_never().is_some());
    }

    #[test]
    fn shares_that_nobody_has_are_forgotten() {
        let places = places(2);
        for i in 0..1000 {
            let (host, owner) = (format!("{i}.example"), i.to_string());
            let taken = places.take(&host, Some(&owner)).now_or_never();
            assert!(taken.is_some());
        }
        assert!(places.shares.lock().unwrap().len() <= 4);
        assert_eq!(places.all.available_permits(), 2);
    }
}
