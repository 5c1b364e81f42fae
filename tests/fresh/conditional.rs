//! Revalidation over HTTP.

use std::time::Duration;

use http::StatusCode;
use tower::{Layer as _, ServiceBuilder};
use tower_goproxy::fill::FillLayer;
use tower_goproxy::fresh::FreshLayer;
use tower_goproxy::{Storage, Upstream};

use super::fixtures::{LATEST, LIST};
use super::support::{Answer, ScriptedRegistry, ask, get, whole, within_minutes};

#[tokio::test]
async fn an_answer_is_revalidated_by_its_tag_also_by_the_next_process() {
    within_minutes(async {
        let registry = ScriptedRegistry::http1(|request| {
            let body = if request.path == LIST {
                "v1.1.0\nv1.0.0\n"
            } else {
                "{\"Version\":\"v1.1.0\"}"
            };
            match request.headers.get("if-none-match") {
                Some(tag) => {
                    assert_eq!(tag, "\"1\"");
                    Answer::new([""; 0]).status(StatusCode::NOT_MODIFIED)
                }
                None => Answer::new([body]).header("etag", "\"1\""),
            }
        })
        .await;
        let storage = Storage::memory();
        for process in 0..2 {
            let fresh = FreshLayer::new(storage.clone())
                .fresh_for(Duration::ZERO)
                .stale_for(Duration::ZERO);
            let refreshes = fresh.refreshes();
            let upstream = Upstream::new(&registry.url()).unwrap();
            let app = ServiceBuilder::new()
                .layer(fresh)
                .service(FillLayer::new(storage.clone()).layer(upstream));
            for turn in 0..3 {
                for (path, expected) in [
                    (LIST, "v1.0.0\nv1.1.0\n"),
                    (LATEST, "{\"Version\":\"v1.1.0\"}"),
                ] {
                    let before = registry.requests().count(path);
                    let response = ask(&app, get(path)).await;
                    assert_eq!(response.status(), StatusCode::OK);
                    assert_eq!(whole(response.into_body()).await.unwrap(), expected);
                    refreshes.idle().await;
                    let asked: Vec<_> = registry
                        .requests()
                        .all()
                        .into_iter()
                        .filter(|one| one.path == path)
                        .collect();
                    assert_eq!(asked.len(), before + 1);
                    let is_conditional = asked[before].headers.contains_key("if-none-match");
                    assert_eq!(is_conditional, process + turn > 0);
                }
            }
        }
        registry.shutdown().await;
    })
    .await;
}

/// It would count as much as an answer.
#[tokio::test]
async fn a_tag_that_is_longer_than_tags_are_is_not_kept() {
    within_minutes(async {
        let tag = format!("\"{}\"", "x".repeat(16 * 1024));
        let registry =
            ScriptedRegistry::http1(move |_| Answer::new(["v1.0.0\n"]).header("etag", &tag)).await;
        let storage = Storage::memory();
        let fresh = FreshLayer::new(storage.clone())
            .fresh_for(Duration::ZERO)
            .stale_for(Duration::ZERO);
        let refreshes = fresh.refreshes();
        let upstream = Upstream::new(&registry.url()).unwrap();
        let app = ServiceBuilder::new()
            .layer(fresh)
            .service(FillLayer::new(storage.clone()).layer(upstream));
        for turn in 1..3 {
            let response = ask(&app, get(LIST)).await;
            assert_eq!(whole(response.into_body()).await.unwrap(), "v1.0.0\n");
            refreshes.idle().await;
            let asked = registry.requests().all();
            assert_eq!(asked.len(), turn);
            assert!(!asked[turn - 1].headers.contains_key("if-none-match"));
        }
        registry.shutdown().await;
    })
    .await;
}
