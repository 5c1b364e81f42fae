use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join;
use http::{Method, Request, Response, StatusCode, Uri};
use http_body::Body;
use http_body_util::{BodyExt, Empty, Limited};
use quick_cache::sync::Cache;
use tokio::time::{Instant, timeout};
use tower::{BoxError, ServiceExt};
use tower_service::Service;

use crate::access::value::Access;
use crate::fresh::stored::content;
use crate::info::Fields;
use crate::layer_body::LayerBody;
use crate::observe;
use crate::reply;
use crate::source::{Area, HasArea, ResponseFuture};
use crate::storage::{Key, Storage};
use crate::target::Target;

/// How long a version is taken to be of the commit that a file of it has come of, and of how many versions that is known.
const SETTLED: Duration = Duration::from_secs(5 * 60);
const MOST_SETTLED: usize = 4096;

/// How long the source may take to say what it has now, and how many bytes it may say.
const LIMIT: Duration = Duration::from_secs(10);
const MOST: usize = 1 << 20;

/// A registry whose files are refused if they are of another commit than the stored files of their version. It belongs
/// inside a `FillLayer`.
///
/// The files of a version are requested one by one, maybe months apart. A registry that does not keep what it has fetched
/// sends files of another commit after a tag was moved.
///
/// If a file is requested from the registry, and the `.info` or the `.mod` of its version has been stored for more than 5
/// minutes, that one is requested again. If the `.info` names another commit than the stored one, as the `Hash` of its
/// `Origin`, or if the `.mod` has other bytes, the response is 502 with the reason. To take the new commit, remove the
/// stored files of the version.
///
/// A `.zip` does not name its commit. Nothing is noticed if only the `.zip` is stored, or if the `.info` has no `Origin` and
/// both commits have the same `go.mod`. A `SumDb` detects these cases too, for modules that the checksum database knows.
/// `GoGet` needs no `SameCommit`: it compares commits itself.
///
/// It is always ready, and never fails.
///
/// ```
/// use tower::Layer;
/// use tower_goproxy::fill::FillLayer;
/// use tower_goproxy::{SameCommit, Storage, Upstream};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let storage = Storage::memory();
/// let registry = Upstream::new("https://goproxy.corp.example")?;
/// let registry = SameCommit::new(registry, storage.clone());
/// let service = FillLayer::new(storage).layer(registry);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SameCommit<S> {
    source: S,
    storage: Storage,
    settled: Arc<Cache<String, Instant>>,
}

impl<S> SameCommit<S> {
    /// A source for a `FillLayer` with this storage.
    pub fn new(source: S, storage: Storage) -> Self {
        let settled = Arc::new(Cache::new(MOST_SETTLED));
        Self {
            source,
            storage,
            settled,
        }
    }
}

impl<S: HasArea> HasArea for SameCommit<S> {
    fn area(&self) -> Area {
        self.source.area()
    }
}

impl<S: fmt::Debug> fmt::Debug for SameCommit<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SameCommit")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

impl<S, B> Service<Request<Empty<Bytes>>> for SameCommit<S>
where
    S: Service<Request<Empty<Bytes>>, Response = Response<B>, Error = Infallible> + HasArea,
    S: Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<LayerBody<B>>;
    type Error = Infallible;
    type Future = ResponseFuture<LayerBody<B>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Empty<Bytes>>) -> Self::Future {
        let this = self.clone();
        let file = Target::parse(request.uri().path()).ok().flatten();
        let file = file.filter(|file| file.resource().is_file());
        let file = file.map(Target::into_owned);
        let file = file.filter(|_| request.method() == Method::GET);
        ResponseFuture::new(async move {
            let moved = async {
                match &file {
                    Some(file) => this.moved(file, &request).await,
                    None => None,
                }
            };
            let asked = this.source.clone().oneshot(request.clone());
            let (response, moved) = join(asked, moved).await;
            let Ok(response) = response;
            match (moved, file) {
                (Some(reason), Some(file)) => {
                    observe::rejected(&file, &reason);
                    reply::text(StatusCode::BAD_GATEWAY, &reason).map(LayerBody::own)
                }
                (None, Some(file)) if response.status().is_success() => {
                    this.settled.insert(version(&file), Instant::now());
                    response.map(LayerBody::inner)
                }
                _ => response.map(LayerBody::inner),
            }
        })
    }
}

impl<S> SameCommit<S> {
    /// Why the file would be of another commit than those that are stored.
    #[expect(
        clippy::future_not_send,
        reason = "it is where the source's futures and bodies are"
    )]
    async fn moved<B>(&self, file: &Target<'_>, request: &Request<Empty<Bytes>>) -> Option<String>
    where
        S: Service<Request<Empty<Bytes>>, Response = Response<B>, Error = Infallible>,
        S: HasArea + Clone,
        B: Body<Data = Bytes>,
        B::Error: Into<BoxError>,
    {
        let settled = self.settled.get(&version(file));
        if settled.is_some_and(|then| then.elapsed() < SETTLED) {
            return None;
        }
        let owner = request.extensions().get().map(Access::owner_name);
        let (stem, _) = file.as_str().rsplit_once('.')?;
        for extension in ["info", "mod"] {
            let path = format!("/{stem}.{extension}");
            let other = Target::parse(&path).ok()??;
            let key = Key::new(&other, self.source.area(), owner)?;
            let stored = observe::found(content(&self.storage, &key).await);
            let Some(stored) = stored.filter(|_| other != *file) else {
                continue;
            };
            let mut again = request.clone();
            *again.uri_mut() = Uri::try_from(other.to_uri_path()).ok()?;
            let again = async {
                let Ok(response) = self.source.clone().oneshot(again).await;
                let is_found = response.status() == StatusCode::OK;
                let body = Limited::new(response.into_body(), MOST).collect();
                body.await.ok().filter(|_| is_found)
            };
            // A source that says nothing now has not moved anything.
            let Ok(Some(now)) = timeout(LIMIT, again).await else {
                continue;
            };
            let now = now.to_bytes();
            let is_same = match (extension, commit(&stored), commit(&now)) {
                ("info", Some(stored), Some(now)) => stored == now,
                ("info", ..) => true,
                _ => stored == now,
            };
            if !is_same {
                let version = version(file);
                return Some(format!(
                    "{version} has moved to another commit since its .{extension} was stored"
                ));
            }
        }
        None
    }
}

/// The module and the version.
fn version(file: &Target<'_>) -> String {
    let (module, version) = (file.module(), file.version());
    version.map_or_else(
        || module.to_string(),
        |version| format!("{module}@{version}"),
    )
}

/// The commit that an `.info` names.
fn commit(info: &[u8]) -> Option<String> {
    let json = String::from_utf8_lossy(info);
    let origin = Fields::parse(&json).ok()?.of("Origin").last()?;
    let hash = Fields::parse(origin.0).ok()?.text("Hash");
    hash.filter(|hash| !hash.is_empty())
}
