//! Readiness: a hit or a redirect takes none of a source's capacity and waits for none of it, and
//! a limit of one inside never locks up.

#[path = "support/recorder.rs"]
mod recorder;

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::future::join_all;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Empty, Full};
use tower::limit::ConcurrencyLimitLayer;
use tower::util::BoxCloneService;
use tower::{Layer as _, Service, ServiceExt, service_fn};
use tower_goproxy::fill::{Fill, FillLayer, Fills, OnDisconnect, OnMiss};
use tower_goproxy::filter::FilterLayer;
use tower_goproxy::policy::Rules;
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
    let layer = FillLayer::new(storage);
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
    for on_miss in [
        OnMiss::redirect("https://proxy.example").unwrap(),
        OnMiss::NotFound,
    ] {
        let fill = FillLayer::new(Storage::memory())
            .on_miss(on_miss)
            .layer(source.clone());
        let status = moves(get(&fill, URI)).await.0;
        assert!(status == StatusCode::SEE_OTHER || status == StatusCode::NOT_FOUND);
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

/// A service that one request at a time may use, and that takes a few turns for it.
#[derive(Clone, Default)]
struct OneAtATime {
    running: Arc<AtomicUsize>,
    calls: Arc<AtomicUsize>,
}

impl OneAtATime {
    fn service<B: Send + 'static>(
        &self,
    ) -> BoxCloneService<Request<B>, SourceResponse, Infallible> {
        let this = self.clone();
        let work = service_fn(move |request: Request<B>| {
            let this = this.clone();
            async move {
                this.calls.fetch_add(1, Ordering::Relaxed);
                assert_eq!(
                    this.running.fetch_add(1, Ordering::Relaxed),
                    0,
                    "two at once"
                );
                for _ in 0..3 {
                    tokio::task::yield_now().await;
                }
                this.running.fetch_sub(1, Ordering::Relaxed);
                let body = match request.uri().path().ends_with("/list") {
                    true => "v1.0.0\n",
                    false => GO_MOD,
                };
                Ok(Response::new(body.into()))
            }
        });
        BoxCloneService::new(ConcurrencyLimitLayer::new(1).layer(work))
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }
}

/// 32 requests at once, in both ways to call a service, while someone holds it ready and does
/// nothing with it.
async fn all_are_answered<S, B>(service: &S, uri: impl Fn(usize) -> String, text: &str)
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible> + Clone,
    B: http_body::Body<Data = Bytes, Error: std::fmt::Debug>,
{
    let mut held = service.clone();
    let Ok(_held) = moves(held.ready()).await;
    let answers = join_all((0..32).map(|i| {
        let mut service = service.clone();
        let request = Request::get(uri(i)).body(Body::empty()).unwrap();
        async move {
            let Ok(response) = match i % 2 {
                0 => service.oneshot(request).await,
                _ => match service.ready().await {
                    Ok(ready) => ready.call(request).await,
                    Err(never) => match never {},
                },
            };
            read(response).await
        }
    }));
    for answer in moves(answers).await {
        assert_eq!(answer, (StatusCode::OK, text.to_owned()));
    }
}

fn of(fills: &Fills) -> impl Future<Output = ()> {
    let fills = fills.clone();
    async move { moves(fills.idle()).await }
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_one_as_the_source_of_a_fill() {
    for on_miss in [OnMiss::Stream, OnMiss::Wait] {
        let source = OneAtATime::default();
        let layer = FillLayer::new(Storage::memory()).on_miss(on_miss);
        let fill = layer.layer(source.service());
        let files = |i| format!("/example.com/m/@v/v1.0.{i}.mod");
        all_are_answered(&fill, files, GO_MOD).await;
        of(&layer.fills()).await;
        assert_eq!(source.calls(), 32);
        all_are_answered(&fill, files, GO_MOD).await;
        assert_eq!(source.calls(), 32, "all are stored");
        all_are_answered(&fill, |_| "/example.com/other/@v/v1.0.0.mod".into(), GO_MOD).await;
        assert_eq!(source.calls(), 33, "one file is asked for once");
        // What is never stored is asked for by each client.
        all_are_answered(&fill, |_| "/example.com/m/@v/list".into(), "v1.0.0\n").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_one_as_the_inner_service_of_a_filter() {
    let inner = OneAtATime::default();
    let policy = rules("+\nD corp.example\n- corp.example/m v1.1.0");
    let app = FilterLayer::new(policy, Recorder::saying("")).layer(inner.service());
    all_are_answered(&app, |_| "/corp.example/m/@v/v1.0.0.mod".into(), GO_MOD).await;
    all_are_answered(&app, |_| "/corp.example/m/@v/list".into(), "v1.0.0\n").await;
    all_are_answered(&app, |_| "/healthz".into(), GO_MOD).await;
    assert_eq!(inner.calls(), 96);
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_one_at_every_place_at_once() {
    let limit = ConcurrencyLimitLayer::new(1);
    let (upstream, version_control) = (OneAtATime::default(), OneAtATime::default());
    let fill = FillLayer::new(Storage::memory()).max_fills(1);
    let include = limit.layer(fill.layer(upstream.service()));
    let direct = limit.layer(fill.layer(version_control.service()));
    let app = limit.layer(FilterLayer::new(rules("+\nD corp.example"), include).layer(direct));
    // Held ready, a limit outside would be used up: that is its meaning, and not ours to change.
    let answers = join_all((0..64).map(|i| {
        let host = ["example.com", "corp.example"][i % 2];
        let uri = format!("/{host}/m/@v/v1.0.{}.mod", i % 20);
        let app = app.clone();
        async move { get(&app, &uri).await }
    }));
    for answer in moves(answers).await {
        assert_eq!(answer, (StatusCode::OK, GO_MOD.to_owned()));
    }
    of(&fill.fills()).await;
    assert_eq!((upstream.calls(), version_control.calls()), (10, 10));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_gives_the_place_at_the_source_back() {
    let (source, mut handle) = mock::pair::<SourceRequest, SourceResponse>();
    handle.allow(8);
    let layer = FillLayer::new(Storage::memory()).on_disconnect(OnDisconnect::Abort);
    let fill = layer.layer(ConcurrencyLimitLayer::new(1).layer(source));

    let first = tokio::spawn({
        let fill = fill.clone();
        async move { get(&fill, URI).await }
    });
    let (_, unanswered) = moves(handle.next_request()).await.unwrap();
    first.abort();
    let second = async { get(&fill, "/example.com/m/@v/v1.0.1.mod").await };
    let (second, ()) = moves(async { tokio::join!(second, answer(&mut handle)) }).await;
    assert_eq!(second.1, GO_MOD);
    drop(unanswered);
    of(&layer.fills()).await;
}
