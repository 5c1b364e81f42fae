//! The built-in HTTP client.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::PROXY_AUTHORIZATION;
use http::uri::Scheme;
use http::{Extensions, Request, Response, Uri};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use tower::timeout::Timeout;
use tower::timeout::error::Elapsed;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, ServiceExt as _};
use tower_service::Service;

use super::connect::{Line, check_proxies, dial, proxy_for, tcp};
use super::error::{Kind, Limit, UpstreamError};
use super::head::{CloseDelimited, is_close_delimited};
use super::list::List;
use super::list_error::InvalidUpstream;
use super::redirect::PublicOnly;
use super::tls;

/// The most that is read from a connection at once. With each read the connection, the fill, and its readers wake each other,
/// which costs more than the bytes: with half of it a fill from a fast source takes a tenth longer. With twice as much it would
/// hold more than half a MiB. The buffer begins with 8 KiB and grows only where reads fill it, so a slow source never has
/// this much, nor has one over TLS or HTTP/2, where pieces have 16 KiB.
const READ: usize = 128 * 1024;

/// The client service that [`Upstream::new`](super::Upstream::new) uses: HTTP/1.1 and HTTP/2 over rustls, with a pool
/// of connections.
///
/// It goes through the proxies that `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` name when it is made:
/// `http`, `https` and `socks5` ones. To this machine itself it always goes directly, as the go command does. Clones share
/// the pool.
///
/// Its TLS provider is that of the process ([`CryptoProvider::install_default`]), else `ring` or `aws-lc-rs`, with the
/// feature of that name.
///
/// [`CryptoProvider::install_default`]: https://docs.rs/rustls/0.23/rustls/crypto/struct.CryptoProvider.html#method.install_default
///
/// Make one by hand to trust a certificate authority of your own:
///
/// ```no_run
/// use tower_goproxy::Upstream;
/// use tower_goproxy::upstream::Client;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::with_roots(std::fs::read("/etc/ssl/corp.pem")?)?;
/// let upstream = Upstream::with_client("https://goproxy.corp.example", client)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    /// One pointer, since a service is cloned with each request.
    inner: Arc<Inner>,
}

struct Inner {
    tls: ClientConfig,
    proxies: Arc<Matcher>,
    connect_timeout: Duration,
    pool: Pool,
    /// For redirects: connects to public addresses only.
    public_only: Pool,
}

type Pool =
    legacy::Client<BoxCloneSyncService<Uri, MaybeHttpsStream<Line>, BoxError>, Empty<Bytes>>;

impl Client {
    /// A client that trusts the roots of the system, or those of `SSL_CERT_FILE` and `SSL_CERT_DIR`.
    ///
    /// Reads them now, which blocks for some milliseconds.
    ///
    /// # Errors
    ///
    /// If there is not one root certificate, or no TLS provider. If the environment names a proxy of an unknown kind.
    pub fn new() -> Result<Self, InvalidUpstream> {
        Self::build(tls::system()?)
    }

    /// A client that trusts the certificates in `pem`, and only these.
    ///
    /// # Errors
    ///
    /// If `pem` has no certificate, or one that cannot be a root; else as [`new`](Self::new).
    pub fn with_roots(pem: impl AsRef<[u8]>) -> Result<Self, InvalidUpstream> {
        Self::build(tls::from_pem(pem.as_ref())?)
    }

    /// On machines without roots, one that trusts nobody will do for registries without TLS.
    pub(super) fn for_list(list: &List) -> Result<Self, InvalidUpstream> {
        match list.wants_tls() {
            true => Self::new(),
            false => Self::without_tls(),
        }
    }

    /// For servers without TLS, also on machines without roots.
    pub(crate) fn without_tls() -> Result<Self, InvalidUpstream> {
        Self::new().or_else(|_| Self::build(tls::nobody()?))
    }

    /// The limit for name resolution, TCP, a proxy's handshake and TLS together. Default: 10 s.
    ///
    /// Connections that are open already stay with the clones made before.
    #[must_use]
    pub fn connect_timeout(self, limit: Duration) -> Self {
        let (tls, proxies) = (self.inner.tls.clone(), Arc::clone(&self.inner.proxies));
        Self::with(tls, proxies, limit)
    }

    fn build(tls: ClientConfig) -> Result<Self, InvalidUpstream> {
        let proxies = Matcher::from_env();
        check_proxies(&proxies)?;
        Ok(Self::with(tls, Arc::new(proxies), Duration::from_secs(10)))
    }

    fn with(tls: ClientConfig, proxies: Arc<Matcher>, connect_timeout: Duration) -> Self {
        let pool = |public_only| pool(&tls, &proxies, connect_timeout, public_only);
        Self {
            inner: Arc::new(Inner {
                pool: pool(false),
                public_only: pool(true),
                tls,
                proxies,
                connect_timeout,
            }),
        }
    }
}

fn pool(tls: &ClientConfig, proxies: &Arc<Matcher>, limit: Duration, public_only: bool) -> Pool {
    let connector = |tls| {
        HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
    };
    // CONNECT and forwarding are spoken in HTTP/1.1.
    let to_proxy = connector(tls.clone())
        .enable_http1()
        .wrap_connector(tcp(false));
    let (tcp, proxies) = (tcp(public_only), Arc::clone(proxies));
    let dial = tower::service_fn(move |uri: Uri| {
        let proxy = proxy_for(&proxies, &uri);
        dial(uri, proxy, tcp.clone(), to_proxy.clone())
    });
    let connector = connector(tls.clone())
        .enable_all_versions()
        .wrap_connector(BoxCloneSyncService::new(dial));
    let connector =
        Timeout::new(connector, limit).map_err(move |error| match error.is::<Elapsed>() {
            true => UpstreamError::new(Kind::Timeout(Limit::Connect, limit)).into(),
            false => error,
        });
    legacy::Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .http1_max_buf_size(READ)
        // A burst of requests over HTTP/1.1 shall not leave its connections behind.
        .pool_max_idle_per_host(32)
        // Without a ping a connection whose other end vanished would stay in the pool and take every request.
        .http2_keep_alive_interval(Duration::from_secs(20))
        .http2_keep_alive_timeout(Duration::from_secs(10))
        // Many streams share a connection: its window is so large that readers who pause do not stop the others.
        .http2_initial_stream_window_size(2 << 20)
        .http2_initial_connection_window_size(1 << 30)
        .build(BoxCloneSyncService::new(connector))
}

impl Service<Request<Empty<Bytes>>> for Client {
    type Response = Response<Incoming>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Incoming>, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Empty<Bytes>>) -> Self::Future {
        let pool = match request.extensions().get::<PublicOnly>() {
            Some(PublicOnly) => &self.inner.public_only,
            None => &self.inner.pool,
        };
        // hyper has meanings for some extensions, and these are of the request that came in.
        *request.extensions_mut() = Extensions::new();
        let uri = request.uri();
        if uri.scheme() == Some(&Scheme::HTTP)
            && let Some(proxy) = proxy_for(&self.inner.proxies, uri)
            && let Some(auth) = proxy.basic_auth()
        {
            let auth = auth.clone();
            request.headers_mut().insert(PROXY_AUTHORIZATION, auth);
        }
        let answer = pool.request(request);
        Box::pin(async move {
            let mut response = answer.await?;
            if is_close_delimited(&response) {
                response.extensions_mut().insert(CloseDelimited);
            }
            Ok(response)
        })
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("connect_timeout", &self.inner.connect_timeout)
            .finish_non_exhaustive()
    }
}
