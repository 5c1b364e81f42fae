//! Beside the files that do not change: small records that do, below `@records/`, a name that no module can have.

use bytes::Bytes;
use futures_util::TryStreamExt;
use object_store::GetOptions;

use super::backend::Paths;
use super::error::{StorageError, guard};
use super::store::Storage;

/// The folder of the records that say why files were removed.
pub(crate) const REMOVED: &str = "@records/removed";

impl Storage {
    /// # Cancel safety
    ///
    /// Reads only.
    pub(crate) async fn record(&self, path: &str) -> Result<Option<Bytes>, StorageError> {
        let read = async {
            match self.backend.get(path, GetOptions::default()).await? {
                Some(found) => Ok(Some(found.content.collect().await?)),
                None => Ok(None),
            }
        };
        guard("look up", path, self.limit, read).await
    }

    /// Makes a record, or replaces it. It must not be empty.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, the record is the old one or the new one.
    pub(crate) async fn put_record(&self, path: &str, content: Bytes) -> Result<(), StorageError> {
        let put = self.backend.put(path, vec![content], true);
        guard("write", path, self.limit, put).await.map(drop)
    }

    /// Deletes a file or a record, from memory too. One that does not exist is not an error.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, it may be there or not.
    pub(crate) async fn delete(&self, path: &str) -> Result<(), StorageError> {
        let delete = self.backend.delete(path);
        let deleted = guard("delete", path, self.limit, delete).await;
        self.small.remove(path);
        deleted
    }

    /// The paths of all files below a folder.
    ///
    /// # Cancel safety
    ///
    /// Reads only.
    pub(crate) async fn list(&self, folder: &str) -> Result<Vec<String>, StorageError> {
        let list = self.backend.walk(folder, "").try_collect();
        guard("list", folder, self.limit, list).await
    }

    /// The paths of all files below a folder that come after this one.
    pub(crate) fn walk(&self, folder: &str, after: &str) -> Paths {
        self.backend.walk(folder, after)
    }
}
