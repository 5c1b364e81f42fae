//! What the kernel has in memory of a file, without waiting for a disk.
//!
//! A thread that may wait costs more than such a read: it has to be woken, on a core that the client may need just then.
//! Only the file systems of a local disk open a file in memory alone. Others ask a server or a process, which may hang.

use std::fs::File;
use std::io;
use std::path::Path;

/// Those that have no one to ask, by their numbers in Linux's `magic.h`: ext2 to ext4, XFS, Btrfs, F2FS, ZFS, bcachefs, tmpfs,
/// and overlayfs, which containers lie on.
#[cfg(target_os = "linux")]
const LOCAL: [u32; 8] = [
    0xef53,
    0x5846_5342,
    0x9123_683e,
    0xf2f5_2010,
    0x2fc1_2fc1,
    0xca45_1a4e,
    0x0102_1994,
    0x794c_7630,
];

/// Whether files of this folder can be opened without waiting for anybody.
#[cfg(target_os = "linux")]
pub(crate) fn is_local(folder: &Path) -> bool {
    // The numbers have 32 bits, whatever the width of the field.
    rustix::fs::statfs(folder).is_ok_and(|found| LOCAL.contains(&(found.f_type as u32)))
}

/// Opens a file whose path the kernel has in memory.
///
/// # Errors
///
/// If it has not, if it does not know how to find out (Linux does since 5.12), and those of the open itself.
#[cfg(target_os = "linux")]
pub(crate) fn open(path: &Path) -> io::Result<File> {
    use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};

    // Nonblocking for what is not a regular file: a pipe would wait for its writer.
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
pub(crate) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    use rustix::io::{ReadWriteFlags, preadv2};

    let mut buffers = [io::IoSliceMut::new(buffer)];
    Ok(preadv2(file, &mut buffers, offset, ReadWriteFlags::NOWAIT)?)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn is_local(_: &Path) -> bool {
    false
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn open(_: &Path) -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn read_at(_: &File, _: &mut [u8], _: u64) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}
