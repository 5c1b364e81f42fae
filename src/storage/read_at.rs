//! Reads of a file at an offset.

use std::fs::File;
use std::io;

/// A read that waits for the disk, or one of what is [`cached`](super::cached).
pub(super) type ReadAt = fn(&File, &mut [u8], u64) -> io::Result<usize>;

#[cfg(unix)]
pub(super) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

#[cfg(windows)]
pub(super) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, offset)
}

/// As much as one read gives, at least one byte.
///
/// # Errors
///
/// The read's own, and `UnexpectedEof` where the file ends before the offset.
pub(super) fn read_some(
    file: &File,
    buffer: &mut [u8],
    offset: u64,
    read: ReadAt,
) -> io::Result<usize> {
    loop {
        match read(file, buffer, offset) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

/// All of these bytes.
///
/// # Errors
///
/// The read's own, and `UnexpectedEof` where the file is shorter.
pub(super) fn read_all(file: &File, offset: u64, len: usize, read: ReadAt) -> io::Result<Vec<u8>> {
    let mut content = vec![0; len];
    let mut filled = 0;
    while filled < len {
        let rest = &mut content[filled..];
        filled += read_some(file, rest, offset + filled as u64, read)?;
    }
    Ok(content)
}
