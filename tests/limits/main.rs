//! How many requests are at the source at once, in two lanes, and who waits for whom.
#![cfg(feature = "fill")]

#[macro_use]
#[path = "../support/mod.rs"]
mod support;

mod behind;
mod lanes;
mod waiting;

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use support::{Answer, Gate, Recorded, Source, ask, large_module_zip, module_zip, request, whole};
use tokio::task::JoinHandle;
use tower::ServiceBuilder;
use tower_goproxy::fill::{Fill, FillLayer, ResponseBody};
use tower_goproxy::source::Area;

const LARGE: &str = "/example.com/large/@v/v1.0.0.zip";
const WAIT: Duration = Duration::from_secs(7);

/// How many fills that no client waits for may wait for a place.
const QUEUE: usize = 1024;

const TOO_MANY: &str = "too many requests are waiting for the source, try again later\n";

type Answered = Response<ResponseBody>;

fn large_zip() -> Bytes {
    static ZIP: std::sync::LazyLock<Bytes> = std::sync::LazyLock::new(|| {
        large_module_zip("example.com/large", "v1.0.0", 1_100_000).into()
    });
    ZIP.clone()
}

/// A small file of version `n`.
fn zip_path(n: usize) -> String {
    format!("/example.com/m/@v/v1.{n}.0.zip")
}

fn mod_path(n: usize) -> String {
    format!("/example.com/m/@v/v1.{n}.0.mod")
}

const MOD: &str = "module example.com/m\n";

/// What belongs at this path, lists included.
fn content(path: &str) -> Bytes {
    let version = path
        .strip_prefix("/example.com/m/@v/")
        .and_then(|file| file.strip_suffix(".zip"));
    match version {
        Some(version) => module_zip("example.com/m", version, &[("go.mod", MOD.as_bytes())]).into(),
        None if path == LARGE => large_zip(),
        None => MOD.into(),
    }
}

/// The large zip comes in two parts with a gate between them, everything else at once.
fn gated() -> (Source, Gate) {
    let gate = Gate::closed();
    let answer = Answer::in_parts(large_zip(), large_zip().len() / 2).gated(&gate);
    let source = Source::new(move |request: &Recorded| match &*request.path {
        LARGE => answer.clone(),
        path => Answer::new([content(path)]),
    });
    (source, gate)
}

/// Nothing comes before the gate is open.
fn withheld() -> (Source, Gate) {
    let gate = Gate::closed();
    let held = gate.clone();
    let source = Source::new(move |request: &Recorded| {
        Answer::new([content(&request.path)]).withheld(&held)
    });
    (source, gate)
}

fn proxy(layer: &FillLayer<Area>, source: &Source) -> Fill<Source> {
    ServiceBuilder::new().layer(layer).service(source.clone())
}

fn spawn(proxy: &Fill<Source>, path: impl Into<String>) -> JoinHandle<Answered> {
    spawn_as(proxy, Method::GET, path)
}

fn spawn_as(proxy: &Fill<Source>, method: Method, path: impl Into<String>) -> JoinHandle<Answered> {
    let (proxy, path) = (proxy.clone(), path.into());
    tokio::spawn(async move { ask(&proxy, request(method, &path, &[])).await })
}

async fn assert_refused(response: Answered) {
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let headers = response.headers();
    assert_eq!(headers["retry-after"], "7");
    assert_eq!(headers["content-type"], "text/plain; charset=utf-8");
    assert_eq!(headers["cache-control"], "no-store");
    assert_eq!(whole(response.into_body()).await.unwrap(), TOO_MANY);
}
