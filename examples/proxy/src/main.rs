//! A whole module proxy: axum, a storage that is filled while it answers, rules, version control for private modules,
//! basic auth.
//!
//! ```sh
//! cargo run --release -p tower-goproxy-server -- --storage modules
//! GOPROXY=http://127.0.0.1:3000 go mod download
//! ```

mod auth;
mod direct;
mod upstream;

use std::error::Error;
use std::hint::black_box;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::ListenerExt;
use clap::{Parser, ValueEnum};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tower::Layer;
use tower_goproxy::fill::{FillLayer, OnMiss};
use tower_goproxy::filter::FilterLayer;
use tower_goproxy::fresh::{CachedOnlyLayer, FreshLayer};
use tower_goproxy::policy::Rules;
use tower_goproxy::{GoGet, Redirect, Storage, Target};

use crate::direct::DirectArgs;
use crate::upstream::UpstreamArgs;

type BoxError = Box<dyn Error + Send + Sync>;

/// A Go module proxy that fills its storage while it answers.
#[derive(Debug, Parser)]
struct Args {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
    /// Where the modules are kept: a folder, `memory:`, or the URL of an object store.
    #[arg(long, value_name = "DIR|URL", default_value = "modules")]
    storage: String,
    /// A file of rules: which modules to include (+), exclude (-), or have from version control (D).
    #[arg(long, value_name = "FILE")]
    filter: Option<PathBuf>,
    /// What a client gets while a file is not stored yet.
    #[arg(long, value_enum, default_value_t = Miss::Stream)]
    on_miss: Miss,
    /// Store nothing, and send every client to the upstream, but for lists from which the rules take versions.
    #[arg(long)]
    redirect_only: bool,
    /// Answer from the storage alone, and ask nobody for what is missing.
    #[arg(long, conflicts_with = "redirect_only")]
    offline: bool,
    /// Let in only who has these credentials.
    #[arg(long, value_name = "USER:PASS")]
    basic_auth: Option<String>,
    /// The path under which the proxy is mounted.
    #[arg(long, value_name = "/PATH")]
    prefix: Option<String>,
    #[command(flatten)]
    upstream: UpstreamArgs,
    #[command(flatten)]
    direct: DirectArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Miss {
    /// The bytes as they arrive from the upstream.
    Stream,
    /// The file, once it is stored.
    Wait,
    /// A redirect to the upstream. Direct modules are streamed.
    Redirect,
    /// 404, so that GOPROXY=ours,other goes on.
    NotFound,
}

#[tokio::main]
async fn main() -> ExitCode {
    // glibc returns free memory to the system until the program has freed a larger buffer once: mallopt(3),
    // M_MMAP_THRESHOLD. Without this a stored zip of 100 MiB takes 1,300 to 11,000 page faults and a sixth more time.
    drop(black_box(Vec::<u8>::with_capacity(512 * 1024)));
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    // The only call, so nobody has installed another one: that of the upstream and of cloud stores.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match run(&Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprint!("error: {error}");
            // What a message says already is not said twice.
            let mut cause = error.source();
            while let Some(error) = cause {
                eprint!(": {error}");
                cause = error.source();
            }
            eprintln!();
            ExitCode::FAILURE
        }
    }
}

async fn run(args: &Args) -> Result<(), BoxError> {
    let rules = match &args.filter {
        Some(file) => Rules::from_file(file)?,
        None => Rules::default(),
    };
    // Without rules no module is direct, but the list may say so.
    let goget = match args.filter.is_some() || args.upstream.wants_direct() {
        true => args.direct.goget(&args.storage).await?,
        false => None,
    };
    let layers = layers(args)?;
    // What rules call direct is not what the list does.
    let by_rules = goget.clone().filter(|_| args.filter.is_some());
    let direct = direct(args, layers.as_ref(), by_rules);
    let modules = match &layers {
        None => {
            let redirect = Redirect::to(&args.upstream.list)?;
            let upstream = args.upstream.upstream(args.direct.netrc(), goget.clone())?;
            direct.layer(FilterLayer::new(rules, redirect.filtered_from(upstream)))
        }
        Some(layers) => {
            let upstream = args.upstream.upstream(args.direct.netrc(), goget.clone())?;
            let include = layers.included.layer(layers.fill.layer(upstream));
            direct.layer(FilterLayer::new(rules, include))
        }
    };
    let app = app(args, modules.layer(CachedOnlyLayer::new()))?;

    let listener = TcpListener::bind(args.listen).await?;
    println!("listening on http://{}", listener.local_addr()?);
    // Without this the parts of a slow fill wait for acknowledgements of the client.
    let listener = listener.tap_io(|connection| {
        let _ = connection.set_nodelay(true);
    });
    axum::serve(listener, app)
        .with_graceful_shutdown(stopped())
        .await?;
    // What runs behind an answer outlives its client.
    if let Some(layers) = layers {
        layers.included.refreshes().idle().await;
        layers.direct.refreshes().idle().await;
        layers.fill.fills().idle().await;
    }
    // A run that nobody waits for is killed, and its processes are to be gone before this one.
    if let Some(goget) = goget {
        goget.runs().idle().await;
    }
    Ok(())
}

