//! Connections of the built-in client: through a proxy where the environment names one, and in limited time.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use std::{fmt, io};

use http::Uri;
use http::uri::Scheme;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower::{BoxError, ServiceExt as _};
use tower_service::Service;

use super::error::{Kind, Limit, UpstreamError};

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Limits how long the connector inside may take: name, TCP, proxy and TLS together.
#[derive(Clone, Debug)]
pub(super) struct InTime<C> {
    pub(super) inner: C,
    pub(super) limit: Duration,
}

impl<C> Service<Uri> for InTime<C>
where
    C: Service<Uri, Error = BoxError> + Clone + Send + 'static,
    C::Response: Send,
    C::Future: Send,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = BoxFuture<Result<C::Response, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let (inner, limit) = (self.inner.clone(), self.limit);
        Box::pin(async move {
            match tokio::time::timeout(limit, inner.oneshot(uri)).await {
                Ok(connected) => connected,
                Err(_) => Err(UpstreamError::new(Kind::Timeout(Limit::Connect, limit)).into()),
            }
        })
    }
}

/// Connects to a host, or to the proxy that stands before it.
#[derive(Clone)]
pub(super) struct Dial {
    pub(super) tcp: HttpConnector,
    /// Speaks to the proxy itself, which may be an `https` one.
    pub(super) to_proxy: HttpsConnector<HttpConnector>,
    pub(super) proxies: Arc<Matcher>,
}

impl fmt::Debug for Dial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dial").finish_non_exhaustive()
    }
}

/// The proxy for `uri`, if there is one. This machine itself is never asked through a proxy.
pub(super) fn proxy_for(proxies: &Matcher, uri: &Uri) -> Option<Intercept> {
    let host = uri.host()?;
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let here = host.eq_ignore_ascii_case("localhost")
        || address
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback());
    if here { None } else { proxies.intercept(uri) }
}

impl Service<Uri> for Dial {
    type Response = Line;
    type Error = BoxError;
    type Future = BoxFuture<Result<Line, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let Some(proxy) = proxy_for(&self.proxies, &uri) else {
            let tcp = self.tcp.clone();
            return Box::pin(async move {
                Ok(Line {
                    stream: MaybeHttpsStream::Http(tcp.oneshot(uri).await?),
                    forwarded: false,
                })
            });
        };
        let to_proxy = self.to_proxy.clone();
        Box::pin(async move {
            if !matches!(proxy.uri().scheme_str(), Some("http" | "https")) {
                return Err(io::Error::other("only http and https proxies are supported").into());
            }
            if uri.scheme() == Some(&Scheme::HTTPS) {
                let mut tunnel = Tunnel::new(proxy.uri().clone(), to_proxy);
                if let Some(auth) = proxy.basic_auth() {
                    tunnel = tunnel.with_auth(auth.clone());
                }
                Ok(Line {
                    stream: tunnel.oneshot(uri).await?,
                    forwarded: false,
                })
            } else {
                Ok(Line {
                    stream: to_proxy.oneshot(proxy.uri().clone()).await?,
                    forwarded: true,
                })
            }
        })
    }
}

/// A connection before the TLS of the host itself.
#[derive(Debug)]
pub(super) struct Line {
    stream: MaybeHttpsStream<TokioIo<TcpStream>>,
    /// A proxy reads the requests, so they name the whole URL.
    forwarded: bool,
}

impl Connection for Line {
    fn connected(&self) -> Connected {
        self.stream.connected().proxy(self.forwarded)
    }
}

impl Read for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl Write for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }
}
