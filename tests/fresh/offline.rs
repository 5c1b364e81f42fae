use http::{Method, StatusCode};
use tower::{Layer as _, ServiceExt as _};
use tower_goproxy::Storage;
use tower_goproxy::fresh::{CachedOnlyLayer, FreshLayer};

use super::fixtures::{HIT, LATEST, LIST, MAIN, Proxy, Script, info};
use super::support::{Answer, get, whole};

const ONLY: [(&str, &str); 1] = [("disable-module-fetch", "true")];
/// Known to have been at a version that is not stored.
const AHEAD: &str = "/example.com/m/@v/ahead.info";
const PSEUDO: &str = "v0.0.0-20240102030405-abcdef012345";

/// Some versions are stored, one is only known, and a branch was at one that is stored.
async fn warmed(storage: &Storage) -> (Script, Proxy) {
    let script = Script::default();
    for version in ["v1.0.0", "v1.1.0", "v3.0.0+incompatible", PSEUDO] {
        script.add("example.com/m", version);
    }
    script
        .set(LIST, Answer::new(["v1.0.0\nv1.1.0\nv1.2.0\n"]))
        .set(LATEST, info("v1.2.0"))
        .set(MAIN, info(PSEUDO))
        .set(AHEAD, info("v1.2.0"));
    let proxy = Proxy::new(storage, &script.source());
    for path in [LIST, LATEST, MAIN, AHEAD] {
        proxy.get(path).await;
    }
    for version in ["v1.0.0", "v1.1.0", "v3.0.0+incompatible", PSEUDO] {
        for extension in ["info", "mod", "zip"] {
            proxy
                .get(&format!("/example.com/m/@v/{version}.{extension}"))
                .await;
        }
    }
    proxy.idle().await;
    (script, proxy)
}

on_each_storage! {
    async fn only_what_is_stored_is_answered(storage: Storage) {
        let (script, proxy) = warmed(&storage).await;
        let source = script.source();
        let offline = Proxy::with(FreshLayer::new(storage.clone()).offline(), &storage, &source);
        for (proxy, headers) in [(&proxy, &ONLY[..]), (&offline, &[])] {
            let list = proxy.ask(Method::GET, LIST, headers).await;
            assert_eq!(list.all(), (200, "v1.0.0\nv1.1.0\nv3.0.0+incompatible\n", HIT));
            let latest = proxy.ask(Method::GET, LATEST, headers).await;
            // No version has a go.mod of its own.
            assert!(latest.body.contains("\"v3.0.0+incompatible\""), "{latest:?}");
            for (path, version) in [(MAIN, PSEUDO), ("/example.com/m/@v/v3.0.0.info", "v3.0.0+incompatible")] {
                let query = proxy.ask(Method::GET, path, headers).await;
                assert!(query.body.contains(version), "{query:?}");
            }
            let file = proxy.ask(Method::GET, "/example.com/m/@v/v1.0.0.zip", headers).await;
            assert_eq!((file.status, file.state()), (StatusCode::OK, HIT));
            for path in [
                "/example.com/x/@v/list",
                "/example.com/x/@latest",
                "/example.com/m/@v/other.info",
                AHEAD,
                "/example.com/m/@v/v1.2.0.info",
            ] {
                let missing = proxy.ask(Method::GET, path, headers).await;
                assert_eq!((missing.status, &*missing.body), (StatusCode::NOT_FOUND, "not found: temporarily unavailable\n"));
                assert_eq!(missing.headers["cache-control"], "no-store");
            }
        }
        assert_eq!(source.requests().total(), 0);
        // That it is not stored has not been taken for an absence.
        script.add("example.com/x", "v1.0.0").set("/example.com/x/@v/list", Answer::new(["v1.0.0\n"]));
        assert_eq!(proxy.get("/example.com/x/@v/list").await.status, StatusCode::OK);
        proxy.idle().await;
    }

    async fn a_fill_that_is_offline_alone_asks_nobody_either(storage: Storage) {
        let (script, _) = warmed(&storage).await;
        let source = script.source();
        let fill = tower_goproxy::fill::FillLayer::new(storage.clone()).area(tower_goproxy::source::Area::Included).offline();
        let app = FreshLayer::new(storage.clone()).layer(fill.layer(source.clone()));
        let Ok(list) = app.clone().oneshot(get("/example.com/m/@v/list")).await;
        assert_eq!(list.status(), StatusCode::OK);
        let Ok(file) = app.oneshot(get("/example.com/m/@v/v1.2.0.mod")).await;
        assert_eq!(file.status(), StatusCode::NOT_FOUND);
        assert_eq!(source.requests().total(), 0);
    }

    async fn below_cached_only_lies_what_is_stored(storage: Storage) {
        let (script, _) = warmed(&storage).await;
        let source = script.source();
        let app = CachedOnlyLayer::new().layer(Proxy::new(&storage, &source).app);
        for (path, status) in [
            ("/cached-only/example.com/m/@v/list", 200),
            ("/cached-only/example.com/m/@v/v1.0.0.mod", 200),
            ("/cached-only/example.com/m/@v/v1.2.0.mod", 404),
            ("/cached-only/example.com/x/@v/list", 404),
            ("/cached-only", 404),
            ("/cached-only/cached-only/example.com/m/@v/list", 404),
        ] {
            let Ok(response) = app.clone().oneshot(get(path)).await;
            assert_eq!(response.status(), status, "{path}");
            whole(response.into_body()).await.unwrap();
        }
        assert_eq!(source.requests().total(), 0);
    }
}
