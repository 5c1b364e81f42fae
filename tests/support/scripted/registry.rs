use std::net::SocketAddr;
use std::sync::Arc;

use http::StatusCode;

use super::super::requests::{Recorded, Requests};
use super::super::server::Server;
use super::super::tls::Tls;
use super::answer::Answer;
use super::{http1, http2};

pub(super) type Script = Arc<dyn Fn(&Recorded) -> Answer + Send + Sync>;

/// A running upstream that answers by a script.
#[derive(Debug)]
pub struct ScriptedRegistry {
    server: Server,
    requests: Requests,
}

impl ScriptedRegistry {
    /// HTTP/1.1, byte for byte as the script says.
    pub async fn http1(script: impl Fn(&Recorded) -> Answer + Send + Sync + 'static) -> Self {
        let requests = Requests::new();
        let (record, script): (_, Script) = (requests.clone(), Arc::new(script));
        let server = Server::handle("http", move |stream| {
            http1::serve(stream, record.clone(), Arc::clone(&script))
        });
        Self {
            server: server.await,
            requests,
        }
    }

    /// HTTP/2 without TLS, for clients that begin with it.
    pub async fn h2c(script: impl Fn(&Recorded) -> Answer + Send + Sync + 'static) -> Self {
        let requests = Requests::new();
        let service = http2::service(requests.clone(), Arc::new(script));
        Self {
            server: Server::start(service).await,
            requests,
        }
    }

    /// HTTPS. HTTP/2 when `tls` offers it.
    pub async fn tls(
        tls: &Tls,
        script: impl Fn(&Recorded) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let requests = Requests::new();
        let service = http2::service(requests.clone(), Arc::new(script));
        Self {
            server: Server::start_tls(service, tls).await,
            requests,
        }
    }

    /// HTTP/1.1: this answer for this decoded path, 404 for all others.
    pub async fn serving(path: impl Into<String>, answer: Answer) -> Self {
        let path = path.into();
        Self::http1(move |request| {
            if request.path == path {
                answer.clone()
            } else {
                Answer::text(StatusCode::NOT_FOUND, "not found")
            }
        })
        .await
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
