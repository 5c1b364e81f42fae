use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use headers::ETag;
use object_store::GetRange;
use tower::BoxError;

use super::body::Frames;
use super::sink::Sink;
use crate::files::Scratch;

pub(super) type Answer<'a, T> = BoxFuture<'a, Result<T, BoxError>>;

/// The largest file, in bytes, that is read in one go.
pub(crate) const SMALL: u64 = 128 * 1024;

/// What keeps bytes by name: a folder, or an object store. Names are paths of checked parts.
///
/// Nothing but [`sink`](Self::sink) and its file may be dropped in the middle with an effect: a `put` is whole or not there.
pub(super) trait Backend: fmt::Debug + Send + Sync {
    /// A file, a range of it, or its head alone: of a small file all bytes come all the same. `None` if it is not there or
    /// empty: no file of a module is.
    fn get(
        &self,
        path: Arc<str>,
        is_head: bool,
        range: Option<GetRange>,
    ) -> Answer<'_, Option<Found>>;

    /// Whether a file still has the version with which it was found. `None` where only the store could tell.
    fn is_current(&self, path: &str, version: [u64; 3]) -> Option<bool>;

    /// Stores small contents in one step. Where it does not replace, a file that is there stays.
    fn put(&self, path: Arc<str>, content: Vec<Bytes>, replaces: bool) -> Answer<'_, ()>;

    /// Begins to store a file of this length. Fails if there is no room for it.
    fn sink(&self, path: Arc<str>, len: Option<u64>, scratch: &Scratch) -> Answer<'static, Sink>;

    /// A file that does not exist is not an error.
    fn delete(&self, path: Arc<str>) -> Answer<'_, ()>;

    /// The paths of all files below a folder.
    fn list(&self, folder: Arc<str>) -> Answer<'_, Vec<String>>;
}

/// A stored file.
pub(crate) struct Found {
    pub(crate) size: u64,
    /// Another one for other contents.
    pub(crate) tag: ETag,
    /// Whether the registry that it came from had called it private.
    pub(crate) private: bool,
    /// Of a file on disk: what tells it from a file that takes its place.
    pub(super) version: [u64; 3],
    pub(crate) content: Content,
}

pub(crate) enum Content {
    /// All bytes of a small file, whatever part was wanted.
    Whole(Bytes),
    /// These bytes of the file, which may be none.
    Part(Range<u64>, Frames),
}
