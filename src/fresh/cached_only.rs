use std::task::{Context, Poll};

use http::uri::PathAndQuery;
use http::{Request, Uri};
use tower_layer::Layer;
use tower_service::Service;

use crate::cached_only::make_cached_only;

/// The path under which proxy.golang.org does the same.
const PREFIX: &str = "/cached-only";

/// Lets clients ask for what is stored by a path: requests below `/cached-only/` go on without it, and with
/// `Disable-Module-Fetch: true`.
///
/// It belongs around a `FilterLayer`. Where the proxy is mounted below a path of its own, let the router strip that first.
///
/// ```
/// use http::{Request, Response};
/// use tower::{Layer, ServiceExt, service_fn};
/// use tower_goproxy::fresh::CachedOnlyLayer;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let service = CachedOnlyLayer::new().layer(service_fn(|request: Request<()>| async move {
///     assert_eq!(request.headers()["disable-module-fetch"], "true");
///     Ok::<_, std::convert::Infallible>(Response::new(request.uri().path().to_owned()))
/// }));
/// let request = Request::get("/cached-only/example.com/m/@v/list").body(())?;
/// assert_eq!(service.oneshot(request).await?.into_body(), "/example.com/m/@v/list");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[must_use = "a layer does nothing until it wraps a service"]
pub struct CachedOnlyLayer(());

impl CachedOnlyLayer {
    /// The layer.
    pub fn new() -> Self {
        Self::default()
    }
}

impl<S> Layer<S> for CachedOnlyLayer {
    type Service = CachedOnly<S>;

    fn layer(&self, inner: S) -> CachedOnly<S> {
        CachedOnly { inner }
    }
}

/// Made by [`CachedOnlyLayer`].
#[derive(Clone, Debug)]
pub struct CachedOnly<S> {
    inner: S,
}

impl<S, B> Service<Request<B>> for CachedOnly<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        if let Some(uri) = below(request.uri()) {
            *request.uri_mut() = uri;
            make_cached_only(request.headers_mut());
        }
        self.inner.call(request)
    }
}

fn below(uri: &Uri) -> Option<Uri> {
    let path = uri.path_and_query()?.as_str().strip_prefix(PREFIX)?;
    let path = path
        .starts_with('/')
        .then(|| PathAndQuery::try_from(path).ok())??;
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path);
    Uri::from_parts(parts).ok()
}
