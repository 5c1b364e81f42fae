//! Publishing that hangs: a store that takes no file, a disk that does not come to an end with a sync.

use std::fs;
use std::path::Path;
use std::time::Duration;

use http::Method;
use tempfile::TempDir;
use tokio::time::Instant;
use tower_goproxy::Storage;
use tower_goproxy::fill::OnMiss;

use crate::native;
use crate::scene::{
    HIT, STORED, always, content, fetch, info, large, layer, mod_file, proxy, registry, send, small,
};
use crate::support::faulty_store::{Fault, FaultyStore, Step};
use crate::support::respawn::{self, Respawned};
use crate::support::{
    Answer, Framing, HeldStore, large_module_zip, quiet, request, within, within_minutes,
};

#[tokio::test(start_paused = true)]
async fn hits_and_new_misses_do_not_wait_for_a_store_that_takes_no_file() {
    let store = HeldStore::new();
    // Without memory each hit asks the store.
    let layer = layer(Storage::new(store.clone()).max_memory(0));
    let proxy = proxy(&layer, &registry());
    for path in [large(0), mod_file(0)] {
        fetch(&proxy, &path).await.assert_file(&path, STORED);
    }
    within(layer.fills().idle()).await;
    store.take_files(false);
    for n in 1..=400 {
        fetch(&proxy, &mod_file(n))
            .await
            .assert_file(&mod_file(n), STORED);
    }
    for n in 1..=20 {
        fetch(&proxy, &large(n))
            .await
            .assert_file(&large(n), STORED);
    }
    assert_eq!(layer.fills().running(), 420, "all of them are being stored");
    let begun = Instant::now();
    for path in [large(0), mod_file(0)] {
        fetch(&proxy, &path).await.assert_file(&path, HIT);
        let head = send(&proxy, request(Method::HEAD, &path, &[])).await;
        assert_eq!(head.cache_status(), HIT);
        let range = request(Method::GET, &path, &[("range", "bytes=3-9")]);
        send(&proxy, range).await.assert_status(206);
    }
    for path in [&info(9), &small(9), &large(99)] {
        fetch(&proxy, path).await.assert_file(path, STORED);
    }
    assert!(begun.elapsed().is_zero());
    store.take_files(true);
    within(layer.fills().idle()).await;
    fetch(&proxy, &large(20)).await.assert_file(&large(20), HIT);
}

/// A slow store gets each file once, however long it takes.
#[tokio::test(start_paused = true)]
async fn a_commit_that_takes_too_long_is_not_begun_again_while_it_runs() {
    for on_miss in [OnMiss::Stream, OnMiss::Wait] {
        let store = HeldStore::new();
        let layer = layer(Storage::new(store.clone())).on_miss(on_miss.clone());
        let source = registry();
        let proxy = proxy(&layer, &source);
        store.take_files(false);
        for n in 0..4 {
            // Each comes after the time limit of the one before.
            let got = within(fetch(&proxy, &large(0))).await;
            assert!(got.body.as_ref().unwrap() == &content(&large(0)));
            let may_say_stored = n == 0 && matches!(on_miss, OnMiss::Stream);
            assert!(may_say_stored || got.cache_status() != STORED);
            tokio::time::sleep(Duration::from_secs(400)).await;
        }
        assert_eq!(source.requests().total(), 1);
        assert_eq!(layer.fills().running(), 1);
        store.take_files(true);
        within(layer.fills().idle()).await;
        fetch(&proxy, &large(0)).await.assert_file(&large(0), HIT);
        quiet().await;
    }
}

/// It would be given up again, and so on for ever.
#[tokio::test(start_paused = true)]
async fn a_slow_upload_ends_however_much_longer_it_takes_than_its_clients_wait() {
    let kib = Duration::from_millis(100);
    for step in [Step::Part(0), Step::Part(1)] {
        let store = FaultyStore::new(step, Fault::Slow(kib));
        let limit = Duration::from_secs(5);
        let layer = layer(Storage::new(store.clone())).commit_timeout(limit);
        let zip = large_module_zip("example.com/large", "v1.0.0", 6_500_000);
        let proxy = proxy(&layer, &always(Answer::new([zip.clone()])));
        let begun = Instant::now();
        let got = fetch(&proxy, &large(0)).await;
        assert!(got.body.unwrap() == zip);
        within(layer.fills().idle()).await;
        assert!(begun.elapsed() > 20 * limit, "{:?}", begun.elapsed());
        assert_eq!(fetch(&proxy, &large(0)).await.cache_status(), HIT);
        assert_eq!((store.open_uploads(), store.aborted()), (0, 0));
    }
}

/// It has sent the file, and hears neither that it is stored nor that it is not.
#[tokio::test(start_paused = true)]
async fn a_store_that_never_says_what_has_become_of_an_upload_keeps_no_fill_for_ever() {
    let store = FaultyStore::new(Step::Complete, Fault::Fail).then(Step::LookUp, Fault::Stall);
    let layer = layer(Storage::new(store.clone()));
    let zip = large_module_zip("example.com/large", "v1.0.0", 6_500_000);
    let proxy = proxy(&layer, &always(Answer::new([zip.clone()])));
    assert!(fetch(&proxy, &large(0)).await.body.unwrap() == zip);
    within(layer.fills().idle()).await;
    assert_eq!(store.struck(), 2);
}

