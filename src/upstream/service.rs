//! The service.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body::Body;
use http_body_util::Empty;
use tower::util::{BoxCloneService, BoxCloneSyncService};
use tower::{BoxError, ServiceExt as _};
use tower_service::Service;

use super::ask::Wanted;
use super::body::{UpstreamBody, boxed};
use super::client::Client;
use super::clock::Deadline;
use super::config::Config;
use super::error::{Kind, UpstreamError};
use super::list::List;
use super::list_error::InvalidUpstream;
use super::observe;
use super::walk::{Direct, Walk};
use crate::source::{self, Area, HasArea};
use crate::target::Target;

/// The future of [`Upstream`].
pub type ResponseFuture = source::ResponseFuture<UpstreamBody>;

/// A source over HTTP: asks the registries of a GOPROXY list.
///
/// See the [module docs](super) for what it does. Clones share the client and its connections.
#[derive(Clone)]
pub struct Upstream<C = Client> {
    config: Arc<Config>,
    client: C,
    direct: Option<Direct>,
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
    /// If the list is empty or has a wrong entry or `direct`, which needs a service: see [`with_direct`](Self::with_direct).
    /// If there is no TLS provider, or if an entry needs TLS and the system has no root certificates. If the environment
    /// names a proxy of an unknown kind.
    pub fn new(list: &str) -> Result<Self, InvalidUpstream> {
        let list = List::parse(list)?;
        let client = Client::for_list(&list)?;
        Self::with_client_of(list, client)
    }

    /// Asks by this client: one that trusts other certificate authorities, or one whose connections are shared with other
    /// upstreams. Its own connect timeout counts.
    ///
    /// ```
    /// # use tower_goproxy::Upstream;
    /// # use tower_goproxy::upstream::Client;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let client = Client::new()?;
    /// let public = Upstream::new("http://localhost:8080")?.client(client.clone());
    /// let private = Upstream::new("http://localhost:8081")?.client(client);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn client(self, client: Client) -> Self {
        Self { client, ..self }
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
    /// If the list is empty, or has a wrong entry or `direct`.
    pub fn with_client(list: &str, client: C) -> Result<Self, InvalidUpstream> {
        Self::with_client_of(List::parse(list)?, client)
    }

    /// An upstream for a list that ends with `direct`, which leads on to a service: a [`GoGet`](crate::GoGet), for example.
    ///
    /// As in the go command, it is asked for what no registry has. Its response is passed as it is, and marked
    /// `Cache-Control: private`, so that a layer which stores it keeps it apart. It gets a request without extensions: no
    /// `Access` of a user leads to a file that others can have.
    ///
    /// ```
    /// use std::convert::Infallible;
    ///
    /// use bytes::Bytes;
    /// use http::{Request, Response};
    /// use http_body_util::{Empty, Full};
    /// use tower_goproxy::Upstream;
    /// use tower_goproxy::upstream::Client;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let from_version_control = tower::service_fn(|_: Request<Empty<Bytes>>| async {
    ///     Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("v1.0.0\n")))
    /// });
    /// let list = "https://goproxy.corp.example,direct";
    /// let upstream = Upstream::with_direct(list, Client::new()?, from_version_control)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If the list is empty or has a wrong entry.
    pub fn with_direct<S, B>(list: &str, client: C, direct: S) -> Result<Self, InvalidUpstream>
    where
        S: Service<Request<Empty<Bytes>>, Response = Response<B>, Error = Infallible>,
        S: Clone + Send + Sync + 'static,
        S::Future: Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Ok(Self {
            client,
            config: Arc::new(Config::new(List::parse(list)?)),
            direct: Some(BoxCloneSyncService::new(direct.map_response(boxed))),
        })
    }

    fn with_client_of(list: List, client: C) -> Result<Self, InvalidUpstream> {
        if list.wants_direct() {
            let message = "`direct` needs a service that reads version control: give one with Upstream::with_direct, or end the list before it";
            return Err(InvalidUpstream::new(message));
        }
        Ok(Self {
            config: Arc::new(Config::new(list)),
            client,
            direct: None,
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
    /// Whatever is not a 200 of one of the registries, or a 304 to [`Validators`](crate::source::Validators). A response of
    /// the service for `direct` is no error, whatever its status.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with its clock.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends all requests that it made, but one to a registry that was away: that goes on, to see
    /// whether the registry is back.
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
        // Everything else of the request, its headers above all, stays outside.
        let (method, extensions) = (request.method(), request.extensions());
        let path: Arc<str> = request.uri().path().into();
        let walk = target(method, &path).map(|target| {
            let client = self.client.clone().map_err(Into::into);
            Walk {
                wanted: Wanted {
                    method: method.clone(),
                    resource: target.resource(),
                    path: target.to_uri_path().into(),
                    extensions: extensions.clone(),
                },
                target,
                config: Arc::clone(&self.config),
                http: BoxCloneService::new(client.map_response(boxed)),
                direct: self.direct.clone(),
                deadline: Deadline::after(self.config.total),
            }
        });
        async move {
            let answer = match walk {
                Ok(walk) => walk.deadline.run(walk.go()).await,
                Err(error) => Err(error),
            };
            answer.inspect_err(|error| observe::failed(&path, error))
        }
    }
}

fn target(method: &Method, path: &str) -> Result<Target<'static>, UpstreamError> {
    let refuse = |text: String| UpstreamError::new(Kind::NotModule(text.into()));
    let target = Target::parse(path)
        .map_err(|error| refuse(format!("not found: {error}")))?
        .ok_or_else(|| refuse("not found: not a path of a module proxy".to_owned()))?;
    if !matches!(*method, Method::GET | Method::HEAD) {
        return Err(UpstreamError::new(Kind::Method));
    }
    Ok(target.into_owned())
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
        let answer = self.try_call(&request.map(drop));
        source::ResponseFuture::new(async {
            answer.await.unwrap_or_else(UpstreamError::into_response)
        })
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
