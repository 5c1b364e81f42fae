//! Readers of one fill, each at its own pace.

use bytes::Bytes;
use http::StatusCode;
use http_body_util::BodyExt as _;
use tempfile::TempDir;
use tower_goproxy::Storage;

use crate::native;
use crate::scene::{ATTACHED, HIT, STORED, always, content, fetch, in_parts, large, layer, proxy};
use crate::support::plain_source::PlainSource;
use crate::support::respawn::{self, Respawned};
use crate::support::{
    self, Answer, Server, ask, get, large_module_zip, quiet, read, web_client, whole, within,
    within_minutes,
};

on_each_storage! {
    async fn a_reader_that_stops_holds_up_nobody_and_still_gets_every_byte(storage: Storage) {
        let (source, gate) = in_parts();
        let layer = layer(storage);
        let proxy = proxy(&layer, &source);
        let path = large(0);
        let mut stopped = ask(&proxy, get(&path)).await;
        let begin = read(stopped.body_mut(), 10_000).await.unwrap();
        let never_read = ask(&proxy, get(&path)).await;
        assert_eq!(never_read.headers()["cache-status"], ATTACHED);
        gate.open();
        fetch(&proxy, &path).await.assert_file(&path, ATTACHED);
        within(layer.fills().idle()).await;
        fetch(&proxy, &path).await.assert_file(&path, HIT);

        let rest = whole(stopped.into_body()).await.unwrap();
        assert!([begin, rest].concat() == content(&path));
        assert!(whole(never_read.into_body()).await.unwrap() == content(&path));
    }

    async fn a_late_reader_begins_at_the_first_byte(storage: Storage) {
        let (source, gate) = in_parts();
        let layer = layer(storage);
        let proxy = proxy(&layer, &source);
        let first = ask(&proxy, get(&large(0))).await;
        assert_eq!(first.headers()["cache-status"], STORED);
        for _ in 0..8 {
            gate.allow(1);
            quiet().await;
            let mut late = ask(&proxy, get(&large(0))).await;
            let begin = read(late.body_mut(), 50_000).await.unwrap();
            assert!(content(&large(0)).starts_with(&begin));
        }
        gate.open();
        assert!(whole(first.into_body()).await.unwrap() == content(&large(0)));
        layer.fills().idle().await;
    }
}

/// Its connection is full, which is what a client does that was suspended.
#[tokio::test]
async fn a_connection_that_is_not_read_holds_up_nobody() {
    let folder = TempDir::new().unwrap();
    let layer = layer(Storage::disk(folder.path()).unwrap());
    let zip = Bytes::from(large_module_zip("example.com/large", "v1.0.0", 24 << 20));
    let source = PlainSource::new(zip.clone());
    let server = Server::start(proxy(&layer, &source.service())).await;
    let url = format!("{}{}", server.url(), large(0));
    for http2 in [false, true] {
        let stopped = support::fetch(&web_client(http2), &url).await;
        assert_eq!(stopped.status(), StatusCode::OK);
        let other = support::fetch(&web_client(http2), &url).await;
        let other = within_minutes(other.into_body().collect()).await.unwrap();
        assert!(other.to_bytes() == zip);
        within_minutes(layer.fills().idle()).await;
        let stopped = within_minutes(stopped.into_body().collect()).await.unwrap();
        assert!(stopped.to_bytes() == zip);
        std::fs::remove_dir_all(folder.path().join("example.com")).unwrap();
    }
    assert_eq!(source.asked(), 2);
}

/// No test: a process that ends if a large file is closed on a thread that others wait for.
#[tokio::test]
async fn in_a_process_that_watches_each_close() {
    if respawn::words().is_none() {
        return;
    }
    let zip = Bytes::from(large_module_zip("example.com/large", "v1.0.0", 17 << 20));
    for on_disk in [true, false] {
        let folder = TempDir::new().unwrap();
        let storage = match on_disk {
            true => Storage::disk(folder.path()).unwrap(),
            false => Storage::memory()
                .local_folder(folder.path(), 1 << 30)
                .unwrap(),
        };
        let layer = layer(storage);
        let proxy = proxy(&layer, &always(Answer::new([zip.clone()])));
        for cache_status in [STORED, HIT] {
            let got = fetch(&proxy, &large(0)).await;
            assert_eq!(got.cache_status(), cache_status);
            assert!(got.body.unwrap() == zip);
            layer.fills().idle().await;
            // A client that leaves is the last one that has the file.
            drop(ask(&proxy, get(&large(0))).await);
        }
    }
    // What waits for a thread has one before the process ends.
    tokio::task::spawn_blocking(|| {}).await.unwrap();
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn large_files_are_closed_on_threads_that_nobody_waits_for() {
    let folder = TempDir::new().unwrap();
    let library = native::library(folder.path(), "strict_close");
    let preload = format!("LD_PRELOAD={}", library.display());
    let test = "readers::in_a_process_that_watches_each_close";
    let process = Respawned::start(test, &["go"], &["env", &preload]);
    within_minutes(process.passed()).await;
}
