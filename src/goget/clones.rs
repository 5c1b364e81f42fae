//! The clones that stay between runs: one folder for each owner, which is `cache/vcs` in the module caches of its runs.
//!
//! The go command names a clone by a hash, and takes `<hash>.lock` when it changes it. That lock is taken here too, and
//! never waited for.

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, TryLockError};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;
use tokio::time::Instant;

use super::folder::{age, entries, found, make, remove, size};
use super::sandbox::{ASIDE, lock_folder, sweep};
use super::settings::Settings;

/// The time between two clean-ups, at least.
const PAUSE: Duration = Duration::from_secs(10 * 60);
/// A clone that was used this lately stays: a run may be reading it.
const IN_USE: Duration = Duration::from_secs(10 * 60);
/// The time after which a clone may be tried with an empty one in its place again.
const RETRY: Duration = Duration::from_secs(60 * 60);

/// The clones of a service.
#[derive(Debug)]
pub(super) struct Clones {
    /// The folder of the service.
    folder: PathBuf,
    most: u64,
    oldest: Duration,
    /// When a clone was tried with an empty one in its place.
    retried: Mutex<HashMap<PathBuf, Instant>>,
    /// When the next clean-up is due; none before the first. Held by the one that runs.
    next: Mutex<Option<Instant>>,
}

/// The clones of one owner, while one run uses them.
#[derive(Debug)]
pub(super) struct Lent {
    folder: PathBuf,
    /// Which there were before the run.
    warm: BTreeSet<String>,
    opened: opened::Watch,
    /// Keeps the folder from being removed.
    _lock: File,
}

impl Clones {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            folder: settings.folder.clone(),
            most: settings.max_clones_size,
            oldest: settings.max_clones_age,
            retried: Mutex::default(),
            next: Mutex::default(),
        }
    }

    /// The clones of an owner, or those for everyone. Blocks the thread.
    pub(super) fn lend(&self, owner: Option<&str>) -> io::Result<Lent> {
        let folder = self.all().join(owner.unwrap_or("everyone"));
        loop {
            make(&folder)?;
            // Another server may remove it before it is locked.
            if let Some(lock) = lock_folder(&folder, File::lock_shared)? {
                return Ok(Lent {
                    warm: names(&folder)?,
                    opened: opened::Watch::new(&folder),
                    folder,
                    _lock: lock,
                });
            }
        }
    }

    fn all(&self) -> PathBuf {
        self.folder.join("clones")
    }

    /// Whether a run that failed may be tried again with empty clones: it has used one that was there before, for which
    /// that was not done lately.
    pub(super) fn may_retry(&self, lent: &Lent) -> bool {
        let now = Instant::now();
        // Nothing leaves it half changed.
        let mut retried = self.retried.lock().unwrap_or_else(PoisonError::into_inner);
        retried.retain(|_, at| now.duration_since(*at) < RETRY);
        let used = lent.used();
        let mut may = false;
        for name in used.intersection(&lent.warm) {
            may |= retried.insert(lent.folder.join(name), now).is_none();
        }
        may
    }

    /// Removes what is too old, then what was not used for longest until the rest is small enough, if that is due.
    /// `is_full` makes it due, and leaves only clones in use. Returns how many bytes that was. Blocks the thread.
    pub(super) fn clean_if_due(&self, is_full: bool) -> io::Result<u64> {
        let mut next = match self.next.try_lock() {
            Ok(next) => next,
            Err(TryLockError::Poisoned(next)) => next.into_inner(),
            // Another one cleans.
            Err(TryLockError::WouldBlock) => return Ok(0),
        };
        let now = Instant::now();
        if !is_full && next.is_some_and(|next| now < next) {
            return Ok(0);
        }
        *next = Some(now + PAUSE);
        self.clean(if is_full { 0 } else { self.most })
    }

    fn clean(&self, most: u64) -> io::Result<u64> {
        let mut items = Vec::new();
        for owner in entries(&self.all())? {
            for name in names(&owner.path())? {
                let path = owner.path().join(&name);
                items.push((used(&path)?, size(&path)?, path));
            }
        }
        items.sort();
        let mut total: u64 = items.iter().map(|(_, bytes, _)| bytes).sum();
        let mut removed = 0;
        // Removed when this returns.
        let aside = aside(&self.folder)?;
        for (at, bytes, path) in items {
            let age = SystemTime::now().duration_since(at).unwrap_or_default();
            let goes = age > IN_USE && (age > self.oldest || total > most);
            if goes && take(&path, aside.path(), at)? {
                total -= bytes;
                removed += bytes;
            }
        }
        for owner in entries(&self.all())? {
            let path = owner.path();
            if names(&path)?.is_empty() && age(&path)? > self.oldest.max(IN_USE) {
                // What is left are locks of the go command. A run holds a share.
                let lock = File::open(&path)?;
                if lock.try_lock().is_ok() {
                    move_into(aside.path(), &path)?;
                }
            }
        }
        aside.close()?;
        // Of other servers with the same folder.
        sweep(&self.folder)?;
        Ok(removed)
    }
}

