//! How much memory hostile answers take together, and what hits notice of them.
#![cfg(feature = "fill")]

#[path = "support/counting.rs"]
mod counting;

use std::convert::Infallible;
use std::iter::repeat_n;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt as _};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, StreamBody};
use tower::util::BoxCloneSyncService;
use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
use tower_goproxy::fill::FillLayer;
use tower_goproxy::fresh::FreshLayer;
use tower_goproxy::source::Area;
use tower_goproxy::{LayerBody, Storage};

const MIB: usize = 1 << 20;

/// Of the lines of [`versions`].
const LINE: usize = 107;

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// Bytes that are made while they are sent, or are the same again and again.
fn body(frames: impl Iterator<Item = Bytes> + Send + 'static) -> Body {
    let frames = stream::iter(frames).then(|frame| async {
        tokio::task::yield_now().await;
        Ok(Frame::data(frame))
    });
    StreamBody::new(frames).boxed_unsync()
}

/// The newest first, so that they are to be put in order. They are long, since a debug build takes its time for each.
fn versions(bytes: usize) -> impl Iterator<Item = Bytes> {
    (0..bytes / LINE / 100).map(|start| {
        let line = |n: usize| format!("v1.{}.0-{}\n", 9_000_000 - start * 100 - n, "x".repeat(93));
        (0..100).map(line).collect::<String>().into()
    })
}

fn answer(path: &str, same: &Bytes) -> Body {
    let (name, file) = path[1..].split_once('/').unwrap();
    let same = |times| repeat_n(same.clone(), times);
    match (name.split('-').next(), file) {
        (Some("stored"), "m/@v/list") => body(["v1.0.0\n".into()].into_iter()),
        (Some("stored"), _) => body(["module stored-1.example/m\n".into()].into_iter()),
        (Some("endless" | "missing"), _) => body(same(10_000_000 / 10_000)),
        (Some("large"), _) => body(versions(16 * MIB - LINE)),
        (Some("usual"), _) => body(versions(120 * 1024)),
        (_, "m/@latest") => {
            let start = Bytes::from("{\"Version\":\"v1.0.0\",\"x\":\"");
            body([start].into_iter().chain(same(15 * MIB / 70_000)))
        }
        _ => unreachable!("{path}"),
    }
}

type App = BoxCloneSyncService<Request<()>, Response<UnsyncBoxBody<Bytes, BoxError>>, Infallible>;

fn app(storage: Storage) -> App {
    let same = Bytes::from("v1.0.0\n".repeat(10_000));
    let source = service_fn(move |request: Request<Empty<Bytes>>| {
        let path = request.uri().path();
        let mut response = Response::new(answer(path, &same));
        if path.starts_with("/missing") {
            *response.status_mut() = StatusCode::NOT_FOUND;
            let cached = HeaderValue::from_static("no-cache");
            response.headers_mut().insert("cache-control", cached);
        }
        async { Ok::<_, Infallible>(response) }
    });
    let app = ServiceBuilder::new()
        .layer(FreshLayer::new(storage.clone()))
        .layer(FillLayer::new(storage).area(Area::Included))
        .service(source);
    let boxed = |response: Response<LayerBody<_>>| response.map(BodyExt::boxed_unsync);
    BoxCloneSyncService::new(ServiceExt::<Request<()>>::map_response(app, boxed))
}

/// Reads a response, and keeps nothing of it.
async fn get(app: &App, path: &str) -> (StatusCode, usize) {
    let request = Request::get(path).body(()).unwrap();
    let Ok(response) = app.clone().oneshot(request).await;
    let (status, mut body) = (response.status(), response.into_body());
    let mut len = 0;
    while let Some(frame) = body.frame().await {
        len += frame.unwrap().data_ref().map_or(0, Bytes::len);
    }
    (status, len)
}

/// How long each hit takes, until it is told to stop.
async fn hits(app: App, stop: Arc<AtomicBool>) -> Vec<Duration> {
    let mut took = Vec::new();
    let mut pace = tokio::time::interval(Duration::from_millis(1));
    while !stop.load(Ordering::Relaxed) {
        for path in [
            "/stored-1.example/m/@v/list",
            "/stored-1.example/m/@v/v1.0.0.mod",
        ] {
            let begun = Instant::now();
            assert_eq!(get(&app, path).await.0, StatusCode::OK);
            took.push(begun.elapsed());
        }
        pace.tick().await;
    }
    took.sort_unstable();
    took
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_hostile_answers_take_64_mib_and_hold_up_no_hit() {
    let folder = tempfile::tempdir().unwrap();
    let app = app(Storage::disk(folder.path()).unwrap());
    for path in [
        "/stored-1.example/m/@v/list",
        "/stored-1.example/m/@v/v1.0.0.mod",
    ] {
        assert_eq!(get(&app, path).await.0, StatusCode::OK);
    }
    let before = counting::begin();
    let stop = Arc::new(AtomicBool::new(false));
    let (begun, hits) = (
        Instant::now(),
        tokio::spawn(hits(app.clone(), Arc::clone(&stop))),
    );
    // A thousand names, and a thousand clients of one of them.
    let hostile = (0..1000).map(|n| match n {
        0 => ("/large-0.example/m/@v/list".to_owned(), StatusCode::OK),
        1..100 => (format!("/usual-{n}.example/m/@v/list"), StatusCode::OK),
        100..150 => (
            format!("/endless-{n}.example/m/@v/list"),
            StatusCode::BAD_GATEWAY,
        ),
        150..350 => (
            format!("/long-{n}.example/m/@latest"),
            StatusCode::BAD_GATEWAY,
        ),
        _ => (
            format!("/missing-{n}.example/m/@v/list"),
            StatusCode::NOT_FOUND,
        ),
    });
    let same = repeat_n(
        ("/large-0.example/m/@v/list".to_owned(), StatusCode::OK),
        1000,
    );
    let clients = hostile.chain(same).map(|(path, expected)| {
        let app = app.clone();
        tokio::spawn(async move {
            let (status, len) = get(&app, &path).await;
            assert_eq!(status, expected, "{path}");
            if path.starts_with("/large") {
                assert!(len > 10 * MIB, "{len}");
            }
        })
    });
    for client in join_all(clients.collect::<Vec<_>>()).await {
        client.unwrap();
    }
    let all = begun.elapsed();
    stop.store(true, Ordering::Relaxed);
    let hits = hits.await.unwrap();
    let grown = counting::peak() - before;
    assert!(grown < 64 * MIB, "{} MiB", grown / MIB);
    assert!(grown > 32 * MIB, "the counter counts: {grown}");
    // Compared with all of it: a busy machine is slow for both.
    let (almost_all, last) = (hits[hits.len() * 99 / 100], hits[hits.len() - 1]);
    println!(
        "{} hits in {all:?}: 99 % within {almost_all:?}, all within {last:?}",
        hits.len()
    );
    assert!(almost_all * 200 < all, "{almost_all:?} of {all:?}");
    assert!(last * 10 < all, "{last:?} of {all:?}");
}
