//! Unpacks one file after the other, and keeps their sums alone.

use crc32fast::Hasher;
use flate2::{Decompress, FlushDecompress, Status};
use sha2::{Digest, Sha256};

use super::h1::Sum;
use crate::verify::failed::Failed;

const BUFFER: usize = 32 * 1024;
/// With the window and the tables of the decompressor.
const MEMORY: usize = BUFFER + 48 * 1024;

const STORED: u16 = 0;
const DEFLATED: u16 = 8;

pub(super) struct Unpack {
    is_stored: bool,
    /// Made for the first file that needs it.
    inflate: Option<(Decompress, Box<[u8]>)>,
    crc: Hasher,
    sum: Sha256,
    size: u64,
}

/// What a file was.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unpacked {
    pub(super) size: u64,
    pub(super) crc: u32,
    pub(super) sum: Sum,
}

impl Unpack {
    pub(super) fn new() -> Self {
        Self {
            is_stored: true,
            inflate: None,
            crc: Hasher::new(),
            sum: Sha256::new(),
            size: 0,
        }
    }

    /// Begins a file.
    pub(super) fn start(&mut self, method: u16) -> Result<(), Failed> {
        self.is_stored = match method {
            STORED => true,
            DEFLATED => false,
            _ => return Err(format!(".zip has a file with the unknown method {method}").into()),
        };
        if let Some((inflate, _)) = &mut self.inflate {
            inflate.reset(false);
        }
        self.crc.reset();
        self.sum.reset();
        self.size = 0;
        Ok(())
    }

    /// How many bytes of memory it takes.
    pub(super) fn memory(&self) -> usize {
        self.inflate.as_ref().map_or(0, |_| MEMORY)
    }

    /// Whether a file says itself where it ends.
    pub(super) fn knows_end(&self) -> bool {
        !self.is_stored
    }

    /// Takes the next bytes of the file: how many of them belonged to it, and whether it ended with them. A stored file has
    /// no end of its own.
    ///
    /// # Errors
    ///
    /// The file is damaged, or has more than `max` bytes.
    pub(super) fn push(&mut self, input: &[u8], max: u64) -> Result<(usize, bool), Failed> {
        if self.is_stored {
            grow(&mut self.size, input.len(), max)?;
            self.crc.update(input);
            self.sum.update(input);
            return Ok((input.len(), false));
        }
        let new = || (Decompress::new(false), vec![0; BUFFER].into());
        let (inflate, buffer) = self.inflate.get_or_insert_with(new);
        let begin = inflate.total_in();
        loop {
            let (total_in, total_out) = (inflate.total_in(), inflate.total_out());
            let used = (total_in - begin) as usize;
            let status = inflate
                .decompress(&input[used..], buffer, FlushDecompress::None)
                .map_err(|_| ".zip has a damaged file")?;
            let len = (inflate.total_out() - total_out) as usize;
            grow(&mut self.size, len, max)?;
            self.crc.update(&buffer[..len]);
            self.sum.update(&buffer[..len]);
            let used = (inflate.total_in() - begin) as usize;
            match status {
                Status::StreamEnd => return Ok((used, true)),
                _ if len == 0 && (used == input.len() || inflate.total_in() == total_in) => {
                    return Ok((used, false));
                }
                _ => {}
            }
        }
    }

    pub(super) fn finish(&mut self) -> Unpacked {
        Unpacked {
            size: self.size,
            crc: self.crc.clone().finalize(),
            sum: self.sum.finalize_reset().into(),
        }
    }
}

fn grow(size: &mut u64, len: usize, max: u64) -> Result<(), Failed> {
    *size += len as u64;
    match *size > max {
        true => Err(".zip has a file that is larger than it says".into()),
        false => Ok(()),
    }
}
