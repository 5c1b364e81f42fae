use std::fs::{self, File, OpenOptions};
use std::future::ready;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use object_store::GetOptions;
use tempfile::{Builder, NamedTempFile, TempPath};
use tokio_util::task::task_tracker::TaskTrackerToken;
use tower::BoxError;

use super::backend::{Backend, Content, Found, Paths, SMALL};
use super::publish::{Staged, publish};
use super::sink::Publish;
use crate::etag;
use crate::files::{
    FileReader, PositionedRead, Scratch, SharedFile, Threads, blocking, is_local, make_folders,
    open_cached, open_file, read_all, read_at, read_cached, sync_folder,
};
use crate::lock::lock;
use crate::walk::Walk;

/// Where files wait until they are whole. No module path begins with a dot.
const STAGING: &str = ".staging";

/// A folder with the layout of a module cache.
#[derive(Clone)]
pub(super) struct Disk {
    root: Arc<Path>,
    threads: Threads,
    is_local: bool,
    /// Held while folders are made.
    folders: Arc<Mutex<()>>,
}

impl Disk {
    /// Opens or makes the folder, and removes what a process that is gone has staged there.
    pub(super) fn open(root: &Path) -> io::Result<Self> {
        let staging = root.join(STAGING);
        fs::create_dir_all(&staging)?;
        sweep(&staging)?;
        // An absolute path stays right when the process changes its directory.
        let root = fs::canonicalize(root)?;
        let disk = Self {
            is_local: is_local(&root),
            root: root.into(),
            threads: Threads::new(),
            folders: Arc::default(),
        };
        // A folder that takes no file is noticed here, and not by the first fill.
        disk.stage_file()?;
        Ok(disk)
    }

    fn staging(&self) -> PathBuf {
        self.root.join(STAGING)
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// The folder of a file, made if it is not there, durably.
    pub(super) fn folder_of<'a>(&self, file: &'a Path) -> io::Result<&'a Path> {
        let folder = file.parent().ok_or(io::ErrorKind::InvalidInput)?;
        let _one_at_a_time = lock(&self.folders);
        make_folders(&self.root, folder, &sync_folder)?;
        Ok(folder)
    }

    /// A new empty file, which only [`publish`] makes visible.
    fn stage_file(&self) -> io::Result<(File, TempPath)> {
        loop {
            let (file, path) = match self.new_file() {
                // Somebody has removed the folder, or mounted another one.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    fs::create_dir_all(self.staging())?;
                    self.new_file()?
                }
                made => made?,
            };
            // Tells a sweep by another process that this one is alive. Where the file system knows no locks, no sweep
            // can take one either, and leaves the file alone.
            let _ = file.lock();
            // A sweep that held the lock has just removed the file.
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
        let staged: NamedTempFile = builder.prefix("").tempfile_in(self.staging())?;
        Ok(staged.into_parts())
    }
}

#[async_trait]
impl Backend for Disk {
    async fn get(&self, path: &str, options: GetOptions) -> Result<Option<Found>, BoxError> {
        let (path, disk) = (self.path(path), self.clone());
        let find = move |file, read| disk.find(file, &options, read);
        if self.is_local
            && let Ok(file) = open_cached(&path)
            && let Ok(found) = find(file, read_cached)
        {
            return Ok(found);
        }
        let find = move || match found(open_file(&path))? {
            Some(file) => find(file, read_at),
            None => Ok(None),
        };
        Ok(blocking(&self.threads.reads, find).await?)
    }

    fn is_current(&self, path: &str, then: [u64; 3]) -> Option<bool> {
        // What is requested often the kernel has at hand; a server far away would have to be waited for.
        let metadata = self.is_local.then(|| fs::metadata(self.path(path)))?;
        Some(metadata.is_ok_and(|metadata| version(&metadata) == then))
    }

