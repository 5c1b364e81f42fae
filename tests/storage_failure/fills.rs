//! While a file is fetched and stored.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use http::StatusCode;
use tokio::time::{Instant, sleep_until};
use tower::Layer as _;
use tower_goproxy::Storage;
use tower_goproxy::fill::{FillLayer, OnMiss};
use tower_goproxy::source::Area;

use super::proxy::{HIT, MISS, PATH, Proxy, SIZES};
use super::support::faulty_store::{Fault, FaultyStore, Step};
use super::support::plain_source::PlainSource;
use super::support::{Answer, Gate, Source, ask, get, large_module_zip, quiet, whole, within};

/// A proxy for each way in which a store can go wrong at this step.
async fn each_way(step: Step, size: usize, test: impl AsyncFn(Proxy, bool, &str)) {
    for fault in [Fault::Fail, Fault::Stall, Fault::Panic] {
        for on_miss in [OnMiss::Stream, OnMiss::Wait] {
            for declared in [true, false] {
                let case = format!("{fault:?} at {step:?}, {on_miss:?}, declared {declared}");
                let source = PlainSource::new(large_module_zip("example.com/m", "v1.0.0", size));
                let source = match declared {
                    true => source,
                    false => source.undeclared(),
                };
                let waits = matches!(on_miss, OnMiss::Wait);
                let proxy = Proxy::new(FaultyStore::new(step, fault), source, on_miss.clone());
                test(proxy, waits, &case).await;
            }
        }
    }
}

async fn harmless_at(steps: &[Step], size: usize) {
    for step in steps {
        each_way(*step, size, async |proxy, _, case| {
            proxy.is_harmless(case).await;
        })
        .await;
    }
}

/// A storage that cannot be read gets no file either.
#[tokio::test(start_paused = true)]
async fn at_open() {
    for size in SIZES {
        each_way(Step::Open, size, async |proxy, waits, case| {
            proxy.is_not_shared(waits, case).await;
        })
        .await;
    }
}

/// The file is in memory, checked and shared, storage or not.
#[tokio::test(start_paused = true)]
async fn at_open_of_a_go_mod() {
    for fault in [Fault::Fail, Fault::Stall, Fault::Panic] {
        for on_miss in [OnMiss::Stream, OnMiss::Wait] {
            let case = format!("{fault:?}, {on_miss:?}");
            let gate = Gate::closed();
            let answer = Answer::new(["module example.com/m\n"]).withheld(&gate);
            let source = Source::new(move |_| answer.clone());
            let store = FaultyStore::new(Step::Open, fault);
            let layer = FillLayer::new(Storage::new(Arc::new(store.clone())))
                .area(Area::Included)
                .on_miss(on_miss);
            let fill = layer.layer(source.clone());
            let asked = join_all((0..3).map(|_| ask(&fill, get("/example.com/m/@v/v1.0.0.mod"))));
            let opened = async {
                source.requests().arrived(1).await;
                quiet().await;
                gate.open();
            };
            for response in tokio::join!(asked, opened).0 {
                let cache_status = response.headers()["cache-status"].to_str().unwrap();
                assert!(!cache_status.ends_with("stored"), "{case}");
                let body = whole(response.into_body()).await.unwrap();
                assert_eq!(body, "module example.com/m\n", "{case}");
            }
            layer.fills().idle().await;
            assert_eq!(source.requests().total(), 1, "{case}");
            assert_eq!(store.names().await, [""; 0], "{case}");
        }
    }
}

