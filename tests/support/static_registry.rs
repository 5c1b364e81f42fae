//! A plain upstream: the files of a static GOPROXY over HTTP, and a record of what was asked for.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;

use http::{Request, Response};
use tower::ServiceExt as _;
use tower::util::BoxCloneSyncService;
use tower_http::services::ServeDir;
use tower_http::services::fs::ServeFileSystemResponseBody;

use super::requests::Requests;
use super::server::Server;
use super::tls::Tls;

/// The same without a server. Who asks for what goes into `record`.
pub fn static_files<A: Send + 'static>(
    root: &Path,
    record: &Requests,
) -> BoxCloneSyncService<Request<A>, Response<ServeFileSystemResponseBody>, Infallible> {
    let record = record.clone();
    let files = ServeDir::new(root)
        .append_index_html_on_directories(false)
        .map_request(move |request: Request<A>| {
            let (parts, body) = request.into_parts();
            record.record(parts.clone());
            Request::from_parts(parts, body)
        });
    BoxCloneSyncService::new(files)
}

/// A running static registry.
#[derive(Debug)]
pub struct StaticRegistry {
    server: Server,
    requests: Requests,
}

impl StaticRegistry {
    /// Over HTTP/1.1 and h2c.
    pub async fn start(root: &Path) -> Self {
        Self::listen(root, None).await
    }

    /// Over HTTPS.
    pub async fn start_tls(root: &Path, tls: &Tls) -> Self {
        Self::listen(root, Some(tls)).await
    }

    async fn listen(root: &Path, tls: Option<&Tls>) -> Self {
        let requests = Requests::new();
        let files = static_files(root, &requests);
        let server = match tls {
            None => Server::start(files).await,
            Some(tls) => Server::start_tls(files, tls).await,
        };
        Self { server, requests }
    }

    pub fn url(&self) -> String {
        self.server.url()
    }

    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    pub fn requests(&self) -> &Requests {
        &self.requests
    }

    /// Stops listening and cuts what is open. When this returns, connections are refused, until this value is dropped.
    pub async fn shutdown(&self) {
        self.server.shutdown().await;
    }
}
