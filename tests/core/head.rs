//! `HEAD` is answered as `GET` would be: RFC 9110, section 9.3.2.

use axum::body::Body;
use http::{HeaderMap, Method, Request, StatusCode};
use tower::{Layer as _, ServiceExt as _};
use tower_goproxy::fill::OnMiss;
use tower_goproxy::filter::FilterLayer;
use tower_goproxy::policy::Rules;
use tower_goproxy::{NotFound, Storage};

use crate::scene::{
    LATEST, all_paths, always, content, fetch, info, large, layer, mod_file, proxy, registry, send,
    small, spawn, spawn_get, withheld,
};
use crate::support::faulty_store::{Fault, FaultyStore, Step};
use crate::support::{Answer, Gate, Recorded, Source, quiet, request, within};

fn modes() -> [OnMiss; 4] {
    let redirect = OnMiss::redirect("https://registry.test").unwrap();
    [OnMiss::Stream, OnMiss::Wait, redirect, OnMiss::NotFound]
}

/// What has to be the same. The length of a text may be left out; where the file is does not make another file of
/// it; and the tag of a fill that is not running is not known.
fn comparable(status: StatusCode, mut headers: HeaderMap, tags: bool) -> (u16, HeaderMap) {
    if !status.is_success() {
        headers.remove("content-length");
    }
    if !tags {
        headers.remove("etag");
    }
    headers.remove("cache-status");
    (status.as_u16(), headers)
}

