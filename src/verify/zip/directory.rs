//! The list of files at the end of an archive, found as Go's archive/zip finds it.

use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};

use super::header::{Header, Numbers};
use crate::verify::failed::Failed;
use crate::verify::whole_file::WholeFile;

/// Where the last end record may begin, from the end of the file.
const TAIL: u64 = 65 * 1024;
const END: &[u8] = b"PK\x05\x06";
const END_LEN: usize = 22;
const LOCATOR_LEN: u64 = 20;
const END64_LEN: u64 = 56;

/// How much of the list is read at once.
const BUFFER: usize = 64 * 1024;

/// No module has as many files: what the check keeps in memory of each is bounded by it.
pub(super) const MAX_FILES: usize = 200_000;
/// The most bytes of all names together.
pub(super) const MAX_NAMES: usize = 16 * 1024 * 1024;

/// The list of an archive.
#[derive(Clone, Copy, Debug)]
pub(super) struct Directory {
    start: u64,
    /// What is in front of the archive: offsets count from there.
    base: i64,
    /// The number of files by the end record. Only its lower 16 bits count.
    declared: u64,
}

/// How large a list is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Extent {
    pub(crate) files: usize,
    pub(crate) names: usize,
}

/// What an end record says.
struct End {
    declared: u64,
    size: u64,
    offset: u64,
}

impl Directory {
    pub(super) fn find(file: &WholeFile) -> Result<Self, Failed> {
        const MISPLACED: &str = ".zip has a list of files outside of the file";

        let (mut end_at, mut end) = end_record(file)?;
        // Go compares the size with the wrong number of bits.
        let is_large = end.declared == 0xffff || end.size == 0xffff || end.offset == 0xffff_ffff;
        if is_large && let Some(at) = locator(file, end_at)? {
            end = end64(file, at)?;
            end_at = at;
        }
        let (Ok(size), Ok(offset)) = (i64::try_from(end.size), i64::try_from(end.offset)) else {
            return Err(MISPLACED.into());
        };
        let mut base = (end_at as i64).wrapping_sub(size).wrapping_sub(offset);
        let is_inside = |at: i64| u64::try_from(at).is_ok_and(|at| at < file.len());
        if !is_inside(base.wrapping_add(offset)) {
            return Err(MISPLACED.into());
        }
        // There are archives whose end record is wrong about the size.
        if base > 0
            && is_inside(offset)
            && let Next::Header(..) = read_header(&mut at(file, offset as u64)?)?
        {
            base = 0;
        }
        Ok(Self {
            start: base.wrapping_add(offset) as u64,
            base,
            declared: end.declared,
        })
    }

    /// Reads the list once and keeps nothing of it.
    ///
    /// # Errors
    ///
    /// The go command does not open the archive, or the list is too large for a check.
    pub(super) fn measure(&self, file: &WholeFile) -> Result<Extent, Failed> {
        let mut extent = Extent::default();
        self.each(file, |_, name| {
            extent.files += 1;
            extent.names += name.len();
            match extent.files > MAX_FILES || extent.names > MAX_NAMES {
                true => Err(".zip has too many files".into()),
                false => Ok(()),
            }
        })?;
        Ok(extent)
    }

    /// Calls `entry` with each file and its name.
    pub(super) fn each(
        &self,
        file: &WholeFile,
        mut entry: impl FnMut(Header, &[u8]) -> Result<(), Failed>,
    ) -> Result<(), Failed> {
        let mut list = at(file, self.start)?;
        let mut files: u64 = 0;
        loop {
            match read_header(&mut list)? {
                Next::Header(mut header, name) => {
                    header.offset = header.offset.wrapping_add(self.base);
                    entry(header, &name)?;
                    files += 1;
                }
                Next::End if files as u16 == self.declared as u16 => return Ok(()),
                Next::End => {
                    let reason = ".zip has another number of files than its end record says";
                    return Err(reason.into());
                }
                Next::NoEnd => return Err(".zip has a list of files without an end".into()),
            }
        }
    }
}

