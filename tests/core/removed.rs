//! Files that somebody has removed, with a reason.

use http::Method;
use tower_goproxy::fill::{FillLayer, OnMiss};
use tower_goproxy::source::Area;
use tower_goproxy::{Access, Storage, Target};

use crate::scene::{
    HIT, STORED, content, fetch, in_parts, info, key, large, layer, mod_file, proxy, registry,
    send, small, spawn_get, withheld,
};
use crate::support::{HeldStore, Kept, ask, get, quiet, request, whole, within};

async fn remove(storage: &Storage, path: &str, reason: &str) {
    let target = Target::parse(path).unwrap().unwrap();
    storage.remove(&target, reason).await.unwrap();
}

async fn restore(storage: &Storage, path: &str) {
    let target = Target::parse(path).unwrap().unwrap();
    storage.restore(&target).await.unwrap();
}

on_each_storage! {
    async fn a_removed_file_is_refused_with_the_reason_until_it_is_restored(storage: Storage) {
        let redirect = OnMiss::redirect("https://registry.test").unwrap();
        for (n, on_miss) in [OnMiss::Stream, OnMiss::Wait, redirect, OnMiss::NotFound]
            .into_iter()
            .enumerate()
        {
            let layer = layer(storage.clone()).on_miss(on_miss.clone());
            let stream = layer.clone().on_miss(OnMiss::Stream);
            let source = registry();
            for path in [info(n), mod_file(n), small(n), large(n)] {
                let filling = proxy(&stream, &source);
                fetch(&filling, &path).await.assert_file(&path, STORED);
                within(layer.fills().idle()).await;
                // From memory, where it is small.
                fetch(&filling, &path).await.assert_file(&path, HIT);

                remove(&storage, &path, "contains malware").await;
                assert_eq!(storage.removed().await.unwrap(), [key(&path)]);
                for (method, headers) in [
                    (Method::GET, &[][..]),
                    (Method::HEAD, &[]),
                    (Method::GET, &[("range", "bytes=0-3")]),
                    (Method::GET, &[("disable-module-fetch", "true")]),
                ] {
                    let request = request(method.clone(), &path, headers);
                    let got = send(&proxy(&layer, &source), request).await;
                    got.assert_status(403);
                    assert_eq!(got.header("cache-control"), "no-store");
                    if method == Method::GET {
                        assert!(got.text().contains("contains malware"), "{}", got.text());
                    }
                }
                assert_eq!(source.requests().count(&path), 1, "nobody asks the source");

                restore(&storage, &path).await;
                assert!(storage.removed().await.unwrap().is_empty());
                fetch(&filling, &path).await.assert_file(&path, STORED);
                within(layer.fills().idle()).await;
                fetch(&filling, &path).await.assert_file(&path, HIT);
            }
        }
    }

    /// It may be known as bad before anybody asks.
    async fn a_file_that_was_never_stored_can_be_removed(storage: Storage) {
        let source = registry();
        let proxy = proxy(&layer(storage.clone()), &source);
        remove(&storage, &large(0), "do\nnot\tuse").await;
        remove(&storage, &large(0), "do not use").await;
        let got = fetch(&proxy, &large(0)).await;
        got.assert_status(403);
        assert_eq!(got.text().lines().count(), 1, "{}", got.text());
        fetch(&proxy, "/example.com/large/@v/v1.0.0.mod").await.assert_status(200);
        assert_eq!(source.requests().count(&large(0)), 0);
        quiet().await;
    }

    async fn the_copies_of_owners_and_of_direct_sources_go_too(storage: Storage) {
        let areas = [Area::Included, Area::Direct];
        let layers = areas.map(|area| FillLayer::new(storage.clone()).area(area));
        let owners = [None, Some(Access::new("alice")), Some(Access::new("bob"))];
        let path = large(0);
        let personal = |owner: &Option<Access>| {
            let mut request = get(&path);
            request.extensions_mut().extend(owner.clone().map(|owner| {
                let mut extensions = http::Extensions::new();
                extensions.insert(owner);
                extensions
            }).unwrap_or_default());
            request
        };
        for layer in &layers {
            for owner in &owners {
                let got = send(&proxy(layer, &registry()), personal(owner)).await;
                got.assert_file(&path, STORED);
                within(layer.fills().idle()).await;
            }
        }
        let other = large(1);
        fetch(&proxy(&layers[0], &registry()), &other).await.assert_status(200);
        within(layers[0].fills().idle()).await;

        remove(&storage, &path, "bad").await;
        for layer in &layers {
            for owner in &owners {
                let got = send(&proxy(layer, &registry()), personal(owner)).await;
                got.assert_status(403);
            }
        }
        restore(&storage, &path).await;
        for layer in &layers {
            for owner in &owners {
                let got = send(&proxy(layer, &registry()), personal(owner)).await;
                got.assert_file(&path, STORED);
                within(layer.fills().idle()).await;
            }
        }
        fetch(&proxy(&layers[0], &registry()), &other).await.assert_file(&other, HIT);
    }

    async fn a_private_file_of_a_registry_can_be_removed(storage: Storage) {
        let answer = crate::support::Answer::new([content(&large(0))]);
        let source = crate::scene::always(answer.header("cache-control", "private"));
        let layer = layer(storage.clone());
        let proxy = proxy(&layer, &source);
        fetch(&proxy, &large(0)).await.assert_file(&large(0), STORED);
        within(layer.fills().idle()).await;
        fetch(&proxy, &large(0)).await.assert_file(&large(0), HIT);
        remove(&storage, &large(0), "bad").await;
        fetch(&proxy, &large(0)).await.assert_status(403);
        restore(&storage, &large(0)).await;
        fetch(&proxy, &large(0)).await.assert_file(&large(0), STORED);
        within(layer.fills().idle()).await;
    }

    async fn a_file_that_is_removed_while_it_is_filled_is_not_stored(storage: Storage) {
        for (n, path) in [large(0), small(0), mod_file(0)].into_iter().enumerate() {
            let (source, gate) = match n {
                0 => in_parts(),
                _ => withheld(),
            };
            let layer = layer(storage.clone());
            let proxy = proxy(&layer, &source);
            let client = tokio::spawn({
                let (proxy, path) = (proxy.clone(), path.clone());
                async move { fetch(&proxy, &path).await }
            });
            quiet().await;
            remove(&storage, &path, "bad").await;
            // Who comes now gets nothing, also of the fill that runs.
            fetch(&proxy, &path).await.assert_status(403);
            gate.open();
            client.await.unwrap();
            within(layer.fills().idle()).await;
            fetch(&proxy, &path).await.assert_status(403);
            restore(&storage, &path).await;
            fetch(&proxy, &path).await.assert_file(&path, STORED);
            within(layer.fills().idle()).await;
        }
    }
}

