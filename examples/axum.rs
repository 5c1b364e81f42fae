//! A module proxy as one layer on an axum app that has routes of its own.
//!
//! ```sh
//! cargo run --example axum --features full
//! GOPROXY=http://127.0.0.1:3000 go mod download
//! ```

use std::error::Error;

use axum::Router;
use axum::routing::get;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tower::Layer;
use tower_goproxy::fill::FillLayer;
use tower_goproxy::filter::FilterLayer;
use tower_goproxy::fresh::FreshLayer;
use tower_goproxy::policy::Rules;
use tower_goproxy::{Storage, Upstream};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Public modules: stored while they are streamed from the upstream.
    let storage = Storage::disk("modules")?;
    let stored = FillLayer::new(storage.clone()).layer(Upstream::new("https://proxy.golang.org")?);
    // Lists are kept for a minute, and are there when the upstream is not.
    let include = FreshLayer::new(storage).layer(stored);
    let rules = Rules::parse(
        "
        +                               # everything comes from the upstream,
        - github.com/example/mistake    # but for what nobody is to use,
        D corp.example                  # and for what the app itself answers
        ",
    )?;

    // An app as it was before. The layer takes the requests of the go command, and leaves the rest.
    let app = Router::new()
        .route("/", get(|| async { "the app\n" }))
        .route("/healthz", get(|| async { "ok\n" }))
        .layer(FilterLayer::new(rules, include));

    let address = std::env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:3000")).await?;
    println!("listening on http://{}", listener.local_addr()?);
    // Without this the parts of a slow download wait for acknowledgements of the client.
    let listener = listener.tap_io(|connection| {
        let _ = connection.set_nodelay(true);
    });
    axum::serve(listener, app).await?;
    Ok(())
}
