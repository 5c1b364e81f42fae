//! What becomes of a file, by what the database says of it.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::watch;
use tower_goproxy::Storage;
use tower_goproxy::fill::OnMiss;

use crate::core::{content, fetch, info};
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
