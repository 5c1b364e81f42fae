//! Files on a local disk: read by many while one writes them, without keeping an async thread waiting.

mod folders;
mod page_cache;
mod scratch;
mod shared_file;
mod threads;

pub(crate) use self::folders::{make_folders, sync_folder};
pub(crate) use self::page_cache::{is_local, open as open_cached, read_at as read_cached};
pub(crate) use self::scratch::{MAX_TOTAL, Scratch};
pub(crate) use self::shared_file::{
    FRAME, FileReader, PositionedRead, SharedFile, open_file, read_all, read_at, write_all_at,
};
pub(crate) use self::threads::{Threads, begin, blocking, joined};
