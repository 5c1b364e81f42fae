//! Files that many read at once, each at its own offset and pace.

use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex};

use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, Stream};
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::coop::consume_budget;
use tower::BoxError;

use super::page_cache;
use super::threads::{Threads, blocking};
use crate::lock::lock;
use crate::verify::{ReadAt, WholeFile};

/// The most that one read asks for.
const READ: usize = 32 * 1024;

/// The most that one frame of a body holds. hyper queues 16 frames a connection, so this bounds what a client that has
/// stopped reading keeps in memory.
pub(crate) const FRAME: usize = 16 * 1024;

/// To close the last handle of a deleted file frees its blocks, which takes up to a second per GiB. Smaller files are closed
/// where they are dropped.
const LARGE: u64 = 16 * 1024 * 1024;

/// A bound on files is counted in units of this size, by a semaphore.
pub(super) const UNIT: u64 = 64 * 1024;

/// A read that waits for the disk, or one of the page cache alone.
pub(crate) type PositionedRead = fn(&File, &mut [u8], u64) -> io::Result<usize>;

/// Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct SharedFile {
    file: Arc<Closed>,
    threads: Threads,
}

/// Closes the file where it is dropped, or on a blocking thread. Then its share of a bound is free again.
#[derive(Debug)]
struct Closed(Option<(File, Share)>);

/// What the file takes of a bound, if there is one.
type Share = Option<Mutex<OwnedSemaphorePermit>>;

impl Drop for Closed {
    fn drop(&mut self) {
        let is_large = |file: &File| file.metadata().is_ok_and(|file| file.len() > LARGE);
        if let Some((file, share)) = self.0.take()
            && is_large(&file)
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn_blocking(move || drop((file, share)));
        }
    }
}

impl SharedFile {
    pub(crate) fn new(file: File, share: Share, threads: Threads) -> Self {
        Self {
            file: Arc::new(Closed(Some((file, share)))),
            threads,
        }
    }

    pub(crate) fn threads(&self) -> &Threads {
        &self.threads
    }

    pub(crate) fn get(&self) -> io::Result<&File> {
        // Taken only by the drop.
        let open = self.file.0.as_ref();
        open.map(|(file, _)| file)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Takes space for so many bytes from an offset on, so that a full disk, and a bound that is reached, are noticed before
    /// the bytes come.
    pub(crate) fn reserve(&self, from: u64, bytes: u64) -> io::Result<()> {
        if bytes == 0 {
            return Ok(());
        }
        if let Some((_, Some(share))) = &self.file.0 {
            take(share, bytes)?;
        }
        reserve(self.get()?, from, bytes)
    }

    /// The first `len` bytes, as a file that is whole.
    pub(crate) fn to_whole(&self, len: u64) -> WholeFile {
        let file = self.clone();
        WholeFile::new(Arc::new(Whole { file, len }))
    }

    /// All of these bytes, for a part of an upload.
    ///
    /// # Cancel safety
    ///
    /// Reads only.
    pub(crate) async fn read_range(&self, offset: u64, len: u64) -> io::Result<Bytes> {
        let file = self.clone();
        // A part fits into memory.
        let read = move || read_all(file.get()?, offset, len as usize, read_at);
        blocking(&self.threads.reads, read).await.map(Bytes::from)
    }
}

/// Takes room for so many bytes more. It is free again when the share is dropped.
fn take(share: &Mutex<OwnedSemaphorePermit>, bytes: u64) -> io::Result<()> {
    let units = u32::try_from(bytes.div_ceil(UNIT)).map_err(io::Error::other)?;
    let mut share = lock(share);
    let more = Arc::clone(share.semaphore()).try_acquire_many_owned(units);
    share.merge(more.map_err(|_full| {
        let text = "the local files of running fills have reached their bound";
        io::Error::new(io::ErrorKind::StorageFull, text)
    })?);
    Ok(())
}

struct Whole {
    file: SharedFile,
    len: u64,
}

impl ReadAt for Whole {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        read_at(self.file.get()?, buffer, offset)
    }

    fn len(&self) -> u64 {
        self.len
    }
}

/// Hands out the bytes of a file from an offset on.
#[derive(Debug)]
pub(crate) struct FileReader {
    file: SharedFile,
    offset: u64,
    chunk: Bytes,
}

impl FileReader {
    pub(crate) fn new(file: SharedFile, offset: u64) -> Self {
        Self {
            file,
            offset,
            chunk: Bytes::new(),
        }
    }

