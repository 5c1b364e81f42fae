//! The list of files at the end of a zip, found as the go command finds it.
//!
//! This comes before a parser sees the archive. An archive in which two readers can find different
//! lists is rejected.

use super::failed::Failed;
use super::whole_file::WholeFile;

/// The parser keeps some 300 bytes in memory for each file, and most of its header.
const MAX_FILES: u64 = 200_000;
const MAX_SIZE: u64 = 32 * 1024 * 1024;

const HEADER: &[u8] = b"PK\x01\x02";
const HEADER_LEN: u64 = 46;
const END: &[u8] = b"PK\x05\x06";
const END_LEN: u64 = 22;
const LOCATOR: &[u8] = b"PK\x06\x07";
const LOCATOR_LEN: u64 = 20;
/// With the record's own length. A longer record has extensions, which no known program writes.
const END64: &[u8] = b"PK\x06\x06\x2c\0\0\0\0\0\0\0";
const END64_LEN: u64 = 56;

/// The number of the record's disk, the number of the list's disk, the number of files on this
/// disk, the number of all files, the size of the list, the offset of the list.
type EndRecord = [u64; 6];

/// The values of an end record that mean: see the ZIP64 end record.
const IN_ZIP64: EndRecord = [0xffff, 0xffff, 0xffff, 0xffff, 0xffff_ffff, 0xffff_ffff];

/// The list has as many files as the end record says, and each name begins with `prefix`.
///
/// A name is what the go command takes for it, which ignores the fields for other names.
pub(super) fn check_names(file: &WholeFile, prefix: &str) -> Result<(), Failed> {
    const MISCOUNTED: &str = ".zip has another number of files than its end record says";

    let (list, files) = list(file)?;
    let mut left = &*list;
    for _ in 0..files {
        let (name, others) = first_name(left).ok_or(MISCOUNTED)?;
        if !name.starts_with(prefix.as_bytes()) {
            let name = String::from_utf8_lossy(name);
            let reason = format!(".zip has a file outside {prefix}: {name:?}");
            return Err(Failed::Rejected(reason));
        }
        left = others;
    }
    match left {
        [] => Ok(()),
        _ => Err(MISCOUNTED.into()),
    }
}

/// The name of the first file in a list, and the list of the others.
fn first_name(list: &[u8]) -> Option<(&[u8], &[u8])> {
    let (header, after) = list.split_at_checked(HEADER_LEN as usize)?;
    let [name_len, extra_len, comment_len] = numbers(&header[28..], [2, 2, 2]);
    let (name, after) = after.split_at_checked(name_len as usize)?;
    let others = after.get((extra_len + comment_len) as usize..)?;
    header.starts_with(HEADER).then_some((name, others))
}

/// The list of files, one header each, and the number of files.
fn list(file: &WholeFile) -> Result<(Vec<u8>, u64), Failed> {
    let (end, small) = end_record(file)?;
    let (end, record) = zip64_record(file, end, small)?;
    let [disk, list_disk, files_here, files, size, offset] = record;
    if (disk, list_disk, files_here) != (0, 0, files) {
        return Err(".zip is one of several parts".into());
    }
    if files > MAX_FILES || size > MAX_SIZE {
        return Err(".zip has too many files".into());
    }
    let start = end.checked_sub(size).filter(|start| offset <= *start);
    let start = start.ok_or(".zip has a list of files that does not end at its end record")?;
    // The list is not at its offset if bytes were put in front of the archive. Some readers look
    // there first.
    if offset < start && file.bytes_at(offset, HEADER.len() as u64)? == HEADER {
        return Err(".zip has two lists of files".into());
    }
    Ok((file.bytes_at(start, size)?, files))
}

/// The last end record, with its offset.
fn end_record(file: &WholeFile) -> Result<(u64, EndRecord), Failed> {
    let tail_len = file.len().min(END_LEN + 0xffff);
    let tail_at = file.len() - tail_len;
    let tail = file.bytes_at(tail_at, tail_len)?;
    let windows = tail.windows(END_LEN as usize).enumerate().rev();
    let mut records = windows.filter(|(_, record)| record.starts_with(END));
    let comment_end = |at, record: &[u8]| at as u64 + END_LEN + numbers(&record[20..], [2])[0];
    let (at, record) = records.next().ok_or(".zip has no end record")?;
    if comment_end(at, record) > tail_len {
        return Err(".zip has a cut comment".into());
    }
    // For a reader that starts at the front, the last record is in the comment of this one.
    if records.any(|(at, record)| comment_end(at, record) == tail_len) {
        return Err(".zip has two end records".into());
    }
    Ok((
        tail_at + at as u64,
        numbers(&record[4..], [2, 2, 2, 2, 4, 4]),
    ))
}

