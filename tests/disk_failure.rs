//! A folder that takes no file costs no client a byte.
#![cfg(all(feature = "fill", unix))]

mod support;

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use bytes::Bytes;
use futures_util::future::join_all;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use support::plain_source::{PlainSource, Source};
use support::respawn::{self, Respawned};
use support::{ask, kept, large_module_zip, whole, within_minutes};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tower::{Layer as _, ServiceExt as _};
use tower_goproxy::Storage;
use tower_goproxy::fill::{Fill, FillLayer, Fills, OnMiss};

const KEY: &str = "example.com/m/@v/v1.0.0.zip";
const STORED: &str = "tower-goproxy; fwd=miss; stored";
const NOT_STORED: &str = "tower-goproxy; fwd=miss";

/// One that stays in memory, and one that is staged while it comes.
const SIZES: [usize; 2] = [100_000, 3 << 20];

struct Proxy {
    source: PlainSource,
    fill: Fill<Source>,
    fills: Fills,
}

/// Status, `Cache-Status`, and the body, or where it broke.
type Got = (StatusCode, String, Result<Bytes, String>);

impl Proxy {
    /// The source is closed at first.
    fn new(folder: &Path, size: usize, on_miss: OnMiss) -> Self {
        let zip = large_module_zip("example.com/m", "v1.0.0", size);
        Self::of(folder, PlainSource::new(zip).closed(), on_miss)
    }

    fn of(folder: &Path, source: PlainSource, on_miss: OnMiss) -> Self {
        let layer = FillLayer::new(Storage::disk(folder).unwrap()).on_miss(on_miss);
        Self {
            fill: layer.layer(source.service()),
            source,
            fills: layer.fills(),
        }
    }

    fn ask(&self) -> JoinHandle<Got> {
        let request = Request::get(format!("/{KEY}")).body(()).unwrap();
        let fill = self.fill.clone();
        tokio::spawn(async move {
            let Ok(response) = fill.oneshot(request).await;
            let status = response.status();
            let cache_status = response.headers()["cache-status"]
                .to_str()
                .unwrap()
                .to_owned();
            let body = response.into_body().collect().await;
            let body = body
                .map(|body| body.to_bytes())
                .map_err(|error| error.to_string());
            (status, cache_status, body)
        })
    }

    /// Three clients ask, the source is opened, and each has the whole file.
    async fn is_harmless(&self, case: &str) {
        let clients = [(); 3].map(|()| self.ask());
        self.source.open();
        for client in clients {
            let (status, _, body) = client.await.unwrap();
            assert_eq!(status, StatusCode::OK, "{case}");
            self.assert_whole(body, case);
        }
        self.fills.idle().await;
    }

    async fn asks_again(&self, expected: &str, case: &str) {
        let before = self.source.asked();
        let (status, cache_status, body) = self.ask().await.unwrap();
        assert_eq!(
            (status.as_u16(), cache_status.as_str()),
            (200, expected),
            "{case}"
        );
        self.assert_whole(body, case);
        self.fills.idle().await;
        assert_eq!(self.source.asked(), before + 1, "{case}");
    }

    fn assert_whole(&self, body: Result<Bytes, String>, case: &str) {
        let body = body.unwrap_or_else(|error| panic!("{case}: {error}"));
        assert!(body == *self.source.file(), "{case}: {} bytes", body.len());
    }
}

/// Deletes a folder into which files may still come.
fn delete(folder: &Path) {
    while let Err(error) = fs::remove_dir_all(folder) {
        assert_eq!(error.kind(), ErrorKind::DirectoryNotEmpty, "{error}");
    }
}

async fn each_way(test: impl AsyncFn(&TempDir, Proxy, &str)) {
    for size in SIZES {
        for on_miss in [OnMiss::Stream, OnMiss::Wait] {
            let folder = TempDir::new().unwrap();
            let case = format!("{size} bytes, {on_miss:?}");
            let proxy = Proxy::new(folder.path(), size, on_miss);
            test(&folder, proxy, &case).await;
        }
    }
}

