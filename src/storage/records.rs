//! Small records that change, beside the files that do not: below `@records/`, a name that no module can have.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt;

use super::backend::Content;
use super::error::StorageError;
use super::store::{Storage, guard};

/// Why files were removed, by their names.
pub(crate) const REMOVED: &str = "@records/removed";

impl Storage {
    /// # Cancel safety
    ///
    /// Reads only.
    pub(crate) async fn record(
        &self,
        kind: &str,
        name: &str,
    ) -> Result<Option<Bytes>, StorageError> {
        let path = path(kind, name);
        let get = self.backend.get(Arc::clone(&path), false, None);
        let found = guard("look up", &path, get).await?;
        Ok(match found.map(|found| found.content) {
            None => None,
            Some(Content::Whole(content)) => Some(content),
            Some(Content::Part(_, frames)) => {
                let pieces: Result<Vec<Bytes>, _> = frames.try_collect().await;
                let pieces = pieces.map_err(|error| StorageError::new("read", &path, error))?;
                Some(pieces.concat().into())
            }
        })
    }

    /// Makes a record, or replaces it. It must not be empty.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, the record is the old one or the new one.
    pub(crate) async fn put_record(
        &self,
        kind: &str,
        name: &str,
        content: Bytes,
    ) -> Result<(), StorageError> {
        let path = path(kind, name);
        let put = self.backend.put(Arc::clone(&path), vec![content], true);
        guard("write", path, put).await
    }

    /// # Cancel safety
    ///
    /// Dropped early, the record may be there or not.
    pub(crate) async fn delete_record(&self, kind: &str, name: &str) -> Result<(), StorageError> {
        self.delete(path(kind, name)).await
    }

    /// The names of all records of a kind.
    ///
    /// # Cancel safety
    ///
    /// Reads only.
    pub(crate) async fn list_records(&self, kind: &str) -> Result<Vec<String>, StorageError> {
        let paths = self.list(kind).await?.into_iter();
        let name = |path: String| Some(path.strip_prefix(kind)?.strip_prefix('/')?.to_owned());
        Ok(paths.filter_map(name).collect())
    }

    /// Deletes a file, from memory too. A file that does not exist is not an error.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, the file may be there or not.
    pub(crate) async fn delete(&self, path: Arc<str>) -> Result<(), StorageError> {
        let delete = self.backend.delete(Arc::clone(&path));
        let deleted = guard("delete", &path, delete).await;
        self.small.remove(&path);
        deleted
    }

    /// The paths of all files below a folder.
    ///
    /// # Cancel safety
    ///
    /// Reads only.
    pub(crate) async fn list(&self, folder: &str) -> Result<Vec<String>, StorageError> {
        guard("list", folder, self.backend.list(folder.into())).await
    }
}

fn path(kind: &str, name: &str) -> Arc<str> {
    format!("{kind}/{name}").into()
}
