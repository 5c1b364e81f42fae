//! Reads of a file in small frames: from the page cache on the async thread, and on a blocking
//! thread only where the kernel would have to wait for the disk.

use std::fmt;
use std::fs::File;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::task::coop;

use super::threads::Threads;

/// The most that one frame holds. hyper queues at most 16 frames of a connection that writes
/// vectored, so a client that has stopped reading costs 128 KiB and the block they come from.
pub(crate) const FRAME: usize = 8 * 1024;

/// The most that one read asks for: one system call for this, whatever the frames.
const BLOCK: usize = 64 * 1024;

type Reading = Pin<Box<dyn Future<Output = io::Result<Vec<u8>>> + Send>>;

/// A file that many read at once, each at its own offset.
#[derive(Clone, Debug)]
pub(crate) struct SharedFile {
    file: Arc<File>,
    threads: Threads,
}

impl SharedFile {
    pub(super) fn new(file: File, threads: Threads) -> Self {
        let file = Arc::new(file);
        Self { file, threads }
    }

    /// As much of the buffer as one read gives.
    pub(crate) fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        read_at(&self.file, buffer, offset)
    }

    pub(crate) fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// Runs what needs this file on a thread that may block.
    ///
    /// # Cancel safety
    ///
    /// Work that has begun goes on to its end; its result is dropped.
    pub(crate) async fn blocking<T, F>(&self, work: F) -> io::Result<T>
    where
        F: FnOnce(&File) -> io::Result<T> + Send + 'static,
        T: Send + 'static,
    {
        let file = Arc::clone(&self.file);
        self.threads.run(move || work(&file)).await
    }
}

/// Hands out the bytes of a file between two offsets, or up to an end that moves.
pub(crate) struct FileReader {
    file: SharedFile,
    offset: u64,
    block: Bytes,
    reading: Option<Reading>,
}

impl FileReader {
    pub(crate) fn new(file: SharedFile, offset: u64) -> Self {
        Self {
            file,
            offset,
            block: Bytes::new(),
            reading: None,
        }
    }

    /// Starts with the first block up to `end` already read. Waits for the disk.
    pub(super) fn prepared(file: SharedFile, offset: u64, end: u64) -> io::Result<Self> {
        let mut reader = Self::new(file, offset);
        let want = block_len(offset, end);
        if want > 0 {
            let block = read_some(&reader.file.file, offset, want)?;
            reader.offset += block.len() as u64;
            reader.block = block.into();
        }
        Ok(reader)
    }

    /// Where the next frame begins.
    pub(crate) fn position(&self) -> u64 {
        self.offset - self.block.len() as u64
    }

    /// Whether a read is under way, which the next call of `poll_frame` goes on with.
    pub(crate) fn is_busy(&self) -> bool {
        self.reading.is_some() || !self.block.is_empty()
    }

    /// The next frame of the file, whose bytes up to `end` are there. Never empty.
    ///
    /// # Errors
    ///
    /// The read's own, and `UnexpectedEof` where the file is shorter than `end`.
    pub(crate) fn poll_frame(&mut self, cx: &mut Context<'_>, end: u64) -> Poll<io::Result<Bytes>> {
        let budget = ready!(coop::poll_proceed(cx));
        if self.block.is_empty() {
            let block = ready!(self.poll_block(cx, end))?;
            self.offset += block.len() as u64;
            self.block = block.into();
        }
        budget.made_progress();
        let len = self.block.len().min(FRAME);
        Poll::Ready(Ok(self.block.split_to(len)))
    }

    fn poll_block(&mut self, cx: &mut Context<'_>, end: u64) -> Poll<io::Result<Vec<u8>>> {
        if self.reading.is_none() {
            let want = block_len(self.offset, end);
            if let Some(block) = read_cached(&self.file.file, self.offset, want) {
                return Poll::Ready(Ok(block));
            }
            let (file, offset) = (self.file.clone(), self.offset);
            self.reading = Some(Box::pin(async move {
                file.blocking(move |file| read_some(file, offset, want))
                    .await
            }));
        }
        let Some(reading) = &mut self.reading else {
            return Poll::Pending;
        };
        let read = ready!(reading.as_mut().poll(cx));
        self.reading = None;
        Poll::Ready(read)
    }
}

impl fmt::Debug for FileReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileReader")
            .field("position", &self.position())
            .finish_non_exhaustive()
    }
}

fn block_len(offset: u64, end: u64) -> usize {
    usize::try_from(end.saturating_sub(offset)).map_or(BLOCK, |left| left.min(BLOCK))
}

/// As much of `len` bytes at `offset` as one read gives, at least one.
pub(super) fn read_some(file: &File, offset: u64, len: usize) -> io::Result<Vec<u8>> {
    let mut block = vec![0; len];
    loop {
        match read_at(file, &mut block, offset) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => {
                block.truncate(n);
                return Ok(block);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// What the page cache holds of these bytes, without ever waiting for a disk. `None` sends the
/// caller to a blocking thread, which then also finds whatever error there is.
#[cfg(target_os = "linux")]
fn read_cached(file: &File, offset: u64, len: usize) -> Option<Vec<u8>> {
    use rustix::io::{ReadWriteFlags, preadv2};

    let mut block = vec![0; len];
    let read = preadv2(
        file,
        &mut [io::IoSliceMut::new(&mut block)],
        offset,
        ReadWriteFlags::NOWAIT,
    );
    match read {
        Ok(n) if n > 0 => {
            block.truncate(n);
            Some(block)
        }
        _ => None,
    }
}

#[cfg(not(target_os = "linux"))]
fn read_cached(_: &File, _: u64, _: usize) -> Option<Vec<u8>> {
    None
}

#[cfg(unix)]
fn read_at(file: &File, block: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, block, offset)
}

#[cfg(windows)]
fn read_at(file: &File, block: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, block, offset)
}
