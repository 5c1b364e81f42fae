//! Checksum databases: verifies files against one, and answers for it.
//!
//! [`SumDb`] is a client of a checksum database such as sum.golang.org. As a [check](crate::verify) it compares each new `.zip`
//! and `.mod` with what the database says, before the file is stored or received whole:
//!
//! ```no_run
//! use tower::Layer;
//! use tower_goproxy::fill::FillLayer;
//! use tower_goproxy::sumdb::{SumDb, SumDbLayer};
//! use tower_goproxy::{Storage, Upstream};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let storage = Storage::disk("modules")?;
//! let sumdb = SumDb::new("sum.golang.org")?
//!     .storage(storage.clone())
//!     .exclude("*.corp.example,github.com/corp");
//! let fill = FillLayer::new(storage).verify(sumdb.clone());
//! let proxy = fill.layer(Upstream::new("https://proxy.golang.org")?);
//! let proxy = SumDbLayer::new([sumdb]).layer(proxy);
//! # Ok(())
//! # }
//! ```
//!
//! [`SumDbLayer`] answers `/sumdb/{name}/..`, so that clients need no other host than the proxy. Without it, clients that reach
//! only the proxy cannot download toolchains, which the go command always verifies.
//!
//! # What is verified
//!
//! | the database | the file |
//! |---|---|
//! | has the same hash | is stored |
//! | has another hash, or none for this file | is refused with 502 |
//! | says what its key does not prove, or has signed two histories | is refused with 502 |
//! | does not know the version (404, 410), or cannot be reached | is stored and marked, unless [`require`](SumDb::require) was called |
//!
//! A look-up starts with the fill and is waited for 10 seconds after the last byte at most. A marked file is looked up again
//! behind a later hit, at most once an hour, four files at a time, and removed if the database has another hash by then. That
//! needs the [storage](SumDb::storage) of the files. Up to 50,000 marks are known in memory; where there are more, the storage
//! is asked for the mark of each file that was hit, once an hour.
//!
//! # Counters
//!
//! With the feature `metrics`: `goproxy_sumdb_unverified_total` (files that were stored and marked), `goproxy_sumdb_lies_total`
//! and `goproxy_sumdb_forks_total`. The last two are logged as errors that begin with `SECURITY`.
//!
//! # What is kept
//!
//! Below `@records/sumdb/{name}/` of the storage: tiles and look-ups that were proved, marks, and the newest tree. Trees are
//! compared with it across restarts. If several processes share a storage the last one that writes wins, which is harmless:
//! a tree that is stored is only a beginning.

mod database;
mod fault;
mod flights;
mod hash;
mod http;
mod key;
mod layer;
mod marks;
mod proofs;
mod record;
mod records;
mod service;
mod settings;
mod tile;
mod tree;
mod verify;

pub(crate) use self::fault::Fault;
pub use self::key::InvalidSumDb;
pub use self::layer::SumDbLayer;
pub use self::service::{ResponseFuture, SumDbService};
pub use self::settings::SumDb;
pub(crate) use self::verify::Said;
