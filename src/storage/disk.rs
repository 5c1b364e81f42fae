use std::fs::{self, File, OpenOptions};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use tempfile::{Builder, NamedTempFile, TempPath};

use super::cached;
use super::chunk::{FileReader, SharedFile};
use super::key::Key;
use super::read_at::{ReadAt, read_all, read_at};
use super::store::SMALL;
use super::threads::Threads;

/// Where files wait until they are whole. No module path begins with a dot.
const STAGING: &str = ".staging";

/// A folder with the layout of a module cache.
#[derive(Debug)]
pub(super) struct Disk {
    root: PathBuf,
    staging: PathBuf,
    threads: Threads,
    is_local: bool,
}

/// What was found of a stored file.
pub(super) enum Opened {
    /// All of a small one.
    Whole(Bytes),
    /// The bytes that were asked for, of a file of this size.
    Part {
        size: u64,
        range: Range<u64>,
        reader: FileReader,
    },
}

impl Disk {
    /// Opens or makes the folder, and removes what a process that is gone has staged there.
    pub(super) fn open(root: &Path) -> io::Result<Self> {
        let staging = root.join(STAGING);
        fs::create_dir_all(&staging)?;
        sweep(&staging)?;
        // An absolute path stays right when the process changes its directory.
        let root = fs::canonicalize(root)?;
        let staging = root.join(STAGING);
        Ok(Self {
            is_local: cached::is_local(&root),
            root,
            staging,
            threads: Threads::new(),
        })
    }

    /// # Cancel safety
    ///
    /// Reads only.
    pub(super) async fn size(self: Arc<Self>, key: Key) -> io::Result<Option<u64>> {
        let threads = self.threads.clone();
        let work = move || {
            let Some(metadata) = found(fs::metadata(self.path(&key)))? else {
                return Ok(None);
            };
            file_len(&metadata).map(Some)
        };
        threads.run(work).await
    }

    /// Opens the file and reads the beginning of the range in one go, so that a body has its
    /// first frame ready at its first poll.
    ///
    /// # Cancel safety
    ///
    /// Reads only.
    pub(super) async fn read(
        self: Arc<Self>,
        key: Key,
        range: Option<Range<u64>>,
    ) -> io::Result<Option<Opened>> {
        let path = self.path(&key);
        if self.is_local
            && let Ok(file) = cached::open(&path)
            && let Ok(opened) = self.open_file(file, range.clone(), cached::read_at)
        {
            return Ok(Some(opened));
        }
        let threads = self.threads.clone();
        let work = move || {
            let Some(file) = found(File::open(path))? else {
                return Ok(None);
            };
            self.open_file(file, range, read_at).map(Some)
        };
        threads.run(work).await
    }

    fn open_file(&self, file: File, range: Option<Range<u64>>, read: ReadAt) -> io::Result<Opened> {
        let size = file_len(&file.metadata()?)?;
        if range.is_none() && size <= SMALL {
            // A small file fits.
            let content = read_all(&file, 0, size as usize, read)?;
            return Ok(Opened::Whole(content.into()));
        }
        let range = range.unwrap_or(0..size);
        let file = SharedFile::new(file, self.threads.clone());
        Ok(Opened::Part {
            reader: FileReader::prepared(file, range.start, range.end, read)?,
            size,
            range,
        })
    }

    pub(super) fn threads(&self) -> &Threads {
        &self.threads
    }

    /// A new empty file, which only [`publish`](Self::publish) makes visible.
    pub(super) fn stage(&self) -> io::Result<(File, TempPath)> {
        loop {
            let (file, path) = self.new_file()?;
            // Tells a sweep by another process that this one is alive. One that holds the lock is just
            // removing the file. Where the file system knows no locks, no sweep can take one either and
            // leaves the file alone.
            match file.lock() {
                Err(error) if error.kind() != io::ErrorKind::Unsupported => return Err(error),
                _ => {}
            }
            if path.try_exists()? {
                return Ok((file, path));
            }
        }
    }

    fn new_file(&self) -> io::Result<(File, TempPath)> {
        let mut builder = Builder::new();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // Others may read the storage too, as far as the umask lets them.
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        let staged: NamedTempFile = builder.prefix("").tempfile_in(&self.staging)?;
        Ok(staged.into_parts())
    }

    /// Makes a staged file the stored one, durably. If there is one already, that one stays.
    pub(super) fn publish(&self, key: &Key, file: &File, staged: TempPath) -> io::Result<()> {
        file.sync_all()?;
        let path = self.path(key);
        let folder = path.parent().unwrap_or(&self.root);
        self.make_folders(folder)?;
        match staged.persist_noclobber(&path) {
            Ok(()) => sync_folder(folder),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                file_len(&fs::metadata(&path)?).map(drop)
            }
            Err(error) => Err(error.error),
        }
    }

    /// Each new folder is synced in its parent, else a power cut could take the file with it.
    fn make_folders(&self, folder: &Path) -> io::Result<()> {
        if folder == self.root || folder.is_dir() {
            return Ok(());
        }
        let parent = folder.parent().unwrap_or(&self.root);
        self.make_folders(parent)?;
        match fs::create_dir(folder) {
            Ok(()) => sync_folder(parent),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.root.join(key.as_str())
    }
}

/// Deletes each staged file whose writer is gone: a living writer holds its lock. What is not one of
/// ours, or cannot be opened, stays.
fn sweep(staging: &Path) -> io::Result<()> {
    for entry in fs::read_dir(staging)? {
        let entry = entry?;
        if !entry.file_type()?.is_file() {
            continue;
        }
        // Some network file systems lock only what is open for writing.
        let opened = OpenOptions::new().read(true).write(true).open(entry.path());
        if let Ok(file) = opened
            && file.try_lock().is_ok()
        {
            // Still locked: else a process that has just made the file would take it for its own.
            found(fs::remove_file(entry.path()))?;
        }
    }
    Ok(())
}

fn file_len(metadata: &fs::Metadata) -> io::Result<u64> {
    if metadata.is_file() {
        Ok(metadata.len())
    } else {
        Err(io::Error::other("it is not a regular file"))
    }
}

fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Elsewhere a folder cannot be opened as a file, and needs no sync of its own.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
