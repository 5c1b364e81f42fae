//! What a proxy's answer makes the go command do.

use http::{Method, StatusCode};
use tower::Layer as _;
use tower_goproxy::filter::FilterLayer;
use tower_goproxy::fresh::FreshLayer;
use tower_goproxy::policy::Rules;
use tower_goproxy::{NotFound, Storage};

use super::fixtures::{LATEST, LIST, Proxy, Script, broken, info};
use super::go::{Proxied, add, list, project, registry};
use super::support::go::Output;
use super::support::{Answer, Client, ask, request, whole};

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

/// If the highest compatible version has a go.mod, go looks no further.
#[tokio::test]
async fn an_incompatible_version_is_latest_where_it_is_for_go() {
    let (made_up, own) = (
        "module example.com/m\n",
        "module example.com/m\n\ngo 1.20\n",
    );
    let (old, old_rc) = ("v2.0.0+incompatible", "v2.0.0-rc.1+incompatible");
    for (versions, expected) in [
        (&[("v1.0.0-rc.1", own), (old, made_up)][..], "v1.0.0-rc.1"),
        (&[("v1.0.0", made_up), (old, made_up)], old),
        (
            &[("v1.0.0", own), ("v1.1.0-rc.1", made_up), (old, made_up)],
            old,
        ),
        (
            &[("v1.0.0", made_up), ("v1.1.0-rc.1", own), (old, made_up)],
            "v1.0.0",
        ),
        (&[("v1.0.0", made_up), (old_rc, made_up)], "v1.0.0"),
        (&[("v1.0.0-rc.1", made_up), (old_rc, made_up)], old_rc),
    ] {
        let script = Script::default();
        for (version, go_mod) in versions {
            add(&script, "example.com/m", version, go_mod, &[]);
        }
        let names: Vec<_> = versions.iter().map(|(version, _)| *version).collect();
        list(&script, "example.com/m", &names.join("\n"));
        let registry = registry(&script).await;
        let chosen = version_of(&registry.url(), "latest").await;
        assert_eq!(chosen.stdout.trim(), expected, "{}", chosen.stderr);
        registry.shutdown().await;
        let is_latest = |latest: &str, of: &str| {
            let named = format!("\"{expected}\"");
            assert!(latest.contains(&named), "{of}: {latest} of {versions:?}");
        };
        let storage = Storage::memory();
        let source = script.source();
        let proxy = Proxy::new(&storage, &source);
        // It has no `@latest`, so that is made of the list.
        proxy.get(LIST).await;
        is_latest(&proxy.get(LATEST).await.body, "the list");
        for version in names {
            proxy.get(&format!("/example.com/m/@v/{version}.zip")).await;
        }
        proxy.idle().await;
        let fresh = FreshLayer::new(storage.clone()).offline();
        let offline = Proxy::with(fresh, &storage, &source);
        is_latest(&offline.get(LATEST).await.body, "the storage");
        // The latest version of the registry is another one, which is excluded.
        script.set(LATEST, info("v1.9.0"));
        let rules = Rules::parse("- example.com/m v1.9.0").unwrap();
        let proxy = Proxy::new(&Storage::memory(), &source);
        let filtered = FilterLayer::new(rules, proxy.app).layer(NotFound);
        let latest = ask(&filtered, request(Method::GET, LATEST, &[])).await;
        let latest = whole(latest.into_body()).await.unwrap();
        is_latest(&String::from_utf8_lossy(&latest), "the filter");
    }
}
