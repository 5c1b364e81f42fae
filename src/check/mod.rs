//! Checks what is stored already: a bucket that another proxy has filled, or a folder after a crash.
//!
//! [`Check`] walks through a storage in the order of its paths, and applies the rules that new files must pass:
//!
//! | file | must |
//! |---|---|
//! | `.info`, `.mod`, `.zip` | pass [`GoModuleFiles`](crate::verify::GoModuleFiles), in every area |
//! | `.zip` with a `.ziphash` beside it | have that hash, unless the checksum database confirms the zip |
//! | `.mod` and `.zip` of the plain layout | have the hash of the checksum database, if there is one |
//! | any other name | be a record of this crate, or a file that the go command keeps in a module cache |
//!
//! ```
//! use tower_goproxy::Storage;
//! use tower_goproxy::check::{Check, Verdict};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let storage = Storage::memory();
//! let mut checking = Check::new(storage).start().await?;
//! while let Some(file) = checking.next().await? {
//!     if let Verdict::Wrong(reason) = &file.verdict {
//!         eprintln!("{}: {reason}", file.path);
//!     }
//! }
//! assert!(checking.summary().is_good());
//! # Ok(())
//! # }
//! ```
//!
//! # While files are served and stored
//!
//! A file that changes while it is checked is checked again. Before a wrong file is removed it is looked at once more, and
//! after that too: what has taken its place is checked as well. A client that is reading a removed file gets all of it.
//!
//! # How it resumes
//!
//! Every few seconds, and at the end, [`Checking`] writes into the record `@records/check` how far it is and what it has found.
//! The next one with the same settings goes on from there, also after the process was killed. A check that has come to
//! its end deletes the record.
//!
//! # Memory
//!
//! It keeps at most 16,384 names of each folder on the way to the current file, and what the running checks need.

mod builder;
mod checking;
mod database;
mod file;
mod inspect;
mod name;
mod point;

pub use self::builder::{Check, Remove};
pub use self::checking::{Checking, Resumed};
pub use self::file::{Checked, Summary, Verdict};
