use std::sync::Arc;

use tower_layer::Layer;

use super::service::SumDbService;
use super::settings::SumDb;

/// Answers `/sumdb/{name}/..` for these databases, and leaves all other requests to the inner service.
///
/// | path | response |
/// |---|---|
/// | `/supported` | 200, unless the database is reached through another proxy that says that it does not know it |
/// | `/lookup/{module}@{version}` | the record, from the storage or the database; 403 for [excluded](SumDb::exclude) modules |
/// | `/tile/8/..` | the tile, from the storage or the database |
/// | `/latest` | the newest tree |
///
/// What comes from a database is proved before it is stored or served. While a database cannot be reached, stored responses are
/// served. A 404 or 410 of the database is passed on; otherwise a failure is 502. Other databases, and paths that no go command
/// requests, are 404.
///
/// ```
/// use tower::Layer;
/// use tower_goproxy::NotFound;
/// use tower_goproxy::sumdb::{SumDb, SumDbLayer};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let client = tower::service_fn(|_: http::Request<http_body_util::Empty<bytes::Bytes>>| async {
/// #     Ok::<_, std::io::Error>(http::Response::new(String::new()))
/// # });
/// let sumdb = SumDb::with_client("sum.golang.org", client)?;
/// let service = SumDbLayer::new([sumdb]).layer(NotFound);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it wraps a service"]
pub struct SumDbLayer(Arc<[SumDb]>);

impl SumDbLayer {
    /// A layer that answers for these databases.
    pub fn new(databases: impl IntoIterator<Item = SumDb>) -> Self {
        let mut databases: Vec<SumDb> = databases.into_iter().collect();
        // A name may be the beginning of another one.
        databases.sort_by_key(|sumdb| std::cmp::Reverse(sumdb.name().len()));
        Self(databases.into())
    }
}

impl<S> Layer<S> for SumDbLayer {
    type Service = SumDbService<S>;

    fn layer(&self, inner: S) -> SumDbService<S> {
        SumDbService {
            inner,
            databases: Arc::clone(&self.0),
        }
    }
}
