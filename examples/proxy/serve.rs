//! Connections.

use std::pin::pin;

use axum::Router;
use axum::serve::Listener;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::task::coop::unconstrained;

/// The most that is written at once, and that waits for a client. A client that gets its bytes in smaller
/// parts does not fall asleep in between.
const BUFFER: usize = 64 * 1024;

/// Serves until `stopped` is ready, and then until each client that is connected has its answer.
///
/// So does `axum::serve`. But it has no way to say how large the buffer is, nor that a task may take longer: files are
/// sent in turns, which are longer than tokio's, and at the end of each of those tokio wakes a thread that the
/// client may have more use for.
pub(crate) async fn serve(
    mut listener: impl Listener<Io = TcpStream>,
    app: Router,
    stopped: impl Future<Output = ()>,
) {
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http1().max_buf_size(BUFFER);
    let connections = GracefulShutdown::new();
    let mut stopped = pin!(stopped);
    loop {
        let (connection, _) = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stopped => break,
        };
        // Without this the parts of a slow fill wait for acknowledgements of the client.
        let _ = connection.set_nodelay(true);
        let app = TowerToHyperService::new(app.clone());
        let connection = http.serve_connection(TokioIo::new(connection), app);
        let connection = connections.watch(connection.into_owned());
        // What it ends with is the client's affair.
        tokio::spawn(unconstrained(async { drop(connection.await) }));
    }
    // Who comes now is refused at once.
    drop(listener);
    connections.shutdown().await;
}
