//! A storage that fails is no module that does not exist: the go command would ask the next proxy of its list.

use std::time::Duration;

use http::StatusCode;
use tokio::time::advance;
use tower_goproxy::Storage;
use tower_goproxy::fresh::FreshLayer;

use super::fixtures::{LATEST, LIST, Proxy, STALE, Script, broken};
use super::support::faulty_store::{Fault, FaultyStore, Step};
use super::support::within;

/// A module that is stored, and that the registry does not list.
async fn stored() -> (Script, FaultyStore, Proxy) {
    let (script, store) = (Script::default(), FaultyStore::sound());
    script.add("example.com/m", "v1.0.0");
    let proxy = Proxy::new(&Storage::new(store.clone()), &script.source());
    proxy.get("/example.com/m/@v/v1.0.0.zip").await;
    proxy.idle().await;
    (script, store, proxy)
}

#[tokio::test(start_paused = true)]
async fn with_storage_and_source_away_a_stored_module_is_not_absent() {
    within(async {
        for path in [LIST, LATEST] {
            let (script, store, proxy) = stored().await;
            let before = proxy.get(path).await;
            assert_eq!(before.status, StatusCode::OK);
            proxy.idle().await;
            script.down(broken());
            store.set(Some((Step::List, Fault::Fail)));
            for _ in 0..2 {
                advance(Duration::from_secs(600)).await;
                let got = proxy.get(path).await;
                assert_eq!(got.all(), (200, &*before.body, STALE));
                proxy.idle().await;
            }
            assert_ne!(store.struck(), 0);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_not_absent_offline_either() {
    within(async {
        let (_, store, _) = stored().await;
        for (path, step) in [
            (LIST, Step::List),
            (LATEST, Step::List),
            (LATEST, Step::Open),
            ("/example.com/m/@v/main.info", Step::Open),
        ] {
            // Nothing is in memory.
            let storage = Storage::new(store.clone());
            let layer = FreshLayer::new(storage.clone()).offline();
            let offline = Proxy::with(layer, &storage, &Script::default().source());
            store.set(Some((step, Fault::Fail)));
            let got = offline.get(path).await;
            assert_eq!(
                got.status,
                StatusCode::SERVICE_UNAVAILABLE,
                "{path} {step:?}"
            );
            store.set(None);
            assert_eq!(offline.get(LATEST).await.status, StatusCode::OK);
        }
    })
    .await;
}