#[tokio::test]
async fn the_folder_is_deleted() {
    each_way(async |folder, proxy, case| {
        fs::remove_dir_all(folder.path()).unwrap();
        proxy.is_harmless(case).await;
        assert!(!folder.path().exists(), "{case}");
        proxy.asks_again(STORED, case).await;
    })
    .await;
}

#[tokio::test]
async fn the_folder_is_deleted_while_it_is_filled() {
    each_way(async |folder, proxy, case| {
        let first = proxy.ask();
        // Far enough that a large file is staged.
        proxy.source.allow(8);
        while proxy.source.asked() == 0
            || (proxy.source.file().len() > 1 << 20 && kept::names(folder.path()).is_empty())
        {
            tokio::task::yield_now().await;
        }
        delete(folder.path());
        proxy.is_harmless(case).await;
        proxy.assert_whole(first.await.unwrap().2, case);
        assert!(!folder.path().exists(), "{case}");
        proxy.asks_again(STORED, case).await;
    })
    .await;
}

/// Someone has put a file where the staging folder was. As good as a folder that takes no files,
/// and so even for root.
#[tokio::test]
async fn the_staging_folder_takes_no_file() {
    each_way(async |folder, proxy, case| {
        let staging = folder.path().join(".staging");
        fs::remove_dir(&staging).unwrap();
        fs::write(&staging, "").unwrap();
        proxy.is_harmless(case).await;
        assert_eq!(kept::names(folder.path()), [".staging"], "{case}");

        fs::remove_file(&staging).unwrap();
        fs::create_dir(&staging).unwrap();
        proxy.asks_again(STORED, case).await;
        assert_eq!(kept::names(folder.path()), [KEY], "{case}");
    })
    .await;
}

#[tokio::test]
async fn a_folder_is_where_the_file_belongs() {
    each_way(async |folder, proxy, case| {
        fs::create_dir_all(folder.path().join(KEY)).unwrap();
        proxy.is_harmless(case).await;
        assert_eq!(kept::names(folder.path()), [""; 0], "{case}");

        fs::remove_dir(folder.path().join(KEY)).unwrap();
        proxy.asks_again(STORED, case).await;
        assert_eq!(kept::names(folder.path()), [KEY], "{case}");
    })
    .await;
}

#[tokio::test]
async fn a_folder_is_made_where_the_file_belongs_while_it_is_filled() {
    each_way(async |folder, proxy, case| {
        let first = proxy.ask();
        while proxy.source.asked() == 0 {
            tokio::task::yield_now().await;
        }
        fs::create_dir_all(folder.path().join(KEY)).unwrap();
        proxy.is_harmless(case).await;
        proxy.assert_whole(first.await.unwrap().2, case);
        assert_eq!(kept::names(folder.path()), [""; 0], "{case}");
        // It is no stored file, and cannot become one.
        proxy.asks_again(NOT_STORED, case).await;

        fs::remove_dir(folder.path().join(KEY)).unwrap();
        proxy.asks_again(STORED, case).await;
        assert_eq!(kept::names(folder.path()), [KEY], "{case}");
    })
    .await;
}

#[tokio::test]
async fn a_file_is_where_a_folder_belongs() {
    each_way(async |folder, proxy, case| {
        fs::write(folder.path().join("example.com"), "").unwrap();
        proxy.is_harmless(case).await;
        assert_eq!(kept::names(folder.path()), ["example.com"], "{case}");

        fs::remove_file(folder.path().join("example.com")).unwrap();
        proxy.asks_again(STORED, case).await;
        assert_eq!(kept::names(folder.path()), [KEY], "{case}");
    })
    .await;
}

