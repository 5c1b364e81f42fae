use crate::reply;
use crate::storage::{Key, REMOVED, Storage, StorageError};
use crate::target::Target;
use crate::verify::zip::h1::of_module_file;

/// # Removed files
///
/// Modules and versions that nobody should receive.
impl Storage {
    /// Removes a file of a version, with a reason that clients see. It is not fetched again until it is
    /// [restored](Self::restore); requests for it get 403.
    ///
    /// Reaches the copies of all areas and owners. Other processes notice within a minute.
    ///
    /// ```
    /// use tower_goproxy::{Storage, Target};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let storage = Storage::memory();
    /// let zip = Target::parse("/example.com/m/@v/v1.0.0.zip")?.ok_or("not a module request")?;
    /// storage.remove(&zip, "contains malware").await?;
    /// assert_eq!(storage.removed().await?, ["example.com/m/@v/v1.0.0.zip"]);
    /// storage.restore(&zip).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The target is not a file of a version, or the storage failed. What was not removed is still served.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, copies of the file may remain; calling it again removes them.
    pub async fn remove(&self, target: &Target<'_>, reason: &str) -> Result<(), StorageError> {
        let file = target.as_str();
        if !target.resource().is_file() {
            let error = "it is not an .info, .mod or .zip of a version";
            return Err(StorageError::new("remove", file, error));
        }
        // The record comes first: from here on nobody fetches the file again.
        let reason = reply::line(reason).into();
        self.put_record(&record(file), reason).await?;
        self.delete_copies(target, None).await
    }

    /// Deletes a file in all areas, to be fetched again. With a `hash`, copies that have another one stay.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, copies of the file may remain.
    pub(crate) async fn delete_copies(
        &self,
        target: &Target<'_>,
        hash: Option<&str>,
    ) -> Result<(), StorageError> {
        let file = target.as_str();
        let owned = self.list("@for").await?;
        let copies = owned.into_iter().filter(|path| is_copy(path, file));
        let areas = ["", "@private/", "@direct/"].map(|area| format!("{area}{file}"));
        for path in copies.chain(areas) {
            let is_other = match hash {
                Some(hash) => self.has_other_hash(&path, hash).await?,
                None => false,
            };
            if !is_other {
                self.delete_file(&path).await?;
            }
        }
        Ok(())
    }

    /// One whose hash is not known has no other one.
    async fn has_other_hash(&self, path: &str, hash: &str) -> Result<bool, StorageError> {
        let found = match path.ends_with(".zip") {
            true => {
                let beside = self.record(&format!("{path}hash")).await?;
                beside.map(|found| String::from_utf8_lossy(&found).trim().to_owned())
            }
            false => self
                .record(path)
                .await?
                .map(|content| of_module_file(&content)),
        };
        Ok(found.is_some_and(|found| found != hash))
    }

    /// Undoes [`remove`](Self::remove): the next request fetches the file again.
    ///
    /// # Errors
    ///
    /// The storage failed.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, it is restored or it is not.
    pub async fn restore(&self, target: &Target<'_>) -> Result<(), StorageError> {
        self.delete(&record(target.as_str())).await
    }

    /// All removed files.
    ///
    /// # Errors
    ///
    /// The storage failed.
    ///
    /// # Cancel safety
    ///
    /// Reads only.
    pub async fn removed(&self) -> Result<Vec<String>, StorageError> {
        let records = self.list(REMOVED).await?.into_iter();
        let file = |path: String| Some(path.strip_prefix(REMOVED)?.strip_prefix('/')?.to_owned());
        Ok(records.filter_map(file).collect())
    }

    /// A file that was removed while it was fetched goes again.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, the file may stay.
    pub(crate) async fn keep_removed(&self, key: &Key) -> Result<(), StorageError> {
        match self.record(&record(key.file())).await? {
            Some(_) => self.delete_file(key.path()).await,
            None => Ok(()),
        }
    }
}

/// The record of why a file was removed.
fn record(file: &str) -> String {
    format!("{REMOVED}/{file}")
}

/// Whether this is an owner's copy of the file: `@for/{owner}/` or `@for/{owner}/@included/`, then its name.
fn is_copy(path: &str, file: &str) -> bool {
    let below_owner = path.splitn(3, '/').nth(2);
    below_owner.is_some_and(|path| path.strip_prefix("@included/").unwrap_or(path) == file)
}
