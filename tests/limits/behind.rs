//! Fills that no client waits for.

use http::StatusCode;
use tokio::time::Instant;
use tower_goproxy::fill::{FillLayer, OnDisconnect, OnMiss};
use tower_goproxy::source::Area;

use super::support::{ask, get, quiet};
use super::{LARGE, QUEUE, WAIT, assert_refused, gated, proxy, spawn, withheld, zip_path};

on_each_storage! {
    async fn a_fill_behind_waits_for_its_place_without_a_client(storage: Storage) {
        let (source, gate) = gated();
        let layer = FillLayer::new(storage).area(Area::Included)
            .max_fills(1)
            .on_miss(OnMiss::NotFound)
            .on_disconnect(OnDisconnect::Abort);
        let proxy = proxy(&layer, &source);
        for path in [LARGE, &zip_path(1)] {
            assert_eq!(ask(&proxy, get(path)).await.status(), StatusCode::NOT_FOUND);
            quiet().await;
        }
        assert_eq!(source.requests().total(), 1);
        gate.open();
        layer.fills().idle().await;
        let hit = ask(&proxy, get(&zip_path(1))).await;
        assert_eq!(hit.headers()["cache-status"], "tower-goproxy; hit");
    }

    /// However early it came.
    async fn a_fill_that_no_client_waits_for_takes_no_place_of_a_client(storage: Storage) {
        let (source, gate) = withheld();
        let layer = FillLayer::new(storage).area(Area::Included).max_fills(1);
        let behind = proxy(&layer.clone().on_miss(OnMiss::NotFound), &source);
        let proxy = proxy(&layer, &source);
        let running = spawn(&proxy, zip_path(0));
        quiet().await;
        for n in 1..=3 {
            assert_eq!(ask(&behind, get(&zip_path(n))).await.status(), StatusCode::NOT_FOUND);
            quiet().await;
        }
        let clients = [spawn(&proxy, zip_path(4)), spawn(&proxy, zip_path(5))];
        // One that is waited for after all.
        let joined = spawn(&proxy, zip_path(3));
        quiet().await;
        gate.open();
        for one in clients.into_iter().chain([running, joined]) {
            assert_eq!(one.await.unwrap().status(), StatusCode::OK);
        }
        layer.fills().idle().await;
        let mut asked: Vec<_> = source.requests().all().into_iter().map(|one| one.path).collect();
        asked[1..4].sort();
        asked[4..].sort();
        assert_eq!(asked, [0, 3, 4, 5, 1, 2].map(zip_path));
    }

    /// Nobody who asks with `OnMiss::NotFound` waits, so nothing else would bound the queue.
    async fn a_fill_that_would_wait_in_vain_is_not_begun(storage: Storage) {
        for places in [0, 1] {
            let (source, gate) = withheld();
            let layer = FillLayer::new(storage.clone()).area(Area::Included).max_fills(places).max_wait(WAIT);
            let behind = proxy(&layer.clone().on_miss(OnMiss::NotFound), &source);
            for n in 0..places + QUEUE {
                let response = ask(&behind, get(&zip_path(n))).await;
                assert_eq!(response.status(), StatusCode::NOT_FOUND, "{n}");
            }
            assert_eq!(layer.fills().running(), places + QUEUE);

            let begun = Instant::now();
            let one_more = zip_path(places + QUEUE);
            let response = ask(&behind, get(&one_more)).await;
            assert_eq!(response.headers()["cache-status"], "tower-goproxy; fwd=miss");
            assert_refused(response).await;
            let on_miss = OnMiss::redirect("https://registry.test").unwrap();
            let redirecting = proxy(&layer.clone().on_miss(on_miss), &source);
            let response = ask(&redirecting, get(&one_more)).await;
            assert_eq!(response.status(), StatusCode::SEE_OTHER);
            // Who attaches takes no place in the queue.
            let attached = ask(&behind, get(&zip_path(QUEUE - 1))).await;
            assert_eq!(attached.status(), StatusCode::NOT_FOUND);
            assert!(begun.elapsed().is_zero());
            assert_eq!(layer.fills().running(), places + QUEUE);

            // Those in the queue have waited for too long, and one more is taken again.
            tokio::time::sleep(WAIT).await;
            gate.open();
            layer.fills().idle().await;
            assert_eq!(source.requests().total(), places);
            let again = ask(&behind, get(&one_more)).await;
            assert_eq!(again.status(), StatusCode::NOT_FOUND);
            layer.fills().idle().await;
            assert_eq!(source.requests().total(), 2 * places);
        }
    }

    async fn a_client_is_not_refused_because_of_fills_that_nobody_waits_for(storage: Storage) {
        let (source, gate) = withheld();
        let layer = FillLayer::new(storage).area(Area::Included).max_fills(1).max_wait(WAIT);
        let behind = proxy(&layer.clone().on_miss(OnMiss::NotFound), &source);
        for n in 0..=QUEUE {
            ask(&behind, get(&zip_path(n))).await;
        }
        let clients = [OnMiss::Stream, OnMiss::Wait].map(|on_miss| {
            spawn(&proxy(&layer.clone().on_miss(on_miss), &source), zip_path(QUEUE + 1))
        });
        quiet().await;
        assert!(clients.iter().all(|client| !client.is_finished()));
        gate.open();
        for client in clients {
            assert_eq!(client.await.unwrap().status(), StatusCode::OK);
        }
        assert_eq!(source.requests().all()[1].path, zip_path(QUEUE + 1), "it is the next one");
        layer.fills().idle().await;
    }
}
