//! However many clients miss one file, its source is asked once, and each of them gets all of it.
#![cfg(feature = "fill")]

#[macro_use]
mod support;

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use futures_util::future::join_all;
use http::{Request, StatusCode};
use support::{
    Answer, Framing, Gate, HeldStore, Source, ask, get, large_module_zip, quiet, read, whole,
    within, within_minutes,
};
use tower::{Layer as _, ServiceBuilder, ServiceExt};
use tower_goproxy::Storage;
use tower_goproxy::fill::{Fill, FillLayer, OnDisconnect, ResponseBody};
use tower_goproxy::source::Area;

const ZIP: &str = "/example.com/m/@v/v1.0.0.zip";
const MOD: &str = "/example.com/m/@v/v1.0.0.mod";
const PARTS: usize = 12;

type SourceResponse = http::Response<ResponseBody>;

fn zip() -> Bytes {
    static ZIP: std::sync::LazyLock<Bytes> =
        std::sync::LazyLock::new(|| large_module_zip("example.com/m", "v1.0.0", 1_200_000).into());
    ZIP.clone()
}

fn part() -> usize {
    zip().len().div_ceil(PARTS)
}

/// A source that sends a part of the zip whenever it is allowed to, and each time anew.
fn gated(framing: Framing) -> (Source, Gate) {
    let gate = Gate::closed();
    let answer = Answer::in_parts(zip(), part())
        .gated(&gate)
        .framing(framing);
    (Source::serving(ZIP, answer), gate)
}

fn proxy(layer: &FillLayer<Area>, source: &Source) -> Fill<Source> {
    ServiceBuilder::new().layer(layer).service(source.clone())
}

/// Lets the source send until it has sent so many parts.
async fn send(gate: &Gate, parts: usize) {
    gate.allow(parts - gate.sent_so_far().min(parts));
    gate.sent(parts).await;
}

fn cache_status(response: &SourceResponse) -> &str {
    let value = &response.headers()["cache-status"];
    value.to_str().expect("a header is text")
}

/// Asks without waiting for the answer.
fn spawn(proxy: &Fill<Source>) -> tokio::task::JoinHandle<SourceResponse> {
    let proxy = proxy.clone();
    tokio::spawn(async move { ask(&proxy, get(ZIP)).await })
}

