//! Buffers for reads of files. They are used again and again: a fresh one would have to be cleared
//! each time, and to get it from the system and give it back costs more than the read.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// The most that one read asks for.
pub(super) const BLOCK: usize = 64 * 1024;

/// How many unused buffers are kept, for all readers of the process together: 2 MiB.
const KEPT: usize = 32;

/// Last in, first out: the buffer that was used last is the one that the processor's cache has.
static UNUSED: Mutex<Vec<Box<[u8]>>> = Mutex::new(Vec::new());

/// Counts the blocks of one reader that somebody still has.
#[derive(Clone, Debug, Default)]
pub(super) struct Held(Arc<()>);

impl Held {
    /// One of the counts is that of the reader itself.
    pub(super) fn is_more_than(&self, blocks: usize) -> bool {
        Arc::strong_count(&self.0) - 1 > blocks
    }
}

/// A buffer with what has been read into it.
struct Block {
    buffer: Box<[u8]>,
    filled: usize,
    _held: Arc<()>,
}

/// Reads at most `len` bytes, and no more than a [`BLOCK`]. What turns out to be far less takes only the
/// memory that it needs.
///
/// # Errors
///
/// Those of the read.
pub(super) fn read(
    len: usize,
    held: &Held,
    read: impl FnOnce(&mut [u8]) -> io::Result<usize>,
) -> io::Result<Bytes> {
    let mut buffer = take();
    let len = len.min(buffer.len());
    match read(&mut buffer[..len]) {
        Ok(filled) if filled < BLOCK / 2 => {
            let bytes = Bytes::copy_from_slice(&buffer[..filled]);
            give_back(buffer);
            Ok(bytes)
        }
        Ok(filled) => Ok(Bytes::from_owner(Block {
            buffer,
            filled,
            _held: Arc::clone(&held.0),
        })),
        Err(error) => {
            give_back(buffer);
            Err(error)
        }
    }
}

fn take() -> Box<[u8]> {
    let unused = UNUSED.lock().unwrap_or_else(PoisonError::into_inner).pop();
    unused.unwrap_or_else(|| vec![0; BLOCK].into())
}

fn give_back(buffer: Box<[u8]>) {
    let mut unused = UNUSED.lock().unwrap_or_else(PoisonError::into_inner);
    if unused.len() < KEPT {
        unused.push(buffer);
    }
}

impl AsRef<[u8]> for Block {
    fn as_ref(&self) -> &[u8] {
        &self.buffer[..self.filled]
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        give_back(std::mem::take(&mut self.buffer));
    }
}
