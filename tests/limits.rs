//! How many fills run at once, and who waits for whom.
#![cfg(feature = "fill")]

#[macro_use]
mod support;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use object_store::memory::InMemory;
use object_store::throttle::{ThrottleConfig, ThrottledStore};
use support::{
    Answer, Framing, Gate, Recorded, Source, SourceBody, ask, get, large_module_zip, quiet, read,
    whole,
};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tower::ServiceBuilder;
use tower_goproxy::Storage;
use tower_goproxy::fill::{Fill, FillLayer, OnDisconnect, OnMiss, ResponseBody};

const ZIP: &str = "/example.com/m/@v/v1.0.0.zip";
const WAIT: Duration = Duration::from_secs(7);

/// How many fills may wait for a place.
const QUEUE: usize = 1024;

type Answered = Response<ResponseBody<SourceBody>>;

fn zip() -> Bytes {
    static ZIP: std::sync::LazyLock<Bytes> =
        std::sync::LazyLock::new(|| large_module_zip("example.com/m", "v1.0.0", 1_100_000).into());
    ZIP.clone()
}

fn module_file(n: usize) -> String {
    format!("/example.com/m/@v/v1.{n}.0.mod")
}

const MOD: &str = "module example.com/m\n";

/// The zip comes in two parts with a gate between them, go.mod files at once.
fn gated() -> (Source, Gate) {
    let gate = Gate::closed();
    let answer = Answer::in_parts(zip(), zip().len() / 2).gated(&gate);
    let source = Source::new(move |request: &Recorded| match &*request.path {
        ZIP => answer.clone(),
        _ => Answer::new([MOD]),
    });
    (source, gate)
}

fn proxy(layer: &FillLayer, source: &Source) -> Fill<Source> {
    ServiceBuilder::new().layer(layer).service(source.clone())
}

fn spawn(proxy: &Fill<Source>, path: impl Into<String>) -> JoinHandle<Answered> {
    let (proxy, path) = (proxy.clone(), path.into());
    tokio::spawn(async move { ask(&proxy, get(&path)).await })
}

