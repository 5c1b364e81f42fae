//! The files of one version, as they are answered.

use http::{Method, StatusCode};
use serde_json::json;

use crate::setup::{HELLO, Setup, ask};

#[tokio::test]
async fn all_resources_of_a_tagged_module() {
    let setup = Setup::new();
    let repo = setup.hello();
    repo.tag("v1.0.0");
    let info = json!({
        "Version": "v1.0.0",
        "Time": "2024-01-02T03:04:05Z",
        "Origin": {
            "VCS": "git",
            "URL": "https://example.com/team/hello",
            "Hash": repo.git(&["rev-parse", "HEAD"]),
            "Ref": "refs/tags/v1.0.0",
        },
    });
    assert_eq!(setup.json(&format!("/{HELLO}/@latest")).await, info);
    assert_eq!(setup.json(&format!("/{HELLO}/@v/v1.0.0.info")).await, info);
    assert_eq!(
        setup.text(&format!("/{HELLO}/@v/v1.0.0.mod")).await,
        "module example.com/team/hello.git\n\ngo 1.20\n"
    );
    for (name, content_type) in [
        ("@v/list", "text/plain; charset=utf-8"),
        ("@latest", "application/json"),
        ("@v/main.info", "application/json"),
        ("@v/v1.0.0.info", "application/json"),
        ("@v/v1.0.0.mod", "text/plain; charset=utf-8"),
        ("@v/v1.0.0.zip", "application/zip"),
    ] {
        let path = format!("/{HELLO}/{name}");
        let answer = setup.get(&path).await;
        assert_eq!(answer.status, 200, "{name}");
        assert_eq!(answer.headers["content-type"], content_type);
        let len = answer.body.len().to_string();
        assert_eq!(answer.headers["content-length"], len.as_str(), "{name}");
        let head = ask(&setup.goget, Method::HEAD, &path).await;
        assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0));
        assert_eq!(head.headers, answer.headers);
    }
}

/// The info of a query holds what is so of the version, not of what was asked for.
#[tokio::test]
async fn the_branch_that_was_asked_for_is_no_origin_of_a_tagged_version() {
    let setup = Setup::new();
    let repo = setup.hello();
    repo.tag("v1.0.0");
    let info = setup.json(&format!("/{HELLO}/@v/main.info")).await;
    assert_eq!(info["Version"], "v1.0.0");
    assert_ne!(info["Origin"]["Ref"], "refs/heads/main");
    repo.commit("two");
    let info = setup.json(&format!("/{HELLO}/@v/main.info")).await;
    assert_ne!(info["Version"], "v1.0.0");
    assert!(info["Origin"].get("Ref").is_none(), "{info}");
}

/// For a minute, so that the files of a version come out of one run.
#[tokio::test]
async fn what_was_requested_needs_no_repository_for_a_minute() {
    let setup = Setup::new();
    setup.hello().tag("v1.0.0");
    let mut files = Vec::new();
    for extension in ["info", "mod", "zip"] {
        let path = format!("/{HELLO}/@v/v1.0.0.{extension}");
        files.push((setup.get(&path).await.body, path));
    }
    std::fs::remove_dir_all(setup.repos.root().join("team")).unwrap();
    for (body, path) in &files {
        assert_eq!(setup.get(path).await.body, body, "{path}");
    }
    setup.forget().await;
    for (_, path) in &files {
        assert_ne!(setup.get(path).await.status, 200, "{path}");
    }
}

/// All that there is in the folder between runs.
#[tokio::test]
async fn a_run_leaves_nothing_but_clones() {
    let setup = Setup::new();
    setup.hello().tag("v1.0.0");
    for file in ["list", "v1.0.0.info", "v1.0.0.zip", "v1.1.0.zip"] {
        setup.get(&format!("/{HELLO}/@v/{file}")).await;
    }
    let entries = std::fs::read_dir(setup.folder.path()).unwrap().flatten();
    let names: Vec<_> = entries
        .map(|entry| entry.file_name().into_string().unwrap())
        .filter(|name| !name.starts_with("old-"))
        .collect();
    assert_eq!(names, ["clones"]);
    assert_eq!(setup.clones().len(), 1);
}

#[tokio::test]
async fn a_zip_beyond_the_bound_is_served_and_not_kept() {
    let setup = Setup::new().with(|settings| settings.max_kept_size(100));
    setup.hello().tag("v1.0.0");
    let zip = format!("/{HELLO}/@v/v1.0.0.zip");
    assert_eq!(setup.get(&zip).await.status, 200);
    std::fs::remove_dir_all(setup.repos.root().join("team")).unwrap();
    assert_ne!(setup.get(&zip).await.status, 200);
}

#[tokio::test]
async fn a_tag_that_moves_gives_no_zip_of_another_commit_than_the_info() {
    let setup = Setup::new();
    let repo = setup.hello();
    repo.tag("v1.0.0");
    let path = |extension: &str| format!("/{HELLO}/@v/v1.0.0.{extension}");
    let info = setup.json(&path("info")).await;
    let moved = repo.commit("two");
    repo.git(&["tag", "-f", "v1.0.0"]);
    // A clone of before still has the old one.
    std::fs::remove_dir_all(setup.folder.path().join("clones")).unwrap();
    let answer = setup.get(&path("zip")).await;
    crate::errors::assert_error(&answer, 502, "has moved to another commit");
    assert_eq!(setup.json(&path("info")).await, info);
    setup.forget().await;
    assert_eq!(setup.get(&path("zip")).await.status, 200);
    assert_eq!(setup.json(&path("info")).await["Origin"]["Hash"], moved);
}

#[tokio::test]
async fn the_head_of_a_zip_makes_none() {
    let setup = Setup::new();
    setup.hello().tag("v1.0.0");
    let zip = format!("/{HELLO}/@v/v1.0.0.zip");
    let head = ask(&setup.goget, Method::HEAD, &zip).await;
    assert_eq!(head.status, 200);
    assert_eq!(head.headers["content-type"], "application/zip");
    assert!(!head.headers.contains_key("content-length"));
    let none = zip.replace("v1.0.0", "v1.0.1");
    assert_eq!(ask(&setup.goget, Method::HEAD, &none).await.status, 404);
    // With one that is there, its length is known.
    let len = setup.get(&zip).await.body.len().to_string();
    let head = ask(&setup.goget, Method::HEAD, &zip).await;
    assert_eq!(head.headers["content-length"], len.as_str());
}
