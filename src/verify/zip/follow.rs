//! Follows a zip as it arrives, from one local header to the next.
//!
//! Only a plain archive can be followed: files one behind the other from the first byte on, then the list of just these files
//! in the same order, then the end record. In such an archive the go command reads exactly what was seen here. Whatever is
//! not plain is checked from the whole file.

use super::entries::Names;
use super::h1::{self, Sum};
use super::header::{DESCRIPTOR, Header, Lengths, LocalHeader, Numbers};
use super::inflate::{Unpack, Unpacked};
use super::rules;
use crate::verify::failed::Failed;

const END_LEN: usize = 22;

/// What was seen of a file.
struct Seen {
    header: Header,
    sum: Sum,
}

/// What comes next.
enum Expected {
    /// Four bytes that say what follows them.
    Signature,
    Local,
    /// Name and extra fields of a file that begins at the offset.
    LocalNames(LocalHeader, u64),
    /// The file, with the number of its bytes that came and of all where that is known.
    Body(Header, u64, Option<u64>),
    /// The record behind a file, of this length.
    Descriptor(Header, Unpacked, usize),
    Listed,
    ListedNames(Header, Lengths),
    End,
    /// Nothing.
    Whole,
}

/// The archive is not plain.
struct Lost;

impl From<Failed> for Lost {
    fn from(_: Failed) -> Self {
        Self
    }
}

pub(crate) struct Follow {
    next: Result<Expected, Lost>,
    /// Bytes of a header that is not complete.
    part: Vec<u8>,
    unpack: Unpack,
    position: u64,
    names: Names,
    seen: Vec<Seen>,
    unpacked: u64,
    /// Where the list begins, and how many of its files have come.
    list: Option<(u64, usize)>,
}

impl Follow {
    pub(crate) fn new() -> Self {
        Self {
            next: Ok(Expected::Signature),
            part: Vec::new(),
            unpack: Unpack::new(),
            position: 0,
            names: Names::default(),
            seen: Vec::new(),
            unpacked: 0,
            list: None,
        }
    }

