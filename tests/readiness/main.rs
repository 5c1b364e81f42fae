//! Readiness: a hit or a redirect takes none of a source's capacity and waits for none of it, and
//! a limit of one inside never locks up.
#![cfg(all(feature = "fill", feature = "upstream"))]

mod limit;
#[path = "../support/recorder.rs"]
mod recorder;

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Empty, Full};
use tower::{Layer as _, Service, ServiceExt};
use tower_goproxy::fill::{Fill, FillLayer, OnMiss};
use tower_goproxy::filter::FilterLayer;
use tower_goproxy::policy::Rules;
use tower_goproxy::source::Area;
use tower_goproxy::{Redirect, Storage};
use tower_test::mock::{self, Handle, Mock};

use recorder::Recorder;

type SourceRequest = Request<Empty<Bytes>>;
type SourceResponse = Response<Full<Bytes>>;
type MockSource = Watched<Mock<SourceRequest, SourceResponse>>;

const URI: &str = "/example.com/m/@v/v1.0.0.mod";
const GO_MOD: &str = "module example.com/m\n";

/// Counts how often it is polled for readiness or called.
#[derive(Clone)]
struct Watched<S> {
    inner: S,
    touches: Arc<AtomicUsize>,
}

impl<S> Watched<S> {
    fn new(inner: S) -> Self {
        Self {
            inner,
            touches: Arc::default(),
        }
    }
}

impl<S: Service<R>, R> Service<R> for Watched<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.touches.fetch_add(1, Ordering::Relaxed);
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> S::Future {
        self.touches.fetch_add(1, Ordering::Relaxed);
        self.inner.call(request)
    }
}

/// A storage that has [`URI`], in front of a source that is not ready any more.
async fn filled(storage: Storage) -> (Fill<MockSource>, Handle<SourceRequest, SourceResponse>) {
    let (source, mut handle) = mock::pair();
    let layer = FillLayer::new(storage).area(Area::Included);
    let fill = layer.layer(Watched::new(source));
    handle.allow(1);
    let (answer, ()) = tokio::join!(get(&fill, URI), answer(&mut handle));
    assert_eq!(answer.1, GO_MOD);
    layer.fills().idle().await;
    handle.allow(0);
    fill.get_ref().touches.store(0, Ordering::Relaxed);
    (fill, handle)
}

async fn answer(handle: &mut Handle<SourceRequest, SourceResponse>) {
    let (_, send) = handle.next_request().await.expect("the source is asked");
    send.send_response(Response::new(GO_MOD.into()));
}

async fn get<S, B>(service: &S, uri: &str) -> (StatusCode, String)
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible> + Clone,
    B: http_body::Body<Data = Bytes, Error: std::fmt::Debug>,
{
    let request = Request::get(uri).body(Body::empty()).unwrap();
    let Ok(response) = service.clone().oneshot(request).await;
    read(response).await
}

async fn read<B>(response: Response<B>) -> (StatusCode, String)
where
    B: http_body::Body<Data = Bytes, Error: std::fmt::Debug>,
{
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.into()).unwrap())
}

/// Fails once nothing moves any more: the clock is paused, so it goes on only then.
async fn moves<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(3600), what)
        .await
        .expect("everything waits for everything")
}

