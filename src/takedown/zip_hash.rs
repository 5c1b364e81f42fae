//! The hash of a zip, in a file beside it as in the go command's cache. Nothing here reads it.

use crate::observe;
use crate::storage::{Key, Storage, StorageError};

impl Storage {
    /// A failure is logged: the zip is stored all the same.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, the hash is there or not.
    pub(crate) async fn put_zip_hash(&self, key: &Key, hash: String) {
        if let Some(path) = path(key.path())
            && let Err(error) = self.put_record(&path, hash.into()).await
        {
            observe::storage_failed(&error);
        }
    }

    /// Deletes a file, and the hash beside it.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, each may be there or not.
    pub(crate) async fn delete_file(&self, file: &str) -> Result<(), StorageError> {
        self.delete(file).await?;
        match path(file) {
            Some(hash) => self.delete(&hash).await,
            None => Ok(()),
        }
    }
}

fn path(zip: &str) -> Option<String> {
    let version = zip.strip_suffix(".zip")?;
    Some(format!("{version}.ziphash"))
}
