use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use headers::ETag;
use object_store::GetRange;
use sha2::{Digest, Sha256};
use tempfile::{Builder, NamedTempFile, TempPath};

use super::backend::{Answer, Backend, Content, Found, SMALL};
use super::body::of_file;
use super::publish::{Staged, make_folders, publish, sync_folder};
use super::sink::Sink;
use crate::files::{
    FileReader, PositionedRead, Scratch, SharedFile, Threads, is_local, open_cached, read_all,
    read_at, read_cached,
};

/// Where files wait until they are whole. No module path begins with a dot.
const STAGING: &str = ".staging";

/// A folder with the layout of a module cache.
#[derive(Clone, Debug)]
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
        disk.stage()?;
        Ok(disk)
    }

    /// For files that are not stored: beside those that are.
    pub(super) fn scratch(&self) -> Scratch {
        Scratch::new(self.staging(), u64::MAX, self.threads.clone())
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
        let _one_at_a_time = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        make_folders(&self.root, folder)?;
        Ok(folder)
    }

    /// A new empty file, which only [`publish`] makes visible.
    fn stage(&self) -> io::Result<(File, TempPath)> {
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

impl Backend for Disk {
    fn get(
        &self,
        path: Arc<str>,
        is_head: bool,
        range: Option<GetRange>,
    ) -> Answer<'_, Option<Found>> {
        let file = self.path(&path);
        let disk = self.clone();
        let find = move |file, read| disk.find(file, is_head, range.clone(), read);
        Box::pin(async move {
            if self.is_local
                && let Ok(file) = open_cached(&file)
                && let Ok(found) = find(file, read_cached)
            {
                return Ok(found);
            }
            let find = move || match found(open(&file))? {
                Some(file) => find(file, read_at),
                None => Ok(None),
            };
            Ok(self.threads.reads.run(find).await?)
        })
    }

    fn is_current(&self, path: &str, then: [u64; 3]) -> Option<bool> {
        // What is requested often the kernel has at hand; a server far away would have to be waited for.
        let metadata = self.is_local.then(|| fs::metadata(self.path(path)))?;
        Some(metadata.is_ok_and(|metadata| version(&metadata) == then))
    }

    fn put(&self, path: Arc<str>, content: Vec<Bytes>, replaces: bool) -> Answer<'_, ()> {
        let disk = self.clone();
        let write = move || {
            let (mut file, staged) = disk.stage()?;
            for bytes in content {
                file.write_all(&bytes)?;
            }
            let to = disk.path(&path);
            if !replaces {
                return publish(&disk, &to, &file, staged);
            }
            file.sync_all()?;
            let folder = disk.folder_of(&to)?;
            staged.persist(&to).map_err(|error| error.error)?;
            sync_folder(folder)
        };
        Box::pin(async move { Ok(self.threads.publishes.run(write).await?) })
    }

    fn sink(&self, path: Arc<str>, len: Option<u64>, _: &Scratch) -> Answer<'static, Sink> {
        let disk = self.clone();
        Box::pin(async move {
            let stage = disk.clone();
            let (file, staged) = disk.threads.writes.run(move || stage.stage()).await?;
            let file = SharedFile::new(file, None, disk.threads.clone());
            let publish = Staged {
                to: disk.path(&path),
                disk,
                staged,
            };
            Ok(Sink::new(path, file, len, Some(Box::new(publish))).await?)
        })
    }

    fn delete(&self, path: Arc<str>) -> Answer<'_, ()> {
        let file = self.path(&path);
        let delete = move || match found(fs::remove_file(&file))? {
            // Else a power cut could bring it back.
            Some(()) => file.parent().map_or(Ok(()), sync_folder),
            None => Ok(()),
        };
        Box::pin(async move { Ok(self.threads.writes.run(delete).await?) })
    }

    fn list(&self, folder: Arc<str>) -> Answer<'_, Vec<String>> {
        let disk = self.clone();
        let list = move || {
            let mut files = Vec::new();
            disk.walk(&folder, &mut files)?;
            Ok(files)
        };
        Box::pin(async move { Ok(self.threads.reads.run(list).await?) })
    }
}

impl Disk {
    fn find(
        &self,
        file: File,
        is_head: bool,
        range: Option<GetRange>,
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
            (hash_tag(&content), Content::Whole(content.into()))
        } else {
            let range = if is_head { 0..0 } else { range_of(range, size) };
            let file = SharedFile::new(file, None, self.threads.clone());
            let reader = FileReader::begun(file, range.clone(), read)?;
            let frames = of_file(reader, range.end);
            (version_tag(version), Content::Part(range, frames))
        };
        Ok(Some(Found {
            size,
            tag,
            private: false,
            version,
            content,
        }))
    }

    fn walk(&self, folder: &str, files: &mut Vec<String>) -> io::Result<()> {
        let Some(entries) = found(fs::read_dir(self.path(folder)))? else {
            return Ok(());
        };
        for entry in entries {
            let entry = entry?;
            // What is not UTF-8 is not one of ours.
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let path = format!("{folder}/{name}");
            match entry.file_type()? {
                kind if kind.is_dir() => self.walk(&path, files)?,
                kind if kind.is_file() => files.push(path),
                _ => {}
            }
        }
        Ok(())
    }
}

/// What is wanted of a file of this size: nothing where it does not have such bytes.
fn range_of(range: Option<GetRange>, size: u64) -> Range<u64> {
    match range {
        None => 0..size,
        Some(range) => range.as_range(size).unwrap_or(0..0),
    }
}

/// Nonblocking for what is not a regular file: a pipe would wait for its writer.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // The flag has the same bits, whatever the width of the field.
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits() as i32);
    }
    options.read(true).open(path)
}

/// The SHA-256 of the contents.
pub(super) fn hash_tag(content: &[u8]) -> ETag {
    tag(&hex(&Sha256::digest(content)))
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

fn version_tag([number, nanos, len]: [u64; 3]) -> ETag {
    tag(&format!("{number:x}-{nanos:x}-{len:x}"))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Of hexadecimal digits and dashes.
pub(super) fn tag(text: &str) -> ETag {
    format!("\"{text}\"")
        .parse()
        .expect("digits between quotes are an entity tag")
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
