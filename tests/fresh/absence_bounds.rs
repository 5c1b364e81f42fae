//! How long and how many absences are remembered.

use std::time::Duration;

use http::StatusCode;
use tokio::time::advance;
use tower_goproxy::Storage;
use tower_goproxy::fresh::FreshLayer;

use super::fixtures::{HIT, LIST, Proxy, Script};
use super::support::{Answer, Kept, within};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn each_kind_is_believed_for_a_time_of_its_own() {
    within(async {
        let (script, storage) = (Script::default(), Storage::memory());
        let source = script.source();
        let layer = FreshLayer::new(storage.clone())
            .not_found_for(10 * SECOND)
            .refused_for(100 * SECOND);
        let proxy = Proxy::with(layer, &storage, &source);
        let refusal = Answer::text(StatusCode::FORBIDDEN, "blocked");
        let refusal = refusal.header("cache-control", "no-cache");
        for file in ["@v/list", "@latest", "@v/main.info", "@v/v1.0.0.mod"] {
            let missing = format!("/example.com/missing/{file}");
            let refused = format!("/example.com/refused/{file}");
            script.set(&refused, refusal.clone());
            for (waited, expected) in [(0, (1, 1)), (9, (1, 1)), (2, (2, 1)), (100, (3, 2))] {
                advance(waited * SECOND).await;
                assert_eq!(proxy.get(&missing).await.status, StatusCode::NOT_FOUND);
                assert_eq!(proxy.get(&refused).await.status, StatusCode::FORBIDDEN);
                let requests = source.requests();
                let asked = (requests.count(&missing), requests.count(&refused));
                assert_eq!(asked, expected, "{file} {waited}");
            }
        }
    })
    .await;
}

/// A stranger can ask for a million names.
#[tokio::test(start_paused = true)]
async fn names_that_do_not_exist_take_no_room_from_those_that_do_and_none_of_the_storage() {
    within(async {
        let (script, kept) = (Script::default(), Kept::in_memory());
        script.set(LIST, Answer::new(["v1.0.0\n"]));
        let source = script.source();
        let layer = FreshLayer::new(kept.storage()).max_memory(256 * 1024);
        let proxy = Proxy::with(layer, &kept.storage(), &source);
        assert_eq!(proxy.get(LIST).await.status, StatusCode::OK);
        let names: Vec<_> = (0..1000)
            .map(|n| format!("/example.com/x{n}/@v/list"))
            .collect();
        for _ in 0..2 {
            source.requests().clear();
            for name in &names {
                assert_eq!(proxy.get(name).await.status, StatusCode::NOT_FOUND);
            }
        }
        // Some are still known from the first time, and not as many as there are.
        let asked = source.requests().total();
        assert!((800..=1000).contains(&asked), "{asked}");
        assert_eq!(proxy.get(LIST).await.state(), HIT);
        proxy.idle().await;
        let stored = kept.names().await;
        assert!(stored.iter().all(|name| !name.contains("/x")), "{stored:?}");
    })
    .await;
}
