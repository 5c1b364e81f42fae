//! A storage that fails is no module that does not exist: the go command would ask the next proxy of its list.

use std::time::Duration;

use http::StatusCode;
use tokio::time::{Instant, advance};
use tower_goproxy::Storage;
use tower_goproxy::fresh::FreshLayer;

use super::fixtures::{HIT, LATEST, LIST, Proxy, STALE, Script, broken, info};
use super::support::faulty_store::{Fault, FaultyStore, Step};
use super::support::{Answer, within};

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

#[tokio::test(start_paused = true)]
async fn a_storage_that_takes_nothing_and_does_not_say_so_holds_up_nothing() {
    within(async {
        let (script, store) = (Script::default(), FaultyStore::sound());
        let versions = |n: usize| (0..n).map(|patch| format!("v1.0.{patch}\n"));
        let long: String = versions(50_000).collect();
        let modules = ["/example.com/a", "/example.com/b", "/example.com/c"];
        for module in modules {
            script.set(&format!("{module}/@v/list"), Answer::new([long.clone()]));
            script.set(&format!("{module}/@latest"), info("v1.0.0"));
        }
        let proxy = Proxy::new(&Storage::new(store.clone()), &script.source());
        store.set(Some((Step::Put, Fault::Stall)));
        let begun = Instant::now();
        for module in modules {
            for path in ["@v/list", "@latest"] {
                let got = proxy.get(&format!("{module}/{path}")).await;
                assert_eq!(got.status, StatusCode::OK);
            }
        }
        assert_eq!(begun.elapsed(), Duration::ZERO);
        assert_ne!(store.struck(), 0);
        // It ends all the same.
        proxy.idle().await;
        store.set(None);
        // What was not written down is written when it is heard the next time.
        advance(Duration::from_secs(600)).await;
        proxy.get("/example.com/a/@latest").await;
        proxy.idle().await;
        let record = "@records/fresh/example.com/a/@latest";
        assert!(store.names().await.iter().any(|name| name == record));
    })
    .await;
}

/// An answer that cannot be written down is as good as one that is.
#[tokio::test(start_paused = true)]
async fn list_and_latest_stand_beside_each_other_where_neither_can_be_written_down() {
    within(async {
        let (script, store) = (Script::default(), FaultyStore::sound());
        script
            .set(LIST, Answer::new(["v1.0.0\n"]))
            .set(LATEST, info("v1.0.0"));
        let source = script.source();
        let proxy = Proxy::new(&Storage::new(store.clone()), &source);
        store.set(Some((Step::Put, Fault::Fail)));
        for path in [LIST, LATEST, LIST, LATEST] {
            proxy.get(path).await;
            proxy.idle().await;
        }
        source.requests().clear();
        for path in [LIST, LATEST, LIST, LATEST] {
            assert_eq!(proxy.get(path).await.state(), HIT, "{path}");
            proxy.idle().await;
        }
        assert_eq!(source.requests().total(), 0);
    })
    .await;
}
