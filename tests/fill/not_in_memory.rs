//! Stored files that the kernel has to get from the disk, first or in between.

use std::fs::File;
use std::path::Path;

use http_body_util::BodyExt as _;
use rustix::fs::{Advice, fadvise};
use tempfile::TempDir;
use tower_goproxy::Storage;
use tower_goproxy::fill::FillLayer;
use tower_goproxy::source::Area;

use super::fixtures::{MOD, ZIP, large_zip, module_file, proxy};
use super::support::kept;
use super::support::{Answer, Source, ask, get, whole};

const HIT: &str = "tower-goproxy; hit";

/// Has the kernel forget the contents of all files.
fn forget(folder: &Path) {
    for name in kept::names(folder) {
        let file = File::open(folder.join(name)).unwrap();
        file.sync_all().unwrap();
        fadvise(&file, 0, None, Advice::DontNeed).unwrap();
    }
}

#[tokio::test]
async fn a_hit_waits_for_the_disk() {
    let folder = TempDir::new().unwrap();
    let source = Source::new(|request| match &*request.path {
        MOD => Answer::new([module_file()]),
        _ => Answer::in_parts(large_zip(), 100_000),
    });
    for (path, content) in [(MOD, module_file()), (ZIP, large_zip())] {
        let layer = FillLayer::new(Storage::disk(folder.path()).unwrap()).area(Area::Included);
        let filling = proxy(&layer, &source);
        whole(ask(&filling, get(path)).await.into_body())
            .await
            .unwrap();
        layer.fills().idle().await;
        forget(folder.path());

        // Another layer has nothing in memory either.
        let layer = FillLayer::new(Storage::disk(folder.path()).unwrap()).area(Area::Included);
        let hit = ask(&proxy(&layer, &source), get(path)).await;
        assert_eq!(hit.headers()["cache-status"], HIT);
        assert!(whole(hit.into_body()).await.unwrap() == content, "{path}");
    }
}

#[tokio::test]
async fn a_body_waits_for_the_disk_in_between() {
    let folder = TempDir::new().unwrap();
    let source = Source::serving(ZIP, Answer::in_parts(large_zip(), 100_000));
    let layer = FillLayer::new(Storage::disk(folder.path()).unwrap()).area(Area::Included);
    let proxy = proxy(&layer, &source);
    whole(ask(&proxy, get(ZIP)).await.into_body())
        .await
        .unwrap();
    layer.fills().idle().await;

    let hit = ask(&proxy, get(ZIP)).await;
    assert_eq!(hit.headers()["cache-status"], HIT);
    let mut body = hit.into_body();
    let mut got = Vec::new();
    while let Some(frame) = body.frame().await {
        got.extend_from_slice(&frame.unwrap().into_data().unwrap());
        forget(folder.path());
    }
    assert!(got == large_zip());
}
