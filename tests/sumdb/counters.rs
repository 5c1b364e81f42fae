//! What dashboards show of a checksum database.
#![cfg(feature = "metrics")]

use tower_goproxy::Storage;
use tower_goproxy::fill::OnMiss;

use crate::database::Database;
use crate::outcomes::true_database;
use crate::scene::{LARGE, MOD, Scene, ZIP, sumdb};
use crate::support::counters::counted;

#[tokio::test(start_paused = true)]
async fn files_that_it_does_not_confirm() {
    for is_away in [false, true] {
        let count = counted(async {
            let database = Database::with_records(3);
            database.set_away(is_away);
            let scene = Scene::new(sumdb(&database));
            for path in [MOD, ZIP] {
                scene.get(path).await.assert_status(200);
            }
        });
        let count = count.await;
        assert_eq!(count("goproxy_sumdb_unverified_total"), 2);
        assert_eq!(count("goproxy_rejected_total"), 0);
        assert_eq!(count("goproxy_sumdb_lies_total"), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_lie_and_two_histories() {
    let count = counted(async {
        let (storage, database) = (Storage::memory(), true_database().await);
        let known = sumdb(&database).storage(storage.clone());
        let scene = Scene::over(storage.clone(), known, OnMiss::Wait);
        scene.get(ZIP).await.assert_status(200);
        let forked = Database::with_records(9);
        let restarted = sumdb(&forked).storage(storage.clone());
        let scene = Scene::over(storage, restarted, OnMiss::Wait);
        forked.add("example.com/large", "v1.0.0", "h1:x", "h1:x");
        scene.get(LARGE).await.assert_status(502);
    });
    let count = count.await;
    // After the file has come, and mostly before it too.
    for name in ["goproxy_sumdb_forks_total", "goproxy_sumdb_lies_total"] {
        assert!((1..=2).contains(&count(name)), "{name}: {}", count(name));
    }
    assert_eq!(count("goproxy_rejected_total"), 1);
    assert_eq!(count("goproxy_sumdb_unverified_total"), 0);
}
