//! Unpacks one file after the other, and keeps their sums alone.

use crc32fast::Hasher;
use flate2::{Decompress, FlushDecompress, Status};
use sha2::{Digest, Sha256};

use super::h1::Sum;
use crate::verify::failed::Failed;

const BUFFER: usize = 32 * 1024;

const STORED: u16 = 0;
const DEFLATED: u16 = 8;

pub(super) struct Unpack {
    is_stored: bool,
    inflate: Decompress,
    buffer: Box<[u8]>,
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
            inflate: Decompress::new(false),
            buffer: vec![0; BUFFER].into(),
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
        self.inflate.reset(false);
        self.crc.reset();
        self.sum.reset();
        self.size = 0;
        Ok(())
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
            self.add(input.len(), max)?;
            self.crc.update(input);
            self.sum.update(input);
            return Ok((input.len(), false));
        }
        let begin = self.inflate.total_in();
        loop {
            let (total_in, total_out) = (self.inflate.total_in(), self.inflate.total_out());
            let used = (total_in - begin) as usize;
            let status = self
                .inflate
                .decompress(&input[used..], &mut self.buffer, FlushDecompress::None)
                .map_err(|_| ".zip has a damaged file")?;
            let len = (self.inflate.total_out() - total_out) as usize;
            self.add(len, max)?;
            self.crc.update(&self.buffer[..len]);
            self.sum.update(&self.buffer[..len]);
            let used = (self.inflate.total_in() - begin) as usize;
            match status {
                Status::StreamEnd => return Ok((used, true)),
                _ if len == 0 && (used == input.len() || self.inflate.total_in() == total_in) => {
                    return Ok((used, false));
                }
                _ => {}
            }
        }
    }

    fn add(&mut self, len: usize, max: u64) -> Result<(), Failed> {
        self.size += len as u64;
        match self.size > max {
            true => Err(".zip has a file that is larger than it says".into()),
            false => Ok(()),
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
