//! What killed commands leave in clones, and what then keeps every later command from its work.
//!
//! * The go command makes a clone by `git init` and then `git remote add origin`. What is there after the first counts
//!   as a clone for ever, and one without a remote can have nothing.
//! * git holds files with the extension `lock` while it changes others. One whose owner was killed stays.

use std::fs::{self, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

/// What git says of a clone without a remote, and of a lock.
const TELLING: [&str; 2] = [
    "'origin' does not appear to be a git repository",
    ".lock': File exists",
];

/// Whether git has come upon such a thing.
pub(super) fn is_needed(stdout: &[u8], stderr: &str) -> bool {
    let stdout = String::from_utf8_lossy(stdout);
    let tells = |text: &&str| stdout.contains(text) || stderr.contains(text);
    TELLING.iter().any(tells)
}

/// Removes it from the clones of a module cache. What a living command works at stays: it has a lock that ends with its
/// process, and nobody but the go command changes a clone.
///
/// # Errors
///
/// If a clone cannot be read or changed.
pub(super) fn mend(module_cache: &Path) -> io::Result<()> {
    let folder = module_cache.join("cache/vcs");
    for entry in fs::read_dir(&folder)? {
        let clone = entry?.path();
        let Some(name) = clone.file_name().filter(|_| clone.is_dir()) else {
            continue;
        };
        let mut lock = name.to_owned();
        lock.push(".lock");
        let lock = OpenOptions::new().write(true).open(folder.join(lock))?;
        match lock.try_lock() {
            Ok(()) if is_half_made(&clone)? => fs::remove_dir_all(&clone)?,
            Ok(()) => remove_locks(&clone)?,
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(())
}

/// Other version control systems have no such file.
fn is_half_made(clone: &Path) -> io::Result<bool> {
    match fs::read_to_string(clone.join("config")) {
        Ok(config) => Ok(!config.contains("[remote \"origin\"]")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// No branch and no tag has such a name (`man git-check-ref-format`).
fn remove_locks(clone: &Path) -> io::Result<()> {
    let mut folders = vec![clone.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let (entry, path) = entry.map(|entry| (entry.file_type(), entry.path()))?;
            if entry?.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "lock")
            {
                fs::remove_file(path)?;
            }
        }
    }
    Ok(())
}
