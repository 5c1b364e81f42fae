//! Any tower service on 127.0.0.1, over HTTP/1.1 and HTTP/2, that can be stopped in the middle of a test.

use std::net::SocketAddr;

use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::{BoxError, Service};

use super::tls::Tls;

/// A port of 127.0.0.1 that nobody else gets until this is dropped. Connections to it are refused.
#[derive(Debug)]
pub struct Port(TcpSocket);

impl Port {
    pub fn new() -> Self {
        Self::bind(([127, 0, 0, 1], 0).into())
    }

    fn bind(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().expect("there are sockets");
        // With a server of this test, or of a process that it starts.
        #[cfg(unix)]
        let shared = socket.set_reuseport(true);
        #[cfg(not(unix))]
        let shared = socket.set_reuseaddr(true);
        shared.expect("a port can be shared");
        socket.bind(address).expect("a loopback port is free");
        Self(socket)
    }

    pub fn address(&self) -> SocketAddr {
        let address = self.0.local_addr();
        address.expect("a bound socket has an address")
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }
}

/// A running server. It stops when this value is dropped.
#[derive(Debug)]
pub struct Server {
    port: Port,
    scheme: &'static str,
    stop: watch::Sender<bool>,
    ended: watch::Receiver<()>,
}

impl Server {
    /// Plain HTTP/1.1, and HTTP/2 for clients that begin with it (h2c by prior knowledge).
    pub async fn start<S, B>(service: S) -> Self
    where
        S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
        S::Future: Send,
        S::Error: Into<BoxError>,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        Self::handle("http", move |stream| serve(stream, service.clone())).await
    }

    /// HTTPS, with the protocols that `tls` offers.
    pub async fn start_tls<S, B>(service: S, tls: &Tls) -> Self
    where
        S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
        S::Future: Send,
        S::Error: Into<BoxError>,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        let acceptor = tls.acceptor();
        Self::handle("https", move |stream| {
            let (acceptor, service) = (acceptor.clone(), service.clone());
            async move {
                // A failed handshake is the client's to notice: the test looks at that end.
                if let Ok(stream) = acceptor.accept(stream).await {
                    serve(stream, service).await;
                }
            }
        })
        .await
    }

    /// Gives each connection to `handler`, as it is. `scheme` is for [`url`](Self::url).
    pub async fn handle<H, F>(scheme: &'static str, handler: H) -> Self
    where
        H: Fn(TcpStream) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let port = Port::new();
        let listener = Port::bind(port.address()).0.listen(1024);
        let listener = listener.expect("a bound socket can listen");
        let (stop, mut stopped) = watch::channel(false);
        let (end, ended) = watch::channel(());
        tokio::spawn(async move {
            let _end = end;
            let mut connections = JoinSet::new();
            loop {
                tokio::select! {
                    _ = stopped.wait_for(|stopped| *stopped) => break,
                    Some(_) = connections.join_next() => {}
                    // A client that is gone before it is accepted is no matter of the server.
                    accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                        let _ = stream.set_nodelay(true);
                        connections.spawn(handler(stream));
                    },
                }
            }
            drop(listener);
            connections.shutdown().await;
        });
        Self {
            port,
            scheme,
            stop,
            ended,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address())
    }

    /// Stops listening and cuts what is open. When this returns, connections are refused, until this value is dropped.
    pub async fn shutdown(&self) {
        self.stop.send_replace(true);
        // Nothing is ever sent: an error is the end.
        let _ = self.ended.clone().changed().await;
    }
}

async fn serve<T, S, B>(stream: T, service: S)
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    let _ = auto::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
        .await;
}
