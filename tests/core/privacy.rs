//! Which responses of a `Fill` a cache that several users share may keep.

use http::{HeaderValue, Method, Request, StatusCode};
use tower_goproxy::access::Identity;
use tower_goproxy::fill::{FillLayer, OnMiss};
use tower_goproxy::source::Area;
use tower_goproxy::{Access, SharedCaches, Storage};

use crate::scene::{
    LATEST, LIST, always, content, fetch, large, layer, mod_file, proxy, registry, send, small,
};
use crate::support::{Answer, Recorded, Source, get, quiet, request, within};

const PUBLIC: &str = "public, max-age=31536000, immutable";
const PRIVATE: &str = "private, immutable, max-age=31536000";

/// A request that tells who asks.
type Personal = fn(&mut Request<()>);

const PERSONAL: [(&str, Personal); 4] = [
    ("authorization", |request| {
        let value = HeaderValue::from_static("Basic eDp5");
        request.headers_mut().insert("authorization", value);
    }),
    ("cookie", |request| {
        let value = HeaderValue::from_static("session=1");
        request.headers_mut().insert("cookie", value);
    }),
    ("access", |request| {
        request.extensions_mut().insert(Access::new("alice"));
    }),
    ("identity", |request| {
        request.extensions_mut().insert(Identity::new("alice"));
    }),
];

async fn cache_control(layer: &FillLayer<Area>, source: &Source, request: Request<()>) -> String {
    let got = send(&proxy(layer, source), request).await;
    within(layer.fills().idle()).await;
    got.header("cache-control").to_owned()
}

/// As a source that lets everyone keep what it sends.
fn generous() -> Source {
    Source::new(|request: &Recorded| {
        Answer::new([content(&request.path)]).header("cache-control", "public, max-age=60")
    })
}

on_each_storage! {
    async fn a_file_that_nobody_in_particular_requests_is_public(storage: Storage) {
        let layer = layer(storage);
        for path in [mod_file(0), large(0)] {
            for _ in 0..2 {
                let found = cache_control(&layer, &registry(), get(&path)).await;
                assert_eq!(found, PUBLIC);
            }
        }
    }

    async fn who_tells_who_asks_has_private_responses_and_others_have_not(storage: Storage) {
        for (n, (case, change)) in PERSONAL.into_iter().enumerate() {
            for layer in [layer(storage.clone()), layer(storage.clone()).shared()] {
                // A miss, then hits, whole, in part, and their heads.
                for (method, headers) in [
                    (Method::GET, &[][..]),
                    (Method::GET, &[]),
                    (Method::HEAD, &[]),
                    (Method::GET, &[("range", "bytes=0-3")]),
                    (Method::GET, &[("if-none-match", "*")]),
                ] {
                    for path in [mod_file(n), large(n)] {
                        let mut personal = request(method.clone(), &path, headers);
                        change(&mut personal);
                        let found = cache_control(&layer, &registry(), personal).await;
                        assert_eq!(found, PRIVATE, "{case}, {method}, {path}");
                    }
                }
                let found = cache_control(&layer, &registry(), get(&mod_file(n))).await;
                assert_eq!(found, PUBLIC, "{case}: it is the same file for others");
                for path in [LIST, LATEST] {
                    let mut personal = get(path);
                    change(&mut personal);
                    let found = cache_control(&layer, &generous(), personal).await;
                    assert_eq!(found, "private, max-age=60", "{case}, {path}");
                    let found = cache_control(&layer, &generous(), get(path)).await;
                    assert_eq!(found, "public, max-age=60");
                }
            }
        }
    }

    async fn who_attaches_and_tells_who_asks_has_a_private_response(storage: Storage) {
        let (source, gate) = crate::scene::withheld();
        let layer = layer(storage).shared();
        let proxy = proxy(&layer, &source);
        let mut clients = Vec::new();
        let nobody: Personal = |_| {};
        for (case, change) in PERSONAL.into_iter().chain([("nobody", nobody)]) {
            let mut request = get(&large(0));
            change(&mut request);
            let proxy = proxy.clone();
            clients.push((case, tokio::spawn(async move { send(&proxy, request).await })));
            quiet().await;
        }
        gate.open();
        for (case, client) in clients {
            let got = client.await.unwrap();
            let expected = if case == "nobody" { PUBLIC } else { PRIVATE };
            assert_eq!(got.header("cache-control"), expected, "{case}");
        }
        assert_eq!(source.requests().total(), 1);
        within(layer.fills().idle()).await;
    }

    async fn nothing_of_a_direct_source_may_be_kept_by_all(storage: Storage) {
        let missing = Answer::text(StatusCode::NOT_FOUND, "no").header("cache-control", "public");
        let redirect = OnMiss::redirect("https://registry.test").unwrap();
        for (n, on_miss) in [OnMiss::Stream, OnMiss::Wait, redirect, OnMiss::NotFound]
            .into_iter()
            .enumerate()
        {
            let layer = FillLayer::new(storage.clone()).area(Area::Direct).on_miss(on_miss);
            for source in [generous(), always(missing.clone())] {
                for path in [&*mod_file(n), &small(n), &large(n), LIST, LATEST] {
                    for method in [Method::HEAD, Method::GET, Method::GET] {
                        let request = request(method, path, &[]);
                        let found = cache_control(&layer, &source, request).await;
                        let is_safe = found.contains("private") || found.contains("no-store");
                        assert!(is_safe && !found.contains("public"), "{path}: {found}");
                    }
                }
            }
        }
    }

    async fn allowed_makes_nothing_private_and_not_makes_everything_so(storage: Storage) {
        for (shared_caches, file, list) in [
            (SharedCaches::Allowed, PUBLIC, "public, max-age=60"),
            (SharedCaches::Not, PRIVATE, "private, max-age=60"),
        ] {
            for area in [Area::Included, Area::Direct] {
                let layer = FillLayer::new(storage.clone()).area(area).shared_caches(shared_caches);
                for (_, change) in PERSONAL {
                    for (path, expected) in [(&*large(0), file), (&mod_file(0), file), (LIST, list)] {
                        for mut request in [get(path), get(path)] {
                            let found = cache_control(&layer, &generous(), get(path)).await;
                            assert_eq!(found, expected);
                            change(&mut request);
                            let found = cache_control(&layer, &generous(), request).await;
                            assert_eq!(found, expected);
                        }
                    }
                }
            }
        }
    }
}

/// Whoever asked first.
#[tokio::test(start_paused = true)]
async fn the_settings_of_clones_are_their_own() {
    let storage = Storage::memory();
    let layer = layer(storage);
    let not = layer.clone().shared_caches(SharedCaches::Not);
    for (layer, expected) in [(&not, PRIVATE), (&layer, PUBLIC), (&not, PRIVATE)] {
        let got = fetch(&proxy(layer, &registry()), &large(0)).await;
        assert_eq!(got.header("cache-control"), expected);
        within(layer.fills().idle()).await;
    }
}
