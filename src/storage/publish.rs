//! How a staged file becomes a stored one: in one step, durably, on whatever the file system can do.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use tempfile::TempPath;
use tower::BoxError;

use super::disk::{Disk, file_len, found};
use super::sink::Publish;
use crate::files::SharedFile;

/// The staged file of a sink.
pub(super) struct Staged {
    pub(super) disk: Disk,
    pub(super) to: PathBuf,
    pub(super) staged: TempPath,
}

#[async_trait]
impl Publish for Staged {
    async fn commit(self: Box<Self>, file: SharedFile, len: u64) -> Result<(), BoxError> {
        let threads = file.threads().clone();
        let commit = move || {
            let Self { disk, to, staged } = *self;
            let file = file.get()?;
            // Gives back what was reserved beyond the end.
            file.set_len(len)?;
            publish(&disk, &to, file, staged, false)
        };
        Ok(threads.publishes.run(commit).await?)
    }

    async fn abort(self: Box<Self>) {
        // To remove a large file takes a while. What cannot be removed now is removed by the next start.
        let _ = tokio::task::spawn_blocking(move || drop(self)).await;
    }
}

/// Makes a staged file the stored one. If there is one already, that one stays, or is replaced.
pub(super) fn publish(
    disk: &Disk,
    to: &Path,
    file: &File,
    staged: TempPath,
    replaces: bool,
) -> io::Result<()> {
    file.sync_all()?;
    let folder = disk.folder_of(to)?;
    match replaces {
        true => staged.persist(to).map_err(|error| error.error)?,
        false => name(staged, to)?,
    }
    sync_folder(folder)
}

fn name(staged: TempPath, to: &Path) -> io::Result<()> {
    let error = match staged.persist_noclobber(to) {
        Ok(()) => return Ok(()),
        Err(error) => error,
    };
    // Either the file is there, or this file system has neither hard links nor a rename that replaces nothing, as bucket
    // mounts and some of the network. Then two writers of one file both rename, and the later of two checked files stays.
    match found(fs::metadata(to))? {
        Some(metadata) if file_len(&metadata)? > 0 => Ok(()),
        _ => error.path.persist(to).map_err(|error| error.error),
    }
}

/// Each folder is synced in its parent, else a power cut could take the file with it. Not to be called by two threads at
/// once: one could find a folder that the other has not synced yet.
pub(super) fn make_folders(root: &Path, folder: &Path) -> io::Result<()> {
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
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Elsewhere a folder cannot be opened as a file, and needs no sync of its own.
#[cfg(not(unix))]
pub(super) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
