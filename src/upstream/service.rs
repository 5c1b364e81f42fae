//! The service.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Empty;
use tower::BoxError;
use tower_service::Service;

use super::body::UpstreamBody;
use super::client::Client;
use super::clock::Deadline;
use super::config::Config;
use super::error::UpstreamError;
use super::future::ResponseFuture;
use super::list::List;
use super::list_error::InvalidUpstream;
use super::observe;
use super::order::Order;
use crate::source::{Area, HasArea};

/// A source over HTTP: asks the registries of a GOPROXY list.
///
/// See the [module docs](super) for what it does. Clones share the client and its connections.
#[derive(Clone)]
pub struct Upstream<C = Client> {
    config: Arc<Config>,
    client: C,
}

impl Upstream {
    /// An upstream that asks the registries of `list`, a GOPROXY list, by the built-in [`Client`].
    ///
    /// ```
    /// use tower_goproxy::Upstream;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// // Our own files first, then a registry; the next one only for what does not exist there.
    /// let upstream = Upstream::new("file:///srv/modules,http://goproxy.corp.example")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If the list is empty or has a wrong entry, or if an entry needs TLS and the system has no root certificates.
    pub fn new(list: &str) -> Result<Self, InvalidUpstream> {
        let list = List::parse(list)?;
        let client = match Client::new() {
            Err(_) if !list.wants_tls() => Client::without_roots()?,
            client => client?,
        };
        Ok(Self {
            config: Arc::new(Config::new(list)),
            client,
        })
    }

    /// The limit for name resolution, TCP, a proxy's handshake and TLS together. Default: 10 s.
    ///
    /// With a client of your own this is the client's matter.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use tower_goproxy::Upstream;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let upstream = Upstream::new("http://localhost:8080/")?.connect_timeout(Duration::from_secs(3));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn connect_timeout(self, limit: Duration) -> Self {
        Self {
            client: self.client.connect_timeout(limit),
            ..self
        }
    }
}

impl<C> Upstream<C> {
    /// An upstream that asks the registries of `list` by `client`, any HTTP client service.
    ///
    /// The client gets requests with an absolute URI, and answers each by itself: redirects, credentials, retries,
    /// resumes and all limits but that of connecting are added above it. It finds the extensions of the client's
    /// request in those of its own.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use http::{Request, Response};
    /// use http_body_util::{Empty, Full};
    /// use tower_goproxy::Upstream;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let client = tower::service_fn(|_: Request<Empty<Bytes>>| async {
    ///     Ok::<_, std::io::Error>(Response::new(Full::<Bytes>::from("v1.0.0\n")))
    /// });
    /// let upstream = Upstream::with_client("https://goproxy.corp.example", client)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If the list is empty or has a wrong entry.
    pub fn with_client(list: &str, client: C) -> Result<Self, InvalidUpstream> {
        Ok(Self {
            config: Arc::new(Config::new(List::parse(list)?)),
            client,
        })
    }

    pub(super) fn set(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(Arc::make_mut(&mut self.config));
        self
    }

    /// Like `call`, with the error instead of its response.
    ///
    /// ```
    /// # use tower_goproxy::Upstream;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let upstream = Upstream::new("file:///nonexistent")?;
    /// let request = http::Request::get("/example.com/m/@v/list").body(())?;
    /// let error = upstream.try_call(&request).await.unwrap_err();
    /// assert!(error.is_not_found());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Whatever is not a 200 of one of the registries.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with its clock.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends all requests that it made.
    pub fn try_call<B, R>(
        &self,
        request: &Request<R>,
    ) -> impl Future<Output = Result<Response<UpstreamBody>, UpstreamError>> + Send + use<B, C, R>
    where
        C: Service<Request<Empty<Bytes>>, Response = Response<B>> + Clone + Send + 'static,
        C::Error: Into<BoxError>,
        C::Future: Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        self.answer(Order::from(request))
    }

    fn answer<B>(
        &self,
        order: Result<Order, UpstreamError>,
    ) -> impl Future<Output = Result<Response<UpstreamBody>, UpstreamError>> + Send + use<B, C>
    where
        C: Service<Request<Empty<Bytes>>, Response = Response<B>> + Clone + Send + 'static,
        C::Error: Into<BoxError>,
        C::Future: Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let (config, client) = (Arc::clone(&self.config), self.client.clone());
        async move {
            let deadline = Deadline::after(config.total);
            let answer = match order {
                Ok(order) => deadline.run(order.fetch(config, client, deadline)).await,
                Err(error) => Err(error),
            };
            answer.inspect_err(observe::failed)
        }
    }
}

impl<C, B, R> Service<Request<R>> for Upstream<C>
where
    C: Service<Request<Empty<Bytes>>, Response = Response<B>> + Clone + Send + 'static,
    C::Error: Into<BoxError>,
    C::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<UpstreamBody>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<R>) -> ResponseFuture {
        ResponseFuture::new(self.answer(Order::from(&request)))
    }
}

/// Asks nothing of the client, and leaves out credentials.
impl<C> fmt::Debug for Upstream<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl<C> HasArea for Upstream<C> {
    fn area(&self) -> Area {
        Area::Included
    }
}
