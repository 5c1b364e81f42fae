//! Buffers for reads of files. They are used again and again: a fresh one would have to be cleared
//! each time, and to get it from the system and give it back costs more than the read.

use std::borrow::Borrow;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// The most that one read asks for.
pub(super) const BLOCK: usize = 64 * 1024;

/// Where buffers begin: the kernel copies faster to the start of a line of the processor's cache.
const LINE: usize = 64;

/// How many unused buffers are kept, for all readers of the process together: half a MiB, which
/// comes on top of what the readers have.
const KEPT: usize = 8;

/// Last in, first out: the buffer that was used last is the one that the processor's cache has.
static UNUSED: Mutex<Vec<Box<[u8]>>> = Mutex::new(Vec::new());

/// Counts the large blocks of one reader that somebody still has.
#[derive(Clone, Debug, Default)]
pub(super) struct Held(Arc<()>);

impl Held {
    /// One of the counts is that of the reader itself.
    pub(super) fn is_more_than(&self, blocks: usize) -> bool {
        Arc::strong_count(&self.0) - 1 > blocks
    }
}

/// A buffer with what has been read into it.
#[derive(Debug)]
pub(super) struct Block {
    buffer: Box<[u8]>,
    filled: usize,
}

/// A block of its own or a shared one, while somebody has its bytes.
struct Lent<B> {
    block: B,
    _held: Option<Arc<()>>,
}

impl Block {
    /// Reads at most `len` bytes, and no more than a [`BLOCK`]. What turns out to be far less takes only the
    /// memory that it needs.
    ///
    /// # Errors
    ///
    /// Those of the read.
    pub(super) fn read(
        len: usize,
        read: impl FnOnce(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<Self> {
        let mut buffer = take();
        let start = start(&buffer);
        let end = start + len.min(BLOCK);
        let read = read(&mut buffer[start..end]);
        let block = match read {
            Ok(filled) if filled < BLOCK / 2 => Ok(Self {
                buffer: buffer[start..start + filled].into(),
                filled,
            }),
            Ok(filled) => return Ok(Self { buffer, filled }),
            Err(error) => Err(error),
        };
        give_back(buffer);
        block
    }

    pub(super) fn bytes(&self) -> &[u8] {
        let start = match self.is_large() {
            true => start(&self.buffer),
            false => 0,
        };
        &self.buffer[start..start + self.filled]
    }

    /// Whether it takes a buffer, however few bytes of it are used.
    pub(super) fn is_large(&self) -> bool {
        self.buffer.len() == BLOCK + LINE
    }
}

/// The bytes of a block, of its only owner or of one of many.
pub(super) fn lend(block: impl Borrow<Block> + Send + 'static, held: &Held) -> Bytes {
    let is_large = block.borrow().is_large();
    let _held = is_large.then(|| Arc::clone(&held.0));
    Bytes::from_owner(Lent { block, _held })
}

fn start(buffer: &[u8]) -> usize {
    buffer.as_ptr().addr().wrapping_neg() % LINE
}

fn take() -> Box<[u8]> {
    let unused = UNUSED.lock().unwrap_or_else(PoisonError::into_inner).pop();
    unused.unwrap_or_else(|| vec![0; BLOCK + LINE].into())
}

fn give_back(buffer: Box<[u8]>) {
    let mut unused = UNUSED.lock().unwrap_or_else(PoisonError::into_inner);
    if unused.len() < KEPT {
        unused.push(buffer);
    }
}

impl<B: Borrow<Block>> AsRef<[u8]> for Lent<B> {
    fn as_ref(&self) -> &[u8] {
        self.block.borrow().bytes()
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        if self.is_large() {
            give_back(std::mem::take(&mut self.buffer));
        }
    }
}
