//! A source that has gone silent: its clients are told, and its place is given back.

use std::time::Duration;

use futures_util::future::join_all;
use http::{Method, StatusCode};
use tokio::time::{Instant, sleep};
use tower_goproxy::fill::{FillLayer, OnMiss};
use tower_goproxy::source::Area;

use super::fixtures::{MOD, ZIP, large_zip, module_file, proxy};
use super::support::{Answer, Gate, Recorded, Source, ask, get, read, whole};

const PATIENCE: Duration = Duration::from_secs(20);

/// Answers the first request for the zip like this, and whatever else is asked at once.
fn source(silent: Answer) -> Source {
    Source::new(
        move |request: &Recorded| match (&*request.path, request.nth) {
            (ZIP, 0) => silent.clone(),
            (ZIP, _) => Answer::new([large_zip()]),
            _ => Answer::new([module_file()]),
        },
    )
}

fn layer(storage: tower_goproxy::Storage) -> FillLayer<Area> {
    FillLayer::new(storage)
        .area(Area::Included)
        .max_fills(1)
        .source_timeout(PATIENCE)
}

/// The one place is free, and the file is not stored.
async fn assert_is_over(layer: &FillLayer<Area>, source: &Source) {
    layer.fills().idle().await;
    source.let_go().await;
    let proxy = proxy(layer, source);
    let begun = Instant::now();
    for path in [MOD, ZIP] {
        let response = ask(&proxy, get(path)).await;
        let miss = "tower-goproxy; fwd=miss; stored";
        assert_eq!(response.headers()["cache-status"], miss, "{path}");
        whole(response.into_body()).await.unwrap();
        layer.fills().idle().await;
    }
    assert!(begun.elapsed().is_zero());
    assert_eq!(source.requests().count(ZIP), 2);
}

on_each_storage! {
    async fn before_the_head_it_is_a_504(storage: Storage) {
        let never = Gate::closed();
        let source = source(Answer::new([large_zip()]).withheld(&never));
        let layer = layer(storage);
        // They wait for one fill.
        let streaming = proxy(&layer, &source);
        let waiting = proxy(&layer.clone().on_miss(OnMiss::Wait), &source);
        let begun = Instant::now();
        let clients = [&streaming, &streaming, &waiting].map(|proxy| ask(proxy, get(ZIP)));
        for response in join_all(clients).await {
            assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
            let headers = response.headers();
            assert_eq!(headers["content-type"], "text/plain; charset=utf-8");
            assert_eq!(headers["cache-control"], "no-store");
            let text = whole(response.into_body()).await.unwrap();
            assert_eq!(text, "the source was silent for too long\n");
        }
        assert_eq!(begun.elapsed().as_secs(), PATIENCE.as_secs());
        assert_is_over(&layer, &source).await;
    }

    async fn in_the_body_the_body_breaks(storage: Storage) {
        let never = Gate::closed();
        let source = source(Answer::in_parts(large_zip(), 300_000).gated(&never));
        let layer = layer(storage);
        let proxy = proxy(&layer, &source);
        let begun = Instant::now();
        for response in join_all((0..3).map(|_| ask(&proxy, get(ZIP)))).await {
            assert_eq!(response.status(), StatusCode::OK);
            let mut body = response.into_body();
            assert!(read(&mut body, 300_000).await.unwrap() == large_zip()[..300_000]);
            let error = read(&mut body, 1).await.expect_err("no clean end");
            assert!(error.to_string().starts_with("504"), "{error}");
        }
        assert_eq!(begun.elapsed().as_secs(), PATIENCE.as_secs());
        assert_is_over(&layer, &source).await;
    }

    async fn in_the_text_of_an_error_it_is_a_504_too(storage: Storage) {
        let never = Gate::closed();
        let error = Answer::new(["not ", "found"]).status(StatusCode::NOT_FOUND);
        let source = source(error.gated(&never));
        let layer = layer(storage);
        let begun = Instant::now();
        let response = ask(&proxy(&layer, &source), get(ZIP)).await;
        assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
        assert_eq!(begun.elapsed().as_secs(), PATIENCE.as_secs());
        assert_is_over(&layer, &source).await;
    }

    async fn one_that_is_only_slow_is_not_silent(storage: Storage) {
        let (head, gate) = (Gate::closed(), Gate::closed());
        let answer = Answer::in_parts(large_zip(), 100_000);
        let source = source(answer.withheld(&head).gated(&gate));
        let layer = layer(storage);
        let slowly = tokio::spawn(async move {
            let almost = PATIENCE - Duration::from_secs(1);
            sleep(almost).await;
            head.open();
            for _ in 0..large_zip().len() / 100_000 {
                sleep(almost).await;
                gate.allow(1);
            }
        });
        let response = ask(&proxy(&layer, &source), get(ZIP)).await;
        assert!(whole(response.into_body()).await.unwrap() == large_zip());
        slowly.await.unwrap();
        layer.fills().idle().await;
        assert_eq!(source.requests().total(), 1);
    }

    async fn who_asks_past_the_fill_is_told_too(storage: Storage) {
        let never = Gate::closed();
        let silent = Answer::new(["v1.0.0\n"]).withheld(&never);
        let source = Source::new(move |_: &Recorded| silent.clone());
        let proxy = proxy(&layer(storage), &source);
        let mut head = get(MOD);
        *head.method_mut() = Method::HEAD;
        let begun = Instant::now();
        for request in [get("/example.com/m/@v/list"), get("/example.com/m/@latest"), head] {
            let response = ask(&proxy, request).await;
            assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
            assert_eq!(response.headers()["cache-control"], "no-store");
        }
        assert_eq!(begun.elapsed(), 3 * PATIENCE);
    }
}