on_each_storage! {
    async fn many_misses_are_one_call(storage: Storage) {
        let gate = Gate::closed();
        let source = Source::serving(ZIP, Answer::in_parts(zip(), part()).withheld(&gate));
        let layer = FillLayer::new(storage).area(Area::Included);
        let proxy = proxy(&layer, &source);
        let asked: Vec<_> = (0..50).map(|_| spawn(&proxy)).collect();
        quiet().await;
        assert_eq!((source.requests().total(), layer.fills().running()), (1, 1));
        gate.open();
        let (mut stored, mut collapsed) = (0, 0);
        for response in join_all(asked).await {
            let response = response.unwrap();
            match cache_status(&response) {
                "tower-goproxy; fwd=miss; stored" => stored += 1,
                "tower-goproxy; fwd=miss; collapsed" => collapsed += 1,
                other => panic!("{other}"),
            }
            assert!(whole(response.into_body()).await.unwrap() == zip());
        }
        assert_eq!((stored, collapsed), (1, 49));
        layer.fills().idle().await;
        assert_eq!(source.requests().total(), 1);
    }

    async fn a_late_client_begins_at_the_first_byte(storage: Storage) {
        for framing in [Framing::Length, Framing::Chunked] {
            let (source, gate) = gated(framing);
            let layer = FillLayer::new(storage.clone()).area(Area::Included);
            let proxy = proxy(&layer, &source);
            let mut responses = vec![ask(&proxy, get(ZIP)).await];
            for sent in 2..=PARTS - 1 {
                send(&gate, sent).await;
                let late = ask(&proxy, get(ZIP)).await;
                assert_eq!(cache_status(&late), "tower-goproxy; fwd=miss; collapsed");
                responses.push(late);
            }
            gate.open();
            for response in responses {
                assert!(whole(response.into_body()).await.unwrap() == zip());
            }
            layer.fills().idle().await;
            assert_eq!(source.requests().total(), 1);
            if framing == Framing::Length {
                // The second round is to miss again.
                return;
            }
        }
    }

    async fn a_client_that_does_not_read_holds_nobody_up(storage: Storage) {
        let (source, gate) = gated(Framing::Length);
        let layer = FillLayer::new(storage).area(Area::Included);
        let proxy = proxy(&layer, &source);
        let lazy = ask(&proxy, get(ZIP)).await;
        let eager = ask(&proxy, get(ZIP)).await;
        gate.open();
        assert!(whole(eager.into_body()).await.unwrap() == zip());
        layer.fills().idle().await;
        assert!(whole(lazy.into_body()).await.unwrap() == zip(), "it is not cut either");
    }

    async fn others_do_not_notice_when_the_first_client_leaves(storage: Storage) {
        for on_disconnect in [OnDisconnect::Finish, OnDisconnect::Abort] {
            // Before the head, and at each quarter.
            for quarter in 0..4 {
                let path = format!("/example.com/m{quarter}{on_disconnect:?}/@v/v1.0.0.zip")
                    .replace('F', "f").replace('A', "a");
                let module = path.split_once("/@").unwrap().0.trim_start_matches('/').to_owned();
                let content = Bytes::from(large_module_zip(&module, "v1.0.0", 600_000));
                let (head, gate) = (Gate::closed(), Gate::closed());
                let part = content.len().div_ceil(4);
                let answer = Answer::in_parts(content.clone(), part).withheld(&head).gated(&gate);
                let source = Source::serving(path.clone(), answer);
                let layer = FillLayer::new(storage.clone()).area(Area::Included).on_disconnect(on_disconnect);
                let proxy = proxy(&layer, &source);
                let asked = |proxy: &Fill<Source>| {
                    let (proxy, path) = (proxy.clone(), path.clone());
                    tokio::spawn(async move { ask(&proxy, get(&path)).await })
                };
                let first = asked(&proxy);
                quiet().await;
                let others: Vec<_> = (0..3).map(|_| asked(&proxy)).collect();
                quiet().await;
                if quarter == 0 {
                    first.abort();
                    assert!(first.await.is_err_and(|error| error.is_cancelled()));
                    head.open();
                } else {
                    head.open();
                    let mut leaving = first.await.unwrap();
                    send(&gate, quarter).await;
                    read(leaving.body_mut(), quarter * part).await.unwrap();
                    drop(leaving);
                }
                gate.open();
                for other in join_all(others).await {
                    let body = other.unwrap().into_body();
                    assert!(whole(body).await.unwrap() == content, "{quarter} {on_disconnect:?}");
                }
                layer.fills().idle().await;
                assert_eq!(source.requests().total(), 1);
                let hit = ask(&proxy, get(&path)).await;
                assert_eq!(cache_status(&hit), "tower-goproxy; hit");
            }
        }
    }

    async fn all_see_the_source_fail_and_the_next_one_asks_again(storage: Storage) {
        let gate = Gate::closed();
        let cut = Answer::in_parts(zip().slice(..600_000), 100_000)
            .gated(&gate)
            .framing(Framing::Cut);
        let source = Source::new(move |request| match request.nth {
            0 => cut.clone(),
            _ => Answer::new([zip()]),
        });
        let layer = FillLayer::new(storage).area(Area::Included);
        let proxy = proxy(&layer, &source);
        let responses = join_all((0..10).map(|_| ask(&proxy, get(ZIP)))).await;
        gate.open();
        for response in responses {
            let mut body = response.into_body();
            // Without a declared length the last bytes are held back.
            let read_to = 600_000 - 64;
            assert!(read(&mut body, read_to).await.unwrap() == zip()[..read_to]);
            assert!(read(&mut body, 1).await.is_err(), "no clean end");
        }
        layer.fills().idle().await;
        let again = ask(&proxy, get(ZIP)).await;
        assert_eq!(cache_status(&again), "tower-goproxy; fwd=miss; stored");
        assert!(whole(again.into_body()).await.unwrap() == zip());
        layer.fills().idle().await;
        assert_eq!(source.requests().total(), 2);
    }

    /// axum asks a layer for one service per route.
    async fn the_routes_of_an_axum_app_share_their_fills(storage: Storage) {
        let (source, gate) = gated(Framing::Length);
        let layer = FillLayer::new(storage).area(Area::Included);
        let registry = ServiceExt::<Request<Body>>::map_err(source.clone(), |error| -> Infallible {
            panic!("the script has no failure: {error}")
        });
        let app = Router::new()
            .route_service("/example.com/m/{*rest}", registry.clone())
            .fallback_service(registry)
            .layer(layer.clone());
        let app = Router::new()
            .nest_service("/nested", layer.layer(source.clone()))
            .merge(app.clone())
            .nest("/again", app);
        // The last one is the same file, and no route but the fallback matches it.
        let paths = ["", "/nested", "/again"].map(|prefix| format!("{prefix}{ZIP}"));
        let encoded = ZIP.replace("example", "%65xample");
        let responses = join_all(paths.into_iter().chain([encoded]).map(|path| {
            let request = Request::get(path);
            app.clone().oneshot(request.body(Body::empty()).unwrap())
        }))
        .await;
        gate.open();
        for response in responses {
            let body = axum::body::to_bytes(response.unwrap().into_body(), usize::MAX);
            assert!(body.await.unwrap() == zip());
        }
        layer.fills().idle().await;
        assert_eq!(source.requests().total(), 1);
    }

    async fn two_files_are_two_fills(storage: Storage) {
        let (source, gate) = gated(Framing::Length);
        let layer = FillLayer::new(storage).area(Area::Included);
        let proxy = proxy(&layer, &source);
        let zip_response = ask(&proxy, get(ZIP)).await;
        let missing = ask(&proxy, get(MOD)).await;
        assert_eq!(missing.status(), StatusCode::NOT_FOUND);
        assert_eq!(source.requests().total(), 2);
        gate.open();
        assert!(whole(zip_response.into_body()).await.unwrap() == zip());
        layer.fills().idle().await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_has_looked_just_before_the_file_was_stored_does_not_fetch_it_again() {
    within(async {
        let store = HeldStore::new();
        let layer = FillLayer::new(Storage::new(Arc::new(store.clone()))).area(Area::Included);
        let (source, gate) = gated(Framing::Length);
        let proxy = proxy(&layer, &source);
        let first = ask(&proxy, get(ZIP)).await;
        // These find no file, and are told so when the fill has come and gone.
        store.hold(20);
        let late: Vec<_> = (0..20).map(|_| spawn(&proxy)).collect();
        store.held(20).await;
        gate.open();
        assert!(whole(first.into_body()).await.unwrap() == zip());
        layer.fills().idle().await;
        store.release();
        for response in join_all(late).await {
            let response = response.unwrap();
            assert_eq!(cache_status(&response), "tower-goproxy; hit");
            assert!(whole(response.into_body()).await.unwrap() == zip());
        }
        assert_eq!(source.requests().total(), 1);
    })
    .await;
}

/// Who has looked before a fill came to nothing need not look again: nothing has been stored since.
#[tokio::test(start_paused = true)]
async fn of_a_thousand_misses_of_files_that_are_nowhere_none_looks_twice() {
    within(async {
        let store = HeldStore::new();
        let layer = FillLayer::new(Storage::new(Arc::new(store.clone()))).area(Area::Included);
        let gate = Gate::closed();
        let answer = Answer::text(StatusCode::NOT_FOUND, "not found").withheld(&gate);
        let source = Source::new(move |_| answer.clone());
        let proxy = proxy(&layer, &source);
        let all = || {
            let paths = (0..500).map(|n| format!("/example.com/m/@v/v1.{n}.0.mod"));
            let asked = paths.map(|path| {
                let proxy = proxy.clone();
                tokio::spawn(async move { ask(&proxy, get(&path)).await.status() })
            });
            asked.collect::<Vec<_>>()
        };
        let early = all();
        quiet().await;
        assert_eq!(layer.fills().running(), 500);
        let by_the_first = store.lookups();
        // These have looked by the time the fills of the others have come to nothing.
        store.hold(500);
        let late = all();
        store.held(500).await;
        gate.open();
        layer.fills().idle().await;
        store.release();
        for status in join_all(early.into_iter().chain(late)).await {
            assert_eq!(status.unwrap(), StatusCode::NOT_FOUND);
        }
        layer.fills().idle().await;
        assert_eq!(store.lookups(), 2 * by_the_first);
        assert_eq!(source.requests().total(), 1000);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_clients_at_once_never_fetch_a_file_twice() {
    within_minutes(async {
        let folder = tempfile::tempdir().unwrap();
        for storage in [Storage::memory(), Storage::disk(folder.path()).unwrap()] {
            let layer = FillLayer::new(storage).area(Area::Included);
            let source = Source::new(|_| Answer::new(["module example.com/m\n"]));
            let proxy = proxy(&layer, &source);
            // Each file is asked for by a hundred clients, some of which come while it is stored.
            let clients = (0..1000).map(|client| {
                let (proxy, path) = (
                    proxy.clone(),
                    format!("/example.com/m/@v/v1.{}.0.mod", client / 100),
                );
                tokio::spawn(async move {
                    let response = ask(&proxy, get(&path)).await;
                    whole(response.into_body()).await.unwrap()
                })
            });
            for client in join_all(clients).await {
                assert_eq!(client.unwrap(), "module example.com/m\n");
            }
            layer.fills().idle().await;
            assert_eq!(source.requests().total(), 10);
        }
    })
    .await;
}
