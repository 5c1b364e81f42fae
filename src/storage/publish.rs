//! How a staged file becomes a stored one: in one step, durably, on whatever the file system can do.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use tempfile::TempPath;
use tower::BoxError;

use super::disk::{Disk, file_len, found};
use super::sink::Publish;
use crate::files::{SharedFile, sync_folder};

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
