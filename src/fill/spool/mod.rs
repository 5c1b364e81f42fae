//! The bytes of a running fill: one writer, any number of readers.
//!
//! Each reader has its own offset and its own pace. It begins at byte 0 however late it comes,
//! is never cut because it is slow, and never slows the writer. What the writer has not yet put
//! into the staged file is in memory and read from there; everything before is read from the
//! file. A small file never leaves memory.
//!
//! An end is said, never guessed: the writer says that the file is whole, or why it is not, and a
//! writer that vanishes without a word counts as the latter.
//!
//! # When the staged file cannot be written
//!
//! A full disk must not hurt a client. The spool then keeps in memory only what its present
//! readers have not read yet, a bounded window, and the writer waits for the slowest of them.
//! Nobody can join any more, and nothing is stored.

mod body;
mod failure;
mod keep;
mod pack;
mod reader;
mod spill;
mod state;
mod writer;
mod writing;

pub(super) use self::body::SpoolBody;
pub(super) use self::failure::Failure;
pub(super) use self::reader::{Reader, Start, Until};
pub(super) use self::state::Spool;
pub(super) use self::writer::{Content, Writer};
