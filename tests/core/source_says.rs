//! What a source says, and what becomes of it: statuses, `Cache-Control`, and who stores the file.

use futures_util::future::join_all;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use tower::{ServiceBuilder, service_fn};
use tower_goproxy::Storage;
use tower_goproxy::fill::OnMiss;
use tower_goproxy::source::StoredElsewhere;

use crate::scene::{
    ATTACHED, BRANCH, HIT, LATEST, LIST, NOT_STORED, STORED, all_paths, always, content, fetch,
    fetch_three, info, key, large, layer, mod_file, proxy, send, small,
};
use crate::support::{
    Answer, Gate, Kept, Recorded, Source, ask, get, quiet, request, whole, within,
};

/// What belongs at a path, with a status and headers.
fn saying(status: u16, headers: &'static [(&'static str, &'static str)]) -> Source {
    Source::new(move |request: &Recorded| {
        let answer = Answer::new([content(&request.path)]);
        let answer = answer.status(StatusCode::from_u16(status).unwrap());
        headers
            .iter()
            .fold(answer, |answer, (name, value)| answer.header(name, value))
    })
}

/// A part looks like the whole to the go command. No range was requested, so the source is wrong.
#[tokio::test(start_paused = true)]
async fn a_success_that_is_not_200_is_a_bad_gateway() {
    let range: &[_] = &[("content-range", "bytes 0-9/500")];
    for (status, headers) in [
        (203, &[][..]),
        (206, &[]),
        (206, range),
        (204, &[]),
        (200, range),
    ] {
        for on_miss in [OnMiss::Stream, OnMiss::Wait] {
            for path in all_paths() {
                if status == 200 && !path.contains("@v/v") {
                    continue;
                }
                let kept = Kept::in_memory();
                let layer = layer(kept.storage()).on_miss(on_miss.clone());
                let proxy = proxy(&layer, &saying(status, headers));
                for method in [Method::GET, Method::HEAD] {
                    let got = send(&proxy, request(method, &path, &[])).await;
                    assert_eq!(got.status.as_u16(), 502, "{status}, {path}");
                    assert!(!got.cache_status().contains("stored"));
                }
                within(layer.fills().idle()).await;
                assert_eq!(kept.names().await, [""; 0]);
            }
        }
    }
}

/// Also where it cannot be shared, or does not fit.
#[tokio::test(start_paused = true)]
async fn so_is_one_that_passes_by() {
    for headers in [
        &[("content-encoding", "gzip")][..],
        &[("cache-control", "no-store")],
    ] {
        let layer = layer(Storage::memory());
        let proxy = proxy(&layer, &saying(206, headers));
        for path in all_paths() {
            fetch(&proxy, &path).await.assert_status(502);
        }
    }
}

