//! Checks of a file before it is stored.
//!
//! Every new `.info`, `.mod` and `.zip` is checked before it is stored and before its last bytes
//! reach a client. [`GoModuleFiles`] is the built-in check. Implement [`Verify`] for your own, such
//! as a scan or a comparison with known hashes.
//!
//! A check sees the bytes as they arrive, and can read the whole file at the end:
//!
//! ```
//! use bytes::Bytes;
//! use tower_goproxy::Target;
//! use tower_goproxy::verify::{Verified, Verify, VerifyFuture, Verifying, WholeFile};
//!
//! /// Rejects zips of more than a number of bytes.
//! struct SmallZips(u64);
//!
//! struct Counted {
//!     max: u64,
//!     len: u64,
//! }
//!
//! impl Verify for SmallZips {
//!     fn start(&self, target: &Target<'_>) -> Box<dyn Verifying> {
//!         let is_zip = target.as_str().ends_with(".zip");
//!         Box::new(Counted {
//!             max: if is_zip { self.0 } else { u64::MAX },
//!             len: 0,
//!         })
//!     }
//! }
//!
//! impl Verifying for Counted {
//!     fn update(&mut self, bytes: &Bytes) {
//!         self.len += bytes.len() as u64;
//!     }
//!
//!     fn finish(self: Box<Self>, _: WholeFile) -> VerifyFuture {
//!         let verified = if self.len > self.max {
//!             Verified::Rejected(format!("zip has {} bytes", self.len))
//!         } else {
//!             Verified::Passed
//!         };
//!         Box::pin(async { verified })
//!     }
//! }
//! ```

mod bounds;
mod dirhash;
mod failed;
mod go_module_files;
mod info;
mod module_file;
mod passing;
mod stage;
mod time;
mod traits;
mod whole_file;
pub(crate) mod zip;
mod zip_check;

pub use self::dirhash::Dirhash;
pub use self::go_module_files::GoModuleFiles;
pub(crate) use self::info::check_info;
pub(crate) use self::passing::Passing;
pub(crate) use self::stage::{Checks, Refusal, Stage};
pub use self::traits::{Verified, Verify, VerifyFuture, Verifying};
pub(crate) use self::whole_file::ReadAt;
pub use self::whole_file::WholeFile;
