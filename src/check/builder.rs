use std::fmt;
use std::sync::Arc;

use super::checking::Checking;
use super::database::Database;
use super::inspect::Inspect;
use super::point::{Point, RECORD};
use crate::storage::{Storage, StorageError};
#[cfg(feature = "sumdb")]
use crate::{sumdb::SumDb, target::Target};

/// How many files are checked at once, unless told otherwise.
const MAX_FILES: usize = 16;

/// The settings of a check. See the [module docs](super).
///
/// ```
/// use tower_goproxy::Storage;
/// use tower_goproxy::check::{Check, Remove};
///
/// let check = Check::new(Storage::memory())
///     .remove(Remove::Wrong)
///     .max_files(4);
/// ```
#[must_use = "a check does nothing until it is started"]
pub struct Check {
    storage: Storage,
    remove: Remove,
    max_files: usize,
    database: Option<Database>,
    is_anew: bool,
}

/// Which files a check removes. A removed file is fetched again by the next request for it; the hash beside a zip goes
/// with the zip, and the reasons of [`Storage::remove`] stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Remove {
    /// None.
    #[default]
    Nothing,
    /// Those that are [`Wrong`](super::Verdict::Wrong).
    Wrong,
    /// Those that are [`Wrong`](super::Verdict::Wrong), and those that are [`Stray`](super::Verdict::Stray) in folders of
    /// modules and areas. What else lies in the storage stays.
    WrongAndStray,
}

impl Check {
    /// Checks all files of a storage.
    pub fn new(storage: Storage) -> Self {
        Self {
            storage,
            remove: Remove::Nothing,
            max_files: MAX_FILES,
            database: None,
            is_anew: false,
        }
    }

    /// Which files are removed. Default: none.
    pub fn remove(self, remove: Remove) -> Self {
        Self { remove, ..self }
    }

    /// How many files are checked at once. Default: 16.
    pub fn max_files(self, files: usize) -> Self {
        Self {
            max_files: files.max(1),
            ..self
        }
    }

    /// Compares `.mod` and `.zip` files of the plain layout with a checksum database. It is asked about those that
    /// `is_public` accepts, and that the database does not [exclude](SumDb::exclude). A storage of an older proxy may have
    /// private modules in the plain layout: do not accept them. Files of other areas are never looked up.
    ///
    /// A file that the database does not know is [`Unconfirmed`](super::Verdict::Unconfirmed). While the database cannot be
    /// reached, files are [`Unchecked`](super::Verdict::Unchecked).
    ///
    /// ```
    /// use tower_goproxy::Storage;
    /// use tower_goproxy::check::Check;
    /// use tower_goproxy::sumdb::SumDb;
    ///
    /// # #[cfg(feature = "ring")]
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let storage = Storage::memory();
    /// let sumdb = SumDb::new("sum.golang.org")?.storage(storage.clone());
    /// let check = Check::new(storage).sumdb(sumdb, |target| {
    ///     !target.module().is_within("git.corp.example")
    /// });
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "ring"))]
    /// # fn main() {}
    /// ```
    #[cfg(feature = "sumdb")]
    pub fn sumdb(
        self,
        sumdb: SumDb,
        is_public: impl Fn(&Target<'_>) -> bool + Send + Sync + 'static,
    ) -> Self {
        let is_public = Box::new(is_public);
        Self {
            database: Some(Database { sumdb, is_public }),
            ..self
        }
    }

    /// Starts with the first file, even if an earlier check has stopped in the middle.
    pub fn anew(self) -> Self {
        Self {
            is_anew: true,
            ..self
        }
    }

    /// Starts, or goes on where a check with the same settings has stopped.
    ///
    /// # Errors
    ///
    /// The storage failed.
    ///
    /// # Cancel safety
    ///
    /// Reads only.
    pub async fn start(self) -> Result<Checking, StorageError> {
        let settings = self.settings();
        let record = match self.is_anew {
            true => None,
            false => self.storage.record(RECORD).await?,
        };
        let stopped = record.and_then(|record| Point::read(&record, &settings));
        let inspect = Inspect::new(self.storage, self.remove, self.database);
        Ok(Checking::new(
            Arc::new(inspect),
            self.max_files,
            settings,
            stopped,
        ))
    }

    /// What a check must have in common with the one that it continues.
    fn settings(&self) -> String {
        let database = self.database.as_ref().map_or("none", Database::name);
        format!("remove {:?}, database {database}", self.remove)
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check")
            .field("storage", &self.storage)
            .field("remove", &self.remove)
            .finish_non_exhaustive()
    }
}
