//! What the kernel has in memory of a file, without ever waiting for a disk.
//!
//! A thread that may wait costs more than such a read: it has to be woken, on a core that the client may need just then.

use std::fs::File;
use std::io;
use std::path::Path;

/// Opens a file whose path the kernel has in memory.
///
/// # Errors
///
/// If it has not, if it does not know how to find out (Linux does since 5.12), and those of the open itself.
#[cfg(target_os = "linux")]
pub(super) fn open(path: &Path) -> io::Result<File> {
    use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};

    // Nonblocking for what is no regular file: a pipe would wait for its writer.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = openat2(CWD, path, flags, Mode::empty(), ResolveFlags::CACHED)?;
    Ok(file.into())
}

/// Reads what the page cache holds.
///
/// # Errors
///
/// `WouldBlock` if that is nothing, and those of the read itself.
#[cfg(target_os = "linux")]
pub(super) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    use rustix::io::{ReadWriteFlags, preadv2};

    let mut buffers = [io::IoSliceMut::new(buffer)];
    Ok(preadv2(file, &mut buffers, offset, ReadWriteFlags::NOWAIT)?)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn open(_: &Path) -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(not(target_os = "linux"))]
pub(super) fn read_at(_: &File, _: &mut [u8], _: u64) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}
