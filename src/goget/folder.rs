//! Folders, and what is in them.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::Path;
use std::time::{Duration, SystemTime};

use tokio::task::spawn_blocking;

/// Makes a folder that nobody else may look into. One that is there stays as it is.
pub(super) fn make(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// What is in a folder; nothing, if there is none.
pub(super) fn entries(folder: &Path) -> io::Result<Vec<fs::DirEntry>> {
    match found(fs::read_dir(folder))? {
        Some(entries) => entries.collect(),
        None => Ok(Vec::new()),
    }
}

/// `None` if there is no such file.
pub(super) fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

/// Removes a file, a link, or a folder with all that is in it. What is not there is removed already.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    let Some(metadata) = found(fs::symlink_metadata(path))? else {
        return Ok(());
    };
    let removed = if metadata.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    found(removed).map(drop)
}

/// How long ago it was changed; no time, if it is not there.
pub(super) fn age(path: &Path) -> io::Result<Duration> {
    let Some(metadata) = found(fs::symlink_metadata(path))? else {
        return Ok(Duration::ZERO);
    };
    let age = SystemTime::now().duration_since(metadata.modified()?);
    Ok(age.unwrap_or_default())
}

/// What a file or a folder takes on the disk, with all that is in it.
pub(super) fn size(path: &Path) -> io::Result<u64> {
    let Some(metadata) = found(fs::symlink_metadata(path))? else {
        return Ok(0);
    };
    // Small files take more than their length, and sparse ones less.
    let mut bytes = metadata.blocks() * 512;
    if metadata.is_dir() {
        for entry in entries(path)? {
            bytes += size(&entry.path())?;
        }
    }
    Ok(bytes)
}

/// On a thread that may block.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    spawn_blocking(work).await.map_err(io::Error::other)?
}

/// Whether the file system of a folder has no room left.
pub(super) fn is_full(folder: &Path) -> io::Result<bool> {
    /// The least that a run needs.
    const ROOM: u64 = 16 << 20;

    let found = rustix::fs::statvfs(folder)?;
    let no_files = found.f_files > 0 && found.f_favail == 0;
    Ok(no_files || found.f_bavail.saturating_mul(found.f_frsize) < ROOM)
}
