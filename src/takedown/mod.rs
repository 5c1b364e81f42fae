//! Files that somebody has removed, with a reason.

mod removal;
mod zip_hash;
