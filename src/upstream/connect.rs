//! Connections of the built-in client: through a proxy where the environment names one.

use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::{io, vec};

use http::Uri;
use http::uri::Scheme;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, ServiceExt as _};

use super::error::{Kind, UpstreamError};
use super::list_error::InvalidUpstream;
use crate::source::address::{is_public, literal};

type Addresses = vec::IntoIter<SocketAddr>;

pub(super) type Tcp = HttpConnector<BoxCloneSyncService<Name, Addresses, UpstreamError>>;

pub(super) fn tcp(public_only: bool) -> Tcp {
    let resolver = tower::service_fn(move |name| resolve(name, public_only));
    let mut tcp = HttpConnector::new_with_resolver(BoxCloneSyncService::new(resolver));
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp
}

async fn resolve(name: Name, public_only: bool) -> Result<Addresses, UpstreamError> {
    let found = GaiResolver::new().oneshot(name).await;
    let found = found.map_err(|error| UpstreamError::caused(Kind::Transport, error.into()))?;
    let mut found: Vec<SocketAddr> = found.collect();
    if public_only {
        found.retain(|address| is_public(address.ip()));
        if found.is_empty() {
            let private = Kind::Unfit("redirected to a private address");
            return Err(UpstreamError::new(private));
        }
    }
    Ok(found.into_iter())
}

/// The proxy for `uri`, if there is one. This machine itself is never asked through a proxy.
pub(super) fn proxy_for(proxies: &Matcher, uri: &Uri) -> Option<Intercept> {
    let is_here = literal(uri.host()?).is_some_and(|address| address.is_loopback());
    if is_here {
        None
    } else {
        proxies.intercept(uri)
    }
}

/// Refuses proxies that would fail with every request.
pub(super) fn check_proxies(proxies: &Matcher) -> Result<(), InvalidUpstream> {
    for uri in ["http://goproxy.example/", "https://goproxy.example/"] {
        let proxy = proxies.intercept(&Uri::from_static(uri));
        let scheme = proxy.as_ref().and_then(|proxy| proxy.uri().scheme_str());
        if scheme.is_some_and(|scheme| scheme.starts_with("socks4")) {
            return Err(InvalidUpstream::new(
                "the environment names a socks4 proxy: only http, https and socks5 ones are supported",
            ));
        }
    }
    Ok(())
}

/// Connects to a host, or to the proxy that stands before it; `to_proxy` speaks to the proxy itself, which may be an
/// `https` one.
pub(super) async fn dial(
    uri: Uri,
    proxy: Option<Intercept>,
    tcp: Tcp,
    to_proxy: HttpsConnector<Tcp>,
) -> Result<Line, BoxError> {
    let Some(proxy) = proxy else {
        let stream = MaybeHttpsStream::Http(tcp.oneshot(uri).await?);
        let via = Via::Straight;
        return Ok(Line { stream, via });
    };
    let is_https = uri.scheme() == Some(&Scheme::HTTPS);
    let address = proxy.uri().clone();
    let scheme = address.scheme_str().unwrap_or_default();
    let (stream, via) = if scheme.starts_with("socks") {
        // The proxy resolves the name, as for the go command.
        let mut socks = SocksV5::new(with_port(&address, 1080)?, to_proxy);
        if let Some((user, password)) = proxy.raw_auth() {
            socks = socks.with_auth(user.to_owned(), password.to_owned());
        }
        let uri = with_port(&uri, if is_https { 443 } else { 80 })?;
        let stream = socks.oneshot(uri).await;
        let stream = stream.map_err(|error| format!("socks5 proxy: {error}"))?;
        (stream, Via::Tunnel)
    } else if is_https {
        let mut tunnel = Tunnel::new(address, to_proxy);
        if let Some(auth) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(auth.clone());
        }
        (tunnel.oneshot(uri).await?, Via::Tunnel)
    } else {
        (to_proxy.oneshot(address).await?, Via::Forwarded)
    };
    Ok(Line { stream, via })
}

/// The URL with a port, since the connector knows other defaults; without TLS, which is none of its matter.
fn with_port(uri: &Uri, default: u16) -> Result<Uri, http::Error> {
    let host = uri.host().unwrap_or_default();
    let port = uri.port_u16().unwrap_or(default);
    let uri = Uri::builder().scheme(Scheme::HTTP).path_and_query("/");
    uri.authority(format!("{host}:{port}")).build()
}

/// A connection before the TLS of the host itself.
#[derive(Debug)]
pub(super) struct Line {
    stream: MaybeHttpsStream<TokioIo<TcpStream>>,
    via: Via,
}

#[derive(Clone, Copy, Debug)]
enum Via {
    Straight,
    Tunnel,
    /// A proxy reads the requests, so they name the whole URL.
    Forwarded,
}

impl Connection for Line {
    fn connected(&self) -> Connected {
        match self.via {
            Via::Straight => self.stream.connected(),
            // The address of the connection is that of the proxy, which says nothing of the host.
            Via::Tunnel => Connected::new(),
            Via::Forwarded => Connected::new().proxy(true),
        }
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
}
