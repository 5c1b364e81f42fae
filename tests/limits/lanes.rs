//! What takes a place, and of which lane.

use http::{Method, StatusCode};
use tokio::time::Instant;
use tower_goproxy::fill::FillLayer;
use tower_goproxy::source::Area;

use super::support::{Answer, Gate, Recorded, Source, ask, get, quiet, request, whole};
use super::{
    LARGE, WAIT, content, gated, large_zip, mod_path, proxy, spawn, spawn_as, withheld, zip_path,
};

on_each_storage! {
    async fn slow_zips_hold_up_nothing_that_is_small(storage: Storage) {
        let (source, gate) = gated();
        let layer = FillLayer::new(storage).area(Area::Included).max_fills(1).max_wait(WAIT);
        let proxy = proxy(&layer, &source);
        let first = ask(&proxy, get(LARGE)).await;
        let waiting = spawn(&proxy, zip_path(1));
        quiet().await;
        let begun = Instant::now();
        for (method, path) in [
            (Method::GET, &*mod_path(1)),
            (Method::GET, "/example.com/m/@v/list"),
            (Method::GET, "/example.com/m/@latest"),
            (Method::GET, "/example.com/m/@v/main.info"),
            (Method::HEAD, &*mod_path(2)),
            (Method::HEAD, &*zip_path(2)),
        ] {
            let response = ask(&proxy, request(method, path, &[])).await;
            assert_eq!(response.status(), StatusCode::OK, "{path}");
        }
        assert!(begun.elapsed().is_zero());
        assert!(!waiting.is_finished());
        gate.open();
        assert_eq!(waiting.await.unwrap().status(), StatusCode::OK);
        drop(first);
        layer.fills().idle().await;
    }

    async fn as_many_zips_are_fetched_as_there_are_places(storage: Storage) {
        for places in [1, 2, 5] {
            let (source, gate) = withheld();
            // Given to the layer in any order, and counted over all of its services.
            let layer = FillLayer::new(storage.clone()).area(Area::Included).max_fills(100).max_fills(places);
            let asked: Vec<_> = (0..8)
                .map(|n| spawn(&proxy(&layer, &source), zip_path(places * 10 + n)))
                .collect();
            quiet().await;
            assert_eq!(source.requests().total(), places);
            assert_eq!(layer.fills().running(), 8);
            gate.open();
            for one in asked {
                assert_eq!(one.await.unwrap().status(), StatusCode::OK);
            }
            layer.fills().idle().await;
            assert_eq!(source.requests().total(), 8);
        }
    }

    async fn all_that_is_small_shares_the_places_for_that(storage: Storage) {
        for places in [1, 2, 5] {
            let (source, gate) = withheld();
            let layer = FillLayer::new(storage.clone()).area(Area::Included).max_small_requests(places);
            let proxy = proxy(&layer, &source);
            let asked: Vec<_> = [
                (Method::GET, mod_path(places)),
                (Method::GET, "/example.com/m/@v/list".to_owned()),
                (Method::GET, "/example.com/m/@latest".to_owned()),
                (Method::GET, "/example.com/m/@v/main.info".to_owned()),
                (Method::HEAD, mod_path(100 + places)),
                (Method::HEAD, zip_path(200 + places)),
            ]
            .map(|(method, path)| spawn_as(&proxy, method, path))
            .into();
            quiet().await;
            assert_eq!(source.requests().total(), places);
            gate.open();
            for one in asked {
                assert_eq!(one.await.unwrap().status(), StatusCode::OK);
            }
            layer.fills().idle().await;
            assert_eq!(source.requests().total(), 6);
        }
    }

    /// Each such client has the source's own response, and a place for as long as it comes.
    async fn what_passes_by_unshared_takes_a_place_too(storage: Storage) {
        let gate = Gate::closed();
        let unstored = Answer::in_parts(large_zip(), 100_000).header("cache-control", "no-store").gated(&gate);
        let source = Source::new(move |request: &Recorded| match &*request.path {
            LARGE => unstored.clone(),
            path => Answer::new([content(path)]),
        });
        let layer = FillLayer::new(storage).area(Area::Included).max_fills(1).max_wait(WAIT);
        let proxy = proxy(&layer, &source);
        let first = ask(&proxy, get(LARGE)).await;
        assert_eq!(first.headers()["cache-control"], "no-store");
        let others = [spawn(&proxy, LARGE), spawn(&proxy, zip_path(1))];
        quiet().await;
        assert_eq!(source.requests().total(), 1);
        assert!(others.iter().all(|one| !one.is_finished()));

        gate.open();
        assert!(whole(first.into_body()).await.unwrap() == large_zip());
        let [second, zip] = others;
        assert!(whole(second.await.unwrap().into_body()).await.unwrap() == large_zip());
        assert_eq!(whole(zip.await.unwrap().into_body()).await.unwrap(), content(&zip_path(1)));
        layer.fills().idle().await;
        assert_eq!(source.requests().total(), 3);
    }
}
