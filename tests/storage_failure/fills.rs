//! While a file is fetched and stored.

use std::sync::Arc;
use std::time::Duration;

use tower::Layer as _;
use tower_goproxy::Storage;
use tower_goproxy::fill::{FillLayer, OnMiss};

use super::proxy::{HIT, Proxy, SIZES};
use super::support::faulty_store::{Fault, FaultyStore, Step};
use super::support::large_module_zip;
use super::support::plain_source::PlainSource;

async fn harmless_at(steps: &[Step], size: usize) {
    for step in steps {
        for fault in [Fault::Fail, Fault::Stall, Fault::Panic] {
            for on_miss in [OnMiss::Stream, OnMiss::Wait] {
                for declared in [true, false] {
                    let case = format!("{fault:?} at {step:?}, {on_miss:?}, declared {declared}");
                    let source =
                        PlainSource::new(large_module_zip("example.com/m", "v1.0.0", size));
                    let source = if declared {
                        source
                    } else {
                        source.undeclared()
                    };
                    let store = FaultyStore::new(*step, fault);
                    let proxy = Proxy::new(store, source, on_miss.clone());
                    proxy.is_harmless(&case).await;
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn at_open() {
    for size in SIZES {
        harmless_at(&[Step::Open], size).await;
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

/// 1 KiB a second: the clients have everything long before, and the store is given up on.
#[tokio::test(start_paused = true)]
async fn a_slow_store_slows_no_client() {
    for (step, size) in [(Step::Put, SIZES[0]), (Step::Part(1), SIZES[1])] {
        let slow = Fault::Slow(Duration::from_secs(1));
        let zip = large_module_zip("example.com/m", "v1.0.0", size);
        let (source, store) = (PlainSource::new(zip), FaultyStore::new(step, slow));
        let storage = Storage::new(Arc::new(store.clone()));
        // 98 seconds would do for the small file, and 5120 for the part.
        let layer = FillLayer::new(storage).commit_timeout(Duration::from_secs(90));
        let (fill, fills) = (layer.layer(source.service()), layer.fills());
        let proxy = Proxy {
            store,
            source,
            fill,
            fills,
        };

        let begun = tokio::time::Instant::now();
        let (_, _, body) = proxy.get().await;
        assert!(body.unwrap() == *proxy.source.file());
        assert_eq!(begun.elapsed(), Duration::ZERO, "{step:?}");
        proxy.fills.idle().await;
        assert_eq!(begun.elapsed().as_secs(), 90, "{step:?}");
        assert_eq!(proxy.store.names().await, [""; 0]);
        proxy.store.no_open_uploads().await;
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
