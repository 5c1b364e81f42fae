//! An auth layer outside of the proxy: who is asking decides which modules there are.
//!
//! ```sh
//! cargo run --example axum_auth --features full
//! curl -u alice:one http://127.0.0.1:3000/github.com/acme/tool/@v/list
//! ```
//!
//! The go command sends what is in its netrc file, and only over https: put TLS in front.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header, request};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use base64::prelude::{BASE64_STANDARD, Engine};
use tokio::net::TcpListener;
use tower::Layer;
use tower_goproxy::fill::FillLayer;
use tower_goproxy::filter::FilterLayer;
use tower_goproxy::policy::Rule;
use tower_goproxy::{Storage, Target, Upstream};

/// Whom the auth layer has recognised.
#[derive(Clone, Copy)]
enum Team {
    Staff,
    Contractors,
}

type Teams = Arc<HashMap<String, Team>>;

/// Any function of this shape is a policy. By elements, so `github.com/acme-fork` is not meant.
fn policy(target: &Target<'_>, parts: &request::Parts) -> Rule {
    let ours = target
        .module()
        .elements()
        .take(2)
        .eq(["github.com", "acme"]);
    match parts.extensions.get::<Team>() {
        Some(Team::Staff) => Rule::Include,
        Some(Team::Contractors) if !ours => Rule::Include,
        Some(Team::Contractors) | None => Rule::Exclude,
    }
}

async fn auth(State(teams): State<Teams>, mut request: Request, next: Next) -> Response {
    let given = request.headers().get(header::AUTHORIZATION);
    match given.and_then(|given| teams.get(given.to_str().ok()?)) {
        Some(team) => {
            request.extensions_mut().insert(*team);
            next.run(request).await
        }
        None => {
            let ask = [(header::WWW_AUTHENTICATE, "Basic realm=\"modules\"")];
            (StatusCode::UNAUTHORIZED, ask, "who are you?\n").into_response()
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let basic = |user: &str| format!("Basic {}", BASE64_STANDARD.encode(user));
    let teams = Teams::new(HashMap::from([
        (basic("alice:one"), Team::Staff),
        (basic("bob:two"), Team::Contractors),
    ]));

    let upstream = Upstream::new("https://proxy.golang.org")?;
    let include = FillLayer::new(Storage::disk("modules")?).layer(upstream);
    let app = Router::new()
        .layer(FilterLayer::new(policy, include))
        // Added last, so it is the outermost: nothing is asked or stored before it has agreed.
        .layer(middleware::from_fn_with_state(teams, auth));

    let address = std::env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:3000")).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
