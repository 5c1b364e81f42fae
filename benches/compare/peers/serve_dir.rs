//! What a tower user has at hand for files: `ServeDir` of tower-http, on axum.

use std::path::Path;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tower_http::services::ServeDir;

use super::Peer;
use crate::process::{Cpu, Process};
use crate::roles;

pub fn start(root: &Path, cpu: Cpu) -> Peer {
    let (process, line) = Process::own(cpu, roles::SERVE_DIR, &[root.display().to_string()]);
    Peer {
        name: "ServeDir",
        address: line.parse().expect("an address"),
        process: Some(process),
        stored: None,
    }
}

pub fn serve(arguments: &[String]) -> ! {
    let root = arguments.first().expect("a folder");
    listen(Router::new().fallback_service(ServeDir::new(root)))
}

/// On as many threads as there are processors for this process. Tells its address in a line.
pub fn listen(app: Router) -> ! {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        println!("{}", listener.local_addr().expect("an address"));
        let listener = listener.tap_io(|connection| {
            let _ = connection.set_nodelay(true);
        });
        axum::serve(listener, app).await.expect("it never ends");
    });
    unreachable!("a server without an end")
}
