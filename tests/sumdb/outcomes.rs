//! What becomes of a file, by what the database says of it.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::watch;
use tower::Layer as _;
use tower_goproxy::Storage;
use tower_goproxy::fill::{FillLayer, OnMiss};
use tower_goproxy::source::Area;

use crate::check::whole;
use crate::core::{content, fetch, in_parts, info, large};
use crate::database::{Database, EMPTY_MOD, EMPTY_ZIP};
use crate::scene::{LARGE, MOD, Scene, ZIP, add_true_records, sumdb};
use crate::support::{quiet, within};

const LOOKUP: &str = "lookup/example.com/m@v1.0.0";

pub async fn true_database() -> Database {
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

/// There may be better ones one day.
#[tokio::test]
async fn hashes_of_other_kinds_mean_nothing() {
    let database = Database::with_records(3);
    let zip = whole(ZIP, &content(ZIP)).await.unwrap().unwrap();
    let line = "example.com/m v1.0.0";
    let record = format!("{line} h2:x\n{line} {zip}\n{line} h1:later\n{line}/go.mod h2:x\n");
    database.add_record("example.com/m@v1.0.0", record);
    let scene = Scene::with(sumdb(&database), OnMiss::Wait);
    scene.get(ZIP).await.assert_status(200);
    let got = scene.get(MOD).await;
    got.assert_status(502);
    assert!(got.text().contains("checksum missing"), "{}", got.text());
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

/// So that its answer is there when the last byte comes.
#[tokio::test(start_paused = true)]
async fn the_look_up_starts_with_the_file() {
    let database = true_database().await;
    let (source, gate) = in_parts();
    let layer = FillLayer::new(Storage::memory()).area(Area::Included);
    let layer = layer.verify(sumdb(&database));
    let proxy = layer.layer(source);
    let client = tokio::spawn(async move { fetch(&proxy, LARGE).await });
    gate.allow(1);
    quiet().await;
    let asked = database.requests();
    assert!(
        asked.contains(&"lookup/example.com/large@v1.0.0".to_owned()),
        "{asked:?}"
    );
    gate.open();
    assert!(within(client).await.unwrap().body.is_ok());
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
    database.set_silent(|path| path.contains("slow.example"));
    let storage = Storage::memory();
    let sumdb = sumdb(&database).storage(storage.clone()).require();
    let proxy = crate::proxied::proxy([sumdb.clone()]);
    let look_up = |name: String| {
        let proxy = proxy.clone();
        let path = format!("/sumdb/sum.example/lookup/{name}@v1.0.0");
        tokio::spawn(async move { crate::proxied::get(&proxy, &path).await })
    };
    let strangers: Vec<_> = (0..2000)
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

/// Those who look up verified modules need no place. Others are told in time that there is none.
#[tokio::test(start_paused = true)]
async fn strangers_who_hold_all_places_let_no_client_wait_for_ever() {
    let database = true_database().await;
    let storage = Storage::memory();
    let sumdb = sumdb(&database).storage(storage.clone());
    let proxy = crate::proxied::proxy([sumdb.clone()]);
    Scene::over(storage, sumdb, OnMiss::Wait)
        .get(ZIP)
        .await
        .assert_status(200);
    database.set_silent(|path| path.contains("slow.example"));
    let look_up = |name: String| {
        let proxy = proxy.clone();
        let path = format!("/sumdb/sum.example/lookup/{name}@v1.0.0");
        tokio::spawn(async move { crate::proxied::get(&proxy, &path).await })
    };
    for wave in 0..2 {
        for number in 0..16 {
            look_up(format!("slow.example/w{wave}m{number}"));
        }
        quiet().await;
        tokio::time::advance(Duration::from_secs(20)).await;
    }
    let start = tokio::time::Instant::now();
    let known = within(look_up("example.com/m".to_owned())).await.unwrap();
    assert_eq!((known.0, start.elapsed()), (200, Duration::ZERO));
    let (status, text) = within(look_up("example.com/m1".to_owned())).await.unwrap();
    let text = String::from_utf8_lossy(&text);
    assert_eq!((status, start.elapsed().as_secs()), (502, 60), "{text}");
    assert!(text.contains("too many requests"), "{text}");
}

/// Nor by names that it takes long to find.
#[tokio::test(start_paused = true)]
async fn a_slow_look_up_of_a_stranger_does_not_make_the_database_away() {
    let database = true_database().await;
    database.set_silent(|path| path.contains("slow.example"));
    let storage = Storage::memory();
    let sumdb = sumdb(&database).storage(storage.clone());
    let proxy = crate::proxied::proxy([sumdb.clone()]);
    let path = "/sumdb/sum.example/lookup/slow.example/m@v1.0.0";
    assert_eq!(crate::proxied::get(&proxy, path).await.0, 502);
    let scene = Scene::over(storage, sumdb.require(), OnMiss::Wait);
    scene.get(ZIP).await.assert_status(200);
}

/// Nor by asking for all its tiles.
#[tokio::test(start_paused = true)]
async fn tiles_of_strangers_hold_up_no_file() {
    let database = true_database().await;
    for number in 5..40 * 256 {
        database.add(&format!("a.b/n{number}"), "v1.0.0", EMPTY_ZIP, EMPTY_MOD);
    }
    database.set_silent(|path| path.starts_with("tile/8/0/") && path != "tile/8/0/000");
    let storage = Storage::memory();
    let sumdb = sumdb(&database).storage(storage.clone()).require();
    let proxy = crate::proxied::proxy([sumdb.clone()]);
    for number in 1..40 {
        let (proxy, path) = (
            proxy.clone(),
            format!("/sumdb/sum.example/tile/8/0/{number:03}"),
        );
        tokio::spawn(async move { crate::proxied::get(&proxy, &path).await });
    }
    quiet().await;
    let asked = database.requests();
    let slow = asked.iter().filter(|path| path.starts_with("tile/8/0/"));
    assert_eq!(slow.count(), 16, "{asked:?}");
    let scene = Scene::over(storage, sumdb, OnMiss::Wait);
    let start = tokio::time::Instant::now();
    scene.get(ZIP).await.assert_status(200);
    assert_eq!(start.elapsed(), Duration::ZERO);
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

#[tokio::test(start_paused = true)]
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