/// The record comes between the look-up of the commit and its end.
#[tokio::test(start_paused = true)]
async fn a_file_that_is_removed_while_it_is_committed_does_not_stay() {
    let store = HeldStore::new();
    let storage = Storage::new(store.clone());
    let layer = layer(storage.clone());
    let proxy = proxy(&layer, &registry());
    for path in [large(0), mod_file(0)] {
        store.take_files(false);
        fetch(&proxy, &path).await.assert_file(&path, STORED);
        quiet().await;
        let removal = tokio::spawn({
            let (storage, path) = (storage.clone(), path.clone());
            async move { remove(&storage, &path, "bad").await }
        });
        quiet().await;
        store.take_files(true);
        removal.await.unwrap();
        within(layer.fills().idle()).await;
        fetch(&proxy, &path).await.assert_status(403);
        restore(&storage, &path).await;
        fetch(&proxy, &path).await.assert_file(&path, STORED);
        within(layer.fills().idle()).await;
    }
}

/// Other processes notice, on disk at once.
#[tokio::test(start_paused = true)]
async fn a_removal_reaches_other_processes() {
    for kept in [Kept::on_disk(), Kept::in_memory()] {
        let (here, there) = (kept.storage(), kept.storage());
        let layer = layer(there.clone());
        let proxy = proxy(&layer, &registry());
        for path in [large(0), mod_file(0)] {
            for _ in 0..2 {
                fetch(&proxy, &path).await.assert_status(200);
                within(layer.fills().idle()).await;
            }
            remove(&here, &path, "bad").await;
            tokio::time::sleep(std::time::Duration::from_secs(60)).await;
            fetch(&proxy, &path).await.assert_status(403);
            let removed = there.removed().await.unwrap();
            assert!(removed.contains(&key(&path).to_owned()), "{removed:?}");
        }
    }
}

/// A client that reads goes on; nobody new gets in.
#[tokio::test(start_paused = true)]
async fn who_reads_a_hit_while_it_is_removed_has_it_whole() {
    let kept = Kept::on_disk();
    let layer = layer(kept.storage());
    let proxy = proxy(&layer, &registry());
    fetch(&proxy, &large(0))
        .await
        .assert_file(&large(0), STORED);
    within(layer.fills().idle()).await;
    let reading = ask(&proxy, get(&large(0))).await;
    remove(&kept.storage(), &large(0), "bad").await;
    fetch(&proxy, &large(0)).await.assert_status(403);
    assert!(whole(reading.into_body()).await.unwrap() == content(&large(0)));
}

/// What was read before is not kept in memory after.
#[tokio::test(start_paused = true)]
async fn a_small_file_that_is_removed_while_it_is_read_does_not_stay_in_memory() {
    let (store, path) = (HeldStore::new(), mod_file(0));
    let filled = layer(Storage::new(store.clone()));
    let got = fetch(&proxy(&filled, &registry()), &path).await;
    got.assert_file(&path, STORED);
    within(filled.fills().idle()).await;
    let storage = Storage::new(store.clone());
    let proxy = proxy(&layer(storage.clone()), &registry());
    store.hold(1);
    let reading = spawn_get(&proxy, &path);
    within(store.held(1)).await;
    remove(&storage, &path, "bad").await;
    store.release();
    reading.await.unwrap().assert_file(&path, HIT);
    fetch(&proxy, &path).await.assert_status(403);
}
