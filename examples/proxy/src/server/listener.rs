//! Takes connections.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_rustls::rustls::ServerConfig;
use tracing::error;

use super::connection;
use super::limits::Limits;
use super::shared::{App, Shared};
use crate::BoxError;
use crate::life::{Stage, reached};
use crate::users::Trusted;

/// Listens on an address.
pub(crate) struct Server(Arc<Shared>);

pub(crate) async fn bind(address: SocketAddr) -> Result<TcpListener, BoxError> {
    let listener = TcpListener::bind(address).await;
    listener.map_err(|error| format!("cannot listen on {address}: {error}").into())
}

impl Server {
    pub(crate) fn new(
        app: App,
        limits: Limits,
        tls: Option<Arc<ArcSwap<ServerConfig>>>,
        life: watch::Receiver<Stage>,
        trusted: Trusted,
    ) -> Self {
        Self(Arc::new(Shared::new(app, limits, tls, life, trusted)))
    }

    /// Takes connections until the server is closing; then waits until all of them have ended.
    pub(crate) async fn run(&self, listener: TcpListener) {
        let shared = &self.0;
        let mut life = shared.life.clone();
        loop {
            shared.crowd.settled().await;
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => self.take(stream, peer),
                    Err(error) => refused(&error).await,
                },
                () = reached(&mut life, Stage::Closing) => break,
            }
        }
        drop(listener);
        shared.tasks.close();
        shared.tasks.wait().await;
    }

    fn take(&self, stream: TcpStream, peer: SocketAddr) {
        let shared = &self.0;
        let Some(member) = shared.crowd.enter(shared.owner(peer.ip())) else {
            return;
        };
        tune(&stream);
        let connection = connection::serve(Arc::clone(shared), stream, peer, member);
        shared.tasks.spawn(connection);
    }
}

/// A socket that refuses an option works without it.
fn tune(stream: &TcpStream) {
    // Without this the parts of a slow fill wait for acknowledgements of the client.
    let _ = stream.set_nodelay(true);
    // The kernel keeps no more unsent bytes than this. Else it may take a slow client minutes to read what lies there, in
    // which it would look like one that has stopped.
    #[cfg(target_os = "linux")]
    let _ = SockRef::from(stream).set_tcp_notsent_lowat(128 * 1024);
}

/// One connection that is gone again is nothing; a lack of descriptors needs time.
async fn refused(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    ) {
        error!(%error, "cannot take a connection");
        sleep(Duration::from_millis(200)).await;
    }
}
