use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Empty;
use tower::{BoxError, Service};

use super::database::Database;
use super::http::Http;
use super::key::{InvalidSumDb, Key};
use super::marks::Marks;
use super::records::Records;
use crate::source::patterns::is_private;
use crate::storage::Storage;
use crate::target::Target;
use crate::upstream::Client;

/// How long a fill waits for a look-up after its last byte.
const WAIT: Duration = Duration::from_secs(10);

/// The module that the go command always verifies.
const TOOLCHAIN: &str = "golang.org/toolchain";

/// A client of a checksum database. See the [module docs](super).
///
/// Clones share what runs and what is known.
///
/// ```
/// use tower_goproxy::sumdb::SumDb;
///
/// # #[cfg(feature = "ring")]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let known = SumDb::new("sum.golang.org")?;
/// assert_eq!(known.name(), "sum.golang.org");
/// assert!(SumDb::new("sum.golang.org+00000000+AAAA").is_err());
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "ring"))]
/// # fn main() {}
/// ```
#[derive(Clone)]
pub struct SumDb {
    pub(super) database: Arc<Database>,
    pub(super) marks: Arc<Marks>,
    pub(super) excluded: Arc<str>,
    pub(super) requires: bool,
    pub(super) wait: Duration,
}

impl SumDb {
    /// A database as in `GOSUMDB`: `sum.golang.org`, whose key is built in, or a verifier key, and a blank and a URL if it is not
    /// at `https://` and its name. The URL may be that of another proxy's `/sumdb/{name}`.
    ///
    /// Its HTTP client is [`Client::new`], which reads the system's root certificates now.
    ///
    /// # Errors
    ///
    /// The text names no database, or there is no HTTP client.
    pub fn new(key: &str) -> Result<Self, InvalidSumDb> {
        let is_plain = key.parse::<Key>()?.url.starts_with("http://");
        let client = match is_plain {
            true => Client::without_tls(),
            false => Client::new(),
        };
        Self::with_client(
            key,
            client.map_err(|error| InvalidSumDb(error.to_string()))?,
        )
    }

    /// The same with any HTTP client service. It gets requests with an absolute URI.
    ///
    /// # Errors
    ///
    /// The text names no database.
    pub fn with_client<C, B>(key: &str, client: C) -> Result<Self, InvalidSumDb>
    where
        C: Service<Request<Empty<Bytes>>, Response = Response<B>> + Clone + Send + Sync + 'static,
        C::Error: Into<BoxError>,
        C::Future: Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let key: Key = key.parse()?;
        let http = Arc::new(Http::new(&key.url, client));
        Ok(Self {
            database: Arc::new(Database::new(key, http, Records::in_memory())),
            marks: Arc::default(),
            excluded: "".into(),
            requires: false,
            wait: WAIT,
        })
    }

    /// Where records, tiles and the newest tree are kept: the storage of the files that are verified. Default: up to 32 MiB in
    /// memory. Files that the database did not confirm are not marked then, and not looked up again.
    #[must_use]
    pub fn storage(self, storage: Storage) -> Self {
        let (key, http) = (self.database.key.clone(), Arc::clone(&self.database.http));
        Self {
            database: Arc::new(Database::new(key, http, Records::Storage(storage))),
            ..self
        }
    }

    /// Patterns as in `GONOSUMDB`: modules that are not verified, and whose names the database must not learn. Like the go
    /// command, it verifies toolchains anyway. Default: none.
    #[must_use]
    pub fn exclude(self, patterns: &str) -> Self {
        Self {
            excluded: patterns.into(),
            ..self
        }
    }

    /// Refuses files of which the database does not say the hash, with 502. Default: they are stored and marked.
    #[must_use]
    pub fn require(self) -> Self {
        Self {
            requires: true,
            ..self
        }
    }

    /// How long a fill waits for a look-up after its last byte. Default: 10 seconds.
    #[must_use]
    pub fn max_wait(self, wait: Duration) -> Self {
        Self { wait, ..self }
    }

    /// The name of the database, which is part of the paths that [`SumDbLayer`](super::SumDbLayer) answers.
    #[must_use]
    pub fn name(&self) -> &str {
        self.database.key.name()
    }

    /// Where the files are, if that is known.
    pub(super) fn storage_of_files(&self) -> Option<&Storage> {
        match &self.database.records {
            Records::Memory(_) => None,
            Records::Storage(storage) => Some(storage),
        }
    }

    pub(crate) fn excludes(&self, module: &str) -> bool {
        module != TOOLCHAIN && is_private(&self.excluded, module)
    }

    /// The file's module and version as the database knows them.
    pub(super) fn name_of(target: &Target<'_>) -> String {
        let version = target.version();
        let version = version.as_ref().map_or("", |version| version.escaped());
        format!("{}@{version}", target.module().escaped())
    }
}

impl fmt::Debug for SumDb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SumDb")
            .field("key", &self.database.key)
            .field("excluded", &self.excluded)
            .finish_non_exhaustive()
    }
}
