//! Which protocol a connection speaks.

use std::io;
use std::sync::Arc;

use bytes::BytesMut;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::server::TlsStream;

use super::io::Socket;
use super::watch::Flow;

/// The first bytes of a client of HTTP/2 (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(super) enum Line {
    Plain(Socket),
    Tls(Box<TlsStream<Socket>>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Http1,
    Http2,
}

/// Returns once it is known. hyper-util's `auto` has no time limit for this.
///
/// # Errors
///
/// The connection broke, or this is no TLS.
pub(super) async fn open(
    mut stream: TcpStream,
    tls: Option<Arc<ServerConfig>>,
    flow: Arc<Flow>,
) -> io::Result<(Line, Version)> {
    if let Some(tls) = tls {
        let socket = Socket::new(stream, bytes::Bytes::new(), flow);
        let stream = TlsAcceptor::from(tls).accept(socket).await?;
        let version = match stream.get_ref().1.alpn_protocol() {
            Some(b"h2") => Version::Http2,
            _ => Version::Http1,
        };
        return Ok((Line::Tls(Box::new(stream)), version));
    }
    let mut first = BytesMut::with_capacity(PREFACE.len());
    let version = loop {
        if first == PREFACE {
            break Version::Http2;
        }
        if !PREFACE.starts_with(&first) {
            break Version::Http1;
        }
        // No more than the preface, which the buffer has room for.
        let left = (PREFACE.len() - first.len()) as u64;
        if (&mut stream).take(left).read_buf(&mut first).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    };
    let socket = Socket::new(stream, first.freeze(), flow);
    Ok((Line::Plain(socket), version))
}