/// The ZIP64 end record with its offset if there is one, else the end record that was given.
///
/// Some readers ignore a ZIP64 end record, others use it without need. So it must be needed, and
/// both records must have the same numbers where both have some.
fn zip64_record(file: &WholeFile, end: u64, small: EndRecord) -> Result<(u64, EndRecord), Failed> {
    let locator_at = end.saturating_sub(LOCATOR_LEN);
    let locator = file.bytes_at(locator_at, LOCATOR_LEN)?;
    if !locator.starts_with(LOCATOR) {
        return Ok((end, small));
    }
    let at = locator_at.checked_sub(END64_LEN);
    let at = at.ok_or(".zip has no ZIP64 end record")?;
    let found = file.bytes_at(at, END64_LEN)?;
    let large = numbers(&found[16..], [4, 4, 8, 8, 8, 8]);
    let is_needed = small[3] == IN_ZIP64[3] || small[5] == IN_ZIP64[5];
    let agree = (0..6).all(|i| small[i] == large[i] || small[i] == IN_ZIP64[i]);
    let is_found = found.starts_with(END64)
        && numbers(&locator[4..], [4, 8, 4]) == [0, at, 1]
        && large[4].checked_add(large[5]) == Some(at);
    match is_needed && agree && is_found {
        true => Ok((at, large)),
        false => Err(".zip has a malformed ZIP64 end record".into()),
    }
}

