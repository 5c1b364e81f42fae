//! Storages and disks that have no room, before a fill, in the middle of it, and at its end.

use std::sync::Arc;

use futures_util::future::join_all;
use http::StatusCode;
use object_store::memory::InMemory;
use tempfile::TempDir;
use tower_goproxy::Storage;
use tower_goproxy::fill::OnMiss;

use crate::scene::{
    ATTACHED, HIT, NOT_STORED, STORED, content, fetch, fetch_three, in_parts, key, large, layer,
    mod_file, proxy, registry, small, spawn_get,
};
use crate::support::faulty_store::{Fault, FaultyStore, Step};
use crate::support::plain_source::PlainSource;
use crate::support::respawn::{self, Respawned};
use crate::support::{
    Answer, Framing, HeldStore, Kept, Recorded, Source, ask, get, kept, large_module_zip, quiet,
    whole, within, within_minutes,
};

/// A store in memory whose local files may take so many bytes.
struct Bounded {
    kept: Kept,
    _folder: TempDir,
    storage: Storage,
}

impl Bounded {
    fn new(max_bytes: u64) -> Self {
        let (kept, folder) = (Kept::in_memory(), TempDir::new().unwrap());
        let storage = kept.storage().local_folder(folder.path(), max_bytes);
        Self {
            storage: storage.unwrap(),
            kept,
            _folder: folder,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_room_each_client_has_a_response_of_its_own_and_nothing_is_stored() {
    let bounded = Bounded::new(1_000_000);
    let layer = layer(bounded.storage);
    let source = registry();
    let proxy = proxy(&layer, &source);
    for got in fetch_three(&proxy, &large(0)).await {
        got.assert_file(&large(0), NOT_STORED);
    }
    within(layer.fills().idle()).await;
    assert_eq!(source.requests().count(&large(0)), 3);
    assert_eq!(bounded.kept.names().await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn without_room_a_client_that_wants_a_checked_file_is_refused() {
    let bounded = Bounded::new(1_000_000);
    let layer = layer(bounded.storage).on_miss(OnMiss::Wait);
    let proxy = proxy(&layer, &registry());
    for got in fetch_three(&proxy, &large(0)).await {
        got.assert_status(503);
        assert_eq!(got.cache_status(), NOT_STORED);
    }
    assert_eq!(bounded.kept.names().await, [""; 0]);
}

/// A zip whose length is not known takes 16 MiB at a time.
#[tokio::test(start_paused = true)]
async fn a_zip_of_unknown_length_needs_room_for_its_first_step() {
    for (max_bytes, is_stored) in [(15 << 20, false), (16 << 20, true)] {
        let bounded = Bounded::new(max_bytes);
        let layer = layer(bounded.storage);
        let source = Source::new(|request: &Recorded| {
            Answer::new([content(&request.path)]).framing(Framing::Chunked)
        });
        let proxy = proxy(&layer, &source);
        for _ in 0..2 {
            // Nobody knows whether it will be stored before all of it is there.
            let got = fetch(&proxy, &large(0)).await;
            assert!(got.body.unwrap() == content(&large(0)));
            within(layer.fills().idle()).await;
        }
        assert_eq!(source.requests().total(), if is_stored { 1 } else { 2 });
        assert_eq!(bounded.kept.names().await.len(), usize::from(is_stored));
    }
}

/// The bound holds, and what was taken of it is free again.
#[tokio::test(start_paused = true)]
async fn a_zip_that_grows_beyond_all_room_breaks_and_takes_nothing_with_it() {
    let bounded = Bounded::new(20 << 20);
    let layer = layer(bounded.storage);
    let zip = large_module_zip("example.com/large", "v1.0.0", 17 << 20);
    let source = Source::new(move |request: &Recorded| match request.path == large(0) {
        true => Answer::in_parts(zip.clone(), 1 << 20).framing(Framing::Chunked),
        false => Answer::new([content(&request.path)]),
    });
    let proxy = proxy(&layer, &source);
    for n in 1..=3 {
        let got = fetch(&proxy, &large(0)).await;
        match got.status.as_u16() {
            200 => got.assert_broken(),
            // It was known before the head.
            _ => got.assert_status(503),
        }
        within(layer.fills().idle()).await;
        fetch(&proxy, &large(n))
            .await
            .assert_file(&large(n), STORED);
        within(layer.fills().idle()).await;
    }
    assert_eq!(bounded.kept.names().await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn small_files_are_shared_checked_and_stored_without_any_room() {
    for on_miss in [OnMiss::Stream, OnMiss::Wait] {
        let bounded = Bounded::new(0);
        let layer = layer(bounded.storage).on_miss(on_miss);
        let source = registry();
        let proxy = proxy(&layer, &source);
        for path in [mod_file(0), small(0)] {
            let first = [STORED, ATTACHED, ATTACHED];
            let all = fetch_three(&proxy, &path).await;
            for (got, cache_status) in all.into_iter().zip(first) {
                got.assert_file(&path, cache_status);
            }
            within(layer.fills().idle()).await;
            assert_eq!(source.requests().count(&path), 1);
            fetch(&proxy, &path).await.assert_file(&path, HIT);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn room_is_free_again_once_a_file_is_stored() {
    let bounded = Bounded::new(2_000_000);
    let layer = layer(bounded.storage);
    let (source, gate) = in_parts();
    let proxy = proxy(&layer, &source);
    let first = spawn_get(&proxy, &large(0));
    quiet().await;
    let second = spawn_get(&proxy, &large(1));
    quiet().await;
    gate.open();
    first.await.unwrap().assert_file(&large(0), STORED);
    second.await.unwrap().assert_file(&large(1), NOT_STORED);
    within(layer.fills().idle()).await;
    assert_eq!(bounded.kept.names().await, [key(&large(0))]);

    fetch(&proxy, &large(1))
        .await
        .assert_file(&large(1), STORED);
    within(layer.fills().idle()).await;
    assert_eq!(bounded.kept.names().await.len(), 2);
}

/// A put of the whole for a file of a megabyte, an upload in parts for one of six.
#[tokio::test(start_paused = true)]
async fn an_upload_that_fails_after_the_checks_breaks_nobody() {
    for (step, size) in [
        (Step::Put, 1_100_000),
        (Step::CreateMultipart, 6_000_000),
        (Step::Part(0), 6_000_000),
        (Step::Part(1), 6_000_000),
        (Step::Complete, 6_000_000),
    ] {
        for on_miss in [OnMiss::Stream, OnMiss::Wait] {
            let case = format!("{step:?}, {on_miss:?}");
            let store = FaultyStore::new(step, Fault::Fail);
            let waits = matches!(on_miss, OnMiss::Wait);
            let layer = layer(Storage::new(Arc::new(store.clone()))).on_miss(on_miss);
            let zip = large_module_zip("example.com/large", "v1.0.0", size);
            let source = PlainSource::new(zip).closed();
            let proxy = proxy(&layer, &source.service());
            let clients = tokio::spawn({
                let proxy = proxy.clone();
                async move { fetch_three(&proxy, &large(0)).await }
            });
            quiet().await;
            source.open();
            for got in within(clients).await.unwrap() {
                assert!(got.body.unwrap() == *source.file(), "{case}");
                assert!(
                    !waits
                        || !got.headers["cache-status"]
                            .to_str()
                            .unwrap()
                            .contains("stored"),
                    "{case}: it is not stored"
                );
            }
            within(layer.fills().idle()).await;
            assert_eq!(source.asked(), 1, "{case}");
            assert_eq!(store.names().await, [""; 0], "{case}");

            store.set(None);
            let again = fetch(&proxy, &large(0)).await;
            assert_eq!(again.cache_status(), STORED, "{case}");
            within(layer.fills().idle()).await;
            assert_eq!(source.asked(), 2, "{case}");
            assert_eq!(fetch(&proxy, &large(0)).await.cache_status(), HIT, "{case}");
            within(store.no_open_uploads()).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_comes_while_a_file_is_committed_attaches_to_its_fill() {
    let store = HeldStore::new();
    let layer = layer(Storage::new(store.clone()));
    let source = registry();
    let proxy = proxy(&layer, &source);
    store.take_files(false);
    for (path, cache_status) in [(large(0), STORED), (large(0), ATTACHED)] {
        within(fetch(&proxy, &path))
            .await
            .assert_file(&path, cache_status);
        quiet().await;
    }
    assert_eq!((source.requests().total(), layer.fills().running()), (1, 1));
    store.take_files(true);
    within(layer.fills().idle()).await;
    fetch(&proxy, &large(0)).await.assert_file(&large(0), HIT);
}

const MIB: usize = 1 << 20;

/// No test: a process that may not write a file longer than one MiB, anywhere: as on a full disk, a write fails that
/// comes after good ones.
#[tokio::test]
async fn in_a_process_whose_files_may_have_a_mebibyte() {
    if respawn::words().is_none() {
        return;
    }
    // The last batch alone does not fit; and most of the file.
    for size in [MIB + 1, MIB + 60_000, 3 * MIB] {
        for on_disk in [true, false] {
            for on_miss in [OnMiss::Stream, OnMiss::Wait] {
                let case = format!("{size} bytes, on disk: {on_disk}, {on_miss:?}");
                let (folder, memory) = (TempDir::new().unwrap(), Arc::new(InMemory::new()));
                let storage = match on_disk {
                    true => Storage::disk(folder.path()).unwrap(),
                    false => Storage::new(memory).local_folder(&folder, 1 << 30).unwrap(),
                };
                let waits = matches!(on_miss, OnMiss::Wait);
                let layer = layer(storage).on_miss(on_miss);
                let zip = large_module_zip("example.com/large", "v1.0.0", size);
                for asked in 1..=2 {
                    let source = PlainSource::new(zip.clone()).closed();
                    let proxy = proxy(&layer, &source.service());
                    if waits {
                        source.open();
                        for got in fetch_three(&proxy, &large(0)).await {
                            got.assert_status(503);
                        }
                    } else {
                        let clients = (0..3).map(|_| ask(&proxy, get(&large(0))));
                        let clients = join_all(clients).await;
                        source.open();
                        for client in clients {
                            assert_eq!(client.status(), StatusCode::OK, "{case}");
                            let body = whole(client.into_body()).await;
                            assert!(body.is_err(), "{case}: it looks whole");
                        }
                    }
                    layer.fills().idle().await;
                    // One that waits has no head by which to know that all have come: the last may come after the failure.
                    let most = if waits { 3 } else { 1 };
                    assert!((1..=most).contains(&source.asked()), "{case}, {asked}");
                    assert_eq!(kept::names(folder.path()), [""; 0], "{case}");
                }
            }
        }
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_write_that_fails_in_the_middle_or_at_the_end_breaks_every_reader() {
    // In blocks of 512 bytes. Without the trap the signal ends the process.
    let limited = "trap '' XFSZ; ulimit -f 2048; exec \"$0\" \"$@\"";
    let test = "disk_full::in_a_process_whose_files_may_have_a_mebibyte";
    let process = Respawned::start(test, &["go"], &["sh", "-c", limited]);
    within_minutes(process.passed()).await;
}