/// Requests each path both ways, `HEAD` first, from a source that says this.
async fn assert_same(case: &str, answer: fn(Answer) -> Answer) {
    for on_miss in modes() {
        for path in all_paths() {
            let source = Source::new(move |request: &Recorded| {
                answer(Answer::new([content(&request.path)]))
            });
            let layer = layer(Storage::memory()).on_miss(on_miss.clone());
            let proxy = proxy(&layer, &source);
            let [head, get] = [Method::HEAD, Method::GET].map(|method| request(method, &path, &[]));
            let (head, get) = (send(&proxy, head).await, send(&proxy, get).await);
            assert_eq!(
                comparable(head.status, head.headers, false),
                comparable(get.status, get.headers, false),
                "{case}, {on_miss:?}, {path}"
            );
            within(layer.fills().idle()).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn of_a_file_that_is_missing() {
    assert_same("a miss", |answer| answer).await;
}

#[tokio::test(start_paused = true)]
async fn of_a_file_that_the_source_has_not() {
    assert_same("404", |_| {
        Answer::text(StatusCode::NOT_FOUND, "not found: gone\n")
    })
    .await;
    assert_same("410", |_| {
        Answer::text(StatusCode::GONE, "not found: gone\n")
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn of_a_source_that_refuses_or_fails() {
    assert_same("401", |_| {
        let answer = Answer::text(StatusCode::UNAUTHORIZED, "who are you?\n");
        answer.header("www-authenticate", "Basic realm=\"x\"")
    })
    .await;
    assert_same("429", |_| {
        Answer::text(StatusCode::TOO_MANY_REQUESTS, "later\n").header("retry-after", "9")
    })
    .await;
    assert_same("500", |_| {
        Answer::text(StatusCode::INTERNAL_SERVER_ERROR, "oops\n")
    })
    .await;
    assert_same("302", |_| {
        Answer::text(StatusCode::FOUND, "there\n").header("location", "https://elsewhere.test/")
    })
    .await;
    assert_same("206", |answer| answer.status(StatusCode::PARTIAL_CONTENT)).await;
}

#[tokio::test(start_paused = true)]
async fn of_a_file_that_is_not_for_everyone() {
    assert_same("private", |answer| {
        answer.header("cache-control", "private")
    })
    .await;
}

/// The client gets the source's own response, so its head has to be that of the source too.
#[tokio::test(start_paused = true)]
async fn of_a_response_that_passes_unshared() {
    assert_same("no-store", |answer| {
        answer.header("cache-control", "no-store")
    })
    .await;
    assert_same("encoded", |answer| {
        answer
            .header("content-encoding", "gzip")
            .header("content-type", "application/x-zip")
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn of_a_file_whose_storage_does_not_answer() {
    for on_miss in modes() {
        for path in all_paths() {
            let store = FaultyStore::new(Step::Open, Fault::Fail);
            let layer = layer(Storage::new(store.clone())).on_miss(on_miss.clone());
            let proxy = proxy(&layer, &registry());
            let mut both = Vec::new();
            for (method, step) in [(Method::HEAD, Step::LookUp), (Method::GET, Step::Open)] {
                store.set(Some((step, Fault::Fail)));
                let got = send(&proxy, request(method, &path, &[])).await;
                both.push(comparable(got.status, got.headers, false));
            }
            assert_eq!(both[0], both[1], "{on_miss:?}, {path}");
            within(layer.fills().idle()).await;
        }
    }
}

on_each_storage! {
    async fn of_a_hit(storage: Storage) {
        for on_miss in modes() {
            let layer = layer(storage.clone()).on_miss(on_miss.clone());
            let stream = layer.clone().on_miss(OnMiss::Stream);
            let proxy = proxy(&layer, &registry());
            for path in &all_paths()[..4] {
                fetch(&crate::scene::proxy(&stream, &registry()), path).await;
                layer.fills().idle().await;
                for headers in [
                    &[][..],
                    &[("if-none-match", "*")],
                    &[("if-match", "\"other\"")],
                ] {
                    let [head, get] = [Method::HEAD, Method::GET]
                        .map(|method| request(method, path, headers));
                    let (head, get) = (send(&proxy, head).await, send(&proxy, get).await);
                    assert_eq!(
                        comparable(head.status, head.headers, true),
                        comparable(get.status, get.headers, true),
                        "{on_miss:?}, {path}, {headers:?}"
                    );
                }
            }
        }
    }

    async fn of_a_file_that_is_being_filled(storage: Storage) {
        for (n, on_miss) in modes().into_iter().enumerate() {
            let (source, gate) = withheld();
            let layer = layer(storage.clone()).on_miss(on_miss.clone());
            let stream = layer.clone().on_miss(OnMiss::Stream);
            let proxy = proxy(&layer, &source);
            let mut all = Vec::new();
            for path in [info(n), mod_file(n), small(n), large(n)] {
                let first = spawn_get(&crate::scene::proxy(&stream, &source), &path);
                quiet().await;
                let both = [Method::HEAD, Method::GET].map(|method| spawn(&proxy, method, &path));
                all.push((path, first, both));
            }
            quiet().await;
            gate.open();
            for (path, first, [head, get]) in all {
                first.await.unwrap().assert_status(200);
                let (head, get) = (head.await.unwrap(), get.await.unwrap());
                assert_eq!(head.cache_status(), get.cache_status());
                if get.status == 200 {
                    assert!(get.body.unwrap() == content(&path), "{on_miss:?}, {path}");
                }
                assert_eq!(
                    comparable(head.status, head.headers, true),
                    comparable(get.status, get.headers, true),
                    "{on_miss:?}, {path}"
                );
            }
            assert!(source.requests().all().iter().all(|one| one.method == Method::GET));
            layer.fills().idle().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn of_what_is_excluded() {
    for on_miss in modes() {
        let layer = layer(Storage::memory()).on_miss(on_miss.clone());
        let rules = Rules::parse("- example.com/m v1.0.0").unwrap();
        let filter = FilterLayer::new(rules, proxy(&layer, &registry()));
        let proxy = filter.layer(NotFound);
        for path in [info(0), mod_file(0), small(0), LATEST.to_owned()] {
            let mut both = Vec::new();
            for method in [Method::HEAD, Method::GET] {
                let request = Request::builder().method(method).uri(&path);
                let request = request.body(Body::empty()).unwrap();
                let response = proxy.clone().oneshot(request).await.unwrap();
                let (parts, _) = response.into_parts();
                both.push(comparable(parts.status, parts.headers, false));
            }
            assert_eq!(both[0], both[1], "{on_miss:?}, {path}");
        }
        within(layer.fills().idle()).await;
    }
}

/// Over HTTP/2 it would arrive.
#[tokio::test(start_paused = true)]
async fn it_has_no_body_whatever_the_answer() {
    let missing = Answer::text(StatusCode::NOT_FOUND, "not found: gone\n");
    let part = Answer::new(["x"]).status(StatusCode::PARTIAL_CONTENT);
    for (answer, status) in [(missing, 404), (part, 502)] {
        let proxy = proxy(&layer(Storage::memory()), &always(answer));
        for path in all_paths() {
            let head = send(&proxy, request(Method::HEAD, &path, &[])).await;
            head.assert_status(status);
            assert_eq!(head.body.unwrap(), "", "{path}");
        }
    }
}

/// The response that cannot be shared is for who wants its body.
#[tokio::test(start_paused = true)]
async fn what_waits_with_a_get_for_a_file_that_is_not_shared_takes_nothing_from_it() {
    let gate = Gate::closed();
    let held = gate.clone();
    let source = Source::new(move |request: &Recorded| {
        let answer = Answer::new([content(&request.path)]).withheld(&held);
        answer.header("cache-control", "no-store")
    });
    let proxy = proxy(&layer(Storage::memory()), &source);
    let get = spawn_get(&proxy, &large(0));
    quiet().await;
    let head = spawn(&proxy, Method::HEAD, &large(0));
    quiet().await;
    gate.open();
    let (get, head) = (get.await.unwrap(), head.await.unwrap());
    assert_eq!(get.body.unwrap(), content(&large(0)));
    assert_eq!(head.body.unwrap(), "");
    let methods: Vec<_> = source
        .requests()
        .all()
        .into_iter()
        .map(|one| one.method)
        .collect();
    assert_eq!(methods, [Method::GET, Method::HEAD]);
}
