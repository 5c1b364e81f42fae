use std::time::Duration;

use http::StatusCode;
use tokio::time::advance;
use tower_goproxy::Storage;

use super::fixtures::{LATEST, LIST, Proxy, STALE, Script, broken, info, not_found};
use super::support::{Answer, within};

const MINUTE: Duration = Duration::from_secs(60);
const PSEUDO: &str = "v0.0.0-20240102030405-abcdef012345";

async fn fetch(proxy: &Proxy, version: &str, extensions: &[&str]) {
    for extension in extensions {
        let got = proxy
            .get(&format!("/example.com/m/@v/{version}.{extension}"))
            .await;
        assert_eq!(got.status, StatusCode::OK);
    }
    proxy.idle().await;
}

on_each_storage! {
    async fn a_list_is_what_the_source_says_united_with_what_is_stored(storage: Storage) {
        let script = Script::default();
        for version in ["v1.0.0", "v1.1.0", "v1.2.0", PSEUDO] {
            script.add("example.com/m", version);
        }
        let source = script.source();
        let proxy = Proxy::new(&storage, &source);
        fetch(&proxy, "v1.0.0", &["info", "mod"]).await;
        fetch(&proxy, "v1.1.0", &["mod"]).await;
        // Its other two files are fetched behind it.
        fetch(&proxy, "v1.2.0", &["zip"]).await;
        fetch(&proxy, PSEUDO, &["info", "mod"]).await;
        script.set(LIST, Answer::new([format!("v1.10.0\nv1.9.0-rc.1\nv1\n{PSEUDO}\nv1.9.0-rc.1\n")]));
        let listed = proxy.get(LIST).await;
        assert_eq!(listed.body, "v1.0.0\nv1.2.0\nv1.9.0-rc.1\nv1.10.0\n");
        // What is being written must not find that it has taken minutes.
        proxy.idle().await;
        // The source has lost the module, and then it is away.
        script.set(LIST, not_found());
        advance(5 * MINUTE).await;
        assert_eq!(proxy.get(LIST).await.body, "v1.0.0\nv1.2.0\n");
        proxy.idle().await;
        script.down(broken());
        advance(5 * MINUTE).await;
        assert_eq!(proxy.get(LIST).await.all(), (200, "v1.0.0\nv1.2.0\n", STALE));
        proxy.idle().await;
        // Where nothing else is known, what cannot be had without the source is left out.
        let later = Proxy::new(&storage, &source);
        assert_eq!(later.get(LIST).await.all(), (200, "v1.2.0\n", STALE));
        let latest = later.get(LATEST).await;
        assert!(latest.body.contains("\"v1.2.0\""), "{}", latest.body);
        later.idle().await;
    }

    async fn an_unknown_module_is_404_and_a_known_one_without_tags_is_an_empty_list(storage: Storage) {
        let script = Script::default();
        script.add("example.com/m", PSEUDO);
        let source = script.source();
        let proxy = Proxy::new(&storage, &source);
        assert_eq!(proxy.get(LIST).await.status, StatusCode::NOT_FOUND);
        script.set(LIST, Answer::new([""])).set(LATEST, info(PSEUDO));
        advance(5 * MINUTE).await;
        let empty = proxy.get(LIST).await;
        assert_eq!((empty.status, &*empty.body), (StatusCode::OK, ""));
        proxy.idle().await;
        script.down(broken());
        // In this process and in the next one it stays what it is.
        for proxy in [&Proxy::new(&storage, &source), &proxy] {
            advance(5 * MINUTE).await;
            assert_eq!(proxy.get(LIST).await.all(), (200, "", STALE));
            assert_eq!(proxy.get("/example.com/other/@v/list").await.status, StatusCode::INTERNAL_SERVER_ERROR);
            proxy.idle().await;
        }
        script.down(None);
        // The source knows it no more, but a version of it is stored.
        script.set(LIST, not_found()).set(LATEST, not_found());
        fetch(&proxy, PSEUDO, &["info", "mod"]).await;
        advance(5 * MINUTE).await;
        let empty = proxy.get(LIST).await;
        assert_eq!((empty.status, &*empty.body), (StatusCode::OK, ""));
        assert!(proxy.get(LATEST).await.body.contains(PSEUDO));
        proxy.idle().await;
    }

    async fn a_newer_list_and_an_older_latest_do_not_stand_beside_each_other(storage: Storage) {
        let script = Script::default();
        script.set(LIST, Answer::new(["v1.0.0\n"])).set(LATEST, info("v1.0.0"));
        let source = script.source();
        let proxy = Proxy::new(&storage, &source);
        proxy.get(LIST).await;
        proxy.idle().await;
        advance(MINUTE / 2).await;
        proxy.get(LATEST).await;
        proxy.idle().await;
        script.set(LIST, Answer::new(["v1.0.0\nv1.1.0\n"])).set(LATEST, info("v1.1.0"));
        // The older one is still fresh by itself.
        advance(MINUTE - Duration::from_secs(1)).await;
        proxy.get(LIST).await;
        proxy.idle().await;
        assert!(proxy.get(LIST).await.body.contains("v1.1.0"));
        assert!(proxy.get(LATEST).await.body.contains("v1.1.0"));
        proxy.idle().await;
    }

    async fn a_source_without_latest_leaves_it_to_its_list(storage: Storage) {
        let script = Script::default();
        let (old, new) = ("v1.2.4-0.20230102030405-abcdef012345", PSEUDO);
        script.add("example.com/m", old).add("example.com/m", new).add("example.com/m", "v1.0.0");
        let source = script.source();
        for (list, expected) in [
            (format!("{new}\n{old}\n"), Some(new)),
            (format!("{new}\n{old}\nv1.0.0\n"), Some("v1.0.0")),
            (String::new(), None),
        ] {
            script.set(LIST, Answer::new([list.clone()]));
            // Nothing of it is stored.
            let storage = match expected {
                None => Storage::memory(),
                Some(_) => storage.clone(),
            };
            let proxy = Proxy::new(&storage, &source);
            let listed = proxy.get(LIST).await;
            assert!(!listed.body.contains("v0.0.0") && !listed.body.contains(old), "{listed:?}");
            let latest = proxy.get(LATEST).await;
            match expected {
                Some(version) => assert!(latest.body.contains(&format!("\"{version}\"")), "{latest:?}"),
                None => assert_eq!(latest.status, StatusCode::NOT_FOUND),
            }
            proxy.idle().await;
        }
    }
}

