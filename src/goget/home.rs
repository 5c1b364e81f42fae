//! A private folder: the home of commands, and where they run. One for all of a process, and one for each run that has
//! credentials of its own.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::config::Config;
use super::environment::{NETRC, go_netrc};
use super::git::{STORE, git_netrc, store};

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
    /// Makes the folder.
    pub(super) fn new(config: &Config) -> io::Result<Self> {
        let home = loop {
            // A sweep by another process may have come between the folder and its lock.
            if let Some(home) = Self::locked(config)? {
                break home;
            }
        };
        fs::create_dir(home.work())?;
        for (name, text) in [
            (NETRC, go_netrc(config)),
            (".netrc", git_netrc(config)),
            (STORE, store(config)),
        ] {
            fs::write(home.path().join(name), text)?;
        }
        // Else go leaves processes behind that write telemetry.
        let telemetry = home.path().join(".config/go/telemetry");
        fs::create_dir_all(&telemetry)?;
        fs::write(telemetry.join("mode"), "off")?;
        Ok(home)
    }

    fn locked(config: &Config) -> io::Result<Option<Self>> {
        fs::create_dir_all(&config.cache)?;
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            builder.permissions(fs::Permissions::from_mode(0o700));
        }
        let dir = builder.tempdir_in(&config.cache)?;
        let path = dir.path().join(LOCK);
        let lock = File::create(&path)?;
        // Where the file system knows no locks, a sweep cannot take one either and leaves the folder alone.
        let swept =
            matches!(lock.try_lock(), Err(TryLockError::WouldBlock)) || !path.try_exists()?;
        Ok((!swept).then_some(Self { dir, _lock: lock }))
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
}

/// Removes the folders of processes that are gone.
pub(super) fn sweep(config: &Config) -> io::Result<()> {
    fs::create_dir_all(&config.cache)?;
    for entry in fs::read_dir(&config.cache)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let lock = entry.path().join(LOCK);
        // One without the file is just being made.
        let opened = OpenOptions::new().read(true).write(true).open(lock);
        if opened.is_ok_and(|lock| lock.try_lock().is_ok()) {
            match fs::remove_dir_all(entry.path()) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                // Another process was faster.
                _ => {}
            }
        }
    }
    Ok(())
}
