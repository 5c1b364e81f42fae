//! The clones that stay between runs: one folder for each owner, which is `cache/vcs` in the module caches of its runs.
//!
//! The go command names a clone by a hash, and takes `<hash>.lock` when it changes it. That lock is taken here too, and
//! never waited for. Everything here blocks the thread.

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, TryLockError};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::folder::{changed, entries, found, locked, make, size, temporary};
use super::settings::Settings;
use crate::lock::lock;

/// What is being removed is moved into a folder of such a name first, which takes no time.
pub(super) const ASIDE: &str = "old-";

/// The time between two clean-ups, at least.
const PAUSE: Duration = Duration::from_secs(10 * 60);
/// A clone that was used this lately stays: a run may be reading it.
const IN_USE: Duration = Duration::from_secs(10 * 60);
/// The time after which a clone may be tried with an empty one in its place again.
const RETRY: Duration = Duration::from_secs(60 * 60);

/// What is known of the clones of a service.
#[derive(Debug, Default)]
pub(super) struct Clones {
    /// When a clone was tried with an empty one in its place.
    retried: Mutex<HashMap<PathBuf, Instant>>,
    /// When the next clean-up is due; none before the first. Held by the one that runs.
    next: Mutex<Option<Instant>>,
}

/// The clones of one owner, while one run uses them.
#[derive(Debug)]
pub(super) struct Lent {
    pub(super) folder: PathBuf,
    /// Which there were before the run.
    warm: BTreeSet<String>,
    used: Mutex<BTreeSet<String>>,
    /// Keeps the folder from being removed.
    _lock: File,
}

/// The clones of all owners.
fn all(settings: &Settings) -> PathBuf {
    settings.folder.join("clones")
}

impl Clones {
    /// Whether a run that failed may be tried again with empty clones: it has used one that was there before, for which
    /// that was not done lately.
    pub(super) fn may_retry(&self, lent: &Lent) -> bool {
        let now = Instant::now();
        let mut retried = lock(&self.retried);
        retried.retain(|_, at| now.duration_since(*at) < RETRY);
        let mut may = false;
        for name in lock(&lent.used).intersection(&lent.warm) {
            may |= retried.insert(lent.folder.join(name), now).is_none();
        }
        may
    }

    /// Removes what is too old, then what was not used for longest until the rest is small enough, if that is due.
    /// `is_full` makes it due, and leaves only clones in use. Returns how many bytes that were.
    pub(super) fn clean_if_due(
        &self,
        settings: &Settings,
        is_full: bool,
    ) -> io::Result<Option<u64>> {
        let mut next = match self.next.try_lock() {
            Ok(next) => next,
            Err(TryLockError::Poisoned(next)) => next.into_inner(),
            // Another one cleans.
            Err(TryLockError::WouldBlock) => return Ok(None),
        };
        let now = Instant::now();
        if !is_full && next.is_some_and(|next| now < next) {
            return Ok(None);
        }
        *next = Some(now + PAUSE);
        let most = if is_full { 0 } else { settings.max_clones_size };
        clean(settings, most).map(Some)
    }
}

fn clean(settings: &Settings, most: u64) -> io::Result<u64> {
    let owners = entries(&all(settings))?;
    let mut items = Vec::new();
    for owner in &owners {
        for name in names(&owner.path())? {
            let path = owner.path().join(&name);
            items.push((changed(&lock_of(&path))?, size(&path)?, path));
        }
    }
    items.sort();
    let mut total: u64 = items.iter().map(|(_, bytes, _)| bytes).sum();
    let mut removed = 0;
    // Removed when this returns.
    let (aside, _lock) = temporary(&settings.folder, ASIDE)?;
    let now = SystemTime::now();
    let age = |at| now.duration_since(at).unwrap_or_default();
    for (i, (at, bytes, path)) in items.into_iter().enumerate() {
        let goes = age(at) > IN_USE && (age(at) > settings.max_clones_age || total > most);
        if goes && take(&path, &aside.path().join(i.to_string()), at)? {
            total -= bytes;
            removed += bytes;
        }
    }
    for owner in owners {
        let path = owner.path();
        if names(&path)?.is_empty() && age(changed(&path)?) > settings.max_clones_age.max(IN_USE) {
            // What is left are locks of the go command. A run holds a share.
            let lock = File::open(&path)?;
            if lock.try_lock().is_ok() {
                fs::rename(&path, aside.path().join(owner.file_name()))?;
            }
        }
    }
    aside.close()?;
    Ok(removed)
}

impl Lent {
    /// The clones of an owner, or those for everyone.
    pub(super) fn new(settings: &Settings, owner: Option<&str>) -> io::Result<Self> {
        let folder = all(settings).join(owner.unwrap_or("everyone"));
        let (_, lock) = locked(|| make(&folder).map(|()| &folder), File::lock_shared)?;
        Ok(Self {
            warm: names(&folder)?,
            folder,
            used: Mutex::default(),
            _lock: lock,
        })
    }

    /// The run uses the clone of this name, which something may follow.
    pub(super) fn note(&self, name: &str) {
        let name = name.split('.').next().unwrap_or_default();
        if name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            // Old clones go away, also while a run uses them. If it cannot be marked it is marked at the end.
            let _ = self.touch(name);
            lock(&self.used).insert(name.to_owned());
        }
    }

    fn touch(&self, name: &str) -> io::Result<()> {
        let file = found(File::open(lock_of(&self.folder.join(name))))?;
        file.map_or(Ok(()), |file| file.set_modified(SystemTime::now()))
    }

    /// Notes that the run has used its clones just now.
    pub(super) fn mark(&self) -> io::Result<()> {
        lock(&self.used)
            .iter()
            .try_for_each(|name| self.touch(name))
    }

    /// Puts clones of the folder of a run in the place of those of the same names. One that is in use stays.
    pub(super) fn adopt(&self, fresh: &Path) -> io::Result<()> {
        for name in names(fresh)? {
            let (new, old) = (fresh.join(&name), self.folder.join(&name));
            if let Some(lock) = try_lock(&old)? {
                // It goes away with the run.
                found(fs::rename(&old, new.with_extension("old")))?;
                fs::rename(&new, &old)?;
                fs::rename(info_of(&new), info_of(&old))?;
                lock.set_modified(SystemTime::now())?;
            }
        }
        Ok(())
    }
}

/// Moves a clone aside, unless somebody has it, or has used it meanwhile.
fn take(clone: &Path, aside: &Path, last_used: SystemTime) -> io::Result<bool> {
    let Some(_lock) = try_lock(clone)? else {
        return Ok(false);
    };
    if changed(&lock_of(clone))? > last_used {
        return Ok(false);
    }
    found(fs::rename(clone, aside))?;
    // Without it the go command begins anew.
    found(fs::remove_file(info_of(clone)))?;
    Ok(true)
}

/// The clones in a folder.
fn names(folder: &Path) -> io::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in entries(folder)? {
        let name = entry.file_name().to_string_lossy().into_owned();
        // A SHA-256, in hexadecimal digits.
        let is_hash = name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_hash && entry.file_type()?.is_dir() {
            names.insert(name);
        }
    }
    Ok(names)
}

/// The go command writes into it whose a clone is.
fn info_of(clone: &Path) -> PathBuf {
    clone.with_extension("info")
}

/// It is changed when the clone is used.
fn lock_of(clone: &Path) -> PathBuf {
    clone.with_extension("lock")
}

/// The lock of the go command, if nobody has it.
fn try_lock(clone: &Path) -> io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let file = options.open(lock_of(clone))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(error),
    }
}
