//! Lists, `@latest` and branch queries go to the source each time; what is no such request goes
//! nowhere.

use http::{Method, StatusCode};
use tower_goproxy::Storage;
use tower_goproxy::fill::{FillLayer, OnMiss};
use tower_goproxy::source::Area;

use super::fixtures::{ZIP, files, proxy, registry};
use super::support::storages::{assert_nothing_staged, files as files_of};
use super::support::{Answer, Source, ask, get, request, whole, within};

const LIST: &str = "/example.com/!mod/@v/list";
const LATEST: &str = "/example.com/!mod/@latest";
const BRANCH: &str = "/example.com/!mod/@v/main.info";

on_each_storage! {
    async fn what_changes_with_time_is_asked_each_time_and_passed_untouched(storage: Storage) {
        let on_misses = [
            OnMiss::Stream,
            OnMiss::Wait,
            OnMiss::NotFound,
            OnMiss::redirect("https://registry.test").unwrap(),
        ];
        for (on_miss, path) in on_misses.iter().flat_map(|on_miss| {
            [LIST, LATEST, BRANCH].map(|path| (on_miss.clone(), path))
        }) {
            // The branch moves, and the list grows, between the two.
            let source = Source::new(|request| {
                let body = if request.nth == 0 { "before" } else { "after" };
                Answer::new([body])
                    .header("etag", "\"upstream\"")
                    .header("cache-control", "max-age=60")
                    .header("content-type", "text/x-upstream")
                    .header("cache-status", "cdn.test; hit")
            });
            let layer = FillLayer::new(storage.clone()).area(Area::Included).on_miss(on_miss);
            let proxy = proxy(&layer, &source);
            for expected in ["before", "after"] {
                let response = ask(&proxy, get(path)).await;
                assert_eq!(response.status(), StatusCode::OK);
                assert_eq!(response.headers()["etag"], "\"upstream\"");
                assert_eq!(response.headers()["cache-control"], "max-age=60");
                assert_eq!(response.headers()["content-type"], "text/x-upstream");
                let statuses: Vec<_> = response.headers().get_all("cache-status").iter().collect();
                assert_eq!(statuses, ["cdn.test; hit", "tower-goproxy; fwd=bypass"]);
                assert_eq!(whole(response.into_body()).await.unwrap(), expected);
                assert_eq!(layer.fills().running(), 0);
            }
            assert_eq!(source.requests().total(), 2);
        }
    }

    async fn errors_and_head_pass_too(storage: Storage) {
        let source = Source::new(|_| Answer::text(StatusCode::GONE, "gone away"));
        let layer = FillLayer::new(storage).area(Area::Included);
        let proxy = proxy(&layer, &source);
        for path in [LIST, LATEST, BRANCH] {
            let response = ask(&proxy, get(path)).await;
            assert_eq!(response.status(), StatusCode::GONE);
            assert_eq!(whole(response.into_body()).await.unwrap(), "gone away");
            let response = ask(&proxy, request(Method::HEAD, path, &[])).await;
            assert_eq!(response.status(), StatusCode::GONE);
        }
        let methods: Vec<_> = source.requests().all().iter().map(|one| one.method.to_string()).collect();
        assert_eq!(methods, ["GET", "HEAD"].repeat(3));
    }

    async fn other_methods_are_refused(storage: Storage) {
        let (layer, source) = (FillLayer::new(storage).area(Area::Included), registry());
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
            let response = ask(&proxy(&layer, &source), request(method, ZIP, &[])).await;
            assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
            assert_eq!(response.headers()["allow"], "GET, HEAD");
        }
        assert_eq!(source.requests().total(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_path_that_is_no_file_of_a_module_touches_nothing() {
    within(async {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("modules");
        std::fs::write(outer.path().join("v1.0.0.mod"), "module secret\n").unwrap();
        let source = Source::new(|_| Answer::new(["module example.com/m\n"]));
        let layer = FillLayer::new(Storage::disk(&folder).unwrap()).area(Area::Included);
        let proxy = proxy(&layer, &source);
        for path in [
            "/",
            "/healthz",
            "//evil/@v/v1.0.0.mod",
            "//evil.test/x/@v/v1.0.0.mod",
            "/../@v/v1.0.0.mod",
            "/example.com/../@v/v1.0.0.mod",
            "/example.com/%2e%2e/@v/v1.0.0.mod",
            "/example.com/%2E%2E/%2e%2e/@v/v1.0.0.mod",
            "/example.com/m/@v/../../../v1.0.0.mod",
            "/example.com/m/@v/..%2f..%2fv1.0.0.mod",
            "/example.com/m/@v/%2e%2e/v1.0.0.mod",
            "/example.com/m%00/@v/v1.0.0.mod",
            "/example.com/m%0a/@v/v1.0.0.mod",
            "/example.com/m/@v/v1.0.0.mod%00",
            "/example.com%5cm/@v/v1.0.0.mod",
            "/example.com/m%ff/@v/v1.0.0.mod",
            "/example.com/m%2/@v/v1.0.0.mod",
            "/example.com/Mod/@v/v1.0.0.mod",
            "/example.com/m/@v/v1.0.mod",
            "/example.com/m/v2/@v/v1.0.0.mod",
            "/example.com/m/@v/v1.0.0.exe",
            "/.staging/@v/v1.0.0.mod",
            "/example.com/.staging/@v/v1.0.0.mod.",
            "/sumdb/sum.golang.org/supported",
            "/sumdb/169.254.169.254/latest",
        ] {
            for method in [Method::GET, Method::HEAD] {
                let response = ask(&proxy, request(method, path, &[])).await;
                assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
                assert_eq!(
                    response.headers()["content-type"],
                    "text/plain; charset=utf-8"
                );
                let text = whole(response.into_body()).await.unwrap();
                assert!(text.starts_with(b"not found: "), "{path}: {text:?}");
                assert_eq!(
                    text.iter().filter(|byte| byte.is_ascii_control()).count(),
                    1
                );
            }
        }
        assert_eq!((source.requests().total(), layer.fills().running()), (0, 0));
        assert_eq!(files_of(&folder), [""; 0].map(std::path::PathBuf::from));
        assert_eq!(
            files_of(outer.path()),
            ["v1.0.0.mod"].map(std::path::PathBuf::from)
        );
        assert_nothing_staged(&folder);
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn percent_encoding_names_the_same_file() {
    let (layer, source) = (
        FillLayer::new(Storage::memory()).area(Area::Included),
        registry(),
    );
    let proxy = proxy(&layer, &source);
    let encoded = ZIP.replace('!', "%21").replace("@v", "%40v");
    for path in [ZIP, &encoded] {
        let body = ask(&proxy, get(path)).await.into_body();
        assert_eq!(whole(body).await.unwrap(), files()[2].1);
        layer.fills().idle().await;
    }
    assert_eq!(source.requests().total(), 1);
}
