//! The go-get service behind a storage, and behind a filter.

use tower::Layer as _;
use tower_goproxy::Access;
use tower_goproxy::fill::FillLayer;
use tower_goproxy::filter::FilterLayer;
use tower_goproxy::policy::Rules;

use crate::scene::{HERS, HIS, Scene, all, ask, file};
use crate::support::{Kept, within_minutes};

#[tokio::test]
async fn what_alice_has_filled_is_not_readable_by_bob_or_by_nobody() {
    let (scene, kept) = (Scene::new().await, Kept::on_disk());
    let layer = FillLayer::new(kept.storage());
    let proxy = layer.layer(scene.goget.clone());
    for path in all(HERS) {
        ask(&proxy, Some(&scene.alice()), &path)
            .await
            .assert(200, "");
    }
    layer.fills().idle().await;
    for path in all(HERS) {
        ask(&proxy, Some(&scene.bob()), &path).await.assert(404, "");
        ask(&proxy, None, &path).await.assert(404, "");
    }
    layer.fills().idle().await;
    let names = kept.names().await;
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(
        names.iter().all(|name| name.starts_with("@for/")),
        "{names:?}"
    );
    // Hers are stored: they outlive the host.
    drop(scene.goget);
    scene.host.refuse("alice", "apple-pie");
    let zip = file(HERS, "zip");
    let alice = Access::new("alice");
    let answer = ask(&proxy, Some(&alice), &zip).await;
    assert_eq!(answer.header("cache-status"), "tower-goproxy; hit");
}

#[tokio::test]
async fn while_alice_fills_bob_and_nobody_do_not_attach() {
    let scene = Scene::new().await;
    let proxy = FillLayer::new(Kept::in_memory().storage()).layer(scene.goget.clone());
    scene.host.hold("alice", "apple-pie");
    let first = tokio::spawn({
        let (proxy, alice) = (proxy.clone(), scene.alice());
        async move { ask(&proxy, Some(&alice), &file(HERS, "zip")).await }
    });
    scene.host.waiting(1).await;
    for who in [Some(scene.bob()), None] {
        let answer = within_minutes(ask(&proxy, who.as_ref(), &file(HERS, "zip"))).await;
        answer.assert(404, "");
    }
    scene.host.release();
    within_minutes(first).await.unwrap().assert(200, "");
}

#[tokio::test]
async fn a_shared_layer_gives_to_all_what_one_may_read() {
    let scene = Scene::new().await;
    let layer = FillLayer::new(Kept::in_memory().storage()).shared();
    let proxy = layer.layer(scene.goget.clone());
    ask(&proxy, Some(&scene.alice()), &file(HERS, "zip"))
        .await
        .assert(200, "");
    layer.fills().idle().await;
    for who in [Some(scene.bob()), None] {
        let answer = ask(&proxy, who.as_ref(), &file(HERS, "zip")).await;
        assert_eq!(answer.header("cache-status"), "tower-goproxy; hit");
    }
    // What is no file comes from the source, which still asks who it is for.
    let list = format!("/{HERS}/@v/list");
    ask(&proxy, Some(&scene.bob()), &list).await.assert(404, "");
}

#[tokio::test]
async fn a_filter_in_front_lets_the_owner_through() {
    let scene = Scene::new().await;
    let rules = Rules::parse("D\nD github.com/team/his v1.0.0").unwrap();
    let layer = FillLayer::new(Kept::in_memory().storage());
    let nothing = layer.layer(scene.goget.clone());
    let proxy = FilterLayer::new(rules, nothing).layer(layer.layer(scene.goget.clone()));
    for (module, owner, stranger) in [
        (HERS, scene.alice(), scene.bob()),
        (HIS, scene.bob(), scene.alice()),
    ] {
        for path in all(module) {
            let answer = ask(&proxy, Some(&owner), &path).await;
            answer.assert(200, "");
            assert!(answer.header("cache-control").contains("private"), "{path}");
            ask(&proxy, Some(&stranger), &path).await.assert(404, "");
        }
    }
}
