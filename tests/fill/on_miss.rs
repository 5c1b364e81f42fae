//! What a client gets while its file is fetched.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::stream;
use http::{Method, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{Empty, StreamBody};
use tokio::time::{Instant, sleep};
use tower::{ServiceBuilder, service_fn};
use tower_goproxy::fill::{FillLayer, OnDisconnect, OnMiss};
use tower_goproxy::source::Area;

use super::fixtures::{INFO, MOD, ZIP, files, info, large_zip, module_file, proxy, registry};
use super::support::{Answer, Framing, Gate, Source, ask, get, quiet, read, request, whole};

/// Those that leave nobody to read.
fn ways_behind() -> [OnMiss; 2] {
    [
        OnMiss::NotFound,
        OnMiss::redirect("https://registry.test").unwrap(),
    ]
}

/// A source that sends the first part of the large zip, and the others once the gate is open.
fn gated() -> (Source, Gate) {
    let gate = Gate::closed();
    let answer = Answer::in_parts(large_zip(), 100_000).gated(&gate);
    (Source::serving(ZIP, answer), gate)
}

on_each_storage! {
    async fn stream_gives_the_bytes_as_they_arrive(storage: Storage) {
        let (source, gate) = gated();
        let layer = FillLayer::new(storage).area(Area::Included).on_miss(OnMiss::Stream);
        let mut response = ask(&proxy(&layer, &source), get(ZIP)).await;
        let first = read(response.body_mut(), 100_000).await.unwrap();
        assert!(first == large_zip()[..100_000]);
        assert_eq!(gate.sent_so_far(), 1);
        gate.open();
        assert!(whole(response.into_body()).await.unwrap() == large_zip()[100_000..]);
        layer.fills().idle().await;
    }

    async fn wait_gives_the_file_once_it_is_stored(storage: Storage) {
        let (source, gate) = gated();
        let layer = FillLayer::new(storage.clone()).area(Area::Included).on_miss(OnMiss::Wait);
        let proxy = proxy(&layer, &source);
        let asked = {
            let proxy = proxy.clone();
            tokio::spawn(async move { ask(&proxy, get(ZIP)).await })
        };
        let parts = large_zip().len().div_ceil(100_000);
        for sent in 1..parts {
            quiet().await;
            assert_eq!(gate.sent_so_far(), sent);
            assert!(!asked.is_finished(), "before part {}", sent + 1);
            gate.allow(1);
        }
        let response = asked.await.unwrap();
        assert_eq!(response.headers()["cache-status"], "tower-goproxy; fwd=miss; stored");

        // It is stored by now, for anybody: no other layer knows of this one's fills.
        let silent = Source::new(|_| Answer::text(StatusCode::NOT_FOUND, "not found"));
        let other = super::fixtures::proxy(&FillLayer::new(storage).area(Area::Included), &silent);
        let hit = ask(&other, get(ZIP)).await;
        assert_eq!(hit.headers()["cache-status"], "tower-goproxy; hit");
        assert!(whole(hit.into_body()).await.unwrap() == large_zip());
        assert!(whole(response.into_body()).await.unwrap() == large_zip());
        layer.fills().idle().await;
        assert_eq!((source.requests().total(), silent.requests().total()), (1, 0));
    }

    async fn redirect_sends_the_client_to_the_registry_and_fills_behind(storage: Storage) {
        let on_miss = OnMiss::redirect("https://registry.test/base/").unwrap();
        let (source, gate) = gated();
        // Nobody reads, and that is no reason to stop.
        let layer = FillLayer::new(storage).area(Area::Included)
            .on_miss(on_miss)
            .on_disconnect(OnDisconnect::Abort);
        let proxy = proxy(&layer, &source);
        let responses = join_all((0..3).map(|_| ask(&proxy, get(ZIP)))).await;
        for response in responses {
            assert_eq!(response.status(), StatusCode::SEE_OTHER);
            let location = &response.headers()["location"];
            assert_eq!(location, &format!("https://registry.test/base{ZIP}"));
            assert_eq!(response.headers()["cache-control"], "no-store");
        }
        source.requests().arrived(1).await;
        assert_eq!(layer.fills().running(), 1);
        gate.open();
        layer.fills().idle().await;
        let hit = ask(&proxy, get(ZIP)).await;
        assert_eq!(hit.status(), StatusCode::OK);
        assert!(whole(hit.into_body()).await.unwrap() == large_zip());
        assert_eq!(source.requests().total(), 1);
    }

    async fn not_found_says_so_and_fills_behind(storage: Storage) {
        let (source, gate) = gated();
        let layer = FillLayer::new(storage).area(Area::Included)
            .on_miss(OnMiss::NotFound)
            .on_disconnect(OnDisconnect::Abort);
        let proxy = proxy(&layer, &source);
        let responses = join_all((0..3).map(|_| ask(&proxy, get(ZIP)))).await;
        for response in responses {
            assert_eq!(response.status(), StatusCode::NOT_FOUND);
            assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
            assert_eq!(response.headers()["cache-control"], "no-store");
            let text = whole(response.into_body()).await.unwrap();
            assert!(text.starts_with(b"not found: "), "{text:?}");
        }
        quiet().await;
        assert_eq!(layer.fills().running(), 1);
        gate.open();
        layer.fills().idle().await;
        let hit = ask(&proxy, get(ZIP)).await;
        assert_eq!(hit.headers()["cache-status"], "tower-goproxy; hit");
        assert!(whole(hit.into_body()).await.unwrap() == large_zip());
        assert_eq!(source.requests().total(), 1);
    }

    /// A 404 for one of these would make the go command take the module for missing.
    async fn not_found_streams_all_but_the_zip(storage: Storage) {
        let source = registry();
        let layer = FillLayer::new(storage).area(Area::Included).on_miss(OnMiss::NotFound);
        let proxy = proxy(&layer, &source);
        for (path, content) in [(INFO, info()), (MOD, module_file())] {
            for cache_status in ["tower-goproxy; fwd=miss; stored", "tower-goproxy; hit"] {
                let response = ask(&proxy, get(path)).await;
                assert_eq!(response.status(), StatusCode::OK);
                assert_eq!(response.headers()["cache-status"], cache_status);
                assert_eq!(whole(response.into_body()).await.unwrap(), content);
                layer.fills().idle().await;
            }
        }
        let missing = ask(&proxy, get("/example.com/other/@v/v1.0.0.info")).await;
        let text = whole(missing.into_body()).await.unwrap();
        assert_eq!(text, "not found: no such module", "what the source says");
        layer.fills().idle().await;
    }

    /// RFC 9110, section 9.3.2.
    async fn head_of_a_miss_is_the_head_of_get(storage: Storage) {
        let redirect = || OnMiss::redirect("https://registry.test").unwrap();
        for on_miss in [OnMiss::Stream, OnMiss::Wait, OnMiss::NotFound, redirect()] {
            for (path, content) in files() {
                let source = registry();
                let layer = FillLayer::new(storage.clone()).area(Area::Included).on_miss(on_miss.clone());
                let proxy = proxy(&layer, &source);
                let response = ask(&proxy, request(Method::HEAD, path, &[])).await;
                let headers = response.headers();
                assert!(!headers.contains_key("etag"));
                let asked = match on_miss {
                    OnMiss::Redirect(_) => {
                        assert_eq!(response.status(), StatusCode::SEE_OTHER);
                        assert_eq!(headers["location"], format!("https://registry.test{path}"));
                        0
                    }
                    OnMiss::NotFound if path == ZIP => {
                        assert_eq!(response.status(), StatusCode::NOT_FOUND);
                        0
                    }
                    _ => {
                        assert_eq!(response.status(), StatusCode::OK);
                        assert_eq!(headers["content-length"], content.len().to_string());
                        1
                    }
                };
                assert_eq!(source.requests().total(), asked, "{path} {on_miss:?}");
                assert_eq!(layer.fills().running(), 0, "it fills nothing");
            }
        }
    }

    async fn head_is_the_head_of_get_while_the_file_is_fetched(storage: Storage) {
        for on_miss in ways_behind() {
            let gate = Gate::closed();
            let answer = Answer::text(StatusCode::NOT_FOUND, "not found").withheld(&gate);
            let source = Source::serving(ZIP, answer);
            let layer = FillLayer::new(storage.clone()).area(Area::Included).on_miss(on_miss);
            let proxy = proxy(&layer, &source);
            let mut get = ask(&proxy, get(ZIP)).await;
            source.requests().arrived(1).await;
            let mut head = ask(&proxy, request(Method::HEAD, ZIP, &[])).await;
            // Only the GET has started a fill.
            for response in [&mut get, &mut head] {
                response.headers_mut().remove("cache-status");
            }
            assert_eq!((head.status(), head.headers()), (get.status(), get.headers()));
            gate.open();
            layer.fills().idle().await;
            assert_eq!(source.requests().total(), 1);
        }
    }

    async fn a_fill_behind_that_fails_is_tried_again(storage: Storage) {
        for on_miss in ways_behind() {
            let source = Source::new(|_| Answer::text(StatusCode::NOT_FOUND, "not found"));
            let layer = FillLayer::new(storage.clone()).area(Area::Included).on_miss(on_miss);
            let proxy = proxy(&layer, &source);
            for asked in 1..=2 {
                ask(&proxy, get(ZIP)).await;
                layer.fills().idle().await;
                assert_eq!(source.requests().total(), asked);
            }
        }
    }

    async fn a_fill_behind_stops_when_its_file_turns_out_too_large(storage: Storage) {
        for on_miss in ways_behind() {
            let gate = Gate::closed();
            let answer = Answer::in_parts(large_zip(), 100_000).framing(Framing::Chunked);
            let source = Source::serving(ZIP, answer.gated(&gate));
            let layer = FillLayer::new(storage.clone()).area(Area::Included)
                .on_miss(on_miss)
                .max_zip_size(500_000);
            let proxy = proxy(&layer, &source);
            let begun = Instant::now();
            ask(&proxy, get(ZIP)).await;
            // The first one passes by itself, and the sixth is over the limit.
            gate.allow(5);
            layer.fills().idle().await;
            source.let_go().await;
            assert!(begun.elapsed().is_zero(), "it has waited for more");
            assert_eq!(gate.sent_so_far(), 6);
        }
    }

    async fn a_fill_behind_of_a_body_without_end_stops(storage: Storage) {
        for on_miss in ways_behind() {
            let held = Arc::new(());
            let body = Arc::clone(&held);
            let source = service_fn(move |_: Request<Empty<Bytes>>| {
                let part = Bytes::from_static(&[b'x'; 64 * 1024]);
                let parts = stream::unfold(Arc::clone(&body), move |held| {
                    let part = part.clone();
                    async move {
                        // It is never silent for long, either.
                        sleep(Duration::from_secs(1)).await;
                        Some((Ok::<_, Infallible>(Frame::data(part)), held))
                    }
                });
                async { Ok::<_, Infallible>(Response::new(StreamBody::new(parts))) }
            });
            let layer = FillLayer::new(storage.clone()).area(Area::Included)
                .on_miss(on_miss)
                .max_zip_size(1 << 20);
            let proxy = ServiceBuilder::new().layer(&layer).service(source);
            let begun = Instant::now();
            ask(&proxy, get(ZIP)).await;
            layer.fills().idle().await;
            assert_eq!(begun.elapsed().as_secs(), 17, "the first part over the limit");
            drop(proxy);
            assert_eq!(Arc::strong_count(&held), 1, "somebody holds the body");
        }
    }
}

#[test]
fn redirect_takes_only_addresses_of_registries() {
    for bad in [
        "",
        "registry.test",
        "ftp://registry.test",
        "https://user:pass@registry.test",
        "https://registry.test?x=1",
    ] {
        assert!(OnMiss::redirect(bad).is_err(), "{bad}");
    }
}
