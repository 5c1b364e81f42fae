//! Folders, and what is in them. Everything here blocks the thread.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::SystemTime;

use tempfile::TempDir;

/// Makes a folder that nobody else may look into. One that is there stays as it is.
pub(super) fn make(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// A new folder, opened and locked. A file system without locks is as good as a lock.
pub(super) fn locked<F: AsRef<Path>>(
    make: impl Fn() -> io::Result<F>,
    lock: impl Fn(&File) -> io::Result<()>,
) -> io::Result<(F, File)> {
    loop {
        let folder = make()?;
        // Another server may remove it before it is locked.
        let Some(file) = found(File::open(&folder))? else {
            continue;
        };
        match lock(&file) {
            Err(error) if error.kind() != io::ErrorKind::Unsupported => return Err(error),
            _ if folder.as_ref().exists() => return Ok((folder, file)),
            _ => {}
        }
    }
}

/// A folder in another one that goes away with who holds it. What is left of a server that is gone has no lock.
pub(super) fn temporary(folder: &Path, prefix: &str) -> io::Result<(TempDir, File)> {
    make(folder)?;
    let mut builder = tempfile::Builder::new();
    builder
        .prefix(prefix)
        .permissions(Permissions::from_mode(0o700));
    locked(|| builder.tempdir_in(folder), File::lock)
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

/// When it was changed last; long ago, if it is not there.
pub(super) fn changed(path: &Path) -> io::Result<SystemTime> {
    match found(fs::metadata(path))? {
        Some(metadata) => metadata.modified(),
        None => Ok(SystemTime::UNIX_EPOCH),
    }
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

/// Whether the file system of a folder has no room left.
pub(super) fn is_full(folder: &Path) -> io::Result<bool> {
    /// The least that a run needs.
    const ROOM: u64 = 16 << 20;

    let found = rustix::fs::statvfs(folder)?;
    let no_files = found.f_files > 0 && found.f_favail == 0;
    Ok(no_files || found.f_bavail.saturating_mul(found.f_frsize) < ROOM)
}
