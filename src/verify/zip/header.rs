//! The headers of one file of an archive.

/// Numbers at the front of bytes, lowest byte first.
pub(super) struct Numbers<'a>(pub(super) &'a [u8]);

impl Numbers<'_> {
    /// The next `len` bytes as a number, or `None` if there are too few.
    pub(super) fn next(&mut self, len: usize) -> Option<u64> {
        let (number, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        let highest_first = number.iter().rev();
        Some(highest_first.fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn skip(&mut self, len: usize) -> Option<()> {
        self.0 = self.0.get(len..)?;
        Some(())
    }
}

/// The 32 bits that say: see the ZIP64 field.
const IN_ZIP64: u64 = 0xffff_ffff;
const ZIP64: u64 = 1;
pub(super) const DESCRIPTOR: &[u8] = b"PK\x07\x08";

/// What the central directory says of a file. The go command believes nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) crc: u32,
    /// Compressed.
    pub(super) packed: u64,
    /// Uncompressed.
    pub(super) size: u64,
    /// Where the local header is, as a signed number like in Go: what is negative is found nowhere.
    pub(super) offset: i64,
}

/// The bytes of the name, of the extra fields, and of the comment.
pub(super) type Lengths = [usize; 3];

impl Header {
    pub(super) const LEN: usize = 46;
    pub(super) const SIGNATURE: &[u8] = b"PK\x01\x02";

    /// The part of fixed length. `None` if it is not a header.
    pub(super) fn parse(fixed: &[u8]) -> Option<(Self, Lengths)> {
        let mut numbers = Numbers(fixed.strip_prefix(Self::SIGNATURE)?);
        numbers.skip(4)?;
        let flags = numbers.next(2)? as u16;
        let method = numbers.next(2)? as u16;
        numbers.skip(4)?;
        let crc = numbers.next(4)? as u32;
        let (packed, size) = (numbers.next(4)?, numbers.next(4)?);
        let mut length = || Some(numbers.next(2)? as usize);
        let lengths = [length()?, length()?, length()?];
        numbers.skip(8)?;
        let offset = numbers.next(4)? as i64;
        let header = Self {
            flags,
            method,
            crc,
            packed,
            size,
            offset,
        };
        Some((header, lengths))
    }

    /// Takes large numbers from the extra fields. `None` if they are not there where they have to be.
    pub(super) fn extend(&mut self, extra: &[u8]) -> Option<()> {
        let mut wants_size = self.size == IN_ZIP64;
        let mut wants_packed = self.packed == IN_ZIP64;
        let mut wants_offset = self.offset == IN_ZIP64 as i64;
        let mut fields = Numbers(extra);
        while let (Some(tag), Some(len)) = (fields.next(2), fields.next(2)) {
            let Some((field, rest)) = fields.0.split_at_checked(len as usize) else {
                break;
            };
            fields.0 = rest;
            if tag != ZIP64 {
                continue;
            }
            let mut field = Numbers(field);
            if std::mem::take(&mut wants_size) {
                self.size = field.next(8)?;
            }
            if std::mem::take(&mut wants_packed) {
                self.packed = field.next(8)?;
            }
            if std::mem::take(&mut wants_offset) {
                self.offset = field.next(8)? as i64;
            }
        }
        // A size of 4 GiB less one byte is possible without the field.
        (!wants_packed && !wants_offset).then_some(())
    }

    /// Whether a record with the sum follows the file.
    pub(super) fn has_descriptor(&self) -> bool {
        self.flags & 8 != 0
    }
}

/// The header in front of a file, of which the go command reads the lengths alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct LocalHeader {
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) crc: u32,
    pub(super) packed: u64,
    pub(super) name_len: usize,
    pub(super) extra_len: usize,
}

impl LocalHeader {
    pub(super) const LEN: usize = 30;

    pub(super) fn parse(fixed: &[u8]) -> Option<Self> {
        let mut numbers = Numbers(fixed.strip_prefix(b"PK\x03\x04")?);
        numbers.skip(2)?;
        let flags = numbers.next(2)? as u16;
        let method = numbers.next(2)? as u16;
        numbers.skip(4)?;
        let crc = numbers.next(4)? as u32;
        let packed = numbers.next(4)?;
        numbers.skip(4)?;
        Some(Self {
            flags,
            method,
            crc,
            packed,
            name_len: numbers.next(2)? as usize,
            extra_len: numbers.next(2)? as usize,
        })
    }
}

/// The sum in the record behind a file, whose signature is optional. `None` if the record is cut.
pub(super) fn descriptor_crc(record: &[u8]) -> Option<u32> {
    let fields = record.strip_prefix(DESCRIPTOR).unwrap_or(record);
    Numbers(fields.get(..12)?).next(4).map(|crc| crc as u32)
}
