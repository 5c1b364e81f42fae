use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tokio::sync::Semaphore;

use super::shared_file::{SharedFile, UNIT};
use super::threads::{Threads, blocking};

/// How much all local files of an object store may take, unless told otherwise: 4 GiB.
pub(crate) const MAX_TOTAL: u64 = 4 << 30;

/// Where the local files of running fills lie that have no place in a storage folder.
#[derive(Clone, Debug)]
pub(crate) struct Scratch {
    folder: PathBuf,
    /// What is left of the bound on all files together.
    left: Arc<Semaphore>,
    threads: Threads,
}

impl Scratch {
    pub(crate) fn new(folder: PathBuf, max_total: u64, threads: Threads) -> Self {
        let units = usize::try_from(max_total / UNIT).unwrap_or(usize::MAX);
        Self {
            folder,
            left: Arc::new(Semaphore::new(units.min(Semaphore::MAX_PERMITS))),
            threads,
        }
    }

    /// A file without a name: it is gone with its last reader.
    ///
    /// # Errors
    ///
    /// The folder takes no file.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, the file is gone.
    pub(crate) async fn file(&self) -> io::Result<SharedFile> {
        let folder = self.folder.clone();
        let open = move || match tempfile::tempfile_in(&folder) {
            // Somebody has removed the folder.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(&folder)?;
                tempfile::tempfile_in(&folder)
            }
            opened => opened,
        };
        let file = blocking(&self.threads.writes, open).await?;
        let nothing = Arc::clone(&self.left).try_acquire_many_owned(0);
        let share = nothing.map_err(io::Error::other)?;
        Ok(SharedFile::new(
            file,
            Some(Mutex::new(share)),
            self.threads.clone(),
        ))
    }
}
