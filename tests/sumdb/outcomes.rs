//! What becomes of a file, by what the database says of it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use futures_util::future::join_all;
use object_store::ObjectStore as _;
use object_store::memory::InMemory;
use tokio::sync::watch;
use tower_goproxy::fill::OnMiss;
use tower_goproxy::{Storage, Target};

use crate::core::{content, fetch, info, large};
use crate::database::{Database, EMPTY_MOD, EMPTY_ZIP};
use crate::scene::{LARGE, MOD, Scene, ZIP, add_true_records, sumdb};
use crate::support::{quiet, within};

const LOOKUP: &str = "lookup/example.com/m@v1.0.0";

async fn true_database() -> Database {
    let database = Database::with_records(3);
    add_true_records(&database).await;
    database
}

#[tokio::test]
async fn what_the_database_has_is_stored() {
    let database = true_database().await;
    let scene = Scene::new(sumdb(&database));
    for path in [MOD, ZIP, LARGE, &info(0)] {
        assert_eq!(scene.get(path).await.body.unwrap(), content(path));
        assert!(scene.has(path).await, "{path}");
    }
    let asked = database.requests();
    let look_ups = asked.iter().filter(|path| *path == LOOKUP).count();
    assert_eq!(look_ups, 1, "zip and go.mod share a look-up: {asked:?}");
}

#[tokio::test]
async fn what_it_has_otherwise_is_refused_with_both_hashes() {
    for on_miss in [OnMiss::Wait, OnMiss::Stream] {
        let database = Database::with_records(3);
        for module in ["example.com/m", "example.com/large"] {
            database.add(module, "v1.0.0", EMPTY_ZIP, EMPTY_MOD);
        }
        let scene = Scene::with(sumdb(&database), on_miss);
        for path in [MOD, ZIP] {
            let got = scene.get(path).await;
            got.assert_status(502);
            let hash = if path == MOD { EMPTY_MOD } else { EMPTY_ZIP };
            assert!(got.text().contains("checksum mismatch"), "{}", got.text());
            assert!(got.text().contains(hash), "{}", got.text());
            assert!(!scene.has(path).await);
        }
        let got = scene.get(LARGE).await;
        assert!(got.status == 502 || got.body.is_err());
        // Whoever requests it next is told why.
        let got = scene.get(LARGE).await;
        got.assert_status(502);
        assert!(got.text().contains("checksum mismatch"), "{}", got.text());
        assert!(!scene.has(LARGE).await);
    }
}

/// The hash of what passes by is compared, although nothing of it is stored.
#[tokio::test(start_paused = true)]
async fn what_passes_without_room_is_compared_before_its_end() {
    for is_true in [true, false] {
        let database = Database::with_records(3);
        match is_true {
            true => add_true_records(&database).await,
            false => database.add("example.com/large", "v1.0.0", EMPTY_ZIP, EMPTY_MOD),
        }
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::memory().local_folder(folder.path(), 0).unwrap();
        let scene = Scene::over(storage, sumdb(&database), OnMiss::Stream);
        let got = scene.get(LARGE).await;
        got.assert_status(200);
        assert_eq!(got.body.is_ok(), is_true, "{:?}", got.body);
        assert!(!scene.has(LARGE).await);
    }
}

/// They are told apart from records that say something else.
#[tokio::test(start_paused = true)]
async fn what_it_does_not_know_is_kept_or_refused_as_set() {
    for (away, text) in [(false, "404"), (true, "cannot be reached")] {
        let database = Database::with_records(3);
        database.set_away(away);
        let scene = Scene::new(sumdb(&database));
        for path in [MOD, ZIP, LARGE] {
            assert_eq!(scene.get(path).await.body.unwrap(), content(path));
            assert!(scene.has(path).await, "{path}");
        }
        let scene = Scene::with(sumdb(&database).require(), OnMiss::Wait);
        for path in [MOD, ZIP, LARGE] {
            let got = scene.get(path).await;
            got.assert_status(502);
            assert!(got.text().contains(text), "{}", got.text());
            assert!(!scene.has(path).await);
        }
    }
}

#[tokio::test]
async fn excluded_modules_are_not_looked_up() {
    let database = Database::with_records(3);
    database.add("example.com/m", "v1.0.0", EMPTY_ZIP, EMPTY_MOD);
    let scene = Scene::new(sumdb(&database).exclude("other.example,*.com/m"));
    scene.get(ZIP).await.assert_status(200);
    assert!(scene.has(ZIP).await);
    assert_eq!(database.requests(), [""; 0]);
}

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
        fetch(&scene.proxy, ZIP).await.assert_status(200);
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
    assert!(scene.has(ZIP).await);
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