struct Layers {
    /// Stores all that there is: its clones share the running fills and their places.
    fill: FillLayer,
    /// Keep what changes, each for a source of its own.
    included: FreshLayer,
    direct: FreshLayer,
}

fn layers(args: &Args) -> Result<Option<Layers>, BoxError> {
    if args.redirect_only {
        return Ok(None);
    }
    let on_miss = match args.on_miss {
        Miss::Stream => OnMiss::Stream,
        Miss::Wait => OnMiss::Wait,
        Miss::Redirect => OnMiss::redirect(&args.upstream.list)?,
        Miss::NotFound => OnMiss::NotFound,
    };
    let storage = storage(&args.storage)?;
    let fresh = || {
        let layer = FreshLayer::new(storage.clone());
        if args.offline { layer.offline() } else { layer }
    };
    Ok(Some(Layers {
        included: fresh(),
        direct: fresh(),
        fill: FillLayer::new(storage.clone()).on_miss(on_miss),
    }))
}

/// The inner service: what the rules leave to version control, and every other path.
fn direct(args: &Args, layers: Option<&Layers>, goget: Option<GoGet>) -> Router {
    let Some(goget) = goget else {
        return Router::new().fallback(not_here);
    };
    let Some(layers) = layers else {
        return Router::new().fallback_service(goget);
    };
    let fill = layers.fill.clone();
    let fill = match args.on_miss {
        // The upstream does not have them, nor should it learn their names.
        Miss::Redirect => fill.on_miss(OnMiss::Stream),
        Miss::Stream | Miss::Wait | Miss::NotFound => fill,
    };
    Router::new().fallback_service(layers.direct.layer(fill.layer(goget)))
}

fn app(args: &Args, mut app: Router) -> Result<Router, BoxError> {
    if let Some(credentials) = &args.basic_auth {
        app = auth::protect(app, credentials)?;
    }
    let app = match args
        .prefix
        .as_deref()
        .map(|prefix| prefix.trim_matches('/'))
    {
        None | Some("") => app,
        Some(prefix) => Router::new().nest_service(&format!("/{prefix}"), app),
    };
    // Outside of the layers: whoever asks needs no credentials.
    Ok(app.route("/healthz", get(|| async { "ok\n" })))
}

fn storage(storage: &str) -> Result<Storage, BoxError> {
    if storage == "memory:" {
        return Ok(Storage::memory());
    }
    if !storage.contains("://") {
        return Ok(Storage::disk(storage)?);
    }
    // Credentials and regions of cloud stores come from their usual variables.
    let settings = std::env::vars().map(|(name, value)| (name.to_lowercase(), value));
    let (store, folder) = object_store::parse_url_opts(&storage.parse()?, settings)?;
    let store = object_store::prefix::PrefixStore::new(store, folder);
    Ok(Storage::new(Arc::new(store)))
}

async fn not_here(request: Request) -> Response {
    let text = match Target::parse(request.uri().path()) {
        Ok(Some(_)) => "not found: this proxy has no access to version control\n",
        _ => "not found\n",
    };
    (StatusCode::NOT_FOUND, text).into_response()
}

async fn stopped() {
    let (Ok(mut terminate), Ok(mut interrupt)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        // Then only a kill stops it.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