/// Numbers of these lengths, one after the other, each with its lowest byte first.
fn numbers<const N: usize>(mut bytes: &[u8], lens: [usize; N]) -> [u64; N] {
    lens.map(|len| {
        let (number, rest) = bytes.split_at(len);
        bytes = rest;
        let highest_first = number.iter().rev();
        highest_first.fold(0, |number, byte| number << 8 | u64::from(*byte))
    })
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;

    use bytes::Bytes;

    use super::super::whole_file::ReadAt;
    use super::{END, END64, Failed, HEADER, LOCATOR, WholeFile, check_names};

    /// Headers of `m/` and a number.
    fn headers(count: u64) -> Vec<u8> {
        let header = |i| {
            [
                HEADER,
                &[0; 24],
                &[4, 0],
                &[0; 16],
                format!("m/{i:02}").as_bytes(),
            ]
            .concat()
        };
        (0..count).flat_map(header).collect()
    }

    fn end(files: u16, size: u32, offset: u32, comment: &[u8]) -> Vec<u8> {
        let files = files.to_le_bytes();
        let mut end = [END, &[0; 4], &files, &files, &size.to_le_bytes()].concat();
        end.extend(offset.to_le_bytes());
        end.extend((comment.len() as u16).to_le_bytes());
        end.extend(comment);
        end
    }

    /// A ZIP64 end record, and its locator.
    fn end64(files: u64, size: u64, offset: u64, at: u64) -> Vec<u8> {
        let mut end = [END64, &[45, 0, 45, 0], &[0; 8]].concat();
        end.extend([files, files, size, offset].map(u64::to_le_bytes).concat());
        end.extend(LOCATOR);
        end.extend([0; 4]);
        end.extend(at.to_le_bytes());
        end.extend([1, 0, 0, 0]);
        end
    }

    fn check(pieces: &[&[u8]]) -> Result<(), String> {
        check_file(&Bytes::from(pieces.concat()).into())
    }

    fn check_file(file: &WholeFile) -> Result<(), String> {
        check_names(file, "m/").map_err(|failed| match failed {
            Failed::Rejected(reason) => reason,
            Failed::Unreadable(error) => panic!("{error}"),
        })
    }

    const ALL: u32 = u32::MAX;

    #[test]
    fn small_and_zip64_records_that_are_right() {
        let two = headers(2);
        for archive in [
            [&*two, &end(2, 100, 0, b"")].concat(),
            [b"xyz", &*two, &end(2, 100, 3, b"comment")].concat(),
            [b"xyz", &*two, &end(2, 100, 0, b"comment"), b"garbage"].concat(),
            [&*two, &end64(2, 100, 0, 100), &end(0xffff, ALL, ALL, b"")].concat(),
            [&*two, &end64(2, 100, 0, 100), &end(2, 100, ALL, b"x")].concat(),
            end(0, 0, 0, b""),
        ] {
            assert_eq!(check(&[&archive]), Ok(()));
        }
        let many = (0..0xffff).flat_map(|_| headers(1)).collect::<Vec<_>>();
        assert_eq!(check(&[&many, &end(0xffff, 0xffff * 50, 0, b"")]), Ok(()));
    }

    #[test]
    fn false_numbers_in_the_end_record() {
        let two = headers(2);
        for (files, size, offset) in [
            (0, 100, 0),
            (1, 100, 0),
            (3, 100, 0),
            (0xffff, 100, 0),
            (0xffff, ALL, ALL),
            (2, 0, 0),
            (2, 50, 0),
            (2, 99, 0),
            (2, 101, 0),
            (2, 33 << 20, 0),
            (2, ALL, 0),
            (2, 100, 1),
            (2, 100, ALL),
            (0, 0, 101),
        ] {
            let refused = check(&[&two, &end(files, size, offset, b"")]);
            assert!(refused.is_err(), "{files} {size} {offset}");
        }
        for byte in [4, 6, 8] {
            let mut record = end(2, 100, 0, b"");
            record[byte] = 1;
            let refused = check(&[&two, &record]).unwrap_err();
            assert_eq!(refused, ".zip is one of several parts");
        }
    }

    #[test]
    fn false_numbers_in_the_zip64_record() {
        let two = headers(2);
        for (files, size, offset, at) in [
            (1, 100, 0, 100),
            (3, 100, 0, 100),
            (1 << 24, 100, 0, 100),
            (u64::MAX, 100, 0, 100),
            (u64::MAX, u64::MAX, u64::MAX, 100),
            (2, 99, 0, 100),
            (2, 99, 1, 100),
            (2, 101, 0, 100),
            (2, u64::MAX, 101, 100),
            (2, 50, 50, 100),
            (2, 100, 0, 99),
            (2, 100, 0, 1 << 40),
            (2, 100, 0, u64::MAX),
        ] {
            let large = end64(files, size, offset, at);
            let refused = check(&[&two, &large, &end(0xffff, ALL, ALL, b"")]);
            assert!(refused.is_err(), "{files} {size} {offset} {at}");
        }
        let large = end64(2, 100, 0, 100);
        for byte in [0, 4, 16, 20, 24, 60, 72] {
            let mut large = large.clone();
            large[byte] ^= 1;
            let refused = check(&[&two, &large, &end(0xffff, ALL, ALL, b"")]);
            assert!(refused.is_err(), "{byte}");
        }
        // It is not needed, or the small record says something else.
        for (files, size, offset) in [(2, 100, 0), (2, ALL, 0), (1, ALL, ALL), (0xffff, 50, 0)] {
            let refused = check(&[&two, &large, &end(files, size, offset, b"")]);
            assert!(refused.is_err(), "{files} {size} {offset}");
        }
        // There is no room for the record in front of its locator.
        assert!(check(&[&large[56..], &end(0xffff, ALL, ALL, b"")]).is_err());
    }

    #[test]
    fn two_archives_in_one() {
        let (one, two) = (headers(1), headers(2));
        // Complete, or cut, or with false numbers, in a comment.
        for comment in [
            [&*one, &end(1, 50, 122, b"")].concat(),
            end(0, 0, 122, b""),
            end(0xffff, ALL, ALL, b""),
            end(0, 0, 122, b"")[..21].to_vec(),
            [&end(0, 0, 122, b"")[..20], &[9, 9][..]].concat(),
        ] {
            let with_comment = check(&[&two, &end(2, 100, 0, &comment)]);
            let is_record = comment.len() >= 22;
            assert_eq!(with_comment.is_err(), is_record, "{with_comment:?}");
        }
        // In front, so that the second list is where the first should be.
        let refused = check(&[&one, &end(1, 50, 0, b""), &one, &end(1, 50, 0, b"")]);
        assert_eq!(refused.unwrap_err(), ".zip has two lists of files");
        // A name that only the go command sees.
        let refused = check(&[
            &[HEADER, &[0; 24], &[1, 0], &[0; 16], b"x"].concat(),
            &end(1, 47, 0, b""),
        ]);
        assert_eq!(refused.unwrap_err(), ".zip has a file outside m/: \"x\"");
    }

    #[test]
    fn every_cut() {
        let archive = [
            headers(2),
            end64(2, 100, 0, 100),
            end(0xffff, ALL, ALL, b"xy"),
        ]
        .concat();
        for len in 0..archive.len() {
            assert!(check(&[&archive[..len]]).is_err(), "{len}");
            assert!(check(&[&archive[len + 1..]]).is_err(), "{len}");
        }
    }

    /// Zeros, and an end.
    struct Zeros(u64, Vec<u8>);

    impl ReadAt for Zeros {
        fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
            buffer.fill(0);
            match offset.checked_sub(self.0) {
                None => Ok(buffer.len().min((self.0 - offset) as usize)),
                Some(at) => io::Read::read(&mut &self.1[at as usize..], buffer),
            }
        }

        fn len(&self) -> u64 {
            self.0 + self.1.len() as u64
        }
    }

    #[test]
    fn a_count_that_the_size_of_the_file_allows() {
        let len = 500 << 20;
        for (files, size) in [(10_000_000, 46 * 10_000_000), (200_000, 9_200_000)] {
            let large = end64(files, size, len - size, len);
            let tail = [large, end(0xffff, ALL, ALL, b"")].concat();
            let refused = check_file(&WholeFile::new(Arc::new(Zeros(len, tail))));
            assert!(refused.is_err(), "{files}");
        }
    }
}
