//! A filter in front of a storage.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::StatusCode;
use tower::{Layer as _, ServiceBuilder};
use tower_goproxy::Storage;
use tower_goproxy::fill::FillLayer;
use tower_goproxy::filter::FilterLayer;
use tower_goproxy::policy::{Rule, policy_fn};
use tower_goproxy::source::Area;

use crate::ask::{get, rules};
use crate::recorder::Recorder;

#[tokio::test]
async fn a_stored_copy_is_refused_too() {
    let source = Recorder::saying("module example.com/m\n");
    let fill = FillLayer::new(Storage::memory()).area(Area::Included);
    let fills = fill.fills();
    let refused = Arc::new(AtomicBool::new(false));
    let policy = {
        let refused = Arc::clone(&refused);
        policy_fn(move |_, _| match refused.load(Ordering::Relaxed) {
            true => Rule::exclude(),
            false => Rule::include(),
        })
    };
    let app = FilterLayer::new(policy, fill.layer(source.clone())).layer(Recorder::saying(""));
    let uri = "/example.com/m/@v/v1.0.0.mod";

    assert_eq!(get(&app, uri).await.status, StatusCode::OK);
    fills.idle().await;
    assert_eq!(
        get(&app, uri).await.header("cache-status"),
        "tower-goproxy; hit"
    );
    refused.store(true, Ordering::Relaxed);
    let answer = get(&app, uri).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(answer.header("cache-status"), "");
    refused.store(false, Ordering::Relaxed);
    assert_eq!(
        get(&app, uri).await.header("cache-status"),
        "tower-goproxy; hit"
    );
    assert_eq!(source.seen().len(), 1);
}

#[tokio::test]
async fn a_version_is_refused_before_the_source_is_asked_and_its_neighbours_are_filled() {
    let source = Recorder::saying("module example.com/m\n");
    let fill = FillLayer::new(Storage::memory()).area(Area::Included);
    let app = ServiceBuilder::new()
        .layer(FilterLayer::new(
            rules("- example.com/m v1.1.0"),
            fill.layer(source.clone()),
        ))
        .service(Recorder::saying(""));
    for file in ["v1.1.0.info", "v1.1.0.zip"] {
        let answer = get(&app, &format!("/example.com/m/@v/{file}")).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
    assert!(source.is_untouched());
    for file in ["v1.1.0.mod", "v1.1.1.mod"] {
        let uri = format!("/example.com/m/@v/{file}");
        assert_eq!(get(&app, &uri).await.text, "module example.com/m\n");
        assert_eq!(source.uris().pop(), Some(uri));
    }
}

#[tokio::test]
async fn a_module_that_has_become_direct_is_not_served_from_the_public_copy() {
    let public = Recorder::saying("module example.com/m\n");
    let private = Recorder::saying("module example.com/m // ours\n");
    let fill = FillLayer::new(Storage::memory());
    let fills = fill.fills();
    let include = fill.clone().area(Area::Included).layer(public.clone());
    let direct = fill.area(Area::Direct).layer(private);
    for (text, found, asked) in [
        ("+", "module example.com/m\n", 1),
        ("+", "module example.com/m\n", 1),
        ("D example.com/m v2", "module example.com/m // ours\n", 1),
        ("D example.com", "module example.com/m // ours\n", 1),
    ] {
        let app = FilterLayer::new(rules(text), include.clone()).layer(direct.clone());
        let answer = get(&app, "/example.com/m/@v/v1.0.0.mod").await;
        assert_eq!(answer.text, found, "{text}");
        fills.idle().await;
        assert_eq!(public.seen().len(), asked, "{text}");
    }
}
