//! The files of an archive, unpacked as Go's archive/zip unpacks them.

use super::h1::{Sum, of_nothing};
use super::header::{Header, LocalHeader, descriptor_crc};
use super::inflate::Unpack;
use crate::verify::failed::Failed;
use crate::verify::whole_file::WholeFile;

const BUFFER: usize = 64 * 1024;
const DESCRIPTOR_LEN: u64 = 16;

/// How often each byte of an archive may be unpacked. Once is enough for one whose files do not overlap.
const MAX_OVERLAP: u64 = 4;

/// Unpacks files of one archive. It reads of the archive no more than a few times its length, whatever the files say.
pub(super) struct Content<'a> {
    file: &'a WholeFile,
    unpack: Unpack,
    buffer: Box<[u8]>,
    left: u64,
}

impl<'a> Content<'a> {
    pub(super) fn new(file: &'a WholeFile) -> Self {
        Self {
            file,
            unpack: Unpack::new(),
            buffer: vec![0; BUFFER].into(),
            left: file.len().saturating_mul(MAX_OVERLAP) + BUFFER as u64,
        }
    }

    /// Checks a file, and returns its sum.
    pub(super) fn sum(&mut self, header: &Header, is_folder: bool) -> Result<Sum, Failed> {
        let start = self.start(header.offset)?;
        if is_folder {
            // Some programs give folders a compressed size.
            if header.size != 0 {
                return Err(".zip has a folder with content".into());
            }
            return Ok(of_nothing());
        }
        self.unpack.start(header.method)?;
        // In Go sizes are signed.
        let packed = i64::try_from(header.packed).map_or(0, |packed| packed as u64);
        let end = start.saturating_add(packed);
        let mut at = start;
        loop {
            let wanted = (end - at).min(BUFFER as u64) as usize;
            let read = self.file.read_at(&mut self.buffer[..wanted], at)?;
            self.left = self
                .left
                .checked_sub(read as u64)
                .ok_or(".zip has files that overlap")?;
            at += read as u64;
            let (_, is_end) = self.unpack.push(&self.buffer[..read], header.size)?;
            match read {
                _ if is_end => break,
                0 if self.unpack.knows_end() => return Err(".zip has a file that is cut".into()),
                0 => break,
                _ => {}
            }
        }
        let found = self.unpack.finish();
        if found.size != header.size {
            return Err(".zip has a file that is shorter than it says".into());
        }
        let is_summed = match header.has_descriptor() {
            true => self.descriptor(end)? == Some(header.crc),
            // Without a record behind the file no sum is a sum that is not known.
            false if header.crc == 0 => return Ok(found.sum),
            false => true,
        };
        match is_summed && found.crc == header.crc {
            true => Ok(found.sum),
            false => Err(".zip has a file with a wrong checksum".into()),
        }
    }

    /// Where a file begins.
    fn start(&self, offset: i64) -> Result<u64, Failed> {
        const MISSING: &str = ".zip has no file where its list says";
        let at = u64::try_from(offset).map_err(|_| MISSING)?;
        if at
            .checked_add(LocalHeader::LEN as u64)
            .is_none_or(|end| end > self.file.len())
        {
            return Err(MISSING.into());
        }
        let header = self.file.bytes_at(at, LocalHeader::LEN as u64)?;
        let header = LocalHeader::parse(&header).ok_or(MISSING)?;
        Ok(at + (LocalHeader::LEN + header.name_len + header.extra_len) as u64)
    }

    fn descriptor(&self, at: u64) -> Result<Option<u32>, Failed> {
        let len = self.file.len().saturating_sub(at).min(DESCRIPTOR_LEN);
        let record = self.file.bytes_at(at, len)?;
        Ok(descriptor_crc(&record))
    }
}