fn rules(rules: &str) -> Rules {
    Rules::parse(rules).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_hit_never_touches_the_source() {
    let folder = tempfile::tempdir().unwrap();
    for storage in [Storage::memory(), Storage::disk(folder.path()).unwrap()] {
        let (mut fill, mut handle) = moves(filled(storage)).await;
        for (header, value, status) in [
            ("accept", "*/*", 200),
            ("range", "bytes=0-5", 206),
            ("if-none-match", "*", 304),
        ] {
            for method in ["GET", "HEAD"] {
                let request = Request::builder()
                    .method(method)
                    .uri(URI)
                    .header(header, value);
                let request = request.body(Body::empty()).unwrap();
                let Ok(response) = moves(fill.clone().oneshot(request)).await;
                let (answer, body) = moves(read(response)).await;
                if method == "GET" {
                    assert_eq!(answer, status);
                }
                assert!(GO_MOD.starts_with(&body));
            }
        }
        // The other way to call a service.
        let request = Request::get(URI).body(Body::empty()).unwrap();
        let Ok(ready) = moves(ServiceExt::<Request<Body>>::ready(&mut fill)).await;
        let Ok(response) = moves(ready.call(request)).await;
        assert_eq!(moves(read(response)).await.1, GO_MOD);

        assert_eq!(fill.get_ref().touches.load(Ordering::Relaxed), 0);
        assert!(handle.poll_request().is_pending());
    }
}

#[tokio::test(start_paused = true)]
async fn a_redirect_and_a_refusal_never_touch_the_inner_service() {
    let (inner, _handle) = mock::pair::<Request<Body>, SourceResponse>();
    let redirect = Redirect::to("https://proxy.example").unwrap();
    let mut app =
        FilterLayer::new(rules("+\n- example.com/evil"), redirect).layer(Watched::new(inner));
    for (uri, status) in [
        (URI, StatusCode::SEE_OTHER),
        ("/example.com/m/@v/list", StatusCode::SEE_OTHER),
        ("/example.com/evil/@latest", StatusCode::FORBIDDEN),
        ("/example.com/../@latest", StatusCode::NOT_FOUND),
    ] {
        let request = Request::get(uri).body(Body::empty()).unwrap();
        let ready = moves(app.ready()).await.unwrap();
        let response = moves(ready.call(request)).await.unwrap();
        assert_eq!(response.status(), status);
    }
    assert_eq!(app.get_ref().touches.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn a_redirect_on_a_miss_does_not_wait_for_the_source() {
    let (source, mut handle) = mock::pair::<SourceRequest, SourceResponse>();
    handle.allow(0);
    let zip = "/example.com/m/@v/v1.0.0.zip";
    for (on_miss, expected) in [
        (
            OnMiss::redirect("https://proxy.example").unwrap(),
            StatusCode::SEE_OTHER,
        ),
        (OnMiss::NotFound, StatusCode::NOT_FOUND),
    ] {
        let fill = FillLayer::new(Storage::memory())
            .area(Area::Included)
            .on_miss(on_miss)
            .layer(source.clone());
        assert_eq!(moves(get(&fill, zip)).await.0, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_is_not_ready_delays_only_misses() {
    let (fill, mut handle) = moves(filled(Storage::memory())).await;
    let mut missed = tokio_test::task::spawn(get(&fill, "/example.com/m/@v/v1.0.1.mod"));
    assert!(missed.poll().is_pending());
    for _ in 0..100 {
        assert_eq!(moves(get(&fill, URI)).await.1, GO_MOD);
        assert!(missed.poll().is_pending());
    }
    assert!(handle.poll_request().is_pending());
    handle.allow(1);
    moves(answer(&mut handle)).await;
    assert_eq!(moves(missed).await, (StatusCode::OK, GO_MOD.to_owned()));
}

#[tokio::test(start_paused = true)]
async fn an_inner_service_that_is_not_ready_delays_only_what_goes_there() {
    let (inner, mut handle) = mock::pair::<Request<Body>, SourceResponse>();
    handle.allow(0);
    let app = FilterLayer::new(rules("+\nD corp.example"), Recorder::saying("included"))
        .layer(inner.map_err(|error| -> Infallible { panic!("{error}") }));
    let mut direct = tokio_test::task::spawn(get(&app, "/corp.example/m/@latest"));
    assert!(direct.poll().is_pending());
    for _ in 0..100 {
        assert_eq!(moves(get(&app, URI)).await.1, "included");
    }
    assert!(direct.poll().is_pending());
    handle.allow(1);
    let answer = async {
        let (_, send) = handle.next_request().await.unwrap();
        send.send_response(Response::new("direct".into()));
    };
    let (direct, ()) = moves(async { tokio::join!(direct, answer) }).await;
    assert_eq!(direct.1, "direct");
}
