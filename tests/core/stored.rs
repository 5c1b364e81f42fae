//! `Cache-Status: stored` is said where it is true, and what is not in the storage is no hit.

use std::fs;

use http::{Method, StatusCode};
use object_store::ObjectStoreExt as _;
use tempfile::TempDir;
use tower_goproxy::Storage;
use tower_goproxy::fill::OnMiss;

use crate::scene::{
    HIT, NOT_STORED, STORED, always, content, fetch, info, key, large, layer, mod_file, proxy,
    registry, send, small,
};
use crate::support::faulty_store::{Fault, FaultyStore, Step};
use crate::support::{Answer, Framing, Kept, kept, request, within};

#[tokio::test(start_paused = true)]
async fn stored_is_said_of_nothing_that_will_not_be_stored() {
    let file = || Answer::new([content(&large(0))]);
    for (case, answer) in [
        ("encoded", file().header("content-encoding", "gzip")),
        ("no-store", file().header("cache-control", "no-store")),
        ("missing", Answer::text(StatusCode::NOT_FOUND, "no")),
        ("broken", file().framing(Framing::Short(9))),
        ("not a zip", Answer::new(["<html>"])),
        ("another version", Answer::new([content(&large(1))])),
    ] {
        for on_miss in [OnMiss::Stream, OnMiss::Wait] {
            let kept = Kept::in_memory();
            let layer = layer(kept.storage()).on_miss(on_miss);
            let got = fetch(&proxy(&layer, &always(answer.clone())), &large(0)).await;
            within(layer.fills().idle()).await;
            assert_eq!(kept.names().await, [""; 0], "{case}");
            // What breaks in the middle has said it in good faith.
            if got.body.is_ok() {
                assert_eq!(got.cache_status(), NOT_STORED, "{case}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_too_large_is_not_said_to_be_stored() {
    for declared in [true, false] {
        let kept = Kept::in_memory();
        let layer = layer(kept.storage())
            .max_zip_size(1_000_000)
            .max_mod_size(10)
            .max_info_size(10);
        let framing = match declared {
            true => Framing::Length,
            false => Framing::Chunked,
        };
        let source = crate::support::Source::new(move |request: &crate::support::Recorded| {
            Answer::in_parts(content(&request.path), 100_000).framing(framing)
        });
        let proxy = proxy(&layer, &source);
        for path in [info(0), mod_file(0), large(0)] {
            let got = fetch(&proxy, &path).await;
            assert_eq!(
                got.cache_status(),
                NOT_STORED,
                "{path}, declared: {declared}"
            );
            within(layer.fills().idle()).await;
        }
        assert_eq!(kept.names().await, [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_storage_that_does_not_answer_is_not_said_to_have_stored() {
    let store = FaultyStore::new(Step::Open, Fault::Fail);
    let layer = layer(Storage::new(store.clone()));
    let proxy = proxy(&layer, &registry());
    for path in [info(0), mod_file(0), small(0), large(0)] {
        fetch(&proxy, &path).await.assert_file(&path, NOT_STORED);
        within(layer.fills().idle()).await;
    }
    assert_eq!(store.names().await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn who_has_waited_is_told_whether_it_is_stored() {
    for (step, path) in [(Step::Put, mod_file(0)), (Step::Put, large(0))] {
        let store = FaultyStore::new(step, Fault::Fail);
        let layer = layer(Storage::new(store.clone())).on_miss(OnMiss::Wait);
        let proxy = proxy(&layer, &registry());
        fetch(&proxy, &path).await.assert_file(&path, NOT_STORED);
        within(layer.fills().idle()).await;
        store.set(None);
        fetch(&proxy, &path).await.assert_file(&path, STORED);
        within(layer.fills().idle()).await;
        fetch(&proxy, &path).await.assert_file(&path, HIT);
    }
}

/// What is checked goes out before the storage has answered.
#[tokio::test(start_paused = true)]
async fn after_a_file_that_the_storage_did_not_take_stored_is_not_said_until_it_takes_one() {
    let store = FaultyStore::new(Step::Put, Fault::Stall);
    let layer = layer(Storage::new(store.clone()));
    let proxy = proxy(&layer, &registry());
    let fetch = async |path: &str, status| {
        fetch(&proxy, path).await.assert_file(path, status);
        within(layer.fills().idle()).await;
    };
    fetch(&info(0), STORED).await;
    fetch(&info(0), NOT_STORED).await;
    fetch(&mod_file(0), NOT_STORED).await;
    store.set(None);
    fetch(&info(0), STORED).await;
    fetch(&info(0), HIT).await;
    store.set(Some((Step::Put, Fault::Stall)));
    fetch(&mod_file(0), STORED).await;
    fetch(&mod_file(0), NOT_STORED).await;
}

/// Removed, or another disk mounted there.
#[tokio::test]
async fn a_storage_folder_that_is_gone_is_made_again() {
    for removed in ["", ".staging", "example.com"] {
        let folder = TempDir::new().unwrap();
        let layer = layer(Storage::disk(folder.path()).unwrap());
        let proxy = proxy(&layer, &registry());
        for n in 0..2 {
            for path in [info(n), mod_file(n), small(n), large(n)] {
                fetch(&proxy, &path).await.assert_file(&path, STORED);
                layer.fills().idle().await;
                assert_eq!(kept::names(folder.path()), [key(&path)], "{removed}");
                fetch(&proxy, &path).await.assert_file(&path, HIT);
                fs::remove_dir_all(folder.path().join(removed)).unwrap();
                let _ = fs::remove_dir_all(folder.path().join("example.com"));
            }
        }
    }
}

#[tokio::test]
async fn a_folder_for_local_files_that_is_gone_is_made_again() {
    let (kept, folder) = (Kept::in_memory(), TempDir::new().unwrap());
    let local = folder.path().join("local");
    let layer = layer(kept.storage().local_folder(&local, 1 << 30).unwrap());
    let proxy = proxy(&layer, &registry());
    for n in 0..2 {
        fetch(&proxy, &large(n))
            .await
            .assert_file(&large(n), STORED);
        layer.fills().idle().await;
        fetch(&proxy, &large(n)).await.assert_file(&large(n), HIT);
        fs::remove_dir_all(&local).unwrap();
    }
}

/// Small files lie in memory too.
#[tokio::test]
async fn a_file_that_was_deleted_by_hand_is_a_miss_at_once() {
    let folder = TempDir::new().unwrap();
    let layer = layer(Storage::disk(folder.path()).unwrap());
    let source = registry();
    let proxy = proxy(&layer, &source);
    for path in [info(0), mod_file(0), small(0), large(0)] {
        for _ in 0..2 {
            fetch(&proxy, &path).await.assert_file(&path, STORED);
            layer.fills().idle().await;
            for _ in 0..3 {
                fetch(&proxy, &path).await.assert_file(&path, HIT);
            }
            fs::remove_file(folder.path().join(key(&path))).unwrap();
        }
        assert_eq!(source.requests().count(&path), 2);
    }
}

/// A disk that lost power has such files, and so has a bucket after a failed copy.
#[tokio::test]
async fn an_empty_file_is_a_miss_and_is_replaced() {
    for path in [info(0), mod_file(0), small(0), large(0)] {
        for headers in [&[][..], &[("range", "bytes=0-3")]] {
            let folder = TempDir::new().unwrap();
            let file = folder.path().join(key(&path));
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, "").unwrap();
            assert_is_replaced(Storage::disk(folder.path()).unwrap(), &path, headers).await;
            assert!(fs::read(&file).unwrap() == content(&path));

            let kept = Kept::in_memory();
            let Kept::Memory(store) = &kept else {
                panic!("it is in memory");
            };
            let at = object_store::path::Path::parse(key(&path)).unwrap();
            store.put(&at, "".into()).await.unwrap();
            assert_is_replaced(kept.storage(), &path, headers).await;
            assert!(kept.read(key(&path)).await == content(&path));
        }
    }
}

async fn assert_is_replaced(storage: Storage, path: &str, headers: &[(&str, &str)]) {
    let layer = layer(storage);
    let proxy = proxy(&layer, &registry());
    let head = send(&proxy, request(Method::HEAD, path, &[])).await;
    assert_eq!(head.cache_status(), NOT_STORED);
    let len = content(path).len().to_string();
    assert_eq!(head.header("content-length"), len);
    let got = send(&proxy, request(Method::GET, path, headers)).await;
    assert!(got.status.is_success());
    assert_eq!(got.cache_status(), STORED);
    layer.fills().idle().await;
    fetch(&proxy, path).await.assert_file(path, HIT);
}

/// A pipe would wait for somebody who writes into it.
#[cfg(unix)]
#[tokio::test]
async fn a_pipe_where_a_file_belongs_holds_up_no_request() {
    let folder = TempDir::new().unwrap();
    let layer = layer(Storage::disk(folder.path()).unwrap());
    let proxy = proxy(&layer, &registry());
    for path in [large(0), mod_file(0)] {
        let pipe = folder.path().join(key(&path));
        fs::create_dir_all(pipe.parent().unwrap()).unwrap();
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        let got = within(fetch(&proxy, &path)).await;
        got.assert_file(&path, NOT_STORED);
    }
}

/// Someone has put a file where staged files belong: as good as a folder that takes none, and so even for root.
#[tokio::test]
async fn a_folder_that_takes_no_file_is_said_at_the_start() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join(".staging"), "").unwrap();
    let error = Storage::disk(folder.path()).unwrap_err().to_string();
    assert!(
        error.contains(&folder.path().display().to_string()),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_store_that_ends_a_file_with_nothing_has_given_all_of_it() {
    let store = FaultyStore::sound();
    let layer = layer(Storage::new(store.clone()).max_memory(0));
    let proxy = proxy(&layer, &registry());
    for path in [info(0), large(0)] {
        store.set(None);
        fetch(&proxy, &path).await.assert_file(&path, STORED);
        within(layer.fills().idle()).await;
        store.set(Some((Step::Read, Fault::EmptyEnd)));
        fetch(&proxy, &path).await.assert_file(&path, HIT);
    }
}
