//! Files that were kept without their checksum: looked up again behind a hit, and removed if they are wrong.

use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use object_store::memory::InMemory;
use object_store::{ObjectStore as _, ObjectStoreExt as _};
use tokio::time::Instant;
use tower_goproxy::fill::OnMiss;
use tower_goproxy::{Storage, Target};

use crate::core::{HIT, content, fetch, key, large};
use crate::database::{Database, EMPTY_MOD, EMPTY_ZIP};
use crate::outcomes::true_database;
use crate::scene::{LARGE, MOD, Scene, ZIP, sumdb};
use crate::support::quiet;

const MARKS: &str = "@records/sumdb/sum.example/unverified";

#[tokio::test(start_paused = true)]
async fn a_file_that_was_kept_is_looked_up_again_behind_a_hit() {
    let database = Database::with_records(3);
    database.set_away(true);
    let scene = Scene::new(sumdb(&database));
    for path in [MOD, ZIP] {
        scene.get(path).await.assert_status(200);
    }
    database.set_away(false);
    let hash = crate::check::whole(MOD, &content(MOD))
        .await
        .unwrap()
        .unwrap();
    database.add("example.com/m", "v1.0.0", EMPTY_ZIP, &hash);
    // It is not known as away any more.
    tokio::time::advance(Duration::from_secs(120)).await;
    let asked = database.requests().len();
    for path in [MOD, ZIP] {
        scene.get(path).await.assert_status(200);
        quiet().await;
    }
    assert_eq!(
        database.requests().len(),
        asked,
        "not before an hour is over"
    );
    tokio::time::advance(Duration::from_secs(3601)).await;
    for path in [MOD, ZIP] {
        fetch(&scene.proxy, path).await.assert_status(200);
        quiet().await;
        quiet().await;
    }
    assert!(scene.has(MOD).await, "it is the one of the database");
    assert!(!scene.has(ZIP).await, "it is not, and was removed");
    scene.get(ZIP).await.assert_status(502);
}

/// However often it is requested, and until the database knows it.
#[tokio::test(start_paused = true)]
async fn a_file_that_stays_unknown_is_looked_up_once_an_hour() {
    let database = Database::with_records(3);
    let scene = Scene::new(sumdb(&database));
    scene.get(ZIP).await.assert_status(200);
    for third in 1..9 {
        tokio::time::advance(Duration::from_secs(1201)).await;
        fetch(&scene.proxy, ZIP).await.assert_file(ZIP, HIT);
        settled().await;
        let asked = database.requests();
        assert_eq!(asked.len(), 1 + third / 3, "{asked:?}");
    }
    database.add("example.com/m", "v1.0.0", EMPTY_ZIP, EMPTY_MOD);
    tokio::time::advance(Duration::from_secs(1201)).await;
    fetch(&scene.proxy, ZIP).await.assert_file(ZIP, HIT);
    settled().await;
    assert!(!scene.has(ZIP).await);
}

/// Also one that an earlier process has kept.
#[tokio::test(start_paused = true)]
async fn a_mark_outlives_the_process() {
    let database = Database::with_records(3);
    database.set_away(true);
    let storage = Storage::memory();
    let kept = Scene::over(
        storage.clone(),
        sumdb(&database).storage(storage.clone()),
        OnMiss::Stream,
    );
    kept.get(ZIP).await.assert_status(200);
    database.set_away(false);
    database.add("example.com/m", "v1.0.0", EMPTY_ZIP, EMPTY_MOD);
    let scene = Scene::over(
        storage.clone(),
        sumdb(&database).storage(storage),
        OnMiss::Stream,
    );
    // The first hit reads the marks, the second one finds its own.
    for _ in 0..3 {
        fetch(&scene.proxy, ZIP).await;
        quiet().await;
        quiet().await;
    }
    assert!(!scene.has(ZIP).await);
}