impl Lent {
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Which clones the run has used, or others have meanwhile.
    fn used(&self) -> BTreeSet<String> {
        // Where that cannot be seen, it may be any of them.
        self.opened.names().unwrap_or_else(|| self.warm.clone())
    }

    /// Notes that the run has used its clones just now.
    pub(super) fn mark(&self) -> io::Result<()> {
        for name in self.used() {
            if let Some(file) = found(File::open(lock_of(&self.folder.join(name))))? {
                file.set_modified(SystemTime::now())?;
            }
        }
        Ok(())
    }

    /// Puts clones of another folder in the place of those of the same names. One that is in use stays.
    pub(super) fn adopt(&self, fresh: &Path, of_service: &Path) -> io::Result<()> {
        let aside = aside(of_service)?;
        for name in names(fresh)? {
            let (new, old) = (fresh.join(&name), self.folder.join(&name));
            let Some(_lock) = lock(&old)? else {
                continue;
            };
            move_into(aside.path(), &old)?;
            fs::rename(&new, &old)?;
            fs::rename(info_of(&new), info_of(&old))?;
        }
        aside.close()
    }
}

/// Moves a clone aside, unless somebody has it, or has used it meanwhile.
fn take(clone: &Path, aside: &Path, last_used: SystemTime) -> io::Result<bool> {
    let Some(_lock) = lock(clone)? else {
        return Ok(false);
    };
    if used(clone)? > last_used {
        return Ok(false);
    }
    move_into(aside, clone)?;
    // Without it the go command begins anew.
    remove(&info_of(clone))?;
    Ok(true)
}

/// A folder for what is to be removed: it is moved there first, which takes no time.
fn aside(folder: &Path) -> io::Result<TempDir> {
    make(folder)?;
    tempfile::Builder::new().prefix(ASIDE).tempdir_in(folder)
}

fn move_into(aside: &Path, path: &Path) -> io::Result<()> {
    let target = tempfile::Builder::new().tempdir_in(aside)?.keep();
    found(fs::rename(path, target.join("it"))).map(drop)
}

/// The clones in a folder.
fn names(folder: &Path) -> io::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in entries(folder)? {
        let name = entry.file_name().to_string_lossy().into_owned();
        if is_name(&name) && entry.file_type()?.is_dir() {
            names.insert(name);
        }
    }
    Ok(names)
}

/// A SHA-256, in hexadecimal digits.
fn is_name(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The go command writes into it whose a clone is.
fn info_of(clone: &Path) -> PathBuf {
    clone.with_extension("info")
}

fn lock_of(clone: &Path) -> PathBuf {
    clone.with_extension("lock")
}

/// When a clone was used last.
fn used(clone: &Path) -> io::Result<SystemTime> {
    let mut last = SystemTime::UNIX_EPOCH;
    for path in [lock_of(clone), info_of(clone), clone.to_owned()] {
        if let Some(metadata) = found(fs::metadata(path))? {
            last = last.max(metadata.modified()?);
        }
    }
    Ok(last)
}

/// The lock of the go command, if nobody has it.
fn lock(clone: &Path) -> io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let file = options.open(lock_of(clone))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(error),
    }
}

/// Which locks of clones are opened. The go command opens that of each clone which it uses.
mod opened {
    use std::collections::BTreeSet;
    use std::path::Path;

    /// The names since the beginning. `None` where that cannot be seen: not on Linux, or out of watches.
    #[derive(Debug)]
    pub(super) struct Watch(#[cfg(target_os = "linux")] Option<std::os::fd::OwnedFd>);

    #[cfg(target_os = "linux")]
    impl Watch {
        pub(super) fn new(folder: &Path) -> Self {
            use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};

            let begun = init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC);
            let begun = begun.and_then(|fd| add_watch(&fd, folder, WatchFlags::OPEN).map(|_| fd));
            Self(begun.ok())
        }

        /// Those since the last call. `None` if they are not known.
        pub(super) fn names(&self) -> Option<BTreeSet<String>> {
            use rustix::fs::inotify::Reader;
            use rustix::io::Errno;

            let mut names = BTreeSet::new();
            let mut buffer = [std::mem::MaybeUninit::uninit(); 4096];
            let mut reader = Reader::new(self.0.as_ref()?, &mut buffer);
            loop {
                match reader.next() {
                    Ok(event) => {
                        let name = event.file_name().and_then(|name| name.to_str().ok());
                        let name = name.and_then(|name| name.strip_suffix(".lock"));
                        names.extend(name.filter(|name| super::is_name(name)).map(str::to_owned));
                    }
                    Err(Errno::WOULDBLOCK) => return Some(names),
                    Err(Errno::INTR) => {}
                    Err(_) => return None,
                }
            }
        }
    }

    #[cfg(not(target_os = "linux"))]
    impl Watch {
        pub(super) fn new(_: &Path) -> Self {
            Self()
        }

        pub(super) fn names(&self) -> Option<BTreeSet<String>> {
            None
        }
    }
}
