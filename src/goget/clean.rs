//! Keeps the module cache within its bounds.
//!
//! What goes is chosen while commands run, and moved aside in a moment without any. Deleting takes longest, and comes
//! last. The bounds are for the caches of all owners together.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::folder::entries;
use super::items::{Item, scan};
use super::trash::Trash;
use super::{home, lock};

/// What was used this lately stays in any case: somebody may be about to open it.
const IN_USE: Duration = Duration::from_secs(10 * 60);

/// The folder with the module caches of owners, one for each.
pub(super) const OWNERS: &str = "owners";

/// How much may stay.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) bytes: u64,
    pub(super) age: Duration,
}

/// How a clean-up is done.
#[derive(Clone, Copy, Debug)]
pub(super) struct How {
    /// For how long it keeps new commands waiting until those that run have ended.
    pub(super) patience: Duration,
    /// The disk is full: half of what there is goes, whatever the bounds.
    pub(super) is_full: bool,
}

/// Removes what is too old, then what was not used for longest until the rest is small enough. Returns how many bytes
/// that was.
///
/// # Errors
///
/// `WouldBlock` if a command is running somewhere; else the first thing that could not be removed, after all others.
pub(super) fn clean(folder: &Path, bounds: Bounds, how: How) -> io::Result<u64> {
    let owners: Vec<PathBuf> = entries(&folder.join(OWNERS))?
        .into_iter()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect();
    let mut items = Vec::new();
    for folder in owners.iter().map(PathBuf::as_path).chain([folder]) {
        items.extend(scan(&folder.join("mod"))?);
    }
    let (go, stay) = choose(items, bounds, how.is_full);
    let stay: BTreeSet<PathBuf> = stay.into_iter().map(|item| item.root).collect();
    // What is left there are locks and lists.
    let empty: Vec<PathBuf> = owners
        .into_iter()
        .filter(|owner| !stay.contains(&owner.join("mod")))
        .collect();
    let mut trash = Trash::new(folder);
    if go.is_empty() && empty.is_empty() && !home::has_abandoned(folder)? {
        return trash.empty().map(|()| 0);
    }
    home::kill_orphans(folder)?;
    let alone = lock::alone(folder, how.patience)?;
    let (mut bytes, mut result) = (0, home::sweep(folder, &mut trash, &alone));
    let mut kept = BTreeSet::new();
    for item in go {
        match take(&item, &mut trash) {
            Ok(true) => bytes += item.bytes,
            Ok(false) => drop(kept.insert(item.root)),
            Err(error) => {
                kept.insert(item.root);
                result = result.and(Err(error));
            }
        }
    }
    for owner in empty {
        if !kept.contains(&owner.join("mod")) {
            result = result.and(trash.take(&owner));
        }
    }
    drop(alone);
    result.and(trash.empty()).map(|()| bytes)
}

/// Ends what runs for servers that are gone, and removes their homes unless a command of another one runs.
///
/// # Errors
///
/// If that cannot be done.
pub(super) fn sweep(folder: &Path) -> io::Result<()> {
    /// What was killed has ended by then.
    const PATIENCE: Duration = Duration::from_millis(200);

    if !home::has_abandoned(folder)? {
        return Ok(());
    }
    home::kill_orphans(folder)?;
    let mut trash = Trash::new(folder);
    match lock::alone(folder, PATIENCE) {
        Ok(alone) => home::sweep(folder, &mut trash, &alone)?,
        // The next clean-up does it.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::WouldBlock | io::ErrorKind::Unsupported
            ) => {}
        Err(error) => return Err(error),
    }
    trash.empty()
}

/// What goes, and what stays.
fn choose(mut items: Vec<Item>, bounds: Bounds, is_full: bool) -> (Vec<Item>, Vec<Item>) {
    items.sort_by_key(|item| item.used);
    let mut total: u64 = items.iter().map(|item| item.bytes).sum();
    let most = match is_full {
        true => bounds.bytes.min(total / 2),
        false => bounds.bytes,
    };
    let now = SystemTime::now();
    items.into_iter().partition(|item| {
        let age = item.used.and_then(|used| now.duration_since(used).ok());
        let age = age.unwrap_or_default();
        let goes = age > IN_USE && (age > bounds.age || total > most || item.is_waste);
        if goes {
            total -= item.bytes;
        }
        goes
    })
}

/// Moves an item aside, unless somebody has used it meanwhile.
fn take(item: &Item, trash: &mut Trash) -> io::Result<bool> {
    if item.is_used_since()? {
        return Ok(false);
    }
    let mut result = Ok(());
    for path in &item.paths {
        result = result.and(trash.take(path));
        // The folders above that have nothing left.
        let mut above = path.parent();
        while let Some(folder) = above.filter(|at| at.starts_with(&item.root) && **at != item.root)
        {
            if fs::remove_dir(folder).is_err() {
                break;
            }
            above = folder.parent();
        }
    }
    result.map(|()| true)
}
