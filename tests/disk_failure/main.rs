//! A folder that takes no file: nobody gets a wrong byte, and with `OnMiss::Wait` nobody an unchecked one.
#![cfg(all(feature = "fill", unix))]

#[path = "../support/mod.rs"]
mod support;

mod proxy;

use proxy::{KEY, Proxy, SIZES};

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use bytes::Bytes;
use support::plain_source::PlainSource;
use support::respawn::{self, Respawned};
use support::{kept, large_module_zip, within_minutes};
use tempfile::TempDir;
use tower_goproxy::fill::OnMiss;

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

/// It is made again.
#[tokio::test]
async fn the_folder_is_deleted() {
    each_way(async |folder, proxy, case| {
        fs::remove_dir_all(folder.path()).unwrap();
        proxy.is_harmless(case).await;
        assert_eq!(kept::names(folder.path()), [KEY], "{case}");
        proxy.is_a_hit(case).await;
    })
    .await;
}

#[tokio::test]
async fn the_folder_is_deleted_while_it_is_filled() {
    each_way(async |folder, proxy, case| {
        let first = proxy.ask();
        // Far enough that a large file is staged, and not to the end.
        proxy.source.allow(if proxy.is_large() { 8 } else { 1 });
        while proxy.source.asked() == 0
            || (proxy.is_large() && kept::names(folder.path()).is_empty())
        {
            tokio::task::yield_now().await;
        }
        delete(folder.path());
        proxy.is_harmless(case).await;
        proxy.assert_whole(first.await.unwrap().2, case);
        // What was staged is gone with it, if it was staged by then.
        if kept::names(folder.path()).is_empty() {
            assert!(proxy.is_large(), "{case}");
            proxy.stores_again(case).await;
        }
        assert_eq!(kept::names(folder.path()), [KEY], "{case}");
        proxy.is_a_hit(case).await;
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
        match proxy.is_large() {
            true => proxy.is_not_shared(case).await,
            false => proxy.is_harmless(case).await,
        }
        assert_eq!(kept::names(folder.path()), [".staging"], "{case}");

        fs::remove_file(&staging).unwrap();
        fs::create_dir(&staging).unwrap();
        proxy.stores_again(case).await;
        assert_eq!(kept::names(folder.path()), [KEY], "{case}");
    })
    .await;
}

/// So nobody can say what is stored.
#[tokio::test]
async fn a_folder_is_where_the_file_belongs() {
    each_way(async |folder, proxy, case| {
        fs::create_dir_all(folder.path().join(KEY)).unwrap();
        proxy.is_not_shared(case).await;
        assert_eq!(kept::names(folder.path()), [""; 0], "{case}");

        fs::remove_dir(folder.path().join(KEY)).unwrap();
        proxy.stores_again(case).await;
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
        // These attach.
        proxy.is_harmless(case).await;
        proxy.assert_whole(first.await.unwrap().2, case);
        assert_eq!(proxy.source.asked(), 1, "{case}");
        assert_eq!(kept::names(folder.path()), [""; 0], "{case}");
        // It is no stored file, and cannot become one.
        proxy.is_not_shared(case).await;

        fs::remove_dir(folder.path().join(KEY)).unwrap();
        proxy.stores_again(case).await;
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
        proxy.stores_again(case).await;
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
    for on_miss in [OnMiss::Stream, OnMiss::Wait] {
        let folder = TempDir::new().unwrap();
        let case = format!("a full disk, {on_miss:?}");
        let proxy = Proxy::new(folder.path(), large, on_miss.clone());
        for _ in 0..2 {
            proxy.breaks(&case).await;
            assert_eq!(kept::names(folder.path()), [""; 0]);
        }
        // What still fits is stored.
        let proxy = Proxy::new(folder.path(), small, on_miss);
        proxy.is_harmless(&case).await;
        assert_eq!(kept::names(folder.path()), [KEY]);
    }
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

/// No test: the same, where one frame is more than the file takes. The last write may be the one that fails.
#[tokio::test]
async fn in_a_process_with_a_limit_and_large_frames() {
    if respawn::words().is_none() {
        return;
    }
    let zip = Bytes::from(large_module_zip("example.com/m", "v1.0.0", SIZES[1]));
    for on_miss in [OnMiss::Stream, OnMiss::Wait] {
        for part in [1 << 20, zip.len() - 1, zip.len()] {
            let case = format!("frames of {part} bytes, {on_miss:?}");
            let folder = TempDir::new().unwrap();
            let source = PlainSource::new(zip.clone()).parts_of(part).closed();
            let proxy = Proxy::of(folder.path(), source, on_miss.clone());
            proxy.breaks(&case).await;
            assert_eq!(kept::names(folder.path()), [""; 0], "{case}");
        }
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
            match proxy.is_large() {
                true => proxy.is_not_shared(&case).await,
                false => proxy.is_harmless(&case).await,
            }
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
