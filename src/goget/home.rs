//! A private folder for each job: the home of its commands, where they run, and where they put what is temporary.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::config::Config;
use super::environment::{NETRC, go_netrc};
use super::folder::entries;
use super::git::{STORE, git_netrc, store};
use super::lock::{Alone, Shared};
use super::trash::Trash;
use super::{orphans, ssh};

/// Each begins so; what is left of a process that is gone is found by it.
const PREFIX: &str = "home-";
/// A file that a living process holds a lock on.
const LOCK: &str = "lock";

/// Holds credentials, so nobody else may read it. Goes away with this value.
#[derive(Debug)]
pub(super) struct Home {
    dir: TempDir,
    _lock: File,
}

impl Home {
    /// Makes the folder. While a job has its share of the lock, nobody sweeps.
    pub(super) fn new(config: &Config, _: &Shared) -> io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            builder.permissions(fs::Permissions::from_mode(0o700));
        }
        let dir = builder.tempdir_in(&config.cache)?;
        let lock = File::create(dir.path().join(LOCK))?;
        // Who looks for orphans may have it for a moment. Where the file system knows no locks, nobody does.
        match lock.lock() {
            Err(error) if error.kind() != io::ErrorKind::Unsupported => return Err(error),
            _ => {}
        }
        let home = Self { dir, _lock: lock };
        fs::create_dir(home.work())?;
        fs::create_dir(home.temporary())?;
        for (name, text) in [
            (NETRC, go_netrc(config)),
            (".netrc", git_netrc(config)),
            (STORE, store(config)),
            (ssh::CONFIG, ssh::config(config)),
        ] {
            fs::write(home.path().join(name), text)?;
        }
        // Else go leaves processes behind that write telemetry.
        let telemetry = home.path().join(".config/go/telemetry");
        fs::create_dir_all(&telemetry)?;
        fs::write(telemetry.join("mode"), "off")?;
        Ok(home)
    }

    /// Removes the folder, as a drop does, and says whether that was possible.
    pub(super) fn remove(self) -> io::Result<()> {
        self.dir.close()
    }

    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// An empty folder.
    pub(super) fn work(&self) -> PathBuf {
        self.path().join("work")
    }

    /// A folder for temporary files.
    pub(super) fn temporary(&self) -> PathBuf {
        self.path().join("tmp")
    }
}

/// Kills what runs for servers that are gone. Their homes stay until the next sweep.
pub(super) fn kill_orphans(folder: &Path) -> io::Result<()> {
    abandoned(folder, orphans::kill).map(drop)
}

/// Removes what is left of servers that are gone.
pub(super) fn sweep(folder: &Path, trash: &mut Trash, _: &Alone) -> io::Result<()> {
    abandoned(folder, |home| {
        orphans::kill(home)?;
        trash.take(home)
    })
    .map(drop)
}

/// Whether a sweep would find anything.
pub(super) fn has_abandoned(folder: &Path) -> io::Result<bool> {
    abandoned(folder, |_| Ok(())).map(|homes| homes > 0)
}

/// Does this with each home that no living process has, and says how many there are. The lock is held meanwhile, so
/// that a home which is just being made has no command yet.
fn abandoned(folder: &Path, mut act: impl FnMut(&Path) -> io::Result<()>) -> io::Result<usize> {
    let mut homes = 0;
    for entry in entries(folder)? {
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let lock = OpenOptions::new()
            .read(true)
            .write(true)
            .open(entry.path().join(LOCK));
        let is_abandoned = match &lock {
            Ok(lock) => lock.try_lock().is_ok(),
            // Its server was killed before it had made one, or is just about to.
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        if is_abandoned {
            homes += 1;
            act(&entry.path())?;
        }
    }
    Ok(homes)
}

#[cfg(test)]
mod tests {
    use super::{Config, Home, has_abandoned, kill_orphans};
    use std::sync::atomic::{AtomicBool, Ordering};

    use crate::goget::clean::sweep;
    use crate::goget::folder::remove;
    use crate::goget::lock::try_shared;

    #[test]
    fn only_homes_without_a_server_are_abandoned() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::new(folder.path());
        let lock = try_shared(folder.path()).unwrap().unwrap();
        let home = Home::new(&config, &lock).unwrap();
        assert!(!has_abandoned(folder.path()).unwrap());
        let left = folder.path().join("home-left");
        std::fs::create_dir(&left).unwrap();
        assert!(has_abandoned(folder.path()).unwrap());
        kill_orphans(folder.path()).unwrap();
        assert!(home.work().is_dir() && left.is_dir());
        remove(&left).unwrap();
        assert!(!has_abandoned(folder.path()).unwrap());
    }

    /// As when other processes start meanwhile.
    #[test]
    fn a_folder_that_is_being_made_is_not_swept_away() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::new(folder.path());
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    sweep(folder.path()).unwrap();
                }
            });
            for _ in 0..100 {
                let lock = loop {
                    if let Some(lock) = try_shared(folder.path()).unwrap() {
                        break lock;
                    }
                };
                let home = Home::new(&config, &lock);
                if home.as_ref().is_ok_and(|home| home.work().is_dir()) {
                    continue;
                }
                done.store(true, Ordering::Relaxed);
                panic!("{home:?}");
            }
            done.store(true, Ordering::Relaxed);
        });
    }
}