/// It is for one client, so no cache may keep it, and nothing that the source says of it goes further.
#[tokio::test(start_paused = true)]
async fn what_is_passed_on_has_a_head_of_our_own() {
    let unstored: &[_] = &[
        ("cache-control", "public, no-store, max-age=600"),
        ("etag", "\"theirs\""),
        ("accept-ranges", "bytes"),
        ("content-type", "text/html"),
        ("x-accel-redirect", "/secret"),
        ("set-cookie", "a=b"),
    ];
    for path in [mod_file(0), small(0), large(0)] {
        let proxy = proxy(&layer(Storage::memory()), &saying(200, unstored));
        let passed = fetch(&proxy, &path).await;
        passed.assert_file(&path, NOT_STORED);
        let head = send(&proxy, request(Method::HEAD, &path, &[])).await;
        for got in [passed, head] {
            let mut names: Vec<_> = got.headers.keys().map(|name| name.as_str()).collect();
            names.sort_unstable();
            let ours = [
                "cache-control",
                "cache-status",
                "content-length",
                "content-type",
            ];
            assert_eq!(names, ours);
            assert_eq!(got.header("cache-control"), "no-store");
            assert_ne!(got.header("content-type"), "text/html");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_says_how_to_come_again() {
    let unauthorized: &[_] = &[("www-authenticate", "Basic realm=\"a\""), ("allow", "GET")];
    let not_allowed: &[_] = &[("www-authenticate", "Basic realm=\"a\""), ("allow", "GET")];
    for path in [mod_file(0), small(0), large(0)] {
        let layer = layer(Storage::memory());
        for method in [Method::GET, Method::HEAD] {
            let proxy = proxy(&layer, &saying(401, unauthorized));
            let got = send(&proxy, request(method.clone(), &path, &[])).await;
            got.assert_status(401);
            assert_eq!(got.header("www-authenticate"), "Basic realm=\"a\"");
            assert_eq!(got.header("allow"), "");
            let proxy = crate::scene::proxy(&layer, &saying(405, not_allowed));
            let got = send(&proxy, request(method, &path, &[])).await;
            got.assert_status(405);
            assert_eq!(got.header("allow"), "GET");
            assert_eq!(got.header("www-authenticate"), "");
        }
    }
    for path in [LIST, LATEST, BRANCH] {
        let proxy = proxy(&layer(Storage::memory()), &saying(401, unauthorized));
        let got = fetch(&proxy, path).await;
        got.assert_status(401);
        assert_eq!(got.header("www-authenticate"), "Basic realm=\"a\"");
    }
}

const PRIVATE: &str = "private, immutable, max-age=31536000";
const PUBLIC: &str = "public, max-age=31536000, immutable";

#[tokio::test(start_paused = true)]
async fn a_private_file_is_stored_and_is_private_for_ever() {
    for value in ["private", "max-age=60, Private", "private, max-age=soon"] {
        for kept in [Kept::on_disk(), Kept::in_memory()] {
            let source = always(Answer::new([content(&large(0))]).header("cache-control", value));
            let layer = layer(kept.storage());
            let proxy = proxy(&layer, &source);
            for got in fetch_three(&proxy, &large(0)).await {
                got.assert_status(200);
                assert_eq!(got.header("cache-control"), PRIVATE, "{value}");
            }
            within(layer.fills().idle()).await;
            // Another process does not know what the source has said.
            let later = crate::scene::layer(kept.storage());
            for proxy in [proxy, crate::scene::proxy(&later, &source)] {
                let got = fetch(&proxy, &large(0)).await;
                got.assert_file(&large(0), HIT);
                assert_eq!(got.header("cache-control"), PRIVATE);
                let range = request(Method::GET, &large(0), &[("range", "bytes=5-9")]);
                let head = request(Method::HEAD, &large(0), &[]);
                for (request, status) in [(range, 206), (head, 200)] {
                    let got = send(&proxy, request).await;
                    got.assert_status(status);
                    assert_eq!(got.header("cache-control"), PRIVATE);
                }
            }
            assert_eq!(source.requests().total(), 1);
            let names = kept.names().await;
            assert_eq!(names.len(), 1);
            assert_ne!(names[0], key(&large(0)), "a CDN may serve the plain layout");
        }
    }
}

on_each_storage! {
    async fn what_is_not_to_be_stored_goes_to_each_client_by_itself(storage: Storage) {
        let sources = [
            saying(200, &[("cache-control", "no-store")]),
            saying(200, &[("cache-control", "public, No-Store")]),
            saying(200, &[("cache-control", "no-store, max-age=soon")]),
        ];
        for (source, path) in sources
            .into_iter()
            .flat_map(|source| [info(0), mod_file(0), small(0), large(0)].map(|path| (source.clone(), path)))
        {
            let layer = layer(storage.clone());
            let proxy = proxy(&layer, &source);
            source.requests().clear();
            for got in fetch_three(&proxy, &path).await {
                got.assert_file(&path, NOT_STORED);
                assert!(got.header("cache-control").to_lowercase().contains("no-store"));
            }
            within(layer.fills().idle()).await;
            assert_eq!(source.requests().total(), 3);
            fetch(&proxy, &path).await.assert_file(&path, NOT_STORED);
        }
    }

    async fn a_setting_overrides_what_the_source_says(storage: Storage) {
        let sources = [
            saying(200, &[("cache-control", "no-store")]),
            saying(200, &[("cache-control", "private, no-store")]),
            saying(200, &[("cache-control", "private")]),
        ];
        for (n, source) in sources.into_iter().enumerate() {
            let layer = layer(storage.clone()).ignore_source_cache_control();
            let proxy = proxy(&layer, &source);
            for path in [mod_file(n), large(n)] {
                for status in [STORED, HIT] {
                    let got = fetch(&proxy, &path).await;
                    got.assert_file(&path, status);
                    assert_eq!(got.header("cache-control"), PUBLIC);
                    within(layer.fills().idle()).await;
                }
            }
            assert_eq!(source.requests().total(), 2);
        }
    }

    async fn what_somebody_else_stores_is_shared_and_checked_and_not_stored(storage: Storage) {
        let layer = layer(storage);
        for path in [mod_file(0), large(0), large(0)] {
            let gate = Gate::closed();
            let held = gate.clone();
            let registry = Source::new(move |request: &Recorded| {
                Answer::new([content(&request.path)]).withheld(&held)
            });
            let requests = registry.requests().clone();
            let source = ServiceBuilder::new()
                .map_response(|mut response: Response<_>| {
                    response.extensions_mut().insert(StoredElsewhere);
                    response
                })
                .service(registry);
            let proxy = proxy(&layer, &source);
            let mut clients = Vec::new();
            for status in [NOT_STORED, ATTACHED] {
                let (proxy, path) = (proxy.clone(), path.clone());
                let client = async move { fetch(&proxy, &path).await.assert_file(&path, status) };
                clients.push(tokio::spawn(client));
                quiet().await;
            }
            gate.open();
            join_all(clients).await.into_iter().for_each(Result::unwrap);
            within(layer.fills().idle()).await;
            assert_eq!(requests.total(), 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_file_that_somebody_else_stores_reaches_nobody() {
    let source = service_fn(|_: Request<_>| async {
        let mut response = Response::new(Full::new(content(&large(7))));
        let len = HeaderValue::from(content(&large(7)).len());
        response.headers_mut().insert("content-length", len);
        response.extensions_mut().insert(StoredElsewhere);
        Ok::<_, std::convert::Infallible>(response)
    });
    for on_miss in [OnMiss::Stream, OnMiss::Wait] {
        let layer = layer(Storage::memory()).on_miss(on_miss);
        let response = ask(&proxy(&layer, &source), get(&large(0))).await;
        let is_ok = response.status() == StatusCode::OK;
        let is_whole = whole(response.into_body()).await.is_ok();
        assert!(!(is_ok && is_whole));
        within(layer.fills().idle()).await;
    }
}
