//! `OnMiss::NotFound`, for `GOPROXY=ours,other`, where the other one has the bytes until we have them, and `OnMiss::Redirect`.

use http::{Method, StatusCode};
use tower_goproxy::Storage;
use tower_goproxy::fill::OnMiss;

use crate::scene::{
    HIT, LATEST, LIST, NOT_STORED, STORED, always, fetch, info, large, layer, mod_file, proxy,
    registry, send, small, withheld,
};
use crate::support::faulty_store::{Fault, FaultyStore, Step};
use crate::support::{Answer, quiet, request, within};

on_each_storage! {
    /// The go command takes a module for missing whose `.info` or `.mod` is 404, and asks no other registry.
    async fn only_a_missing_zip_is_not_found_and_it_is_filled_behind(storage: Storage) {
        let layer = layer(storage).on_miss(OnMiss::NotFound);
        let proxy = proxy(&layer, &registry());
        for path in [info(0), mod_file(0)] {
            fetch(&proxy, &path).await.assert_file(&path, STORED);
        }
        for path in [LIST, LATEST] {
            fetch(&proxy, path).await.assert_status(200);
        }
        for path in [small(0), large(0)] {
            let head = send(&proxy, request(Method::HEAD, &path, &[])).await;
            head.assert_status(404);
            within(layer.fills().idle()).await;
            let got = fetch(&proxy, &path).await;
            got.assert_status(404);
            assert!(got.text().starts_with("not found"), "{}", got.text());
            let filling = "tower-goproxy; fwd=miss; detail=filling";
            assert_eq!((got.cache_status(), got.header("cache-control")), (filling, "no-store"));
            within(layer.fills().idle()).await;
            fetch(&proxy, &path).await.assert_file(&path, HIT);
            send(&proxy, request(Method::HEAD, &path, &[])).await.assert_status(200);
        }
    }

    async fn a_zip_is_not_found_until_it_is_stored_and_is_requested_once(storage: Storage) {
        let (source, gate) = withheld();
        let layer = layer(storage).on_miss(OnMiss::NotFound);
        let proxy = proxy(&layer, &source);
        for _ in 0..3 {
            for method in [Method::GET, Method::HEAD] {
                send(&proxy, request(method, &large(0), &[])).await.assert_status(404);
            }
            quiet().await;
        }
        assert_eq!(source.requests().total(), 1);
        gate.open();
        within(layer.fills().idle()).await;
        fetch(&proxy, &large(0)).await.assert_file(&large(0), HIT);
    }

    async fn what_the_source_says_of_an_info_reaches_the_client(storage: Storage) {
        let layer = layer(storage).on_miss(OnMiss::NotFound);
        for (status, text) in [
            (StatusCode::NOT_FOUND, "not found: no such version"),
            (StatusCode::INTERNAL_SERVER_ERROR, "try again"),
        ] {
            let proxy = proxy(&layer, &always(Answer::text(status, text)));
            for path in [info(0), mod_file(0)] {
                let got = fetch(&proxy, &path).await;
                assert_eq!((got.status, got.text()), (status, text.to_owned()));
            }
        }
        within(layer.fills().idle()).await;
    }
}

/// Nothing would ever be stored, so the client has to have it from here.
#[tokio::test(start_paused = true)]
async fn a_zip_whose_storage_does_not_answer_passes() {
    let store = FaultyStore::new(Step::Open, Fault::Fail);
    let layer = layer(Storage::new(store)).on_miss(OnMiss::NotFound);
    let got = fetch(&proxy(&layer, &registry()), &large(0)).await;
    got.assert_file(&large(0), NOT_STORED);
}

/// A registry may give access by it.
#[tokio::test(start_paused = true)]
async fn a_redirect_keeps_the_query() {
    let on_miss = OnMiss::redirect("https://registry.test/go").unwrap();
    let proxy = proxy(&layer(Storage::memory()).on_miss(on_miss), &registry());
    let path = small(0);
    let got = fetch(&proxy, &format!("{path}?token=a%20b")).await;
    got.assert_status(303);
    let expected = format!("https://registry.test/go{path}?token=a%20b");
    assert_eq!(got.header("location"), expected);
}
