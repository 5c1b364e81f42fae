use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::Semaphore;

use super::shared_file::SharedFile;
use super::threads::Threads;

/// How much all local files of an object store may take, unless told otherwise: 4 GiB.
pub(crate) const MAX_TOTAL: u64 = 4 << 30;

/// What counts of a file whose length is not known: as much as the largest zip that the go command takes.
const UNKNOWN: u64 = 500 * 1024 * 1024;

/// In units of this size, so that a semaphore can count them.
const UNIT: u64 = 64 * 1024;

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

    pub(crate) fn threads(&self) -> &Threads {
        &self.threads
    }

    /// A file without a name: it is gone with its last reader.
    ///
    /// # Errors
    ///
    /// The files of all fills together are too large, or the folder takes no file.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, the file is gone.
    pub(crate) async fn file(&self, len: Option<u64>) -> io::Result<SharedFile> {
        let units =
            u32::try_from(len.unwrap_or(UNKNOWN).div_ceil(UNIT)).map_err(io::Error::other)?;
        let share = Arc::clone(&self.left).try_acquire_many_owned(units);
        let share = share.map_err(|_full| {
            let text = "the local files of running fills have reached their bound";
            io::Error::new(io::ErrorKind::StorageFull, text)
        })?;
        let folder = self.folder.clone();
        let open = move || match tempfile::tempfile_in(&folder) {
            // Somebody has removed the folder.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(&folder)?;
                tempfile::tempfile_in(&folder)
            }
            opened => opened,
        };
        let file = self.threads.writes.run(open).await?;
        Ok(SharedFile::new(file, Some(share), self.threads.clone()))
    }
}
