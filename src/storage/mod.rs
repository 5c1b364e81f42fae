//! Where files are kept: on disk, in memory, or in any [`ObjectStore`](object_store::ObjectStore).
//!
//! # Layout
//!
//! | path | files |
//! |---|---|
//! | `{module}/@v/{version}.{info,mod,zip}` | of included modules, for everyone |
//! | `@direct/{module}/@v/..` | of direct modules, for everyone |
//! | `@for/{owner}/{module}/@v/..` | of direct modules, for one owner |
//! | `@for/{owner}/@included/{module}/@v/..` | of included modules, for one owner |
//! | `@private/{module}/@v/..` | of included modules whose source says `Cache-Control: private` |
//! | `@records/{kind}/..` | small records that change: why files were `removed`, the last answers that are `fresh` for a while, what is `absent`, how far a `check` is |
//! | `.staging/` | on disk: files of running fills |
//!
//! `{module}` and `{version}` are escaped, `{owner}` is the SHA-256 of the owner of an [`Access`](crate::Access) in
//! hexadecimal. No module path begins with `@` or a dot.
//!
//! The plain layout is that of the go command's download cache, of a static module proxy, and of most Go proxies that use
//! a bucket. So a storage can be seeded from `$(go env GOMODCACHE)/cache/download`, or read as `GOPROXY=file:///dir`. If a
//! CDN serves it, exclude all paths that begin with `@`: they are not for everyone, and their names can be guessed.
//!
//! # Direct modules of an older storage
//!
//! Files of direct modules that lie in the plain layout are not served: nobody can tell whether they came from a registry
//! or from version control. The log says so once. To take them over, copy them below `@direct/` and keep their paths. In
//! the folder of a disk storage, also while it is in use:
//!
//! ```sh
//! mkdir -p @direct && cp -al --parents git.corp.example github.com/acme* @direct/
//! ```
//!
//! The patterns match escaped paths: `github.com/!acme` for `github.com/Acme`. The copies are hard links, so each appears
//! as a whole and needs no space; on a file system without hard links stop the proxy and use `cp -a`. In a bucket, use the
//! tool of its provider:
//!
//! ```sh
//! aws s3 cp --recursive s3://bucket/git.corp.example/ s3://bucket/@direct/git.corp.example/
//! ```
//!
//! # Guarantees for each file
//!
//! * It is visible as a whole or not at all. Bytes are staged elsewhere, verified, and then published in one step: on disk
//!   by a rename that replaces nothing, in an object store by a conditional put, or by completing a multipart upload.
//! * On disk, the file is synced before it is published, and its folder after.
//! * It is not replaced: a version of a module does not change. If two writers store the same file, the first one wins.
//!   Where the storage cannot do that, the later of two verified files stays: file systems without hard links (bucket mounts,
//!   some network file systems), stores without conditional puts, and multipart uploads that complete at the same moment.
//! * A file that was deleted by hand is a miss, and so is an empty one.
//! * Nothing staged outlives its writer. [`Storage::disk`] removes what a killed process has left.
//!
//! # Full disks and local files
//!
//! A zip of more than 256 KiB is written to a local file while it is fetched: in `.staging` of a disk storage, else in a
//! folder of its own ([`Storage::local_folder`]; default: the system's folder for temporary files, 4 GiB for all of them).
//! Its declared length is reserved before the first byte, or 16 MiB at a time if the length is not declared, on the disk and
//! of that bound. Without room nothing is stored: see [the fill](crate::fill#when-the-storage-fails).
//!
//! # Removed files
//!
//! [`Storage::remove`] deletes a file in all areas, from memory too, and keeps the reason: requests get 403 with it, and
//! nobody fetches the file again until [`Storage::restore`].
//!
//! The reason is read only where there is no file. So a copy that you put into the storage by hand after that is served, and
//! so is one whose process was killed at the moment when it stored the file: remove it once more. To keep a file from
//! clients whatever the storage has, exclude it with a [policy](crate::policy).
//!
//! # Caveats
//!
//! * Small files are kept in memory ([`Storage::max_memory`]). If somebody else deletes one from an object store or a network
//!   file system, it may be a hit for another minute.
//! * An object store that deletes incomplete multipart uploads only by a lifecycle rule (S3, GCS) keeps the parts of a
//!   killed process until that rule runs.
//! * Several processes can use one folder. `.staging` must be on the same file system as the rest.

mod backend;
mod disk;
mod error;
mod key;
mod object;
mod publish;
mod records;
mod sink;
mod small_files;
mod store;
mod upload;

pub use self::error::StorageError;
pub use self::store::Storage;

pub(crate) use self::backend::{Content, Found, Frames};
pub(crate) use self::key::{Key, folder};
pub(crate) use self::records::REMOVED;
pub(crate) use self::sink::Sink;
pub(crate) use self::store::LookUp;
