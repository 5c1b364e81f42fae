//! Folders that survive a power cut.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Each folder is synced in its parent, else a power cut could take the file with it. Not to be called by two threads at
/// once: one could find a folder that the other has not synced yet.
pub(crate) fn make_folders(root: &Path, folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if folder == root {
        return fs::create_dir_all(root);
    }
    let parent = folder.parent().unwrap_or(root);
    make_folders(root, parent)?;
    match fs::create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => sync_folder(parent),
    }
}

#[cfg(unix)]
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Elsewhere a folder cannot be opened as a file, and needs no sync of its own.
#[cfg(not(unix))]
pub(crate) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