/// No test: a process whose syncs hang as long as the file is there that the words name.
#[tokio::test]
async fn in_a_process_whose_syncs_hang() {
    let Some(words) = respawn::words() else {
        return;
    };
    let (folder, gate) = (TempDir::new().unwrap(), Path::new(&words[0]));
    let layer = layer(Storage::disk(folder.path()).unwrap().max_memory(0));
    let proxy = proxy(&layer, &registry());
    for path in [large(0), mod_file(0)] {
        fetch(&proxy, &path).await.assert_file(&path, STORED);
    }
    layer.fills().idle().await;
    fs::write(gate, "").unwrap();
    for n in 1..=100 {
        fetch(&proxy, &mod_file(n))
            .await
            .assert_file(&mod_file(n), STORED);
    }
    for n in 1..=100 {
        fetch(&proxy, &large(n))
            .await
            .assert_file(&large(n), STORED);
    }
    assert_eq!(layer.fills().running(), 200, "all of them are being stored");
    for path in [large(0), mod_file(0)] {
        forget_in_page_cache(&folder.path().join(crate::scene::key(&path)));
        fetch(&proxy, &path).await.assert_file(&path, HIT);
        forget_in_page_cache(&folder.path().join(crate::scene::key(&path)));
        let head = send(&proxy, request(Method::HEAD, &path, &[])).await;
        assert_eq!(head.cache_status(), HIT);
    }
    for path in [&info(9), &small(9), &large(999)] {
        fetch(&proxy, path).await.assert_file(path, STORED);
    }
    assert_eq!(layer.fills().running(), 203);
    fs::remove_file(gate).unwrap();
    layer.fills().idle().await;
    fetch(&proxy, &large(100))
        .await
        .assert_file(&large(100), HIT);
}

/// So that a hit has to wait for the disk, if it is one.
fn forget_in_page_cache(path: &Path) {
    #[cfg(target_os = "linux")]
    {
        let file = fs::File::open(path).unwrap();
        rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
    }
    let _ = path;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn hits_and_new_misses_do_not_wait_for_a_disk_whose_syncs_hang() {
    let folder = TempDir::new().unwrap();
    let library = native::library(folder.path(), "hanging_sync");
    let gate = folder.path().join("gate");
    let preload = format!("LD_PRELOAD={}", library.display());
    let hangs = format!("HANGS_WHILE={}", gate.display());
    let process = Respawned::start(
        "publishing::in_a_process_whose_syncs_hang",
        &[gate.to_str().unwrap()],
        &["env", &preload, &hangs],
    );
    within_minutes(process.passed()).await;
}

/// No test: a process on a file system that has no hard links, no rename that replaces nothing, no locks and no way to
/// reserve space.
#[tokio::test]
async fn in_a_process_on_a_poor_file_system() {
    if respawn::words().is_none() {
        return;
    }
    let folder = TempDir::new().unwrap();
    let (a, b) = (folder.path().join("a"), folder.path().join("b"));
    fs::write(&a, "").unwrap();
    assert!(fs::hard_link(&a, &b).is_err(), "this file system has links");
    assert!(
        fs::File::open(&a).unwrap().lock().is_err(),
        "this file system has locks"
    );
    fs::remove_file(&a).unwrap();
    for on_miss in [OnMiss::Stream, OnMiss::Wait] {
        let storage = Storage::disk(folder.path()).unwrap();
        let layer = layer(storage).on_miss(on_miss);
        let proxy = proxy(&layer, &registry());
        let mut names = Vec::new();
        for path in [large(0), small(0), mod_file(0), info(0)] {
            fetch(&proxy, &path).await.assert_file(&path, STORED);
            layer.fills().idle().await;
            fetch(&proxy, &path).await.assert_file(&path, HIT);
            names.push(crate::scene::key(&path).to_owned());
        }
        names.sort();
        assert_eq!(crate::support::kept::names(folder.path()), names);
        fs::remove_dir_all(folder.path().join("example.com")).unwrap();
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_file_system_without_links_and_locks_keeps_files_all_the_same() {
    let folder = TempDir::new().unwrap();
    let program = native::program(folder.path(), "poor_file_system");
    let process = Respawned::start(
        "publishing::in_a_process_on_a_poor_file_system",
        &["go"],
        &[program.to_str().unwrap()],
    );
    within_minutes(process.passed()).await;
}

#[tokio::test(start_paused = true)]
async fn an_upload_of_a_file_that_becomes_too_large_is_thrown_away_before_its_fill_is_over() {
    let store = FaultyStore::new(Step::Abort, Fault::Slow(Duration::from_secs(1)));
    let layer = layer(Storage::new(store.clone())).max_zip_size(2 << 20);
    let zip = large_module_zip("example.com/large", "v1.0.0", 6_500_000);
    let answer = Answer::in_parts(zip.clone(), 100_000).framing(Framing::Chunked);
    let got = fetch(&proxy(&layer, &always(answer)), &large(0)).await;
    assert!(got.body.unwrap() == zip);
    within_minutes(layer.fills().idle()).await;
    assert_eq!((store.open_uploads(), store.aborted()), (0, 1));
}
