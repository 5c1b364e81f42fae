//! A concurrency limit of one inside: it must never lock up.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use bytes::Bytes;
use futures_util::future::join_all;
use http::{Request, Response, StatusCode};
use tower::limit::ConcurrencyLimitLayer;
use tower::util::BoxCloneService;
use tower::{Layer as _, Service, ServiceExt, service_fn};
use tower_goproxy::Storage;
use tower_goproxy::fill::{FillLayer, OnDisconnect, OnMiss};
use tower_goproxy::filter::FilterLayer;
use tower_goproxy::source::Area;
use tower_goproxy::source::Tasks;
use tower_test::mock;

use crate::recorder::Recorder;
use crate::{GO_MOD, SourceRequest, SourceResponse, URI, answer, get, moves, read, rules};

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

fn of(fills: &Tasks) -> impl Future<Output = ()> {
    let fills = fills.clone();
    async move { moves(fills.idle()).await }
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_one_as_the_source_of_a_fill() {
    for on_miss in [OnMiss::Stream, OnMiss::Wait] {
        let source = OneAtATime::default();
        let layer = FillLayer::new(Storage::memory())
            .area(Area::Included)
            .on_miss(on_miss);
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
    let fill = FillLayer::new(Storage::memory())
        .area(Area::Included)
        .max_fills(1)
        .max_small_requests(1);
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
    let layer = FillLayer::new(Storage::memory())
        .area(Area::Included)
        .on_disconnect(OnDisconnect::Abort);
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