/// Its list is no way around that.
#[tokio::test(start_paused = true)]
async fn a_source_that_refuses_latest_refuses_it() {
    within(async {
        let script = Script::default();
        script.add("example.com/m", "v1.0.0");
        script.set(LIST, Answer::new(["v1.0.0\n"]));
        let blocked = Answer::text(StatusCode::FORBIDDEN, "blocked");
        script.set(LATEST, blocked.header("cache-control", "no-cache"));
        let proxy = Proxy::new(&Storage::memory(), &script.source());
        proxy.get(LIST).await;
        let refused = proxy.get(LATEST).await;
        assert_eq!(
            (refused.status, &*refused.body),
            (StatusCode::FORBIDDEN, "blocked")
        );
        proxy.idle().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_list_and_a_latest_that_agree_are_asked_for_once() {
    within(async {
        let script = Script::default();
        let source = script.source();
        for (list, latest, asked) in [
            ("v1.0.0\nv1.1.0\n", "v1.1.0", 1),
            ("v1.0.0\nv1.1.0\n", "v1.0.0", 1),
            ("", PSEUDO, 1),
            ("v1.0.0\n", "v1.1.0", 2),
            ("v1.0.0\n", PSEUDO, 2),
        ] {
            script
                .set(LIST, Answer::new([list]))
                .set(LATEST, info(latest));
            source.requests().clear();
            let proxy = Proxy::new(&Storage::memory(), &source);
            for path in [LIST, LATEST, LIST, LATEST, LIST] {
                proxy.get(path).await;
                proxy.idle().await;
            }
            let requests = source.requests();
            let found = (requests.count(LIST), requests.count(LATEST));
            assert_eq!(found, (asked, 1), "{list} {latest}");
        }
    })
    .await;
}