/// What is where a header of the list may be.
enum Next {
    Header(Header, Vec<u8>),
    /// Something else, or less.
    End,
    /// The end of the file: for Go this is an error whatever the number of files.
    NoEnd,
}

fn read_header(list: &mut impl BufRead) -> Result<Next, Failed> {
    let mut fixed = [0; Header::LEN];
    match read_up_to(list, &mut fixed)? {
        0 => return Ok(Next::NoEnd),
        Header::LEN => {}
        _ => return Ok(Next::End),
    }
    let Some((mut header, [name_len, extra_len, comment_len])) = Header::parse(&fixed) else {
        return Ok(Next::End);
    };
    let mut rest = vec![0; name_len + extra_len + comment_len];
    match read_up_to(list, &mut rest)? {
        read if read == rest.len() => {}
        0 => return Ok(Next::NoEnd),
        _ => return Ok(Next::End),
    }
    if header
        .extend(&rest[name_len..name_len + extra_len])
        .is_none()
    {
        return Ok(Next::End);
    }
    rest.truncate(name_len);
    Ok(Next::Header(header, rest))
}

fn at(file: &WholeFile, start: u64) -> Result<BufReader<WholeFile>, Failed> {
    let mut file = file.clone();
    file.seek(SeekFrom::Start(start))?;
    Ok(BufReader::with_capacity(BUFFER, file))
}

/// How many bytes there were.
pub(super) fn read_up_to(from: &mut impl Read, buffer: &mut [u8]) -> Result<usize, Failed> {
    let mut read = 0;
    while read < buffer.len() {
        match from.read(&mut buffer[read..])? {
            0 => break,
            len => read += len,
        }
    }
    Ok(read)
}

/// The last end record with its offset.
fn end_record(file: &WholeFile) -> Result<(u64, End), Failed> {
    let tail_len = file.len().min(TAIL);
    let tail_at = file.len() - tail_len;
    let tail = file.bytes_at(tail_at, tail_len)?;
    let last = tail
        .windows(END_LEN)
        .rposition(|record| record.starts_with(END));
    let last = last.ok_or(".zip has no end record")?;
    let mut numbers = Numbers(&tail[last + 8..]);
    // The window has all of it.
    let mut next = |len| numbers.next(len).unwrap_or_default();
    next(2);
    let end = End {
        declared: next(2),
        size: next(4),
        offset: next(4),
    };
    if last + END_LEN + next(2) as usize > tail.len() {
        return Err(".zip has a cut comment".into());
    }
    Ok((tail_at + last as u64, end))
}

/// Where the ZIP64 end record is, if the file says so in front of its end record.
fn locator(file: &WholeFile, end_at: u64) -> Result<Option<u64>, Failed> {
    let Some(at) = end_at.checked_sub(LOCATOR_LEN) else {
        return Ok(None);
    };
    let record = file.bytes_at(at, LOCATOR_LEN)?;
    let Some(fields) = record.strip_prefix(b"PK\x06\x07") else {
        return Ok(None);
    };
    let mut numbers = Numbers(fields);
    let fields = [4, 8, 4].map(|len| numbers.next(len).unwrap_or_default());
    let [0, at, 1] = fields else {
        return Ok(None);
    };
    Ok(i64::try_from(at).is_ok().then_some(at))
}

fn end64(file: &WholeFile, at: u64) -> Result<End, Failed> {
    const MISSING: &str = ".zip has no ZIP64 end record";
    if at.checked_add(END64_LEN).is_none_or(|end| end > file.len()) {
        return Err(MISSING.into());
    }
    let record = file.bytes_at(at, END64_LEN)?;
    let fields = record.strip_prefix(b"PK\x06\x06").ok_or(MISSING)?;
    let mut numbers = Numbers(&fields[28..]);
    let [declared, size, offset] = [8, 8, 8].map(|len| numbers.next(len).unwrap_or_default());
    Ok(End {
        declared,
        size,
        offset,
    })
}