    /// Reads the beginning in this way, so that a body has its first frame ready at its first poll.
    ///
    /// # Errors
    ///
    /// Those of the read.
    pub(crate) fn begun(
        file: SharedFile,
        range: Range<u64>,
        read: PositionedRead,
    ) -> io::Result<Self> {
        let mut reader = Self::new(file, range.start);
        if !range.is_empty() {
            let len = read_len(&range);
            reader.chunk = read_chunk(reader.file.get()?, range.start, len, read)?;
            reader.offset += reader.chunk.len() as u64;
        }
        Ok(reader)
    }

    /// Where the next frame begins.
    pub(crate) fn position(&self) -> u64 {
        self.offset - self.chunk.len() as u64
    }

    /// The next frame, never empty. The file must have its bytes up to `end`.
    ///
    /// # Errors
    ///
    /// Those of the read, and `UnexpectedEof` where the file is shorter than `end`.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, nothing has been handed out.
    pub(crate) async fn next(&mut self, end: u64) -> io::Result<Bytes> {
        consume_budget().await;
        if self.chunk.is_empty() {
            self.read(end).await?;
        }
        let len = self.chunk.len().min(FRAME);
        Ok(self.chunk.split_to(len))
    }

    /// All frames up to `end`.
    pub(crate) fn frames(self, end: u64) -> impl Stream<Item = Result<Bytes, BoxError>> + Send {
        stream::unfold(self, move |mut reader| async move {
            if reader.position() >= end {
                return None;
            }
            let frame = reader.next(end).await;
            Some((frame.map_err(Into::into), reader))
        })
    }

    /// On this thread where the page cache has the bytes, else on one that may block.
    async fn read(&mut self, end: u64) -> io::Result<()> {
        let (offset, len) = (self.offset, read_len(&(self.offset..end)));
        let cached = read_chunk(self.file.get()?, offset, len, page_cache::read_at);
        self.chunk = match cached {
            Ok(chunk) => chunk,
            Err(_) => {
                let file = self.file.clone();
                let read = move || read_chunk(file.get()?, offset, len, read_at);
                blocking(&self.file.threads.reads, read).await?
            }
        };
        self.offset += self.chunk.len() as u64;
        Ok(())
    }
}

fn read_len(range: &Range<u64>) -> usize {
    let left = range.end.saturating_sub(range.start);
    usize::try_from(left).map_or(READ, |left| left.min(READ))
}

fn read_chunk(file: &File, offset: u64, len: usize, read: PositionedRead) -> io::Result<Bytes> {
    let mut chunk = BytesMut::zeroed(len);
    let filled = read_some(file, &mut chunk, offset, read)?;
    chunk.truncate(filled);
    Ok(match filled < len / 2 {
        // The rest of the buffer would stay in memory with it.
        true => Bytes::copy_from_slice(&chunk),
        false => chunk.freeze(),
    })
}

#[cfg(unix)]
pub(crate) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

#[cfg(windows)]
pub(crate) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, offset)
}

/// As much as one read gives, at least one byte.
fn read_some(
    file: &File,
    buffer: &mut [u8],
    offset: u64,
    read: PositionedRead,
) -> io::Result<usize> {
    loop {
        match read(file, buffer, offset) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

/// All of these bytes, or `UnexpectedEof`.
pub(crate) fn read_all(
    file: &File,
    offset: u64,
    len: usize,
    read: PositionedRead,
) -> io::Result<Vec<u8>> {
    let mut content = vec![0; len];
    let mut filled = 0;
    while filled < len {
        let rest = &mut content[filled..];
        filled += read_some(file, rest, offset + filled as u64, read)?;
    }
    Ok(content)
}

/// Nonblocking for what is not a regular file: a pipe would wait for its writer.
pub(crate) fn open_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // The flag has the same bits, whatever the width of the field.
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits() as i32);
    }
    options.read(true).open(path)
}

/// All of these bytes, in one piece behind the other.
#[cfg(unix)]
pub(crate) fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

#[cfg(windows)]
pub(crate) fn write_all_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_write(file, bytes, offset)? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            n => {
                bytes = &bytes[n..];
                offset += n as u64;
            }
        }
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn reserve(file: &File, from: u64, bytes: u64) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};
    use rustix::io::Errno;

    match fallocate(file, FallocateFlags::KEEP_SIZE, from, bytes) {
        // Not every file system can; there a full disk is noticed by the write.
        Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => Ok(()),
        done => Ok(done?),
    }
}

#[cfg(not(target_os = "linux"))]
fn reserve(_: &File, _: u64, _: u64) -> io::Result<()> {
    Ok(())
}
