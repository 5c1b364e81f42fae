//! Files that somebody has removed, with a reason.

mod removal;
