//! What a proxy's answer makes the go command do.

use http::StatusCode;
use tower_goproxy::Storage;

use super::fixtures::{Script, broken};
use super::go::{Proxied, add, list, project, registry};
use super::support::go::Output;
use super::support::{Answer, Client};

const LISTED: [&str; 6] = [
    "list",
    "-m",
    "-versions",
    "-retracted",
    "-f",
    "{{.Versions}}",
];

async fn versions(proxy: &str) -> String {
    let mut args = LISTED.to_vec();
    args.push("example.com/m");
    Client::new(proxy).go(&args).await.stdout.trim().to_owned()
}

async fn version_of(proxy: &str, query: &str) -> Output {
    let module = format!("example.com/m@{query}");
    Client::new(proxy)
        .try_go(&["list", "-m", "-f", "{{.Version}}", &module])
        .await
}

/// What a list may hold, and what go makes of ours.
#[tokio::test]
async fn lists_that_go_would_stumble_over_are_put_right() {
    let script = Script::default();
    for version in ["v1.0.0", "v1.1.0", "v1.2.0-rc.1"] {
        add(
            &script,
            "example.com/m",
            version,
            "module example.com/m\n",
            &[],
        );
    }
    let registry = registry(&script).await;
    for (text, expected, latest) in [
        (
            "v1.1.0\r\n\r\n  v1.0.0  \nv1.2.0-rc.1",
            "[v1.0.0 v1.1.0 v1.2.0-rc.1]",
            "v1.1.0",
        ),
        ("v1.0.0\nv1.0.0\nv1.0.0\n", "[v1.0.0]", "v1.0.0"),
        ("v1\nv1.0\nv1.0.0\n", "[v1.0.0]", "v1.0.0"),
        ("v1.0.0+meta\nv2.0.0\nv1.0.0\n", "[v1.0.0]", "v1.0.0"),
        (
            "v0.0.0-20240102030405-abcdef012345\nv1.0.0\n",
            "[v1.0.0]",
            "v1.0.0",
        ),
        (
            "v1.1.0 2020-01-02T03:04:05Z\nv1.0.0 x\n",
            "[v1.0.0 v1.1.0]",
            "v1.1.0",
        ),
        (
            "<html>\nv1.0.0</html>\n{\"a\":1}\nv1.0.0,v1.1.0\nv1.0.0\n",
            "[v1.0.0]",
            "v1.0.0",
        ),
    ] {
        list(&script, "example.com/m", text);
        let proxy = Proxied::start(&Storage::memory(), &registry.url(), |layer| layer).await;
        assert_eq!(versions(&proxy.server.url()).await, expected, "{text:?}");
        let found = version_of(&proxy.server.url(), "latest").await;
        assert_eq!(found.stdout.trim(), latest, "{text:?}: {}", found.stderr);
    }
    registry.shutdown().await;
}

/// The warning is in the go.mod of the highest version, which is retracted itself.
#[tokio::test]
async fn a_retracted_version_stays_in_the_list_so_that_go_warns() {
    let script = Script::default();
    add(
        &script,
        "example.com/m",
        "v1.1.0",
        "module example.com/m\n",
        &[],
    );
    add(
        &script,
        "example.com/m",
        "v1.2.0",
        "module example.com/m\n\nretract [v1.1.0, v1.2.0] // broken\n",
        &[],
    );
    list(&script, "example.com/m", "v1.1.0\nv1.2.0\n");
    let registry = registry(&script).await;
    let storage = Storage::memory();
    for is_up in [true, false] {
        let proxy = Proxied::start(&storage, &registry.url(), |layer| layer).await;
        let dir = project("module example.com/program\n", "");
        let got = Client::new(proxy.server.url())
            .run_in(dir.path(), &["get", "example.com/m@v1.1.0"])
            .await;
        assert!(
            got.success && got.stderr.contains("retracted by module author: broken"),
            "{is_up}: {}",
            got.stderr
        );
        proxy.idle().await;
        script.down(broken());
    }
    registry.shutdown().await;
}

