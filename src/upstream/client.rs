//! The built-in HTTP client.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::PROXY_AUTHORIZATION;
use http::uri::Scheme;
use http::{Extensions, Request, Response};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use tower::BoxError;
use tower_service::Service;

use super::connect::{Dial, InTime, proxy_for};
use super::head::{CloseDelimited, is_close_delimited};
use super::list_error::InvalidUpstream;
use super::tls;

/// The most that is read from a connection at once. With each read the connection, the fill, and its readers wake each other,
/// which costs more than the bytes: with half of it a fill from a fast source takes a tenth longer. With twice as much it would
/// hold more than half a MiB. The buffer begins with 8 KiB and grows only where reads fill it, so a slow source never has
/// this much, nor has one over TLS or HTTP/2, where pieces have 16 KiB.
const READ: usize = 128 * 1024;

/// The client service that [`Upstream::new`](super::Upstream::new) uses: HTTP/1.1 and HTTP/2 over rustls, with a pool
/// of connections.
///
/// It goes through the proxies that `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` name when it is made,
/// `http` and `https` ones; to this machine itself it always goes directly, as the go command does. Clones share the
/// pool.
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
}

type Pool = legacy::Client<InTime<HttpsConnector<Dial>>, Empty<Bytes>>;

impl Client {
    /// A client that trusts the roots of the system, or those of `SSL_CERT_FILE` and `SSL_CERT_DIR`.
    ///
    /// Reads them now, which blocks for some milliseconds.
    ///
    /// # Errors
    ///
    /// If there is not one root certificate.
    pub fn new() -> Result<Self, InvalidUpstream> {
        Ok(Self::build(tls::system()?))
    }

    /// A client that trusts the certificates in `pem`, and only these.
    ///
    /// # Errors
    ///
    /// If `pem` has no certificate, or one that cannot be a root.
    pub fn with_roots(pem: impl AsRef<[u8]>) -> Result<Self, InvalidUpstream> {
        Ok(Self::build(tls::from_pem(pem.as_ref())?))
    }

    /// A client that trusts nobody: for upstreams without TLS on machines without roots.
    pub(super) fn without_roots() -> Result<Self, InvalidUpstream> {
        Ok(Self::build(tls::nobody()?))
    }

    /// The limit for name resolution, TCP, a proxy's handshake and TLS together. Default: 10 s.
    ///
    /// Connections that are open already stay with the clones made before.
    #[must_use]
    pub fn connect_timeout(self, limit: Duration) -> Self {
        let (tls, proxies) = (self.inner.tls.clone(), Arc::clone(&self.inner.proxies));
        Self::with(tls, proxies, limit)
    }

    fn build(tls: ClientConfig) -> Self {
        let proxies = Arc::new(Matcher::from_env());
        Self::with(tls, proxies, Duration::from_secs(10))
    }

    fn with(tls: ClientConfig, proxies: Arc<Matcher>, connect_timeout: Duration) -> Self {
        let pool = pool(&tls, &proxies, connect_timeout);
        Self {
            inner: Arc::new(Inner {
                tls,
                proxies,
                connect_timeout,
                pool,
            }),
        }
    }
}

fn pool(tls: &ClientConfig, proxies: &Arc<Matcher>, limit: Duration) -> Pool {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    let dial = Dial {
        // CONNECT and forwarding are spoken in HTTP/1.1.
        to_proxy: HttpsConnectorBuilder::new()
            .with_tls_config(tls.clone())
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp.clone()),
        tcp,
        proxies: Arc::clone(proxies),
    };
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls.clone())
        .https_or_http()
        .enable_all_versions()
        .wrap_connector(dial);
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
        .build(InTime {
            inner: connector,
            limit,
        })
}

impl Service<Request<Empty<Bytes>>> for Client {
    type Response = Response<Incoming>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Incoming>, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Empty<Bytes>>) -> Self::Future {
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
        let answer = self.inner.pool.request(request);
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