    async fn put(&self, path: &str, content: Vec<Bytes>, replaces: bool) -> Result<bool, BoxError> {
        let (path, disk) = (self.path(path), self.clone());
        let write = move || {
            let (mut file, staged) = disk.stage_file()?;
            for bytes in content {
                file.write_all(&bytes)?;
            }
            publish(&disk, &path, &file, staged, replaces)
        };
        Ok(blocking(&self.threads.publishes, write).await?)
    }

    async fn stage(
        &self,
        path: &str,
        stores: Option<Arc<TaskTrackerToken>>,
    ) -> Result<(SharedFile, Option<Box<dyn Publish>>), BoxError> {
        let (to, disk) = (self.path(path), self.clone());
        let stage = move || {
            let (file, staged) = disk.stage_file()?;
            // One that is not stored loses its name here.
            let publish = stores.map(|_| Box::new(Staged { disk, to, staged }) as Box<dyn Publish>);
            Ok((file, publish))
        };
        let (file, publish) = blocking(&self.threads.writes, stage).await?;
        let file = SharedFile::new(file, None, self.threads.clone());
        Ok((file, publish))
    }

    fn with_scratch(self: Arc<Self>, _: Scratch) -> Arc<dyn Backend> {
        self
    }

    async fn delete(&self, path: &str) -> Result<(), BoxError> {
        let file = self.path(path);
        let delete = move || match found(fs::remove_file(&file))? {
            // Else a power cut could bring it back.
            Some(()) => file.parent().map_or(Ok(()), sync_folder),
            None => Ok(()),
        };
        Ok(blocking(&self.threads.writes, delete).await?)
    }

    fn walk(&self, folder: &str, after: &str) -> Paths {
        let paths = Walk::new(&self.root, folder, after).paths(self.threads.clone());
        let paths = paths.try_filter(|path| ready(!path.starts_with(STAGING)));
        paths.map_err(BoxError::from).boxed()
    }
}

impl Disk {
    fn find(
        &self,
        file: File,
        options: &GetOptions,
        read: PositionedRead,
    ) -> io::Result<Option<Found>> {
        let metadata = file.metadata()?;
        let (size, version) = (file_len(&metadata)?, version(&metadata));
        if size == 0 {
            return Ok(None);
        }
        let (tag, content) = if size <= SMALL {
            // A small file fits.
            let content = read_all(&file, 0, size as usize, read)?;
            (etag::of_content([&content]), Content::Whole(content.into()))
        } else {
            let range = match &options.range {
                _ if options.head => 0..0,
                None => 0..size,
                // Nothing where the file does not have such bytes.
                Some(range) => range.as_range(size).unwrap_or(0..0),
            };
            let file = SharedFile::new(file, None, self.threads.clone());
            let reader = FileReader::begun(file, range.clone(), read)?;
            let frames = reader.frames(range.end).boxed();
            let tag = version.map(|part| format!("{part:x}")).join("-");
            (etag::tag(&tag), Content::Part(range, frames))
        };
        Ok(Some(Found {
            size,
            tag,
            version,
            content,
        }))
    }
}

/// The file as the file system knows it: a file that takes its place has another number or another time.
fn version(metadata: &fs::Metadata) -> [u64; 3] {
    let modified = metadata.modified().ok();
    let since = modified.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    // Nanoseconds of this age fit for some centuries.
    let nanos = since.map_or(0, |since| since.as_nanos() as u64);
    #[cfg(unix)]
    let number = std::os::unix::fs::MetadataExt::ino(metadata);
    #[cfg(not(unix))]
    let number = 0;
    [number, nanos, metadata.len()]
}

/// Deletes each staged file whose writer is gone: a living writer holds its lock. What is not one of ours, or cannot be
/// opened, stays.
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

pub(super) fn file_len(metadata: &fs::Metadata) -> io::Result<u64> {
    match metadata.is_file() {
        true => Ok(metadata.len()),
        false => Err(io::Error::other("it is not a regular file")),
    }
}

pub(super) fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Ok(None),
            _ => Err(error),
        },
    }
}
