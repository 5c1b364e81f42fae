//! Who may use the module cache: any number of commands, or one clean-up. This holds for all processes that share the
//! folder, by locks on two files.
//!
//! Whoever wants either goes through a gate first. A clean-up closes it, so that no new command keeps it waiting.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use super::folder;

const GATE: &str = "gate.lock";
const RUNS: &str = "runs.lock";

/// For how long a clean-up waits at least: to pass the gate takes a moment.
const MOMENT: Duration = Duration::from_millis(20);

/// The share of a job.
#[derive(Debug)]
pub(super) struct Shared(File);

impl Shared {
    /// The same share, for the standard input of a command, which has nothing to read there. So it holds it for as long
    /// as it lives, even where the server is killed.
    pub(super) fn for_command(&self) -> io::Result<Stdio> {
        self.0.try_clone().map(Stdio::from)
    }
}

/// The share of a job, or `None` while there is a clean-up.
///
/// # Errors
///
/// If the file cannot be made or locked. Where the file system knows no locks, there are no clean-ups either.
pub(super) fn try_shared(folder: &Path) -> io::Result<Option<Shared>> {
    folder::make(folder)?;
    let gate = open(folder, GATE)?;
    if !shares(&gate)? {
        return Ok(None);
    }
    let runs = open(folder, RUNS)?;
    Ok(shares(&runs)?.then_some(Shared(runs)))
}

fn shares(file: &File) -> io::Result<bool> {
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) if error.kind() != io::ErrorKind::Unsupported => Err(error),
        _ => Ok(true),
    }
}

/// The lock of a clean-up.
#[derive(Debug)]
pub(super) struct Alone {
    _gate: File,
    _runs: File,
}

/// Closes the gate, and waits until the last command has ended, but no longer than this. Blocks the thread.
///
/// # Errors
///
/// `WouldBlock` if a command still runs.
pub(super) fn alone(folder: &Path, patience: Duration) -> io::Result<Alone> {
    folder::make(folder)?;
    let until = Instant::now() + patience.max(MOMENT);
    let gate = open(folder, GATE)?;
    wait(&gate, until)?;
    let runs = open(folder, RUNS)?;
    wait(&runs, until)?;
    Ok(Alone {
        _gate: gate,
        _runs: runs,
    })
}

/// Asks again and again: the system has no lock that gives up at a moment.
fn wait(file: &File, until: Instant) -> io::Result<()> {
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if Instant::now() >= until => {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(2)),
        }
    }
}

fn open(folder: &Path, name: &str) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options.open(folder.join(name))
}