    /// The number of bytes that came.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.next.is_err()
    }

    /// How many bytes of memory it keeps of what came.
    pub(crate) fn memory(&self) -> usize {
        let seen = self.seen.capacity() * size_of::<Seen>();
        self.names.memory() + seen + self.part.capacity() + self.unpack.memory()
    }

    /// Takes the next bytes.
    pub(crate) fn push(&mut self, mut input: &[u8]) {
        let end = self.position + input.len() as u64;
        while !input.is_empty() {
            let Ok(next) = std::mem::replace(&mut self.next, Err(Lost)) else {
                break;
            };
            let before = input.len();
            self.next = match next {
                Expected::Body(header, came, len) => self.body(&mut input, header, came, len),
                Expected::Whole => Err(Lost),
                other => self.headers(&mut input, other),
            };
            self.position += (before - input.len()) as u64;
        }
        self.position = end;
    }

    /// The `h1:` if the rules allow these names and sizes. `None` if the archive must be read as a whole.
    pub(crate) fn finish(&self, prefix: &str) -> Option<Result<String, Failed>> {
        let Ok(Expected::Whole) = self.next else {
            return None;
        };
        let size = |index: usize| self.seen[index].header.size;
        let checked = rules::check_len(self.position);
        let checked = checked.and_then(|()| rules::check(&self.names, size, prefix));
        if let Err(failed) = checked {
            return Some(Err(failed));
        }
        let order = self.names.sorted(Ord::cmp);
        Some(Ok(h1::of_files(&self.names, &order, |index| {
            self.seen[index].sum
        })))
    }

    /// All that has a length which is known.
    fn headers(&mut self, input: &mut &[u8], next: Expected) -> Result<Expected, Lost> {
        let len = match &next {
            Expected::Signature => 4,
            Expected::Local => LocalHeader::LEN,
            Expected::LocalNames(header, _) => header.name_len + header.extra_len,
            Expected::Descriptor(_, _, len) => *len,
            Expected::Listed => Header::LEN,
            Expected::ListedNames(_, lengths) => lengths.iter().sum(),
            Expected::End => END_LEN,
            Expected::Body(..) | Expected::Whole => return Err(Lost),
        };
        let missing = len.saturating_sub(self.part.len());
        let (part, rest) = input.split_at(missing.min(input.len()));
        self.part.extend_from_slice(part);
        *input = rest;
        if self.part.len() < len {
            return Ok(next);
        }
        let part = std::mem::take(&mut self.part);
        // Where the header ends.
        let at = self.position + missing as u64;
        match next {
            Expected::Signature => {
                let is_list = self.list.is_some();
                let next = match &*part {
                    b"PK\x03\x04" if !is_list => Expected::Local,
                    Header::SIGNATURE => Expected::Listed,
                    b"PK\x05\x06" => Expected::End,
                    _ => return Err(Lost),
                };
                if !is_list && !matches!(next, Expected::Local) {
                    self.list = Some((at - 4, 0));
                }
                self.part = part;
                Ok(next)
            }
            Expected::Local => {
                let header = LocalHeader::parse(&part).ok_or(Lost)?;
                let offset = at - LocalHeader::LEN as u64;
                self.then(
                    Expected::LocalNames(header, offset),
                    header.name_len + header.extra_len,
                )
            }
            Expected::LocalNames(header, offset) => self.begin(&header, offset, &part),
            Expected::Descriptor(header, found, len) => self.descriptor(header, found, part, len),
            Expected::Listed => {
                let (header, lengths) = Header::parse(&part).ok_or(Lost)?;
                self.then(Expected::ListedNames(header, lengths), lengths.iter().sum())
            }
            Expected::ListedNames(header, lengths) => self.listed(header, lengths, &part),
            Expected::End => self.end(&part, at - END_LEN as u64),
            Expected::Body(..) | Expected::Whole => Err(Lost),
        }
    }

    /// What has no bytes is there at once.
    fn then(&mut self, next: Expected, len: usize) -> Result<Expected, Lost> {
        match len {
            0 => self.headers(&mut &[][..], next),
            _ => Ok(next),
        }
    }

    fn begin(&mut self, local: &LocalHeader, offset: u64, names: &[u8]) -> Result<Expected, Lost> {
        self.names.push(&names[..local.name_len]);
        self.unpack.start(local.method)?;
        let header = Header {
            flags: local.flags,
            method: local.method,
            crc: local.crc,
            packed: local.packed,
            size: 0,
            offset: offset as i64,
        };
        let len = match (header.has_descriptor(), self.unpack.knows_end()) {
            (false, _) => Some(header.packed),
            (true, true) => None,
            (true, false) => return Err(Lost),
        };
        match len {
            Some(0) => self.ended(header, 0),
            len => Ok(Expected::Body(header, 0, len)),
        }
    }

    fn body(
        &mut self,
        input: &mut &[u8],
        header: Header,
        came: u64,
        len: Option<u64>,
    ) -> Result<Expected, Lost> {
        let left = len.map_or(u64::MAX, |len| len - came);
        let (part, _) = input.split_at(left.min(input.len() as u64) as usize);
        let max = rules::MAX_ZIP - self.unpacked;
        let (used, is_end) = self.unpack.push(part, max)?;
        *input = &input[used..];
        let came = came + used as u64;
        let is_all = len == Some(came);
        match len {
            _ if is_end && len.is_some() && !is_all => Err(Lost),
            _ if is_end => self.ended(header, came),
            Some(_) if is_all && !self.unpack.knows_end() => self.ended(header, came),
            Some(_) if is_all => Err(Lost),
            _ if used == 0 => Err(Lost),
            _ => Ok(Expected::Body(header, came, len)),
        }
    }

    fn ended(&mut self, mut header: Header, packed: u64) -> Result<Expected, Lost> {
        let found = self.unpack.finish();
        self.unpacked += found.size;
        header.packed = packed;
        header.size = found.size;
        if header.has_descriptor() {
            return Ok(Expected::Descriptor(header, found, 16));
        }
        header.crc = found.crc;
        self.seen(header, found)
    }

    fn seen(&mut self, header: Header, found: Unpacked) -> Result<Expected, Lost> {
        let sum = found.sum;
        self.seen.push(Seen { header, sum });
        Ok(Expected::Signature)
    }

    /// The record of the longer form does not look like the shorter one.
    fn descriptor(
        &mut self,
        mut header: Header,
        found: Unpacked,
        part: Vec<u8>,
        len: usize,
    ) -> Result<Expected, Lost> {
        let width = (len - 8) / 2;
        let mut numbers = Numbers(part.strip_prefix(DESCRIPTOR).ok_or(Lost)?);
        let fields = [4, width, width].map(|len| numbers.next(len).unwrap_or_default());
        if fields == [u64::from(found.crc), header.packed, header.size] {
            header.crc = found.crc;
            return self.seen(header, found);
        }
        if len == 24 {
            return Err(Lost);
        }
        self.part = part;
        Ok(Expected::Descriptor(header, found, 24))
    }

    /// The list says the same of the file as what was seen.
    fn listed(&mut self, header: Header, lengths: Lengths, names: &[u8]) -> Result<Expected, Lost> {
        let [name_len, extra_len, _] = lengths;
        let mut header = header;
        let extended = header.extend(&names[name_len..name_len + extra_len]);
        extended.ok_or(Lost)?;
        let (_, index) = self.list.as_mut().ok_or(Lost)?;
        let seen = self.seen.get(*index).ok_or(Lost)?;
        if header.crc == 0 && !header.has_descriptor() {
            // Not summed.
            header.crc = seen.header.crc;
        }
        // Other flags mean nothing to the go command.
        let is_same = header.has_descriptor() == seen.header.has_descriptor();
        header.flags = seen.header.flags;
        let is_same =
            is_same && header == seen.header && *self.names.get(*index) == names[..name_len];
        if !is_same || self.names.is_folder(*index) && header.size > 0 {
            return Err(Lost);
        }
        *index += 1;
        Ok(Expected::Signature)
    }

    fn end(&mut self, record: &[u8], at: u64) -> Result<Expected, Lost> {
        let (start, listed) = self.list.ok_or(Lost)?;
        let size = at - start;
        let mut numbers = Numbers(&record[8..]);
        let fields = [2, 2, 4, 4, 2].map(|len| numbers.next(len).unwrap_or_default());
        let files = self.seen.len() as u64;
        // With these numbers Go looks for a ZIP64 record.
        let is_small = files < 0xffff && size != 0xffff && start < 0xffff_ffff;
        let is_end = listed == self.seen.len() && fields[1..] == [files, size, start, 0];
        match is_small && is_end {
            true => Ok(Expected::Whole),
            false => Err(Lost),
        }
    }
}
