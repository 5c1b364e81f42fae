//! Clones of repositories that a killed command has left half made.
//!
//! The go command takes whatever is there for good, so one of them would keep a module from everybody until it is
//! removed. The go command has a lock for each clone, which is taken here too.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::folder::{entries, found, remove};

/// How long the name of a clone is: a SHA-256, in hexadecimal digits.
const NAME: usize = 64;

/// Removes what killed commands have left in the clones of a module cache: locks, parts of packs, and clones that were
/// never finished. Returns whether it could look into all of them: where a command is at work it cannot.
pub(super) fn mend(modules: &Path) -> io::Result<bool> {
    let mut all = true;
    for entry in entries(&folder(modules))? {
        let clone = entry.path();
        if !entry.file_type()?.is_dir() {
            continue;
        }
        match lock(&clone)? {
            Some(_lock) => mend_clone(&clone)?,
            None => all = false,
        }
    }
    Ok(all)
}

fn mend_clone(clone: &Path) -> io::Result<()> {
    forget_nobody(clone)?;
    if !clone.join("objects").is_dir() {
        return Ok(());
    }
    match is_finished(clone)? {
        true => remove_remains(clone),
        false => empty(clone),
    }
}

/// The go command writes whose a clone is into a file beside it. With an empty one it takes the clone for that of
/// somebody else; without one it begins anew.
fn forget_nobody(clone: &Path) -> io::Result<()> {
    let info = clone.with_extension("info");
    match found(fs::metadata(&info))? {
        Some(metadata) if metadata.len() == 0 => remove(&info),
        _ => Ok(()),
    }
}

/// Removes the clone of which a message tells, and returns whether there was one.
pub(super) fn discard(modules: &Path, message: &str) -> io::Result<bool> {
    /// In all a second, which is far more than another command needs to see that the clone is broken. A lock cannot be
    /// waited for any better.
    const TRIES: usize = 50;

    let Some(clone) = named_in(message).map(|name| folder(modules).join(name)) else {
        return Ok(false);
    };
    for _ in 0..TRIES {
        if let Some(_lock) = lock(&clone)? {
            forget_nobody(&clone)?;
            empty(&clone)?;
            return Ok(true);
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(false)
}

fn folder(modules: &Path) -> PathBuf {
    modules.join("mod/cache/vcs")
}

/// The name of a clone behind `cache/vcs/`.
fn named_in(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("cache/vcs/")?;
    let name = rest.get(..NAME)?;
    name.bytes()
        .all(|byte| byte.is_ascii_hexdigit())
        .then_some(name)
}

/// The lock of the go command, if nobody has it.
fn lock(clone: &Path) -> io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let file = options.open(clone.with_extension("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// The go command makes a clone, then says where it comes from.
fn is_finished(clone: &Path) -> io::Result<bool> {
    let config = found(fs::read(clone.join("config")))?.unwrap_or_default();
    let config = String::from_utf8_lossy(&config);
    Ok(clone.join("HEAD").is_file() && config.contains("[remote \"origin\"]"))
}

/// Leaves the folder itself: a command that waits for the lock begins anew in it.
fn empty(clone: &Path) -> io::Result<()> {
    for entry in entries(clone)? {
        remove(&entry.path())?;
    }
    Ok(())
}

/// git names its locks and what it has not finished yet so, and no branch and no object.
fn remove_remains(clone: &Path) -> io::Result<()> {
    let mut folders = vec![clone.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in entries(&folder)? {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.ends_with(".lock") || name.starts_with("tmp_") {
                remove(&entry.path())?;
            } else if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::named_in;

    #[test]
    fn the_clone_of_a_message_is_found() {
        let name = "3ae7ea8af4351f9fb5025f0708acc0c3cc117464cc1eb3af9b807d3b14a70027";
        let text = format!("m@v1: git archive in /srv/mod/cache/vcs/{name}: exit status 128:");
        assert_eq!(named_in(&text), Some(name));
        for text in [
            "",
            "in /srv/mod/cache/vcs/../../..",
            "in /srv/mod/cache/vcs/3ae7",
        ] {
            assert_eq!(named_in(text), None);
        }
    }
}
