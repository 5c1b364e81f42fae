use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::TryStreamExt;
use futures_util::stream::BoxStream;
use headers::ETag;
use object_store::GetOptions;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tower::BoxError;

use super::sink::Publish;
use crate::files::{Scratch, SharedFile};

/// The largest file, in bytes, that is read in one go.
pub(crate) const SMALL: u64 = 128 * 1024;

/// What keeps bytes by name: a folder, or an object store. Names are paths of checked parts.
///
/// Whatever is dropped in the middle is whole or not there.
#[async_trait]
pub(super) trait Backend: Send + Sync {
    /// A file, a range of it, or its head alone: of a small file all bytes may come all the same. `None` if it is not there
    /// or empty: no file of a module is.
    async fn get(&self, path: &str, options: GetOptions) -> Result<Option<Found>, BoxError>;

    /// Whether a file still has the version with which it was found. `None` where only the store could tell.
    fn is_current(&self, _path: &str, _version: [u64; 3]) -> Option<bool> {
        None
    }

    /// Stores small contents in one step. Where it does not replace, a file that is there stays. Returns whether these are
    /// stored now.
    async fn put(&self, path: &str, content: Vec<Bytes>, replaces: bool) -> Result<bool, BoxError>;

    /// An empty local file, and how it is stored in the end, if it is. What goes on after a drop is counted by `stores`.
    async fn stage(
        &self,
        path: &str,
        stores: Option<Arc<TaskTrackerToken>>,
    ) -> Result<(SharedFile, Option<Box<dyn Publish>>), BoxError>;

    /// The same with another folder for local files, if it has one of its own.
    fn with_scratch(self: Arc<Self>, scratch: Scratch) -> Arc<dyn Backend>;

    /// A file that does not exist is not an error.
    async fn delete(&self, path: &str) -> Result<(), BoxError>;

    /// The files below a folder, or all of them, whose paths come after this one, which is empty or below it.
    fn walk(&self, folder: &str, after: &str) -> Paths;
}

/// In order, unless the store lists its objects in another one.
pub(crate) type Paths = BoxStream<'static, Result<String, BoxError>>;

/// A stored file.
pub(crate) struct Found {
    pub(crate) size: u64,
    /// Another one for other contents.
    pub(crate) tag: ETag,
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

impl Content {
    /// All of it, in memory.
    pub(crate) async fn collect(self) -> Result<Bytes, BoxError> {
        Ok(match self {
            Self::Whole(content) => content,
            Self::Part(range, frames) => {
                let pieces: Vec<Bytes> = frames.try_collect().await?;
                let content = pieces.concat();
                if content.len() as u64 != range.end - range.start {
                    return Err("the file is shorter than it was".into());
                }
                content.into()
            }
        })
    }
}

/// Small, so that a client that has stopped reading keeps little memory. They end early, or with an error, where the file is
/// shorter than it was.
pub(crate) type Frames = BoxStream<'static, Result<Bytes, BoxError>>;