#[tokio::test(start_paused = true)]
async fn a_slow_database_is_waited_for_no_longer_than_set() {
    let database = true_database().await;
    let gate = watch::Sender::new(false);
    database.set_gate(&gate);
    let scene = Scene::new(sumdb(&database).max_wait(Duration::from_secs(7)));
    let start = tokio::time::Instant::now();
    assert_eq!(scene.get(ZIP).await.body.unwrap(), content(ZIP));
    assert_eq!(start.elapsed().as_secs(), 7);
    assert!(scene.has(ZIP).await);
}

/// A zip that only waits for the database holds up no other one.
#[tokio::test(start_paused = true)]
async fn many_large_files_wait_for_a_slow_database_at_the_same_time() {
    let database = true_database().await;
    let gate = watch::Sender::new(false);
    database.set_gate(&gate);
    let scene = Scene::new(sumdb(&database).max_wait(Duration::from_secs(7)));
    let start = tokio::time::Instant::now();
    let paths: Vec<_> = (0..20).map(large).collect();
    for got in join_all(paths.iter().map(|path| fetch(&scene.proxy, path))).await {
        assert!(got.body.is_ok());
    }
    assert_eq!(start.elapsed().as_secs(), 7);
}

/// Nobody gets files past the database by keeping it busy.
#[tokio::test(start_paused = true)]
async fn look_ups_of_strangers_hold_up_no_file() {
    let database = true_database().await;
    database.set_silent("slow.example");
    let storage = Storage::memory();
    let sumdb = sumdb(&database).storage(storage.clone()).require();
    let proxy = crate::proxied::proxy([sumdb.clone()]);
    let look_up = |name: String| {
        let proxy = proxy.clone();
        let path = format!("/sumdb/sum.example/lookup/{name}@v1.0.0");
        tokio::spawn(async move { crate::proxied::get(&proxy, &path).await })
    };
    let strangers: Vec<_> = (0..200)
        .map(|number| look_up(format!("slow.example/m{number}")))
        .collect();
    quiet().await;
    let scene = Scene::over(storage, sumdb, OnMiss::Wait);
    let start = tokio::time::Instant::now();
    scene.get(ZIP).await.assert_status(200);
    assert_eq!(start.elapsed(), Duration::ZERO);
    // Whoever leaves leaves no work behind.
    strangers.iter().for_each(|stranger| stranger.abort());
    quiet().await;
    let (status, _) = within(look_up("example.com/m1".to_owned())).await.unwrap();
    assert_eq!(status, 200);
    let asked = database.requests();
    let slow = asked.iter().filter(|path| path.contains("slow")).count();
    assert!(slow < 32, "{slow}");
}

#[tokio::test(start_paused = true)]
async fn a_database_known_as_away_is_not_waited_for() {
    let database = true_database().await;
    database.set_away(true);
    let scene = Scene::new(sumdb(&database));
    scene.get(MOD).await.assert_status(200);
    let gate = watch::Sender::new(false);
    database.set_gate(&gate);
    database.set_away(false);
    let start = tokio::time::Instant::now();
    scene.get(ZIP).await.assert_status(200);
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn many_files_of_one_version_share_a_look_up() {
    let database = true_database().await;
    let gate = watch::Sender::new(false);
    database.set_gate(&gate);
    let sumdb = sumdb(&database);
    let scenes: Vec<Scene> = (0..20)
        .map(|_| Scene::over(Storage::memory(), sumdb.clone(), OnMiss::Wait))
        .collect();
    let clients = join_all(scenes.iter().map(|scene| scene.get(ZIP)));
    let open = async {
        quiet().await;
        gate.send_replace(true);
    };
    let (got, ()) = within(async { tokio::join!(clients, open) }).await;
    for got in got {
        got.assert_status(200);
    }
    let mut asked = database.requests();
    asked.sort();
    assert_eq!(asked, [LOOKUP, "tile/8/0/000.p/5"]);
}

/// It grows between two look-ups: what was seen is the beginning of what comes.
#[tokio::test]
async fn a_database_grows() {
    let database = true_database().await;
    let storage = Storage::memory();
    for round in 0..3 {
        let scene = Scene::over(
            Storage::memory(),
            sumdb(&database).storage(storage.clone()),
            OnMiss::Wait,
        );
        for path in [MOD, LARGE] {
            scene.get(path).await.assert_status(200);
        }
        for number in 0..150 {
            database.add(
                &format!("example.com/r{round}n{number}"),
                "v1.0.0",
                EMPTY_ZIP,
                EMPTY_MOD,
            );
        }
        let added = format!("example.com/r{round}n149");
        let sumdb = sumdb(&database).storage(storage.clone());
        let proxy = crate::proxied::proxy([sumdb]);
        let path = format!("/sumdb/sum.example/lookup/{added}@v1.0.0");
        assert_eq!(crate::proxied::get(&proxy, &path).await.0, 200);
    }
}
