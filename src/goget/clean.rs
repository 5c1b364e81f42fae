//! Keeps the module cache within its bounds.
//!
//! Every job holds a shared lock on a file, in whichever process it is; a clean-up needs the lock for itself alone. So
//! nothing is removed under a command, and none starts meanwhile. The bounds are for the caches of all owners together.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

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

/// What is removed as one: the files of a version, or the clone of a repository.
#[derive(Debug, Default)]
struct Item {
    /// Folders above this one stay.
    root: PathBuf,
    paths: Vec<PathBuf>,
    bytes: u64,
    used: Option<SystemTime>,
}

/// The lock of a job. Waits while there is a clean-up.
pub(super) fn lock_for_job(folder: &Path) -> io::Result<File> {
    let file = lock_file(folder)?;
    match file.lock_shared() {
        // Where the file system knows no locks, a clean-up cannot have one either, and there is none.
        Err(error) if error.kind() != io::ErrorKind::Unsupported => Err(error),
        _ => Ok(file),
    }
}

/// Removes what is too old, then what was not used for longest until the rest is small enough. Returns how many bytes
/// that was.
///
/// # Errors
///
/// `WouldBlock` if a command is running somewhere.
pub(super) fn clean(folder: &Path, bounds: Bounds) -> io::Result<u64> {
    let file = lock_file(folder)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(io::ErrorKind::WouldBlock.into()),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    let owners: Vec<PathBuf> = entries(&folder.join(OWNERS))?
        .into_iter()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect();
    let mut items = Vec::new();
    for folder in owners.iter().map(PathBuf::as_path).chain([folder]) {
        let root = folder.join("mod");
        items.extend(versions(&root)?);
        items.extend(clones(&root)?);
    }
    items.sort_by_key(|item| item.used);
    let mut total: u64 = items.iter().map(|item| item.bytes).sum();
    let (now, before) = (SystemTime::now(), total);
    let mut stay = BTreeSet::new();
    for item in items {
        let age = item.used.and_then(|used| now.duration_since(used).ok());
        let age = age.unwrap_or_default();
        if age > IN_USE && (age > bounds.age || total > bounds.bytes) {
            for path in &item.paths {
                remove(path, &item.root)?;
            }
            total -= item.bytes;
        } else {
            stay.insert(item.root);
        }
    }
    // What is left there are locks and lists.
    for owner in owners
        .iter()
        .filter(|owner| !stay.contains(&owner.join("mod")))
    {
        found(fs::remove_dir_all(owner))?;
    }
    Ok(before - total)
}

fn lock_file(folder: &Path) -> io::Result<File> {
    fs::create_dir_all(folder)?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options.open(folder.join("runs.lock"))
}

/// All versions, by the files in `cache/download/{module}/@v`.
fn versions(root: &Path) -> io::Result<Vec<Item>> {
    let download = root.join("cache/download");
    let mut items = Vec::new();
    let mut folders = vec![download.clone()];
    while let Some(folder) = folders.pop() {
        if folder.file_name().is_some_and(|name| name == "@v") {
            items.extend(versions_of(root, &download, &folder)?);
            continue;
        }
        for entry in entries(&folder)? {
            if entry.file_type()?.is_dir() && entry.file_name() != "sumdb" {
                folders.push(entry.path());
            }
        }
    }
    Ok(items)
}

fn versions_of(root: &Path, download: &Path, folder: &Path) -> io::Result<Vec<Item>> {
    let mut found = BTreeMap::<String, Item>::new();
    for entry in entries(folder)? {
        let name = entry.file_name().to_string_lossy().into_owned();
        // `list` has no extension. The zip goes first: without it a version is not whole.
        let Some((version, extension)) = name.rsplit_once('.') else {
            continue;
        };
        let item = found
            .entry(version.to_owned())
            .or_insert_with(|| Item::in_root(root));
        item.add(entry.path(), extension == "zip")?;
    }
    let module = folder
        .parent()
        .and_then(|module| module.strip_prefix(download).ok());
    for (version, item) in &mut found {
        if let Some(module) = module {
            let extracted = root.join(format!("{}@{version}", module.display()));
            item.add(extracted, false)?;
        }
    }
    Ok(found.into_values().collect())
}

/// All clones: `cache/vcs/{hash}`, with files of the same name.
fn clones(root: &Path) -> io::Result<Vec<Item>> {
    let mut found = BTreeMap::<String, Item>::new();
    for entry in entries(&root.join("cache/vcs"))? {
        let name = entry.file_name().to_string_lossy().into_owned();
        let hash = name.split('.').next().unwrap_or(&name).to_owned();
        let item = found.entry(hash).or_insert_with(|| Item::in_root(root));
        item.add(entry.path(), false)?;
    }
    Ok(found.into_values().collect())
}

impl Item {
    fn in_root(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            ..Self::default()
        }
    }

    fn add(&mut self, path: PathBuf, first: bool) -> io::Result<()> {
        let mut paths = vec![path.clone()];
        while let Some(path) = paths.pop() {
            let Some(metadata) = found(fs::symlink_metadata(&path))? else {
                continue;
            };
            if metadata.is_dir() {
                paths.extend(entries(&path)?.into_iter().map(|entry| entry.path()));
                continue;
            }
            self.bytes += metadata.len();
            self.used = self.used.max(metadata.modified().ok());
        }
        let at = if first { 0 } else { self.paths.len() };
        self.paths.insert(at, path);
        Ok(())
    }
}

/// Removes a file or a folder, and the folders above that have nothing left.
fn remove(path: &Path, root: &Path) -> io::Result<()> {
    let Some(metadata) = found(fs::symlink_metadata(path))? else {
        return Ok(());
    };
    if metadata.is_dir() {
        fs::remove_dir_all(path)?;
    } else {
        fs::remove_file(path)?;
    }
    let mut above = path.parent();
    while let Some(folder) = above.filter(|folder| folder.starts_with(root) && *folder != root) {
        if fs::remove_dir(folder).is_err() {
            break;
        }
        above = folder.parent();
    }
    Ok(())
}

fn entries(folder: &Path) -> io::Result<Vec<fs::DirEntry>> {
    match found(fs::read_dir(folder))? {
        Some(entries) => entries.collect(),
        None => Ok(Vec::new()),
    }
}

fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}