/// The local files of all uploads have a bound.
#[tokio::test(start_paused = true)]
async fn no_room_for_a_large_file_while_it_is_uploaded() {
    let folder = tempfile::tempdir().unwrap();
    for on_miss in [
        OnMiss::Stream,
        OnMiss::Wait,
        OnMiss::redirect("https://registry.test").unwrap(),
    ] {
        for declared in [true, false] {
            let case = format!("{on_miss:?}, declared {declared}");
            let source = PlainSource::new(large_module_zip("example.com/m", "v1.0.0", SIZES[1]));
            let source = match declared {
                true => source,
                false => source.undeclared(),
            };
            let store = FaultyStore::sound();
            let storage = Storage::new(Arc::new(store.clone()));
            let storage = storage.local_folder(folder.path(), 1 << 20).unwrap();
            let layer = FillLayer::new(storage)
                .area(Area::Included)
                .on_miss(on_miss.clone());
            let (fill, fills) = (layer.layer(source.service()), layer.fills());
            let proxy = Proxy {
                store,
                source,
                fill,
                fills,
            };
            for (status, cache_status, body) in proxy.get_by_three().await {
                // The redirect that starts the fill says so.
                let expected = [MISS, "tower-goproxy; fwd=miss; detail=filling"];
                assert!(expected.contains(&&*cache_status), "{case}: {cache_status}");
                match on_miss {
                    OnMiss::Wait => assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{case}"),
                    OnMiss::Redirect(_) => assert_eq!(status, StatusCode::SEE_OTHER, "{case}"),
                    _ => proxy.assert_whole(body, &case),
                }
            }
            proxy.fills.idle().await;
            if matches!(on_miss, OnMiss::Stream) {
                assert_eq!(proxy.source.asked(), 3, "{case}");
            }
            assert_eq!(proxy.store.names().await, [""; 0], "{case}");
            proxy.store.no_open_uploads().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn at_the_put_of_a_small_file() {
    harmless_at(&[Step::Put], SIZES[0]).await;
}

#[tokio::test(start_paused = true)]
async fn at_any_step_of_a_large_file() {
    let parts = [Step::Part(0), Step::Part(1), Step::Part(2)];
    harmless_at(&[Step::CreateMultipart], SIZES[1]).await;
    harmless_at(&parts, SIZES[1]).await;
    harmless_at(&[Step::Complete], SIZES[1]).await;
}

/// Who has waited knows better than that it will be stored.
#[tokio::test(start_paused = true)]
async fn nobody_who_waits_is_told_that_a_file_is_stored_that_is_not() {
    for (step, size) in [
        (Step::Put, SIZES[0]),
        (Step::Part(1), SIZES[1]),
        (Step::Complete, SIZES[1]),
    ] {
        for fault in [Fault::Fail, Fault::Stall, Fault::Panic] {
            let source = PlainSource::new(large_module_zip("example.com/m", "v1.0.0", size));
            let proxy = Proxy::new(FaultyStore::new(step, fault), source, OnMiss::Wait);
            let (status, cache_status, body) = proxy.get().await;
            assert_eq!(status, StatusCode::OK);
            assert_eq!(cache_status, MISS, "{fault:?} at {step:?}");
            proxy.assert_whole(body, "unstored");
        }
    }
}

/// 1 KiB a second: the clients have everything long before. The store gets more time than clients wait, and meanwhile
/// nobody else asks the source.
#[tokio::test(start_paused = true)]
async fn a_slow_store_slows_no_client() {
    for on_miss in [OnMiss::Stream, OnMiss::Wait] {
        let limit = Duration::from_secs(90);
        // 98 seconds would do.
        let store = FaultyStore::new(Step::Put, Fault::Slow(Duration::from_secs(1)));
        let proxy = proxy_with_limit(store, SIZES[0], on_miss.clone(), limit);
        let begun = Instant::now();
        proxy.assert_whole(proxy.get().await.2, "the first");
        let waited = match on_miss {
            OnMiss::Wait => limit,
            _ => Duration::ZERO,
        };
        assert_eq!(begun.elapsed().as_secs(), waited.as_secs());
        sleep_until(begun + limit + Duration::from_secs(1)).await;
        let (_, cache_status, body) = proxy.get().await;
        assert_eq!(cache_status, "tower-goproxy; fwd=miss; collapsed");
        proxy.assert_whole(body, "one more");
        proxy.fills.idle().await;
        assert_eq!(begun.elapsed().as_secs(), 98);
        assert_eq!(proxy.store.names().await, [&PATH[1..]]);
        assert_eq!(proxy.source.asked(), 1);
    }
}

/// It is given up on in the end.
#[tokio::test(start_paused = true)]
async fn a_store_that_never_ends_slows_no_client() {
    for (step, size) in [
        (Step::Put, SIZES[0]),
        (Step::Part(1), SIZES[1]),
        (Step::Complete, SIZES[1]),
    ] {
        let limit = Duration::from_secs(90);
        let store = FaultyStore::new(step, Fault::Stall);
        let proxy = proxy_with_limit(store, size, OnMiss::Stream, limit);
        let begun = Instant::now();
        proxy.assert_whole(proxy.get().await.2, "the first");
        assert!(begun.elapsed().is_zero(), "{step:?}");
        within(proxy.fills.idle()).await;
        assert!(begun.elapsed() >= limit, "{step:?}");
        assert_eq!(proxy.store.names().await, [""; 0]);
        proxy.store.no_open_uploads().await;
    }
}

fn proxy_with_limit(store: FaultyStore, size: usize, on_miss: OnMiss, limit: Duration) -> Proxy {
    let source = PlainSource::new(large_module_zip("example.com/m", "v1.0.0", size));
    let layer = FillLayer::new(Storage::new(Arc::new(store.clone())))
        .area(Area::Included)
        .on_miss(on_miss)
        .commit_timeout(limit);
    Proxy {
        store,
        fill: layer.layer(source.service()),
        source,
        fills: layer.fills(),
    }
}

/// Within the time it is given, a slow store gets the file.
#[tokio::test(start_paused = true)]
async fn a_slow_store_gets_the_file_in_time() {
    for (step, size) in [(Step::Put, SIZES[0]), (Step::Part(1), SIZES[1])] {
        let slow = Fault::Slow(Duration::from_millis(10));
        let zip = large_module_zip("example.com/m", "v1.0.0", size);
        let store = FaultyStore::new(step, slow);
        let proxy = Proxy::new(store, PlainSource::new(zip), OnMiss::Wait);
        proxy.get().await.2.unwrap();
        let (_, cache_status, body) = proxy.get().await;
        assert_eq!(cache_status, HIT, "{step:?}");
        assert!(body.unwrap() == *proxy.source.file());
        assert_eq!(proxy.source.asked(), 1);
    }
}
