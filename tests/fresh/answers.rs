//! What of a source's answer reaches a client.

use http::StatusCode;
use tower_goproxy::Storage;

use super::fixtures::{ASKED, HIT, LATEST, LIST, MAIN, Proxy, Script, info};
use super::support::{Answer, ask, get, within, within_minutes};

#[tokio::test(start_paused = true)]
async fn of_a_sources_headers_none_reaches_a_client() {
    within(async {
        let script = Script::default();
        let names = [
            "x-accel-redirect",
            "x-sendfile",
            "location",
            "set-cookie",
            "access-control-allow-origin",
            "digest",
            "content-digest",
            "repr-digest",
            "content-md5",
            "x-checksum-sha1",
            "last-modified",
            "etag",
            "refresh",
        ];
        for path in [LIST, LATEST, MAIN] {
            let answer = if path == LIST {
                Answer::new(["v1.0.0\n"])
            } else {
                info("v1.0.0")
            };
            let answer = answer
                .header("content-type", "text/html")
                .header("cache-control", "max-age=31536000");
            script.set(
                path,
                names
                    .iter()
                    .fold(answer, |answer, name| answer.header(name, "x")),
            );
        }
        let proxy = Proxy::new(&Storage::memory(), &script.source());
        for path in [LIST, LATEST, MAIN] {
            let got = proxy.get(path).await;
            let mut found: Vec<_> = got.headers.keys().map(|name| name.as_str()).collect();
            found.sort_unstable();
            assert_eq!(
                found,
                [
                    "cache-control",
                    "cache-status",
                    "content-length",
                    "content-type"
                ]
            );
            let kind = if path == LIST {
                "text/plain; charset=utf-8"
            } else {
                "application/json"
            };
            assert_eq!(got.headers["content-type"], kind);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_the_go_command_would_stumble_over_is_none() {
    within(async {
        let script = Script::default();
        let long = format!(
            "{{\"Version\":\"v1.0.0\",\"x\":\"{}\"}}",
            "x".repeat(1 << 20)
        );
        let source = script.source();
        let proxy = Proxy::new(&Storage::memory(), &source);
        for answer in [
            Answer::new(["{}"]),
            Answer::new(["{\"Version\":\"main\"}"]),
            Answer::new(["{\"Version\":\"v3.0.0\"}"]),
            Answer::new(["<html>"]),
            Answer::new([long.clone()]),
            Answer::new([long]).framing(super::support::Framing::Chunked),
            info("v1.0.0").status(StatusCode::PARTIAL_CONTENT),
        ] {
            for path in [LATEST, MAIN] {
                script.set(path, answer.clone());
                assert_eq!(proxy.get(path).await.status, StatusCode::BAD_GATEWAY);
            }
        }
        // A version of before modules is asked for without its suffix.
        script.set("/example.com/m/@v/v3.0.0.info", info("v3.0.0+incompatible"));
        assert_eq!(
            proxy.get("/example.com/m/@v/v3.0.0.info").await.status,
            StatusCode::OK
        );
        script.set(LIST, Answer::new(["v1.0.0\n".repeat((16 << 20) / 7 + 1)]));
        assert_eq!(proxy.get(LIST).await.status, StatusCode::BAD_GATEWAY);
        script.set(LIST, Answer::new(["v1.0.0\n".repeat(1 << 20)]));
        assert_eq!(proxy.get(LIST).await.all(), (200, "v1.0.0\n", ASKED));
    })
    .await;
}

/// What a registry calls private, in the answer or in a file that is added to it.
#[tokio::test(start_paused = true)]
async fn what_a_registry_calls_private_is_for_no_shared_cache() {
    within(async {
        let private = |answer: Answer| answer.header("cache-control", "private");
        for is_list in [true, false] {
            let script = Script::default();
            script.add("example.com/m", "v1.0.0");
            let listed = Answer::new(["v1.1.0\n"]);
            script.set(LIST, if is_list { private(listed) } else { listed });
            if !is_list {
                let at = "/example.com/m/@v/v1.0.0";
                let go_mod = Answer::new(["module example.com/m\n"]);
                script.set(&format!("{at}.info"), private(info("v1.0.0")));
                script.set(&format!("{at}.mod"), private(go_mod));
            }
            let proxy = Proxy::new(&Storage::memory(), &script.source());
            for extension in ["info", "mod"] {
                let path = format!("/example.com/m/@v/v1.0.0.{extension}");
                assert_eq!(proxy.get(&path).await.status, StatusCode::OK);
            }
            proxy.idle().await;
            for _ in 0..2 {
                let got = proxy.get(LIST).await;
                assert_eq!(got.body, "v1.0.0\nv1.1.0\n");
                assert_eq!(got.headers["cache-control"], "private, max-age=60");
            }
            proxy.idle().await;
        }
    })
    .await;
}

/// On one thread: whoever put the list in order there would have it alone.
#[tokio::test]
async fn others_are_answered_while_a_long_list_is_put_in_order() {
    within_minutes(async {
        let script = Script::default();
        let line = |n: u32| format!("v1.{n}.0-{}\n", "x".repeat(90));
        let list: String = (0..20_000).rev().map(line).collect();
        script
            .set(LIST, Answer::new([list]))
            .set(LATEST, info("v1.0.0"));
        let source = script.source();
        let proxy = Proxy::new(&Storage::memory(), &source);
        proxy.get(LATEST).await;
        proxy.idle().await;
        let app = proxy.app.clone();
        let before = source.requests().total();
        let listed = tokio::spawn(async move { ask(&app, get(LIST)).await.status() });
        source.requests().arrived(before + 1).await;
        source.let_go().await;
        let mut hits = 0;
        while !listed.is_finished() {
            assert_eq!(proxy.get(LATEST).await.state(), HIT);
            hits += 1;
            tokio::task::yield_now().await;
        }
        assert_eq!(listed.await.unwrap(), StatusCode::OK);
        assert!(hits > 50, "{hits}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_long_list_is_whole_in_whatever_parts_it_arrives() {
    within(async {
        let script = Script::default();
        let source = script.source();
        let proxy = Proxy::new(&Storage::memory(), &source);
        let list: String = (0..50_000).map(|n| format!("v1.{n}.0\n")).collect();
        for part in [1_000, 70_000, 300_000, list.len()] {
            script.set(LIST, Answer::in_parts(list.clone(), part));
            let got = proxy.get(LIST).await;
            assert_eq!(got.body.len(), list.len(), "in parts of {part}");
            assert!(got.body == list, "in parts of {part}");
        }
    })
    .await;
}
