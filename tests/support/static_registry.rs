//! A plain upstream: the files of a static GOPROXY over HTTP, and a record of what was asked for.

use std::net::SocketAddr;
use std::path::Path;

use http::Request;
use hyper::body::Incoming;
use tower::ServiceExt as _;
use tower_http::services::ServeDir;

use super::requests::Requests;
use super::server::Server;
use super::tls::Tls;

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
        let record = requests.clone();
        let files = ServeDir::new(root)
            .append_index_html_on_directories(false)
            .map_request(move |request: Request<Incoming>| {
                let (parts, body) = request.into_parts();
                record.record(parts.clone());
                Request::from_parts(parts, body)
            });
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

    /// Stops listening and cuts what is open. When this returns, connections are refused.
    pub async fn shutdown(self) {
        self.server.shutdown().await;
    }
}
