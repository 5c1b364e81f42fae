//! A module proxy without axum: a `ServiceBuilder` behind a hyper server, HTTP/1.1 and HTTP/2.
//!
//! ```sh
//! cargo run --example hyper --features full
//! GOPROXY=http://127.0.0.1:3000/goproxy go mod download
//! ```

use std::convert::Infallible;
use std::error::Error;

use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tower::{Layer, ServiceBuilder, service_fn};
use tower_goproxy::fill::FillLayer;
use tower_goproxy::filter::FilterLayer;
use tower_goproxy::policy::Rules;
use tower_goproxy::{Storage, Upstream};
use tower_http::trace::TraceLayer;

/// Everything that is no module request, and what the rules call direct.
async fn app(request: Request<Incoming>) -> Result<Response<String>, Infallible> {
    let mut response = Response::new("ok\n".to_owned());
    if request.uri().path() != "/healthz" {
        *response.status_mut() = StatusCode::NOT_FOUND;
        *response.body_mut() = "not found\n".to_owned();
    }
    Ok(response)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let upstream = Upstream::new("https://proxy.golang.org")?;
    let include = FillLayer::new(Storage::disk("modules")?).layer(upstream);
    let service = ServiceBuilder::new()
        .layer(TraceLayer::new_for_http())
        // There is no router that would take the path apart.
        .layer(FilterLayer::new(Rules::default(), include).prefix("/goproxy"))
        .service(service_fn(app));

    let address = std::env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:3000")).await?;
    println!("listening on http://{}", listener.local_addr()?);
    loop {
        let (connection, _) = listener.accept().await?;
        // Without this the parts of a slow download wait for acknowledgements of the client.
        connection.set_nodelay(true)?;
        let service = TowerToHyperService::new(service.clone());
        tokio::spawn(async move {
            // A connection that fails is the client's loss, and not the server's.
            let _ = auto::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(connection), service)
                .await;
        });
    }
}
