//! A miss, then a hit: the same bytes under the same head.

use http::header::ETAG;
use http::{HeaderMap, Method, StatusCode};
use tower_goproxy::fill::FillLayer;
use tower_goproxy::source::Area;

use super::fixtures::{INFO, MOD, ZIP, files, large_zip, proxy, registry, zip};
use super::support::{Answer, Framing, Gate, Source, ask, get, request, whole};

const MISS: &str = "tower-goproxy; fwd=miss; stored";
const HIT: &str = "tower-goproxy; hit";

/// All of a head but the tag, in order of names.
fn all(headers: &HeaderMap) -> Vec<(String, String)> {
    let mut all: Vec<_> = headers
        .iter()
        .filter(|(name, _)| *name != ETAG)
        .map(|(name, value)| {
            let value = value.to_str().expect("a header is text");
            (name.to_string(), value.to_owned())
        })
        .collect();
    all.sort();
    all
}

fn tag(headers: &HeaderMap) -> &str {
    let tag = headers.get(ETAG).expect("each file has a tag");
    let tag = tag.to_str().expect("a tag is text");
    assert!(tag.starts_with('"') && tag.ends_with('"'), "{tag} is weak");
    tag
}

fn expected(path: &str, len: usize, cache_status: &str) -> Vec<(String, String)> {
    let content_type = match path {
        INFO => "application/json",
        MOD => "text/plain; charset=utf-8",
        _ => "application/zip",
    };
    [
        ("accept-ranges", "bytes"),
        ("cache-control", "public, max-age=31536000, immutable"),
        ("cache-status", cache_status),
        ("content-length", &len.to_string()),
        ("content-type", content_type),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

on_each_storage! {
    async fn a_miss_is_filled_and_the_next_request_is_a_hit(storage: Storage) {
        let (layer, source) = (FillLayer::new(storage).area(Area::Included), registry());
        let proxy = proxy(&layer, &source);
        for (path, content) in files() {
            let mut tags = Vec::new();
            for cache_status in [MISS, HIT, HIT] {
                let response = ask(&proxy, get(path)).await;
                assert_eq!(response.status(), StatusCode::OK);
                assert_eq!(all(response.headers()), expected(path, content.len(), cache_status));
                tags.push(tag(response.headers()).to_owned());
                assert_eq!(whole(response.into_body()).await.unwrap(), content);
                layer.fills().idle().await;
            }
            assert_eq!(tags[1], tags[2], "the hits are the same file");
            assert_eq!(source.requests().count(path), 1);
        }
    }

    async fn a_large_file_arrives_under_its_whole_head_too(storage: Storage) {
        let content = large_zip();
        let source = Source::serving(ZIP, Answer::in_parts(content.clone(), 100_000));
        let layer = FillLayer::new(storage).area(Area::Included);
        let proxy = proxy(&layer, &source);
        for cache_status in [MISS, HIT] {
            let response = ask(&proxy, get(ZIP)).await;
            assert_eq!(all(response.headers()), expected(ZIP, content.len(), cache_status));
            tag(response.headers());
            assert!(whole(response.into_body()).await.unwrap() == content);
            layer.fills().idle().await;
        }
    }

    async fn a_file_of_unknown_length_says_nothing_that_needs_it_until_it_is_stored(storage: Storage) {
        let content = large_zip();
        let gate = Gate::closed();
        let answer = Answer::in_parts(content.clone(), 100_000).framing(Framing::Chunked);
        let source = Source::serving(ZIP, answer.gated(&gate));
        let layer = FillLayer::new(storage).area(Area::Included);
        let proxy = proxy(&layer, &source);

        let response = ask(&proxy, get(ZIP)).await;
        gate.open();
        // Whether it will be stored is not known either: it may turn out too large.
        let known: Vec<_> = expected(ZIP, content.len(), "tower-goproxy; fwd=miss")
            .into_iter()
            .filter(|(name, _)| name.starts_with("cache") || name == "content-type")
            .collect();
        assert_eq!(all(response.headers()), known);
        tag(response.headers());
        assert!(whole(response.into_body()).await.unwrap() == content);
        layer.fills().idle().await;

        let response = ask(&proxy, get(ZIP)).await;
        assert_eq!(all(response.headers()), expected(ZIP, content.len(), HIT));
        assert!(whole(response.into_body()).await.unwrap() == content);
    }

    async fn a_sources_own_headers_are_not_kept(storage: Storage) {
        let answer = Answer::new([zip()])
            .header("set-cookie", "session=1")
            .header("etag", "\"upstream\"")
            .header("last-modified", "Mon, 01 Jan 2024 00:00:00 GMT")
            .header("cache-control", "max-age=60")
            .header("content-type", "text/html")
            .header("content-encoding", "identity");
        let (layer, source) = (FillLayer::new(storage).area(Area::Included), Source::serving(ZIP, answer));
        let proxy = proxy(&layer, &source);
        for cache_status in [MISS, HIT] {
            let response = ask(&proxy, get(ZIP)).await;
            assert_eq!(all(response.headers()), expected(ZIP, zip().len(), cache_status));
            assert_ne!(tag(response.headers()), "\"upstream\"");
            layer.fills().idle().await;
        }
    }

    async fn a_file_that_its_source_calls_private_is_private_as_a_miss_and_as_a_hit(storage: Storage) {
        let answer = Answer::new([zip()]).header("cache-control", "private");
        let source = Source::serving(ZIP, answer);
        let layer = FillLayer::new(storage).area(Area::Included);
        for cache_status in [MISS, HIT] {
            let response = ask(&proxy(&layer, &source), get(ZIP)).await;
            assert_eq!(response.headers()["cache-status"], cache_status);
            let caches = response.headers()["cache-control"].to_str().unwrap().to_owned();
            assert!(caches.contains("private") && !caches.contains("public"), "{caches}");
            assert!(caches.contains("immutable"), "{caches}");
            assert_eq!(whole(response.into_body()).await.unwrap(), zip());
            layer.fills().idle().await;
        }
        assert_eq!(source.requests().total(), 1);
    }

    async fn what_a_source_says_to_caches_can_be_ignored(storage: Storage) {
        for (version, said) in [("v1.0.0", "private"), ("v1.1.0", "no-store")] {
            let answer = Answer::new(["module example.com/Mod\n"]).header("cache-control", said);
            let path = format!("/example.com/!mod/@v/{version}.mod");
            let source = Source::serving(path.clone(), answer);
            let layer = FillLayer::new(storage.clone()).area(Area::Included).ignore_source_cache_control();
            for cache_status in [MISS, HIT] {
                let response = ask(&proxy(&layer, &source), get(&path)).await;
                assert_eq!(response.headers()["cache-status"], cache_status, "{said}");
                let caches = response.headers()["cache-control"].to_str().unwrap();
                assert!(caches.contains("public"), "{caches}");
                layer.fills().idle().await;
            }
        }
    }

    async fn head_on_a_hit_is_the_head_of_get(storage: Storage) {
        let (layer, source) = (FillLayer::new(storage).area(Area::Included), registry());
        let proxy = proxy(&layer, &source);
        for (path, content) in files() {
            ask(&proxy, get(path)).await;
            layer.fills().idle().await;
            let response = ask(&proxy, request(Method::HEAD, path, &[])).await;
            assert_eq!(response.status(), StatusCode::OK);
            assert_eq!(all(response.headers()), expected(path, content.len(), HIT));
            let hit = ask(&proxy, get(path)).await;
            assert_eq!(tag(response.headers()), tag(hit.headers()));
            assert!(whole(response.into_body()).await.unwrap().is_empty());
        }
        assert_eq!(source.requests().total(), 3);
    }

    /// Else a client could join the beginning of one file with the end of another.
    async fn two_files_of_one_length_have_two_tags(storage: Storage) {
        let source = Source::new(|request| match &*request.path {
            "/example.com/one/@v/v1.0.0.mod" => Answer::new(["module example.com/one\n"]),
            _ => Answer::new(["module example.com/two\n"]),
        });
        let layer = FillLayer::new(storage).area(Area::Included);
        let mut tags = Vec::new();
        for path in ["/example.com/one/@v/v1.0.0.mod", "/example.com/two/@v/v1.0.0.mod"] {
            for _ in 0..2 {
                let response = ask(&proxy(&layer, &source), get(path)).await;
                tags.push(tag(response.headers()).to_owned());
                layer.fills().idle().await;
            }
        }
        tags.sort();
        tags.dedup();
        // That of the miss, too, is of the content.
        assert_eq!(tags.len(), 2, "{tags:?}");
    }

    async fn head_on_a_miss_asks_the_source_by_head_and_fills_nothing(storage: Storage) {
        let (layer, source) = (FillLayer::new(storage).area(Area::Included), registry());
        let proxy = proxy(&layer, &source);
        for asked in 1..=2 {
            let response = ask(&proxy, request(Method::HEAD, ZIP, &[])).await;
            assert_eq!(response.status(), StatusCode::OK);
            assert_eq!(response.headers()["content-length"], zip().len().to_string());
            assert_eq!(response.headers()["cache-status"], "tower-goproxy; fwd=miss");
            assert!(!response.headers().contains_key(ETAG), "GET would have another one");
            assert!(whole(response.into_body()).await.unwrap().is_empty());
            assert_eq!(layer.fills().running(), 0);
            assert_eq!(source.requests().total(), asked);
        }
        let missing = request(Method::HEAD, "/example.com/other/@v/v1.0.0.zip", &[]);
        assert_eq!(ask(&proxy, missing).await.status(), StatusCode::NOT_FOUND);
        assert!(source.requests().all().iter().all(|asked| asked.method == Method::HEAD));
    }

    async fn head_attaches_to_a_running_fill_and_does_not_wait_for_its_end(storage: Storage) {
        let gate = Gate::closed();
        let answer = Answer::in_parts(large_zip(), 100_000).gated(&gate);
        let (layer, source) = (FillLayer::new(storage).area(Area::Included), Source::serving(ZIP, answer));
        let proxy = proxy(&layer, &source);
        let running = ask(&proxy, get(ZIP)).await;
        let response = ask(&proxy, request(Method::HEAD, ZIP, &[])).await;
        assert_eq!(response.headers()["content-length"], large_zip().len().to_string());
        assert_eq!(tag(response.headers()), tag(running.headers()));
        assert!(whole(response.into_body()).await.unwrap().is_empty());
        assert_eq!(gate.sent_so_far(), 1);
        assert_eq!(source.requests().total(), 1);
        gate.open();
        assert!(whole(running.into_body()).await.unwrap() == large_zip());
        layer.fills().idle().await;
    }

    async fn disable_module_fetch_asks_for_stored_files_alone(storage: Storage) {
        let (layer, source) = (FillLayer::new(storage).area(Area::Included), registry());
        let proxy = proxy(&layer, &source);
        let asked = || request(Method::GET, ZIP, &[("disable-module-fetch", "true")]);

        let response = ask(&proxy, asked()).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
        assert_eq!(response.headers()["cache-control"], "no-store");
        let text = whole(response.into_body()).await.unwrap();
        assert_eq!(text, "not found: temporarily unavailable\n");
        assert_eq!((source.requests().total(), layer.fills().running()), (0, 0));
        for other in ["/example.com/!mod/@v/list", "/example.com/!mod/@latest"] {
            let asked = request(Method::GET, other, &[("disable-module-fetch", "true")]);
            assert_eq!(ask(&proxy, asked).await.status(), StatusCode::NOT_FOUND);
        }
        assert_eq!(source.requests().total(), 0);

        let no = request(Method::GET, ZIP, &[("disable-module-fetch", "false")]);
        assert_eq!(ask(&proxy, no).await.status(), StatusCode::OK);
        layer.fills().idle().await;
        let response = ask(&proxy, asked()).await;
        assert_eq!(response.headers()["cache-status"], HIT);
        assert_eq!(whole(response.into_body()).await.unwrap(), zip());
    }
}
