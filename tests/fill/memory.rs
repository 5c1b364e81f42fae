//! Small files that are asked for often are answered out of memory.

use std::time::Duration;

use http::{Method, StatusCode};
use object_store::ObjectStoreExt as _;
use object_store::path::Path;
use tokio::time::advance;
use tower_goproxy::Storage;
use tower_goproxy::fill::FillLayer;
use tower_goproxy::source::Area;

use super::fixtures::{INFO, MOD, ZIP, files, large_zip, module_file, proxy, registry};
use super::support::held_store::HeldStore;
use super::support::{Answer, Source, ask, get, request, whole};

const HIT: &str = "tower-goproxy; hit";

/// A layer over a store that counts how often it is asked.
fn counted() -> (FillLayer<Area>, HeldStore) {
    let store = HeldStore::new();
    let layer = FillLayer::new(Storage::new(store.clone())).area(Area::Included);
    (layer, store)
}

/// The same with this much memory for small files.
fn counted_with_memory(bytes: u64) -> (FillLayer<Area>, HeldStore) {
    let store = HeldStore::new();
    let storage = Storage::new(store.clone()).max_memory(bytes);
    (FillLayer::new(storage).area(Area::Included), store)
}

#[tokio::test]
async fn the_storage_is_asked_for_a_small_file_once() {
    let (layer, store) = counted();
    let proxy = proxy(&layer, &registry());
    for (path, content) in files() {
        ask(&proxy, get(path)).await;
        layer.fills().idle().await;
        ask(&proxy, get(path)).await;
        let before = store.lookups();
        let hit = ask(&proxy, get(path)).await;
        assert_eq!(hit.headers()["cache-status"], HIT);
        assert_eq!(whole(hit.into_body()).await.unwrap(), content);
        assert_eq!(store.lookups(), before, "{path}");
    }
}

#[tokio::test]
async fn what_is_in_memory_answers_conditions_ranges_and_head() {
    let (layer, store) = counted();
    let proxy = proxy(&layer, &registry());
    ask(&proxy, get(MOD)).await;
    layer.fills().idle().await;
    let whole_file = ask(&proxy, get(MOD)).await;
    let etag = whole_file.headers()["etag"].to_str().unwrap().to_owned();
    let before = store.lookups();

    let known = request(Method::GET, MOD, &[("if-none-match", &etag)]);
    let known = ask(&proxy, known).await;
    assert_eq!(known.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(known.headers()["etag"], etag);

    let part = ask(&proxy, request(Method::GET, MOD, &[("range", "bytes=2-5")])).await;
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.headers()["cache-status"], HIT);
    assert_eq!(whole(part.into_body()).await.unwrap(), module_file()[2..6]);

    let head = ask(&proxy, request(Method::HEAD, MOD, &[])).await;
    assert_eq!(head.headers(), whole_file.headers());
    assert_eq!(whole(head.into_body()).await.unwrap(), "");
    assert_eq!(store.lookups(), before);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_deleted_from_a_disk_is_a_miss() {
    let folder = tempfile::tempdir().unwrap();
    let layer = FillLayer::new(Storage::disk(folder.path()).unwrap()).area(Area::Included);
    let source = registry();
    let proxy = proxy(&layer, &source);
    for asked in 1..=2 {
        let missed = ask(&proxy, get(INFO)).await;
        let miss = "tower-goproxy; fwd=miss; stored";
        assert_eq!(missed.headers()["cache-status"], miss);
        layer.fills().idle().await;
        for _ in 0..2 {
            assert_eq!(ask(&proxy, get(INFO)).await.headers()["cache-status"], HIT);
        }
        assert_eq!(source.requests().count(INFO), asked);
        std::fs::remove_file(folder.path().join(&INFO[1..])).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_minute_a_store_is_asked_again() {
    let (layer, store) = counted();
    let source = registry();
    let proxy = proxy(&layer, &source);
    ask(&proxy, get(INFO)).await;
    layer.fills().idle().await;
    ask(&proxy, get(INFO)).await;

    store.delete(&Path::from(&INFO[1..])).await.unwrap();
    advance(Duration::from_secs(59)).await;
    assert_eq!(ask(&proxy, get(INFO)).await.headers()["cache-status"], HIT);
    advance(Duration::from_secs(1)).await;
    let missed = ask(&proxy, get(INFO)).await;
    assert_eq!(
        missed.headers()["cache-status"],
        "tower-goproxy; fwd=miss; stored"
    );
    assert_eq!(source.requests().count(INFO), 2);
}

#[tokio::test]
async fn without_memory_and_for_large_files_the_storage_is_asked_each_time() {
    for ((layer, store), path, content) in [
        (counted(), ZIP, large_zip()),
        (counted_with_memory(0), MOD, module_file()),
    ] {
        let source = Source::serving(path, Answer::new([content]));
        let proxy = proxy(&layer, &source);
        ask(&proxy, get(path)).await;
        layer.fills().idle().await;
        for _ in 0..3 {
            let before = store.lookups();
            assert_eq!(ask(&proxy, get(path)).await.headers()["cache-status"], HIT);
            assert_eq!(store.lookups(), before + 1);
        }
    }
}

#[tokio::test]
async fn the_memory_has_a_bound() {
    let (layer, store) = counted_with_memory(64 * 1024);
    // A .mod may be padded, and be as large as it likes.
    let content = format!("module example.com/m\n{}", "// padding\n".repeat(700));
    let source = Source::new(move |_| Answer::new([content.clone()]));
    let proxy = proxy(&layer, &source);
    let paths: Vec<_> = (0..100)
        .map(|n| format!("/example.com/m/@v/v1.0.{n}.mod"))
        .collect();
    for _ in 0..2 {
        for path in &paths {
            ask(&proxy, get(path)).await;
        }
        layer.fills().idle().await;
    }
    let before = store.lookups();
    for path in &paths {
        ask(&proxy, get(path)).await;
    }
    // Eight of these files fit into 64 KiB.
    assert!(store.lookups() - before >= 92);
}
