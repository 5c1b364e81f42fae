//! Where files are kept: on disk, in memory, or in any [`ObjectStore`](object_store::ObjectStore).
//!
//! # Layout
//!
//! A file lies at `{escaped module}/@v/{escaped version}.{info,mod,zip}`: the layout of the go
//! command's own download cache, of a static module proxy, and of most Go proxies that keep
//! their files in a bucket. A storage can therefore be seeded from
//! `$(go env GOMODCACHE)/cache/download`, served by a CDN, or read as `GOPROXY=file:///dir`.
//!
//! A file that is not for everyone lies below `@for/{owner}/`, where `{owner}` is the SHA-256, in hexadecimal digits, of the
//! owner of an [`Access`](crate::Access). Who reads the storage past the proxy can read these too, and can guess the names:
//! keep them out of what a CDN serves.
//!
//! # What holds for each file
//!
//! * It appears whole or not at all. Bytes are staged elsewhere, checked, and then published
//!   in one step: on disk by a rename that replaces nothing, on a store by a conditional put or
//!   by completing a multipart upload.
//! * On disk it is synced before it is published, and its folder after.
//! * It is not replaced: a version of a Go module does not change. Two writers of one file are no
//!   error, the first one wins. (A multipart upload cannot be made conditional; two processes
//!   that complete one at the same moment leave the later of two checked files.)
//! * Nothing staged outlives its writer. [`Storage::disk`] removes what a killed process left.
//!
//! # Caveats
//!
//! * A store that forgets incomplete multipart uploads only by a lifecycle rule (S3, GCS) keeps
//!   the parts of a killed process until that rule runs.
//! * The files of one folder may be used by several processes at once; the staging folder
//!   `.staging` inside it has to be on the same file system.

mod block;
mod body;
mod cached;
mod caught;
mod chunk;
mod commit;
mod disk;
mod error;
mod key;
mod object;
mod read_at;
mod shared_blocks;
mod store;
mod threads;
mod turn;
mod upload;

pub use self::store::Storage;

pub(crate) use self::body::StoredBody;
pub(crate) use self::caught::caught;
pub(crate) use self::chunk::{FRAME, FileReader, SharedFile};
pub(crate) use self::commit::{Commit, Staged};
pub(crate) use self::error::StorageError;
pub(crate) use self::key::Key;
pub(crate) use self::store::Found;
