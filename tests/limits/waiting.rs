//! Who waits for a place, and who gives one back.

use std::sync::Arc;

use futures_util::future::join_all;
use http::{Method, StatusCode};
use object_store::memory::InMemory;
use object_store::throttle::{ThrottleConfig, ThrottledStore};
use tokio::time::Instant;
use tower_goproxy::Storage;
use tower_goproxy::fill::{FillLayer, OnDisconnect};
use tower_goproxy::source::Area;

use super::support::{Answer, Framing, Recorded, Source, ask, get, quiet, read, whole};
use super::{
    LARGE, MOD, WAIT, assert_refused, content, gated, large_zip, mod_path, proxy, spawn, spawn_as,
    withheld, zip_path,
};

on_each_storage! {
    async fn a_miss_waits_for_a_place_and_hits_and_attached_clients_do_not(storage: Storage) {
        let (source, gate) = gated();
        let layer = FillLayer::new(storage).area(Area::Included).max_fills(1).max_wait(WAIT);
        let proxy = proxy(&layer, &source);
        ask(&proxy, get(&zip_path(0))).await;
        layer.fills().idle().await;

        let first = ask(&proxy, get(LARGE)).await;
        let waiting = spawn(&proxy, zip_path(1));
        quiet().await;
        assert!(!waiting.is_finished());
        assert_eq!(source.requests().count(&zip_path(1)), 0, "it has no place");
        assert_eq!(layer.fills().running(), 2);

        let hit = ask(&proxy, get(&zip_path(0))).await;
        assert_eq!(hit.headers()["cache-status"], "tower-goproxy; hit");
        assert_eq!(whole(hit.into_body()).await.unwrap(), content(&zip_path(0)));
        let mut attached = ask(&proxy, get(LARGE)).await;
        assert_eq!(attached.headers()["cache-status"], "tower-goproxy; fwd=miss; collapsed");
        let half = read(attached.body_mut(), large_zip().len() / 2).await.unwrap();
        assert!(large_zip().starts_with(&half));
        quiet().await;
        assert!(!waiting.is_finished());

        gate.open();
        let waited = waiting.await.unwrap();
        assert_eq!(waited.status(), StatusCode::OK);
        assert_eq!(whole(waited.into_body()).await.unwrap(), content(&zip_path(1)));
        assert!(whole(first.into_body()).await.unwrap() == large_zip());
        layer.fills().idle().await;
    }

    async fn who_has_waited_too_long_is_told_when_to_come_again(storage: Storage) {
        let (source, gate) = gated();
        let layer = FillLayer::new(storage).area(Area::Included).max_fills(1).max_wait(WAIT);
        let proxy = proxy(&layer, &source);
        let first = ask(&proxy, get(LARGE)).await;
        let begun = Instant::now();
        let asked: Vec<_> = (0..3).map(|_| spawn(&proxy, zip_path(1))).collect();
        for one in asked {
            assert_refused(one.await.unwrap()).await;
        }
        assert_eq!(begun.elapsed().as_secs(), WAIT.as_secs());
        assert_eq!(source.requests().count(&zip_path(1)), 0);

        gate.open();
        assert!(whole(first.into_body()).await.unwrap() == large_zip());
        layer.fills().idle().await;
        let again = ask(&proxy, get(&zip_path(1))).await;
        assert_eq!(again.status(), StatusCode::OK);
        layer.fills().idle().await;
    }

    async fn so_is_who_has_waited_too_long_for_something_small(storage: Storage) {
        let (source, _gate) = withheld();
        let layer = FillLayer::new(storage).area(Area::Included).max_small_requests(1).max_wait(WAIT);
        let proxy = proxy(&layer, &source);
        let running = spawn(&proxy, "/example.com/m/@v/list");
        quiet().await;
        let asked = [
            (Method::GET, mod_path(1)),
            (Method::GET, "/example.com/m/@latest".to_owned()),
            (Method::HEAD, mod_path(2)),
        ]
        .map(|(method, path)| spawn_as(&proxy, method, path));
        for response in join_all(asked).await {
            let response = response.unwrap();
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(response.headers()["retry-after"], "7");
        }
        assert_eq!(source.requests().total(), 1);
        running.abort();
        layer.fills().idle().await;
    }

    async fn who_waits_and_leaves_is_never_asked_for(storage: Storage) {
        for (round, on_disconnect) in [OnDisconnect::Finish, OnDisconnect::Abort].into_iter().enumerate() {
            let (source, gate) = withheld();
            let layer = FillLayer::new(storage.clone()).area(Area::Included)
                .max_fills(1)
                .max_wait(WAIT)
                .on_disconnect(on_disconnect);
            let proxy = proxy(&layer, &source);
            let path = |n: usize| zip_path(round * 10 + n);
            let running = spawn(&proxy, path(0));
            quiet().await;
            let leaving: Vec<_> = [path(1), path(1), path(2)].map(|path| spawn(&proxy, path)).into();
            quiet().await;
            let staying = spawn(&proxy, path(3));
            quiet().await;
            assert_eq!(layer.fills().running(), 4);
            leaving[0].abort();
            quiet().await;
            assert_eq!(layer.fills().running(), 4, "another one waits for it");
            leaving[1].abort();
            leaving[2].abort();
            quiet().await;
            assert_eq!(layer.fills().running(), 2);

            gate.open();
            for (n, one) in [(0, running), (3, staying)] {
                let body = one.await.unwrap().into_body();
                assert_eq!(whole(body).await.unwrap(), content(&path(n)));
            }
            layer.fills().idle().await;
            let asked: Vec<_> = source.requests().all().into_iter().map(|one| one.path).collect();
            assert_eq!(asked, [path(0), path(3)]);
        }
    }

    async fn a_place_is_given_back_however_a_fill_ends(storage: Storage) {
        for path in [mod_path, zip_path] {
            let right = path(6);
            let ends = [
                Answer::text(StatusCode::NOT_FOUND, "not found"),
                Answer::new(["encoded"]).header("content-encoding", "gzip"),
                Answer::new(["no module file, and no zip"]),
                Answer::in_parts(large_zip(), 100_000).framing(Framing::Cut),
                Answer::new([""; 0]).framing(Framing::NoAnswer),
                Answer::new(["two lengths"]).header("content-length", "1"),
                Answer::new([content(&right)]),
            ];
            let count = ends.len();
            let source = Source::new(move |request| {
                let n = request.path.rsplit('.').nth(2);
                let n: usize = n.unwrap_or_default().parse().unwrap();
                ends[n].clone()
            });
            let layer = FillLayer::new(storage.clone()).area(Area::Included)
                .max_fills(1)
                .max_small_requests(1)
                .max_wait(WAIT);
            let proxy = proxy(&layer, &source);
            for n in 0..count {
                let response = ask(&proxy, get(&path(n))).await;
                assert_ne!(response.status(), StatusCode::SERVICE_UNAVAILABLE, "after end {n}");
                // How the body ends is not the question here.
                let _ = whole(response.into_body()).await;
                layer.fills().idle().await;
            }
            assert_eq!(source.requests().total(), count);
        }
    }

    async fn a_client_that_leaves_gives_its_place_back(storage: Storage) {
        let (source, _gate) = gated();
        let layer = FillLayer::new(storage).area(Area::Included)
            .max_fills(1)
            .max_wait(WAIT)
            .on_disconnect(OnDisconnect::Abort);
        let proxy = proxy(&layer, &source);
        drop(ask(&proxy, get(LARGE)).await);
        let response = ask(&proxy, get(&zip_path(1))).await;
        assert_eq!(response.status(), StatusCode::OK);
        layer.fills().idle().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_slower_than_the_source_gets_every_file() {
    const FILES: usize = 600;
    let slow = ThrottleConfig {
        wait_put_per_call: std::time::Duration::from_secs(1),
        ..ThrottleConfig::default()
    };
    let store = ThrottledStore::new(InMemory::new(), slow);
    let layer = FillLayer::new(Storage::new(Arc::new(store))).area(Area::Included);
    let source = Source::new(|_: &Recorded| Answer::new([MOD]));
    let proxy = proxy(&layer, &source);
    for statuses in ["tower-goproxy; fwd=miss; stored", "tower-goproxy; hit"] {
        let asked: Vec<_> = (0..FILES).map(|n| spawn(&proxy, mod_path(n))).collect();
        for one in asked {
            let response = one.await.unwrap();
            assert_eq!(response.headers()["cache-status"], statuses);
            assert_eq!(whole(response.into_body()).await.unwrap(), MOD);
        }
        layer.fills().idle().await;
    }
}

#[tokio::test(start_paused = true)]
async fn places_that_a_clone_is_given_are_its_own() {
    let (source, _gate) = gated();
    let layer = FillLayer::new(Storage::memory()).area(Area::Included);
    let fills = layer.fills();
    let none = layer
        .clone()
        .max_fills(0)
        .max_small_requests(0)
        .max_wait(WAIT);
    for path in [zip_path, mod_path] {
        let refused = ask(&proxy(&none, &source), get(&path(1))).await;
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        let served = ask(&proxy(&layer, &source), get(&path(1))).await;
        assert_eq!(served.status(), StatusCode::OK);
        // A handle that was taken before counts the fills of both.
        fills.idle().await;
        let waiting = spawn(&proxy(&none, &source), path(2));
        quiet().await;
        assert_eq!(fills.running(), 1);
        assert_refused(waiting.await.unwrap()).await;
    }
}
