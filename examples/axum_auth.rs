//! An auth layer outside of the proxy: who is asking decides which modules there are.
//!
//! ```sh
//! cargo run --example axum_auth --features full
//! curl -u alice:one http://127.0.0.1:3000/github.com/acme/tool/@v/list
//! ```
//!
//! The go command sends what is in its netrc file, and only over https: put TLS in front.

use std::error::Error;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tower::Layer;
use tower_goproxy::fill::FillLayer;
use tower_goproxy::filter::FilterLayer;
use tower_goproxy::policy::{Rule, Rules, policy_fn};
use tower_goproxy::{SharedCaches, Storage, Upstream};

/// Whom the auth layer has recognised.
#[derive(Clone, Copy)]
enum Team {
    Staff,
    Contractors,
}

/// An app looks into its directory of users here.
fn recognise(given: &HeaderValue) -> Option<Team> {
    match given.as_bytes() {
        b"Basic YWxpY2U6b25l" => Some(Team::Staff), // alice:one
        b"Basic Ym9iOnR3bw==" => Some(Team::Contractors), // bob:two
        _ => None,
    }
}

async fn auth(mut request: Request, next: Next) -> Response {
    let given = request.headers().get(header::AUTHORIZATION);
    let Some(team) = given.and_then(recognise) else {
        let ask = [(header::WWW_AUTHENTICATE, "Basic realm=\"modules\"")];
        return (StatusCode::UNAUTHORIZED, ask, "who are you?\n").into_response();
    };
    request.extensions_mut().insert(team);
    next.run(request).await
}

/// The app, in front of a registry.
pub(crate) fn app(registry: Upstream, storage: Storage) -> Result<Router, Box<dyn Error>> {
    let include = FillLayer::new(storage).layer(registry);
    // By whole elements, so `github.com/acme-fork` is not meant, and in any case, as GitHub takes it.
    let staff_only = Rules::parse("- github.com/acme")?;
    let policy = policy_fn(move |target, parts| match parts.extensions.get::<Team>() {
        Some(Team::Staff) => Rule::include(),
        Some(Team::Contractors) if !staff_only.rule_for(target).is_exclude() => Rule::include(),
        Some(Team::Contractors) | None => Rule::exclude_because("it is for staff only"),
    });
    // A cache in front of the proxy would serve everyone what one team may have.
    let layer = FilterLayer::new(policy, include).shared_caches(SharedCaches::Not);
    let app = Router::new()
        .layer(layer)
        // Added last, so it is the outermost: nothing is asked or stored before it has agreed.
        .layer(middleware::from_fn(auth));
    Ok(app)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let registry = Upstream::new("https://proxy.golang.org")?;
    let app = app(registry, Storage::disk("modules")?)?;

    let address = std::env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:3000")).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let listener = listener.tap_io(|connection| drop(connection.set_nodelay(true)));
    axum::serve(listener, app).await?;
    Ok(())
}
