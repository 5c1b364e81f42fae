//! The private folder of one process: the home of its commands, and where they run.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::config::Config;
use super::environment::{NETRC, netrc};

/// Each begins so; what is left of a process that is gone is found by it.
const PREFIX: &str = "home-";
/// A file that a living process holds a lock on.
const LOCK: &str = "lock";

/// Holds a netrc file, so nobody else may read it. Goes away with this value.
#[derive(Debug)]
pub(super) struct Home {
    dir: TempDir,
    _lock: File,
}

impl Home {
    /// Makes the folder, and removes those of processes that are gone.
    pub(super) fn new(config: &Config) -> io::Result<Self> {
        fs::create_dir_all(&config.cache)?;
        sweep(&config.cache)?;
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            builder.permissions(fs::Permissions::from_mode(0o700));
        }
        let dir = builder.tempdir_in(&config.cache)?;
        let lock = File::create(dir.path().join(LOCK))?;
        // Where the file system knows no locks, a sweep cannot take one either and leaves the folder alone.
        let _ = lock.try_lock();
        let home = Self { dir, _lock: lock };
        fs::create_dir(home.work())?;
        fs::write(home.path().join(NETRC), netrc(config))?;
        // Else go leaves processes behind that write telemetry.
        let telemetry = home.path().join(".config/go/telemetry");
        fs::create_dir_all(&telemetry)?;
        fs::write(telemetry.join("mode"), "off")?;
        Ok(home)
    }

    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// An empty folder.
    pub(super) fn work(&self) -> PathBuf {
        self.path().join("work")
    }
}

fn sweep(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
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