/// Of a registry with many modules that the database will never know.
#[tokio::test(start_paused = true)]
async fn very_many_marks_hide_no_file() {
    let database = Database::with_records(3);
    let (store, scene) = with_a_mark(&database).await;
    for number in 0..100_000 {
        let path = format!("{MARKS}/a.example/m{number}/@v/v1.0.0.zip");
        store.put(&path.into(), "h1:x".into()).await.unwrap();
    }
    // Of the process before, and of this one.
    let (storage, path) = (Storage::new(Arc::clone(&store)), LARGE);
    let restarted = sumdb(&database).storage(storage.clone());
    let restarted = Scene::over(storage, restarted, OnMiss::Stream);
    fetch(&restarted.proxy, ZIP).await.assert_file(ZIP, HIT);
    settled().await;
    database.set_away(true);
    restarted.get(path).await.assert_status(200);
    database.set_away(false);
    drop(scene);
    for module in ["example.com/m", "example.com/large"] {
        database.add(module, "v1.0.0", EMPTY_ZIP, EMPTY_MOD);
    }
    tokio::time::advance(Duration::from_secs(3601)).await;
    for path in [ZIP, LARGE] {
        for _ in 0..2 {
            fetch(&restarted.proxy, path).await;
            settled().await;
        }
        assert!(!restarted.has(path).await, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn files_that_are_looked_up_again_hold_up_no_new_one() {
    let database = true_database().await;
    database.set_silent(|path| path.starts_with("lookup/example.com/large@v1"));
    let storage = Storage::memory();
    let sumdb = sumdb(&database).storage(storage.clone());
    let scene = Scene::over(storage.clone(), sumdb.clone(), OnMiss::Stream);
    let kept: Vec<_> = (1..60).map(large).collect();
    for path in &kept {
        scene.get(path).await.assert_status(200);
    }
    tokio::time::advance(Duration::from_secs(3601)).await;
    for path in &kept {
        fetch(&scene.proxy, path).await.assert_file(path, HIT);
    }
    settled().await;
    let scene = Scene::over(storage, sumdb.require(), OnMiss::Wait);
    let start = Instant::now();
    scene.get(ZIP).await.assert_status(200);
    assert_eq!(start.elapsed(), Duration::ZERO);
}

async fn settled() {
    for _ in 0..10 {
        quiet().await;
    }
}

/// A store with the zip, which was kept while the database was away, and who has kept it.
async fn with_a_mark(database: &Database) -> (Arc<InMemory>, Scene) {
    let store = Arc::new(InMemory::new());
    let storage = Storage::new(Arc::clone(&store));
    let sumdb = sumdb(database).storage(storage.clone());
    let scene = Scene::over(storage, sumdb, OnMiss::Stream);
    database.set_away(true);
    scene.get(ZIP).await.assert_status(200);
    database.set_away(false);
    assert_eq!(marks(&store).await.len(), 1);
    // Also known as away no longer.
    tokio::time::advance(Duration::from_secs(3601)).await;
    (store, scene)
}

async fn marks(store: &InMemory) -> Vec<object_store::path::Path> {
    let all: Vec<_> = store.list(None).try_collect().await.unwrap();
    let mut paths: Vec<_> = all.into_iter().map(|found| found.location).collect();
    paths.retain(|path| path.as_ref().contains("/unverified/"));
    paths
}

async fn hits(scene: &Scene) {
    for _ in 0..3 {
        fetch(&scene.proxy, ZIP).await.assert_file(ZIP, HIT);
        quiet().await;
        quiet().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_is_not_removed_for_a_mark_that_cannot_be_read() {
    let database = true_database().await;
    let (store, scene) = with_a_mark(&database).await;
    for mark in marks(&store).await {
        store.delete(&mark).await.unwrap();
    }
    hits(&scene).await;
}

#[tokio::test(start_paused = true)]
async fn a_module_that_has_become_private_is_not_looked_up_again() {
    let database = true_database().await;
    let (store, _) = with_a_mark(&database).await;
    let storage = Storage::new(store);
    let private = sumdb(&database)
        .storage(storage.clone())
        .exclude("example.com/m");
    let asked = database.requests();
    hits(&Scene::over(storage, private, OnMiss::Stream)).await;
    assert_eq!(database.requests(), asked);
}

#[tokio::test(start_paused = true)]
async fn a_mark_goes_when_a_new_file_is_confirmed() {
    let database = true_database().await;
    let (store, scene) = with_a_mark(&database).await;
    hits(&scene).await;
    assert_eq!(marks(&store).await, []);
    let (store, scene) = with_a_mark(&database).await;
    let (storage, zip) = (
        Storage::new(Arc::clone(&store)),
        Target::parse(ZIP).unwrap().unwrap(),
    );
    storage.remove(&zip, "as the test wants").await.unwrap();
    storage.restore(&zip).await.unwrap();
    scene.get(ZIP).await.assert_status(200);
    assert_eq!(marks(&store).await, []);
}

/// Else the new file would be removed for the hash of the old one.
#[tokio::test(start_paused = true)]
async fn a_mark_of_an_earlier_process_goes_too() {
    let database = true_database().await;
    let (store, _) = with_a_mark(&database).await;
    let storage = Storage::new(Arc::clone(&store));
    let zip = Target::parse(ZIP).unwrap().unwrap();
    storage.remove(&zip, "as the test wants").await.unwrap();
    storage.restore(&zip).await.unwrap();
    let sumdb = sumdb(&database).storage(storage.clone());
    let scene = Scene::over(storage, sumdb, OnMiss::Stream);
    scene.get(ZIP).await.assert_status(200);
    assert_eq!(marks(&store).await, []);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_stored_nowhere_has_no_mark() {
    let (database, folder) = (Database::with_records(3), tempfile::tempdir().unwrap());
    let store = Arc::new(InMemory::new());
    let storage = Storage::new(Arc::clone(&store));
    let storage = storage.local_folder(folder.path(), 0).unwrap();
    let sumdb = sumdb(&database).storage(storage.clone());
    let scene = Scene::over(storage, sumdb, OnMiss::Stream);
    assert!(scene.get(LARGE).await.body.is_ok());
    assert_eq!(marks(&store).await, []);
}

/// Another area may have another module of the same name, which the database was never asked about.
#[tokio::test(start_paused = true)]
async fn only_copies_of_the_file_that_was_kept_are_removed() {
    let database = Database::with_records(3);
    let (store, scene) = with_a_mark(&database).await;
    database.set_away(true);
    scene.get(MOD).await.assert_status(200);
    database.set_away(false);
    for path in [MOD, ZIP, &format!("{ZIP}hash")] {
        let kept = store.get(&key(path).into()).await.unwrap();
        let kept = kept.bytes().await.unwrap();
        for (area, content) in [("@private", kept), ("@direct", "another one".into())] {
            let copy = format!("{area}{path}");
            store.put(&copy.into(), content.into()).await.unwrap();
        }
    }
    database.add("example.com/m", "v1.0.0", EMPTY_ZIP, EMPTY_MOD);
    tokio::time::advance(Duration::from_secs(3601)).await;
    for path in [MOD, ZIP] {
        for _ in 0..3 {
            fetch(&scene.proxy, path).await;
            settled().await;
        }
    }
    let all: Vec<_> = store.list(None).try_collect().await.unwrap();
    let mut left: Vec<_> = all.iter().map(|found| found.location.to_string()).collect();
    left.retain(|path| !path.starts_with("@records/"));
    left.sort();
    let direct = [MOD, ZIP, &format!("{ZIP}hash")].map(|path| format!("@direct{path}"));
    assert_eq!(left, direct);
}

/// There is nothing that it could remove.
#[tokio::test(start_paused = true)]
async fn without_a_storage_of_its_own_nothing_is_looked_up_again() {
    let database = Database::with_records(3);
    let scene = Scene::over(Storage::memory(), sumdb(&database), OnMiss::Stream);
    scene.get(ZIP).await.assert_status(200);
    database.add("example.com/m", "v1.0.0", EMPTY_ZIP, EMPTY_MOD);
    let asked = database.requests();
    tokio::time::advance(Duration::from_secs(3601)).await;
    hits(&scene).await;
    assert_eq!(database.requests(), asked);
}
