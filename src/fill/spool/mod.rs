//! The bytes of a running fill: one writer, any number of readers.
//!
//! Each reader has its own offset and its own pace: it begins at byte 0 however late it comes, is never cut because it is
//! slow, and never slows the writer. Bytes are in memory until the file has them, and are never dropped before. A small
//! file never leaves memory.
//!
//! An end is said, never guessed: complete, or failed with a reason.

mod reader;
mod state;

pub(super) use self::state::Spool;
