//! What dashboards show of what goes wrong.
#![cfg(feature = "metrics")]

use std::time::Duration;

use http::Method;
use tower_goproxy::Storage;
use tower_goproxy::fill::{FillLayer, OnMiss};
use tower_goproxy::source::Area;

use crate::scene::{
    LIST, always, content, fetch, fetch_three, large, layer, mod_file, proxy, registry, send,
    small, spawn, withheld,
};
use crate::support::counters::counted;
use crate::support::faulty_store::{Fault, FaultyStore, Step};
use crate::support::{Answer, quiet, request, within};

#[tokio::test(start_paused = true)]
async fn a_store_that_panics_is_a_storage_that_fails_and_hurts_no_client() {
    for (step, path) in [
        (Step::Put, mod_file(0)),
        (Step::Put, small(0)),
        (Step::Put, large(0)),
    ] {
        for on_miss in [OnMiss::Stream, OnMiss::Wait] {
            let count = counted(async {
                let store = FaultyStore::new(step, Fault::Panic);
                let layer = layer(Storage::new(store.clone())).on_miss(on_miss.clone());
                for got in fetch_three(&proxy(&layer, &registry()), &path).await {
                    assert_eq!(got.status, 200);
                    assert!(got.body.unwrap() == content(&path));
                }
                within(layer.fills().idle()).await;
                assert_eq!(store.struck(), 1);
            });
            let count = count.await;
            assert_eq!(
                count("goproxy_storage_failures_total"),
                1,
                "{path}, {on_miss:?}"
            );
            assert_eq!(count("goproxy_fills_total end=not_kept"), 1);
            assert_eq!(count("goproxy_fills_total end=stored"), 0);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn so_is_one_that_panics_when_it_is_asked() {
    let count = counted(async {
        let store = FaultyStore::new(Step::Open, Fault::Panic);
        let layer = layer(Storage::new(store));
        for path in [mod_file(0), large(0)] {
            fetch(&proxy(&layer, &registry()), &path)
                .await
                .assert_status(200);
            within(layer.fills().idle()).await;
        }
    });
    assert_eq!(count.await("goproxy_storage_failures_total"), 2);
}

/// A miss, something small, and a fill that nobody waits for.
#[tokio::test(start_paused = true)]
async fn a_request_that_is_refused_counts() {
    for (method, path) in [
        (Method::GET, small(1)),
        (Method::GET, mod_file(1)),
        (Method::HEAD, mod_file(1)),
        (Method::GET, LIST.to_owned()),
    ] {
        let count = counted(async {
            let (source, _gate) = withheld();
            let layer = layer(Storage::memory())
                .max_fills(1)
                .max_small_requests(1)
                .max_wait(Duration::from_secs(5));
            let proxy = proxy(&layer, &source);
            let _running = [small(0), mod_file(0)].map(|path| spawn(&proxy, Method::GET, &path));
            quiet().await;
            let refused = send(&proxy, request(method.clone(), &path, &[])).await;
            refused.assert_status(503);
        });
        assert_eq!(count.await("goproxy_refused_total"), 1, "{method} {path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_direct_file_that_lies_in_the_plain_layout_counts_once_for_a_layer() {
    let count = counted(async {
        let storage = Storage::memory();
        let included = layer(storage.clone());
        for n in 0..3 {
            fetch(&proxy(&included, &registry()), &mod_file(n))
                .await
                .assert_status(200);
        }
        within(included.fills().idle()).await;
        let direct = FillLayer::new(storage).area(Area::Direct);
        for n in 0..6 {
            let got = fetch(&proxy(&direct, &registry()), &mod_file(n)).await;
            assert_eq!(got.cache_status(), crate::scene::STORED);
        }
        within(direct.fills().idle()).await;
    });
    assert_eq!(count.await("goproxy_direct_files_in_plain_layout_total"), 1);
}

#[tokio::test(start_paused = true)]
async fn what_passes_by_a_full_disk_is_a_storage_that_fails() {
    let count = counted(async {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::memory().local_folder(folder.path(), 1).unwrap();
        let layer = layer(storage);
        fetch(&proxy(&layer, &registry()), &large(0))
            .await
            .assert_status(200);
        within(layer.fills().idle()).await;
    });
    let count = count.await;
    assert_eq!(count("goproxy_storage_failures_total"), 1);
    assert_eq!(count("goproxy_fills_total end=stored"), 0);
}

/// Also where there is no room for the file.
#[tokio::test(start_paused = true)]
async fn each_wrong_file_counts() {
    let folder = tempfile::tempdir().unwrap();
    let without_room = Storage::memory().local_folder(folder.path(), 0).unwrap();
    for storage in [Storage::memory(), without_room] {
        let count = counted(async {
            let layer = layer(storage);
            let wrong = always(Answer::new([content(&large(1))]));
            for path in [mod_file(0), small(0), large(0)] {
                let got = fetch(&proxy(&layer, &wrong), &path).await;
                assert!(got.status == 502 || got.body.is_err());
                within(layer.fills().idle()).await;
            }
        });
        assert_eq!(count.await("goproxy_rejected_total"), 3);
    }
}
