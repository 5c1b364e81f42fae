//! The hash beside a zip is that of the zip, so that no check removes a right one for it.

use std::sync::Arc;

use http::Method;
use tower_goproxy::check::{Check, Remove};
use tower_goproxy::fill::OnMiss;
use tower_goproxy::{Storage, Target};

use crate::core::{
    Got, STORED, always, content, fetch, key, large, layer, proxy, registry, small, spawn,
};
use crate::meanwhile::Meanwhile;
use crate::scene::{assert_said, both, rest, start};
use crate::support::{Answer, Gate, Recorded, Source, large_module_zip, module_zip, within};

/// Another zip of the same version, which is right too.
fn other(path: &str) -> Vec<u8> {
    let target = Target::parse(path).unwrap().unwrap();
    let (module, version) = (target.module().to_string(), target.version().unwrap());
    match module.ends_with("large") {
        true => large_module_zip(&module, &version.unescaped(), 1_200_000),
        false => module_zip(&module, &version.unescaped(), &[("b.go", b"package b\n")]),
    }
}

async fn assert_good(storage: Storage, path: &str) {
    let check = Check::new(storage).remove(Remove::Wrong);
    let (files, _) = rest(&mut start(check).await).await;
    assert_said(&files, key(path), "good");
}

/// A tag was moved between the requests of two processes.
#[tokio::test]
async fn the_slower_of_two_processes_does_not_replace_the_hash_of_the_other_zip() {
    for kept in both() {
        for path in [small(0), large(0)] {
            let gate = Gate::closed();
            let held = gate.clone();
            let moved = Source::new(move |request: &Recorded| {
                Answer::new([other(&request.path)]).withheld(&held)
            });
            let slower = layer(kept.storage()).on_miss(OnMiss::Wait);
            let client = spawn(&proxy(&slower, &moved), Method::GET, &path);
            within(async {
                while moved.requests().count(&path) == 0 {
                    tokio::task::yield_now().await;
                }
            })
            .await;
            let faster = layer(kept.storage());
            fetch(&proxy(&faster, &registry()), &path)
                .await
                .assert_file(&path, STORED);
            within(faster.fills().idle()).await;
            gate.open();
            client.await.unwrap().assert_status(200);
            within(slower.fills().idle()).await;
            assert_eq!(kept.read(key(&path)).await, content(&path));
            assert_good(kept.storage(), &path).await;
        }
    }
}

/// Somebody has deleted a zip by hand, and the storage then takes the new one without its hash.
#[tokio::test]
async fn a_hash_that_cannot_be_written_leaves_none_of_an_older_zip() {
    for path in [small(0), large(0)] {
        let store = Meanwhile::default();
        let storage = || Storage::new(store.clone());
        let fill = async |source: &Source| -> Got {
            let layer = layer(storage());
            let got = fetch(&proxy(&layer, source), &path).await;
            within(layer.fills().idle()).await;
            got
        };
        fill(&registry()).await.assert_file(&path, STORED);
        store.delete(key(&path)).await;
        store.refuse_hashes(true);
        fill(&always(Answer::new([other(&path)])))
            .await
            .assert_status(200);
        assert_eq!(store.read(key(&path)).await.unwrap(), other(&path));
        assert_good(storage(), &path).await;
        assert!(store.read(key(&path)).await.is_some());
    }
}

/// The process may end at any point between.
#[tokio::test]
async fn the_hash_goes_before_its_zip() {
    let store = Arc::new(Meanwhile::default());
    let storage = Storage::new(store.clone());
    let path = small(0);
    let layer = layer(storage.clone());
    fetch(&proxy(&layer, &registry()), &path)
        .await
        .assert_file(&path, STORED);
    within(layer.fills().idle()).await;
    let target = Target::parse(&path).unwrap().unwrap();
    storage.remove(&target, "as the test wants").await.unwrap();
    let hash = format!("{}hash", key(&path));
    let at = |deleted: &[String], path: &str| deleted.iter().position(|other| other == path);
    let deleted = store.deleted();
    assert!(
        at(&deleted, &hash) < at(&deleted, key(&path)),
        "{deleted:?}"
    );
}