/// No test: a process that may not write a file longer than one MiB, anywhere. That is what a
/// full disk is like (`EFBIG` instead of `ENOSPC`).
#[tokio::test]
async fn in_a_process_with_a_limit() {
    if respawn::words().is_none() {
        return;
    }
    let [small, large] = SIZES;
    let folder = TempDir::new().unwrap();
    let proxy = Proxy::new(folder.path(), large, OnMiss::Stream);
    proxy.is_harmless("a full disk").await;
    assert_eq!(kept::names(folder.path()), [""; 0]);
    proxy.asks_again(STORED, "a full disk").await;
    assert_eq!(kept::names(folder.path()), [""; 0]);

    // What still fits is stored.
    let proxy = Proxy::new(folder.path(), small, OnMiss::Stream);
    proxy.is_harmless("a full disk").await;
    assert_eq!(kept::names(folder.path()), [KEY]);

    // Nobody can have all of a checked file where nothing can hold it.
    let folder = TempDir::new().unwrap();
    let proxy = Proxy::new(folder.path(), large, OnMiss::Wait);
    let clients = [(); 3].map(|()| proxy.ask());
    proxy.source.open();
    for client in clients {
        let (status, cache_status, body) = client.await.unwrap();
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(cache_status, "tower-goproxy; fwd=miss");
        assert!(!body.unwrap().starts_with(&proxy.source.file()[..4]));
    }
    proxy.fills.idle().await;
    assert_eq!(kept::names(folder.path()), [""; 0]);
}

/// In blocks of 512 bytes. Without the trap the signal ends the process.
const LIMITED: [&str; 3] = [
    "sh",
    "-c",
    "trap '' XFSZ; ulimit -f 2048; exec \"$0\" \"$@\"",
];

#[tokio::test]
async fn the_disk_is_full() {
    let process = Respawned::start("in_a_process_with_a_limit", &["go"], &LIMITED);
    process.passed().await;
}

/// No test: the same, where one frame is more than the file takes, and more than the fill keeps in
/// memory. The clients must get what they may have of it before its end has been checked.
#[tokio::test]
async fn in_a_process_with_a_limit_and_large_frames() {
    if respawn::words().is_none() {
        return;
    }
    let zip = Bytes::from(large_module_zip("example.com/m", "v1.0.0", SIZES[1]));
    for part in [1 << 20, zip.len() - 1, zip.len()] {
        let folder = TempDir::new().unwrap();
        let source = PlainSource::new(zip.clone()).parts_of(part).closed();
        let proxy = Proxy::of(folder.path(), source, OnMiss::Stream);
        // All of them have joined when they have their heads.
        let request = || Request::get(format!("/{KEY}")).body(()).unwrap();
        let heads = join_all((0..5).map(|_| ask(&proxy.fill, request()))).await;
        proxy.source.open();
        let bodies = join_all(heads.into_iter().map(|head| whole(head.into_body()))).await;
        for body in bodies {
            assert!(body.unwrap() == zip, "frames of {part} bytes");
        }
        proxy.fills.idle().await;
        assert_eq!(proxy.source.asked(), 1, "frames of {part} bytes");
        assert_eq!(kept::names(folder.path()), [""; 0]);
    }
}

#[tokio::test]
async fn the_disk_is_full_and_frames_are_large() {
    let test = "in_a_process_with_a_limit_and_large_frames";
    within_minutes(Respawned::start(test, &["go"], &LIMITED).passed()).await;
}

/// No test: a process that may read the folder, and write nothing into it.
#[tokio::test]
async fn in_a_process_without_permission() {
    let Some(words) = respawn::words() else {
        return;
    };
    let (folder, staging) = (Path::new(&words[0]), Path::new(&words[0]).join(".staging"));
    for size in SIZES {
        for on_miss in [OnMiss::Stream, OnMiss::Wait] {
            let case = format!("{size} bytes, {on_miss:?}");
            fs::set_permissions(&staging, fs::Permissions::from_mode(0o755)).unwrap();
            let proxy = Proxy::new(folder, size, on_miss);
            fs::set_permissions(&staging, fs::Permissions::from_mode(0o555)).unwrap();
            assert!(fs::write(staging.join("x"), "").is_err(), "it may write");
            proxy.is_harmless(&case).await;
            proxy.asks_again(STORED, &case).await;
            assert_eq!(kept::names(folder), [""; 0], "{case}");
        }
    }
}

#[tokio::test]
async fn the_staging_folder_is_read_only() {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join(".staging")).unwrap();
    let words = folder.path().to_str().unwrap();
    let process =
        Respawned::start_as_nobody("in_a_process_without_permission", &[words], folder.path());
    process.passed().await;
}
