//! What is to be removed: moved aside first, which takes no time, and deleted later, while others go on.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::folder::{entries, found, make, remove};

const PREFIX: &str = "trash-";

/// Where things go. What a process leaves there, the next one deletes.
#[derive(Debug)]
pub(super) struct Trash {
    folder: PathBuf,
    dir: Option<PathBuf>,
    next: usize,
}

impl Trash {
    /// `folder` is the one that the user has given.
    pub(super) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            dir: None,
            next: 0,
        }
    }

    /// Moves a file or a folder aside, if it is there.
    pub(super) fn take(&mut self, path: &Path) -> io::Result<()> {
        let dir = match &self.dir {
            Some(dir) => dir,
            None => {
                make(&self.folder)?;
                let dir = tempfile::Builder::new()
                    .prefix(PREFIX)
                    .tempdir_in(&self.folder)?;
                self.dir.insert(dir.keep())
            }
        };
        let target = dir.join(self.next.to_string());
        self.next += 1;
        found(fs::rename(path, target)).map(drop)
    }

    /// Deletes what was moved aside, by whomever. One that cannot be deleted keeps no other from it.
    pub(super) fn empty(self) -> io::Result<()> {
        let mut result = Ok(());
        for entry in entries(&self.folder)? {
            if entry.file_name().to_string_lossy().starts_with(PREFIX) {
                result = result.and(remove(&entry.path()));
            }
        }
        result
    }
}
