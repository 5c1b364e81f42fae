//! The hash of a zip, in a file beside it as in the go command's cache.

use crate::observe;
use crate::storage::{Key, Storage, StorageError};

impl Storage {
    /// A failure is logged: the zip is stored all the same, without the hash of an older one.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, the hash is there or not.
    pub(crate) async fn put_zip_hash(&self, key: &Key, hash: String) {
        if let Some(path) = path(key.path())
            && let Err(error) = self.put_record(&path, hash.into()).await
        {
            observe::storage_failed(&error);
            observe::found(self.delete(&path).await);
        }
    }

    /// Deletes a file, and before it the hash beside it: alone that would be taken for the hash of the next one.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, each may be there or not.
    pub(crate) async fn delete_file(&self, file: &str) -> Result<(), StorageError> {
        let hash = match path(file) {
            Some(hash) => self.delete(&hash).await,
            None => Ok(()),
        };
        self.delete(file).await.and(hash)
    }
}

fn path(zip: &str) -> Option<String> {
    let version = zip.strip_suffix(".zip")?;
    Some(format!("{version}.ziphash"))
}
