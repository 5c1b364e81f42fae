//! Module zips, read exactly as the go command reads them.
//!
//! Go's archive/zip decides which bytes of an archive count, and no crate decides alike: they decode names, believe extra
//! fields, compare local headers, or look for the end of the archive elsewhere. An archive in which the go command finds
//! other files than a check is the way to store a wrong one, so the reader is this module's own. The compression is not.

mod content;
mod directory;
mod entries;
pub(super) mod follow;
pub(super) mod h1;
mod header;
mod inflate;
mod rules;
pub(super) mod whole;
