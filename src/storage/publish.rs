//! How a staged file becomes a stored one: in one step, durably, on whatever the file system can do.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use tempfile::TempPath;
use tower::BoxError;

use super::disk::{Disk, file_len, found};
use super::sink::Publish;
use crate::files::{SharedFile, blocking, sync_folder};

/// The staged file of a sink.
pub(super) struct Staged {
    pub(super) disk: Disk,
    pub(super) to: PathBuf,
    pub(super) staged: TempPath,
}

#[async_trait]
impl Publish for Staged {
    async fn commit(self: Box<Self>, file: SharedFile, len: u64) -> Result<bool, BoxError> {
        let threads = file.threads().clone();
        let commit = move || {
            let Self { disk, to, staged } = *self;
            let file = file.get()?;
            // Gives back what was reserved beyond the end.
            file.set_len(len)?;
            publish(&disk, &to, file, staged, false)
        };
        Ok(blocking(&threads.publishes, commit).await?)
    }

    async fn abort(self: Box<Self>) {
        // To remove a large file takes a while. What cannot be removed now is removed by the next start.
        let _ = tokio::task::spawn_blocking(move || drop(self)).await;
    }
}

/// Makes a staged file the stored one. If there is one already, that one stays, or is replaced. Returns whether this one is
/// stored.
pub(super) fn publish(
    disk: &Disk,
    to: &Path,
    file: &File,
    staged: TempPath,
    replaces: bool,
) -> io::Result<bool> {
    file.sync_all()?;
    let folder = disk.folder_of(to)?;
    let is_stored = match replaces {
        true => rename(staged, to)?,
        false => name(staged, to)?,
    };
    sync_folder(folder)?;
    Ok(is_stored)
}

fn name(staged: TempPath, to: &Path) -> io::Result<bool> {
    let error = match staged.persist_noclobber(to) {
        Ok(()) => return Ok(true),
        Err(error) => error,
    };
    // Either the file is there, or this file system has neither hard links nor a rename that replaces nothing, as bucket
    // mounts and some of the network. Then two writers of one file both rename, and the later of two checked files stays.
    match found(fs::metadata(to))? {
        Some(metadata) if file_len(&metadata)? > 0 => Ok(false),
        _ => rename(error.path, to),
    }
}

fn rename(staged: TempPath, to: &Path) -> io::Result<bool> {
    staged.persist(to).map_err(|error| error.error)?;
    Ok(true)
}
