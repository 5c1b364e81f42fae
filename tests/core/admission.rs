//! Who may be at the source, and who has to wait for that.

use std::time::Duration;

use futures_util::future::join_all;
use http::{Method, StatusCode};
use tokio::time::{Instant, sleep};
use tower_goproxy::fill::OnMiss;

use crate::scene::{
    BRANCH, LATEST, LIST, STORED, content, fetch, info, layer, mod_file, proxy, small, spawn,
    spawn_get, withheld,
};
use crate::support::{Answer, Gate, Recorded, Source, ask, get, quiet, within};

on_each_storage! {
    async fn a_crowd_of_small_requests_is_never_at_the_source_all_at_once(storage: Storage) {
        let (source, gate) = withheld();
        let layer = layer(storage).max_small_requests(7);
        let proxy = proxy(&layer, &source);
        let crowd: Vec<_> = (0..100)
            .flat_map(|n| [
                spawn(&proxy, Method::HEAD, &mod_file(n)),
                spawn(&proxy, Method::HEAD, &small(n)),
                spawn(&proxy, Method::GET, LIST),
                spawn(&proxy, Method::HEAD, LATEST),
                spawn(&proxy, Method::GET, BRANCH),
            ])
            .collect();
        assert_eq!(crowd.len(), 500);
        quiet().await;
        assert_eq!(source.requests().total(), 7);
        for answered in 1..=20 {
            gate.allow(1);
            quiet().await;
            assert_eq!(source.requests().total(), 7 + answered);
        }
        gate.open();
        for got in join_all(crowd).await {
            got.unwrap().assert_status(200);
        }
        assert_eq!(source.requests().total(), 500);
    }

    async fn slow_zips_hold_up_nothing_that_is_small(storage: Storage) {
        let gate = Gate::closed();
        let held = gate.clone();
        let source = Source::new(move |request: &Recorded| {
            let answer = Answer::new([content(&request.path)]);
            match request.path.ends_with(".zip") && request.method == Method::GET {
                true => answer.withheld(&held),
                false => answer,
            }
        });
        // As it is by default: more zips than there are places for them.
        let layer = layer(storage);
        let proxy = proxy(&layer, &source);
        let zips: Vec<_> = (0..300).map(|n| spawn_get(&proxy, &small(n))).collect();
        quiet().await;
        assert!(source.requests().total() < 300, "some have no place");
        let begun = Instant::now();
        for path in [&mod_file(0), &info(0), LIST, LATEST, BRANCH] {
            fetch(&proxy, path).await.assert_status(200);
        }
        spawn(&proxy, Method::HEAD, &small(300)).await.unwrap().assert_status(200);
        assert_eq!(begun.elapsed(), Duration::ZERO);
        gate.open();
        for zip in join_all(zips).await {
            zip.unwrap().assert_status(200);
        }
        layer.fills().idle().await;
    }

    async fn a_fill_behind_takes_a_place_that_no_client_waits_for(storage: Storage) {
        let (source, gate) = withheld();
        let layer = layer(storage).max_fills(1);
        let behind = proxy(&layer.clone().on_miss(OnMiss::NotFound), &source);
        let proxy = proxy(&layer, &source);
        let running = spawn_get(&proxy, &small(0));
        quiet().await;
        ask(&behind, get(&small(1))).await;
        ask(&behind, get(&small(2))).await;
        quiet().await;
        // The clients come later, and go first; also one that comes while the others are served.
        let third = spawn_get(&proxy, &small(3));
        quiet().await;
        gate.allow(1);
        quiet().await;
        let fourth = spawn_get(&proxy, &small(4));
        quiet().await;
        gate.open();
        for (n, client) in [(0, running), (3, third), (4, fourth)] {
            client.await.unwrap().assert_file(&small(n), STORED);
        }
        layer.fills().idle().await;
        let asked = source.requests().all().into_iter().map(|one| one.path);
        let asked: Vec<_> = asked.collect();
        assert_eq!(asked[..3], [0, 3, 4].map(small));
        assert_eq!(asked.len(), 5, "the others follow: {asked:?}");
    }

    async fn a_client_that_joins_a_waiting_fill_moves_it_to_the_front(storage: Storage) {
        let (source, gate) = withheld();
        let layer = layer(storage).max_fills(1);
        let behind = proxy(&layer.clone().on_miss(OnMiss::NotFound), &source);
        let proxy = proxy(&layer, &source);
        let running = spawn_get(&proxy, &small(0));
        quiet().await;
        for n in 1..=5 {
            ask(&behind, get(&small(n))).await;
        }
        quiet().await;
        let joined = spawn_get(&proxy, &small(4));
        quiet().await;
        let left = spawn_get(&proxy, &small(2));
        quiet().await;
        left.abort();
        quiet().await;
        gate.allow(1);
        running.await.unwrap().assert_status(200);
        quiet().await;
        assert_eq!(source.requests().all()[1].path, small(4));
        gate.open();
        joined.await.unwrap().assert_status(200);
        layer.fills().idle().await;
        assert_eq!(source.requests().total(), 6, "one that a client has left is filled all the same");
    }

    async fn a_client_waits_for_a_place_for_five_minutes(storage: Storage) {
        let (source, gate) = withheld();
        let layer = layer(storage)
            .max_fills(1)
            .max_small_requests(1)
            .source_timeout(Duration::from_secs(3600));
        let proxy = proxy(&layer, &source);
        let running = [small(0), mod_file(0)].map(|path| spawn_get(&proxy, &path));
        quiet().await;
        let begun = Instant::now();
        let waiting = [&small(1), &mod_file(1), LIST].map(|path| spawn_get(&proxy, path));
        for client in waiting {
            let got = client.await.unwrap();
            assert_eq!(got.status, StatusCode::SERVICE_UNAVAILABLE);
            assert!(!got.header("retry-after").is_empty());
            assert_eq!(got.header("cache-control"), "no-store");
        }
        assert_eq!(begun.elapsed().as_secs(), 300);
        assert_eq!(source.requests().total(), 2);
        for client in running {
            client.abort();
        }
        gate.open();
        layer.fills().idle().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_whose_turn_comes_after_minutes_is_served() {
    let (source, gate) = withheld();
    let layer = layer(tower_goproxy::Storage::memory())
        .max_fills(1)
        .source_timeout(Duration::from_secs(3600));
    let proxy = proxy(&layer, &source);
    let running = spawn_get(&proxy, &small(0));
    quiet().await;
    let waiting = spawn_get(&proxy, &small(1));
    sleep(Duration::from_secs(299)).await;
    gate.open();
    for (n, client) in [(0, running), (1, waiting)] {
        within(client).await.unwrap().assert_file(&small(n), STORED);
    }
    layer.fills().idle().await;
}