on_each_storage! {
    async fn a_miss_waits_for_a_place_and_hits_and_attached_clients_do_not(storage: Storage) {
        let (source, gate) = gated();
        let layer = FillLayer::new(storage).max_fills(1).max_wait(WAIT);
        let proxy = proxy(&layer, &source);
        ask(&proxy, get(&module_file(0))).await;
        layer.fills().idle().await;

        let first = ask(&proxy, get(ZIP)).await;
        let waiting = spawn(&proxy, module_file(1));
        quiet().await;
        assert!(!waiting.is_finished());
        assert_eq!(source.requests().count(&module_file(1)), 0, "it has no place");
        assert_eq!(layer.fills().running(), 2);

        let hit = ask(&proxy, get(&module_file(0))).await;
        assert_eq!(hit.headers()["cache-status"], "tower-goproxy; hit");
        assert_eq!(whole(hit.into_body()).await.unwrap(), MOD);
        let mut attached = ask(&proxy, get(ZIP)).await;
        assert_eq!(attached.headers()["cache-status"], "tower-goproxy; fwd=miss; collapsed");
        let half = read(attached.body_mut(), zip().len() / 2).await.unwrap();
        assert!(zip().starts_with(&half));
        // What passes through is no fill.
        assert_eq!(ask(&proxy, get("/example.com/m/@v/list")).await.status(), StatusCode::OK);
        quiet().await;
        assert!(!waiting.is_finished());

        gate.open();
        let waited = waiting.await.unwrap();
        assert_eq!(waited.status(), StatusCode::OK);
        assert_eq!(whole(waited.into_body()).await.unwrap(), MOD);
        assert!(whole(first.into_body()).await.unwrap() == zip());
        layer.fills().idle().await;
    }

    async fn as_many_fills_run_as_there_are_places(storage: Storage) {
        for places in [1, 2, 5] {
            let gate = Gate::closed();
            let withheld = Answer::new([MOD]).withheld(&gate);
            let source = Source::new(move |_| withheld.clone());
            // Given to the layer in any order, and counted over all of its services.
            let layer = FillLayer::new(storage.clone()).max_fills(100).max_fills(places);
            let asked: Vec<_> = (0..8)
                .map(|n| spawn(&proxy(&layer, &source), module_file(places * 10 + n)))
                .collect();
            quiet().await;
            assert_eq!(source.requests().total(), places);
            assert_eq!(layer.fills().running(), 8);
            gate.open();
            for one in asked {
                assert_eq!(one.await.unwrap().status(), StatusCode::OK);
            }
            layer.fills().idle().await;
            assert_eq!(source.requests().total(), 8);
        }
    }

    async fn who_has_waited_too_long_is_told_when_to_come_again(storage: Storage) {
        let (source, gate) = gated();
        let layer = FillLayer::new(storage).max_fills(1).max_wait(WAIT);
        let proxy = proxy(&layer, &source);
        let first = ask(&proxy, get(ZIP)).await;
        let begun = Instant::now();
        let asked: Vec<_> = (0..3).map(|_| spawn(&proxy, module_file(1))).collect();
        for one in asked {
            let response = one.await.unwrap();
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(response.headers()["retry-after"], "7");
            assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
            assert_eq!(response.headers()["cache-control"], "no-store");
            let text = whole(response.into_body()).await.unwrap();
            assert_eq!(text, "too many fills are running, try again later\n");
        }
        assert_eq!(begun.elapsed().as_secs(), WAIT.as_secs());
        assert_eq!(source.requests().count(&module_file(1)), 0);

        gate.open();
        assert!(whole(first.into_body()).await.unwrap() == zip());
        layer.fills().idle().await;
        let again = ask(&proxy, get(&module_file(1))).await;
        assert_eq!(again.status(), StatusCode::OK);
        layer.fills().idle().await;
    }

    async fn who_waits_and_leaves_is_never_asked_for(storage: Storage) {
        for (round, on_disconnect) in [OnDisconnect::Finish, OnDisconnect::Abort].into_iter().enumerate() {
            let gate = Gate::closed();
            let withheld = Answer::new([MOD]).withheld(&gate);
            let source = Source::new(move |_| withheld.clone());
            let layer = FillLayer::new(storage.clone())
                .max_fills(1)
                .max_wait(WAIT)
                .on_disconnect(on_disconnect);
            let proxy = proxy(&layer, &source);
            let path = |n: usize| module_file(round * 10 + n);
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
            for one in [running, staying] {
                let body = one.await.unwrap().into_body();
                assert_eq!(whole(body).await.unwrap(), MOD);
            }
            layer.fills().idle().await;
            let asked: Vec<_> = source.requests().all().into_iter().map(|one| one.path).collect();
            assert_eq!(asked, [path(0), path(3)]);
        }
    }

    async fn a_fill_behind_waits_for_its_place_without_a_client(storage: Storage) {
        let (source, gate) = gated();
        let layer = FillLayer::new(storage)
            .max_fills(1)
            .on_miss(OnMiss::NotFound)
            .on_disconnect(OnDisconnect::Abort);
        let proxy = proxy(&layer, &source);
        for path in [ZIP, &module_file(1)] {
            assert_eq!(ask(&proxy, get(path)).await.status(), StatusCode::NOT_FOUND);
            quiet().await;
        }
        assert_eq!(source.requests().total(), 1);
        gate.open();
        layer.fills().idle().await;
        let hit = ask(&proxy, get(&module_file(1))).await;
        assert_eq!(hit.headers()["cache-status"], "tower-goproxy; hit");
    }

    async fn a_place_is_given_back_however_a_fill_ends(storage: Storage) {
        let ends = [
            Answer::text(StatusCode::NOT_FOUND, "not found"),
            Answer::new(["encoded"]).header("content-encoding", "gzip"),
            Answer::new(["no module file"]),
            Answer::in_parts(zip(), 100_000).framing(Framing::Cut),
            Answer::new([""; 0]).framing(Framing::NoAnswer),
            Answer::new(["two lengths"]).header("content-length", "1"),
            Answer::new([MOD]),
        ];
        let count = ends.len();
        let source = Source::new(move |request| {
            let n = request.path.trim_end_matches(".0.mod").rsplit('.').next();
            let n: usize = n.unwrap_or_default().parse().unwrap();
            ends[n].clone()
        });
        let layer = FillLayer::new(storage).max_fills(1).max_wait(WAIT);
        let proxy = proxy(&layer, &source);
        for n in 0..count {
            let response = ask(&proxy, get(&module_file(n))).await;
            assert_ne!(response.status(), StatusCode::SERVICE_UNAVAILABLE, "after end {n}");
            // How the body ends is not the question here.
            let _ = whole(response.into_body()).await;
            layer.fills().idle().await;
        }
        assert_eq!(source.requests().total(), count);
    }

    async fn a_client_that_leaves_gives_its_place_back(storage: Storage) {
        let (source, _gate) = gated();
        let layer = FillLayer::new(storage)
            .max_fills(1)
            .max_wait(WAIT)
            .on_disconnect(OnDisconnect::Abort);
        let proxy = proxy(&layer, &source);
        drop(ask(&proxy, get(ZIP)).await);
        let response = ask(&proxy, get(&module_file(1))).await;
        assert_eq!(response.status(), StatusCode::OK);
        layer.fills().idle().await;
    }

    /// Nobody who asks with `OnMiss::NotFound` waits, so nothing else would bound the queue.
    async fn a_miss_that_would_wait_in_vain_is_refused_at_once(storage: Storage) {
        for places in [0, 1] {
            let gate = Gate::closed();
            let withheld = Answer::new([MOD]).withheld(&gate);
            let source = Source::new(move |_| withheld.clone());
            let layer = FillLayer::new(storage.clone()).max_fills(places).max_wait(WAIT);
            let behind = proxy(&layer.clone().on_miss(OnMiss::NotFound), &source);
            for n in 0..places + QUEUE {
                let response = ask(&behind, get(&module_file(n))).await;
                assert_eq!(response.status(), StatusCode::NOT_FOUND, "{n}");
            }
            assert_eq!(layer.fills().running(), places + QUEUE);

            let begun = Instant::now();
            let one_more = module_file(places + QUEUE);
            for on_miss in [OnMiss::NotFound, OnMiss::Stream, OnMiss::Wait] {
                let proxy = proxy(&layer.clone().on_miss(on_miss), &source);
                let response = ask(&proxy, get(&one_more)).await;
                assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
                assert_eq!(response.headers()["retry-after"], "7");
                assert_eq!(response.headers()["cache-status"], "tower-goproxy; fwd=miss");
                let text = whole(response.into_body()).await.unwrap();
                assert_eq!(text, "too many fills are running, try again later\n");
            }
            let on_miss = OnMiss::redirect("https://registry.test").unwrap();
            let redirecting = proxy(&layer.clone().on_miss(on_miss), &source);
            let response = ask(&redirecting, get(&one_more)).await;
            assert_eq!(response.status(), StatusCode::SEE_OTHER);
            // Who attaches takes no place in the queue.
            let attached = ask(&behind, get(&module_file(QUEUE - 1))).await;
            assert_eq!(attached.status(), StatusCode::NOT_FOUND);
            assert!(begun.elapsed() < WAIT);
            assert_eq!(layer.fills().running(), places + QUEUE);

            // Those in the queue have waited for too long, and one more is taken again.
            tokio::time::sleep(WAIT).await;
            gate.open();
            layer.fills().idle().await;
            assert_eq!(source.requests().total(), places);
            let again = ask(&behind, get(&one_more)).await;
            assert_eq!(again.status(), StatusCode::NOT_FOUND);
            layer.fills().idle().await;
            assert_eq!(source.requests().total(), 2 * places);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_slower_than_the_source_gets_every_file() {
    const FILES: usize = 600;
    let slow = ThrottleConfig {
        wait_put_per_call: Duration::from_secs(1),
        ..ThrottleConfig::default()
    };
    let store = ThrottledStore::new(InMemory::new(), slow);
    let layer = FillLayer::new(Storage::new(Arc::new(store)));
    let source = Source::new(|_: &Recorded| Answer::new([MOD]));
    let proxy = proxy(&layer, &source);
    for statuses in ["tower-goproxy; fwd=miss; stored", "tower-goproxy; hit"] {
        let asked: Vec<_> = (0..FILES).map(|n| spawn(&proxy, module_file(n))).collect();
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
    let layer = FillLayer::new(Storage::memory());
    let fills = layer.fills();
    let none = layer.clone().max_fills(0).max_wait(WAIT);
    let refused = ask(&proxy(&none, &source), get(&module_file(1))).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    let served = ask(&proxy(&layer, &source), get(&module_file(1))).await;
    assert_eq!(served.status(), StatusCode::OK);
    // A handle that was taken before counts the fills of both.
    fills.idle().await;
    let waiting = spawn(&proxy(&none, &source), module_file(2));
    quiet().await;
    assert_eq!(fills.running(), 1);
    assert_eq!(
        waiting.await.unwrap().status(),
        StatusCode::SERVICE_UNAVAILABLE
    );
}
