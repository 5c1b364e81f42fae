//! Files that were kept without their checksum: looked up again behind a hit, and removed if they are wrong.

use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use object_store::ObjectStore as _;
use object_store::memory::InMemory;
use tower_goproxy::fill::OnMiss;
use tower_goproxy::{Storage, Target};

use crate::core::{HIT, content, fetch};
use crate::database::{Database, EMPTY_MOD, EMPTY_ZIP};
use crate::outcomes::true_database;
use crate::scene::{MOD, Scene, ZIP, sumdb};
use crate::support::quiet;

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
        object_store::ObjectStoreExt::delete(&store, &mark)
            .await
            .unwrap();
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
