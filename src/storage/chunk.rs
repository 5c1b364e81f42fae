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
use tokio::task::JoinHandle;

use super::block::{BLOCK, Block, Held, lend};
use super::cached;
use super::read_at::{ReadAt, read_at, read_some};
use super::shared_blocks::SharedBlocks;
use super::threads::Threads;
use super::turn::{Turn, readers};

/// The most that one frame holds.
///
/// It does not divide a block, so that the last frame of each block is smaller, and what hyper hands to the kernel at once,
/// a [`QUEUE`] of them, is about 2.7 segments of a loopback device (65,483 bytes each). Sixteen frames of 16 KiB are
/// 212 bytes more than four segments: such a rest goes as a segment of its own, which costs as much as a large one and wakes
/// the client. That is worth a twentieth on a loopback device, where proxies in front of this one are; nothing is known of others.
pub(crate) const FRAME: usize = 12 * 1024;

/// The same where many read, or share what they read: a client that has stopped reading costs a [`QUEUE`] of frames, and
/// that counts for more than the rest of 106 bytes.
const FRAME_OF_MANY: usize = 8 * 1024;

/// The larger frames then cost a MiB at most.
const FEW: usize = 16;

// Readers that share what they read meet again where a block ends, however they came there.
const _: () = assert!(BLOCK.is_multiple_of(FRAME_OF_MANY));

/// How many frames a client may wait for; hyper queues no more. Once about as many are in blocks that wait to be sent, a reader
/// reads frame by frame: for a slow client a block would be kept for the sake of its last frame.
const QUEUE: usize = 16;

type Reading = Pin<Box<dyn Future<Output = io::Result<Bytes>> + Send>>;

/// A file that many read at once, each at its own offset.
#[derive(Clone, Debug)]
pub(crate) struct SharedFile {
    file: Arc<File>,
    threads: Threads,
    /// None where each reader has opened the file for itself.
    blocks: Option<Arc<SharedBlocks>>,
}

impl SharedFile {
    pub(super) fn new(file: File, threads: Threads) -> Self {
        Self {
            file: Arc::new(file),
            threads,
            blocks: None,
        }
    }

    /// Its readers share what they have of it.
    pub(super) fn with_shared_blocks(mut self) -> Self {
        self.blocks = Some(Arc::default());
        self
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

    /// Starts what needs this file on a thread that may block, once there is one.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, the work has not begun.
    pub(crate) async fn start<T, F>(&self, work: F) -> io::Result<JoinHandle<io::Result<T>>>
    where
        F: FnOnce(&File) -> io::Result<T> + Send + 'static,
        T: Send + 'static,
    {
        let file = Arc::clone(&self.file);
        self.threads.start(move || work(&file)).await
    }

    /// What another reader has of the file from this offset on, at most `len` bytes.
    ///
    /// A copy where a whole block would be kept for little of it.
    fn find_block(&self, offset: u64, len: usize, held: &Held) -> Option<Bytes> {
        let (block, at) = self.blocks.as_ref()?.find(offset)?;
        let bytes = &block.bytes()[at..];
        let bytes = &bytes[..bytes.len().min(len)];
        if block.is_large() && bytes.len() < BLOCK / 2 {
            return Some(Bytes::copy_from_slice(bytes));
        }
        let end = at + bytes.len();
        Some(lend(block, held).slice(at..end))
    }

    /// As much of `len` bytes at `offset` as one read gives, at least one.
    fn read_block(&self, offset: u64, len: usize, held: &Held, read: ReadAt) -> io::Result<Bytes> {
        let block = Block::read(len, |buffer| read_some(&self.file, buffer, offset, read))?;
        let Some(blocks) = &self.blocks else {
            return Ok(lend(block, held));
        };
        let mut bytes = lend(blocks.add(offset, block), held);
        // Another one, who may have more, can have been faster.
        bytes.truncate(len);
        Ok(bytes)
    }

    /// How much to read at an offset. Readers that came by different ways begin again with the same blocks.
    fn want(&self, offset: u64, end: u64, most: usize) -> usize {
        let most = match &self.blocks {
            // Less than `most`.
            Some(_) => most - (offset % most as u64) as usize,
            None => most,
        };
        usize::try_from(end.saturating_sub(offset)).map_or(most, |left| left.min(most))
    }
}

/// Hands out the bytes of a file between two offsets, or up to an end that moves.
pub(crate) struct FileReader {
    file: SharedFile,
    offset: u64,
    block: Bytes,
    held: Held,
    turn: Turn,
    reading: Option<Reading>,
}

impl FileReader {
    pub(crate) fn new(file: SharedFile, offset: u64) -> Self {
        Self {
            file,
            offset,
            block: Bytes::new(),
            held: Held::default(),
            turn: Turn::new(),
            reading: None,
        }
    }

    /// Starts with the first block up to `end` already read in this way.
    pub(super) fn prepared(
        file: SharedFile,
        offset: u64,
        end: u64,
        read: ReadAt,
    ) -> io::Result<Self> {
        let mut reader = Self::new(file, offset);
        let want = reader.file.want(offset, end, BLOCK);
        if want > 0 {
            let block = reader.file.read_block(offset, want, &reader.held, read)?;
            reader.offset += block.len() as u64;
            reader.block = block;
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

    /// Whether the file is what it waits for.
    pub(super) fn is_reading(&self) -> bool {
        self.reading.is_some()
    }

    /// How large the next frame may be.
    fn frame(&self) -> usize {
        match self.file.blocks {
            None if readers() <= FEW => FRAME,
            _ => FRAME_OF_MANY,
        }
    }

    /// The next frame of the file, whose bytes up to `end` are there. Never empty.
    ///
    /// # Errors
    ///
    /// The read's own, and `UnexpectedEof` where the file is shorter than `end`.
    pub(crate) fn poll_frame(&mut self, cx: &mut Context<'_>, end: u64) -> Poll<io::Result<Bytes>> {
        ready!(self.turn.poll(cx));
        if self.block.is_empty() {
            let block = ready!(self.poll_block(cx, end))?;
            self.offset += block.len() as u64;
            self.block = block;
        }
        let len = self.block.len().min(self.frame());
        self.turn.took(len);
        Poll::Ready(Ok(self.block.split_to(len)))
    }

    fn poll_block(&mut self, cx: &mut Context<'_>, end: u64) -> Poll<io::Result<Bytes>> {
        if self.reading.is_none() {
            let frame = self.frame();
            let most = match self.held.is_more_than(QUEUE * frame / BLOCK - 1) {
                true => frame,
                false => BLOCK,
            };
            let (offset, want) = (self.offset, self.file.want(self.offset, end, most));
            if let Some(block) = self.file.find_block(offset, want, &self.held) {
                return Poll::Ready(Ok(block));
            }
            let cached = cached::read_at;
            if let Ok(block) = self.file.read_block(offset, want, &self.held, cached) {
                return Poll::Ready(Ok(block));
            }
            let (file, held) = (self.file.clone(), self.held.clone());
            self.reading = Some(Box::pin(async move {
                let threads = file.threads.clone();
                let read = move || {
                    // Others may have waited for the same.
                    let found = file.find_block(offset, want, &held);
                    found.map_or_else(|| file.read_block(offset, want, &held, read_at), Ok)
                };
                threads.run(read).await
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