/// List and `@latest` together decide, the first time and out of memory.
#[tokio::test]
async fn an_empty_list_and_none_mean_what_they_mean() {
    let pseudo = "v0.0.0-20240102030405-abcdef012345";
    let empty = Answer::new([""]);
    let latest = || Answer::new([format!("{{\"Version\":\"{pseudo}\"}}")]);
    let status = |status| Answer::text(StatusCode::from_u16(status).unwrap(), "said so");
    let other = Script::default();
    add(
        &other,
        "example.com/m",
        "v9.0.0+incompatible",
        "module example.com/m\n",
        &[],
    );
    other.set(
        "/example.com/m/@v/v9.0.0+incompatible.mod",
        Answer::new(["module example.com/m\n"]),
    );
    list(&other, "example.com/m", "v9.0.0+incompatible\n");
    let other = registry(&other).await;
    for (list, latest, expected) in [
        (empty.clone(), latest(), Ok(pseudo)),
        (empty.clone(), status(404), Err("no matching versions")),
        (empty.clone(), status(410), Err("no matching versions")),
        (empty.clone(), status(403), Err("403 Forbidden")),
        (empty.clone(), status(500), Err("502 Bad Gateway")),
        (status(404), latest(), Ok("v9.0.0+incompatible")),
        (status(410), latest(), Ok("v9.0.0+incompatible")),
        (status(403), latest(), Err("403 Forbidden")),
        (status(500), latest(), Err("502 Bad Gateway")),
    ] {
        let script = Script::default();
        script.add("example.com/m", pseudo);
        script
            .set("/example.com/m/@v/list", list.clone())
            .set("/example.com/m/@latest", latest.clone());
        let registry = registry(&script).await;
        let proxy = Proxied::start(&Storage::memory(), &registry.url(), |layer| layer).await;
        for separator in [",", "|"] {
            let goproxy = format!("{}{separator}{}", proxy.server.url(), other.url());
            let straight = format!("{}{separator}{}", registry.url(), other.url());
            let straight = version_of(&straight, "latest").await;
            for turn in 0..2 {
                let found = version_of(&goproxy, "latest").await;
                let what = format!(
                    "{list:?} {latest:?} {separator} {turn}: {} {}",
                    found.stdout, found.stderr
                );
                assert_eq!(
                    (found.success, &found.stdout),
                    (straight.success, &straight.stdout),
                    "{what}"
                );
                match expected {
                    Ok(version) => assert_eq!(found.stdout.trim(), version, "{what}"),
                    Err(text) if separator == "," => assert!(found.stderr.contains(text), "{what}"),
                    // Behind a bar an error of any kind leads on.
                    Err(_) => assert_eq!(found.stdout.trim(), "v9.0.0+incompatible", "{what}"),
                }
            }
        }
        registry.shutdown().await;
    }
    other.shutdown().await;
}

/// What the go command would believe, or crash over.
#[tokio::test]
async fn the_info_of_a_query_names_a_version_that_go_can_use() {
    let script = Script::default();
    script
        .add("example.com/m", "v3.0.0+incompatible")
        .add("example.com/m", "v1.0.0");
    let registry = registry(&script).await;
    let proxy = Proxied::start(&Storage::memory(), &registry.url(), |layer| layer).await;
    for (query, body, expected) in [
        (
            "good",
            "{\"version\":\"v1.0.0\",\"time\":\"2024-01-02T03:04:05.5+02:00\",\"x\":[1]} \n",
            Some("v1.0.0"),
        ),
        (
            "twice",
            "{\"Version\":\"v0.1.0\",\"Version\":\"v1.0.0\"}",
            Some("v1.0.0"),
        ),
        (
            "v3.0.0",
            "{\"Version\":\"v3.0.0+incompatible\"}",
            Some("v3.0.0+incompatible"),
        ),
        ("wrong", "{\"Version\":\"v3.0.0\"}", None),
        ("branch", "{\"Version\":\"main\"}", None),
        ("empty", "{}", None),
        ("null", "null", None),
        ("array", "[]", None),
        ("time", "{\"Version\":\"v1.0.0\",\"Time\":\"\"}", None),
        (
            "origin",
            "{\"Version\":\"v1.0.0\",\"Origin\":\"git\"}",
            None,
        ),
        ("more", "{\"Version\":\"v1.0.0\"} x", None),
        ("bom", "\u{feff}{\"Version\":\"v1.0.0\"}", None),
    ] {
        script.set(
            &format!("/example.com/m/@v/{query}.info"),
            Answer::new([body]),
        );
        let found = version_of(&proxy.server.url(), query).await;
        match expected {
            Some(version) => assert_eq!(found.stdout.trim(), version, "{query}: {}", found.stderr),
            None => assert!(
                !found.success && found.stderr.contains("502"),
                "{query}: {}",
                found.stderr
            ),
        }
    }
    let found = version_of(&proxy.server.url(), "v1.0.0+meta").await;
    assert_eq!(found.stdout.trim(), "v1.0.0", "{}", found.stderr);
    registry.shutdown().await;
}
